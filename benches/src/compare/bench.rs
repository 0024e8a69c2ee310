//! What all rows share: the meter, the places to work in, the sizes.

use std::path::{Path, PathBuf};

use rekey_benches::{Form, Plaintext, Site};
use rekey_engine::options::ChunkLength;
use tempfile::TempDir;

use super::Result;
use super::noise::Meter;

/// What all rows share.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) meter: Meter,
    pub(super) rounds: usize,
    /// Bytes of the SSTables that one rewrite is about.
    pub(super) bytes: u64,
    /// Bytes of those that the whole command is about.
    pub(super) command_bytes: u64,
    /// Bytes of the SSTables that are counted.
    pub(super) census_bytes: u64,
    /// Bytes that the database rewrites.
    pub(super) peer_bytes: u64,
    /// The longest SSTable of the curves.
    pub(super) longest: u64,
    /// SSTables that are planned.
    pub(super) planned: u32,
    /// Sizes so small that they prove nothing but that everything runs.
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
}

impl Bench {
    /// Makes SSTables of `bytes` in all in a directory below `place`.
    pub(super) fn room(&self, place: &Path, forms: [Form; 2], content: Content) -> Result<Room> {
        self.meter.check()?;
        let directory = tempfile::Builder::new().prefix("compare-").tempdir_in(place)?;
        let plaintext = if content.is_rows { Plaintext::rows() } else { Plaintext::fill() };
        let site = Site::with(directory.path(), forms, plaintext)?;
        let each = content.bytes / u64::from(content.sstables.max(1));
        let chunk_length = ChunkLength::try_from(content.chunk_length)?;
        for id in 1..=content.sstables {
            self.meter.check()?;
            site.write_sstable(id, each, chunk_length)?;
        }
        super::files::settle(place)?;
        Ok(Room { site, directory })
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
