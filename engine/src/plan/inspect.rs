//! What an SSTable says of itself: its options, its chunks, the keys that its headers name.
//!
//! No key is needed here, and nothing is decrypted.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::beside::look_beside;
use super::presence::{check_components, is_uncompressed_by_toc};
use super::tally::{KeyUse, tally_chunks};
use crate::compress::Codec;
use crate::io::{Access, FileStat, NodeLease, Source, Storage};
use crate::options::{ChunkScheme, CompressorClass, EncryptorOptions, OptionMap};
use crate::sstable::{
    ChunkTable, Component, CompressionHeader, PAGE, Support, Version, is_encrypted_page,
};
use crate::txn::LiveSSTable;
use crate::{Error, ErrorKind, Result};

/// How the Data.db of an SSTable is stored.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Shape {
    /// Not compressed: there is no CompressionInfo.db.
    Uncompressed,
    /// In chunks that are compressed, encrypted, or both.
    Chunked {
        /// Simple class name.
        class: String,
        /// What the class and its options do.
        scheme: Arc<ChunkScheme>,
    },
    /// By another class, which may encrypt; this release does not read it.
    Foreign {
        /// Class name.
        class: String,
        /// Why not.
        why: Error,
    },
}

impl Shape {
    /// How its chunks are encrypted.
    #[must_use]
    pub fn encryptor(&self) -> Option<&EncryptorOptions> {
        match self {
            Self::Chunked { scheme, .. } => scheme.encryptor(),
            Self::Uncompressed | Self::Foreign { .. } => None,
        }
    }

    /// How they are compressed.
    #[must_use]
    pub fn codec(&self) -> Option<Codec> {
        match self {
            Self::Chunked { scheme, .. } => scheme.codec(),
            Self::Uncompressed | Self::Foreign { .. } => None,
        }
    }

    /// Whether its chunks are encrypted, or may be as far as this release can see.
    #[must_use]
    pub fn may_be_encrypted(&self) -> bool {
        match self {
            Self::Foreign { class, .. } => CompressorClass::parse(class).may_encrypt(),
            Self::Uncompressed | Self::Chunked { .. } => self.is_encrypted(),
        }
    }

    /// Whether its chunks are encrypted in a way that this release reads.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encryptor().is_some()
    }
}

/// What is known of one SSTable without any key.
#[derive(Debug)]
pub struct Facts {
    /// Where it is and what it is made of.
    pub sstable: Arc<LiveSSTable>,
    /// The row of the version table.
    pub version: &'static Version,
    /// How it is stored.
    pub shape: Shape,
    /// The head of CompressionInfo.db, if there is one.
    pub header: Option<CompressionHeader>,
    /// Length of Data.db.
    pub data_bytes: u64,
    /// Length of all its files.
    pub total_bytes: u64,
    /// All its files, as they were looked at.
    pub files: Vec<(Component, FileStat)>,
    /// What is encrypted beside Data.db, under the same options.
    pub encrypted_components: Vec<Component>,
    /// The keys in use, most used first; those of [`Self::encrypted_components`], too.
    pub keys: Vec<KeyUse>,
    /// Chunks stored in clear because of `min_compress_ratio` (FORMATS.md 2.3).
    pub clear_chunks: u64,
    /// Things worth a warning.
    pub warnings: Vec<Error>,
}

/// How files are opened of which a few bytes are read here and there. From a file that is cached, a
/// read costs a third of mapping the page that they are on; from one that is not, it reads that page,
/// and a fault the 128 KiB around it.
pub(super) const GLANCE: Access<'static> = Access::Positional;

/// Reads SSTables for a plan, a census or a verification.
#[derive(Debug, Clone, Copy)]
pub struct Inspector<'a> {
    storage: &'a dyn Storage,
    lease: &'a NodeLease,
    mapped: bool,
}

