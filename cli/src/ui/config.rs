//! What the node's configuration says, and where each fact comes from.

use std::fmt::Write as _;
use std::path::PathBuf;

use rekey_engine::Error;
use rekey_engine::config::{Entry, Fact, Node, Origin};
use rekey_engine::upgrade::Starting;
use serde_json::{Value, json};

use super::{Output, json, output};

impl Output {
    /// Says that words of nodetool count for nothing.
    pub(crate) fn ignored(self, options: &[&str]) {
        if !options.is_empty() {
            let options = options.join(", ");
            self.note(&format!(
                "{options}: how nodetool reaches a node; ignored, since it is stopped"
            ));
        }
    }

    /// What a command took from the configuration, in a few lines.
    pub(crate) fn configuration(self, node: &Node, data_dirs: &[Fact<PathBuf>]) {
        let found = &node.installation().cassandra_yaml;
        self.note(&format!("configuration: {} ({})", found.value.display(), found.origin));
        for fact in data_dirs {
            let origin = short(&fact.origin, &found.value);
            self.note(&format!("data directory: {} ({origin})", fact.value.display()));
        }
    }

    /// The product that will start, if it can be told, and what speaks against it.
    pub(crate) fn product(self, starting: &Starting) {
        if let Some(flavor) = &starting.flavor {
            let product = starting.product.as_ref().map_or("", |product| product.value.as_str());
            self.note(&format!("product: {product}, flavor {} ({})", flavor.value, flavor.origin));
        }
        self.doubts(&starting.warnings);
    }

    /// Warnings about the node, each with what to do.
    pub(crate) fn doubts(self, warnings: &[Error]) {
        for warning in warnings {
            self.note(&format!("{}; {}", warning.chain(), warning.hint_text().unwrap_or_default()));
        }
    }

    /// Everything that is known of the node's configuration.
    pub(crate) fn config(self, node: &Node, starting: &Starting) {
        match self {
            Self::Text => output::out(&text(node, starting)),
            Self::Json => {
                json::lines(values(node, starting));
                let known = node.entries().iter().filter_map(|entry| entry.values.as_ref().ok());
                let untold = node.entries().iter().filter(|entry| entry.values.is_err()).count();
                output::keep_summary(json!({
                    "type": "summary",
                    "facts": known.map(Vec::len).sum::<usize>(),
                    "untold": untold,
                }));
            }
        }
        let mut warnings = starting.warnings.clone();
        warnings.extend(node.warnings());
        self.doubts(&warnings);
    }
}

/// Where a fact comes from, without the name of the file that was just shown.
fn short(origin: &Origin, shown: &PathBuf) -> String {
    match origin {
        Origin::Line { file, line } if file == shown => format!("line {line}"),
        other => other.to_string(),
    }
}

/// The configuration itself, as facts like the others.
fn head(node: &Node, starting: &Starting) -> Vec<(&'static str, Vec<Fact<String>>)> {
    let shown =
        |fact: &Fact<PathBuf>| Fact::new(fact.value.display().to_string(), fact.origin.clone());
    let installation = node.installation();
    let installed = node.installed().iter();
    vec![
        ("cassandra.yaml", vec![shown(&installation.cassandra_yaml)]),
        ("second file", installation.second.iter().map(shown).collect()),
        (
            "installed",
            installed.map(|fact| Fact::new(fact.value.to_string(), fact.origin.clone())).collect(),
        ),
        (
            "flavor",
            starting
                .flavor
                .iter()
                .map(|fact| Fact::new(fact.value.to_string(), fact.origin.clone()))
                .collect(),
        ),
    ]
}

/// A line for each value, and one below it for its origin; what is not set in one line at the end.
fn text(node: &Node, starting: &Starting) -> String {
    let mut text = String::new();
    let mut unset: Vec<&str> = Vec::new();
    for (name, facts) in head(node, starting) {
        facts.iter().for_each(|fact| line(&mut text, name, fact));
        if facts.is_empty() {
            unset.push(name);
        }
    }
    for Entry { name, values, .. } in node.entries() {
        match values {
            Ok(facts) if facts.is_empty() => unset.push(name),
            Ok(facts) => facts.iter().for_each(|fact| line(&mut text, name, fact)),
            Err(error) => {
                let _text_takes_all = writeln!(text, "{name}: cannot be told\n  {}", error.chain());
            }
        }
    }
    if !unset.is_empty() {
        text.push_str("not set:\n");
        unset.iter().for_each(|name| {
            let _text_takes_all = writeln!(text, "  {name}");
        });
    }
    text
}

fn line(text: &mut String, name: &str, Fact { value, origin, .. }: &Fact<String>) {
    let _text_takes_all = writeln!(text, "{name}: {value}\n  {origin}");
}

fn values(node: &Node, starting: &Starting) -> Vec<Value> {
    let head = head(node, starting).into_iter().flat_map(|(name, facts)| {
        facts.into_iter().map(move |fact| value(name, &fact)).collect::<Vec<_>>()
    });
    let entries = node.entries().iter().flat_map(|entry| match &entry.values {
        Ok(facts) => facts.iter().map(|fact| value(entry.name, fact)).collect(),
        Err(error) => vec![json!({
            "type": "fact",
            "name": entry.name,
            "value": null,
            "error": error.chain(),
        })],
    });
    head.chain(entries).collect()
}

fn value(name: &str, fact: &Fact<String>) -> Value {
    let (file, line) = match &fact.origin {
        Origin::Line { file, line } | Origin::Word { file, line } => (Some(file), Some(line)),
        Origin::Presence(file) => (Some(file), None),
        _ => (None, None),
    };
    json!({
        "type": "fact",
        "name": name,
        "value": fact.value,
        "origin": fact.origin.to_string(),
        "origin_kind": fact.origin.kind(),
        "file": file.map(|file| json::path(file)),
        "line": line,
    })
}
