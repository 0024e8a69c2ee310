//! An index of two files, read as one sequence of partitions, and checked on the way.
//!
//! What is read is what every search depends on (FORMATS.md 7.8): for each partition the path, the
//! hash byte, and the position in Data.db or the entry in Rows.db with its row trie. Nothing else of
//! the files counts.

use zeroize::Zeroizing;

use super::error::TrieError;
use super::node::Payloads;
use super::partitions::{Ending, Place};
use super::rows::{Entry, block_offset};
use super::source::{PageSource, Stored};
use super::walk::{Event, Region, Walk, find};
use crate::io::Source;
use crate::keys::KeyId;
use crate::{Error, Result};

/// What is known of the SSTable that an index belongs to.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "who reads an index knows all of it")]
pub struct Belongs {
    /// Bytes of Data.db's plaintext.
    pub data_length: u64,
    /// The rows of an indexed partition end where the next one begins: known of `da` alone.
    pub has_no_gaps: bool,
}

/// One partition, or the way to the next one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    /// On to the child of a character.
    Down(u8),
    /// Back to the parent.
    Up,
    /// A partition without a row index: hash byte, and position in Data.db.
    Data(Option<u8>, u64),
    /// The same at the child of a character that has no children: there, and back.
    Leaf(u8, Option<u8>, u64),
    /// One with a row index, whose trie has just been seen.
    Entry(Option<u8>, &'a Entry),
}

/// Takes what an index says.
pub(super) trait Visit {
    /// A step in the row trie of the next [`Step::Entry`].
    fn row(&mut self, event: Event<'_>) -> Result<()>;

    /// A step in Partitions.db.
    fn step(&mut self, step: Step<'_>) -> Result<()>;
}

/// Partitions.db and Rows.db of one SSTable.
#[derive(Debug)]
pub struct Index<'a> {
    partitions: PageSource<'a>,
    rows: PageSource<'a>,
    belongs: Belongs,
    ending: Ending,
}

impl<'a> Index<'a> {
    /// Opens an index, and reads the end of Partitions.db.
    ///
    /// # Errors
    /// [`TrieError`] as [`Error`] with the place, and what reading and decrypting meet.
    pub fn open(
        partitions: &'a Source,
        rows: &'a Source,
        stored: Stored<'a>,
        belongs: Belongs,
    ) -> Result<Self> {
        let mut partitions = PageSource::new(partitions, stored);
        let ending = Ending::read(&mut partitions)?;
        Ok(Self { partitions, rows: PageSource::new(rows, stored), belongs, ending })
    }

    /// Partitions by the footer.
    #[must_use]
    pub const fn keys(&self) -> u64 {
        self.ending.keys
    }

    pub(super) const fn ending(&self) -> &Ending {
        &self.ending
    }

    /// Files and keys under which pages were found whose headers name another one, and how often
    /// such a page was opened.
    pub fn mislabelled(&self) -> impl Iterator<Item = (&'a Source, &KeyId, u64)> {
        [&self.partitions, &self.rows]
            .into_iter()
            .flat_map(|pages| pages.mislabelled().map(|(id, count)| (pages.file(), id, count)))
    }

    /// Checks that neither file was changed since it was opened.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Busy`].
    pub fn unchanged(&self) -> Result<()> {
        self.partitions.file().unchanged()?;
        self.rows.file().unchanged()
    }

    /// Reads all of it, in order.
    ///
    /// # Errors
    /// [`TrieError`] as [`Error`] with the place, and what reading, decrypting and the visitor meet.
    pub(super) fn visit(&mut self, visitor: &mut impl Visit) -> Result<Seen> {
        let Self { partitions, rows, belongs, ending } = self;
        let region = Region { start: 0, end: partitions.end() };
        let mut groups = Groups::new(rows);
        let mut seen = Seen::default();
        let mut walk = Walk::new(Payloads::Partitions);
        walk.run(partitions, ending.root, region, |at, event| {
            let (character, bits, payload) = match event {
                Event::Down(character) => return visitor.step(Step::Down(character)),
                Event::Up => return visitor.step(Step::Up),
                Event::Payload(bits, payload) => (None, bits, payload),
                Event::Leaf(character, bits, payload) => (Some(character), bits, payload),
            };
            let wrong = |error| at.wrong(error);
            let Place { hash, position } = Place::decode(bits, payload).map_err(wrong)?;
            let Ok(entry) = u64::try_from(position) else {
                let position = (!position).cast_unsigned();
                seen.follow(position, None, *belongs).map_err(wrong)?;
                return visitor.step(match character {
                    Some(character) => Step::Leaf(character, hash, position),
                    None => Step::Data(hash, position),
                });
            };
            if let Some(character) = character {
                visitor.step(Step::Down(character))?;
            }
            let rows_end = groups.read(entry, visitor)?;
            seen.follow(groups.entry.data_position, Some(rows_end), *belongs).map_err(wrong)?;
            visitor.step(Step::Entry(hash, &groups.entry))?;
            if character.is_some() { visitor.step(Step::Up) } else { Ok(()) }
        })?;
        let wrong = |error: TrieError| partitions.place(ending.root, error);
        if seen.keys != ending.keys {
            let count = TrieError::Count { found: seen.keys, expected: ending.keys };
            return Err(wrong(count));
        }
        seen.end(*belongs).map_err(wrong)?;
        Ok(seen)
    }

