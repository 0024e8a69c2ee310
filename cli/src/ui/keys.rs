//! Keys of servers, and checks of servers.

use std::fmt::Write as _;

use rekey_engine::Error;
use rekey_engine::keys::KmipServers;
use rekey_kmip::client::ListedObject;
use rekey_kmip::client::choice::NAMESPACE;
use rekey_kmip::message::{AttributeName, AttributeValue, Attributes, Timestamp};
use serde_json::{Value, json};

use super::json::lines;
use super::output::{keep_summary, out};
use super::{Output, text};

/// One row of a list of keys. What the server does not report is missing.
#[derive(Debug)]
pub(crate) struct KeyRow {
    /// The id, made safe to print.
    pub(crate) id: String,
    /// Since when it is active.
    pub(crate) activated: Option<Timestamp>,
    attributes: Attributes,
    /// Why the server reports nothing about it.
    refusal: Option<String>,
}

impl From<ListedObject> for KeyRow {
    fn from(object: ListedObject) -> Self {
        let id = object.id.to_string();
        match object.attributes {
            Ok(attributes) => {
                Self { id, activated: attributes.activation_date(), attributes, refusal: None }
            }
            Err(refusal) => Self {
                id,
                activated: None,
                attributes: Attributes::default(),
                refusal: Some(refusal.to_string()),
            },
        }
    }
}

impl KeyRow {
    fn cells(&self) -> [String; 9] {
        let own = &self.attributes;
        let date = |date: Option<Timestamp>| or_missing(date.map(as_java));
        [
            self.id.clone(),
            or_missing(own.names().next().map(printable)),
            or_missing(own.cipher()),
            or_missing(own.state().map(|state| state.to_string())),
            date(own.activation_date()),
            date(own.creation_date()),
            date(own.protect_stop_date()),
            or_missing(own.custom(NAMESPACE).map(printable)),
            or_missing(own.length().map(|bits| bits.to_string())),
        ]
    }

    fn json(&self, group: &str) -> Value {
        let own = &self.attributes;
        let date = |date: Option<Timestamp>| date.map(|date| date.to_string());
        let custom: serde_json::Map<_, _> = own
            .as_slice()
            .iter()
            .filter_map(|attribute| match (&attribute.name, &attribute.value) {
                (AttributeName::Custom(name), AttributeValue::Text(text)) => {
                    Some((name.to_string(), json!(text)))
                }
                _ => None,
            })
            .collect();
        json!({
            "type": "key",
            "group": group,
            "id": self.id,
            "names": own.names().collect::<Vec<_>>(),
            "cipher": own.cipher(),
            "strength": own.length(),
            "state": own.state().map(|state| state.to_string()),
            "activation_date": date(own.activation_date()),
            "creation_date": date(own.creation_date()),
            "protect_stop_date": date(own.protect_stop_date()),
            "deactivation_date": date(own.deactivation_date()),
            "namespace": own.custom(NAMESPACE),
            "custom": custom,
            "refused": self.refusal,
        })
    }
}

/// One check.
#[derive(Debug)]
pub(crate) struct Check {
    host: String,
    step: &'static str,
    outcome: Outcome,
}

#[derive(Debug)]
enum Outcome {
    Passed(String),
    Warning(String),
    Failed(Error),
}

impl Outcome {
    const fn name(&self) -> &'static str {
        match self {
            Self::Passed(_) => "ok",
            Self::Warning(_) => "warning",
            Self::Failed(_) => "failed",
        }
    }
}

impl Check {
    pub(crate) fn passed(host: &str, step: &'static str, what: String) -> Self {
        Self { host: host.to_owned(), step, outcome: Outcome::Passed(what) }
    }

    pub(crate) fn warning(host: &str, step: &'static str, what: &str) -> Self {
        Self { host: host.to_owned(), step, outcome: Outcome::Warning(what.to_owned()) }
    }

    pub(crate) fn failed(host: &str, step: &'static str, error: &Error) -> Self {
        Self { host: host.to_owned(), step, outcome: Outcome::Failed(error.clone()) }
    }

    pub(crate) const fn is_failure(&self) -> bool {
        matches!(self.outcome, Outcome::Failed(_))
    }

