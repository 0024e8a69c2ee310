//! The key of a rotation: a new one, and the same one when it is asked for again.
//!
//! Data is never moved back. What a run may take for its new key is, in this order: the key of the
//! rotation that was begun for these options; the youngest of several keys in use, since that is what a
//! rotation that was cut short looks like; a key that waits unused and is younger than every key in
//! use. Else one is made. What cannot encrypt any more ends a rotation, and the next one begins.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{SystemTime, UNIX_EPOCH};

use rekey_kmip::client::ListedObject;
use rekey_kmip::client::choice::{Choice, KeyRequest, Rejection, barred, rejections};
use rekey_kmip::message::{Attributes, Refusal, ResultReason, Timestamp, UniqueIdentifier};

use super::{KeyChoice, Settled, fitting, others, warnings};
use crate::keys::{KeyId, KeyRef};
use crate::plan::census::KeyCensus;
use crate::{Error, Result};

/// What is known of keys in use, for those who want a new one.
#[derive(Debug, Clone, Default)]
#[expect(clippy::exhaustive_structs, reason = "what callers found out")]
pub struct Usage {
    /// The keys that anything is under: of all tables, snapshots and backups.
    pub keys: BTreeSet<KeyRef>,
    /// SSTables and directories that could not be looked at: any key may be in use there.
    pub unknown: usize,
    /// The key of the rotation to these options, if one was begun.
    pub recorded: Option<Recorded>,
}

impl Usage {
    /// What a census of everything has found.
    #[must_use]
    pub fn of(census: &KeyCensus) -> Self {
        Self {
            keys: census.keys.keys().cloned().collect(),
            unknown: census.unknown.len(),
            recorded: None,
        }
    }
}

/// The key of a rotation, as its record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record")]
pub struct Recorded {
    /// The key.
    pub id: KeyId,
    /// When the rotation began.
    pub began: SystemTime,
}

impl Recorded {
    pub(in crate::plan) fn reason(&self) -> String {
        let age = self.began.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let began = Timestamp::from_seconds(i64::try_from(age).unwrap_or(i64::MAX));
        format!("the key of the rotation that a run of {began} has begun")
    }
}

/// What a server tells of the keys that a rotation is about.
#[derive(Debug)]
pub(super) struct Told(BTreeMap<String, Result<Attributes, Refusal>>);

impl From<Vec<ListedObject>> for Told {
    fn from(objects: Vec<ListedObject>) -> Self {
        Self(objects.into_iter().map(|o| (o.id.as_str().to_owned(), o.attributes)).collect())
    }
}

impl Told {
    fn of(&self, id: &KeyId) -> Option<&Result<Attributes, Refusal>> {
        self.0.get(id.as_str())
    }

    fn attributes(&self, id: &KeyId) -> Option<&Attributes> {
        self.of(id)?.as_ref().ok()
    }

    /// Since when a key may have been written with.
    fn born(&self, id: &KeyId) -> Option<Timestamp> {
        let attributes = self.attributes(id)?;
        attributes.activation_date().or_else(|| attributes.creation_date())
    }
}

/// The keys whose attributes [`settle`] needs.
pub(super) fn asked(group: &str, choice: &Choice, usage: &Usage) -> Vec<UniqueIdentifier> {
    let recorded = usage.recorded.iter().map(|recorded| &recorded.id);
    let known = in_group(group, usage).into_iter().chain(recorded);
    let known = known.map(|id| UniqueIdentifier::new(id.as_str()));
    let all: BTreeSet<_> = known.chain(fitting(choice).cloned()).collect();
    all.into_iter().collect()
}

/// Settles it.
///
/// # Errors
/// [`crate::ErrorKind::KeyUnavailable`] when the server does not tell what it is about, and
/// [`crate::ErrorKind::Invalid`] when the operator must say which key is meant.
pub(super) fn settle(
    group: &str,
    request: &KeyRequest,
    choice: &Choice,
    (usage, told): (&Usage, &Told),
    now: Timestamp,
) -> Result<Settled> {
    let rotation = Rotation { request, choice, usage, told, now, used: in_group(group, usage) };
    let there = |id: &KeyId, reason: String| {
        let attributes = told.attributes(id);
        Settled {
            id: Some(id.clone()),
            choice: Some(rotation.explained(Some(id), reason, attributes)),
        }
    };
    if let Some(recorded) = &usage.recorded
        && rotation.goes_on_with(recorded)?
    {
        return Ok(there(&recorded.id, recorded.reason()));
    }
    if let Some((id, born, count)) = rotation.youngest_in_use()? {
        let reason = format!(
            "the youngest of {count} keys in use for these options (of {born}): a rotation is resumed, \
             and never back"
        );
        return Ok(there(id, reason));
    }
    let waiting = rotation.waiting();
    if let Ok(Some((id, born))) = &waiting {
        let reason = format!(
            "made on {born}, not by this run: it waits on the server, no SSTable here is under it, \
             and other nodes may use it already"
        );
        return Ok(there(id, reason));
    }
    let reason = match waiting {
        Err(why) => format!("made by the run: {why}"),
        Ok(_none) => "made by the run".to_owned(),
    };
    Ok(Settled { id: None, choice: Some(rotation.explained(None, reason, None)) })
}

struct Rotation<'a> {
    request: &'a KeyRequest,
    choice: &'a Choice,
    usage: &'a Usage,
    told: &'a Told,
    now: Timestamp,
    /// Keys of the group that anything is under.
    used: Vec<&'a KeyId>,
}

