//! One file a verb.

pub(crate) mod census;
pub(crate) mod demo;
pub(crate) mod plan;
pub(crate) mod upgradesstables;
pub(crate) mod verify;
