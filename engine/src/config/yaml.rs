//! YAML as a small tree, within limits.
//!
//! The parser (`saphyr-parser`) only gives events; this module decides what to keep of them. An
//! alias is another pointer to the node it names and never a copy, so a "billion laughs" document
//! costs a few hundred pointers. Every scalar is text: the reader of a key decides whether `0123`
//! is a number, as the database's bean constructor does. Scalars are wiped when the tree is
//! dropped.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};
use zeroize::Zeroizing;

/// A value with the line on which it starts, counted from 1. Not printable: any may be a password.
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

/// What a value is.
pub(super) enum Value {
    /// Text, or nothing: a plain scalar that is empty, `~` or `null`.
    Scalar(Option<Zeroizing<String>>),
    /// A list.
    Sequence(Vec<Rc<Node>>),
    /// A mapping.
    Mapping(Mapping),
    /// A value with a custom tag, whose meaning is unknown here.
    Tagged,
}

/// Pairs in the order of the text; what `<<` merges in comes after them.
#[derive(Default)]
pub(super) struct Mapping(Vec<(Rc<Node>, Rc<Node>)>);

/// Why a text cannot be read. Contains nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct YamlError {
    pub(super) line: usize,
    pub(super) what: Cow<'static, str>,
}

/// Reads the one document of a text; `None` if it is empty.
pub(super) fn parse(text: &str) -> Result<Option<Rc<Node>>, YamlError> {
    let mut tree = Tree::default();
    let mut parser = Parser::new_from_str(text.strip_prefix('\u{feff}').unwrap_or(text));
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| YamlError::from(&error))?;
        tree.take(event, span.start.line())?;
    }
    Ok(tree.root)
}

impl Node {
    /// The text, if this is a scalar with one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(Some(text)) => Some(text),
            _ => None,
        }
    }

    /// Whether the value is empty.
    pub(super) const fn is_null(&self) -> bool {
        matches!(self.value, Value::Scalar(None))
    }
}

impl Mapping {
    /// Name and value of each pair; keys that are not text are left out.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, usize, &Node)> {
        self.0.iter().filter_map(|(key, value)| Some((key.text()?, key.line, &**value)))
    }

    /// The value of a key. The error is the line on which the key is repeated.
    pub(super) fn get(&self, name: &str) -> Result<Option<&Node>, usize> {
        let mut found = self.iter().filter(|(key, ..)| *key == name);
        let first = found.next();
        match found.next() {
            Some((_, line, _)) => Err(line),
            None => Ok(first.map(|(_, _, value)| value)),
        }
    }
}

/// The tree under construction. The parser never nests deeper than `open`, so dropping the tree
/// does not recurse deeply either.
#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Rc<Node>>,
    nodes: usize,
    root: Option<Rc<Node>>,
    document: bool,
}

/// A list or mapping whose end was not reached yet.
struct Open {
    line: usize,
    anchor: usize,
    foreign: bool,
    items: Items,
}

enum Items {
    Sequence(Vec<Rc<Node>>),
    Mapping { pairs: Vec<(Rc<Node>, Rc<Node>)>, key: Option<Rc<Node>> },
}

