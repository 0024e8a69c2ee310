//! Counts the chunks of an SSTable by the key that each names, and checks place and length of all
//! of them.

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

use crate::codec::ChunkError;
use crate::compress::{ChainFraming, CodecError};
use crate::io::Source;
use crate::keys::{
    DATABASE_KEY_ID_LIMIT, HeaderError, HeaderKind, KeyId, KeyRef, MAX_KEY_ID_LENGTH,
};
use crate::options::EncryptorOptions;
use crate::sstable::{ChunkSlot, ChunkTable, CompressionHeader};
use crate::{Error, Result};

/// How much of an SSTable one key encrypts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUse {
    /// The key.
    pub key: KeyRef,
    /// Chunks under it.
    pub chunks: u64,
    /// Their stored bytes.
    pub bytes: u64,
    /// Encrypted pages of the index and bodies of the metadata under it, beside the chunks.
    pub beside: u64,
}

/// Chunks counted by key.
#[derive(Debug, Default)]
pub(super) struct Tally {
    by_id: BTreeMap<Option<KeyId>, (u64, u64)>,
    beside: BTreeMap<Option<KeyId>, u64>,
    /// Chunks stored in clear (FORMATS.md 2.3).
    pub(super) clear: u64,
}

impl Tally {
    fn merge(mut self, other: Self) -> Self {
        for (id, (chunks, bytes)) in other.by_id {
            self.add(id, chunks, bytes);
        }
        self.clear = self.clear.saturating_add(other.clear);
        self
    }

    fn add(&mut self, id: Option<KeyId>, chunks: u64, bytes: u64) {
        let entry = self.by_id.entry(id).or_default();
        entry.0 = entry.0.saturating_add(chunks);
        entry.1 = entry.1.saturating_add(bytes);
    }

    /// Counts what is encrypted beside Data.db.
    pub(super) fn add_beside(&mut self, pieces: BTreeMap<Option<KeyId>, u64>) {
        for (id, count) in pieces {
            self.by_id.entry(id.clone()).or_default();
            let beside = self.beside.entry(id).or_default();
            *beside = beside.saturating_add(count);
        }
    }

    /// The keys, most used first.
    pub(super) fn into_uses(self, options: &EncryptorOptions) -> Vec<KeyUse> {
        let mut uses: Vec<_> = self
            .by_id
            .into_iter()
            .filter_map(|(id, (chunks, bytes))| {
                let beside = self.beside.get(&id).copied().unwrap_or_default();
                Some(KeyUse { key: KeyRef::named_by(options, id)?, chunks, bytes, beside })
            })
            .collect();
        // A plan keeps them for every SSTable.
        uses.shrink_to_fit();
        uses.sort_by(|a, b| b.chunks.cmp(&a.chunks).then_with(|| a.key.cmp(&b.key)));
        uses
    }
}

/// Looks at every chunk: its place, its length, and the key that it names.
pub(super) fn tally_chunks(
    table: &ChunkTable,
    data: &Source,
    options: &EncryptorOptions,
    chained: bool,
) -> Result<Tally> {
    let form = Form { options, chained };
    let count = table.header().chunk_count;
    let windows: Vec<Range<u64>> =
        (0..count.div_ceil(WINDOW)).map(|i| i * WINDOW..((i + 1) * WINDOW).min(count)).collect();
    windows
        .into_par_iter()
        .map(|window| tally_window(table, data, form, window))
        .try_reduce(Tally::default, |a, b| Ok(a.merge(b)))
}

/// What a chunk must look like.
#[derive(Debug, Clone, Copy)]
struct Form<'a> {
    options: &'a EncryptorOptions,
    chained: bool,
}

