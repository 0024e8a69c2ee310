//! Finds the node's configuration, and fills in what the arguments do not say: argument before
//! environment before configuration.
//!
//! This comes before root's rights are given up, since the data's owner is told by the data
//! directories; it reads a few files, and nothing else.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;

use rekey_engine::config::{Fact, Node, Surroundings};
use rekey_engine::{Error, Result};

use crate::args::{Command, Sources, Wish};
use crate::ui::Output;

/// Fills in what the command takes from the configuration.
pub(crate) fn settle(command: &mut Command, sources: &Sources, output: Output) -> Result<()> {
    let is_asked_for_itself = matches!(command, Command::Config(_));
    let Some(mut wish) = command.wish() else { return Ok(()) };
    let mut named = Vec::new();
    if let Some(data_dirs) = wish.data_dirs.as_deref_mut().filter(|dirs| dirs.is_empty()) {
        *data_dirs = of_variable(env::var_os(DATA_DIR).as_deref());
    }
    let lacks_data = wish.data_dirs.as_ref().is_some_and(|dirs| dirs.is_empty());
    let lacks_config = wish.config.as_ref().is_some_and(|config| config.is_none());
    let takes_node = wish.needs_node || wish.takes_node;
    if !(lacks_data || lacks_config || takes_node || wish.conf.is_some()) {
        return Ok(());
    }
    let must_be_found = wish.needs_node
        || wish.conf.is_some()
        || lacks_data && wish.needs_data
        || lacks_config && wish.needs_config;
    let found = match Node::find(&surroundings(&wish, sources)) {
        Err(error) if must_be_found => return Err(error),
        Err(error) => {
            output.note(&format!("the node's configuration is not used: {}", error.chain()));
            None
        }
        Ok(found) => found,
    };
    let Some(node) = found else {
        return match must_be_found {
            true => Err(not_found(&wish, lacks_data)),
            false => Ok(()),
        };
    };
    if lacks_data && let Some(data_dirs) = wish.data_dirs.as_deref_mut() {
        match node.data_directories() {
            Ok(found) => {
                *data_dirs = found.iter().map(|fact| fact.value.clone()).collect();
                named = found;
            }
            Err(error) if wish.needs_data => return Err(error),
            Err(error) => output.note(&error.chain()),
        }
        if wish.needs_data && data_dirs.is_empty() {
            return Err(Error::invalid("the configuration names no data directory")
                .at(&node.installation().cassandra_yaml.value)
                .hint("name the data directories: --data-dir DIR, once for each"));
        }
    }
    if lacks_config && let Some(config) = wish.config.as_deref_mut() {
        *config = node.installation().second.as_ref().map(|second| second.value.clone());
        if config.is_none() && wish.needs_config {
            return Err(Error::invalid("no hcd.yaml or dse.yaml belongs to this cassandra.yaml")
                .at(&node.installation().cassandra_yaml.value)
                .hint("name the file with kmip_hosts: --config FILE"));
        }
    }
    *wish.found = Some(node.clone());
    if !is_asked_for_itself {
        output.configuration(&node, &named);
    }
    Ok(())
}

fn not_found(wish: &Wish<'_>, lacks_data: bool) -> Error {
    let what = "no installation of a database is found on this machine";
    let hint = match (lacks_data && wish.needs_data, wish.needs_node) {
        (_, true) => "name its cassandra.yaml: --conf FILE",
        (true, _) => {
            "name its cassandra.yaml: --conf FILE; or the data directories: --data-dir DIR"
        }
        _ => "name its hcd.yaml or dse.yaml: --config FILE",
    };
    Error::invalid(what).hint(hint)
}

fn surroundings(wish: &Wish<'_>, sources: &Sources) -> Surroundings {
    let path = |name: &str| env::var_os(name).map(PathBuf::from);
    let config = wish.config.as_ref().and_then(|config| config.as_ref());
    Surroundings {
        conf: wish.conf.as_ref().map(|conf| Fact::new(conf.clone(), sources.conf.clone())),
        config: config.map(|config| Fact::new(config.clone(), sources.config.clone())),
        cassandra_conf: path("CASSANDRA_CONF"),
        dse_home: path("DSE_HOME"),
        hcd_home: path("HCD_HOME"),
        cassandra_home: path("CASSANDRA_HOME"),
        root: PathBuf::from("/"),
    }
}

/// A list of directories, as PATH is one.
pub(crate) fn of_variable(value: Option<&OsStr>) -> Vec<PathBuf> {
    let all = value.map(|value| env::split_paths(value).collect::<Vec<_>>()).unwrap_or_default();
    all.into_iter().filter(|path| !path.as_os_str().is_empty()).collect()
}

const DATA_DIR: &str = "SSTABLEREKEY_DATA_DIR";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_has_colons_between_directories() {
        let of = |text: &str| of_variable(Some(OsStr::new(text)));
        assert_eq!(of("/a:/b c:"), [PathBuf::from("/a"), PathBuf::from("/b c")]);
        assert!(of("").is_empty() && of_variable(None).is_empty());
    }
}
