//! The keys of rotations: which one a repeated run means.

use std::num::NonZeroUsize;
use std::time::SystemTime;

use super::census::census;
use super::session::Session;
use super::state_dir::StateDir;
use crate::Result;
use crate::journal::{Rotation, Rotations};
use crate::keys::{KeyId, KeyRef};
use crate::options::{EncryptorOptions, ProviderOptions};
use crate::plan::{Archives, Recorded, STATE_DIRECTORY, Selection, Target, Targets, Usage};

/// Which keys anything is under: in all tables, snapshots and backups, whatever is selected.
///
/// # Errors
/// As [`census`]; what it cannot look at is counted.
pub fn usage(session: &Session, threads: NonZeroUsize) -> Result<Usage> {
    Ok(Usage::of(&census(session, &Selection::default(), Archives::ALL, threads)?))
}

/// The key of the rotation to these options, if an earlier run has begun one.
///
/// # Errors
/// What is wrong with the record.
pub fn recorded_key(session: &Session, options: &EncryptorOptions) -> Result<Option<Recorded>> {
    let ProviderOptions::Kmip { host: group, .. } = options.provider() else { return Ok(None) };
    let all = rotations(session)?;
    Ok(all.of(group, &texts(options)).and_then(|rotation| {
        Some(Recorded { id: KeyId::new(rotation.key.as_str()).ok()?, began: rotation.began })
    }))
}

/// Notes which keys a rotation goes to, before anything is written with it. A target that is no
/// rotation's is none of this.
///
/// # Errors
/// What is wrong with the record, [`crate::ErrorKind::NoSpace`] and [`crate::ErrorKind::Io`];
/// [`crate::ErrorKind::Internal`] for a session that only reads.
pub fn record(session: &Session, targets: &Targets) -> Result<()> {
    targets.distinct().iter().try_for_each(|target| record_one(session, target))
}

fn record_one(session: &Session, target: &Target) -> Result<()> {
    let storage = session.exclusive()?.storage();
    let (Some(KeyRef::Kmip { group, id }), Some(options)) = (target.key(), target.encryptor())
    else {
        return Ok(());
    };
    if !target.choice().is_some_and(|choice| choice.rotates) {
        return Ok(());
    }
    let options = texts(options);
    let known = rotations(session)?;
    if known.of(group, &options).is_some_and(|known| known.key == id.as_str()) {
        return Ok(());
    }
    let state_dir = StateDir::of(session)?;
    state_dir.make(storage)?;
    let mut all = Rotations::read(storage, state_dir.directory())?;
    let key = id.as_str().to_owned();
    all.note(Rotation { group: group.clone(), options, key, began: SystemTime::now() });
    all.write(storage, state_dir.directory())
}

/// Wherever a run with these data directories may have noted one.
fn rotations(session: &Session) -> Result<Rotations> {
    let below = session.data_dirs().iter().map(|data_dir| data_dir.join(STATE_DIRECTORY));
    let elsewhere = session.state_dir().map(std::path::Path::to_owned);
    below.chain(elsewhere).try_fold(Rotations::default(), |all, directory| {
        Ok(all.and(Rotations::read(session.storage(), &directory)?))
    })
}

/// What the database finds a key by: tables that agree in these share one.
fn texts(options: &EncryptorOptions) -> Vec<(String, String)> {
    let namespace = match options.provider() {
        ProviderOptions::Kmip { namespace, .. } => namespace.clone(),
        _ => None,
    };
    let texts = [
        ("cipher", options.transformation().text().to_owned()),
        ("strength", options.strength().to_string()),
        ("namespace", namespace.unwrap_or_default()),
    ];
    texts.map(|(name, text)| (name.to_owned(), text)).into()
}
