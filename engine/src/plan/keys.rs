//! Getting every key that a plan needs, before the first byte is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

use rekey_kmip::client::{Listing, Rest};

use super::facts::Facts;
use super::target::Target;
use super::target_key::header;
use crate::codec::{ChunkOpener, ChunkSealer};
use crate::crypto::{CipherKey, Transformation};
use crate::keys::{HeaderKind, KeyGroup, KeyProvider as _, KeyRef, KeyRing, KeySources, SecretKey};
use crate::options::EncryptorOptions;
use crate::{Error, Result};

/// The keys of a plan: those that were had, and why the others were not.
#[derive(Debug, Default)]
pub(crate) struct ResolvedKeys {
    /// The keys.
    pub ring: KeyRing,
    /// Why a key is not there.
    pub failures: BTreeMap<KeyRef, Error>,
    /// Keys with other names but the same bytes as the target's.
    pub same_as_target: BTreeSet<KeyRef>,
    /// Why the further keys of a group are not there. Nothing needs them, unless a chunk's header
    /// names the wrong key.
    pub group_failures: Vec<Error>,
}

/// The ciphers that a key is used with, by their spelling.
type Uses = BTreeMap<String, (Transformation, u32)>;

impl ResolvedKeys {
    /// Fetches the keys of all `facts`, those of the targets, and the further keys of the
    /// groups in use.
    #[must_use]
    pub(crate) fn fetch<'a>(
        sources: &KeySources,
        facts: impl IntoIterator<Item = &'a Facts>,
        targets: &[Arc<Target>],
    ) -> Self {
        let needs = facts.into_iter().flat_map(|facts| {
            let options = facts.shape.encryptor();
            let keys = facts.keys.iter().map(|used| &used.key);
            options.into_iter().flat_map(move |options| {
                keys.clone().map(|key| (key, options.transformation(), options.strength()))
            })
        });
        Self::fetch_needs(sources, needs, targets)
    }

    /// Fetches these keys, each for its cipher and strength, those of the targets, and the further keys
    /// of the groups in use.
    #[must_use]
    pub(crate) fn fetch_needs<'a>(
        sources: &KeySources,
        needs: impl IntoIterator<Item = (&'a KeyRef, &'a Transformation, u32)>,
        targets: &[Arc<Target>],
    ) -> Self {
        let mut needed: BTreeMap<KeyRef, Uses> = BTreeMap::new();
        let mut need = |key: &KeyRef, transformation: &Transformation, strength| {
            let uses = needed.entry(key.clone()).or_default();
            uses.insert(transformation.text().to_owned(), (transformation.clone(), strength));
        };
        for (key, transformation, strength) in needs {
            need(key, transformation, strength);
        }
        let mut new_keys: BTreeMap<&KeyRef, SecretKey> = BTreeMap::new();
        for target in targets {
            let (Some(key), Some(options)) = (target.key(), target.encryptor()) else { continue };
            need(key, options.transformation(), options.strength());
            if let Ok(secret) = sources.read_key(key) {
                new_keys.insert(key, secret);
            }
        }

        let mut resolved = Self::default();
        let mut scheduled = Vec::new();
        for (key, uses) in &needed {
            match schedule(sources, key, uses, targets) {
                Ok((secret, keys)) => {
                    scheduled.extend(keys.into_iter().map(|cipher| (key.clone(), cipher)));
                    let mut others = new_keys.iter().filter(|(new, _)| **new != key);
                    let is_one = new_keys.contains_key(key);
                    if !is_one && others.any(|(_, new)| new.same_as(&secret)) {
                        resolved.same_as_target.insert(key.clone());
                    }
                }
                Err(error) => {
                    resolved.failures.insert(key.clone(), error);
                }
            }
        }
        scheduled.extend(resolved.fetch_groups(sources, &needed));
        resolved.ring = scheduled.into_iter().collect();
        resolved
    }

    /// Every key of a group for every cipher that the group's SSTables have: the header of a chunk
    /// may name one and the chunk be under another (KMIP.md 3.4), and nothing can be fetched
    /// later.
    fn fetch_groups(
        &mut self,
        sources: &KeySources,
        needed: &BTreeMap<KeyRef, Uses>,
    ) -> Vec<(KeyRef, CipherKey)> {
        let mut groups: BTreeMap<KeyGroup<'_>, Uses> = BTreeMap::new();
        for (key, uses) in needed {
            if let Some((group, _)) = key.in_group()
                && !self.failures.contains_key(key)
            {
                groups.entry(group).or_default().extend(uses.clone());
            }
        }
        let mut keys = Vec::new();
        for (group, uses) in groups {
            let named: Vec<_> = needed
                .keys()
                .filter(|key| key.in_group().is_some_and(|(of, _)| of == group))
                .cloned()
                .collect();
            match more_keys(sources, group, named, &uses) {
                Ok(Listing { found, rest }) => {
                    keys.extend(found);
                    if rest != Rest::None {
                        self.group_failures.push(not_all(group, rest));
                    }
                }
                Err(error) => self.group_failures.push(error),
            }
        }
        keys
    }

    /// The first key of an SSTable that could not be had.
    #[must_use]
    pub(crate) fn missing_for(&self, facts: &Facts) -> Option<&Error> {
        facts.keys.iter().find_map(|used| self.failures.get(&used.key))
    }
}

