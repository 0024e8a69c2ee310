//! The data directories that the node's own configuration names, seen from `hcd.yaml` or `dse.yaml`.
//! Where a proof must cover all data, none of them may be left out.
//!
//! `cassandra.yaml` is beside it, in `cassandra/` below (packages), or in `../../cassandra/conf/`
//! (tarballs and images). Directories that no file names are not guessed here; [`Node`] has them.
//!
//! [`Node`]: super::Node

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::fact::Fact;
use super::installation::{is_there, resolved};
use super::node::named_directories;
use super::{NodeConfig, second};
use crate::error::Result;

impl NodeConfig {
    /// The data directories that this file and `cassandra.yaml` name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when one of the files cannot be read, since it may
    /// name some.
    pub fn data_directories(&self) -> Result<Vec<Fact<PathBuf>>> {
        let (mut found, mut read) = (Vec::new(), BTreeSet::new());
        if is_there(&self.path)? {
            let own = Document::read(&self.path, "hcd.yaml or dse.yaml")?;
            for entry in second::entries(&own) {
                if entry.name == second::TIERS {
                    found.extend(entry.paths()?);
                }
            }
        }
        for place in
            ["cassandra.yaml", "cassandra/cassandra.yaml", "../../cassandra/conf/cassandra.yaml"]
        {
            for own in [self.path.clone(), resolved(&self.path)] {
                let Some(file) = own.parent().map(|folder: &Path| folder.join(place)) else {
                    continue;
                };
                // A configuration that is not a link is at both places.
                if is_there(&file)? && read.insert(resolved(&file)) {
                    found.extend(named_directories(&file)?);
                }
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::Origin;
    use super::*;

    fn write(path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create_new(path).unwrap().write_all(text.as_bytes()).unwrap();
    }

    fn named(own: &Path) -> Vec<String> {
        let config = NodeConfig::read(own).unwrap();
        let found = config.data_directories().unwrap();
        let shown = |found: Fact<PathBuf>| match found.origin {
            Origin::Line { line, .. } => format!("{}:{line}", found.value.display()),
            other => panic!("{other}"),
        };
        found.into_iter().map(shown).collect()
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
        for text in [
            "a: [1\n",
            "- only a list\n",
            "data_file_directories: [/a]\ndata_file_directories: [/b]\n",
        ] {
            let dir = tempfile::tempdir().unwrap();
            let own = dir.path().join("hcd.yaml");
            write(&own, "");
            write(&dir.path().join("cassandra.yaml"), text);
            let error = NodeConfig::read(&own).unwrap().data_directories().unwrap_err();
            assert!(error.to_string().contains("cassandra.yaml"), "{error}");
        }
    }
}
