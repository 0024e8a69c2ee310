//! One file a verb.

pub(crate) mod abandon;
pub(crate) mod census;
pub(crate) mod config;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod keys;
mod look;
pub(crate) mod may_destroy;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod upgradesstables;
pub(crate) mod verify;
