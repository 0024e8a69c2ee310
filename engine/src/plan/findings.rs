//! Gathers what a plan has to say, each fact once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::finding::{Finding, Severity};
use super::inspect::{Facts, Shape};
use super::planned::{Action, Plan, SkipReason};
use super::target::Target;
use crate::crypto::{Weakening, Weakness};
use crate::keys::{KeyRef, KeySources};
use crate::sstable::Component;
use crate::{Error, ErrorKind};

/// One finding for each distinct fact, with all SSTables that share it.
pub(super) fn gather(plan: &mut Plan) {
    let mut findings = Findings::default();
    for (_, error) in &plan.unreadable {
        findings.add(Severity::Refusal, error, None);
    }
    for error in &plan.strangers {
        findings.add(Severity::Warning, error, None);
    }
    for planned in &mut plan.sstables {
        let data = planned.sstable.path(&Component::Data).display().to_string();
        if let Action::Refuse(error) = &planned.action {
            findings.add(Severity::Refusal, error, Some(&data));
        }
        for warning in planned.facts.iter_mut().flat_map(|facts| facts.warnings.drain(..)) {
            findings.add(Severity::Warning, &warning, Some(&data));
        }
    }
    plan.findings.extend(findings.list);
}

/// Warns of data that other machines may work on: no lock tells.
pub(super) fn warn_of_machines(plan: &mut Plan, shared: &[(&Path, String)]) {
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
    plan.findings.extend(findings.list);
}

/// Warns of keys that others may read, and of a target key that is no new one.
pub(super) fn warn_of_keys(plan: &mut Plan, sources: &KeySources, same: &BTreeSet<KeyRef>) {
    let mut findings = Findings::default();
    for key in plan.ring.names() {
        if let Some(warning) = sources.local.permission_warning(key) {
            findings.add(Severity::Warning, &Error::invalid(warning), None);
        }
    }
    for key in same {
        let error = Error::invalid(
            "the target key has the same bytes under another name: nothing is rotated",
        )
        .key(key)
        .hint("make a new key if the old one is to be given up");
        for (_, facts, _) in plan.rewrites() {
            if facts.keys.iter().any(|used| used.key == *key) {
                let data = facts.data_path().display().to_string();
                findings.add(Severity::Warning, &error, Some(&data));
            }
        }
    }
    plan.findings.extend(findings.list);
}

/// Says when the target's cipher is weaker than one that it replaces, or weak in itself: each once.
pub(super) fn warn_of_weakness(plan: &mut Plan) {
    let mut findings = Findings::default();
    let Some(target) = plan.target.encryptor() else { return };
    let new = (target.transformation(), target.strength());
    if let Some(weakness) = Weakness::of(new.0, new.1) {
        let error = Error::invalid(format!("the target's cipher: {weakness}"));
        findings.add(Severity::Warning, &error.hint(STRONG), None);
    }
    for (_, facts, _) in plan.rewrites() {
        let Some(old) = facts.shape.encryptor() else { continue };
        let old = (old.transformation(), old.strength());
        if let Some(weakening) = Weakening::between(old, new) {
            let data = facts.data_path().display().to_string();
            let error = Error::invalid(weakening.to_string());
            findings.add(Severity::Warning, &error.hint(STRONG), Some(&data));
        }
    }
    plan.findings.extend(findings.list);
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
pub(super) fn explain_choice(plan: &mut Plan, group_failures: Vec<Error>) {
    let mut findings = Findings::default();
    for error in group_failures {
        findings.add(Severity::Warning, &without_others(error), None);
    }
    if let Some(warning) = plan.target.params().warning() {
        findings.add(Severity::Warning, &warning, None);
    }
    if let Some(choice) = plan.target.choice() {
        for warning in &choice.warnings {
            findings.add(Severity::Warning, warning, None);
        }
        if let (true, Some(key)) = (choice.by_rule, plan.target.key()) {
            let severity = match plan.rewrites().next() {
                Some(_) => Severity::Warning,
                None => Severity::Blocker,
            };
            let error = Error::invalid(
                "these SSTables are already under the key that the database would still choose",
            )
            .key(key)
            .hint(MEANT);
            for planned in &plan.sstables {
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
            for (_, facts, _) in plan.rewrites() {
                if has_other_options(facts, &plan.target)
                    && facts.keys.iter().all(|used| used.key == *key)
                {
                    let data = facts.data_path().display().to_string();
                    findings.add(Severity::Warning, &error, Some(&data));
                }
            }
        }
    }
    plan.findings.extend(findings.list);
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
