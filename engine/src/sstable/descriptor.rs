//! File names of SSTables: `<version>-<id>-<format>-<component>` (FORMATS.md 1.1).

use std::fmt;
use std::path::{Path, PathBuf};

use super::component::Component;
use super::id::SSTableId;
use super::version::{Format, Version};

/// The part of the name that all files of an SSTable share.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Descriptor {
    /// The version letters as written; they may be unknown.
    pub version: String,
    /// The id.
    pub id: SSTableId,
    /// The index format.
    pub format: Format,
}

impl Descriptor {
    /// Parses `<version>-<id>-<format>`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, id, format) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        if version.is_empty() || !version.bytes().all(|b| b.is_ascii_lowercase()) {
            return None;
        }
        let format = match format {
            "big" => Format::Big,
            "bti" => Format::Bti,
            _ => return None,
        };
        Some(Self { version: version.to_owned(), id: SSTableId::parse(id)?, format })
    }

    /// The row of the version table, if it has one.
    #[must_use]
    pub fn version(&self) -> Option<&'static Version> {
        Version::find(&self.version, self.format)
    }

    /// The file name of a component.
    #[must_use]
    pub fn file_name(&self, component: &Component) -> String {
        format!("{self}-{component}")
    }

    /// The path of a component in a table directory.
    #[must_use]
    pub fn path(&self, directory: &Path, component: &Component) -> PathBuf {
        directory.join(self.file_name(component))
    }

    /// The same SSTable under another id.
    #[must_use]
    pub fn with_id(&self, id: SSTableId) -> Self {
        Self { version: self.version.clone(), id, format: self.format }
    }
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.version, self.id, self.format.name())
    }
}

/// Splits a file name into SSTable and component; `None` when it is not an SSTable's.
///
/// Names that end in `.tmp` are leftovers that the database deletes at its start, not
/// components.
#[must_use]
pub fn parse_file_name(name: &str) -> Option<(Descriptor, Component)> {
    let (prefix, component) = name.rsplit_once('-')?;
    if component.is_empty() || component.ends_with(TEMPORARY) {
        return None;
    }
    Some((Descriptor::parse(prefix)?, Component::parse(component)))
}

const TEMPORARY: &str = ".tmp";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_split_into_four_parts() {
        let (descriptor, component) = parse_file_name("nb-12-big-Data.db").unwrap();
        assert_eq!(descriptor.to_string(), "nb-12-big");
        assert_eq!(component, Component::Data);
        assert_eq!(descriptor.file_name(&Component::Toc), "nb-12-big-TOC.txt");
        assert_eq!(
            descriptor.with_id(SSTableId::Sequence(13)).path(Path::new("/d"), &Component::Digest),
            Path::new("/d/nb-13-big-Digest.crc32")
        );
        let (_, sai) =
            parse_file_name("da-3gm8_0t1d_01zr42s6tfz6mplgh7-bti-SAI+ca+Meta.db").unwrap();
        assert_eq!(sai, Component::Other("SAI+ca+Meta.db".into()));
        let (_, custom) = parse_file_name("nb-1-big-Custom").unwrap();
        assert_eq!(custom, Component::Other("Custom".into()), "no name needs an extension");
    }

    #[test]
    fn other_files_are_not_sstables() {
        for name in [
            "manifest.json",
            "nb-1-big",
            "nb-1-big-",
            "ks-t-ka-1-Data.db",
            "nb-1-big-Statistics.db.tmp",
            "NB-1-big-Data.db",
            "nb-x-big-Data.db",
            "nb-1-raw-Data.db",
            "nb-01-big-Data.db",
            "nb_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log",
        ] {
            assert_eq!(parse_file_name(name), None, "{name}");
        }
    }
}
