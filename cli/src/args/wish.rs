//! What a command takes from the node's configuration, where its arguments do not say it.

use std::path::PathBuf;

use rekey_engine::config::Node;

use super::NodeArgs;

/// The arguments of a command that the configuration may fill in.
#[derive(Debug)]
pub(crate) struct Wish<'a> {
    /// What the operator names as the configuration.
    pub(crate) conf: Option<PathBuf>,
    /// Where the configuration is kept.
    pub(crate) found: &'a mut Option<Node>,
    /// The data directories, if the command works on any.
    pub(crate) data_dirs: Option<&'a mut Vec<PathBuf>>,
    /// The second file, if the command reads it.
    pub(crate) config: Option<&'a mut Option<PathBuf>>,
    /// Nothing can be done without data directories.
    pub(crate) needs_data: bool,
    /// Nothing can be done without the second file.
    pub(crate) needs_config: bool,
    /// Nothing can be done without a configuration.
    pub(crate) needs_node: bool,
    /// What the configuration says of other directories counts, too.
    pub(crate) takes_node: bool,
}

impl<'a> Wish<'a> {
    pub(crate) fn new(node: &'a mut NodeArgs) -> Self {
        Self {
            conf: node.conf.clone(),
            found: &mut node.found,
            data_dirs: None,
            config: None,
            needs_data: false,
            needs_config: false,
            needs_node: false,
            takes_node: false,
        }
    }

    /// The data directories are needed.
    pub(crate) fn data(self, data_dirs: &'a mut Vec<PathBuf>) -> Self {
        Self { data_dirs: Some(data_dirs), needs_data: true, ..self }
    }

    /// The data directories are taken if there are any.
    pub(crate) fn data_if_there(self, data_dirs: &'a mut Vec<PathBuf>) -> Self {
        Self { data_dirs: Some(data_dirs), ..self }
    }

    /// The second file is taken if there is one.
    pub(crate) fn config(self, config: &'a mut Option<PathBuf>) -> Self {
        Self { config: Some(config), ..self }
    }

    /// The second file is needed, for its key servers.
    pub(crate) fn servers(self, config: &'a mut Option<PathBuf>) -> Self {
        Self { config: Some(config), needs_config: true, ..self }
    }

    /// The whole configuration is taken if there is one.
    pub(crate) fn node_if_there(self) -> Self {
        Self { takes_node: true, ..self }
    }

    /// The configuration is what the command is about.
    pub(crate) fn always(self) -> Self {
        Self { needs_node: true, ..self }
    }
}
