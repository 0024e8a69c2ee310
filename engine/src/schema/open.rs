//! One SSTable of the schema: the plaintext of its Data.db, and its HEADER.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::limits::Limits;
use super::merge::Merge;
use super::rows::{RowError, Rows};
use crate::codec::{
    ChunkDecoder, ChunkOpener, ChunkSource, DecodeScratch, Metadata, encrypted_bodies,
};
use crate::compress::{ChainFraming, CodecContext};
use crate::crypto::CipherKey;
use crate::error::ResultExt as _;
use crate::io::{Access, Source, Storage};
use crate::keys::{HeaderKind, KeyId, KeyProvider, KeyRef, MAX_KEY_ID_LENGTH};
use crate::memory::{WipedBuffer, wipe_stack};
use crate::options::{ChunkScheme, CompressorClass, EncryptorOptions};
use crate::sstable::{BodyKind, ChunkTable, ColumnHeader, Component, RowHeader, Version};
use crate::txn::LiveSSTable;
use crate::{Error, Result};

/// Reads SSTables of the schema.
#[derive(Debug)]
pub(super) struct Opener<'a> {
    pub(super) storage: &'a dyn Storage,
    pub(super) keys: &'a dyn KeyProvider,
}

/// An SSTable without its rows.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    sstable: &'a LiveSSTable,
    pub(super) version: &'static Version,
    chunks: ChunkSource,
    pub(super) header: RowHeader,
}

impl Opener<'_> {
    /// Adds the rows of an SSTable, number `origin`, as far as `limits` lets it.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Corrupt`], [`crate::ErrorKind::Unsupported`],
    /// [`crate::ErrorKind::KeyUnavailable`] and [`crate::ErrorKind::Io`], with the file.
    pub(super) fn add(
        &self,
        sstable: &LiveSSTable,
        origin: usize,
        merge: &mut Merge,
        limits: &mut Limits,
    ) -> Result<()> {
        let opened = self.open(sstable)?;
        let data = opened.plaintext(limits)?;
        let names = |columns: &[ColumnHeader]| -> Vec<Arc<[u8]>> {
            columns.iter().map(|column| column.name.as_slice().into()).collect()
        };
        let (statics, columns) = (names(&opened.header.statics), names(&opened.header.columns));
        let mut start = 0;
        let mut read = || {
            let mut rows = Rows::new(&data, &opened.header, opened.version)?;
            merge.begin(rows.clustering())?;
            while let Some(partition) = rows.next(limits)? {
                merge.add(partition, &statics, &columns, origin)?;
                start = rows.position();
            }
            Ok(())
        };
        let result: Result<(), RowError> = read();
        result.map_err(|error| {
            Error::corrupt(format!(
                "its rows cannot be read: {error} (the partition at byte {start} of the plaintext)"
            ))
            .at(sstable.path(&Component::Data))
            .hint(HINT)
        })
    }

    pub(super) fn open<'s>(&self, sstable: &'s LiveSSTable) -> Result<Opened<'s>> {
        let version = sstable.supported_version()?;
        let data = sstable.path(&Component::Data);
        for component in [Component::Data, Component::Statistics] {
            if !sstable.has(&component) {
                return Err(Error::corrupt("the file is missing")
                    .at(sstable.path(&component))
                    .hint(HINT));
            }
        }
        let statistics = sstable.path(&Component::Statistics);
        let bytes = self.storage.read(&statistics, STATISTICS)?;
        let checksums = version.has_metadata_checksums;
        if !sstable.has(&Component::CompressionInfo) {
            // Data.db alone does not say which form it has (FORMATS.md 3).
            if !sstable.has(&Component::Crc) {
                let what = "it has neither a CompressionInfo.db nor a CRC.db";
                return Err(Error::corrupt(what).at(data).hint(HINT));
            }
            let crc = sstable.path(&Component::Crc);
            let chunks = ChunkSource::uncompressed(&data, Some(&crc), ACCESS)?;
            check_count(chunks.chunk_count()).at(&data)?;
            let metadata = Metadata::parse_clear(&bytes, checksums).at(&statistics)?;
            return Ok(Opened { sstable, version, chunks, header: header(&metadata, statistics)? });
        }
        let info = sstable.path(&Component::CompressionInfo);
        let source = Source::open(&data, ACCESS)?;
        let table = ChunkTable::open(&info, version, ACCESS, source.length())?;
        check_count(table.header().chunk_count).at(&info)?;
        let class = CompressorClass::parse(&table.header().class);
        let scheme = ChunkScheme::from_stored(&class, &table.header().options).at(&info)?;
        let opener = match scheme.encryptor() {
            None => None,
            Some(options) => {
                let mut ids = ids_of_chunks(&table, &source, options, scheme.is_chain())?;
                if version.may_encrypt_metadata {
                    let kind = HeaderKind::from(options.provider());
                    for (_, body) in encrypted_bodies(&bytes, checksums).at(&statistics)? {
                        ids.insert(kind.parse(body).at(&statistics)?.to_key_id());
                    }
                }
                Some(self.opener(options, ids).at(&data)?)
            }
        };
        let metadata = match opener.as_ref().filter(|_| version.may_encrypt_metadata) {
            Some(opener) => Metadata::open(&bytes, checksums, opener).at(&statistics)?,
            None => Metadata::parse_clear(&bytes, checksums).at(&statistics)?,
        };
        let codec = scheme.codec();
        let chunks = ChunkSource::compressed(&data, &info, version, ACCESS, |max| {
            ChunkDecoder::new(codec, opener, max)
        })?;
        Ok(Opened { sstable, version, chunks, header: header(&metadata, statistics)? })
    }

    fn opener(
        &self,
        options: &EncryptorOptions,
        ids: BTreeSet<Option<KeyId>>,
    ) -> Result<ChunkOpener> {
        let transformation = options.transformation();
        let (mut named, mut unnamed) = (BTreeMap::new(), None);
        for id in ids {
            let key = KeyRef::named_by(options, id.clone())
                .ok_or_else(|| Error::corrupt("a chunk names no key, or one too many"))?;
            let secret = self.keys.read_key(&key)?;
            let cipher = CipherKey::new(transformation, secret.expose()).map_err(|error| {
                Error::invalid(error.to_string())
                    .key(&key)
                    .hint("the key's length does not fit the cipher: give the right key")
            })?;
            match id {
                Some(id) => {
                    named.insert(id, Arc::new(cipher));
                }
                None => unnamed = Some(Arc::new(cipher)),
            }
        }
        let header = HeaderKind::from(options.provider());
        Ok(ChunkOpener::new(header, transformation.clone(), named, unnamed))
    }
}

