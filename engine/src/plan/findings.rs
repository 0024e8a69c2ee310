//! Gathers what a plan has to say, each fact once.

use std::collections::BTreeMap;
use std::path::Path;

use super::action::{Action, SkipReason};
use super::facts::{Facts, Shape};
use super::finding::{Finding, Severity};
use super::keys::ResolvedKeys;
use super::planned::{PlannedRewrite, PlannedSSTable, rewrites};
use super::target::Target;
use super::targets::Targets;
use crate::crypto::{Weakening, Weakness};
use crate::keys::{KeyRef, KeySources};
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
        if let Some(warning) = sources.permission_warning(key) {
            findings.add(Severity::Warning, &Error::invalid(warning), None);
        }
    }
    for key in &keys.same_as_target {
        let error = Error::invalid(
            "the target key has the same bytes under another name: nothing is rotated",
        )
        .key(key)
        .hint("make a new key if the old one is to be given up");
        for PlannedRewrite { facts, .. } in rewrites(sstables) {
            if facts.keys.iter().any(|used| used.key == *key) {
                let data = facts.data_path().display().to_string();
                findings.add(Severity::Warning, &error, Some(&data));
            }
        }
    }
    findings.list
}

/// Says when the target's cipher is weaker than one that it replaces, or weak in itself: each once.
pub(super) fn of_weakness(sstables: &[PlannedSSTable], targets: &Targets) -> Vec<Finding> {
    let mut findings = Findings::default();
    for target in targets.distinct().iter().filter_map(|target| target.encryptor()) {
        if let Some(weakness) = Weakness::of(target.transformation(), target.strength()) {
            let error = Error::invalid(format!("the target's cipher: {weakness}"));
            findings.add(Severity::Warning, &error.hint(STRONG), None);
        }
    }
    for PlannedRewrite { facts, target, .. } in rewrites(sstables) {
        let (Some(old), Some(new)) = (facts.shape.encryptor(), target.encryptor()) else {
            continue;
        };
        let new = (new.transformation(), new.strength());
        let old = (old.transformation(), old.strength());
        if let Some(weakening) = Weakening::between(old, new) {
            let data = facts.data_path().display().to_string();
            let error = Error::invalid(weakening.to_string());
            findings.add(Severity::Warning, &error.hint(STRONG), Some(&data));
        }
    }
    findings.list
}

/// Says which indices keep their terms in clear beside a Data.db that is encrypted for the first time:
/// each with its bytes.
pub(super) fn of_clear_terms(sstables: &[PlannedSSTable]) -> Vec<Finding> {
    let mut indices: BTreeMap<(&str, &str), (u64, Vec<String>)> = BTreeMap::new();
    for PlannedRewrite { sstable, facts, target, .. } in rewrites(sstables) {
        if facts.shape.is_encrypted() || target.encryptor().is_none() {
            continue;
        }
        for (component, stat) in &facts.files {
            let Some(index) = component.storage_attached_index() else { continue };
            let (bytes, of) = indices.entry((&sstable.table, index)).or_default();
            *bytes = bytes.saturating_add(stat.length);
            let data = facts.data_path().display().to_string();
            if of.last() != Some(&data) {
                of.push(data);
            }
        }
    }
    let finding = |((table, index), (bytes, sstables)): ((&str, &str), (u64, Vec<String>))| {
        let error = Error::unsupported(format!(
            "the storage-attached index {index} of {table} stays in clear, with the terms that it \
             holds: {bytes} bytes"
        ))
        .hint("the database encrypts no such index; drop it if its terms must not be in clear");
        Finding { severity: Severity::Warning, error, sstables }
    };
    indices.into_iter().map(finding).collect()
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
    targets: &Targets,
    group_failures: Vec<Error>,
) -> Vec<Finding> {
    let mut findings = Findings::default();
    for error in group_failures {
        findings.add(Severity::Warning, &without_others(error), None);
    }
    for warning in targets.warnings() {
        findings.add(Severity::Warning, warning, None);
    }
    for target in targets.distinct() {
        if let Some(warning) = target.params().warning() {
            findings.add(Severity::Warning, &warning, None);
        }
        let Some(choice) = target.choice() else { continue };
        for warning in &choice.warnings {
            findings.add(Severity::Warning, warning, None);
        }
        if let (true, Some(key)) = (choice.by_rule, target.key()) {
            // Who has given a target wants something done. A schema only says how things are.
            let severity = match targets.is_one() && rewrites(sstables).next().is_none() {
                true => Severity::Blocker,
                false => Severity::Warning,
            };
            of_rule(&mut findings, sstables, target, key, severity);
        }
    }
    findings.list
}

fn of_rule(
    findings: &mut Findings,
    sstables: &[PlannedSSTable],
    target: &Target,
    key: &KeyRef,
    severity: Severity,
) {
    let is_under = |facts: &Facts| facts.keys.iter().all(|used| used.key == *key);
    let error = Error::invalid(
        "these SSTables are already under the key that the database would still choose",
    )
    .key(key)
    .hint(meant(key));
    for planned in sstables {
        if let Action::Skip(SkipReason::UnderTargetKey) = planned.action
            && planned.facts.as_ref().is_none_or(is_under)
        {
            let data = planned.sstable.path(&Component::Data).display().to_string();
            findings.add(severity, &error, Some(&data));
        }
    }
    let error = Error::invalid(
        "these SSTables get other options, but stay under the same key, which the database would \
         still choose",
    )
    .key(key)
    .hint(meant(key));
    for PlannedRewrite { facts, target: of, .. } in rewrites(sstables) {
        if std::ptr::eq(of, target) && has_other_options(facts, target) && is_under(facts) {
            let data = facts.data_path().display().to_string();
            findings.add(Severity::Warning, &error, Some(&data));
        }
    }
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
const fn meant(key: &KeyRef) -> &'static str {
    match key {
        KeyRef::Replicated { .. } => MEANT_IN_TABLE,
        KeyRef::Keystore { .. } | KeyRef::Kmip { .. } | KeyRef::LocalFile { .. } => MEANT,
    }
}

const MEANT_IN_TABLE: &str = "if another key is to take its place, have the database make one under \
                              another system_key_file (ALTER TABLE, a write, nodetool flush, nodetool \
                              drain), and give those options; if this one is meant, nothing is left to \
                              do for them: name it with --key-id to say so";
const MEANT: &str = "if another key is to take its place, have one made (--create-key) or name it \
                     (--key-id); if this one is meant, nothing is left to do for them: name it with \
                     --key-id to say so";
const STRONG: &str = "AES/CBC/PKCS5Padding with 256 bits has no such weakness";
