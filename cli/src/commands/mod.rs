//! One file a verb.

pub(crate) mod abandon;
pub(crate) mod census;
#[cfg(feature = "demo")]
pub(crate) mod demo;
pub(crate) mod generate;
pub(crate) mod keys;
pub(crate) mod plan;
pub(crate) mod status;
pub(crate) mod upgradesstables;
pub(crate) mod verify;