impl<'a> Rotation<'a> {
    fn explained(
        &self,
        id: Option<&KeyId>,
        reason: String,
        attributes: Option<&Attributes>,
    ) -> KeyChoice {
        let name = id.map_or("", KeyId::as_str);
        KeyChoice {
            reason,
            state: attributes.and_then(super::state_of),
            others: others(self.choice, name),
            warnings: warnings(self.choice, name),
            by_rule: false,
            rotates: true,
        }
    }

    /// Whether the recorded key is still the one to go to: it may encrypt, and nobody has gone to a
    /// younger one since.
    fn goes_on_with(&self, recorded: &Recorded) -> Result<bool> {
        match self.told.of(&recorded.id) {
            Some(Ok(attributes)) => {
                let born = self.told.born(&recorded.id);
                let is_younger = |id: &&&KeyId| **id != &recorded.id && self.told.born(id) > born;
                let overtaken = self.used.iter().filter(|id| self.may_be_for_these(id));
                Ok(barred(attributes, self.now).is_none()
                    && (born.is_none() || overtaken.filter(is_younger).count() == 0))
            }
            Some(Err(refusal)) if refusal.reason.is_some_and(ResultReason::is_not_found) => {
                Ok(false)
            }
            Some(Err(refusal)) => Err(silent(&recorded.id, refusal)),
            None => Ok(false),
        }
    }

    /// Of several keys in use the youngest, if it may encrypt.
    fn youngest_in_use(&self) -> Result<Option<(&'a KeyId, Timestamp, usize)>> {
        let used: Vec<&KeyId> =
            self.used.iter().copied().filter(|id| self.may_be_for_these(id)).collect();
        if used.len() < 2 {
            return Ok(None);
        }
        let mut dated = Vec::new();
        for id in used.iter().copied() {
            match self.told.of(id) {
                // What is gone is nobody's new key.
                Some(Err(refusal)) if refusal.reason.is_some_and(ResultReason::is_not_found) => {}
                Some(Err(refusal)) => return Err(silent(id, refusal)),
                _ => dated.push((self.told.born(id).ok_or_else(|| undated(id))?, id)),
            }
        }
        dated.sort_unstable_by_key(|(born, _)| std::cmp::Reverse(*born));
        let Some(&(born, youngest)) = dated.first() else { return Ok(None) };
        let may_encrypt =
            |id| self.told.attributes(id).is_some_and(|told| barred(told, self.now).is_none());
        if let Some((_, twin)) = dated.get(1).filter(|(other, _)| *other == born)
            && (may_encrypt(youngest) || may_encrypt(twin))
        {
            return Err(undated(youngest));
        }
        Ok(may_encrypt(youngest).then_some((youngest, born, used.len())))
    }

    /// A key that no SSTable is under, and that is younger than all keys in use; or why none is
    /// taken although some wait.
    fn waiting(&self) -> Result<Option<(KeyId, Timestamp)>, String> {
        let waiting: Vec<KeyId> = fitting(self.choice)
            .filter_map(|id| KeyId::new(id.as_str()).ok())
            .filter(|id| !self.used.contains(&id))
            .collect();
        if waiting.is_empty() {
            return Ok(None);
        }
        if self.usage.unknown > 0 {
            return Err(format!(
                "SSTables that could not be looked at: {}; so no key of the server can be taken for \
                 unused",
                self.usage.unknown
            ));
        }
        let mut last = None;
        for id in &self.used {
            let born = self.told.born(id).ok_or_else(|| {
                format!(
                    "how old key {id} is, which is in use, is not told, nor that another is younger"
                )
            })?;
            last = last.max(Some(born));
        }
        let mut dated = waiting.into_iter().filter_map(|id| Some((self.told.born(&id)?, id)));
        match dated.find(|(born, _)| last.is_none_or(|last| *born > last)) {
            Some((born, id)) => Ok(Some((id, born))),
            None => Err("what waits on the server is no younger than a key in use".to_owned()),
        }
    }

    /// Whether a key in use is one for these options, its state aside; of one that is gone, or of
    /// which nothing is told, nobody knows.
    fn may_be_for_these(&self, id: &KeyId) -> bool {
        let is_of_the_time =
            |why: &Rejection| matches!(why, Rejection::Expired(_) | Rejection::NotActive(_));
        self.told.attributes(id).is_none_or(|attributes| {
            rejections(self.request, attributes, self.now).iter().all(is_of_the_time)
        })
    }
}

fn in_group<'a>(group: &str, usage: &'a Usage) -> Vec<&'a KeyId> {
    let keys = usage.keys.iter().filter_map(|key| match key {
        KeyRef::Kmip { group: of, id } if of == group => Some(id),
        _ => None,
    });
    keys.collect()
}

fn silent(id: &KeyId, refusal: &Refusal) -> Error {
    Error::key_unavailable(format!(
        "the key server does not tell how old a key is that a rotation may have gone to: {refusal}"
    ))
    .key(id)
    .hint("let the client's certificate see it; or name the key to write with: --key-id")
}

fn undated(id: &KeyId) -> Error {
    Error::invalid(
        "the data is under several keys, and by their dates on the server nobody can tell which of \
         them a rotation has gone to",
    )
    .key(id)
    .hint("name the key to write with: --key-id; keys list shows all of them")
}

#[cfg(test)]
mod tests;
