//! Single settings out of a configuration file, each with its line. `cassandra.yaml` has hundreds;
//! only those that tables here name are looked at, so that one that is wrong hides no other.

use std::path::{Path, PathBuf};

use super::document::Document;
use super::fact::{Fact, Origin};
use super::yaml::{self, Node, Value};
use crate::error::{Error, Result};

/// A setting by its name, with dots where it is nested, and the form of its value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) form: Form,
}

/// The form of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// True or false.
    Flag,
    /// One text.
    Text,
    /// A text, or a list of texts.
    Texts,
    /// A class, or a list of classes with parameters, of which the names are told.
    Classes,
    /// The names in a mapping.
    Names,
    /// Whatever lists below the name `paths` have.
    Tiers,
}

/// What a node has for one setting.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The name of the setting in its file, with dots where it is nested.
    pub name: &'static str,
    /// Its values, none if it is not set and no rule is known; or why they cannot be told.
    pub values: Result<Vec<Fact<String>>>,
}

impl Entry {
    /// The value of a setting that has one at most.
    #[must_use]
    pub fn value(&self) -> Option<&Fact<String>> {
        self.values.as_ref().ok()?.first()
    }

    /// The values as paths.
    ///
    /// # Errors
    /// Why they cannot be told.
    pub fn paths(&self) -> Result<Vec<Fact<PathBuf>>> {
        let values = self.values.clone()?;
        Ok(values.into_iter().map(|value| value.map(PathBuf::from)).collect())
    }
}

impl Setting {
    pub(super) const fn new(name: &'static str, form: Form) -> Self {
        Self { name, form }
    }

    /// What a file has for it.
    pub(super) fn in_file(self, document: &Document) -> Entry {
        let file = document.file.as_path();
        let values = self.find(document).and_then(|found| match found {
            None => Ok(vec![]),
            Some(node) => {
                self.read(node, file, &|line| Origin::Line { file: file.to_owned(), line })
            }
        });
        Entry { name: self.name, values }
    }

    /// What a text has for it, such as the value of a system property.
    pub(super) fn in_word(self, text: &Fact<String>, file: &Path) -> Entry {
        let values = match yaml::parse(&text.value) {
            Err(error) => Err(self.wrong(file, 1, &format!("is not YAML: {}", error.what))),
            Ok(None) => Ok(vec![]),
            Ok(Some(node)) => self.read(&node, file, &|_line| text.origin.clone()),
        };
        Entry { name: self.name, values }
    }

    fn find(self, document: &Document) -> Result<Option<&Node>> {
        let mut pairs = document.pairs();
        let mut steps = self.name.split('.').peekable();
        while let Some(step) = steps.next() {
            let found = pairs
                .get(step)
                .map_err(|line| self.wrong(&document.file, line, "comes a second time"))?;
            let Some(node) = found.filter(|node| !node.is_null()) else { return Ok(None) };
            match &node.value {
                _ if steps.peek().is_none() => return Ok(Some(node)),
                Value::Mapping(inner) => pairs = inner,
                _ => {
                    let what = format!("has no mapping of names to values at {step}");
                    return Err(self.wrong(&document.file, node.line, &what));
                }
            }
        }
        Ok(None)
    }

    fn read(
        self,
        node: &Node,
        file: &Path,
        origin: &dyn Fn(usize) -> Origin,
    ) -> Result<Vec<Fact<String>>> {
        let mut texts = Texts::default();
        texts.gather(self.form, node).map_err(|(line, what)| self.wrong(file, line, what))?;
        let single = !matches!(self.form, Form::Texts | Form::Classes | Form::Names | Form::Tiers);
        if single && texts.found.len() > 1 {
            return Err(self.wrong(file, node.line, "must be a single value"));
        }
        let facts = texts.found.into_iter().map(|(line, text)| {
            let text = match (self.form, flag(text)) {
                (Form::Flag, Some(flag)) => flag.to_string(),
                (Form::Flag, None) => {
                    return Err(self.wrong(file, line, "must be true or false"));
                }
                _ => text.to_owned(),
            };
            Ok(Fact::new(text, origin(line)))
        });
        facts.collect()
    }

    fn wrong(self, file: &Path, line: usize, what: &str) -> Error {
        Error::invalid(format!("line {line}: {} {what}", self.name))
            .at(file)
            .hint("correct that line of the file")
    }
}

/// The words of YAML 1.1.
fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => Some(true),
        "false" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// Texts of a value with their lines. Aliases make a small file a large tree, so visits are counted.
#[derive(Default)]
struct Texts<'a> {
    found: Vec<(usize, &'a str)>,
    visits: usize,
}