impl Opened<'_> {
    /// The bytes of all rows, which are taken from `limits`.
    pub(super) fn plaintext(&self, limits: &mut Limits) -> Result<Zeroizing<Vec<u8>>> {
        let length = self.chunks.data_length();
        limits.bytes = limits.bytes.checked_sub(length).ok_or_else(|| {
            Error::unsupported(format!(
                "its {length} bytes of rows are more than a table of the schema ever has"
            ))
            .at(self.sstable.path(&Component::Data))
        })?;
        let (mut opened, mut context) = (WipedBuffer::default(), CodecContext::default());
        let mut scratch = DecodeScratch { opened: &mut opened, context: &mut context };
        let (mut plaintext, mut input) = (Zeroizing::new(Vec::new()), Vec::new());
        for chunk in 0..self.chunks.chunk_count() {
            let checked = self.chunks.check(chunk..chunk.saturating_add(1), &mut input)?;
            let start = plaintext.len();
            plaintext.resize(start.saturating_add(checked.plain_length()), 0);
            let out = plaintext.get_mut(start..).unwrap_or_default();
            checked.plaintext(out, &mut scratch)?;
        }
        wipe_stack();
        Ok(plaintext)
    }
}

/// Each chunk is some work, however short it is.
fn check_count(chunks: u64) -> Result<()> {
    match chunks <= MOST_CHUNKS {
        true => Ok(()),
        false => Err(Error::unsupported(format!(
            "its {chunks} chunks are more than a table of the schema ever has"
        ))),
    }
}

/// The ids in the headers of all chunks.
fn ids_of_chunks(
    table: &ChunkTable,
    data: &Source,
    options: &EncryptorOptions,
    is_chain: bool,
) -> Result<BTreeSet<Option<KeyId>>> {
    let kind = HeaderKind::from(options.provider());
    let prefix = if is_chain { ChainFraming::PREFIX_LENGTH } else { 0 };
    let longest = prefix.saturating_add(kind.longest(MAX_KEY_ID_LENGTH));
    let max = usize::try_from(table.header().max_compressed_length).unwrap_or(usize::MAX);
    let (mut slots, mut scratch, mut ids) = (Vec::new(), Vec::new(), BTreeSet::new());
    table.slots(0..table.header().chunk_count, &mut slots)?;
    for (chunk, slot) in (0..).zip(&slots) {
        // In clear (FORMATS.md 2.3).
        if slot.stored >= max {
            continue;
        }
        let start = data.slice(slot.offset, slot.stored.min(longest), &mut scratch)?;
        let header = kind
            .parse(start.get(prefix..).unwrap_or_default())
            .map_err(|error| Error::from(error).at(data.path()).chunk(chunk).offset(slot.offset))?;
        ids.insert(header.to_key_id());
    }
    Ok(ids)
}

fn header(metadata: &Metadata, path: PathBuf) -> Result<RowHeader> {
    let body = metadata.bodies().iter().find(|body| body.kind() == BodyKind::HEADER);
    let damaged = |what: String| Error::corrupt(what).at(path).hint(HINT);
    match body.map(|body| RowHeader::parse(body.plain())) {
        Some(Ok(header)) => Ok(header),
        Some(Err(error)) => Err(damaged(format!("its HEADER cannot be read: {error}"))),
        None => Err(damaged("it has no HEADER".to_owned())),
    }
}

const ACCESS: Access<'static> = Access::Positional;
/// Of a table of the schema it has some kilobytes.
const STATISTICS: u64 = 4 << 20;
/// 64 MiB of the shortest that a table can be given.
const MOST_CHUNKS: u64 = 1 << 16;
const HINT: &str = "restore the SSTable from a backup, or scrub the table on the node";
