//! One line of a transaction log (FORMATS.md 9.2): `TYPE:[path,updateTime,numFiles][checksum]`.

use std::fmt;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RecordKind {
    /// An SSTable that the transaction creates.
    Add,
    /// An SSTable that it replaces.
    Remove,
    /// The new ones count.
    Commit,
    /// The old ones count.
    Abort,
}

impl RecordKind {
    const ALL: [Self; 4] = [Self::Add, Self::Remove, Self::Commit, Self::Abort];

    /// The text in the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "ADD",
            Self::Remove => "REMOVE",
            Self::Commit => "COMMIT",
            Self::Abort => "ABORT",
        }
    }

    /// Whether it ends the log.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Commit | Self::Abort)
    }
}

/// Why a line is not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It does not have the form of a record.
    #[error("not a record")]
    Malformed,
    /// The checksum does not match.
    #[error("its checksum does not match")]
    Checksum,
    /// A complete record, but in a form that no node writes: what a node would do with it is
    /// unknown.
    #[error("its numbers are not written as a node writes them")]
    Spelling,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogRecord {
    /// What it says.
    pub kind: RecordKind,
    /// The SSTable, in the product's form; empty for COMMIT and ABORT.
    pub path: String,
    /// REMOVE: newest modification time of its files, milliseconds since 1970.
    pub update_time: i64,
    /// REMOVE: how many files it had.
    pub file_count: i32,
}

impl LogRecord {
    /// The record of a new SSTable.
    #[must_use]
    pub const fn add(path: String) -> Self {
        Self { kind: RecordKind::Add, path, update_time: 0, file_count: 0 }
    }

    /// The record of an old SSTable.
    #[must_use]
    pub const fn remove(path: String, update_time: i64, file_count: i32) -> Self {
        Self { kind: RecordKind::Remove, path, update_time, file_count }
    }

    /// The record that switches to the new SSTables.
    #[must_use]
    pub const fn commit() -> Self {
        Self { kind: RecordKind::Commit, path: String::new(), update_time: 0, file_count: 0 }
    }

    /// Reads a line without its line end.
    ///
    /// # Errors
    /// [`RecordError`].
    pub fn parse(line: &str) -> Result<Self, RecordError> {
        let (kind, rest) = line.split_once(":[").ok_or(RecordError::Malformed)?;
        let kind = RecordKind::ALL
            .into_iter()
            .find(|known| known.name().eq_ignore_ascii_case(kind))
            .ok_or(RecordError::Malformed)?;
        let (fields, checksum) = rest
            .strip_suffix(']')
            .and_then(|rest| rest.rsplit_once("]["))
            .ok_or(RecordError::Malformed)?;
        let mut parts = fields.split(',');
        let (Some(path), Some(time), Some(count), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(RecordError::Malformed);
        };
        let record = Self {
            kind,
            path: path.to_owned(),
            update_time: time.parse().map_err(|_not| RecordError::Malformed)?,
            file_count: count.parse().map_err(|_not| RecordError::Malformed)?,
        };
        if kind.is_final() != record.path.is_empty() {
            return Err(RecordError::Malformed);
        }
        match checksum.parse() {
            Ok(checksum) if record.checksum() == checksum => record.if_spelled_as(line),
            Ok::<u32, _>(_) => Err(RecordError::Checksum),
            Err(_not) => Err(RecordError::Malformed),
        }
    }

    /// Whether bytes are lines that begin as records do, the last of which may be torn: a log, whatever a
    /// node makes of it, and nothing else with its name.
    pub(crate) fn are_begun(bytes: &[u8]) -> bool {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        let mut lines = bytes.split(|byte| *byte == b'\n').rev();
        let last = lines.next().unwrap_or_default();
        // A file system may have the length of a line and not what is in it.
        let end = last.iter().rposition(|byte| *byte != 0).map_or(0, |at| at.saturating_add(1));
        let last = last.get(..end).unwrap_or_default();
        (last.len() <= LONGEST && begins(last, true))
            && lines.all(|line| line.len() <= LONGEST && begins(line, false))
    }

