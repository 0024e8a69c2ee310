//! Holds the shell examples of the README and of the guide true: every flag that they show is understood.

use std::collections::HashMap;

use clap::Parser as _;

use super::Args;

#[test]
fn the_examples_of_the_readme_are_valid() {
    let (verbs, _) = understood(include_str!("../../../README.md"));
    for verb in ["plan", "upgradesstables", "status", "verify", "may-destroy", "keys"] {
        assert!(verbs.iter().any(|seen| seen == verb), "{verb}: {verbs:?}");
    }
    assert_eq!(verbs.iter().any(|seen| seen == "demo"), cfg!(feature = "demo"));
}

#[test]
fn the_examples_of_the_guide_are_valid() {
    let (verbs, variables) = understood(include_str!("../../docs/GUIDE.md"));
    for verb in ["plan", "upgradesstables", "status", "verify", "census", "may-destroy", "keys"] {
        assert!(verbs.iter().any(|seen| seen == verb), "{verb}: {verbs:?}");
    }
    is_a_target(&variables);
}

/// What comes between this program's own commands.
const OTHER_PROGRAMS: [&str; 1] = ["nodetool"];

/// Parses the commands of a page. Returns their verbs, and the variables that it sets.
fn understood(page: &str) -> (Vec<String>, HashMap<String, String>) {
    let mut variables = HashMap::new();
    let mut verbs = Vec::new();
    for line in commands(page) {
        let words = words(&line, &variables);
        match words.first().map(String::as_str) {
            Some("sstablerekey") => {}
            Some("cargo") => match words.iter().position(|word| word == "--") {
                Some(at) => assert_eq!(words[..at], ["cargo", "run", "--release"]),
                None => continue,
            },
            Some(other) if OTHER_PROGRAMS.contains(&other) => continue,
            Some(assignment) => {
                let (name, value) = assignment.split_once('=').unwrap_or_else(|| panic!("{line}"));
                assert_eq!(words.len(), 1, "{line}");
                variables.insert(name.to_owned(), value.to_owned());
                continue;
            }
            None => continue,
        }
        let from = words.iter().position(|word| word == "--").unwrap_or(0);
        if !cfg!(feature = "demo") && words[from + 1] == "demo" {
            continue;
        }
        if let Err(error) = Args::try_parse_from(&words[from..]) {
            panic!("{line}\n{error}");
        }
        verbs.push(words[from + 1].clone());
    }
    (verbs, variables)
}

fn is_a_target(variables: &HashMap<String, String>) {
    let map = rekey_engine::options::OptionMap::parse_cql(&variables["MAP"]).unwrap();
    rekey_engine::options::CompressionParams::from_cql_options(&map).unwrap();
}

/// The commands in blocks of shell, those over several lines as one.
fn commands(text: &str) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let (mut is_shell, mut is_open) = (false, false);
    for line in text.lines() {
        if line.starts_with("```") {
            is_shell = line == "```sh";
        } else if is_shell {
            match commands.last_mut().filter(|_| is_open) {
                Some(command) => command.push_str(&format!("\n{line}")),
                None => commands.push(line.to_owned()),
            }
            let last = commands.last().unwrap();
            is_open = last.matches('"').count() % 2 == 1 || last.ends_with('\\');
        }
    }
    commands
}

/// The words of a command as a shell sees them: quotes, comments, variables.
fn words(command: &str, variables: &HashMap<String, String>) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let (mut is_quoted, mut chars) = (false, command.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '"' => {
                is_quoted = !is_quoted;
                word.get_or_insert_default();
            }
            '#' if !is_quoted && word.is_none() => break,
            c if c.is_whitespace() && !is_quoted => words.extend(word.take()),
            '\\' if chars.next_if_eq(&'\n').is_some() => {}
            '$' => {
                let mut name = String::new();
                while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric()) {
                    name.push(c);
                }
                let value = variables.get(&name).unwrap_or_else(|| panic!("${name} is not set"));
                word.get_or_insert_default().push_str(value);
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}
