//! Which file is what, by its name (FORMATS.md 10.1, 10.2, 10.4).
//!
//! ```text
//! CommitLog-<version>-<id>.log                    a commit log segment
//! CommitLog-<version>-<id>_cdc.idx                how far a CDC segment may be read
//! <host id>-<milliseconds>-<version>.hints        hints for one host
//! <host id>-<milliseconds>-<version>.crc32        their checksum
//! [...-](Key|Row|Counter)Cache[-<version>.(db|crc|metadata)]
//! ```

use std::fmt;

use uuid::Uuid;

/// A file beside the tables, as its name says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SystemFileName {
    /// A commit log segment.
    CommitLog(SegmentName),
    /// The index that change data capture keeps beside a segment.
    CommitLogIndex(SegmentName),
    /// Hints for a host.
    Hints(HintsName),
    /// The checksum of a hints file.
    HintsChecksum(HintsName),
    /// A part of a cache that the node saved.
    SavedCache,
}

/// The name of a commit log segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentName {
    /// The version of its format.
    pub version: i32,
    /// Its id: segments are replayed in this order.
    pub id: i64,
}

/// The name of a hints file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HintsName {
    /// The host that the hints are for.
    pub host: Uuid,
    /// When it was begun, in milliseconds.
    pub timestamp: i64,
    /// The version of its format.
    pub version: i32,
}

impl SystemFileName {
    /// Takes a file name; `None` for one that no node gives to a file beside the tables.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let segment = |rest| SegmentName::parse(rest);
        if let Some(rest) = name.strip_prefix(SEGMENT) {
            return match (rest.strip_suffix(LOG), rest.strip_suffix(INDEX)) {
                (Some(rest), _) => segment(rest).map(Self::CommitLog),
                (_, Some(rest)) => segment(rest).map(Self::CommitLogIndex),
                _ => None,
            };
        }
        if let Some(rest) = name.strip_suffix(HINTS) {
            return HintsName::parse(rest).map(Self::Hints);
        }
        if let Some(rest) = name.strip_suffix(CHECKSUM)
            && let Some(hints) = HintsName::parse(rest)
        {
            return Some(Self::HintsChecksum(hints));
        }
        is_saved_cache(name).then_some(Self::SavedCache)
    }

    /// Its kind in reports.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::CommitLog(_) => "commitlog",
            Self::CommitLogIndex(_) => "cdc_index",
            Self::Hints(_) => "hints",
            Self::HintsChecksum(_) => "hints_checksum",
            Self::SavedCache => "saved_cache",
        }
    }
}

impl SegmentName {
    fn parse(text: &str) -> Option<Self> {
        let (version, id) = text.split_once('-')?;
        Some(Self { version: digits(version)?, id: digits(id)? })
    }

    /// The name of the index beside it.
    #[must_use]
    pub fn index(&self) -> String {
        format!("{SEGMENT}{}-{}{INDEX}", self.version, self.id)
    }
}

impl HintsName {
    fn parse(text: &str) -> Option<Self> {
        let (host, rest) = text.split_at_checked(UUID_LENGTH)?;
        let (timestamp, version) = rest.strip_prefix('-')?.split_once('-')?;
        Some(Self {
            host: Uuid::try_parse(host).ok()?,
            timestamp: digits(timestamp)?,
            version: digits(version)?,
        })
    }

    /// The name of the file with its checksum.
    #[must_use]
    pub fn checksum(&self) -> String {
        format!("{}-{}-{}{CHECKSUM}", self.host, self.timestamp, self.version)
    }
}

/// The name of the segment's own file.
impl fmt::Display for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SEGMENT}{}-{}{LOG}", self.version, self.id)
    }
}

/// The name of the hints' own file.
impl fmt::Display for HintsName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}{HINTS}", self.host, self.timestamp, self.version)
    }
}

