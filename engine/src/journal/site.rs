//! Which run a journal belongs to: its data directories, identified by a marker in each.
//!
//! Data directories may be moved, mounted elsewhere and named in another order. So each has a
//! marker in this program's directory as long as the run is unfinished, with the run's random id
//! and the directory's number in records. It is durable before the journal is. If a marker is
//! missing, the path that the directory had when the run was begun replaces it.
//!
//! ```text
//! marker   [magic 8][version u16][run 16][number u32][path of the state directory][CRC32 of all before]
//! ```

use std::fmt;
use std::path::{Component as Part, Path, PathBuf};

use super::envelope;
use super::fields::{Decoded, path, put_path, u32_of, words};
use crate::io::Storage;
use crate::wire::{Put as _, Reader};
use crate::{Error, ErrorKind, Result};

/// The identity of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunId(pub(super) [u8; 16]);

impl RunId {
    /// A new, unique id.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the system gives no random bytes.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::new(ErrorKind::Io, "the system gives no random bytes").caused_by(error)
        })?;
        Ok(Self(bytes))
    }

    /// The id in these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A run and its data directories, whose positions here are their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct Site {
    /// The run.
    pub run: RunId,
    /// Where they were when it was begun, canonical.
    pub data_dirs: Vec<PathBuf>,
}

impl Site {
    /// The site of a new run.
    ///
    /// # Errors
    /// As [`RunId::random`].
    pub fn new(data_dirs: &[PathBuf]) -> Result<Self> {
        Ok(Self { run: RunId::random()?, data_dirs: data_dirs.to_vec() })
    }
}

/// The location of something that belongs to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a path is one or the other")]
pub enum Location {
    /// Below one of its data directories, given by its number.
    Below(u32, PathBuf),
    /// An absolute path: formats 1 and 2 have no others.
    Absolute(PathBuf),
}

impl Location {
    /// The location of a path, as a run's records have it.
    pub(super) fn of(path: &Path, data_dirs: &[PathBuf]) -> Self {
        (0..)
            .zip(data_dirs)
            .find_map(|(number, data_dir)| {
                let below = path.strip_prefix(data_dir).ok()?;
                Some(Self::Below(number, below.to_owned()))
            })
            .unwrap_or_else(|| Self::Absolute(path.to_owned()))
    }

    /// The path of this location.
    pub(super) fn path(self, data_dirs: &[PathBuf]) -> Decoded<PathBuf> {
        match self {
            Self::Below(number, below) => {
                let directory = usize::try_from(number).ok().and_then(|n| data_dirs.get(n));
                let directory = directory.ok_or("it names a data directory that there is not")?;
                Ok(directory.join(below))
            }
            Self::Absolute(path) => Ok(path),
        }
    }
}

pub(super) fn place(reader: &mut Reader<'_>, is_below: bool) -> Decoded<Location> {
    match is_below {
        true => Ok(Location::Below(u32_of(reader)?, below(reader)?)),
        false => absolute(reader),
    }
}

/// A canonical path.
pub(super) fn absolute(reader: &mut Reader<'_>) -> Decoded<Location> {
    let path = path(reader)?;
    let is_canonical = path.is_absolute()
        && path.components().all(|part| matches!(part, Part::Normal(_) | Part::RootDir));
    if is_canonical { Ok(Location::Absolute(path)) } else { Err("a path in it is not canonical") }
}

/// Only a path down from a data directory.
pub(super) fn below(reader: &mut Reader<'_>) -> Decoded<PathBuf> {
    let path = path(reader)?;
    let mut parts = path.components().peekable();
    let is_below = parts.peek().is_some() && parts.all(|part| matches!(part, Part::Normal(_)));
    if is_below { Ok(path) } else { Err("a path in it leaves the data directory") }
}

/// Marks a data directory as part of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct Marker {
    /// The run.
    pub run: RunId,
    /// The number of the data directory.
    pub number: u32,
    /// Where the journal was when the run was begun.
    pub state_dir: PathBuf,
}

impl Marker {
    /// The marker as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        envelope::seal(MAGIC, FORMAT, |out| {
            out.extend_from_slice(&self.run.0);
            out.put_u32(self.number);
            put_path(out, &self.state_dir);
        })
    }

    /// Parses bytes, which must be used up completely.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        envelope::open(bytes, MAGIC, FORMAT).ok().and_then(|reader| fields(reader).ok())
    }

    /// The marker in this program's directory below a data directory. A damaged one counts as
    /// missing: it was never durable, or the path of the data directory replaces it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`].
    pub fn find(storage: &dyn Storage, state: &Path) -> Result<Option<Self>> {
        let path = state.join(MARKER_FILE);
        match storage.identity(&path)? {
            Some(id) if !id.is_link => {}
            _ => return Ok(None),
        }
        match storage.read_own(&path, LONGEST) {
            Ok(bytes) => Ok(Self::decode(&bytes)),
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it in place of any other, durably except for the name of the directory.
    ///
    /// # Errors
    /// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`].
    pub fn write(&self, storage: &dyn Storage, state: &Path) -> Result<()> {
        let path = state.join(MARKER_FILE);
        if storage.identity(&path)?.is_some() {
            storage.remove_file(&path)?;
        }
        let file = storage.create(&path)?;
        file.write_at(&self.encode(), 0)?;
        file.sync()?;
        storage.sync_directory(state)
    }
}

fn fields(mut reader: Reader<'_>) -> Decoded<Marker> {
    let run = RunId(reader.take_array("run").map_err(words)?);
    let marker = Marker { run, number: u32_of(&mut reader)?, state_dir: path(&mut reader)? };
    reader.finish().map_err(words)?;
    Ok(marker)
}

/// The name of the file in this program's directory below a data directory.
pub(crate) const MARKER_FILE: &str = "run";

const MAGIC: [u8; 8] = *b"SSTRKRUN";
const FORMAT: u16 = 1;
const LONGEST: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::LocalStorage;

    fn marker() -> Marker {
        let run = RunId::from_bytes(*b"0123456789abcdef");
        Marker { run, number: 3, state_dir: PathBuf::from("/d 1/.sstablerekey") }
    }

    #[test]
    fn a_marker_reads_back_and_a_damaged_one_counts_as_missing() {
        let bytes = marker().encode();
        assert_eq!(Marker::decode(&bytes), Some(marker()));
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(Marker::decode(&flipped), None, "{at}");
            assert_eq!(Marker::decode(&bytes[..at]), None, "{at}");
        }
        assert_eq!(marker().run.to_string(), "30313233343536373839616263646566");
    }

    #[test]
    fn the_last_marker_that_was_written_is_found() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Marker::find(&LocalStorage, directory.path()).unwrap(), None);
        let other = Marker { number: 7, ..marker() };
        for marker in [other, marker()] {
            marker.write(&LocalStorage, directory.path()).unwrap();
            assert_eq!(Marker::find(&LocalStorage, directory.path()).unwrap(), Some(marker));
        }
    }

    #[test]
    fn a_location_is_below_the_directory_that_has_it() {
        let dirs = [PathBuf::from("/a"), PathBuf::from("/b")];
        let location = Location::of(Path::new("/b/ks/t"), &dirs);
        assert_eq!(location, Location::Below(1, PathBuf::from("ks/t")));
        let moved = [PathBuf::from("/x"), PathBuf::from("/y")];
        assert_eq!(location.clone().path(&moved), Ok(PathBuf::from("/y/ks/t")));
        assert!(location.path(&moved[..1]).is_err());
    }
}