impl<'a> Inspector<'a> {
    /// Looks through `storage`; `mapped` chooses between maps and positional reads.
    #[must_use]
    pub const fn new(storage: &'a dyn Storage, lease: &'a NodeLease, mapped: bool) -> Self {
        Self { storage, lease, mapped }
    }

    /// The lease under which it looks.
    #[must_use]
    pub const fn lease(&self) -> &'a NodeLease {
        self.lease
    }

    /// How files are opened that are read whole.
    #[must_use]
    pub const fn access(&self) -> Access<'a> {
        if self.mapped { Access::Mapped(self.lease) } else { Access::Positional }
    }

    /// Looks at one SSTable.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`] for a damaged or incomplete one,
    /// [`crate::ErrorKind::Unsupported`] for what this release does not handle, and
    /// [`crate::ErrorKind::Io`].
    pub fn inspect(&self, sstable: Arc<LiveSSTable>) -> Result<Facts> {
        let data = sstable.path(&Component::Data);
        let version = supported_version(&sstable)?;
        let mut warnings = Vec::new();
        check_components(self.storage, &sstable, &mut warnings)?;
        let files = self.stat_files(&sstable)?;
        let length = |of: &Component| {
            files.iter().find(|(component, _)| component == of).map_or(0, |(_, stat)| stat.length)
        };
        let data_bytes = length(&Component::Data);
        if data_bytes == 0 {
            return Err(Error::corrupt("it is empty").at(data).hint(
                "restore it from a backup before the node starts, which deletes such files",
            ));
        }
        let mut facts = Facts {
            version,
            shape: Shape::Uncompressed,
            header: None,
            data_bytes,
            total_bytes: files.iter().map(|(_, stat)| stat.length).sum(),
            files,
            encrypted_components: vec![],
            keys: vec![],
            clear_chunks: 0,
            warnings,
            sstable,
        };
        if facts.sstable.has(&Component::CompressionInfo) {
            self.read_chunks(&mut facts)?;
        } else if !facts.sstable.has(&Component::Crc) {
            let is_paged = self.starts_with_encrypted_page(&facts.data_path())?;
            if is_paged || !is_uncompressed_by_toc(self.storage, &facts.sstable)? {
                return Err(without_chunk_table(&facts, is_paged));
            }
            facts.warnings.push(
                Error::corrupt(
                    "the file is missing, so only Digest.crc32 protects the rows, if it is there",
                )
                .at(facts.sstable.path(&Component::Crc)),
            );
        }
        Ok(facts)
    }

    fn starts_with_encrypted_page(&self, path: &Path) -> Result<bool> {
        let file = Source::open(path, GLANCE)?;
        let mut scratch = Vec::new();
        let page = PAGE.min(usize::try_from(file.length()).unwrap_or(PAGE));
        Ok(is_encrypted_page(file.slice(0, page, &mut scratch)?))
    }

    fn stat_files(&self, sstable: &LiveSSTable) -> Result<Vec<(Component, FileStat)>> {
        let mut files = Vec::with_capacity(sstable.components.len());
        for component in &sstable.components {
            let path = sstable.path(component);
            let stat = self.storage.stat(&path)?.ok_or_else(|| {
                Error::new(ErrorKind::Busy, "the file has just gone")
                    .at(path)
                    .hint("find out what works on the data directory, stop it, then run again")
            })?;
            files.push((component.clone(), stat));
        }
        Ok(files)
    }

    fn read_chunks(&self, facts: &mut Facts) -> Result<()> {
        let info = facts.sstable.path(&Component::CompressionInfo);
        let table = ChunkTable::open(&info, facts.version, GLANCE, facts.data_bytes)?;
        facts.header = Some(table.header().clone());
        let class = CompressorClass::parse(&table.header().class);
        let scheme = match stored_scheme(&class, &table.header().options) {
            Ok(scheme) => scheme,
            Err(why) if class == CompressorClass::Encryptor => return Err(why.at(&info)),
            Err(why) if why.kind() == ErrorKind::Unsupported => {
                facts.shape = Shape::Foreign { class: class.to_string(), why: why.at(&info) };
                return Ok(());
            }
            Err(why) => return Err(why.at(&info)),
        };
        if let Some(options) = scheme.encryptor() {
            let beside =
                look_beside(self.storage, self.access(), &facts.sstable, facts.version, options)?;
            let data = Source::open(&facts.sstable.path(&Component::Data), GLANCE)?;
            let mut tally = tally_chunks(&table, &data, options, scheme.is_chain())?;
            tally.add_beside(beside.pieces);
            facts.encrypted_components = beside.components;
            facts.warnings.extend(index_left_out(&facts.sstable));
            facts.clear_chunks = tally.clear;
            facts.keys = tally.into_uses(options);
        }
        let class = class.simple_name().to_owned();
        facts.shape = Shape::Chunked { class, scheme: Arc::new(scheme) };
        Ok(())
    }
}

