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

use rekey_engine::Result;
use rekey_engine::keys::KeyRef;
use rekey_engine::upgrade::{self, Archives, Session};

use crate::args::DataArgs;

/// The keys that the selected SSTables are under.
fn used_keys(session: &Session, data: &DataArgs, archives: Archives) -> Result<BTreeSet<KeyRef>> {
    let census = upgrade::census(session, &data.selection(), archives, data.threads())?;
    Ok(census.keys.into_keys().collect())
}
