//! The node, and the nodes of its cluster.

use serde::{Deserialize, Serialize};

/// What a node says of itself in `system.local`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Identity {
    /// 32 hexadecimal digits.
    pub host_id: Option<String>,
    /// The name of the cluster.
    pub cluster: Option<String>,
    /// The data center.
    pub data_center: Option<String>,
    /// The rack.
    pub rack: Option<String>,
    /// The version of the database that ran last.
    pub release_version: Option<String>,
}

/// A node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Member {
    /// 32 hexadecimal digits.
    pub host_id: String,
    /// Its address, as the others reach it.
    pub address: Option<String>,
    /// Its data center.
    pub data_center: Option<String>,
    /// Its rack.
    pub rack: Option<String>,
}

/// What a node encrypts of what it writes beside the tables, by its configuration; none where that is not
/// known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Encrypts {
    /// Its next segment of the commit log.
    pub commit_log: Option<bool>,
    /// Its next hints.
    pub hints: Option<bool>,
}