    /// Returns the record if it would be written as this line, ignoring the case of its type.
    fn if_spelled_as(self, line: &str) -> Result<Self, RecordError> {
        let after_type = |line: &str| line.split_once(':').map(|(_, rest)| rest.to_owned());
        match after_type(&self.to_string()) == after_type(line) {
            true => Ok(self),
            false => Err(RecordError::Spelling),
        }
    }

    /// CRC32 of path, type, low and high half of the time, and count.
    fn checksum(&self) -> u32 {
        let [t0, t1, t2, t3, t4, t5, t6, t7] = self.update_time.to_be_bytes();
        let mut crc = crc32fast::Hasher::new();
        crc.update(self.path.as_bytes());
        crc.update(self.kind.name().as_bytes());
        crc.update(&[t4, t5, t6, t7, t0, t1, t2, t3]);
        crc.update(&self.file_count.to_be_bytes());
        crc.finalize()
    }
}

impl fmt::Display for LogRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:[{},{},{}][{}]",
            self.kind.name(),
            self.path,
            self.update_time,
            self.file_count,
            self.checksum()
        )
    }
}

/// `ADD:[`, or as much of it as a torn line has.
fn begins(line: &[u8], may_be_torn: bool) -> bool {
    RecordKind::ALL.iter().any(|kind| {
        let start = format!("{}:[", kind.name());
        let (start, length) = (start.as_bytes(), start.len().min(line.len()));
        let (shown, whole) = (line.get(..length), start.get(..length));
        let is_alike = shown.zip(whole).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b));
        is_alike && (may_be_torn || length == start.len())
    })
}

/// A path of Linux has at most 4,096 bytes; the rest is numbers. A path may be an escaped URI.
const LONGEST: usize = 3 * 4096 + 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_lines_that_begin_as_records_do() {
        for log in [
            "",
            "ADD:[/d/ks/t-1/nb-1-big-,0,0][1]\n",
            "REMOVE:[/d/ks/t-1/nb-1-big-,1,8][1]\nADD:[/d\n",
            "remove:[x]\r\ncommit:[,0,0][2613697770]",
            "ADD:[x]\nCOM",
            "ADD:[x]\nREMO\0\0\0\0",
            "\0\0\0",
        ] {
            assert!(LogRecord::are_begun(log.as_bytes()), "{log:?}");
        }
        let long = format!("ADD:[{}", "x".repeat(LONGEST));
        for other in ["ADD\nADD:[x]", "ADD:[x]\nhidden", "\0\nADD:[x]", "PK\u{3}\u{4}", &long] {
            assert!(!LogRecord::are_begun(other.as_bytes()), "{other:?}");
        }
        assert!(!LogRecord::are_begun(&[0x93, 0x11, 0xFE]));
    }

    #[test]
    fn commit_is_the_database_s_constant() {
        assert_eq!(LogRecord::commit().to_string(), "COMMIT:[,0,0][2613697770]");
    }

    #[test]
    fn records_round_trip_and_any_changed_character_is_noticed() {
        let record = LogRecord::remove("/d/ks/t-1/nb-1-big-".into(), 1_700_000_000_000, 8);
        let line = record.to_string();
        assert_eq!(LogRecord::parse(&line), Ok(record));
        for i in 0..line.len() {
            let mut bytes = line.clone().into_bytes();
            bytes[i] ^= 1;
            if let Ok(changed) = std::str::from_utf8(&bytes) {
                assert!(LogRecord::parse(changed).is_err(), "{changed}");
            }
            assert!(LogRecord::parse(&line[..i]).is_err(), "a torn line");
        }
        assert!(LogRecord::parse("commit:[,0,0][2613697770]").is_ok(), "case does not count");
        for line in [
            "COMMIT:[,+0,0][2613697770]",
            "COMMIT:[,0,00][2613697770]",
            "COMMIT:[,0,0][02613697770]",
        ] {
            assert_eq!(LogRecord::parse(line), Err(RecordError::Spelling), "{line}");
        }
    }
}
