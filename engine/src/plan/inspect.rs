//! What an SSTable says of itself: its options, its chunks, the keys that its headers name.
//!
//! No key is needed here, and nothing is decrypted.

use std::path::Path;
use std::sync::Arc;

use super::beside::look_beside;
use super::beside_fate::nodes_encrypt_index;
use super::facts::{Facts, Shape};
use super::presence::{check_components, is_uncompressed_by_toc};
use super::tally::{KeyUse, tally_chunks};
use crate::io::{Access, FileStat, NodeLease, Source, Storage};
use crate::options::{ChunkScheme, CompressorClass, OptionMap};
use crate::sstable::{ChunkTable, Component, CompressionHeader, PAGE, Version, is_encrypted_page};
use crate::txn::{Flavor, LiveSSTable};
use crate::{Error, ErrorKind, Result};

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
    flavor: Option<Flavor>,
    longest_id: Option<usize>,
}

impl<'a> Inspector<'a> {
    /// Looks through `storage`; `mapped` chooses between maps and positional reads.
    #[must_use]
    pub const fn new(storage: &'a dyn Storage, lease: &'a NodeLease, mapped: bool) -> Self {
        Self { storage, lease, mapped, flavor: None, longest_id: None }
    }

    /// For nodes of a product, if it is known: only they tell what else is to be encrypted beside a
    /// Data.db that is not encrypted yet.
    #[must_use]
    pub const fn for_nodes_of(self, flavor: Option<Flavor>) -> Self {
        Self { flavor, ..self }
    }

    /// For indices that were written under a limit for key ids that is not that of the target.
    #[must_use]
    pub const fn with_key_ids_up_to(self, longest_id: Option<usize>) -> Self {
        Self { longest_id, ..self }
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
        let version = sstable.supported_version()?;
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
        let stored = if sstable.has(&Component::CompressionInfo) {
            self.read_chunks(&sstable, version, data_bytes)?
        } else {
            if !sstable.has(&Component::Crc) {
                let is_paged = self.starts_with_encrypted_page(&data)?;
                if is_paged || !is_uncompressed_by_toc(self.storage, &sstable)? {
                    return Err(without_chunk_table(&data, is_paged));
                }
                warnings.push(without_crc(&sstable));
            }
            Stored::in_clear(Shape::Uncompressed, None)
        };
        let Stored { shape, header, encrypted_components, keys, clear_chunks } = stored;
        if shape.is_encrypted() {
            warnings.extend(index_left_out(&sstable));
        }
        Ok(Facts {
            version,
            shape,
            header,
            data_bytes,
            total_bytes: files.iter().map(|(_, stat)| stat.length).sum(),
            files,
            encrypted_components,
            nodes_encrypt_index: nodes_encrypt_index(version, self.flavor),
            longest_id: self.longest_id,
            keys,
            clear_chunks,
            warnings,
            sstable,
        })
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

    fn read_chunks(
        &self,
        sstable: &LiveSSTable,
        version: &Version,
        data_bytes: u64,
    ) -> Result<Stored> {
        let info = sstable.path(&Component::CompressionInfo);
        let table = ChunkTable::open(&info, version, GLANCE, data_bytes)?;
        let header = table.header().clone();
        let class = CompressorClass::parse(&header.class);
        let scheme = match stored_scheme(&class, &header.options) {
            Ok(scheme) => scheme,
            Err(why) if class == CompressorClass::Encryptor => return Err(why.at(&info)),
            Err(why) if why.kind() == ErrorKind::Unsupported => {
                let shape = Shape::Foreign { class: class.to_string(), why: why.at(&info) };
                return Ok(Stored::in_clear(shape, Some(header)));
            }
            Err(why) => return Err(why.at(&info)),
        };
        let class = class.simple_name().to_owned();
        let Some(options) = scheme.encryptor() else {
            let shape = Shape::Chunked { class, scheme: Arc::new(scheme) };
            return Ok(Stored::in_clear(shape, Some(header)));
        };
        let beside = look_beside(self.storage, self.access(), sstable, version, options)?;
        let data = Source::open(&sstable.path(&Component::Data), GLANCE)?;
        let mut tally = tally_chunks(&table, &data, options, scheme.is_chain())?;
        tally.add_beside(beside.pieces);
        Ok(Stored {
            header: Some(header),
            encrypted_components: beside.components,
            clear_chunks: tally.clear,
            keys: tally.into_uses(options),
            shape: Shape::Chunked { class, scheme: Arc::new(scheme) },
        })
    }
}

/// How an SSTable is stored: a part of its [`Facts`].
#[derive(Debug)]
struct Stored {
    shape: Shape,
    header: Option<CompressionHeader>,
    encrypted_components: Vec<Component>,
    keys: Vec<KeyUse>,
    clear_chunks: u64,
}

impl Stored {
    /// Without a key that this release knows of.
    fn in_clear(shape: Shape, header: Option<CompressionHeader>) -> Self {
        let (encrypted_components, keys) = (vec![], vec![]);
        Self { shape, header, encrypted_components, keys, clear_chunks: 0 }
    }
}

fn without_crc(sstable: &LiveSSTable) -> Error {
    Error::corrupt("the file is missing, so only Digest.crc32 protects the rows, if it is there")
        .at(sstable.path(&Component::Crc))
}

/// Why an SSTable has neither CompressionInfo.db nor CRC.db: a page-format Data.db, as some builds of
/// Converged Core write it (FORMATS.md 3.5), or a lost component.
fn without_chunk_table(data: &Path, is_paged: bool) -> Error {
    if is_paged {
        Error::unsupported(
            "it is in the page format that some builds of Converged Core write instead of chunks; \
             this release does not handle it",
        )
        .at(data)
        .hint("use a node-side upgrade for this table")
    } else {
        Error::corrupt("it has neither a CompressionInfo.db nor a CRC.db")
            .at(data)
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
    ChunkScheme::from_stored(class, stored).map_err(|error| match error.hint_text() {
        Some(_) => error,
        None => error.hint(
            "use a node-side upgrade for this table; if the node cannot open this SSTable either, it is \
             damaged: restore it from a backup",
        ),
    })
}
