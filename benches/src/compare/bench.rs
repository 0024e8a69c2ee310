//! What all rows share: the meter, the places to work in, the sizes.

use std::path::{Path, PathBuf};

use rekey_benches::{Form, Plaintext, Site};
use rekey_engine::options::ChunkLength;
use tempfile::TempDir;

use super::files;
use crate::measure::noise::Meter;
use crate::measure::outcome::Result;

/// What all rows share.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) meter: Meter,
    pub(super) rounds: usize,
    /// Bytes of the SSTables that are rewritten on the disk; in memory, a quarter of that.
    pub(super) bytes: u64,
    /// Sizes so small that they show nothing but that everything runs.
    pub(super) is_quick: bool,
    /// A directory on a disk.
    pub(super) disk: PathBuf,
    /// One in memory, if the machine has it.
    pub(super) memory: Option<PathBuf>,
    /// The tool.
    pub(super) program: PathBuf,
}

/// A site with its SSTables, in a directory that goes away with it.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) site: Site,
    pub(super) directory: TempDir,
    pub(super) content: Content,
}

impl Bench {
    /// A size of what a group needs many of.
    pub(super) fn size<T>(&self, full: T, quick: T) -> T {
        if self.is_quick { quick } else { full }
    }

    /// Makes a site without SSTables in a directory below `place`.
    pub(super) fn site(place: &Path, forms: [Form; 2], text: Plaintext) -> Result<(Site, TempDir)> {
        let directory = tempfile::Builder::new().prefix("compare-").tempdir_in(place)?;
        Ok((Site::with(directory.path(), forms, text)?, directory))
    }

    /// The same with SSTables.
    pub(super) fn room(&self, place: &Path, forms: [Form; 2], content: Content) -> Result<Room> {
        let text = if content.is_rows { Plaintext::rows() } else { Plaintext::fill() };
        let (site, directory) = Self::site(place, forms, text)?;
        let each = content.bytes / u64::from(content.sstables.max(1));
        let chunk_length = ChunkLength::try_from(content.chunk_length)?;
        for id in 1..=content.sstables {
            self.meter.check()?;
            site.write_sstable(id, each, chunk_length)?;
        }
        files::settle(place)?;
        Ok(Room { site, directory, content })
    }
}

/// How many SSTables there are, and how big.
#[derive(Debug, Clone, Copy)]
pub(super) struct Content {
    pub(super) sstables: u32,
    /// Plaintext of all of them.
    pub(super) bytes: u64,
    pub(super) chunk_length: i32,
    /// Rows that can be compressed, in place of one byte over and over.
    pub(super) is_rows: bool,
}

impl Content {
    /// Chunks of 64 KiB.
    pub(super) const fn new(sstables: u32, bytes: u64) -> Self {
        Self { sstables, bytes, chunk_length: 64 << 10, is_rows: false }
    }
}
