//! A look into the first chunk of an SSTable.

use zeroize::Zeroizing;

use super::beside::page_geometry;
use super::facts::{Facts, Shape};
use super::index::EncryptedIndex;
use super::inspect::GLANCE;
use super::keys::opener;
use crate::codec::{ChunkDecoder, DecodeScratch, Opened, PageOpener, crc_mismatch};
use crate::compress::CodecContext;
use crate::io::Source;
use crate::keys::KeyRing;
use crate::memory::WipedBuffer;
use crate::sstable::{CHUNK_CRC_LENGTH, ChunkTable, Component, Format};
use crate::{Error, Result};

/// What the first chunk showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Probed {
    /// It is under the key that its header or the options name, or in clear.
    AsNamed,
    /// It is under another key of the group than its header names (KMIP.md 3.4).
    UnderAnotherKey,
}

/// What a worker keeps from one SSTable to the next: fresh memory, and wiping it, would cost more than
/// everything else.
#[derive(Debug, Default)]
pub(super) struct ProbeBuffers {
    opened: WipedBuffer,
    context: CodecContext,
}

/// Checks the CRC of the first chunk, which tells damage from a wrong key, decrypts it with the
/// keys of the ring, and compares the partition key at its
/// start with the first one in the index, which is in clear or under the same keys.
///
/// The length of a single short chunk is protected by its padding alone, and a wrong key gives a
/// plausible one for one small SSTable in a few thousand: what such a key decrypts must not be
/// taken for data.
///
/// What is in clear has no key that could be wrong. But encrypted with an index that is not its own it
/// would look from then on as if the key were.
///
/// # Errors
/// Whatever would fail for the whole SSTable later: a wrong key, a damaged chunk.
pub(super) fn probe(
    facts: &Facts,
    ring: &KeyRing,
    longest_id: usize,
    buffers: &mut ProbeBuffers,
) -> Result<Probed> {
    let data = Source::open(&facts.data_path(), GLANCE)?;
    let mut plain = Zeroizing::new(Vec::new());
    let probed = match facts.shape {
        // Its checksums are of whole pieces, and compared when it is read.
        Shape::Uncompressed => Probed::AsNamed,
        Shape::Chunked { .. } | Shape::Foreign { .. } => {
            first_chunk(facts, ring, &data, &mut plain, buffers)?
        }
    };
    let key = match facts.encrypted_components.contains(&Component::Partitions) {
        true => encrypted_first_key(facts, ring, longest_id)?,
        false => Zeroizing::new(first_key(facts)?),
    };
    if let Shape::Uncompressed = facts.shape {
        let shown = usize::try_from(data.length()).unwrap_or(usize::MAX).min(key.len());
        plain.extend_from_slice(data.slice(0, shown, &mut Vec::new())?);
    }
    // A chunk may end inside a long key.
    let shown = key.len().min(plain.len());
    if plain.get(..shown) == key.get(..shown) {
        return Ok(probed);
    }
    let hint = match facts.shape.is_encrypted() {
        true => {
            "compare the encryption key with the one that the node used; if it is right, scrub \
             the SSTable on the node or restore it from a backup"
        }
        false => "scrub the SSTable on the node, or restore it from a backup",
    };
    let error =
        Error::corrupt("it does not start with the partition key that the index starts with");
    Err(error.hint(hint).at(data.path()).chunk(0).offset(0))
}

/// Puts the plaintext of the first chunk into `plain`.
fn first_chunk(
    facts: &Facts,
    ring: &KeyRing,
    data: &Source,
    plain: &mut Zeroizing<Vec<u8>>,
    buffers: &mut ProbeBuffers,
) -> Result<Probed> {
    let opener = facts.shape.is_encrypted().then(|| opener(facts, ring)).transpose()?;
    let info = facts.sstable.path(&Component::CompressionInfo);
    let table = ChunkTable::open(&info, facts.version, GLANCE, facts.data_bytes)?;
    let max = table.header().max_compressed_length;
    let decoder = ChunkDecoder::new(facts.shape.codec(), opener, max);
    let mut slots = Vec::new();
    table.slots(0..1, &mut slots)?;
    let Some(slot) = slots.first() else { return Ok(Probed::AsNamed) };
    let mut scratch = Vec::new();
    let record = slot.stored.saturating_add(CHUNK_CRC_LENGTH);
    let record = data.slice(slot.offset, record, &mut scratch)?;
    let Some((stored, crc)) = record.split_last_chunk::<CHUNK_CRC_LENGTH>() else {
        return Ok(Probed::AsNamed);
    };
    let place = |error: Error| error.at(data.path()).chunk(0).offset(slot.offset);
    if crc32fast::hash(stored) != u32::from_be_bytes(*crc) {
        return Err(place(crc_mismatch()));
    }
    **plain = vec![0; slot.plain];
    let mut scratch = DecodeScratch { opened: &mut buffers.opened, context: &mut buffers.context };
    Ok(match decoder.plaintext(stored, plain, &mut scratch).map_err(place)? {
        Opened::AsNamed => Probed::AsNamed,
        Opened::Under(_) => Probed::UnderAnotherKey,
    })
}

/// The same from an encrypted index. `longest_id` is the site's limit for key ids.
fn encrypted_first_key(
    facts: &Facts,
    ring: &KeyRing,
    longest_id: usize,
) -> Result<Zeroizing<Vec<u8>>> {
    let Some(options) = facts.shape.encryptor() else { return Ok(Zeroizing::default()) };
    let opener = PageOpener::new(opener(facts, ring)?, page_geometry(options, longest_id));
    let path = facts.sstable.path(&Component::Partitions);
    EncryptedIndex::new(&Source::open(&path, GLANCE)?, &opener).first_key()
}

/// The first partition key with its two-byte length, as both the index and Data.db have it.
fn first_key(facts: &Facts) -> Result<Vec<u8>> {
    let format = facts.sstable.descriptor.format;
    let component = match format {
        Format::Big => Component::Index,
        Format::Bti => Component::Partitions,
    };
    let index = Source::open(&facts.sstable.path(&component), GLANCE)?;
    let mut scratch = Vec::new();
    let at = match format {
        Format::Big => 0,
        // The last 24 bytes: position of the first key, number of keys, root of the trie
        // (FORMATS.md 7.3).
        Format::Bti => {
            let footer = index.length().saturating_sub(24);
            let position = index.slice(footer, 8, &mut scratch)?;
            position.first_chunk().map_or(u64::MAX, |raw| u64::from_be_bytes(*raw))
        }
    };
    let damaged = |error: Error| {
        error.hint("restore the index from a backup, or scrub the SSTable on the node")
    };
    let length = index.slice(at, 2, &mut scratch).map_err(damaged)?;
    let length = length.first_chunk().map_or(0, |raw| usize::from(u16::from_be_bytes(*raw)));
    let key = index.slice(at, length.saturating_add(2), &mut scratch).map_err(damaged)?;
    Ok(key.to_vec())
}
