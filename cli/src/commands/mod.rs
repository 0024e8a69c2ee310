//! One file a verb.

pub(crate) mod abandon;
pub(crate) mod census;
pub(crate) mod demo;
pub(crate) mod keys;
pub(crate) mod plan;
pub(crate) mod status;
pub(crate) mod upgradesstables;
pub(crate) mod verify;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use rekey_engine::Result;
use rekey_engine::keys::KeyRef;
use rekey_engine::plan::Selection;
use rekey_engine::upgrade::{self, Archives, Session};

/// The keys that the selected SSTables are under.
fn used_keys(
    session: &Session,
    selection: &Selection,
    archives: Archives,
    threads: NonZeroUsize,
) -> Result<BTreeSet<KeyRef>> {
    let census = upgrade::census(session, selection, archives, threads)?;
    Ok(census.keys.into_keys().collect())
}