/// A number as the node writes it: digits only.
fn digits<N: std::str::FromStr>(text: &str) -> Option<N> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn is_saved_cache(name: &str) -> bool {
    let name = match name.rsplit_once('.') {
        Some((name, "db" | "crc" | "metadata")) => match name.rsplit_once('-') {
            Some((name, version)) if is_letters(version) => name,
            _ => return false,
        },
        Some(_) => return false,
        None => name,
    };
    CACHES.iter().any(|cache| name.strip_suffix(cache).is_some_and(is_prefix))
}

fn is_letters(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Old releases put keyspace and table before the cache.
fn is_prefix(text: &str) -> bool {
    text.is_empty() || text.ends_with('-')
}

const SEGMENT: &str = "CommitLog-";
const LOG: &str = ".log";
const INDEX: &str = "_cdc.idx";
const HINTS: &str = ".hints";
const CHECKSUM: &str = ".crc32";
const CACHES: [&str; 3] = ["KeyCache", "RowCache", "CounterCache"];

/// Characters of a hyphenated UUID.
const UUID_LENGTH: usize = 36;

#[cfg(test)]
mod tests {
    use super::*;

    const HOST: &str = "2e1c6f4a-6f6c-4f06-9e0e-2a9e4c1c7d11";

    #[test]
    fn the_names_that_nodes_give() {
        let segment = SegmentName { version: 7, id: 1_700_000_000_001 };
        let name = "CommitLog-7-1700000000001";
        assert_eq!(
            SystemFileName::parse(&format!("{name}.log")),
            Some(SystemFileName::CommitLog(segment))
        );
        assert_eq!(
            SystemFileName::parse(&format!("{name}_cdc.idx")),
            Some(SystemFileName::CommitLogIndex(segment))
        );
        assert_eq!(segment.to_string(), format!("{name}.log"));
        assert_eq!(segment.index(), format!("{name}_cdc.idx"));

        let hints =
            HintsName { host: HOST.parse().unwrap(), timestamp: 1_700_000_000_002, version: 3 };
        let name = format!("{HOST}-1700000000002-3");
        let parsed = SystemFileName::parse(&format!("{name}.hints"));
        assert_eq!(parsed, Some(SystemFileName::Hints(hints.clone())));
        let parsed = SystemFileName::parse(&format!("{name}.crc32"));
        assert_eq!(parsed, Some(SystemFileName::HintsChecksum(hints.clone())));
        assert_eq!(hints.to_string(), format!("{name}.hints"));
        assert_eq!(hints.checksum(), format!("{name}.crc32"));

        for cache in [
            "KeyCache-g.db",
            "KeyCache-e.crc",
            "RowCache-f.metadata",
            "CounterCache-e.db",
            "ks-t-KeyCache-b.db",
            "KeyCache",
        ] {
            assert_eq!(SystemFileName::parse(cache), Some(SystemFileName::SavedCache), "{cache}");
        }
    }

    #[test]
    fn no_other_name_is_one() {
        let too_long = format!("CommitLog-7-{}.log", "9".repeat(30));
        for name in [
            "CommitLog-1700000000001.log",
            "CommitLog-7-17.log.tmp",
            "CommitLog-7-17.log.sstablerekey",
            "CommitLog--7-17.log",
            "CommitLog-7--17.log",
            "CommitLog-+7-17.log",
            "commitlog-7-17.log",
            "CommitLog-7-17-CDC.idx",
            too_long.as_str(),
            "2e1c6f4a-6f6c-4f06-9e0e-2a9e4c1c7d1-1-1.hints",
            "2e1c6f4a-6f6c-4f06-9e0e-2a9e4c1c7d11-1.hints",
            "2e1c6f4a-6f6c-4f06-9e0e-2a9e4c1c7d11-1-1-Statistics.hints",
            "zzzzzzzz-6f6c-4f06-9e0e-2a9e4c1c7d11-1-1.hints",
            "nb-1-big-Digest.crc32",
            "KeyCache-g.tmp",
            "KeyCache-7.db",
            "OtherCache-g.db",
            "éééééééééééééééééé-1-1.hints",
            "",
        ] {
            assert_eq!(SystemFileName::parse(name), None, "{name}");
        }
    }
}
