//! Checks the citations in the sources.
//!
//! A citation is the name of a document and the numbers of its sections: `FORMATS.md` and then
//! `5.5`, `7.1, 8`, `1.2 to 1.5`, or `14, rule 3`, over the ends of lines. Each section must be a
//! heading of the document, and each rule, field or trap a numbered item of the section. The marks
//! in the documents, which name tests, must name existing files and tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::sources::{files, root};

/// Where the workspace's sources are.
const TREES: [&str; 5] = ["engine", "kmip", "cli", "benches", "testdata"];

/// Where a document is searched for, then beside the file that cites it.
const DOCUMENTS: [&str; 3] = ["engine/docs", "kmip/docs", "cli/docs"];

/// What a citation may name in a section beside the section itself.
const ITEMS: [&str; 3] = ["rule", "field", "trap"];

/// A document is cited.
#[derive(Debug)]
struct Citation {
    document: String,
    section: String,
    /// A numbered item of it.
    item: Option<String>,
    line: usize,
}

/// The sources, with paths below the root.
fn sources() -> Vec<(PathBuf, String)> {
    let root = root();
    let extensions = ["rs", "md", "bash", "java"];
    let mut files: Vec<_> =
        TREES.iter().flat_map(|tree| files(&root.join(tree), &extensions)).collect();
    files.sort();
    assert!(files.len() > 300, "the sources were not found");
    let read = |path: PathBuf| {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        (path.strip_prefix(&root).unwrap().to_owned(), text)
    };
    files.into_iter().map(read).collect()
}

/// The words of a text with the numbers of their lines, without what begins a line of comment.
fn words(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let leaders = |word: &&str| matches!(*word, "//" | "///" | "//!" | "*" | "#");
        let content = content.split_whitespace().skip_while(leaders);
        words.extend(content.map(|word| (line, word)));
    }
    words
}

fn citations(text: &str) -> Vec<Citation> {
    let words = words(text);
    let mut found = Vec::new();
    for (at, (line, word)) in words.iter().enumerate() {
        let word = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
        let name = word.rsplit('/').next().unwrap();
        if !name.ends_with(".md") {
            continue;
        }
        let mut rest = words[at + 1..].iter().map(|(_, word)| *word).peekable();
        let mut last: Option<String> = None;
        while let Some(word) = rest.next() {
            let is_joined = last.is_some() && matches!(word, "and" | "to");
            let next_is_number = rest.peek().is_some_and(|next| !number(next).0.is_empty());
            if is_joined && next_is_number {
                continue;
            }
            if let (Some(section), true) = (&last, ITEMS.contains(&word)) {
                let (item, _) = number(rest.next().unwrap_or_default());
                found.push(citation(name, section, Some(item), *line));
                break;
            }
            let (section, end) = number(word);
            if section.is_empty() {
                break;
            }
            found.push(citation(name, section, None, *line));
            last = Some(section.to_owned());
            if !matches!(end, "" | ",") {
                break;
            }
        }
    }
    found
}

fn citation(document: &str, section: &str, item: Option<&str>, line: usize) -> Citation {
    Citation {
        document: document.to_owned(),
        section: section.to_owned(),
        item: item.map(str::to_owned),
        line,
    }
}

/// The number at the start of a word, such as `7` or `10.5`, and what follows it.
fn number(word: &str) -> (&str, &str) {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
    let number = word[..end].trim_end_matches('.');
    if number.starts_with('.') { ("", word) } else { (number, &word[number.len()..]) }
}

/// The sections of a document by their numbers, each with its own text; and the numbers that come
/// more than once.
fn sections(text: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let mut sections: BTreeMap<String, String> = BTreeMap::new();
    let (mut repeated, mut current, mut is_drawing) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        is_drawing ^= line.trim_start().starts_with("```");
        let title = line.trim_start_matches('#');
        if !is_drawing && title.len() < line.len() && title.starts_with(' ') {
            current = number(title.trim_start()).0.to_owned();
            if !current.is_empty() && sections.insert(current.clone(), String::new()).is_some() {
                repeated.push(current.clone());
            }
        } else if let Some(section) = sections.get_mut(&current) {
            section.push_str(line);
            section.push('\n');
        }
    }
    (sections, repeated)
}

/// Whether a section has an item of this number, in a list or in the first column of a table.
fn has_item(section: &str, item: &str) -> bool {
    let (of_list, of_table) = (format!("{item}. "), format!("| {item} |"));
    !item.is_empty()
        && section.lines().any(|line| line.starts_with(&of_list) || line.starts_with(&of_table))
}

fn document(name: &str, citing: &Path) -> Option<PathBuf> {
    let beside = root().join(citing).parent().unwrap().to_owned();
    let places = DOCUMENTS.iter().map(|place| root().join(place)).chain([beside]);
    places.map(|place| place.join(name)).find(|path| path.is_file())
}

