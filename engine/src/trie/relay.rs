//! Lays an index out again: the same sequence, packed for pages of another size (FORMATS.md 7.8).

use zeroize::Zeroizing;

use super::index::{Belongs, Index, Seen, Step, Visit, mismatch};
use super::pack::Packer;
use super::partitions::{Ending, Place};
use super::sample::{Sampled, Sampler};
use super::sequence::Sequence;
use super::sink::{PageSink, Storing};
use super::source::Stored;
use super::walk::Event;
use crate::Result;
use crate::io::{OutputFile, Source};

/// What laying out has seen.
#[derive(Debug)]
pub struct LaidOut {
    /// Partitions.
    pub keys: u64,
    /// Those with a row index.
    pub entries: u64,
    /// Indexed partitions whose rows do not end where the next one begins.
    pub gaps: u64,
    /// Some of the partitions, at even distances.
    pub sample: Vec<Sampled>,
}

/// Reads an index once from front to end and writes it for other pages, Rows.db before what points
/// there. `block` gets its sequence in numbered pieces, which [`read_sequence`] gives of the new one,
/// too, and may end it. Memory grows with depth and page, not with the number of partitions.
///
/// # Errors
/// [`super::TrieError`] as [`crate::Error`] with the place, for anything in the old files that no
/// writer writes, and what `block`, reading, decrypting and writing meet.
pub fn lay_out(
    old: &mut Index<'_>,
    partitions: &dyn OutputFile,
    rows: &dyn OutputFile,
    storing: Storing<'_>,
    block: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<LaidOut> {
    let mut relay = Relay {
        partitions: PageSink::new(partitions, storing)?,
        rows: PageSink::new(rows, storing)?,
        partition_trie: Packer::new(),
        row_trie: Packer::new(),
        sequence: Sequence::new(block),
        sampler: Sampler::default(),
        bytes: Zeroizing::default(),
    };
    let Seen { keys, entries, gaps, .. } = old.visit(&mut relay)?;
    let Relay { mut partitions, rows, mut partition_trie, sequence, sampler, .. } = relay;
    let root = partition_trie.finish(&mut partitions)?;
    rows.finish()?;
    let ending = old.ending();
    let (first_key, last_key) = (ending.first_key.clone(), ending.last_key.clone());
    Ending { keys: ending.keys, root, first_key, last_key }.write(partitions)?;
    sequence.finish()?;
    Ok(LaidOut { keys, entries, gaps, sample: sampler.into_taken() })
}

/// Reads an index as a fresh reader does, and gives its sequence as [`lay_out`] gave that of the
/// old one.
///
/// # Errors
/// [`crate::ErrorKind::Mismatch`] for another first or last key, or number of keys; otherwise as
/// [`lay_out`].
pub fn read_sequence<'n>(
    old: &Index<'_>,
    (partitions, rows): (&'n Source, &'n Source),
    stored: Stored<'n>,
    belongs: Belongs,
    block: impl FnMut(u64, &[u8]) -> Result<()>,
) -> Result<Index<'n>> {
    let mut new = Index::open(partitions, rows, stored, belongs)?;
    let (one, other) = (old.ending(), new.ending());
    if one.keys != other.keys || one.first_key != other.first_key || one.last_key != other.last_key
    {
        let error = mismatch("its first or last key or their number is not that of the old one");
        return Err(error.at(partitions.path()));
    }
    let mut sequence = Sequence::new(block);
    new.visit(&mut sequence)?;
    sequence.finish()?;
    Ok(new)
}

/// Both new files while they are written.
struct Relay<'a, F> {
    partitions: PageSink<'a>,
    rows: PageSink<'a>,
    partition_trie: Packer,
    row_trie: Packer,
    sequence: Sequence<F>,
    sampler: Sampler,
    bytes: Zeroizing<Vec<u8>>,
}

impl<F: FnMut(u64, &[u8]) -> Result<()>> Relay<'_, F> {
    fn put(&mut self, hash: Option<u8>, position: i64) -> Result<()> {
        let bits = self.encode(hash, position);
        self.partition_trie.payload(bits, &self.bytes)
    }

    /// Leaves the bytes of a place in `bytes`; returns its bits.
    fn encode(&mut self, hash: Option<u8>, position: i64) -> u8 {
        self.bytes.clear();
        Place { hash, position }.encode(&mut self.bytes)
    }
}

impl<F: FnMut(u64, &[u8]) -> Result<()>> Visit for Relay<'_, F> {
    fn row(&mut self, event: Event<'_>) -> Result<()> {
        self.sequence.row(event)?;
        match event {
            Event::Down(character) => {
                self.row_trie.down(character);
                Ok(())
            }
            Event::Payload(bits, payload) => self.row_trie.payload(bits, payload),
            Event::Leaf(character, bits, payload) => {
                self.row_trie.leaf(character, bits, payload, &mut self.rows)
            }
            Event::Up => self.row_trie.up(&mut self.rows),
        }
    }

    fn step(&mut self, step: Step<'_>) -> Result<()> {
        self.sequence.step(step)?;
        self.sampler.step(step);
        match step {
            Step::Down(character) => {
                self.partition_trie.down(character);
                Ok(())
            }
            Step::Up => self.partition_trie.up(&mut self.partitions),
            Step::Data(hash, position) => self.put(hash, !position.cast_signed()),
            Step::Leaf(character, hash, position) => {
                let bits = self.encode(hash, !position.cast_signed());
                self.partition_trie.leaf(character, bits, &self.bytes, &mut self.partitions)
            }
            Step::Entry(hash, entry) => {
                let root = self.row_trie.finish(&mut self.rows)?;
                let position = entry.write(root, &mut self.rows, &mut self.bytes)?;
                self.put(hash, position.cast_signed())
            }
        }
    }
}
