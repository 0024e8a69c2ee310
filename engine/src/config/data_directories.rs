//! The data directories that the node's own configuration names. Where a proof must cover all data,
//! none of them may be left out.
//!
//! `cassandra.yaml` is beside `hcd.yaml` or `dse.yaml`, in `cassandra/` below (packages), or in
//! `../../cassandra/conf/` (tarballs and images). `data_file_directories` and
//! `local_system_data_file_directory` are read from it, and the `paths` of the tiers of
//! `tiered_storage_options` from the file itself. Directories that no file names depend on how the
//! node is started, and are not guessed.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use super::yaml::{self, Mapping, Node, Value};
use super::{MAX_LENGTH, NodeConfig, not_yaml, read_file};
use crate::error::{Error, Result, ResultExt as _};
use crate::io::privileged;

/// A directory, and the place that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NamedDirectory {
    /// As written there.
    pub path: PathBuf,
    /// The file that names it.
    pub file: PathBuf,
    /// The line in it.
    pub line: usize,
}

impl NodeConfig {
    /// The data directories that this file and `cassandra.yaml` name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when one of the files cannot be read, since it may
    /// name some.
    pub fn data_directories(&self) -> Result<Vec<NamedDirectory>> {
        let (mut found, mut read) = (Vec::new(), BTreeSet::new());
        if let Some(own) = unless_absent(&self.path)? {
            found.extend(named_in(&own, &["tiered_storage_options"])?);
        }
        for place in
            ["cassandra.yaml", "cassandra/cassandra.yaml", "../../cassandra/conf/cassandra.yaml"]
        {
            for own in [Some(self.path.clone()), resolved(&self.path)] {
                let Some(file) = own.as_deref().and_then(Path::parent).map(|d| d.join(place))
                else {
                    continue;
                };
                // A configuration that is not a link is at both places.
                if let Some(file) = unless_absent(&file)?
                    && read.insert(resolved(&file).unwrap_or_else(|| file.clone()))
                {
                    found.extend(named_in(&file, &KEYS)?);
                }
            }
        }
        Ok(found)
    }
}

/// Without links; `None` if it does not exist.
fn resolved(path: &Path) -> Option<PathBuf> {
    privileged(|| std::fs::canonicalize(path)).ok()
}

fn unless_absent(file: &Path) -> Result<Option<PathBuf>> {
    match privileged(|| std::fs::metadata(file)) {
        Ok(_) => Ok(Some(file.to_owned())),
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::io("cannot look at the configuration", file, error)),
    }
}

/// The directories below these keys of a file.
fn named_in(file: &Path, keys: &[&str]) -> Result<Vec<NamedDirectory>> {
    let bytes = read_file(file, "the configuration file", MAX_LENGTH)?;
    let text = str::from_utf8(&bytes).map_err(|_not_text| {
        Error::invalid("not text in UTF-8").at(file).hint("save the file in UTF-8")
    })?;
    let tree = yaml::parse(text).map_err(|error| not_yaml(&error)).at(file)?;
    let Some(Value::Mapping(pairs)) = tree.as_deref().map(|node| &node.value) else {
        return Ok(vec![]);
    };
    let mut found = Vec::new();
    for &key in keys {
        let node = pairs.get(key).map_err(|line| twice(line, key)).at(file)?;
        if let Some(node) = node {
            gather(node, key == TIERS, &mut found);
        }
    }
    let named = |(line, path): (usize, &str)| NamedDirectory {
        path: PathBuf::from(path),
        file: file.to_owned(),
        line,
    };
    Ok(found.into_iter().map(named).collect())
}

/// The texts of a value; of tiers only those below `paths`.
fn gather<'a>(node: &'a Node, of_tiers: bool, found: &mut Vec<(usize, &'a str)>) {
    match &node.value {
        Value::Scalar(Some(text)) if !of_tiers => found.push((node.line, text)),
        Value::Sequence(items) => items.iter().for_each(|item| gather(item, of_tiers, found)),
        Value::Mapping(pairs) => inner(pairs, of_tiers, found),
        Value::Scalar(_) | Value::Tagged => {}
    }
}

fn inner<'a>(pairs: &'a Mapping, of_tiers: bool, found: &mut Vec<(usize, &'a str)>) {
    for (key, _, value) in pairs.iter() {
        gather(value, of_tiers && key != "paths", found);
    }
}

fn twice(line: usize, key: &str) -> Error {
    Error::invalid(format!("line {line}: {key} comes a second time")).hint("remove one of them")
}

const TIERS: &str = "tiered_storage_options";
const KEYS: [&str; 2] = ["data_file_directories", "local_system_data_file_directory"];

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create_new(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn named(own: &Path) -> Vec<String> {
        let config = NodeConfig::read(own).unwrap();
        let found = config.data_directories().unwrap();
        found.into_iter().map(|found| format!("{}:{}", found.path.display(), found.line)).collect()
    }

    #[test]
    fn cassandra_yaml_is_found_in_each_form_of_the_product() {
        for (own, cassandra) in [
            ("hcd.yaml", "cassandra.yaml"),
            ("hcd.yaml", "cassandra/cassandra.yaml"),
            ("resources/dse/conf/dse.yaml", "resources/cassandra/conf/cassandra.yaml"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let own = dir.path().join(own);
            write(&own, "kmip_hosts: {}\n");
            assert_eq!(named(&own), [""; 0]);
            let text = "cluster_name: x\ndata_file_directories:\n  - /a\n  - \"/b c\"\n\
                        local_system_data_file_directory: /l\n";
            write(&dir.path().join(cassandra), text);
            assert_eq!(named(&own), ["/a:3", "/b c:4", "/l:5"]);
        }
    }

    #[test]
    fn tiers_name_directories_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("dse.yaml");
        let text = "tiered_storage_options:\n  fast:\n    tiers:\n      - paths:\n        - /t1\n      \
                    - paths: [/t2, /t3]\n    local_options:\n      k: v\n";
        write(&own, text);
        assert_eq!(named(&own), ["/t1:5", "/t2:6", "/t3:6"]);
    }

    #[test]
    fn an_unreadable_configuration_is_an_error() {
        for text in ["a: [1\n", "data_file_directories: [/a]\ndata_file_directories: [/b]\n"] {
            let dir = tempfile::tempdir().unwrap();
            let own = dir.path().join("hcd.yaml");
            write(&own, "");
            write(&dir.path().join("cassandra.yaml"), text);
            let error = NodeConfig::read(&own).unwrap().data_directories().unwrap_err();
            assert!(error.to_string().contains("cassandra.yaml"), "{error}");
        }
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("hcd.yaml");
        write(&own, "");
        write(&dir.path().join("cassandra.yaml"), "- only a list\n");
        assert_eq!(named(&own), [""; 0]);
    }
}