/// What is wrong with a citation.
fn flaw(citation: &Citation, citing: &Path) -> Option<String> {
    let Citation { document: name, section: number, item, .. } = citation;
    let Some(path) = document(name, citing) else {
        return Some(format!("{name} is nowhere"));
    };
    let (sections, _) = sections(&fs::read_to_string(path).unwrap());
    let Some(section) = sections.get(number) else {
        return Some(format!("{name} has no section {number}"));
    };
    let item = item.as_ref().filter(|item| !has_item(section, item));
    item.map(|item| format!("{name} {number} has no item {item}"))
}

#[test]
fn every_citation_resolves() {
    let (mut wrong, mut cited) = (Vec::new(), BTreeSet::new());
    for (path, text) in sources() {
        // What is below is not a citation.
        if path.ends_with("tests/it/citations.rs") {
            continue;
        }
        for citation in citations(&text) {
            if let Some(flaw) = flaw(&citation, &path) {
                wrong.push(format!("{}:{}: {flaw}", path.display(), citation.line));
            }
            cited.insert(citation.document);
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    for document in ["FORMATS.md", "KMIP.md", "JOURNAL.md", "PIPELINE.md"] {
        assert!(cited.contains(document), "{document} was cited by nobody");
    }
}

/// The documents, with paths below the root.
fn documents() -> Vec<(PathBuf, String)> {
    let is_one = |path: &Path| DOCUMENTS.iter().any(|place| path.starts_with(place));
    sources()
        .into_iter()
        .filter(|(path, _)| is_one(path) && path.extension().is_some_and(|end| end == "md"))
        .collect()
}

#[test]
fn section_numbers_are_unique() {
    for (path, text) in documents() {
        let (_, repeated) = sections(&text);
        assert_eq!(repeated, Vec::<String>::new(), "{}", path.display());
    }
}

/// What marks call `it/`, `src/` and `interop/`.
const SHORT: [(&str, &str); 3] =
    [("it/", "engine/tests/it/"), ("src/", "engine/src/"), ("interop/", "testdata/interop/")];

/// What the marks of a document name: `[tested: it/rekey.rs, src/wire/utf.rs::a_test]`.
fn marks(text: &str) -> Vec<(String, Option<String>)> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut found = Vec::new();
    for mark in text.split("[tested: ").skip(1) {
        for name in mark.split(']').next().unwrap().split(", ").filter(|name| *name != "…") {
            let (file, test) = match name.split_once("::") {
                Some((file, test)) => (file, Some(test.to_owned())),
                None => (name, None),
            };
            let longer = |(short, long): &(&'static str, &'static str)| {
                file.strip_prefix(*short).map(|rest| format!("{long}{rest}"))
            };
            let file = SHORT.iter().find_map(longer).unwrap_or_else(|| file.to_owned());
            found.push((file, test));
        }
    }
    found
}

#[test]
fn every_mark_of_a_document_names_an_existing_test() {
    let (mut wrong, mut count) = (Vec::new(), 0);
    for (path, text) in documents() {
        for (file, test) in marks(&text) {
            count += 1;
            let text = fs::read_to_string(root().join(&file)).ok();
            let is_there = text.is_some_and(|text| {
                test.as_ref().is_none_or(|test| text.contains(&format!("fn {test}(")))
            });
            if !is_there {
                wrong.push(format!("{}: {file} {test:?}", path.display()));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(count > 100, "the marks were not found");
}

#[test]
fn the_scanner_sees_every_form_of_citation() {
    let text = "//! The pages (FORMATS.md 7.2), KMIP.md 1.2 to 1.5, and `A.md 5.2 and 7`.\n\
                /// (FORMATS.md 7.1, 8, KMIP.md\n    /// 14, rule 3)\n\
                # in docs/B.md 2.1, field 4). C.md 0.1 trap 5: no.md is none, D.md 9, and on.\n";
    let found: Vec<_> = citations(text)
        .into_iter()
        .map(|Citation { document, section, item, line }| {
            let item = item.map_or_else(String::new, |item| format!("#{item}"));
            format!("{line} {document} {section}{item}")
        })
        .collect();
    let expected = [
        "1 FORMATS.md 7.2",
        "1 KMIP.md 1.2",
        "1 KMIP.md 1.5",
        "1 A.md 5.2",
        "1 A.md 7",
        "2 FORMATS.md 7.1",
        "2 FORMATS.md 8",
        "2 KMIP.md 14",
        "2 KMIP.md 14#3",
        "4 B.md 2.1",
        "4 B.md 2.1#4",
        "4 C.md 0.1",
        "4 C.md 0.1#5",
        "4 D.md 9",
    ];
    assert_eq!(found, expected);
    let (found, repeated) =
        sections("## 1. A\n1. x\n### 1.1 B\n```\n# 2 no\n```\n## 1 C\n| 3 | y |\n");
    assert_eq!(found.keys().collect::<Vec<_>>(), ["1", "1.1"]);
    assert_eq!(repeated, ["1"]);
    assert!(has_item(&found["1"], "3") && !has_item(&found["1"], "1"));
}
