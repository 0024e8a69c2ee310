//! An open segment or hints file with its header.

use std::path::Path;

use super::commit_log::SegmentHeader;
use super::hints::HintsDescriptor;
use super::name::SystemFileName;
use super::protection::{KeystoreCipher, Protection};
use crate::error::{Error, Result, ResultExt as _};
use crate::io::{Access, Source};
use crate::options::OptionMap;

/// A segment or a hints file.
#[derive(Debug)]
pub(crate) struct OpenFile {
    pub(crate) source: Source,
    pub(crate) head: Head,
}

/// What such a file says of itself.
#[derive(Debug, Clone)]
pub(crate) enum Head {
    Segment(SegmentHeader),
    Hints(HintsDescriptor),
    /// Nothing was ever written: the node died when it had made the file.
    Blank,
}

impl OpenFile {
    /// Opens it, and compares its header with its name: a node takes both to be the same.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt),
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub(crate) fn open(path: &Path, name: &SystemFileName, access: Access<'_>) -> Result<Self> {
        let source = Source::open(path, access)?;
        let head = Head::read(&source, name).at(path)?;
        Ok(Self { source, head })
    }
}

impl Head {
    fn read(source: &Source, name: &SystemFileName) -> Result<Self> {
        let longest = SegmentHeader::MAX_LENGTH.max(HintsDescriptor::MAX_LENGTH);
        let length = usize::try_from(source.length()).unwrap_or(usize::MAX).min(longest);
        let mut scratch = Vec::new();
        let start = source.slice(0, length, &mut scratch)?;
        if start.iter().all(|byte| *byte == 0) && is_blank(source, 0)? {
            return Ok(Self::Blank);
        }
        match name {
            SystemFileName::CommitLog(name) => {
                let header = SegmentHeader::decode(start)?;
                if header.name() == *name { Ok(Self::Segment(header)) } else { Err(other_name()) }
            }
            SystemFileName::Hints(name) => {
                let descriptor = HintsDescriptor::decode(start)?;
                let is_same = descriptor.name() == name;
                if is_same { Ok(Self::Hints(descriptor)) } else { Err(other_name()) }
            }
            _ => Ok(Self::Blank),
        }
    }

    pub(crate) const fn protection(&self) -> &Protection {
        match self {
            Self::Segment(header) => header.protection(),
            Self::Hints(descriptor) => descriptor.protection(),
            Self::Blank => &Protection::Clear,
        }
    }

    /// Whether the form of mutations and hints is known: in releases of Apache it is, and other products
    /// have other numbers.
    pub(crate) const fn has_entries(&self) -> bool {
        match self {
            Self::Segment(header) => header.name().version <= LAST_OF_APACHE_S_LOGS,
            Self::Hints(descriptor) => descriptor.name().version <= LAST_OF_APACHE_S_HINTS,
            Self::Blank => false,
        }
    }

    /// Bytes before the first section or block.
    pub(crate) const fn length(&self) -> usize {
        match self {
            Self::Segment(header) => header.length(),
            Self::Hints(descriptor) => descriptor.length(),
            Self::Blank => 0,
        }
    }

    /// The header of the same file with other options of its class.
    ///
    /// # Errors
    /// As [`SegmentHeader::with_options`] and [`HintsDescriptor::with_options`].
    pub(crate) fn with_options(&self, options: &OptionMap) -> Result<Self> {
        match self {
            Self::Segment(header) => header.with_options(options).map(Self::Segment),
            Self::Hints(descriptor) => descriptor.with_options(options).map(Self::Hints),
            Self::Blank => Ok(Self::Blank),
        }
    }

    /// The header of the same file with another key, cipher and IV of Apache's encryption.
    ///
    /// # Errors
    /// As [`SegmentHeader::with_keystore`] and [`HintsDescriptor::with_keystore`].
    pub(crate) fn with_keystore(&self, new: &KeystoreCipher) -> Result<Self> {
        match self {
            Self::Segment(header) => header.with_keystore(new).map(Self::Segment),
            Self::Hints(descriptor) => descriptor.with_keystore(new).map(Self::Hints),
            Self::Blank => Ok(Self::Blank),
        }
    }

    /// The bytes of the header.
    pub(crate) fn encode(&self) -> Vec<u8> {
        match self {
            Self::Segment(header) => header.encode(),
            Self::Hints(descriptor) => descriptor.encode(),
            Self::Blank => Vec::new(),
        }
    }
}

/// Whether a file has only zeros from a place on.
pub(super) fn is_blank(source: &Source, mut at: u64) -> Result<bool> {
    let mut scratch = Vec::new();
    while at < source.length() {
        let piece = source.length().saturating_sub(at).min(PIECE);
        let bytes = source.slice(at, usize::try_from(piece).unwrap_or_default(), &mut scratch)?;
        if bytes.iter().any(|byte| *byte != 0) {
            return Ok(false);
        }
        at = at.saturating_add(piece);
    }
    Ok(true)
}

fn other_name() -> Error {
    Error::corrupt("its header names another file than it is")
        .hint("give the file back the name that it had; a node refuses it as it is")
}

/// Versions of Cassandra 5.0 (FORMATS.md 10.1, 10.2).
const LAST_OF_APACHE_S_LOGS: i32 = 8;
const LAST_OF_APACHE_S_HINTS: i32 = 3;

/// Bytes that are searched at once.
const PIECE: u64 = 1 << 20;
