//! A page as a tree, by a tokenizer of its own: every tag that is opened is closed, in its order.

use std::collections::BTreeMap;

use html5gum::{Token, Tokenizer};

/// An element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    /// Its own text and that of what is in it.
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

/// What has no end tag.
const VOID: [&str; 3] = ["br", "link", "meta"];

impl Element {
    /// Parses a page; nothing may be wrong with it.
    pub(super) fn parse(page: &str) -> Self {
        let mut open = vec![Self::default()];
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        for Ok(token) in Tokenizer::new(page) {
            match token {
                Token::StartTag(tag) => {
                    let attributes = tag.attributes.iter();
                    let element = Self {
                        name: text(&tag.name),
                        attributes: attributes
                            .map(|(name, value)| (text(name), text(value)))
                            .collect(),
                        ..Self::default()
                    };
                    let is_open = !tag.self_closing && !VOID.contains(&element.name.as_str());
                    open.push(element);
                    if !is_open {
                        close(&mut open);
                    }
                }
                Token::EndTag(tag) => {
                    assert_eq!(open.last().unwrap().name, text(&tag.name), "tags are nested");
                    close(&mut open);
                }
                Token::String(string) => open.last_mut().unwrap().text.push_str(&text(&string)),
                Token::Doctype(doctype) => assert_eq!(text(&doctype.name), "html"),
                other => panic!("{other:?}"),
            }
        }
        let root = open.pop().unwrap();
        assert!(open.is_empty() && root.children.len() == 1, "all tags are closed");
        root
    }

    /// All elements in it, in their order.
    pub(super) fn all(&self) -> Vec<&Self> {
        let mut all = Vec::new();
        for child in &self.children {
            all.push(child);
            all.extend(child.all());
        }
        all
    }

    /// All of a name.
    pub(super) fn named(&self, name: &str) -> Vec<&Self> {
        self.all().into_iter().filter(|element| element.name == name).collect()
    }

    /// All of a class.
    pub(super) fn of_class(&self, class: &str) -> Vec<&Self> {
        let is_of = |element: &&Self| element.attribute("class").split(' ').any(|one| one == class);
        self.all().into_iter().filter(is_of).collect()
    }

    /// The section with this heading.
    pub(super) fn section(&self, heading: &str) -> &Self {
        let has =
            |section: &&Self| section.named("h2").first().is_some_and(|h2| h2.text == heading);
        let found = self.named("section").into_iter().find(has);
        found.unwrap_or_else(|| panic!("no section '{heading}': {:?}", self.headings()))
    }

    /// What sections are called, in their order.
    pub(super) fn headings(&self) -> Vec<&str> {
        self.named("h2").into_iter().map(|h2| h2.text.as_str()).collect()
    }

    /// The texts of the cells of each row.
    pub(super) fn rows(&self) -> Vec<Vec<&str>> {
        let rows = self.named("tr").into_iter();
        rows.map(|row| row.children.iter().map(|cell| cell.text.as_str()).collect()).collect()
    }

    pub(super) fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

fn close(open: &mut Vec<Element>) {
    let element = open.pop().unwrap();
    let parent = open.last_mut().unwrap();
    parent.text.push_str(&element.text);
    parent.children.push(element);
}
