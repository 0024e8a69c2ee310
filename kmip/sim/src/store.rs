//! The objects, and what tests and the demo do with them behind the protocol's back.

use std::collections::HashSet;
use std::io;
use std::sync::Mutex;

use rekey_kmip::message::{
    Attribute, CryptographicAlgorithm, ObjectType, Refusal, Reply, Request, ResultReason,
    ResultStatus, UniqueIdentifier,
};
use rekey_kmip::ttlv::Tag;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::lock;
use crate::object::{Key, Object, key_bytes};
use crate::script::Quirk;

/// All objects of a server.
#[derive(Debug, Default)]
pub struct Store {
    inner: Mutex<Inner>,
    pub(crate) clock: Clock,
}

#[derive(Debug, Default)]
pub(crate) struct Inner {
    pub(crate) objects: Vec<Object>,
    pub(crate) quirks: HashSet<Quirk>,
    made: u64,
}

impl Store {
    pub(crate) fn new(clock: Clock, quirks: &[Quirk]) -> Self {
        let quirks = quirks.iter().copied().collect();
        Self { inner: Mutex::new(Inner { quirks, ..Inner::default() }), clock }
    }

    /// Puts a key in, active since now, without asking the protocol. Attributes that are given
    /// replace those that are made up.
    ///
    /// # Errors
    /// For a pair of algorithm and length that no server keeps.
    pub fn add_key(
        &self,
        algorithm: CryptographicAlgorithm,
        bits: i32,
        attributes: Vec<Attribute>,
    ) -> io::Result<UniqueIdentifier> {
        let length = key_bytes(algorithm, bits)
            .ok_or_else(|| io::Error::other("no such algorithm and length"))?;
        let key = random(length)?;
        let attributes = self.own_attributes(algorithm, bits, attributes);
        Ok(lock(&self.inner).insert(ObjectType::SYMMETRIC_KEY, attributes, Some(key)))
    }

    /// The same for a key that is known, under an id that is known: data is under it already.
    pub fn keep_key(
        &self,
        id: &UniqueIdentifier,
        algorithm: CryptographicAlgorithm,
        key: Zeroizing<Vec<u8>>,
        attributes: Vec<Attribute>,
    ) {
        let bits = i32::try_from(key.len().saturating_mul(8)).unwrap_or(i32::MAX);
        let attributes = self.own_attributes(algorithm, bits, attributes);
        let kind = ObjectType::SYMMETRIC_KEY;
        let object = Object { id: id.clone(), kind, attributes, key: Key(Some(key)) };
        lock(&self.inner).objects.push(object);
    }

    fn own_attributes(
        &self,
        algorithm: CryptographicAlgorithm,
        bits: i32,
        given: Vec<Attribute>,
    ) -> Vec<Attribute> {
        let now = self.clock.now();
        let mut own = vec![
            Attribute::new(Tag::CRYPTOGRAPHIC_ALGORITHM.into(), algorithm.number()),
            Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), bits),
            Attribute::new(Tag::CRYPTOGRAPHIC_USAGE_MASK.into(), 0x0c),
            Attribute::new(Tag::INITIAL_DATE.into(), now),
            Attribute::new(Tag::ACTIVATION_DATE.into(), now),
        ];
        own.retain(|made| given.iter().all(|given| given.name != made.name));
        own.extend(given);
        own
    }

    /// Puts an object in that is no key and tells nothing: listings must live with it.
    pub fn add_secret_data(&self) -> UniqueIdentifier {
        lock(&self.inner).insert(ObjectType::SECRET_DATA, Vec::new(), None)
    }

    /// The bytes of a key, for comparing.
    #[must_use]
    pub fn key_bytes(&self, id: &UniqueIdentifier) -> Option<Zeroizing<Vec<u8>>> {
        let inner = lock(&self.inner);
        inner.objects.iter().find(|object| object.id == *id).and_then(|o| o.key.0.clone())
    }

    /// How many objects are kept, destroyed ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        lock(&self.inner).objects.len()
    }

    /// Whether nothing is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Changes a lasting difference while the server runs.
    pub fn set_quirk(&self, quirk: Quirk, on: bool) {
        let mut inner = lock(&self.inner);
        if on {
            inner.quirks.insert(quirk);
        } else {
            inner.quirks.remove(&quirk);
        }
    }

    pub(crate) fn has_quirk(&self, quirk: Quirk) -> bool {
        lock(&self.inner).quirks.contains(&quirk)
    }

    /// Does one operation.
    pub(crate) fn perform(&self, request: Request, two: bool) -> Result<Reply, Refusal> {
        lock(&self.inner).perform(request, self.clock.now(), two)
    }
}

impl Inner {
    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Keeps an object under a new id of the form that the vendor's sample shows.
    pub(crate) fn insert(
        &mut self,
        kind: ObjectType,
        attributes: Vec<Attribute>,
        key: Option<Zeroizing<Vec<u8>>>,
    ) -> UniqueIdentifier {
        self.made = self.made.saturating_add(1);
        let id = UniqueIdentifier::new(format!("02-{:03}", self.made));
        self.objects.push(Object { id: id.clone(), kind, attributes, key: Key(key) });
        id
    }

    pub(crate) fn find(&mut self, id: &UniqueIdentifier) -> Result<&mut Object, Refusal> {
        self.objects
            .iter_mut()
            .find(|object| object.id == *id)
            .ok_or_else(|| refuse(ResultReason::ITEM_NOT_FOUND, "Could not locate object"))
    }
}

/// A failed operation.
pub(crate) fn refuse(reason: ResultReason, message: &str) -> Refusal {
    Refusal {
        status: ResultStatus::OPERATION_FAILED,
        reason: Some(reason),
        message: Some(message.to_owned()),
    }
}

/// Random key bytes.
pub(crate) fn random(length: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut key = Zeroizing::new(vec![0; length]);
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    Ok(key)
}
