//! What a starting node would load, or why it would not start: FORMATS.md 9.3 and 9.4, implemented
//! a second time, from the text and without any code of the engine's `txn`.
//!
//! The judge is pessimistic where products differ: each kind of node that a flavor may mean is
//! asked separately.

mod record;
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use record::{Line, LogName, log_name};
use rekey_engine::txn::Flavor;

/// A kind of node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Apache3,
    /// On Java 8, which sees the times of files in whole seconds.
    Apache3Java8,
    Apache4,
    Apache5,
    ConvergedCore,
    Dse,
    /// The same.
    DseJava8,
}

impl Node {
    /// The nodes that a log of a flavor may meet.
    pub(crate) fn of(flavor: Flavor) -> &'static [Self] {
        match flavor {
            Flavor::Apache3 => &[Self::Apache3, Self::Apache3Java8],
            Flavor::ConvergedCore => &[Self::ConvergedCore],
            Flavor::Dse => &[Self::Dse, Self::DseJava8],
            _ => &[Self::Apache4, Self::Apache5],
        }
    }

    /// Whether it leaves Statistics.db and `.tmp` out of times.
    const fn is_new(self) -> bool {
        matches!(self, Self::Apache5 | Self::ConvergedCore)
    }

    /// The file prefix that it makes of a record's path.
    fn prefix(self, path: &str) -> Option<String> {
        match self {
            Self::Apache3 | Self::Apache3Java8 => Some(format!("{path}-")),
            Self::Apache4 | Self::Apache5 | Self::Dse | Self::DseJava8 => Some(path.to_owned()),
            Self::ConvergedCore => percent_decode(path.strip_prefix("file://")?),
        }
    }

    fn times_agree(self, recorded: i64, all: i64, rest: i64) -> bool {
        match self {
            Self::Apache3 | Self::Dse => recorded == all,
            Self::Apache3Java8 | Self::DseJava8 => recorded == all / 1000 * 1000,
            Self::Apache4 => recorded / 1000 == all / 1000,
            Self::Apache5 | Self::ConvergedCore => {
                recorded / 1000 == rest / 1000 || recorded / 1000 == all / 1000
            }
        }
    }
}

/// The outcome of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Start {
    /// The node says why it does not start.
    Refuses(String),
    /// The SSTables that it loads, as `/dir/oa-2-big-`.
    Loads(BTreeSet<String>),
}

#[derive(Debug, Clone, Copy)]
struct File {
    millis: i64,
    length: u64,
}

/// The files of a table's directories; deletions happen here and not on disk.
struct Disk(BTreeMap<String, File>);

/// Simulates the start of a node on the directories of one table.
pub(crate) fn start(node: Node, directories: &[PathBuf]) -> Start {
    let mut disk = Disk::read(directories);
    match finish_logs(node, directories, &mut disk) {
        Err(reason) => Start::Refuses(reason),
        Ok(()) => Start::Loads(disk.load()),
    }
}

fn finish_logs(node: Node, directories: &[PathBuf], disk: &mut Disk) -> Result<(), String> {
    let mut logs: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for path in disk.0.keys() {
        let (directory, name) = path.rsplit_once('/').unwrap();
        match log_name(node, name) {
            LogName::Other => continue,
            LogName::Unreadable => return Err(format!("{name} is no log that it knows")),
            LogName::Log => {}
        }
        assert!(directories.iter().any(|known| known == Path::new(directory)));
        let bytes = fs::read(path).unwrap();
        let lines = String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect();
        logs.entry(name.to_owned()).or_default().push(lines);
    }
    for (name, replicas) in logs {
        let lines = agree(&replicas).map_err(|why| format!("{name}: {why}"))?;
        finish(node, &lines, disk).map_err(|why| format!("{name}: {why}"))?;
        disk.0.retain(|path, _| !path.ends_with(&format!("/{name}")));
    }
    Ok(())
}