/// The keys of a group that can be had and have the length that a cipher of the group wants; and what
/// is known of those that its server does not list.
fn more_keys(
    sources: &KeySources,
    group: KeyGroup<'_>,
    named: Vec<KeyRef>,
    uses: &Uses,
) -> Result<Listing<(KeyRef, CipherKey)>> {
    let mut unlisted = Rest::None;
    let mut names: BTreeSet<KeyRef> = named.into_iter().collect();
    let strengths: BTreeSet<u32> = uses.values().map(|(_, strength)| *strength).collect();
    for bits in strengths {
        let Listing { found, rest } = sources.more_of(group, bits)?;
        names.extend(found);
        // A server that counts nothing gives no reason for a word at each plan.
        if let Rest::Cut { .. } = rest {
            unlisted = rest;
        }
    }
    if names.len() > MOST_KEYS_OF_A_GROUP {
        return Err(Error::unsupported(format!(
            "group '{group}' has {} keys of the lengths in use, too many to try on a chunk whose \
             header names the wrong key",
            names.len()
        )));
    }
    let mut keys = Vec::new();
    for name in names {
        // A key that is gone, or is for something else, is not wanted by anything.
        let Ok(secret) = sources.read_key(&name) else { continue };
        for (transformation, strength) in uses.values() {
            if transformation.key_length(*strength) == Ok(secret.expose().len())
                && let Ok(key) = CipherKey::new(transformation, secret.expose())
            {
                keys.push((name.clone(), key));
            }
        }
    }
    Ok(Listing { found: keys, rest: unlisted })
}

fn not_all(group: KeyGroup<'_>, rest: Rest) -> Error {
    Error::key_unavailable(format!("group '{group}': {rest}")).hint(
        "raise the server's limit for one Locate, or give the keys of the group with --kmip-keys",
    )
}

fn schedule(
    sources: &KeySources,
    key: &KeyRef,
    uses: &Uses,
    targets: &[Arc<Target>],
) -> Result<(SecretKey, Vec<CipherKey>)> {
    let secret = sources.read_key(key)?;
    let unfit = |error: Error| {
        error.key(key).hint("the key's length does not fit the cipher: give the right key")
    };
    let written = targets.iter().filter(|target| target.key() == Some(key));
    for options in written.filter_map(|target| target.encryptor()) {
        let bits = options.strength();
        if options.transformation().key_length(bits) != Ok(secret.expose().len()) {
            return Err(unfit(Error::invalid(format!(
                "the key has {} bits where the target's options say {bits}",
                secret.bits()
            ))));
        }
    }
    let keys = uses
        .values()
        .map(|(transformation, _)| CipherKey::new(transformation, secret.expose()))
        .collect::<Result<_, _>>()
        .map_err(|error| unfit(Error::invalid(error.to_string())))?;
    Ok((secret, keys))
}

