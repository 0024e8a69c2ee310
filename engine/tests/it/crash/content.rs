//! One SSTable, as far as a rewrite must keep it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// What must be the same before and after, whatever happens in between.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Content {
    plaintext: Vec<u8>,
    /// Component to content, or to `None` for what a rewrite writes itself.
    pub(crate) components: BTreeMap<String, Option<Vec<u8>>>,
    pub(crate) toc: BTreeSet<String>,
    /// Of all files; a node runs as another user than root.
    modes: BTreeSet<u32>,
    owners: BTreeSet<(u32, u32)>,
}

impl Content {
    /// Of the files with a prefix such as `.../oa-2-big-`, whose rows were already read.
    pub(crate) fn read(prefix: &str, plaintext: Vec<u8>) -> Self {
        let rewritten = ["Data.db", "CompressionInfo.db", "Digest.crc32", "TOC.txt"];
        let mut content = Self {
            plaintext,
            components: BTreeMap::new(),
            toc: BTreeSet::new(),
            modes: BTreeSet::new(),
            owners: BTreeSet::new(),
        };
        for entry in fs::read_dir(Path::new(prefix).parent().unwrap()).unwrap() {
            let path = entry.unwrap().path();
            let Some(component) = path.to_str().unwrap().strip_prefix(prefix) else { continue };
            let metadata = fs::metadata(&path).unwrap();
            let carried = (!rewritten.contains(&component)).then(|| fs::read(&path).unwrap());
            content.components.insert(component.to_owned(), carried);
            content.modes.insert(metadata.mode() & 0o7777);
            content.owners.insert((metadata.uid(), metadata.gid()));
        }
        let toc = fs::read_to_string(format!("{prefix}TOC.txt")).unwrap();
        content.toc = toc.lines().map(str::to_owned).collect();
        content
    }

    fn differences(&self, original: &Self) -> Vec<&'static str> {
        let same = [
            ("rows", self.plaintext == original.plaintext),
            ("components", self.components == original.components),
            ("table of contents", self.toc == original.toc),
            ("modes", self.modes == original.modes),
            ("owners", self.owners == original.owners),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(what, _)| what).collect()
    }
}

/// Whether each original SSTable is there once, old or new; both are sorted. `live` are the prefixes of
/// what was found.
pub(crate) fn compare(
    found: &[Content],
    original: &[Content],
    live: &BTreeSet<String>,
) -> Result<(), String> {
    if found == original {
        return Ok(());
    }
    let names: Vec<_> = live.iter().filter_map(|prefix| prefix.rsplit('/').next()).collect();
    if found.len() != original.len() {
        return Err(format!("a node would load {} SSTables: {names:?}", found.len()));
    }
    let both = found.iter().zip(original);
    let changed: BTreeSet<_> =
        both.flat_map(|(found, original)| found.differences(original)).collect();
    Err(format!("a node would load {names:?}, with other {changed:?}"))
}