    fn text(&self) -> String {
        let (word, what) = match &self.outcome {
            Outcome::Passed(what) => ("ok", what.clone()),
            Outcome::Warning(what) => ("warning", what.clone()),
            Outcome::Failed(error) => ("FAILED", error.chain()),
        };
        let mut line = format!("    {word:<8} {:<20} {what}\n", self.step);
        if let Outcome::Failed(error) = &self.outcome
            && let Some(hint) = error.hint_text()
        {
            let _ = writeln!(line, "{:>33} {hint}", "cure:");
        }
        line
    }

    fn json(&self, group: &str) -> Value {
        let (what, hint) = match &self.outcome {
            Outcome::Passed(what) | Outcome::Warning(what) => (what.clone(), None),
            Outcome::Failed(error) => (error.chain(), error.hint_text()),
        };
        json!({
            "type": "check",
            "group": group,
            "host": (!self.host.is_empty()).then_some(&self.host),
            "step": self.step,
            "outcome": self.outcome.name(),
            "message": what,
            "cure": hint,
        })
    }
}

impl Output {
    pub(crate) fn keys(self, group: &str, rows: &[KeyRow]) {
        match self {
            Self::Json => lines(rows.iter().map(|row| row.json(group))),
            Self::Text => out(&table(group, rows)),
        }
    }

    /// How many keys were listed, of one group or of all.
    pub(crate) fn listed(self, group: Option<&str>, keys: usize) {
        if self == Self::Json {
            keep_summary(json!({"type": "summary", "group": group, "keys": keys}));
        }
    }

    /// The outcome of all checks.
    pub(crate) fn checked(self, all: &[Check]) {
        if self == Self::Json {
            let count = |name| all.iter().filter(|check| check.outcome.name() == name).count();
            keep_summary(json!({
                "type": "summary",
                "passed": count("ok"),
                "warnings": count("warning"),
                "failed": count("failed"),
            }));
        }
    }

    pub(crate) fn checks(self, group: &str, checks: &[Check]) {
        if self == Self::Json {
            lines(checks.iter().map(|check| check.json(group)));
            return;
        }
        out(&format!("group {group}\n"));
        let mut host = "";
        for check in checks {
            if check.host != host {
                out(&format!("  {}\n", check.host));
                host = &check.host;
            }
            out(&check.text());
        }
    }

    /// Something was done to a key.
    pub(crate) fn done(
        self,
        what: &'static str,
        servers: &KmipServers,
        (group, id): (&str, &str),
        detail: &str,
    ) {
        let host = servers.answering(group);
        match self {
            Self::Json => lines([json!({
                "type": "done", "what": what, "group": group, "id": id, "detail": detail,
                "host": host,
            })]),
            Self::Text => {
                let host = host.map_or_else(String::new, |host| format!(" on {host}"));
                let detail = match detail {
                    "" => String::new(),
                    detail => format!(": {detail}"),
                };
                out(&format!(
                    "{what} key {} of group {}{host}{detail}\n",
                    printable(id),
                    printable(group)
                ));
            }
        }
    }
}

fn table(group: &str, rows: &[KeyRow]) -> String {
    let mut table = text::table(&[
        "ID",
        "Name",
        "Cipher",
        "State",
        "Activation Date",
        "Creation Date",
        "Protect Stop Date",
        "Namespace",
        "Length",
    ]);
    for row in rows {
        table.add_row(row.cells());
    }
    text::align(&mut table, &[0, 1, 2, 3, 4, 5, 6, 7, 8]);
    let mut text = format!("Keys on {}:\n{table}\n", printable(group));
    for row in rows {
        if let Some(refusal) = &row.refusal {
            let _ = writeln!(text, "note: the server tells nothing about {}: {refusal}", row.id);
        }
    }
    text
}

/// A date as `dsetool managekmip list` prints it (KMIP.md 6), in UTC. JSON has ISO 8601.
fn as_java(date: Timestamp) -> String {
    match jiff::Timestamp::from_second(date.seconds()) {
        Ok(date) => date.strftime("%a %b %d %H:%M:%S UTC %Y").to_string(),
        Err(_out_of_range) => date.to_string(),
    }
}

fn or_missing(text: Option<String>) -> String {
    text.unwrap_or_else(|| "n/a".to_owned())
}

/// Foreign text on a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = (!c.is_control()).then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}
