//! Decides what is done with each file.

use super::{FoundFile, KeystoreAim, PlannedSystemFile, SystemAction, SystemAim};
use crate::crypto::Transformation;
use crate::keys::{KeyRef, KeySources};
use crate::plan::action::SkipReason;
use crate::plan::keys::ResolvedKeys;
use crate::plan::targets::{Aim, Targets};
use crate::system::{Head, KeystoreCipher, Protection, SystemFile, SystemFileName};
use crate::{Error, Result};

/// What decides.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemRules<'a> {
    /// What the options of files become.
    pub(crate) targets: &'a Targets,
    /// With what the node encrypts by a key store, if that is known.
    pub(crate) keystore: Option<&'a KeystoreAim>,
    /// Whether the node encrypts its next segment, its next hints and its next caches, as far as that
    /// is known.
    pub(crate) encrypts: Encrypts,
}

/// What of it the node encrypts.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Encrypts {
    pub(crate) commit_log: Option<bool>,
    pub(crate) hints: Option<bool>,
    pub(crate) caches: Option<bool>,
}

/// Decides of one file. Keys were not fetched yet.
pub(crate) fn decide(found: FoundFile, rules: SystemRules<'_>) -> PlannedSystemFile {
    let FoundFile { paths, name, bytes, looked, .. } = found;
    let (facts, action) = match looked {
        Err(error) => (None, SystemAction::Refuse(error)),
        Ok(facts) => {
            let action = action(&facts, rules)
                .unwrap_or_else(|error| SystemAction::Refuse(error.at(facts.path.clone())));
            (Some(facts), action)
        }
    };
    PlannedSystemFile { paths, name, bytes, facts, action }
}

fn action(facts: &SystemFile, rules: SystemRules<'_>) -> Result<SystemAction> {
    if let SystemFileName::SavedCache = facts.name {
        return match rules.encrypts.caches {
            Some(true) => Ok(SystemAction::Delete),
            Some(false) => Ok(SystemAction::Skip(SkipReason::NotEncrypted)),
            None => Err(Error::unsupported("whether this saved cache is encrypted cannot be told")
                .hint("delete it: the node makes a new one")),
        };
    }
    if !facts.protection.may_encrypt() {
        return in_clear(facts, rules.encrypts);
    }
    if let Some(damage) = &facts.damage {
        return Err(damage.clone());
    }
    let aim = match &facts.protection {
        Protection::Keystore(cipher) => {
            let aim = rules.keystore.ok_or_else(no_keystore)?;
            if (&aim.cipher, &aim.alias) == (&cipher.cipher, &cipher.alias) {
                return Ok(SystemAction::Skip(SkipReason::UnderTargetKey));
            }
            let iv_length = Transformation::parse(&aim.cipher)?.iv_length();
            let new = KeystoreCipher::new(&aim.cipher, &aim.alias, vec![0; iv_length]);
            head_of(facts)?.with_keystore(&new)?;
            SystemAim::Keystore(aim.clone())
        }
        _ => {
            let options = facts.options().ok_or_else(changed)?;
            match rules.targets.aim_of_own(&options) {
                Some(Aim::Target(target)) => {
                    let is_same = target.is_scheme(facts.protection.scheme()?.as_ref());
                    if is_same && facts.keys.keys().all(|key| Some(key) == target.key()) {
                        return Ok(SystemAction::Skip(SkipReason::UnderTargetKey));
                    }
                    if !is_same {
                        head_of(facts)?.with_options(target.params().options())?;
                    }
                    SystemAim::Options(target)
                }
                Some(Aim::InClear(error) | Aim::Unknown(error)) => return Err(error),
                None => return Err(changed()),
            }
        }
    };
    Ok(SystemAction::Rewrite(aim))
}

/// A header that is to become longer is refused here, and not in the run.
fn head_of(facts: &SystemFile) -> Result<&Head> {
    facts.head.as_ref().ok_or_else(changed)
}

/// A log in clear cannot be encrypted, for a header with options is longer (FORMATS.md 10.1).
fn in_clear(facts: &SystemFile, encrypts: Encrypts) -> Result<SystemAction> {
    let is_log = matches!(facts.name, SystemFileName::CommitLog(_));
    let encrypts = if is_log { encrypts.commit_log } else { encrypts.hints };
    if encrypts != Some(true) || facts.is_empty {
        return Ok(SystemAction::Skip(SkipReason::NotEncrypted));
    }
    let (what, hint) = if is_log {
        (
            "the segment is in clear, and the node encrypts the next: it cannot be encrypted here, for \
             positions in SSTables count from the end of its header",
            "start the node, which replays the segment, and drain it again",
        )
    } else {
        (
            "the hints are in clear, and the node encrypts the next",
            "start the node and let them be delivered, or delete them (nodetool truncatehints)",
        )
    };
    Err(Error::unsupported(what).hint(hint))
}

fn no_keystore() -> Error {
    Error::invalid(
        "it is under transparent_data_encryption_options, and no configuration says which key the node \
         writes with",
    )
    .hint("name the node's cassandra.yaml: --conf FILE")
}

fn changed() -> Error {
    Error::invalid("it was not there, or had other options, when the targets were settled")
        .hint("run the same command again")
}

/// Fetches the keys of files, and those of their targets.
pub(crate) fn fetch(
    sources: &KeySources,
    files: &[PlannedSystemFile],
    targets: &Targets,
) -> ResolvedKeys {
    let mut needs: Vec<(KeyRef, Transformation, u32)> = Vec::new();
    let mut need = |key: KeyRef, cipher: &str| {
        // One that is not known is refused where it is used.
        needs.extend(Transformation::parse(cipher).ok().map(|cipher| (key, cipher, 0)));
    };
    for file in files {
        let Some(facts) = &file.facts else { continue };
        if let Protection::Keystore(cipher) = &facts.protection {
            need(cipher.key(), &cipher.cipher);
        }
        if let SystemAction::Rewrite(SystemAim::Keystore(aim)) = &file.action {
            need(KeyRef::Keystore { alias: aim.alias.clone() }, &aim.cipher);
        }
    }
    let of_options = files.iter().filter_map(|file| file.facts.as_ref()).flat_map(|facts| {
        let scheme = facts.protection.scheme().ok().flatten();
        let encryptor = scheme.as_ref().and_then(|scheme| scheme.encryptor().cloned());
        let named = facts.keys.keys();
        encryptor.into_iter().flat_map(move |options| {
            let (transformation, strength) = (options.transformation().clone(), options.strength());
            named.clone().map(move |key| (key.clone(), transformation.clone(), strength))
        })
    });
    let all: Vec<_> = of_options.chain(needs.iter().cloned()).collect();
    let needs = all.iter().map(|(key, cipher, strength)| (key, cipher, *strength));
    ResolvedKeys::fetch_needs(sources, needs, targets.distinct())
}
