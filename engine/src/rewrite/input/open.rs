//! Opens the old SSTable.

use crate::Result;
use crate::codec::{ChunkDecoder, ChunkSource};
use crate::keys::KeyRing;
use crate::plan::{Facts, Inspector, opener};
use crate::sstable::Component;

/// Opens the Data.db of an SSTable; an encrypted one needs keys.
///
/// # Errors
/// As [`ChunkSource::compressed`], [`ChunkSource::uncompressed`] and [`opener`].
pub(in crate::rewrite) fn open_chunks(
    facts: &Facts,
    inspector: Inspector<'_>,
    ring: &KeyRing,
) -> Result<ChunkSource> {
    let (data, access) = (facts.data_path(), inspector.access());
    if facts.header.is_none() {
        let crc = facts.sstable.path(&Component::Crc);
        let crc = facts.sstable.has(&Component::Crc).then_some(crc);
        return ChunkSource::uncompressed(&data, crc.as_deref(), access);
    }
    let opener = facts.shape.is_encrypted().then(|| opener(facts, ring)).transpose()?;
    let info = facts.sstable.path(&Component::CompressionInfo);
    let codec = facts.shape.codec();
    ChunkSource::compressed(&data, &info, facts.version, access, |max| {
        ChunkDecoder::new(codec, opener, max)
    })
}
