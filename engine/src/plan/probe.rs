//! A look into the first chunk of an SSTable.

use zeroize::Zeroizing;

use super::inspect::{Facts, Inspector};
use super::keys::opener;
use crate::codec::crc_mismatch;
use crate::io::Source;
use crate::keys::KeyRing;
use crate::sstable::{CHUNK_CRC_LENGTH, ChunkTable, Component};
use crate::{Error, Result};

/// Checks the CRC of the first chunk, which tells damage from a wrong key, and decrypts it with
/// the keys of the ring.
///
/// # Errors
/// Whatever would fail for the whole SSTable later: a wrong key, a damaged chunk.
pub(super) fn probe(inspector: &Inspector<'_>, facts: &Facts, ring: &KeyRing) -> Result<()> {
    let opener = opener(facts, ring)?;
    let info = facts.sstable.path(&Component::CompressionInfo);
    let table = ChunkTable::open(&info, facts.version, inspector.access(), facts.data_bytes)?;
    let data = Source::open(&facts.data_path(), inspector.access())?;
    let mut slots = Vec::new();
    table.slots(0..1, &mut slots)?;
    let Some(slot) = slots.first() else { return Ok(()) };
    let mut scratch = Vec::new();
    let record = slot.stored.saturating_add(CHUNK_CRC_LENGTH);
    let record = data.slice(slot.offset, record, &mut scratch)?;
    let Some((stored, crc)) = record.split_last_chunk::<CHUNK_CRC_LENGTH>() else { return Ok(()) };
    if crc32fast::hash(stored) != u32::from_be_bytes(*crc) {
        return Err(crc_mismatch().at(data.path()).chunk(0).offset(slot.offset));
    }
    let mut plain = Zeroizing::new(vec![0; opener.working_length(slot.plain)]);
    opener
        .open(stored, slot.plain, &mut plain)
        .map_err(|error| Error::from(error).at(data.path()).chunk(0).offset(slot.offset))
}
