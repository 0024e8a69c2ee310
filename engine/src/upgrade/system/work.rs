//! From a decision to what carries it out.

use std::sync::Arc;

use crate::codec::{ChunkOpener, ChunkSealer};
use crate::crypto::{IvSource, Transformation};
use crate::io::Access;
use crate::keys::{KeyRef, KeyRing};
use crate::plan::{
    KeystoreAim, PlannedSystemFile, ResolvedKeys, SystemAction, SystemAim, Target, in_ring,
    opener_of, target_codec,
};
use crate::rewrite::{Scratch, Successor, SystemWork, UnitOpener, UnitSealer, try_first};
use crate::system::{Head, KeystoreCipher, Protection, SystemFile};
use crate::{Error, ErrorKind, Result};

/// What opens a file; none if nothing in it is encrypted.
pub(super) fn opener(facts: &SystemFile, ring: &KeyRing) -> Result<Option<UnitOpener>> {
    if let Protection::Keystore(cipher) = &facts.protection {
        let transformation = Transformation::parse(&cipher.cipher)?;
        let key = in_ring(ring, &cipher.key(), &transformation)?;
        return UnitOpener::blocks(cipher, Arc::clone(key)).map(Some);
    }
    let Some(scheme) = facts.protection.scheme()? else { return Ok(None) };
    let Some(options) = scheme.encryptor() else { return Ok(None) };
    let opener = opener_of(options, facts.keys.keys(), ring)?;
    Ok(Some(UnitOpener::chunks(&scheme, opener)))
}

/// What is done with a file; none if that is nothing.
pub(super) fn work(
    file: &PlannedSystemFile,
    ring: &KeyRing,
    ivs: &mut IvSource,
) -> Result<Option<SystemWork>> {
    let aim = match &file.action {
        SystemAction::Delete => return Ok(Some(SystemWork::Delete)),
        SystemAction::Rewrite(aim) => aim,
        _ => return Ok(None),
    };
    let facts = file.facts.as_ref().ok_or_else(unknown)?;
    let head = facts.head.as_ref().ok_or_else(unknown)?;
    let opener = opener(facts, ring)?.ok_or_else(unknown)?;
    let successor = match aim {
        SystemAim::Options(target) => of_target(facts, head, target, ring)?,
        SystemAim::Keystore(aim) => of_keystore(head, aim, ring, ivs)?,
    };
    Ok(Some(SystemWork::Replace(opener, Box::new(successor))))
}

fn of_target(
    facts: &SystemFile,
    head: &Head,
    target: &Target,
    ring: &KeyRing,
) -> Result<Successor> {
    let scheme = facts.protection.scheme()?.ok_or_else(unknown)?;
    // Where only the key is another, nothing in the header is.
    let head = match target.is_scheme(Some(&scheme)) {
        true => head.clone(),
        false => head.with_options(target.params().options())?,
    };
    let (sealer, opener): (ChunkSealer, Option<ChunkOpener>) = target_codec(target, ring)?;
    let opener = UnitOpener::chunks(&scheme, opener.ok_or_else(unknown)?);
    Ok(Successor::new(head, UnitSealer::chunks(sealer), opener))
}

/// Each file has an IV of its own, for all of its blocks.
fn of_keystore(
    head: &Head,
    aim: &KeystoreAim,
    ring: &KeyRing,
    ivs: &mut IvSource,
) -> Result<Successor> {
    let transformation = Transformation::parse(&aim.cipher)?;
    let iv = ivs.next_iv();
    let iv = iv.get(..transformation.iv_length()).unwrap_or_default().to_vec();
    let cipher = KeystoreCipher::new(&aim.cipher, &aim.alias, iv);
    let key = in_ring(ring, &KeyRef::Keystore { alias: aim.alias.clone() }, &transformation)?;
    let opener = UnitOpener::blocks(&cipher, Arc::clone(key))?;
    let sealer = UnitSealer::blocks(&cipher, Arc::clone(key))?;
    Ok(Successor::new(head.with_keystore(&cipher)?, sealer, opener))
}

/// Whether a run could do what is decided: all keys are there, and the first chunk opens.
pub(super) fn check(
    file: &PlannedSystemFile,
    keys: &ResolvedKeys,
    scratch: &mut Scratch,
) -> Result<()> {
    let (SystemAction::Rewrite(aim), Some(facts), Some(path)) =
        (&file.action, &file.facts, file.paths.first())
    else {
        return Ok(());
    };
    let place = |error: Error| error.at(path);
    let new = match aim {
        // A key that the run makes is not there yet.
        SystemAim::Options(target) if target.may_be_made() => None,
        SystemAim::Options(target) => target.key().cloned(),
        SystemAim::Keystore(aim) => Some(KeyRef::Keystore { alias: aim.alias.clone() }),
    };
    if let Some(error) = facts.keys.keys().chain(&new).find_map(|key| keys.failures.get(key)) {
        return Err(place(error.clone()));
    }
    if let Some(opener) = opener(facts, &keys.ring).map_err(place)? {
        try_first(path, &file.name, Access::Positional, &opener, scratch).map_err(place)?;
    }
    if new.is_some() {
        work(file, &keys.ring, &mut scratch.ivs).map_err(place)?;
    }
    Ok(())
}

fn unknown() -> Error {
    Error::new(ErrorKind::Internal, "a file is to be re-encrypted, and nothing is known of it")
}