impl Tree {
    fn take(&mut self, event: Event<'_>, line: usize) -> Result<(), YamlError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) if self.document => {
                Err(YamlError::new(line, "a second document starts"))
            }
            Event::DocumentStart(_) => {
                self.document = true;
                Ok(())
            }
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).map(Rc::clone).ok_or_else(|| {
                    YamlError::new(line, "an alias names a value that contains it")
                })?;
                self.count(line)?;
                self.add(node);
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                let text = Zeroizing::new(text.into_owned());
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let value = match text.as_str() {
                    _ if foreign(tag.as_deref()) => Value::Tagged,
                    "" | "~" | "null" | "Null" | "NULL" if plain => Value::Scalar(None),
                    _ => Value::Scalar(Some(text)),
                };
                self.close(Node { line, value }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                let items = Items::Sequence(Vec::new());
                self.start(Open { line, anchor, foreign: foreign(tag.as_deref()), items })
            }
            Event::MappingStart(anchor, tag) => {
                let items = Items::Mapping { pairs: Vec::new(), key: None };
                self.start(Open { line, anchor, foreign: foreign(tag.as_deref()), items })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    fn start(&mut self, open: Open) -> Result<(), YamlError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(YamlError::new(open.line, format!("more than {MAX_DEPTH} levels")));
        }
        self.open.push(open);
        Ok(())
    }

    fn end(&mut self) -> Result<(), YamlError> {
        let Some(Open { line, anchor, foreign, items }) = self.open.pop() else { return Ok(()) };
        let value = match items {
            _ if foreign => Value::Tagged,
            Items::Sequence(items) => Value::Sequence(items),
            Items::Mapping { pairs, .. } => Value::Mapping(self.merge(pairs)?),
        };
        self.close(Node { line, value }, anchor)
    }

    /// A node is complete: aliases may name it from here on.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        self.count(node.line)?;
        let node = Rc::new(node);
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.add(node);
        Ok(())
    }

    fn add(&mut self, node: Rc<Node>) {
        match self.open.last_mut().map(|open| &mut open.items) {
            None => self.root = Some(node),
            Some(Items::Sequence(items)) => items.push(node),
            Some(Items::Mapping { pairs, key }) => match key.take() {
                None => *key = Some(node),
                Some(key) => pairs.push((key, node)),
            },
        }
    }

    /// Appends what `<<` names after a mapping's own pairs, which win.
    fn merge(&mut self, pairs: Vec<(Rc<Node>, Rc<Node>)>) -> Result<Mapping, YamlError> {
        let (merges, mut pairs): (Vec<_>, Vec<_>) =
            pairs.into_iter().partition(|(key, _)| key.text() == Some("<<"));
        if merges.is_empty() {
            return Ok(Mapping(pairs));
        }
        let mut names: BTreeSet<String> = pairs.iter().filter_map(name).collect();
        for (key, value) in &merges {
            let sources = match &value.value {
                Value::Sequence(items) => items.as_slice(),
                _ => std::slice::from_ref(value),
            };
            for source in sources {
                let Value::Mapping(source) = &source.value else {
                    return Err(YamlError::new(key.line, "'<<' does not name a mapping"));
                };
                for pair in &source.0 {
                    // Each copy counts, since merges of merges would otherwise multiply without
                    // limit.
                    self.count(key.line)?;
                    if name(pair).is_some_and(|name| names.insert(name)) {
                        pairs.push((Rc::clone(&pair.0), Rc::clone(&pair.1)));
                    }
                }
            }
        }
        Ok(Mapping(pairs))
    }

    fn count(&mut self, line: usize) -> Result<(), YamlError> {
        self.nodes = self.nodes.saturating_add(1);
        if self.nodes > MAX_NODES {
            return Err(YamlError::new(line, format!("more than {MAX_NODES} values")));
        }
        Ok(())
    }
}

impl YamlError {
    fn new(line: usize, what: impl Into<Cow<'static, str>>) -> Self {
        Self { line, what: what.into() }
    }
}

impl From<&ScanError> for YamlError {
    fn from(error: &ScanError) -> Self {
        let line = error.marker().line();
        // The one message of the parser that repeats a character of the text, which may be part of
        // a password.
        if error.info().starts_with("unexpected character") {
            return Self::new(line, "a character that cannot start a value");
        }
        Self::new(line, error.info().to_owned())
    }
}

fn name((key, _): &(Rc<Node>, Rc<Node>)) -> Option<String> {
    key.text().map(str::to_owned)
}

/// Whether a tag is not one of YAML's own whose meaning the text has anyway; `!!binary` and the
/// like are not among those.
fn foreign(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| {
        let own = ["str", "int", "bool", "null", "float", "map", "seq"];
        !(tag.is_yaml_core_schema() && own.contains(&tag.suffix.as_str()))
    })
}

/// Levels of nesting; the database's files have five.
const MAX_DEPTH: usize = 64;

