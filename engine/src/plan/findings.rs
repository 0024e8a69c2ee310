//! Gathers what a plan has to say, each fact once.

use std::collections::BTreeMap;
use std::path::Path;

use super::action::{Action, SkipReason};
use super::facts::{Facts, Shape};
use super::finding::{Finding, Severity};
use super::keys::ResolvedKeys;
use super::planned::{PlannedSSTable, rewrites};
use super::target::Target;
use crate::crypto::{Weakening, Weakness};
use crate::keys::KeySources;
use crate::sstable::Component;
use crate::{Error, ErrorKind};

/// One finding for each distinct fact, with all SSTables that share it. Takes the warnings out of the
/// facts.
pub(super) fn gather(
    unreadable: &[(String, Error)],
    strangers: &[Error],
    sstables: &mut [PlannedSSTable],
) -> Vec<Finding> {
    let mut findings = Findings::default();
    for (_, error) in unreadable {
        findings.add(Severity::Refusal, error, None);
    }
    for error in strangers {
        findings.add(Severity::Warning, error, None);
    }
    for planned in sstables {
        let data = planned.sstable.path(&Component::Data).display().to_string();
        if let Action::Refuse(error) = &planned.action {
            findings.add(Severity::Refusal, error, Some(&data));
        }
        for warning in planned.facts.iter_mut().flat_map(|facts| facts.warnings.drain(..)) {
            findings.add(Severity::Warning, &warning, Some(&data));
        }
    }
    findings.list
}

/// Warns of data that other machines may work on: no lock tells.
pub(super) fn of_machines(shared: &[(&Path, String)]) -> Vec<Finding> {
    let mut findings = Findings::default();
    for (data_dir, kind) in shared {
        let error = Error::new(
            ErrorKind::Busy,
            format!("it lies on a network file system ({kind}): a node or a run on another machine would not be seen"),
        )
        .at(*data_dir)
        .hint("make sure that no other machine works on it; keep it on a local disk if you can");
        findings.add(Severity::Warning, &error, None);
    }
    findings.list
}

/// Warns of keys that others may read, and of a target key that is no new one.
pub(super) fn of_keys(
    sstables: &[PlannedSSTable],
    sources: &KeySources,
    keys: &ResolvedKeys,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    for key in keys.ring.names() {
        if let Some(warning) = sources.local.permission_warning(key) {
            findings.add(Severity::Warning, &Error::invalid(warning), None);
        }
    }
    for key in &keys.same_as_target {
        let error = Error::invalid(
            "the target key has the same bytes under another name: nothing is rotated",
        )
        .key(key)
        .hint("make a new key if the old one is to be given up");
        for (_, facts, _) in rewrites(sstables) {
            if facts.keys.iter().any(|used| used.key == *key) {
                let data = facts.data_path().display().to_string();
                findings.add(Severity::Warning, &error, Some(&data));
            }
        }
    }
    findings.list
}

/// Says when the target's cipher is weaker than one that it replaces, or weak in itself: each once.
pub(super) fn of_weakness(sstables: &[PlannedSSTable], target: &Target) -> Vec<Finding> {
    let mut findings = Findings::default();
    let Some(target) = target.encryptor() else { return vec![] };
    let new = (target.transformation(), target.strength());
    if let Some(weakness) = Weakness::of(new.0, new.1) {
        let error = Error::invalid(format!("the target's cipher: {weakness}"));
        findings.add(Severity::Warning, &error.hint(STRONG), None);
    }
    for (_, facts, _) in rewrites(sstables) {
        let Some(old) = facts.shape.encryptor() else { continue };
        let old = (old.transformation(), old.strength());
        if let Some(weakening) = Weakening::between(old, new) {
            let data = facts.data_path().display().to_string();
            let error = Error::invalid(weakening.to_string());
            findings.add(Severity::Warning, &error.hint(STRONG), Some(&data));
        }
    }
    findings.list
}

/// What it means that the further keys of a group are not there.
pub(crate) fn without_others(of_group: Error) -> Error {
    Error::key_unavailable(
        "a chunk whose header names the wrong key could not be read: the other keys of its \
         group cannot be had, or not all of them",
    )
    .caused_by(of_group)
}

/// Says what the choice of the target key leaves to be known. A key that nobody named and that the
/// SSTables are under already is the old key, as far as anybody can see.
pub(super) fn of_choice(
    sstables: &[PlannedSSTable],
    target: &Target,
    group_failures: Vec<Error>,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    for error in group_failures {
        findings.add(Severity::Warning, &without_others(error), None);
    }
    if let Some(warning) = target.params().warning() {
        findings.add(Severity::Warning, &warning, None);
    }
    if let Some(choice) = target.choice() {
        for warning in &choice.warnings {
            findings.add(Severity::Warning, warning, None);
        }
        if let (true, Some(key)) = (choice.by_rule, target.key()) {
            let severity = match rewrites(sstables).next() {
                Some(_) => Severity::Warning,
                None => Severity::Blocker,
            };
            let error = Error::invalid(
                "these SSTables are already under the key that the database would still choose",
            )
            .key(key)
            .hint(MEANT);
            for planned in sstables {
                if let Action::Skip(SkipReason::UnderTargetKey) = planned.action {
                    let data = planned.sstable.path(&Component::Data).display().to_string();
                    findings.add(severity, &error, Some(&data));
                }
            }
            let error = Error::invalid(
                "these SSTables get other options, but stay under the same key, which the \
                 database would still choose",
            )
            .key(key)
            .hint(MEANT);
            for (_, facts, _) in rewrites(sstables) {
                if has_other_options(facts, target)
                    && facts.keys.iter().all(|used| used.key == *key)
                {
                    let data = facts.data_path().display().to_string();
                    findings.add(Severity::Warning, &error, Some(&data));
                }
            }
        }
    }
    findings.list
}

fn has_other_options(facts: &Facts, target: &Target) -> bool {
    match &facts.shape {
        Shape::Chunked { scheme, .. } => {
            scheme.encryptor().is_some() && !target.is_scheme(Some(scheme))
        }
        Shape::Uncompressed | Shape::Foreign { .. } => false,
    }
}

/// Findings, each fact once.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) list: Vec<Finding>,
    at: BTreeMap<(Severity, String), usize>,
}

impl Findings {
    pub(super) fn add(&mut self, severity: Severity, error: &Error, sstable: Option<&str>) {
        let next = self.list.len();
        let index = *self.at.entry((severity, error.fact())).or_insert(next);
        if index == next {
            self.list.push(Finding { severity, error: error.clone(), sstables: vec![] });
        }
        if let (Some(finding), Some(sstable)) = (self.list.get_mut(index), sstable) {
            finding.sstables.push(sstable.to_owned());
        }
    }
}

/// Nobody knows here whether the key is the old one or the wanted one: no word of retiring it.
const MEANT: &str = "if another key is to take its place, have one made (--create-key) or name it \
                     (--key-id); if this one is meant, nothing is left to do for them: name it with \
                     --key-id to say so";
const STRONG: &str = "AES/CBC/PKCS5Padding with 256 bits has no such weakness";
