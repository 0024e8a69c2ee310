//! Evidence while it is gathered: sums by key, and by reason.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use crate::evidence::{
    Finding, FindingKind, KeyName, KeyUses, Moment, Place, Unknown, UnknownKind, Use,
};
use crate::{Error, ErrorKind};

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Draft {
    uses: BTreeMap<KeyName, BTreeMap<Where, Use>>,
    findings: BTreeMap<(FindingKind, String), Finding>,
    unknowns: BTreeMap<(UnknownKind, String, Option<String>), Unknown>,
    /// The first of what was seen and is in `unknowns`, one by one.
    errors: Vec<Error>,
}

/// Place, tag and table.
type Where = (Place, Option<String>, Option<String>);

/// One thing under a key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item<'a> {
    pub(super) place: Place,
    pub(super) tag: Option<&'a str>,
    pub(super) table: Option<&'a str>,
    pub(super) path: Option<&'a Path>,
    pub(super) bytes: u64,
    pub(super) chunks: u64,
    pub(super) modified: Option<SystemTime>,
}

impl<'a> Item<'a> {
    /// Something without bytes, such as a setting.
    pub(super) const fn at(place: Place, path: Option<&'a Path>) -> Self {
        Self { place, tag: None, table: None, path, bytes: 0, chunks: 0, modified: None }
    }
}

impl Draft {
    /// Counts something that is under a key.
    pub(super) fn add_use(&mut self, key: &KeyName, item: Item<'_>) {
        let place = (item.place, item.tag.map(str::to_owned), item.table.map(str::to_owned));
        let own = self.uses.entry(key.clone()).or_default().entry(place).or_insert_with(|| Use {
            place: item.place,
            tag: item.tag.map(str::to_owned),
            table: item.table.map(str::to_owned),
            files: 0,
            bytes: 0,
            chunks: 0,
            oldest: None,
            newest: None,
            path: item.path.map(shown),
        });
        own.files = own.files.saturating_add(1);
        own.bytes = own.bytes.saturating_add(item.bytes);
        own.chunks = own.chunks.saturating_add(item.chunks);
        let modified = item.modified.map(Moment::from);
        own.oldest = own.oldest.into_iter().chain(modified).min();
        own.newest = own.newest.into_iter().chain(modified).max();
    }

    /// Counts something that says nothing about a key.
    pub(super) fn add_finding(
        &mut self,
        kind: FindingKind,
        message: String,
        (path, bytes): (&Path, u64),
    ) {
        let finding = self.findings.entry((kind, message.clone())).or_insert_with(|| Finding {
            kind,
            message,
            path: Some(shown(path)),
            files: 0,
            bytes: 0,
        });
        finding.files = finding.files.saturating_add(1);
        finding.bytes = finding.bytes.saturating_add(bytes);
    }

    /// Notes what could not be judged.
    pub(super) fn add_unknown(&mut self, error: &Error) {
        let kind = match error.kind() {
            ErrorKind::Unsupported => UnknownKind::Foreign,
            ErrorKind::Interrupted => UnknownKind::Unfinished,
            ErrorKind::Invalid => UnknownKind::NotLookedAt,
            _ => UnknownKind::Unreadable,
        };
        self.add_unknown_of(kind, error, None);
        if kind == UnknownKind::Unfinished {
            // Not only staged: what a node reads is half replaced.
            self.errors.push(error.clone());
        }
    }

    /// The same of a kind, with the time of the file.
    pub(super) fn add_unknown_of(
        &mut self,
        kind: UnknownKind,
        error: &Error,
        modified: Option<SystemTime>,
    ) {
        let (message, cure) =
            (error.fact().trim().to_owned(), error.hint_text().map(str::to_owned));
        let key = (kind, message.clone(), cure.clone());
        // Names in messages may all be different; what is left out is counted by one of its kind.
        let key = match self.unknowns.len() < MOST || self.unknowns.contains_key(&key) {
            true => key,
            false => (kind, "and others".to_owned(), None),
        };
        let unknown = self.unknowns.entry(key.clone()).or_insert_with(|| Unknown {
            kind,
            message: key.1,
            paths: vec![],
            files: 0,
            cure,
            oldest: None,
        });
        unknown.files = unknown.files.saturating_add(1);
        let is_seen = !matches!(kind, UnknownKind::NotLookedAt | UnknownKind::Unfinished);
        if is_seen && self.errors.len() < MOST {
            self.errors.push(error.clone());
        }
        if unknown.paths.len() < MOST_PATHS {
            unknown.paths.extend(error.path().map(shown));
        }
        let modified = modified.map(Moment::from);
        unknown.oldest = unknown.oldest.into_iter().chain(modified).min();
    }

    /// What could not be judged, one by one as far as that leads.
    pub(super) fn take_errors(&mut self) -> Vec<Error> {
        std::mem::take(&mut self.errors)
    }

    /// What is under each key, its state still unknown; the findings; what could not be judged.
    pub(super) fn finish(self) -> (Vec<KeyUses>, Vec<Finding>, Vec<Unknown>) {
        let keys = self.uses.into_iter().map(|(key, uses)| KeyUses {
            key,
            also: vec![],
            is_unread: false,
            state: None,
            uses: uses.into_values().collect(),
        });
        let (findings, unknowns) = (self.findings.into_values(), self.unknowns.into_values());
        (keys.collect(), findings.collect(), unknowns.collect())
    }
}

/// As text: a path may not be UTF-8, which JSON cannot represent.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Reasons that are told apart.
const MOST: usize = 1_000;

/// Places that are named for a reason.
const MOST_PATHS: usize = 10;
