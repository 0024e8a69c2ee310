//! `commitlog_archiving.properties`: whether segments of the commit log are kept elsewhere.

use std::path::Path;

use super::document::MAX_LENGTH;
use super::fact::{Fact, Origin};
use super::file::read as read_file;
use super::installation::is_there;
use super::settings::Entry;
use crate::error::Result;

/// What the file beside `cassandra.yaml` says; nothing if it is not there.
pub(super) fn read(file: &Path) -> Result<Vec<Entry>> {
    if !is_there(file)? {
        return Ok(vec![]);
    }
    let bytes = read_file(file, "the archiving of the commit log", MAX_LENGTH)?;
    Ok(parse(&String::from_utf8_lossy(&bytes), file))
}

/// Reads a text in the form of Java's properties: `name=value` or `name: value`, comments after `#`
/// or `!`, and a backslash at the end of a line that continues.
pub(super) fn parse(text: &str, file: &Path) -> Vec<Entry> {
    let mut entries: Vec<Entry> =
        NAMES.iter().map(|name| Entry { name, values: Ok(vec![]) }).collect();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        let line = line.trim_start();
        if line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while whole.ends_with('\\') {
            whole.pop();
            match lines.next() {
                Some((_, more)) => whole.push_str(more.trim_start()),
                None => break,
            }
        }
        let end = whole.find(['=', ':', ' ', '\t']).unwrap_or(whole.len());
        let (name, value) = whole.split_at(end);
        let value = value.trim_start_matches([' ', '\t']);
        let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
        if let Some(entry) = entries.iter_mut().find(|entry| entry.name == name) {
            let line = number.saturating_add(1);
            let origin = Origin::Line { file: file.to_owned(), line };
            // A command may have passwords among its arguments.
            let shown = match name == ARCHIVE_COMMAND {
                true => value.split_whitespace().next().unwrap_or_default(),
                false => value,
            };
            // The last line of a name counts.
            entry.values = Ok(match shown.is_empty() {
                true => vec![],
                false => vec![Fact::new(shown.to_owned(), origin)],
            });
        }
    }
    entries
}

const ARCHIVE_COMMAND: &str = "archive_command";
const NAMES: [&str; 2] = [ARCHIVE_COMMAND, "restore_directories"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_program_of_an_archive_command_is_told() {
        let text = "# archive_command=no\narchive_command=/bin/put --password x %path %name\n\
                    restore_directories: /a,\\\n  /b\nrestore_command=\n";
        let entries = parse(text, Path::new("p"));
        let shown: Vec<_> =
            entries.iter().map(|entry| entry.value().unwrap().value.as_str()).collect();
        assert_eq!(shown, ["/bin/put", "/a,/b"]);
        assert_eq!(entries[1].value().unwrap().origin.to_string(), "p, line 3");
        let empty = parse("archive_command=\nrestore_directories=\\", Path::new("p"));
        assert!(empty.iter().all(|entry| entry.value().is_none()));
    }
}
