//! What a census and evidence have in common: amounts by key and by table, and directories.

use std::collections::BTreeMap;

use rekey_engine::evidence::{Directory as Looked, Place};

use super::{Bar, Chart, Directory, Fact, Row, count};

/// Amounts by key, and by table or what else there is.
#[derive(Debug, Default)]
pub(super) struct Amounts {
    by_key: BTreeMap<String, (Vec<String>, Bar)>,
    by_table: BTreeMap<String, Bar>,
}

impl Amounts {
    /// Knows a key, of which nothing needs to be there.
    pub(super) fn key(&mut self, key: &str, state: Option<&String>) {
        let (states, _) = self.by_key.entry(key.to_owned()).or_default();
        if let Some(state) = state.filter(|state| !states.contains(state)) {
            states.push(state.clone());
        }
    }

    pub(super) fn add(&mut self, key: &str, place: Place, table: Option<&String>, bytes: u64) {
        let bar = Bar(if place.is_archive() { vec![0, bytes] } else { vec![bytes, 0] });
        self.by_key.entry(key.to_owned()).or_default().1.add(&bar);
        let table = table.cloned().unwrap_or_else(|| place.name().replace('_', " "));
        self.by_table.entry(table).or_default().add(&bar);
    }

    /// What is under no key.
    pub(super) fn add_clear(&mut self, bytes: u64) {
        if bytes > 0 {
            let clear = "not encrypted".to_owned();
            self.by_key.entry(clear).or_default().1.add(&Bar(vec![bytes, 0]));
        }
    }

    pub(super) fn charts(self) -> Vec<Chart> {
        let keys = self.by_key.into_iter().map(|(name, (states, bar))| {
            let note = (!states.is_empty()).then(|| states.join(", "));
            Row { name, note, bars: vec![bar] }
        });
        let tables = self.by_table.into_iter();
        let tables = tables.map(|(name, bar)| Row { name, note: None, bars: vec![bar] });
        vec![
            Chart::of_places("Bytes by key", "key").with(keys.collect()),
            Chart::of_places("Encrypted bytes by table", "table").with(tables.collect()),
        ]
    }
}

pub(super) fn directory(looked: &Looked, node: Option<&str>) -> Directory {
    let mut about = vec![looked.role.name().replace('_', " ")];
    about.extend(node.map(str::to_owned));
    about.push(looked.origin.clone());
    let kinds = looked
        .kinds
        .iter()
        .map(|kind| format!("{} {}", kind.count.files, kind.kind.replace('_', " ")));
    let kinds: Vec<String> = kinds.collect();
    let found = match (looked.is_there, kinds.is_empty()) {
        (false, _) => "not there".to_owned(),
        (true, true) => count(looked.files, "file", "files"),
        (true, false) => format!("{}: {}", count(looked.files, "file", "files"), kinds.join(", ")),
    };
    Directory { path: looked.path.clone(), about, found }
}

/// The digest of what was seen.
pub(super) fn digest(looked: &Looked, node: Option<&str>) -> Option<Fact> {
    let name = node.map_or_else(|| looked.path.clone(), |node| format!("{node}: {}", looked.path));
    looked.digest.as_ref().map(|digest| Fact::new(name, digest))
}