type Wrong = (usize, &'static str);

impl<'a> Texts<'a> {
    fn gather(&mut self, form: Form, node: &'a Node) -> Result<(), Wrong> {
        self.visits = self.visits.saturating_add(1);
        if self.visits > MAX_VISITS {
            return Err((node.line, "has too many values"));
        }
        match (form, &node.value) {
            (_, Value::Scalar(None)) => Ok(()),
            (_, Value::Tagged) => Err((node.line, "has a tag that is not understood")),
            (Form::Tiers, Value::Scalar(Some(_))) => Ok(()),
            (Form::Flag | Form::Text | Form::Texts | Form::Classes, Value::Scalar(Some(text))) => {
                self.keep(node.line, text)
            }
            (Form::Texts | Form::Classes | Form::Tiers, Value::Sequence(items)) => {
                items.iter().try_for_each(|item| self.gather(form, item))
            }
            (Form::Classes, Value::Mapping(pairs)) => match pairs.get("class_name") {
                Ok(Some(class)) => self.gather(Form::Text, class),
                Ok(None) => Err((node.line, "has no class_name")),
                Err(line) => Err((line, "has a second class_name")),
            },
            (Form::Names, Value::Mapping(pairs)) => {
                pairs.iter().try_for_each(|(name, line, _)| self.keep(line, name))
            }
            (Form::Tiers, Value::Mapping(pairs)) => {
                pairs.iter().try_for_each(|(name, _, value)| {
                    let form = if name == "paths" { Form::Texts } else { Form::Tiers };
                    self.gather(form, value)
                })
            }
            (Form::Names, _) => Err((node.line, "must be a mapping of names to values")),
            (Form::Texts, _) => Err((node.line, "must be a list")),
            _ => Err((node.line, "must be a single value")),
        }
    }

    fn keep(&mut self, line: usize, text: &'a str) -> Result<(), Wrong> {
        if text.len() > MAX_TEXT {
            return Err((line, "has a value of more than 4096 bytes"));
        }
        if self.found.len() >= MAX_VALUES {
            return Err((line, "has more than 256 values"));
        }
        if !text.is_empty() {
            self.found.push((line, text));
        }
        Ok(())
    }
}

/// Values that are looked at for one setting.
const MAX_VISITS: usize = 10_000;

/// Values of one setting.
const MAX_VALUES: usize = 256;

/// Bytes of one value: the longest path.
const MAX_TEXT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn entry(name: &'static str, form: Form, text: &str) -> Entry {
        let document = Document::parse(text, Path::new("c.yaml"), "cassandra.yaml").unwrap();
        Setting::new(name, form).in_file(&document)
    }

    fn values(name: &'static str, form: Form, text: &str) -> Vec<String> {
        let shown = |fact: Fact<String>| {
            let Origin::Line { line, .. } = fact.origin else { panic!("{fact:?}") };
            format!("{}:{line}", fact.value)
        };
        entry(name, form, text).values.unwrap().into_iter().map(shown).collect()
    }

    #[test]
    fn each_form_of_value_is_read_with_its_line() {
        for (name, form, text, expected) in [
            ("a", Form::Flag, "a: Yes\n", &["true:1"][..]),
            ("a", Form::Text, "# c\na: 'x y'\n", &["x y:2"]),
            ("a", Form::Texts, "a:\n  - /1\n  - /2\n", &["/1:2", "/2:3"]),
            ("a", Form::Texts, "a: /1\n", &["/1:1"]),
            ("a.b", Form::Text, "a:\n  b: x\n", &["x:2"]),
            ("a", Form::Classes, "a:\n- class_name: L\n  parameters: [{k: v}]\n", &["L:2"]),
            ("a", Form::Names, "a:\n  g1: {p: x}\n  g2:\n", &["g1:2", "g2:3"]),
            ("a", Form::Tiers, "a:\n  s:\n    tiers:\n    - paths: [/t]\n    o: v\n", &["/t:4"]),
            ("a", Form::Text, "b: x\n", &[]),
            ("a", Form::Text, "a:\n", &[]),
            ("a.b", Form::Text, "a:\n", &[]),
            ("a", Form::Text, "", &[]),
        ] {
            assert_eq!(values(name, form, text), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_value_is_an_error_with_its_line() {
        for (name, form, text, part) in [
            ("a", Form::Flag, "a: maybe\n", "line 1: a must be true or false"),
            ("a", Form::Text, "a: 1\na: 2\n", "line 2: a comes a second time"),
            ("a", Form::Texts, "\na: !x [1]\n", "line 2: a has a tag"),
            ("a", Form::Texts, "a: {b: c}\n", "line 1: a must be a list"),
            ("a", Form::Text, "a: [1]\n", "line 1: a must be a single value"),
            ("a.b", Form::Text, "a: 1\n", "line 1: a.b has no mapping"),
            ("a", Form::Names, "a: [1]\n", "line 1: a must be a mapping"),
            ("a", Form::Classes, "a: [{b: c}]\n", "line 1: a has no class_name"),
        ] {
            let error = entry(name, form, text).values.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains(part), "{error}");
            assert!(error.hint_text().is_some());
        }
    }

    #[test]
    fn aliases_do_not_multiply_without_limit() {
        let mut text = String::from("a0: &a0 [x, x, x, x]\n");
        for level in 1..30 {
            let below = level - 1;
            text.push_str(&format!("a{level}: &a{level} [*a{below}, *a{below}, *a{below}]\n"));
        }
        text.push_str("tiers: {s: {paths: *a29}}\nother: *a29\n");
        for (name, form) in [("tiers", Form::Tiers), ("other", Form::Tiers), ("a29", Form::Texts)] {
            assert!(entry(name, form, &text).values.is_err(), "{name}");
        }
        let long = format!("a: {}\n", "x".repeat(5000));
        assert!(entry("a", Form::Text, &long).values.is_err());
    }
}
