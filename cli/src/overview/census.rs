//! A census of one node.

use super::places::{Amounts, digest, directory};
use super::{Fact, Overview, Remark, Remarks, Tone, Verdict, count};
use crate::documents::{Census, KeyRow};

pub(super) fn overview(census: Census) -> Overview {
    let Census { keys, weaknesses, unknown, summary } = census;
    let mut amounts = Amounts::default();
    for KeyRow { key, state, places } in &keys {
        let key = key.to_string();
        amounts.key(&key, state.as_ref());
        for uses in places {
            amounts.add(&key, uses.place, uses.table.as_ref(), uses.bytes);
        }
    }
    amounts.add_clear(summary.not_encrypted_bytes);
    let mut facts = Vec::new();
    if summary.not_encrypted_sstables > 0 {
        let sstables = count(summary.not_encrypted_sstables, "SSTable", "SSTables");
        facts.push(Fact::new("not encrypted", sstables));
    }
    if summary.clear_chunks > 0 {
        facts.push(Fact::new(
            "chunks in clear in encrypted SSTables",
            summary.clear_chunks.to_string(),
        ));
    }
    if summary.archives_not_counted > 0 {
        let folders = count(summary.archives_not_counted, "folder", "folders");
        facts.push(Fact::new("snapshots and backups not counted", folders));
    }
    let weaknesses = weaknesses.into_iter().map(|of| Remark {
        tone: Tone::Unknown,
        word: count(of.files, "file", "files"),
        what: of.message,
        places: of.path.into_iter().collect(),
        cure: None,
    });
    let unknowns = unknown.len();
    let unknown = unknown.into_iter().map(|of| Remark {
        tone: Tone::Unknown,
        word: "unknown".to_owned(),
        what: of.message,
        places: vec![],
        cure: of.cure,
    });
    Overview {
        title: "Census of keys",
        time: Some(summary.time.0),
        facts,
        verdicts: vec![verdict(keys.len(), unknowns)],
        charts: amounts.charts(),
        remarks: vec![
            Remarks { heading: "Findings", remarks: weaknesses.collect(), more: 0 },
            Remarks { heading: "Unknown", remarks: unknown.collect(), more: 0 },
        ],
        directories: summary.directories.iter().map(|of| directory(of, None)).collect(),
        digests: summary.directories.iter().filter_map(|of| digest(of, None)).collect(),
        ..Overview::default()
    }
}

fn verdict(keys: usize, unknown: usize) -> Verdict {
    let number = |of: usize| u64::try_from(of).unwrap_or(u64::MAX);
    let keys = format!("{} in use", count(number(keys), "key", "keys"));
    let (tone, word, meaning) = match number(unknown) {
        0 => (Tone::Good, "Complete", keys),
        unknown => {
            let places = count(unknown, "place", "places");
            let meaning =
                format!("{keys}; {places} could not be looked at, where any key may be in use");
            (Tone::Unknown, "Incomplete", meaning)
        }
    };
    Verdict { of: None, tone, word, meaning, reasons: vec![] }
}