/// What opens the chunks of an encrypted SSTable.
///
/// # Errors
/// [`crate::ErrorKind::KeyUnavailable`] when the ring lacks one of its keys, and
/// [`crate::ErrorKind::Unsupported`] when it is not encrypted.
pub fn opener(facts: &Facts, ring: &KeyRing) -> Result<ChunkOpener> {
    let Some(options) = facts.shape.encryptor() else {
        return Err(Error::unsupported("it is not encrypted").at(facts.data_path()));
    };
    opener_of(options, facts.keys.iter().map(|used| &used.key), ring)
}

/// What opens chunks with these options that name these keys.
pub(crate) fn opener_of<'a>(
    options: &EncryptorOptions,
    keys: impl IntoIterator<Item = &'a KeyRef>,
    ring: &KeyRing,
) -> Result<ChunkOpener> {
    let transformation = options.transformation();
    let (mut by_id, mut unnamed) = (BTreeMap::new(), None);
    for name in keys {
        let key = Arc::clone(in_ring(ring, name, transformation)?);
        match name.in_group() {
            None => unnamed = Some(key),
            Some((_, id)) => {
                by_id.insert(id.clone(), key);
            }
        }
        for (other, key) in ring.siblings(name, transformation) {
            if let Some((_, id)) = other.in_group() {
                by_id.insert(id.clone(), Arc::clone(key));
            }
        }
    }
    let header = HeaderKind::from(options.provider());
    Ok(ChunkOpener::new(header, transformation.clone(), by_id, unnamed))
}

/// What seals the chunks of every new SSTable, and what opens them again for verification, if they
/// are encrypted: the new key and no other.
///
/// # Errors
/// [`crate::ErrorKind::KeyUnavailable`] when the ring lacks the target key.
pub fn target_codec(target: &Target, ring: &KeyRing) -> Result<(ChunkSealer, Option<ChunkOpener>)> {
    if target.encryptor().is_none() {
        let sealer = match target.is_compressed() {
            true => ChunkSealer::in_clear(),
            false => ChunkSealer::uncompressed(),
        };
        return Ok((sealer, None));
    }
    let (sealer, opener) = encryptor_of(target, ring, target.is_chain())?;
    Ok((sealer, Some(opener)))
}

/// The same for what is encrypted beside Data.db, where there are no chains.
///
/// # Errors
/// [`crate::ErrorKind::KeyUnavailable`] when the ring lacks the target key, or there is none.
pub(crate) fn target_encryptor(
    target: &Target,
    ring: &KeyRing,
) -> Result<(ChunkSealer, ChunkOpener)> {
    encryptor_of(target, ring, false)
}

fn encryptor_of(
    target: &Target,
    ring: &KeyRing,
    chained: bool,
) -> Result<(ChunkSealer, ChunkOpener)> {
    let (Some(target_key), Some(options)) = (target.target_key(), target.encryptor()) else {
        return Err(Error::key_unavailable("the target is written in clear"));
    };
    let transformation = options.transformation();
    let name = target_key.name().ok_or_else(|| not_in_plan(target_key))?;
    let key = in_ring(ring, name, transformation)?;
    let sealer = ChunkSealer::new(&header(name), Arc::clone(key), chained);
    let key = Arc::clone(key);
    let (by_id, unnamed) = match name.in_group() {
        Some((_, id)) => (BTreeMap::from([(id.clone(), key)]), None),
        None => (BTreeMap::new(), Some(key)),
    };
    let header = HeaderKind::from(options.provider());
    Ok((sealer, ChunkOpener::new(header, transformation.clone(), by_id, unnamed)))
}

pub(crate) fn in_ring<'a>(
    ring: &'a KeyRing,
    key: &KeyRef,
    transformation: &Transformation,
) -> Result<&'a Arc<CipherKey>> {
    ring.get(key, transformation).ok_or_else(|| not_in_plan(key))
}

fn not_in_plan(key: impl Display) -> Error {
    Error::key_unavailable("the plan does not have the key").key(key)
}

/// A group has a key for each year or so. Each is one exchange with a server, and one attempt on a
/// chunk that does not decrypt.
const MOST_KEYS_OF_A_GROUP: usize = 256;
