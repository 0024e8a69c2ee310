//! Typed values out of one mapping of the file.
//!
//! A key that is read is known; a key that is never read causes a warning. Errors name the section,
//! the key and the line, and never repeat a value that could be a secret.
//!
//! The tree holds a value once, however many aliases name it, but here it is copied. So copies have
//! their own limits.

use std::path::{Path, PathBuf};

use rekey_kmip::secret::Secret;

use super::yaml::{Mapping, Node, Value};
use crate::error::{Error, Result};
use crate::options::shown;

/// A mapping of the file, such as `kmip_hosts.group`.
pub(super) struct Section<'a> {
    file: &'a Path,
    name: String,
    pairs: &'a Mapping,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// A section of the file; `name` is empty for the file itself.
    pub(super) const fn new(file: &'a Path, name: String, pairs: &'a Mapping) -> Self {
        Self { file, name, pairs, asked: Vec::new() }
    }

    /// The section below a key, if the key exists and has a value.
    pub(super) fn section(&mut self, key: &'static str) -> Result<Option<Self>> {
        let Some(node) = self.node(key)? else { return Ok(None) };
        let Value::Mapping(pairs) = &node.value else {
            return Err(self.wrong(key, node, "must be a mapping of names to values"));
        };
        Ok(Some(Self::new(self.file, self.path_of(key), pairs)))
    }

    /// The sections below, whatever their names, in the order of the file.
    pub(super) fn sections(&self) -> Result<Vec<(String, Self)>> {
        let mut sections: Vec<(String, Self)> = Vec::new();
        for (name, line, node) in self.pairs.iter() {
            if sections.len() >= MAX_SECTIONS {
                let what = format!("is one more than the {MAX_SECTIONS} that are read");
                return Err(self.error(name, line, &what));
            }
            if sections.iter().any(|(known, _)| known == name) {
                return Err(self.error(name, line, "comes twice"));
            }
            let Value::Mapping(pairs) = &node.value else {
                return Err(self.error(name, node.line, "must be a mapping of names to values"));
            };
            let path = self.path_of(&label(name));
            sections.push((name.to_owned(), Self::new(self.file, path, pairs)));
        }
        Ok(sections)
    }

    /// Text as it is written; numbers and the like are text, too.
    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>> {
        Ok(self.scalar(key)?.map(|(text, _)| text.to_owned()))
    }

    /// Text that is wiped when it is dropped.
    pub(super) fn secret(&mut self, key: &'static str) -> Result<Option<Secret>> {
        // A copy of the exact length; the original is wiped with the tree.
        Ok(self.scalar(key)?.map(|(text, _)| Secret::new(text.to_owned())))
    }

    /// A path as written; `None` if it is empty.
    pub(super) fn path(&mut self, key: &'static str) -> Result<Option<PathBuf>> {
        Ok(self.text(key)?.filter(|text| !text.is_empty()).map(PathBuf::from))
    }

    /// A non-negative integer. Digits may be grouped by `_`, as in YAML 1.1; a leading zero is
    /// refused, since it means octal there.
    pub(super) fn number<N: TryFrom<u64>>(&mut self, key: &'static str) -> Result<Option<N>> {
        let Some((text, node)) = self.scalar(key)? else { return Ok(None) };
        let wrong = || self.wrong(key, node, "must be a whole number in decimal digits");
        let digits = text.replace('_', "");
        let octal = digits.len() > 1 && digits.starts_with('0');
        if octal || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(wrong());
        }
        let number = digits.parse::<u64>().ok().and_then(|number| N::try_from(number).ok());
        number.map(Some).ok_or_else(wrong)
    }

    /// A boolean, in any of the words of YAML 1.1.
    pub(super) fn flag(&mut self, key: &'static str) -> Result<Option<bool>> {
        let Some((text, node)) = self.scalar(key)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Ok(Some(true)),
            "false" | "no" | "off" => Ok(Some(false)),
            _ => Err(self.wrong(key, node, "must be true or false")),
        }
    }

    /// A list of texts: a YAML list, or one text with commas. Entries are trimmed, empty ones
    /// left out.
    pub(super) fn list(&mut self, key: &'static str) -> Result<Option<Vec<String>>> {
        let Some(node) = self.node(key)? else { return Ok(None) };
        let wrong = || self.wrong(key, node, "must be a list, or a text with commas");
        let mut entries: Vec<&str> = Vec::new();
        match &node.value {
            Value::Scalar(Some(text)) => entries.extend(text.split(',')),
            Value::Sequence(items) => {
                for item in items {
                    entries.push(item.text().ok_or_else(wrong)?);
                }
            }
            _ => return Err(wrong()),
        }
        entries.iter_mut().for_each(|entry| *entry = entry.trim());
        entries.retain(|entry| !entry.is_empty());
        if entries.iter().map(|entry| entry.len().saturating_add(1)).sum::<usize>() > MAX_LIST {
            return Err(self.wrong(key, node, &format!("is longer than {MAX_LIST} bytes")));
        }
        Ok(Some(entries.into_iter().map(str::to_owned).collect()))
    }

    /// An error about a key that was read.
    pub(super) fn invalid(&self, key: &'static str, what: &str) -> Error {
        match self.pairs.get(key) {
            Ok(Some(node)) => self.wrong(key, node, what),
            _ => Error::invalid(format!("{} {what}", self.path_of(key))).at(self.file),
        }
    }

    /// A warning for each key that was never read, up to a limit.
    pub(super) fn unknown(&self) -> Vec<String> {
        let unknown = || self.pairs.iter().filter(|(key, ..)| !self.asked.contains(key));
        let place = |line| format!("{}: line {line}: {}", self.file.display(), self.name);
        let mut warnings: Vec<String> = unknown()
            .take(MAX_WARNINGS)
            .map(|(key, line, _)| {
                let meant = self.asked.iter().find(|known| folded(known) == folded(key));
                let hint =
                    meant.map_or_else(String::new, |known| format!("; did you mean {known}?"));
                format!("{} has an unknown key {}{hint}", place(line), shown(key))
            })
            .collect();
        let more = unknown().count().saturating_sub(MAX_WARNINGS);
        if let Some((_, line, _)) = unknown().nth(MAX_WARNINGS) {
            warnings.push(format!("{} has {more} more unknown keys", place(line)));
        }
        warnings
    }

    /// A warning for each of these keys that is present: the node may refuse its own file with it.
    pub(super) fn not_the_database_s(&self, keys: &[&'static str]) -> Vec<String> {
        let there = self.pairs.iter().filter(|(key, ..)| keys.contains(key));
        there
            .map(|(key, line, _)| {
                let group = self.name.trim_start_matches("kmip_hosts.");
                format!(
                    "{}: line {line}: {}.{key} is a setting of this program, and the database may refuse \
                     its file with it: give it by --kmip-set {group}.{key}=VALUE",
                    self.file.display(),
                    self.name,
                )
            })
            .collect()
    }

    fn scalar(&mut self, key: &'static str) -> Result<Option<(&'a str, &'a Node)>> {
        let Some(node) = self.node(key)? else { return Ok(None) };
        match node.text() {
            Some(text) if text.len() > MAX_TEXT => {
                Err(self.wrong(key, node, &format!("is longer than {MAX_TEXT} bytes")))
            }
            Some(text) => Ok(Some((text, node))),
            None => Err(self.wrong(key, node, "must be a single value")),
        }
    }

    fn node(&mut self, key: &'static str) -> Result<Option<&'a Node>> {
        self.asked.push(key);
        match self.pairs.get(key) {
            Ok(found) => Ok(found.filter(|node| !node.is_null())),
            Err(line) => Err(self.error(key, line, "comes twice")),
        }
    }

    fn wrong(&self, key: &'static str, node: &Node, what: &str) -> Error {
        match node.value {
            Value::Tagged => self.error(key, node.line, "has a tag that is not understood"),
            _ => self.error(key, node.line, what),
        }
    }

    fn error(&self, key: &str, line: usize, what: &str) -> Error {
        Error::invalid(format!("line {line}: {} {what}", self.path_of(&label(key))))
            .at(self.file)
            .hint("correct that line of the file")
    }

    fn path_of(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// A name from the file as it appears in the path of a key: quoted when it is not plain.
pub(crate) fn label(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if (1..=64).contains(&name.len()) && name.bytes().all(plain) {
        name.to_owned()
    } else {
        shown(name).to_string()
    }
}

/// A key without case, hyphens and underscores, which operators vary.
fn folded(key: &str) -> String {
    key.chars().filter(|c| !matches!(c, '-' | '_')).map(|c| c.to_ascii_lowercase()).collect()
}

/// Sections below one, such as the groups of `kmip_hosts`.
const MAX_SECTIONS: usize = 256;

/// The most bytes of one value: the longest path, and the longest password.
const MAX_TEXT: usize = 4096;

/// Bytes of the entries of a list.
const MAX_LIST: usize = 16 << 10;

/// Warnings about one section.
const MAX_WARNINGS: usize = 16;