/// Values, aliases and merged pairs; the database's files have some hundreds.
const MAX_NODES: usize = 100_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn root(text: &str) -> Rc<Node> {
        parse(text).unwrap().unwrap()
    }

    fn error(text: &str) -> YamlError {
        parse(text).map(|_| ()).unwrap_err()
    }

    fn mapping(node: &Node) -> &Mapping {
        match &node.value {
            Value::Mapping(mapping) => mapping,
            _ => panic!("not a mapping"),
        }
    }

    fn at<'a>(node: &'a Node, path: &str) -> &'a Node {
        path.split('.').fold(node, |node, key| mapping(node).get(key).unwrap().unwrap())
    }

    #[test]
    fn scalars_keep_their_text_and_their_line() {
        let root = root(
            "a: 0123\nb:\n  c: yes # so\n  d: 'no: #'\n  e: \"x\\ty\"\nf: |\n  two\n  lines\n",
        );
        for (path, line, text) in
            [("a", 1, "0123"), ("b.c", 3, "yes"), ("b.d", 4, "no: #"), ("b.e", 5, "x\ty")]
        {
            assert_eq!((at(&root, path).line, at(&root, path).text()), (line, Some(text)));
        }
        assert_eq!(at(&root, "f").text(), Some("two\nlines\n"));
        assert_eq!(mapping(&root).iter().map(|(key, line, _)| (key, line)).last(), Some(("f", 6)));
    }

    #[test]
    fn an_empty_value_is_empty_only_when_it_is_plain() {
        let root = root("a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: !!str\n");
        for key in ["a", "b", "c"] {
            assert!(at(&root, key).is_null(), "{key}");
        }
        for (key, text) in [("d", ""), ("e", "null"), ("f", "")] {
            assert_eq!(at(&root, key).text(), Some(text), "{key}");
        }
        for text in ["", "# only a comment\n", "\u{feff}", "--- \n"] {
            assert!(parse(text).unwrap().is_none_or(|node| node.is_null()), "{text:?}");
        }
    }

    #[test]
    fn aliases_and_merges_work_as_in_java() {
        let root = root(
            "base: &b {x: 1, y: 2}\nmore: &m {y: 3, z: 4}\npw: &p secret\n\
             one: {<<: *b, y: 9}\ntwo: {<<: [*b, *m]}\nthree: *p\n",
        );
        for (path, text) in [
            ("one.x", "1"),
            ("one.y", "9"),
            ("two.x", "1"),
            ("two.y", "2"),
            ("two.z", "4"),
            ("three", "secret"),
        ] {
            assert_eq!(at(&root, path).text(), Some(text), "{path}");
        }
        assert_eq!(error("a: 1\nb:\n  <<: 7\n").line, 3);
        assert_eq!(error("a: &a\n  - *a\n").what, "an alias names a value that contains it");
        assert_eq!(error("a: *none\n").line, 1);
    }

    #[test]
    fn a_repeated_key_is_an_error_when_it_is_read() {
        let root = root("a: 1\nb: 2\na: 3\n");
        assert_eq!(mapping(&root).get("a").map(|_| ()), Err(3));
        assert!(mapping(&root).get("b").is_ok_and(|found| found.is_some()));
    }

    #[test]
    fn a_billion_laughs_are_a_few_pointers() {
        let mut text = String::from("a0: &a0 [lol, lol]\n");
        for level in 1..60 {
            let names = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{names}]\n"));
        }
        assert!(parse(&text).is_ok());
        // Merges copy pairs, so they count.
        let mut text = String::from("a0: &a0 {");
        text.push_str(&(0..1000).map(|i| format!("k{i}: v, ")).collect::<String>());
        text.push_str("}\n");
        for level in 1..1000 {
            text.push_str(&format!("a{level}: &a{level} {{<<: *a0}}\n"));
        }
        assert_eq!(error(&text).what, "more than 100000 values");
    }

    #[test]
    fn depth_and_number_are_limited() {
        for piece in ["[", "{a: ", "- ", "? ", "- - ", "[[a], "] {
            let error = error(&piece.repeat(200_000));
            assert!(error.what.contains("levels") || error.line <= 2, "{piece}: {error:?}");
        }
        assert!(parse(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_ok());
        assert_eq!(error(&"- a\n".repeat(100_001)).what, "more than 100000 values");
    }

    #[test]
    fn invalid_yaml_is_an_error_with_its_line() {
        for (text, line) in [
            ("a: 1\nb: [1, 2\nc: 3\n", 3),
            ("a:\n\tb: 1\n", 2),
            ("a: 1\n---\nb: 2\n", 2),
            ("a: 1\nb: 'open\nc\n", 2),
            ("a: b: c\n", 1),
        ] {
            let error = error(text);
            assert_eq!(error.line, line, "{text:?}: {error:?}");
        }
    }

    #[test]
    fn no_error_repeats_a_character_of_the_text() {
        for character in ['@', '`', '%', '|', '}', ']', '\u{7}'] {
            let text = format!("password: {character}hunter2 {character}\n");
            if let Err(error) = parse(&text) {
                assert!(!error.what.contains(character), "{error:?}");
            }
        }
    }

    #[test]
    fn a_custom_tag_is_noticed() {
        let root = root("a: !!binary aGk=\nb: !custom x\nc: !!str 1\nd: !x {a: b}\n");
        assert!(matches!(at(&root, "a").value, Value::Tagged));
        assert!(matches!(at(&root, "b").value, Value::Tagged));
        assert_eq!(at(&root, "c").text(), Some("1"));
        assert!(matches!(at(&root, "d").value, Value::Tagged));
    }

    proptest! {
        #[test]
        fn arbitrary_text_reads_or_errs(text in ".{0,80}", yaml in "[-ab:&*<{}\\[\\],'\"|>#!?~ \n\t]{0,60}") {
            drop(parse(&text));
            drop(parse(&yaml));
        }
    }
}