/// Rule 1: one sequence of records from all replicas.
fn agree(replicas: &[Vec<String>]) -> Result<Vec<Line>, String> {
    let longest = replicas.iter().map(Vec::len).max().unwrap_or(0);
    let mut lines: Vec<Line> = Vec::new();
    for i in 0..longest {
        let texts: BTreeSet<&str> =
            replicas.iter().filter_map(|lines| lines.get(i)).map(String::as_str).collect();
        let text = *texts.iter().max_by_key(|text| text.len()).unwrap();
        let mut line = Line::read(text);
        if texts.len() > 1 {
            if texts.iter().any(|other| !text.starts_with(other)) {
                return Err("its replicas differ".to_owned());
            }
            line.valid = false;
        }
        if lines.contains(&line) {
            return Err(format!("'{text}' is there twice"));
        }
        if lines.last().is_some_and(Line::ends_the_log) {
            return Err("something follows its end".to_owned());
        }
        lines.push(line);
    }
    Ok(lines)
}

/// Rules 2 to 4 for one log.
fn finish(node: Node, lines: &[Line], disk: &mut Disk) -> Result<(), String> {
    let files = |disk: &Disk, line: &Line| {
        node.prefix(&line.path).map_or_else(Vec::new, |prefix| disk.with_prefix(&prefix))
    };
    let damaged = lines.last().is_some_and(|line| !line.valid);
    for (i, line) in lines.iter().enumerate() {
        if !line.valid && i + 1 < lines.len() {
            return Err(format!("line {} is damaged", i + 1));
        }
        if !line.valid || line.kind != "REMOVE" {
            continue;
        }
        let there: Vec<String> = files(disk, line)
            .into_iter()
            .filter(|path| !(node.is_new() && path.ends_with(".tmp")))
            .collect();
        // If only Statistics.db is left, which does not count, that is the same as nothing.
        let counts = |path: &String| !node.is_new() || !path.ends_with("-Statistics.db");
        let is_gone = !there.iter().any(counts);
        let newest = |with_statistics: bool| {
            there
                .iter()
                .filter(|path| with_statistics || !path.ends_with("-Statistics.db"))
                .map(|path| disk.0[path].millis)
                .max()
                .unwrap_or(0)
        };
        if !is_gone && !node.times_agree(line.time, newest(true), newest(false)) {
            return Err(format!("{} is as old as {}, not {}", line.path, newest(true), line.time));
        }
        if damaged && there.len() < usize::try_from(line.files).unwrap_or(0) {
            return Err(format!("the last line is damaged and {} is incomplete", line.path));
        }
    }
    let committed = !damaged && lines.last().is_some_and(|line| line.kind == "COMMIT");
    let condemned = if committed { "REMOVE" } else { "ADD" };
    for line in lines.iter().filter(|line| line.valid && line.kind == condemned) {
        for path in files(disk, line) {
            disk.0.remove(&path);
        }
    }
    Ok(())
}

impl Disk {
    fn read(directories: &[PathBuf]) -> Self {
        let mut files = BTreeMap::new();
        for directory in directories {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                let metadata = entry.metadata().unwrap();
                if metadata.is_file() {
                    let age = metadata.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
                    let millis = i64::try_from(age.as_millis()).unwrap();
                    let path = entry.path().to_str().unwrap().to_owned();
                    files.insert(path, File { millis, length: metadata.len() });
                }
            }
        }
        Self(files)
    }

    fn with_prefix(&self, prefix: &str) -> Vec<String> {
        let inside = |path: &str| !path[prefix.len()..].contains('/');
        self.0.keys().filter(|path| path.starts_with(prefix) && inside(path)).cloned().collect()
    }

    /// What is left when logs are done: no `.tmp`, and no orphans without rows.
    fn load(&self) -> BTreeSet<String> {
        self.0
            .iter()
            .filter(|(path, file)| path.ends_with("-Data.db") && file.length > 0)
            .map(|(path, _)| path.trim_end_matches("Data.db").to_owned())
            .collect()
    }
}

fn percent_decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        // Java takes no URI with anything else in it.
        if byte <= b' ' || !byte.is_ascii() || b"\"<>\\^`{|}".contains(&byte) {
            return None;
        }
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next()?, rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}