fn tally_window(
    table: &ChunkTable,
    data: &Source,
    form: Form<'_>,
    window: Range<u64>,
) -> Result<Tally> {
    let (mut slots, mut scratch, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    let (mut before, mut chunks, mut bytes) = (Head::default(), 0_u64, 0_u64);
    table.slots(window.clone(), &mut slots)?;
    for (chunk, slot) in window.zip(&slots) {
        if is_clear(table.header(), slot) {
            if !is_raw_length(table.header(), slot) {
                let error = Error::corrupt(format!(
                    "{} bytes are stored, which by the max compressed length of {} would be in \
                     clear, and {} bytes in clear take another length",
                    slot.stored,
                    table.header().max_compressed_length,
                    slot.plain
                ))
                .hint("restore CompressionInfo.db from a backup, or scrub the SSTable on the node");
                return Err(error.at(data.path()).chunk(chunk).offset(slot.offset));
            }
            tally.clear = tally.clear.saturating_add(1);
            continue;
        }
        let other = other_head(data, slot, form, &before, &mut scratch)
            .map_err(|e| e.at(data.path()).chunk(chunk).offset(slot.offset))?;
        if let Some(head) = other {
            let before = std::mem::replace(&mut before, head);
            if chunks > 0 {
                tally.add(before.id, std::mem::take(&mut chunks), std::mem::take(&mut bytes));
            }
        }
        chunks = chunks.saturating_add(1);
        bytes = bytes.saturating_add(u64::try_from(slot.stored).unwrap_or(u64::MAX));
    }
    if chunks > 0 {
        tally.add(before.id, chunks, bytes);
    }
    Ok(tally)
}

/// A key header, and the id in it; empty where a chunk has none.
#[derive(Debug, Default)]
struct Head {
    bytes: Vec<u8>,
    id: Option<KeyId>,
}

/// Whether a chunk is stored in clear (FORMATS.md 2.3).
fn is_clear(header: &CompressionHeader, slot: &ChunkSlot) -> bool {
    usize::try_from(header.max_compressed_length).is_ok_and(|max| slot.stored >= max)
}

/// A chunk in clear is padded to the max compressed length, and never longer than that or its
/// plaintext: an encrypted one always is, whatever a damaged field says.
fn is_raw_length(header: &CompressionHeader, slot: &ChunkSlot) -> bool {
    let max = usize::try_from(header.max_compressed_length).unwrap_or(usize::MAX);
    slot.stored == slot.plain.max(max)
}

/// The header of a chunk if it is not the one of the chunk before: mostly it is, so no more is read
/// than that, and bytes are compared. Checks the chunk's length, too.
fn other_head(
    data: &Source,
    slot: &ChunkSlot,
    form: Form<'_>,
    before: &Head,
    scratch: &mut Vec<u8>,
) -> Result<Option<Head>> {
    let Form { options, chained } = form;
    let kind = HeaderKind::from(options.provider());
    let prefix = if chained { ChainFraming::PREFIX_LENGTH } else { 0 };
    let wanted = prefix.saturating_add(match before.bytes.len() {
        0 => kind.longest(DATABASE_KEY_ID_LIMIT),
        length => length,
    });
    let mut start = data.slice(slot.offset, slot.stored.min(wanted), scratch)?;
    let is_same = !before.bytes.is_empty()
        && start.get(prefix..).is_some_and(|header| header == before.bytes);
    let is_cut = !is_same
        && matches!(
            kind.parse(start.get(prefix..).unwrap_or_default()),
            Err(HeaderError::Truncated(_))
        );
    if is_cut && slot.stored > wanted {
        let longest = prefix.saturating_add(kind.longest(MAX_KEY_ID_LENGTH));
        start = data.slice(slot.offset, slot.stored.min(longest), scratch)?;
    }
    // The Encryptor of a chain is given what the compressor made, and its length stands in front.
    let inner = match (chained, start.first_chunk()) {
        (false, _) => slot.plain,
        (true, Some(length)) => usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX),
        (true, None) => return Err(CodecError::ChainTruncated(slot.stored).into()),
    };
    let (length, other) = if is_same {
        (before.bytes.len(), None)
    } else {
        let rest = start.get(prefix..).unwrap_or_default();
        let header = kind.parse(rest)?;
        let bytes = rest.get(..header.length()).unwrap_or_default();
        let other =
            (bytes != before.bytes).then(|| Head { bytes: bytes.to_vec(), id: header.to_key_id() });
        (header.length(), other)
    };
    let expected = prefix
        .saturating_add(length)
        .saturating_add(options.iv_length())
        .saturating_add(options.transformation().ciphertext_length(inner));
    if slot.stored != expected {
        return Err(ChunkError::Length { stored: slot.stored, expected, plain: inner }.into());
    }
    Ok(other)
}

/// Chunks looked at in one go.
const WINDOW: u64 = 4096;
