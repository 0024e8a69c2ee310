//! What can be told of a file without any key.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::blocks::Block;
use super::file::{Head, OpenFile, is_blank};
use super::name::SystemFileName;
use super::protection::Protection;
use super::torn::Torn;
use super::walk::{Next, Walk};
use crate::codec::ChunkError;
use crate::compress::{ChainFraming, CodecError};
use crate::error::{Error, Result, ResultExt as _};
use crate::io::{Access, Source, Storage};
use crate::keys::{HeaderKind, KeyRef, MAX_KEY_ID_LENGTH};
use crate::options::{EncryptorOptions, ProviderOptions};

/// A file beside the tables, as far as it can be told without a key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SystemFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it is.
    pub name: SystemFileName,
    /// Its length in bytes.
    pub bytes: u64,
    /// When it was last changed.
    pub modified: SystemTime,
    /// How its content is stored.
    pub protection: Protection,
    /// The keys that its chunks and blocks name.
    pub keys: BTreeMap<KeyRef, UnitUse>,
    /// What is left of a write that the node did not finish.
    pub torn: Option<Torn>,
    /// Whether nothing was ever written after its header.
    pub is_empty: bool,
    /// Its header.
    pub(crate) head: Option<Head>,
    /// What is wrong with it, with the place. The keys are then those named before it.
    pub damage: Option<Error>,
    /// Whether it may be encrypted and has something after its header, and none of that can be told.
    pub is_unread: bool,
}

impl SystemFile {
    /// The key that its header names by itself: that of a key store or a key file. The ids of a server's
    /// keys are in chunks and blocks only.
    #[must_use]
    pub fn header_key(&self) -> Option<KeyRef> {
        if let Protection::Keystore(cipher) = &self.protection {
            return Some(cipher.key());
        }
        let scheme = self.protection.scheme().ok().flatten()?;
        let options = scheme.encryptor()?;
        let is_local = matches!(options.provider(), ProviderOptions::Local { .. });
        KeyRef::named_by(options, None).filter(|_| is_local)
    }
}

/// How much of a file is under a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnitUse {
    /// Chunks or blocks.
    pub units: u64,
    /// Their stored bytes.
    pub bytes: u64,
}

/// Looks at every section and block of a file: its place, its length, the CRC of its marker, and the
/// key that it names. Files without a header ([`Protection::Untold`], indices, checksums) are not
/// opened.
///
/// A file that is damaged after its header has [`SystemFile::damage`].
///
/// # Errors
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) when its header is not one,
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) when this release does not know what
/// the class in it does, and [`ErrorKind::Io`](crate::ErrorKind::Io).
pub fn inspect(
    path: &Path,
    name: SystemFileName,
    access: Access<'_>,
    storage: &dyn Storage,
) -> Result<SystemFile> {
    let stat = storage.stat(path)?.ok_or_else(|| missing(path))?;
    let mut found = SystemFile {
        path: path.to_owned(),
        bytes: stat.length,
        modified: stat.modified,
        protection: Protection::Clear,
        keys: BTreeMap::new(),
        torn: None,
        is_empty: true,
        head: None,
        damage: None,
        is_unread: false,
        name,
    };
    match &found.name {
        SystemFileName::SavedCache => found.protection = Protection::Untold,
        SystemFileName::CommitLogIndex(_) | SystemFileName::HintsChecksum(_) => {}
        SystemFileName::CommitLog(_) | SystemFileName::Hints(_) => {
            let file = OpenFile::open(path, &found.name, access)?;
            found.protection = file.head.protection().clone();
            found.head = Some(file.head.clone());
            let namer = Namer::new(&found.protection).at(path)?;
            match walk(&file, &namer, &mut found) {
                Ok(torn) => {
                    found.torn = torn;
                    found.is_unread = match torn {
                        Some(torn) if found.keys.is_empty() && found.protection.may_encrypt() => {
                            !is_blank(&file.source, torn.offset)?
                        }
                        _ => false,
                    };
                }
                Err(error) if error.kind() == crate::ErrorKind::Corrupt => {
                    found.damage = Some(error.at(path));
                }
                Err(error) => return Err(error.at(path)),
            }
        }
    }
    Ok(found)
}

fn missing(path: &Path) -> Error {
    Error::new(crate::ErrorKind::Busy, "the file is gone since its directory was read")
        .at(path)
        .hint("find out what works there, stop it, and run again")
}

fn walk(file: &OpenFile, namer: &Namer, found: &mut SystemFile) -> Result<Option<Torn>> {
    let (mut walk, mut scratch) = (Walk::new(file), Vec::new());
    let header = u64::try_from(file.head.length()).unwrap_or(u64::MAX);
    // Hints in clear are not walked over.
    found.is_empty = matches!(file.head, Head::Blank)
        || file.source.length() <= header
        || matches!(file.head, Head::Segment(_));
    loop {
        let mut part = match walk.next()? {
            Next::End(torn) => return Ok(torn),
            Next::Part(part) => part,
        };
        found.is_empty = false;
        while let Some(unit) = part.units.next()? {
            let key = namer.key(&file.source, &unit, &mut scratch);
            let Some(key) = key.map_err(|error| error.offset(unit.start))? else { continue };
            let entry = found.keys.entry(key).or_default();
            entry.units = entry.units.saturating_add(1);
            let bytes = u64::try_from(unit.length).unwrap_or(u64::MAX);
            entry.bytes = entry.bytes.saturating_add(bytes);
        }
    }
}

/// Says which key a chunk or a block names.
enum Namer {
    /// None: it is in clear.
    None,
    /// The same in the whole file.
    Same(KeyRef),
    /// The one in its header, after the length before a chain.
    Header { options: EncryptorOptions, prefix: usize },
}

impl Namer {
    fn new(protection: &Protection) -> Result<Self> {
        if let Protection::Keystore(cipher) = protection {
            return Ok(Self::Same(cipher.key()));
        }
        let Some(scheme) = protection.scheme()? else { return Ok(Self::None) };
        let prefix = if scheme.is_chain() { ChainFraming::PREFIX_LENGTH } else { 0 };
        Ok(match scheme.encryptor() {
            None => Self::None,
            Some(options) => Self::Header { options: options.clone(), prefix },
        })
    }

    fn key(&self, source: &Source, unit: &Block, scratch: &mut Vec<u8>) -> Result<Option<KeyRef>> {
        let (options, prefix) = match self {
            Self::None => return Ok(None),
            Self::Same(key) => return Ok(Some(key.clone())),
            Self::Header { options, prefix } => (options, *prefix),
        };
        let kind = HeaderKind::from(options.provider());
        let longest = prefix.saturating_add(kind.longest(MAX_KEY_ID_LENGTH));
        let start = source.slice(unit.content, unit.length.min(longest), scratch)?;
        let sealed = match (prefix, start.first_chunk()) {
            (0, _) => unit.plain,
            (_, Some(length)) => usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX),
            (_, None) => return Err(CodecError::ChainTruncated(unit.length).into()),
        };
        let header = kind.parse(start.get(prefix..).unwrap_or_default())?;
        let expected = prefix
            .saturating_add(header.length())
            .saturating_add(options.iv_length())
            .saturating_add(options.transformation().ciphertext_length(sealed));
        if unit.length != expected {
            let stored = unit.length;
            return Err(ChunkError::Length { stored, expected, plain: sealed }.into());
        }
        Ok(KeyRef::named_by(options, header.to_key_id()))
    }
}