/// Why an SSTable has neither CompressionInfo.db nor CRC.db: a page-format Data.db, as some builds of
/// Converged Core write it (FORMATS.md 3.5), or a lost component.
fn without_chunk_table(facts: &Facts, is_paged: bool) -> Error {
    if is_paged {
        Error::unsupported(
            "it is in the page format that some builds of Converged Core write instead of chunks; \
             this release does not handle it",
        )
        .at(facts.data_path())
        .hint("use a node-side upgrade for this table")
    } else {
        Error::corrupt("it has neither a CompressionInfo.db nor a CRC.db")
            .at(facts.data_path())
            .hint("restore the missing component from a backup or a snapshot")
    }
}

/// What becomes of an index that may be under the key of Data.db.
fn index_left_out(sstable: &LiveSSTable) -> Option<Error> {
    let component = sstable.components.iter().find(|component| component.is_dse_index())?;
    Some(
        Error::unsupported(
            "it is of an index that may be encrypted, too, and is left out of the new SSTable",
        )
        .at(sstable.path(component))
        .hint("the node builds the index of this SSTable again when it starts"),
    )
}

/// The options as an SSTable has them. Nobody can correct them, so what is a mistake in an argument
/// is something else here: newer than this program, a default of the product, or damage.
fn stored_scheme(class: &CompressorClass, stored: &OptionMap) -> Result<ChunkScheme> {
    let mut options = stored.clone();
    // A compression option until 3.0, dropped by readers since (FORMATS.md 3.2).
    options.remove("crc_check_chance");
    ChunkScheme::from_options(class, &options).map_err(|error| match error.kind() {
        ErrorKind::Invalid => {
            Error::unsupported("its options are not handled by this release").caused_by(error).hint(
                "use a node-side upgrade for this table; if the node cannot open this SSTable \
                 either, it is damaged: restore it from a backup",
            )
        }
        _ => error,
    })
}

fn supported_version(sstable: &LiveSSTable) -> Result<&'static Version> {
    let path = || sstable.path(&Component::Data);
    let version = sstable.descriptor.version().ok_or_else(|| {
        Error::unsupported(format!(
            "SSTable version '{}' of format {} is not known",
            sstable.descriptor.version,
            sstable.descriptor.format.name()
        ))
        .at(path())
        .hint("use a node-side upgrade for this table")
    })?;
    match version.support {
        Support::Yes => Ok(version),
        Support::No(why) => Err(Error::unsupported(format!("SSTable version {version}: {why}"))
            .at(path())
            .hint("use a node-side upgrade for this table")),
    }
}

impl Facts {
    /// Length of the plaintext.
    #[must_use]
    pub fn plain_bytes(&self) -> u64 {
        self.header.as_ref().map_or(self.data_bytes, |header| header.data_length)
    }

    /// The path of Data.db.
    #[must_use]
    pub fn data_path(&self) -> PathBuf {
        self.sstable.path(&Component::Data)
    }
}
