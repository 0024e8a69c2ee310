//! The same in words: the answer first, then the work that is left.

use std::fmt::Write as _;
use std::path::Path;

use rekey_engine::evidence::{Answer, Cluster, Evidence, KeyName, Reason, Step, Verdict};

use super::Place;
use crate::ui::paint::To;
use crate::ui::text::looked_at;
use crate::ui::wrap::prose;

pub(super) fn verdicts(verdicts: &[Verdict], place: &Place) -> String {
    verdicts.iter().map(|verdict| of_key(verdict, place)).collect()
}

fn of_key(verdict: &Verdict, place: &Place) -> String {
    let answer = match verdict.answer {
        Answer::Yes => "yes",
        Answer::AfterNextStart => "yes, after the next start",
        Answer::Unknown => "unknown",
        Answer::No => "no",
    };
    let mut text = format!("{answer}: {}{}\n", verdict.query, held(verdict));
    for (number, reason) in (1..).zip(&verdict.reasons) {
        of_reason(&mut text, number, reason, place);
    }
    text
}

/// The keys that were meant, where that is more than the name says, and their states.
fn held(verdict: &Verdict) -> String {
    let states: Vec<&str> = verdict.keys.iter().filter_map(|(_, state)| state.as_deref()).collect();
    match (verdict.keys.len(), states.as_slice()) {
        (_, [only]) => format!(" ({only} on its server)"),
        (0, _) => " (nothing that was looked at is under it)".to_owned(),
        (1, _) => verdict.keys.iter().filter_map(|(key, _)| other_name(verdict, key)).collect(),
        (many, _) => format!(" ({many} keys)"),
    }
}

/// The name that something is under, where somebody asks by another.
fn other_name(verdict: &Verdict, key: &KeyName) -> Option<String> {
    let name = key.to_string();
    (!name.contains(verdict.query.name())).then(|| format!(" (it is {name})"))
}

fn of_reason(text: &mut String, number: usize, reason: &Reason, place: &Place) {
    let node = reason.node.as_deref().map(|node| format!("{node}: ")).unwrap_or_default();
    let line = format!("  {number}. {node}{}\n", reason.what);
    text.push_str(&prose(line, To::Out));
    for path in &reason.paths {
        let _ = writeln!(text, "       at {path}");
    }
    for (place_of, step) in reason.steps.iter().enumerate() {
        let word = if place_of == 0 { "->" } else { "or" };
        let step_text = place.step(step);
        // What is to be copied into a shell stays on its line.
        let line = format!("     {word} {step_text}\n");
        match step {
            Step::Do(_) => text.push_str(&prose(line, To::Out)),
            _ => text.push_str(&line),
        }
    }
}

pub(super) fn evidence(evidence: &Evidence, kept: Option<&Path>) -> String {
    let there = evidence.directories.iter().filter(|directory| directory.is_there);
    let mut text: String = there.map(looked_at).collect();
    for (word, occasion) in
        [("last re-encrypted", &evidence.last_rewrite), ("last started", &evidence.last_start)]
    {
        if let Some(occasion) = occasion {
            let _ = writeln!(text, "{word}: {} ({})", occasion.time, occasion.origin);
        }
    }
    if let Some(kept) = kept {
        let _ = writeln!(text, "report: {}", kept.display());
    }
    text.push_str(&prose(NOT_COVERED.to_owned(), To::Out));
    text
}

pub(super) fn cluster(cluster: &Cluster) -> String {
    let mut text = String::new();
    for (name, evidence) in cluster.nodes() {
        let host = evidence.host.as_deref().unwrap_or("a machine without a name");
        let _ = writeln!(text, "report: {name}, of {host}, {}", evidence.time);
    }
    for missing in cluster.missing() {
        let address = missing.member.address.as_deref().unwrap_or("no address");
        let _ = writeln!(text, "no report: {address}, host id {}", missing.member.host_id);
    }
    text.push_str(&prose(NOT_COVERED.to_owned(), To::Out));
    text
}

/// What no look at a node can see.
const NOT_COVERED: &str = "not looked at: copies elsewhere (backups in buckets, other machines); and chunks \
                           whose header names a wrong key, which verify finds\n";
