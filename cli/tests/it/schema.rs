//! Holds `docs/JSON.md` true: every line that a test sees is checked against it, and every type that
//! it has is printed somewhere.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Map, Value};

const DOCUMENT: &str = include_str!("../../docs/JSON.md");

/// What is documented.
#[derive(Debug, Default)]
pub(crate) struct Schema {
    sections: Vec<Section>,
}

/// One heading with its table.
#[derive(Debug, Default)]
struct Section {
    name: String,
    /// Whether it is a part of lines; its name is then in plain letters.
    is_object: bool,
    /// Whether its fields are there at times only.
    is_partial: bool,
    /// The commands that print it so; all of them when there is none.
    commands: Vec<String>,
    /// By name the type, and whether it is always there.
    fields: BTreeMap<String, (String, bool)>,
}

impl Schema {
    pub(crate) fn documented() -> Self {
        let mut sections: Vec<Section> = Vec::new();
        for line in DOCUMENT.lines() {
            if let Some(heading) = line.strip_prefix("### ") {
                let (name, commands) = heading.split_once(" of ").unwrap_or((heading, ""));
                let (commands, is_partial) = match commands.split_once(", if ") {
                    Some((commands, _)) => (commands, true),
                    None => (commands, false),
                };
                let commands = commands.split(", ").filter(|name| !name.is_empty());
                sections.push(Section {
                    name: name.trim_matches('`').to_owned(),
                    is_object: !name.starts_with('`'),
                    commands: commands.map(|name| name.trim_matches('`').to_owned()).collect(),
                    is_partial,
                    fields: BTreeMap::new(),
                });
            } else if let Some(row) = line.strip_prefix("| `") {
                let (field, rest) = row.split_once("` | ").unwrap();
                let (kind, meaning) = rest.split_once(" |").unwrap();
                let section = sections.last_mut().unwrap();
                let is_always = !section.is_partial
                    && !["only ", " if "].iter().any(|word| meaning.contains(word));
                section.fields.insert(field.to_owned(), (kind.to_owned(), is_always));
            }
        }
        Self { sections }
    }

    /// Every field of every line is documented for its type and command, and has the type that is
    /// documented; what is always there is there.
    pub(crate) fn check(&self, lines: &[Value]) {
        let command = lines.last().and_then(|line| line["command"].as_str()).unwrap_or_default();
        for line in lines {
            let name = line["type"].as_str().unwrap_or_else(|| panic!("no type: {line}"));
            let mut fields: BTreeMap<&str, (&str, bool)> =
                BTreeMap::from([("type", ("text", true)), ("time", ("time", true))]);
            let mut is_known = false;
            for section in self.lines().filter(|section| section.name == name) {
                let is_of = |of: &String| of == command || command.is_empty();
                if section.commands.is_empty() || section.commands.iter().any(is_of) {
                    is_known = true;
                    fields.extend(section.fields());
                }
            }
            assert!(is_known, "docs/JSON.md has no '{name}' of '{command}': {line}");
            self.object(line.as_object().unwrap(), &fields, name);
        }
    }

    /// The report of a run is as documented, with what lines of the run have in it.
    pub(crate) fn check_report(&self, report: &Value) {
        self.check_object(report, "report");
        let lines = ["alterations", "findings", "sstables"].map(|name| report[name].as_array());
        let mut lines: Vec<Value> = lines.into_iter().flatten().flatten().cloned().collect();
        for line in &mut lines {
            let fields = line.as_object_mut().unwrap();
            for time in ["began", "ended"] {
                assert!(fields.remove(time).is_none_or(|at| is_time(at.as_str().unwrap())));
            }
            fields.entry("type").or_insert_with(|| "sstable".into());
        }
        let mut summary = report["counts"].clone();
        summary["type"] = "summary".into();
        summary["schema_version"] = 1.into();
        summary["exit_status"] = report["exit_status"].clone();
        summary["command"] = "upgradesstables".into();
        lines.push(summary);
        for line in &mut lines {
            line["time"] = report["ended"].clone();
        }
        self.check(&lines);
    }

