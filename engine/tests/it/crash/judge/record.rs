//! Names and lines of transaction logs, read as the database reads them (FORMATS.md 9.1, 9.2).

use super::Node;

/// What the name of a file means to a node.
pub(super) enum LogName {
    /// Not a log; the node ignores it.
    Other,
    /// A log.
    Log,
    /// A log that prevents the node from starting.
    Unreadable,
}

/// `^(.{2})_txn_(.*)_(.*)\.log$`, since 5.0 `^((?:[a-z]+-)?.{2}_)?txn_(.*)_(.*)\.log$`.
pub(super) fn log_name(node: Node, name: &str) -> LogName {
    let Some(stem) = name.strip_suffix(".log") else { return LogName::Other };
    let rest = if node.is_new() {
        let bare = stem.strip_prefix("txn_");
        bare.or_else(|| {
            let (prefix, rest) = stem.split_once("_txn_")?;
            let letters = match prefix.split_once('-') {
                Some((format, letters)) => {
                    format.bytes().all(|b| b.is_ascii_lowercase()).then_some(letters)?
                }
                None => prefix,
            };
            (letters.chars().count() == 2).then_some(rest)
        })
    } else {
        stem.get(2..).filter(|_| stem.is_char_boundary(2)).and_then(|s| s.strip_prefix("_txn_"))
    };
    let Some((operation, id)) = rest.and_then(|rest| rest.rsplit_once('_')) else {
        return LogName::Other;
    };
    let known = ["compaction", "upgradesstables", "write", "flush", "cleanup", "scrub", "stream"];
    let groups: Vec<&str> = id.split('-').collect();
    let is_uuid = groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|b| b.is_ascii_hexdigit()));
    if known.contains(&operation) && is_uuid { LogName::Log } else { LogName::Unreadable }
}

/// A line, valid or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// Upper case; empty for what is not a record.
    pub(super) kind: String,
    pub(super) path: String,
    pub(super) time: i64,
    pub(super) files: i32,
    pub(super) valid: bool,
}

impl Line {
    pub(super) fn read(text: &str) -> Self {
        Self::parse(text).unwrap_or(Self {
            kind: String::new(),
            path: String::new(),
            time: 0,
            files: 0,
            valid: false,
        })
    }

    pub(super) fn ends_the_log(&self) -> bool {
        self.kind == "COMMIT" || self.kind == "ABORT"
    }

    /// `TYPE:[path,updateTime,numFiles][checksum]`
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(":[")?;
        let (fields, sum) = rest.strip_suffix(']')?.split_once("][")?;
        let kind = kind.to_ascii_uppercase();
        if !["ADD", "REMOVE", "COMMIT", "ABORT"].contains(&kind.as_str()) {
            return None;
        }
        let fields: Vec<&str> = fields.split(',').collect();
        let &[path, time, files] = fields.as_slice() else { return None };
        let (time, files): (i64, i32) = (time.parse().ok()?, files.parse().ok()?);
        // Path, type, then as big-endian ints: low half of the time, high half, count.
        let mut summed = format!("{path}{kind}").into_bytes();
        let time_bytes = time.to_be_bytes();
        summed.extend(&time_bytes[4..]);
        summed.extend(&time_bytes[..4]);
        summed.extend(files.to_be_bytes());
        let valid = sum.parse() == Ok(crc32fast::hash(&summed));
        Some(Self { kind, path: path.to_owned(), time, files, valid })
    }
}
