//! What `census --json` has printed (cli/docs/JSON.md), as far as it is shown.

use std::path::Path;

use rekey_engine::evidence::{Directory, KeyName, Place};
use rekey_engine::{Error, Result};
use serde::Deserialize;

use super::{DOCUMENTS, Moment, foreign, is_known};

/// A census.
#[derive(Debug)]
pub(crate) struct Census {
    pub(crate) keys: Vec<KeyRow>,
    pub(crate) weaknesses: Vec<Weakness>,
    pub(crate) unknown: Vec<Unknown>,
    pub(crate) summary: Summary,
}

/// A key, and what is under it.
#[derive(Debug, Deserialize)]
pub(crate) struct KeyRow {
    pub(crate) key: KeyName,
    pub(crate) state: Option<String>,
    pub(crate) places: Vec<Uses>,
}

/// What of a place is under a key.
#[derive(Debug, Deserialize)]
pub(crate) struct Uses {
    pub(crate) place: Place,
    pub(crate) table: Option<String>,
    pub(crate) bytes: u64,
}

/// What is in clear, or under a weak cipher.
#[derive(Debug, Deserialize)]
pub(crate) struct Weakness {
    pub(crate) message: String,
    pub(crate) path: Option<String>,
    pub(crate) files: u64,
}

/// What could not be looked at.
#[derive(Debug, Deserialize)]
pub(crate) struct Unknown {
    pub(crate) message: String,
    pub(crate) cure: Option<String>,
}

/// Its last line.
#[derive(Debug, Deserialize)]
pub(crate) struct Summary {
    pub(crate) time: Moment,
    pub(crate) not_encrypted_sstables: u64,
    pub(crate) not_encrypted_bytes: u64,
    pub(crate) clear_chunks: u64,
    pub(crate) archives_not_counted: u64,
    pub(crate) directories: Vec<Directory>,
}

/// A line of any type; what is not shown is passed over.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Line {
    Key(KeyRow),
    Weakness(Weakness),
    Unknown(Unknown),
    Summary(Last),
    Error(Failure),
    #[serde(other)]
    Other,
}

/// The last line of any command.
#[derive(Debug, Deserialize)]
struct Last {
    schema_version: u32,
    command: String,
    /// Read once it is known whose it is.
    #[serde(flatten)]
    rest: serde_json::Map<String, serde_json::Value>,
}

/// The last line of one that has failed.
#[derive(Debug, Deserialize)]
struct Failure {
    message: String,
}

impl Census {
    pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let wrong = |error| foreign("no lines of census --json", error, path);
        let incomplete = |what: String| Error::invalid(what).at(path).hint(DOCUMENTS);
        let (mut keys, mut weaknesses, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let mut summary = None;
        for line in serde_json::Deserializer::from_slice(bytes).into_iter::<Line>() {
            if summary.is_some() {
                let fact = "more follows after the last line of the census";
                return Err(incomplete(fact.to_owned()));
            }
            match line.map_err(wrong)? {
                Line::Key(key) => keys.push(key),
                Line::Weakness(weakness) => weaknesses.push(weakness),
                Line::Unknown(error) => unknown.push(error),
                Line::Other => {}
                Line::Error(Failure { message }) => {
                    return Err(incomplete(format!("the command has failed: {message}")));
                }
                Line::Summary(Last { command, .. }) if command != "census" => {
                    return Err(incomplete(format!("lines of '{command}', and not of a census")));
                }
                Line::Summary(Last { schema_version, rest, .. }) => {
                    is_known(schema_version, path)?;
                    let read = Summary::deserialize(serde_json::Value::Object(rest));
                    summary = Some(read.map_err(wrong)?);
                }
            }
        }
        if let Some(summary) = summary {
            return Ok(Self { keys, weaknesses, unknown, summary });
        }
        // What was cut off may lack the very key that somebody looks for.
        Err(incomplete("the last line of the census is missing".to_owned()))
    }
}
