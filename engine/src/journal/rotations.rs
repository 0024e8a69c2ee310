//! The keys of rotations that were begun.
//!
//! A run that writes with a new key records the key before it uses it. The same command, given
//! again, then means the same key: for the remaining work, for other tables, and when all is done.
//! The record outlives the run and its journal. It holds names of options and of keys, but no key.
//!
//! ```text
//! file      [magic 8][version u16] list of rotations [CRC32 of all before]
//! rotation  group, list of (name, text), key id, [milliseconds since 1970 i64]
//! ```

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::envelope::{self, Flaw};
use super::fields::{Decoded, list, put_bytes, put_count, text, u64_of, words};
use crate::io::Storage;
use crate::wire::{Put as _, Reader};
use crate::{Error, ErrorKind, Result};

/// The key of one rotation.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct Rotation {
    /// The group of servers that has the key.
    pub group: String,
    /// The attributes of the key: cipher, strength, namespace.
    pub options: Vec<(String, String)>,
    /// The key's id.
    pub key: String,
    /// When the rotation began.
    pub began: SystemTime,
}

/// All known rotations, one for each group and options.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotations(Vec<Rotation>);

impl Rotations {
    /// Reads the record of a state directory; an empty one when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] and [`ErrorKind::Unsupported`] for what this release did not write,
    /// and [`ErrorKind::Io`].
    pub fn read(storage: &dyn Storage, directory: &Path) -> Result<Self> {
        let path = directory.join(ROTATIONS_FILE);
        if storage.stat(&path)?.is_none() {
            return Ok(Self::default());
        }
        let bytes = storage.read_own(&path, LONGEST)?;
        Self::decode(&bytes).map_err(|error| {
            error.at(path).hint(
                "it says which keys earlier runs with --create-key wrote with: name the key with \
                 --key-id, or move the file away, and look at the key that plan then shows",
            )
        })
    }

    /// Writes the record, durably: afterwards either the old one or the new one exists. The
    /// directory must exist.
    ///
    /// # Errors
    /// [`ErrorKind::NoSpace`] and [`ErrorKind::Io`].
    pub fn write(&self, storage: &dyn Storage, directory: &Path) -> Result<()> {
        let path = directory.join(ROTATIONS_FILE);
        let unfinished = path.with_extension("new");
        if storage.identity(&unfinished)?.is_some() {
            storage.remove_file(&unfinished)?;
        }
        let file = storage.create(&unfinished)?;
        file.write_at(&self.encode(), 0)?;
        file.sync()?;
        storage.replace(&unfinished, &path)?;
        storage.sync_directory(directory)
    }

    /// The rotation to these options.
    #[must_use]
    pub fn of(&self, group: &str, options: &[(String, String)]) -> Option<&Rotation> {
        self.0.iter().find(|known| known.group == group && known.options == options)
    }

    /// Records a rotation; it replaces an earlier one to the same options.
    pub fn note(&mut self, rotation: Rotation) {
        let is_other =
            |known: &Rotation| known.group != rotation.group || known.options != rotation.options;
        self.0.retain(is_other);
        self.0.push(rotation);
    }

    /// Adds the rotations of another record; of two to the same options the later one counts.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for rotation in other.0 {
            let known = self.of(&rotation.group, &rotation.options);
            if known.is_none_or(|known| known.began <= rotation.began) {
                self.note(rotation);
            }
        }
        self
    }

    fn encode(&self) -> Vec<u8> {
        envelope::seal(MAGIC, FORMAT, |out| {
            put_count(out, self.0.len());
            for Rotation { group, options, key, began } in &self.0 {
                put_bytes(out, group.as_bytes());
                put_count(out, options.len());
                for (name, value) in options {
                    put_bytes(out, name.as_bytes());
                    put_bytes(out, value.as_bytes());
                }
                put_bytes(out, key.as_bytes());
                let age = began.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
                out.put_u64(u64::try_from(age).unwrap_or(u64::MAX));
            }
        })
    }

    fn decode(bytes: &[u8]) -> Result<Self> {
        let damaged = |what: &str| {
            Error::new(ErrorKind::Corrupt, format!("the record of rotations is damaged: {what}"))
        };
        match envelope::open(bytes, MAGIC, FORMAT) {
            Ok(reader) => rotations(reader).map(Self).map_err(damaged),
            Err(Flaw::Damaged(what)) => Err(damaged(what)),
            Err(Flaw::Version) => {
                Err(Error::unsupported("another release wrote the record of rotations"))
            }
        }
    }
}

