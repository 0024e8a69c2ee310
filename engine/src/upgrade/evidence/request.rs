//! What evidence is gathered from.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::config::{Node, NodeConfig};
use crate::evidence::Role;
use crate::keys::{KeyProvider, KmipServers, LocalKeyFiles};
use crate::plan::{Archives, Selection};

/// What is known of a node before it is looked at.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a request that callers make")]
pub struct EvidenceRequest<'a> {
    /// This program and its version.
    pub tool: &'a str,
    /// The name of the machine.
    pub host: Option<&'a str>,
    /// The node's own configuration, which says where everything is; none if it was not found.
    pub node: Option<&'a Node>,
    /// Its `hcd.yaml` or `dse.yaml`.
    pub config: Option<&'a NodeConfig>,
    /// The servers of that configuration, to be asked for the states of keys.
    pub servers: Option<&'a KmipServers>,
    /// Keys for the node's own tables, should they be encrypted.
    pub keys: &'a dyn KeyProvider,
    /// Where key files are.
    pub key_files: &'a LocalKeyFiles,
    /// Directories that somebody names, and by which words.
    pub more: &'a [(Role, PathBuf, &'static str)],
    /// Where the node's JVM puts temporary files, if that is known.
    pub temporary: Option<&'a PathBuf>,
    /// Whether somebody says that the data is no node's.
    pub not_a_node: bool,
    /// Some tables, with or without their snapshots and backups; then nothing else is looked at.
    pub only: Option<(&'a Selection, Archives)>,
    /// Threads for SSTables.
    pub threads: NonZeroUsize,
}
