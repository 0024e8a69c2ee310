//! What was found on one node that may need a key, as a value; and what it says about a key.
//!
//! An [`Evidence`] is gathered on a node ([`crate::upgrade::gather`]), kept as a file of JSON
//! ([`Evidence::to_json`], [`Evidence::parse`]) and judged anywhere: [`verdict()`] is the one function
//! that decides whether a key may be destroyed, of one node, and [`Cluster`] puts the evidence of
//! several together. It holds names, counts and times, and neither a key nor a password.
//!
//! The rule is that a yes is only given where everything was looked at and everything that was found
//! is of a kind that is known.

mod cluster;
mod directory;
mod finding;
mod group;
mod json;
mod key_name;
mod moment;
mod node;
mod path;
mod query;
mod reason;
#[cfg(test)]
mod sample;
mod unknown;
mod uses;
mod verdict;

use serde::{Deserialize, Serialize};

pub use cluster::{Cluster, LeftOut, Missing};
pub use directory::{Count, Directory, KindCount, Role};
pub use finding::{Finding, FindingKind};
pub use group::Group;
pub use json::MAX_REPORT;
pub use key_name::KeyName;
pub use moment::Moment;
pub use node::{Encrypts, Identity, Member};
pub use query::{KeyQuery, Relation};
pub use reason::{Answer, Reason, Step, Work};
pub use unknown::{Unknown, UnknownKind};
pub use uses::{KeyUses, Place, Use};
pub use verdict::{Verdict, verdict};

/// The version of [`Evidence`] as JSON: it changes when a field goes away or means something else.
pub const FORMAT: u32 = 1;

/// What one node has that may need a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record that is gathered piece by piece")]
pub struct Evidence {
    /// [`FORMAT`] of the program that wrote it.
    pub format: u32,
    /// That program and its version.
    pub tool: String,
    /// When the look began.
    pub time: Moment,
    /// The name of the machine.
    pub host: Option<String>,
    /// Whether these are a node's directories; else copied or restored data, for which no other directories
    /// and no start count.
    pub is_node: bool,
    /// What the node says of itself.
    pub node: Option<Identity>,
    /// The product that starts on it, with its version, and what tells that.
    pub product: Option<String>,
    /// What was looked at.
    pub directories: Vec<Directory>,
    /// What is under each key.
    pub keys: Vec<KeyUses>,
    /// The groups of key servers of its configuration.
    #[serde(default)]
    pub groups: Vec<Group>,
    /// Whether it encrypts what it writes next beside the tables.
    #[serde(default)]
    pub encrypts: Encrypts,
    /// SSTables without any encryption.
    pub not_encrypted: Count,
    /// Chunks in clear in SSTables that are encrypted (FORMATS.md 2.3).
    pub clear_chunks: u64,
    /// What an operator should know, and what says nothing about any key: plaintext that encryption leaves
    /// behind, and weak ciphers.
    pub findings: Vec<Finding>,
    /// What could not be judged: it may be under any key.
    pub unknowns: Vec<Unknown>,
    /// The nodes of its cluster, itself included, as it knows them; `None` where that could not be read.
    pub ring: Option<Vec<Member>>,
    /// When SSTables were last re-encrypted.
    pub last_rewrite: Option<Occasion>,
    /// When the node was last started.
    pub last_start: Option<Occasion>,
}

/// When something has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Occasion {
    /// When.
    pub time: Moment,
    /// What says so.
    pub origin: String,
}
