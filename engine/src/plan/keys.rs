//! Getting every key that a plan needs, before the first byte is written.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::inspect::{Facts, Shape};
use super::target::Target;
use crate::codec::{ChunkOpener, ChunkSealer};
use crate::crypto::{CipherKey, Transformation};
use crate::keys::{KeyProvider, KeyRef, KeyRing, LocalKeyFiles, SecretKey};
use crate::{Error, Result};

/// Where keys come from.
#[derive(Debug, Default)]
pub struct KeySources {
    /// Key files on this machine.
    pub local: LocalKeyFiles,
    /// Whatever has the keys of KMIP servers: an export file, or a client.
    pub kmip: Option<Box<dyn KeyProvider>>,
}

impl KeySources {
    fn read(&self, key: &KeyRef) -> Result<SecretKey> {
        match (key, &self.kmip) {
            (KeyRef::LocalFile { .. }, _) => self.local.read_key(key),
            (KeyRef::Kmip { .. }, Some(kmip)) => kmip.read_key(key),
            (KeyRef::Kmip { .. }, None) => Err(Error::key_unavailable(
                "the key is on a KMIP server, and no file of such keys is given",
            )
            .key(key)
            .cure("give the keys as lines 'id = hex' in a file of mode 0600: --kmip-keys FILE")),
        }
    }
}

/// The keys of a plan: those that were had, and why the others were not.
#[derive(Debug, Default)]
pub struct ResolvedKeys {
    /// The keys.
    pub ring: KeyRing,
    /// Why a key is not there.
    pub failures: BTreeMap<KeyRef, Error>,
    /// Keys with other names but the same bytes as the target's.
    pub same_as_target: BTreeSet<KeyRef>,
}

impl ResolvedKeys {
    /// Fetches the keys of all `facts`, and the target's if there is one.
    #[must_use]
    pub fn fetch<'a>(
        sources: &KeySources,
        facts: impl IntoIterator<Item = &'a Facts>,
        target: Option<&Target>,
    ) -> Self {
        let mut needed: BTreeMap<KeyRef, BTreeMap<String, Transformation>> = BTreeMap::new();
        let mut need = |key: &KeyRef, transformation: &Transformation| {
            let uses = needed.entry(key.clone()).or_default();
            uses.insert(transformation.text().to_owned(), transformation.clone());
        };
        for facts in facts {
            let Shape::Encrypted(options) = &facts.shape else { continue };
            for used in &facts.keys {
                need(&used.key, options.transformation());
            }
        }
        if let Some(target) = target {
            need(target.key(), target.encryptor().transformation());
        }
        let target_secret = target.and_then(|target| sources.read(target.key()).ok());

        let mut resolved = Self::default();
        let mut scheduled = Vec::new();
        for (key, transformations) in needed {
            match schedule(sources, &key, transformations.values(), target) {
                Ok((secret, keys)) => {
                    scheduled.extend(keys.into_iter().map(|cipher| (key.clone(), cipher)));
                    let same = target_secret.as_ref().is_some_and(|t| t.same_as(&secret));
                    if same && target.is_some_and(|target| target.key() != &key) {
                        resolved.same_as_target.insert(key);
                    }
                }
                Err(error) => {
                    resolved.failures.insert(key, error);
                }
            }
        }
        resolved.ring = scheduled.into_iter().collect();
        resolved
    }

    /// The first key of an SSTable that could not be had.
    #[must_use]
    pub fn missing_for(&self, facts: &Facts) -> Option<&Error> {
        facts.keys.iter().find_map(|used| self.failures.get(&used.key))
    }
}

fn schedule<'a>(
    sources: &KeySources,
    key: &KeyRef,
    transformations: impl Iterator<Item = &'a Transformation>,
    target: Option<&Target>,
) -> Result<(SecretKey, Vec<CipherKey>)> {
    let secret = sources.read(key)?;
    let unfit = |error: Error| {
        error.key(key).cure("the key's length does not fit the cipher: give the right key")
    };
    if let Some(target) = target.filter(|target| target.key() == key) {
        let bits = target.encryptor().strength();
        if u32::try_from(secret.bits()) != Ok(bits) {
            return Err(unfit(Error::invalid(format!(
                "the key has {} bits where the target's options say {bits}",
                secret.bits()
            ))));
        }
    }
    let keys = transformations
        .map(|transformation| CipherKey::new(transformation, secret.expose()))
        .collect::<Result<_, _>>()
        .map_err(|error| unfit(Error::invalid(error.to_string())))?;
    Ok((secret, keys))
}

/// What opens the chunks of an SSTable.
///
/// # Errors
/// [`crate::ErrorKind::KeyUnavailable`] when the ring lacks one of its keys, and
/// [`crate::ErrorKind::Unsupported`] when it is not encrypted by class `Encryptor`.
pub fn opener(facts: &Facts, ring: &KeyRing) -> Result<ChunkOpener> {
    let Shape::Encrypted(options) = &facts.shape else {
        return Err(Error::unsupported("not encrypted by class Encryptor").at(facts.data_path()));
    };
    let transformation = options.transformation();
    let mut by_id = BTreeMap::new();
    for used in &facts.keys {
        let key = Arc::clone(in_ring(ring, &used.key, transformation)?);
        match &used.key {
            KeyRef::LocalFile { .. } => return Ok(ChunkOpener::with_key(key)),
            KeyRef::Kmip { id, .. } => by_id.insert(id.clone(), key),
        };
    }
    Ok(ChunkOpener::with_ids(transformation.clone(), by_id))
}

/// What seals the chunks of every new SSTable, and what opens them again for verification: the
/// new key and no other.
///
/// # Errors
/// [`crate::ErrorKind::KeyUnavailable`] when the ring lacks the target key.
pub fn target_codec(target: &Target, ring: &KeyRing) -> Result<(ChunkSealer, ChunkOpener)> {
    let transformation = target.encryptor().transformation();
    let key = in_ring(ring, target.key(), transformation)?;
    let sealer = ChunkSealer::new(&target.key_header(), Arc::clone(key));
    let opener = match target.key() {
        KeyRef::LocalFile { .. } => ChunkOpener::with_key(Arc::clone(key)),
        KeyRef::Kmip { id, .. } => ChunkOpener::with_ids(
            transformation.clone(),
            BTreeMap::from([(id.clone(), Arc::clone(key))]),
        ),
    };
    Ok((sealer, opener))
}

fn in_ring<'a>(
    ring: &'a KeyRing,
    key: &KeyRef,
    transformation: &Transformation,
) -> Result<&'a Arc<CipherKey>> {
    ring.get(key, transformation)
        .ok_or_else(|| Error::key_unavailable("the plan does not have the key").key(key))
}
