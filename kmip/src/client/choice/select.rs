//! Filter, order and validation (KMIP.md 1.4, 1.5).

use std::fmt;

use super::cipher::rebuilt;
use super::{KeyRequest, NAMESPACE, USAGE};
use crate::client::Rest;
use crate::message::{Attributes, ObjectType, State, Timestamp, UniqueIdentifier, printable};

/// A key that Locate returned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The key.
    pub id: UniqueIdentifier,
    /// What the server reports about it.
    pub attributes: Attributes,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// The first candidate, in the database's order, that fits in everything.
    pub chosen: Option<UniqueIdentifier>,
    /// The candidate at which the database stops: it sorts what Locate returned, takes the
    /// first, and fails if that one is not valid, without trying the next.
    pub database: Option<DatabaseView>,
    /// Every candidate in the database's order, expired ones last, with the reasons against it.
    pub verdicts: Vec<(UniqueIdentifier, Vec<Rejection>)>,
    /// What is known of matching keys that the database does not get to see.
    pub rest: Rest,
}

/// What the database does with the same answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseView {
    /// The key it takes.
    pub id: UniqueIdentifier,
    /// Why it then fails; `None` if it writes with this key.
    pub failure: Option<Rejection>,
}

/// Why a candidate is not chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// Its Protect Stop Date is past.
    Expired(Timestamp),
    /// It is not a symmetric key.
    NotASymmetricKey(ObjectType),
    /// The server does not report the algorithm or the length.
    NoAlgorithmOrLength,
    /// Its attributes give another cipher string.
    OtherCipher(String),
    /// It has another length.
    OtherStrength(i32),
    /// It is not active.
    NotActive(State),
    /// It may not both encrypt and decrypt.
    OtherUsage(i32),
    /// It belongs to another namespace, or to none.
    OtherNamespace(Option<String>),
}

impl Choice {
    /// Whether the database would write with the chosen key.
    #[must_use]
    pub fn agrees_with_the_database(&self) -> bool {
        match (&self.chosen, &self.database) {
            (None, None) => true,
            (Some(chosen), Some(view)) => view.failure.is_none() && view.id == *chosen,
            _ => false,
        }
    }
}

/// Chooses among what Locate returned, by the client's clock.
#[must_use]
pub fn choose(wanted: &KeyRequest, candidates: Vec<Candidate>, now: Timestamp) -> Choice {
    let (mut live, mut expired): (Vec<_>, Vec<_>) =
        candidates.into_iter().partition(|candidate| expired(&candidate.attributes, now).is_none());
    live.sort_by_key(rank);
    expired.sort_by_key(rank);
    let database = live.first().map(|first| DatabaseView {
        id: first.id.clone(),
        failure: invalid(wanted, &first.attributes),
    });
    let verdicts: Vec<_> = live
        .into_iter()
        .chain(expired)
        .map(|candidate| {
            let found = rejections(wanted, &candidate.attributes, now);
            (candidate.id, found)
        })
        .collect();
    let fits = verdicts.iter().find(|(_id, rejections)| rejections.is_empty());
    Choice { chosen: fits.map(|(id, _)| id.clone()), database, verdicts, rest: Rest::None }
}

/// Protect Stop Date ascending, missing last; then Activation Date ascending, missing last.
fn rank(candidate: &Candidate) -> (bool, Option<Timestamp>, bool, Option<Timestamp>) {
    let stop = candidate.attributes.protect_stop_date();
    let activation = candidate.attributes.activation_date();
    (stop.is_none(), stop, activation.is_none(), activation)
}

/// What forbids encrypting with a key, whatever its purpose: its state, or a Protect Stop Date that
/// is past. What the server does not report forbids nothing.
#[must_use]
pub fn barred(attributes: &Attributes, now: Timestamp) -> Option<Rejection> {
    match attributes.state().filter(|state| *state != State::ACTIVE) {
        Some(state) => Some(Rejection::NotActive(state)),
        None => expired(attributes, now),
    }
}

/// The database compares with milliseconds, so a date in the current second is past, except at the
/// exact millisecond at which it begins.
fn expired(attributes: &Attributes, now: Timestamp) -> Option<Rejection> {
    attributes.protect_stop_date().filter(|stop| *stop <= now).map(Rejection::Expired)
}

/// The database's own validation of the key that it takes.
fn invalid(wanted: &KeyRequest, attributes: &Attributes) -> Option<Rejection> {
    if let Some(kind) = attributes.object_type().filter(|kind| *kind != ObjectType::SYMMETRIC_KEY) {
        return Some(Rejection::NotASymmetricKey(kind));
    }
    let (Some(cipher), Some(length)) = (rebuilt(attributes), attributes.length()) else {
        return Some(Rejection::NoAlgorithmOrLength);
    };
    if !wanted.cipher.is_cipher_of(attributes) {
        return Some(Rejection::OtherCipher(cipher));
    }
    (length != wanted.strength).then_some(Rejection::OtherStrength(length))
}

/// All reasons against a candidate, the filter of Locate included. An attribute that the server
/// does not report is given the benefit of the doubt, except for the namespace: without it two
/// tables would share a key.
#[must_use]
pub fn rejections(wanted: &KeyRequest, attributes: &Attributes, now: Timestamp) -> Vec<Rejection> {
    let mut found: Vec<_> = invalid(wanted, attributes).into_iter().collect();
    found.extend(expired(attributes, now));
    if let Some(state) = attributes.state().filter(|state| *state != State::ACTIVE) {
        found.push(Rejection::NotActive(state));
    }
    if let Some(mask) = attributes.usage_mask().filter(|mask| mask & USAGE != USAGE) {
        found.push(Rejection::OtherUsage(mask));
    }
    if let Some(namespace) = &wanted.namespace {
        let own = attributes.custom(NAMESPACE);
        if own != Some(namespace.as_str()) {
            found.push(Rejection::OtherNamespace(own.map(|text| printable(text, 100))));
        }
    }
    found
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Expired(at) => write!(f, "expired on {at}"),
            Self::NotASymmetricKey(kind) => write!(f, "is of type {kind}"),
            Self::NoAlgorithmOrLength => f.write_str("algorithm or length is not told"),
            Self::OtherCipher(cipher) => write!(f, "is for the cipher {cipher}"),
            Self::OtherStrength(bits) => write!(f, "has {bits} bits"),
            Self::NotActive(state) => write!(f, "is {state}"),
            Self::OtherUsage(mask) => write!(f, "has the usage mask {mask:#x}"),
            Self::OtherNamespace(None) => f.write_str("has no namespace"),
            Self::OtherNamespace(Some(name)) => write!(f, "is of the namespace {name}"),
        }
    }
}
