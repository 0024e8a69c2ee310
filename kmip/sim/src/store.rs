//! The objects, and what tests and the demo do with them without the protocol.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;

use rekey_kmip::message::{
    Attribute, CryptographicAlgorithm, ObjectType, Refusal, Reply, Request, ResultReason,
    ResultStatus, UniqueIdentifier,
};
use rekey_kmip::ttlv::Tag;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::file::{ObjectFile, is_change};
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
    file: Option<ObjectFile>,
    made: u64,
}

impl Store {
    /// A store with what its file has, if it has a file.
    pub(crate) fn open(clock: Clock, quirks: &[Quirk], file: Option<PathBuf>) -> io::Result<Self> {
        let quirks = quirks.iter().copied().collect();
        let file = file.map(ObjectFile::new);
        let objects = file.as_ref().map(ObjectFile::load).transpose()?.unwrap_or_default();
        Ok(Self { inner: Mutex::new(Inner { objects, quirks, file, made: 0 }), clock })
    }

    /// Writes the file now. What the protocol changes is written before the answer; what bypasses
    /// the protocol is written by this call.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save(&self) -> io::Result<()> {
        lock(&self.inner).save()
    }

    /// Puts a key in, active since now, without asking the protocol. Given attributes replace the
    /// defaults.
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

    /// Adds an object that is not a key and has no readable attributes: listings must cope with it.
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

    /// Does one operation. Its changes are in the file before the answer is sent.
    pub(crate) fn perform(&self, request: Request, two: bool) -> Result<Reply, Refusal> {
        let operation = request.operation();
        let mut inner = lock(&self.inner);
        let reply = inner.perform(request, self.clock.now(), two)?;
        if is_change(operation) {
            inner.save().map_err(|e| refuse(ResultReason::GENERAL_FAILURE, &e.to_string()))?;
        }
        Ok(reply)
    }
}

impl Inner {
    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    fn save(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), |file| file.save(&self.objects))
    }

    /// Keeps an object under a new id of the form that the vendor's sample shows.
    pub(crate) fn insert(
        &mut self,
        kind: ObjectType,
        attributes: Vec<Attribute>,
        key: Option<Zeroizing<Vec<u8>>>,
    ) -> UniqueIdentifier {
        let id = loop {
            self.made = self.made.saturating_add(1);
            let id = UniqueIdentifier::new(format!("02-{:03}", self.made));
            if self.objects.iter().all(|object| object.id != id) {
                break id;
            }
        };
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