    /// Looks a partition up by its path: the position in Data.db, and the key in its entry, if it
    /// has one.
    ///
    /// # Errors
    /// As `visit`.
    pub fn find(&mut self, path: &[u8]) -> Result<Option<(u64, Zeroizing<Vec<u8>>)>> {
        let root = self.ending.root;
        let found = find(&mut self.partitions, root, path, Payloads::Partitions)?;
        let Some((bits, payload)) = found else { return Ok(None) };
        let place =
            Place::decode(bits, &payload).map_err(|error| self.partitions.place(root, error))?;
        let Ok(position) = u64::try_from(place.position) else {
            return Ok(Some(((!place.position).cast_unsigned(), Zeroizing::default())));
        };
        let mut entry = Entry::default();
        let at = self.rows.over_hole(position);
        entry.read(&mut self.rows, at)?;
        Ok(Some((entry.data_position, entry.key)))
    }
}

/// The groups of Rows.db, one after the other.
struct Groups<'p, 'a> {
    rows: &'p mut PageSource<'a>,
    walk: Walk,
    entry: Entry,
    /// Where the last one ended.
    end: u64,
}

impl<'p, 'a> Groups<'p, 'a> {
    fn new(rows: &'p mut PageSource<'a>) -> Self {
        Self { rows, walk: Walk::new(Payloads::Rows), entry: Entry::default(), end: 0 }
    }

    /// Reads the group of an entry, and returns the offset in its partition where the rows end.
    fn read(&mut self, entry: u64, visitor: &mut impl Visit) -> Result<u64> {
        let Self { rows, walk, entry: own, .. } = self;
        let position = rows.over_hole(entry);
        let region = Region { start: rows.over_hole(self.end), end: position };
        if region.start >= position {
            return Err(rows.place(position, TrieError::EntriesNotRising));
        }
        own.read(rows, position)?;
        if own.root < region.start {
            return Err(rows.place(position, TrieError::RowRoot));
        }
        let mut blocks = Blocks::default();
        walk.run(rows, own.root, region, |at, event| {
            if let Event::Payload(bits, payload) | Event::Leaf(_, bits, payload) = event {
                let offset = block_offset(bits, payload);
                offset.and_then(|offset| blocks.follow(offset)).map_err(|error| at.wrong(error))?;
            }
            visitor.row(event)
        })?;
        // The first row's offset is one more than there are blocks.
        if blocks.count != own.blocks.saturating_add(1) {
            let (found, expected) = (blocks.count.saturating_sub(1), own.blocks);
            return Err(rows.place(position, TrieError::Blocks { found, expected }));
        }
        self.end = own.end;
        Ok(blocks.last)
    }
}

/// The blocks of a partition so far.
#[derive(Debug, Default)]
struct Blocks {
    count: u64,
    last: u64,
}

impl Blocks {
    const fn follow(&mut self, offset: u64) -> Result<(), TrieError> {
        if self.count > 0 && offset <= self.last {
            return Err(TrieError::BlocksNotRising);
        }
        self.count = self.count.saturating_add(1);
        self.last = offset;
        Ok(())
    }
}

/// What was seen of an index.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Partitions.
    pub(crate) keys: u64,
    /// Those with a row index.
    pub(crate) entries: u64,
    /// Indexed partitions whose rows do not end where the next one begins; an error where the
    /// versions are known to rule it out.
    pub(crate) gaps: u64,
    last: u64,
    /// Where the next partition is to begin, if the last one says so.
    expected: Option<u64>,
}

impl Seen {
    /// The next partition; of an indexed one, the offset where its rows end.
    fn follow(
        &mut self,
        position: u64,
        rows_end: Option<u64>,
        belongs: Belongs,
    ) -> Result<(), TrieError> {
        if self.keys > 0 && position <= self.last {
            return Err(TrieError::PositionsNotRising);
        }
        if position >= belongs.data_length {
            return Err(TrieError::PastData);
        }
        self.meet(position, belongs)?;
        self.keys = self.keys.saturating_add(1);
        self.entries = self.entries.saturating_add(u64::from(rows_end.is_some()));
        self.last = position;
        // One byte more ends the partition.
        self.expected = rows_end.map(|end| position.saturating_add(end).saturating_add(1));
        Ok(())
    }

    /// The end of Data.db.
    fn end(&mut self, belongs: Belongs) -> Result<(), TrieError> {
        self.meet(belongs.data_length, belongs)
    }

    fn meet(&mut self, position: u64, belongs: Belongs) -> Result<(), TrieError> {
        if self.expected.take().is_none_or(|expected| expected == position) {
            return Ok(());
        }
        self.gaps = self.gaps.saturating_add(1);
        if belongs.has_no_gaps { Err(TrieError::Gap) } else { Ok(()) }
    }
}

/// The error of an index that is not the same as the old one.
pub(super) fn mismatch(what: &'static str) -> Error {
    Error::new(crate::ErrorKind::Mismatch, what)
        .hint("the old SSTable is untouched; check the machine's memory and disk, run again")
}