    /// The same of one object.
    pub(crate) fn check_object(&self, value: &Value, kind: &str) {
        assert!(self.is(value, kind), "no {kind}: {value}");
    }

    fn lines(&self) -> impl Iterator<Item = &Section> {
        self.sections.iter().filter(|section| !section.is_object)
    }

    fn object(&self, object: &Map<String, Value>, fields: &BTreeMap<&str, (&str, bool)>, of: &str) {
        for (name, value) in object {
            let Some((kind, _)) = fields.get(name.as_str()) else {
                panic!("docs/JSON.md has no field '{name}' of '{of}': {object:?}");
            };
            assert!(self.is(value, kind), "'{name}' of '{of}' is no {kind}: {object:?}");
        }
        for (name, (_, is_always)) in fields {
            let is_there = object.contains_key(*name);
            assert!(is_there || !is_always, "'{of}' without '{name}': {object:?}");
        }
    }

    fn is(&self, value: &Value, kind: &str) -> bool {
        if let Some(kind) = kind.strip_suffix('?') {
            return value.is_null() || self.is(value, kind);
        }
        if let Some(kind) = kind.strip_prefix('[') {
            let kind = kind.strip_suffix(']').unwrap();
            return value.as_array().is_some_and(|list| list.iter().all(|one| self.is(one, kind)));
        }
        if let Some(kind) = kind.strip_prefix('{') {
            let kind = kind.strip_suffix('}').unwrap();
            return value.as_object().is_some_and(|map| map.values().all(|one| self.is(one, kind)));
        }
        match kind {
            "text" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "bool" => value.is_boolean(),
            "map" => value.as_object().is_some_and(|map| map.values().all(Value::is_string)),
            "time" => value.as_str().is_some_and(is_time),
            // As a line of a command has it, which is checked with the lines.
            "line" => value.is_object(),
            object => {
                let is_it = |section: &&Section| {
                    section.name == object && (section.is_object || object == "error")
                };
                let section = self.sections.iter().find(is_it);
                let section = section.unwrap_or_else(|| panic!("no object '{object}'"));
                let mut fields: BTreeMap<_, _> = section.fields().collect();
                if object == "error" {
                    // As the last line it has more.
                    for name in ["type", "time", "schema_version", "command", "exit_status"] {
                        fields.insert(name, ("text", false));
                    }
                }
                let Some(value) = value.as_object() else { return false };
                self.object(value, &fields, object);
                true
            }
        }
    }
}

impl Section {
    fn fields(&self) -> impl Iterator<Item = (&str, (&str, bool))> {
        self.fields
            .iter()
            .map(|(name, (kind, is_always))| (name.as_str(), (kind.as_str(), *is_always)))
    }
}

/// `2026-04-13T20:05:00.000Z`
fn is_time(text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00.000Z"
}

/// Every file of the command line's own sources.
fn sources(of: &Path, into: &mut String) {
    for entry in fs::read_dir(of).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else {
            into.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn documented_lines_are_printed_and_printed_ones_documented() {
    let schema = Schema::documented();
    let mut text = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
    let mut printed: Vec<&str> = ["\"type\": \"", "[\"type\"] = json!(\""]
        .iter()
        .flat_map(|before| text.split(before).skip(1))
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    printed.sort_unstable();
    printed.dedup();
    assert!(printed.len() > 10, "{printed:?}");
    for name in &printed {
        assert!(schema.lines().any(|section| section.name == *name), "{name}");
    }
    for section in schema.lines() {
        assert!(printed.contains(&section.name.as_str()), "{}", section.name);
        for field in section.fields.keys() {
            let is_there = text.contains(&format!("\"{field}\": "))
                || text.contains(&format!("[\"{field}\"] = "));
            assert!(is_there, "'{field}' of '{}'", section.name);
        }
    }
}