fn rotations(mut reader: Reader<'_>) -> Decoded<Vec<Rotation>> {
    let rotations = list(&mut reader, |reader| {
        let group = text(reader)?;
        let options = list(reader, |reader| Ok((text(reader)?, text(reader)?)))?;
        let key = text(reader)?;
        let age = Duration::from_millis(u64_of(reader)?);
        let began = UNIX_EPOCH.checked_add(age).ok_or("a date in it is out of bounds")?;
        Ok(Rotation { group, options, key, began })
    })?;
    reader.finish().map_err(words)?;
    Ok(rotations)
}

const MAGIC: [u8; 8] = *b"SSTRKROT";
const FORMAT: u16 = 1;

/// Enough for more than a thousand rotations.
const LONGEST: u64 = 1 << 20;

/// The name of the file in its state directory.
pub const ROTATIONS_FILE: &str = "rotations";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::LocalStorage;

    fn rotation(group: &str, strength: &str, key: &str, seconds: u64) -> Rotation {
        Rotation {
            group: group.to_owned(),
            options: vec![("strength".to_owned(), strength.to_owned())],
            key: key.to_owned(),
            began: UNIX_EPOCH + Duration::from_secs(seconds),
        }
    }

    fn key<'a>(of: &'a Rotations, group: &str, strength: &str) -> Option<&'a str> {
        let options = [("strength".to_owned(), strength.to_owned())];
        of.of(group, &options).map(|rotation| rotation.key.as_str())
    }

    #[test]
    fn the_youngest_rotation_to_the_same_options_counts() {
        let mut all = Rotations::default();
        for (group, strength, id, seconds) in
            [("g", "256", "a", 1), ("g", "128", "b", 2), ("h", "256", "c", 3), ("g", "256", "d", 4)]
        {
            all.note(rotation(group, strength, id, seconds));
        }
        assert_eq!(key(&all, "g", "256"), Some("d"));
        assert_eq!((key(&all, "g", "128"), key(&all, "h", "256")), (Some("b"), Some("c")));
        assert_eq!(key(&all, "h", "128"), None);
        let mut older = Rotations::default();
        older.note(rotation("g", "256", "e", 2));
        older.note(rotation("h", "128", "f", 2));
        let both = older.clone().and(all.clone());
        assert_eq!((key(&both, "g", "256"), key(&both, "h", "128")), (Some("d"), Some("f")));
        assert_eq!(key(&all.and(older), "g", "256"), Some("d"));
    }

    #[test]
    fn a_record_reads_as_it_was_written_and_any_flipped_byte_shows() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Rotations::read(&LocalStorage, dir.path()).unwrap(), Rotations::default());
        let mut all = Rotations::default();
        all.note(rotation("g\u{1f511}", "256", "02-001", 1));
        // Twice: the second time replaces a file.
        all.write(&LocalStorage, dir.path()).unwrap();
        all.note(rotation("h", "", "k", 2));
        all.write(&LocalStorage, dir.path()).unwrap();
        assert_eq!(Rotations::read(&LocalStorage, dir.path()).unwrap(), all);
        let bytes = all.encode();
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(Rotations::decode(&flipped).unwrap_err().kind(), ErrorKind::Corrupt);
            assert!(Rotations::decode(&bytes[..at]).is_err());
        }
        let path = dir.path().join(ROTATIONS_FILE);
        LocalStorage.remove_file(&path).unwrap();
        LocalStorage.create(&path).unwrap().write_at(b"x", 0).unwrap();
        let error = Rotations::read(&LocalStorage, dir.path()).unwrap_err();
        assert!(error.path().is_some() && error.hint_text().unwrap().contains("--key-id"));
    }
}
