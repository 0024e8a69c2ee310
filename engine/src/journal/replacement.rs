//! The replacement of copies of an SSTable in snapshots and backups.
//!
//! No node finishes or undoes it, so it has its own record next to the staged files. The record is
//! complete and durable before the first copy is touched, and removed, durably, before the first
//! staged file is removed. A run that finds it can put the staged files in the places of the
//! copies, any number of times, and needs neither the journal nor a key.
//!
//! ```text
//! file       [magic 8][version u16] components put, components dropped, copies [CRC32 of all before]
//! component  text        copy   path below the data directory, name
//! ```

use std::path::PathBuf;

use super::envelope::{self, Flaw};
use super::fields::{Decoded, component, descriptor, list, put_bytes, put_count, put_path, words};
use super::site::below;
use crate::sstable::{Component, Descriptor};
use crate::wire::Reader;
use crate::{Error, ErrorKind};

/// Copies, and what happens to their files.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct Replacement {
    /// Staged components, which replace those of each copy.
    pub put: Vec<Component>,
    /// Components of the copies that have no successor.
    pub dropped: Vec<Component>,
    /// The copies: their paths below the data directory, and their names there.
    pub copies: Vec<(PathBuf, Descriptor)>,
}

impl Replacement {
    /// The record as bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        envelope::seal(MAGIC, FORMAT, |out| {
            for components in [&self.put, &self.dropped] {
                put_count(out, components.len());
                components.iter().for_each(|of| put_bytes(out, of.name().as_bytes()));
            }
            put_count(out, self.copies.len());
            for (directory, name) in &self.copies {
                put_path(out, directory);
                put_bytes(out, name.to_string().as_bytes());
            }
        })
    }

    /// Parses bytes, which must be used up completely.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for another version, [`ErrorKind::Corrupt`] for anything that
    /// does not have this form: the record is never torn.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let damaged = |what: &str| Error::new(ErrorKind::Corrupt, format!("it is damaged: {what}"));
        match envelope::open(bytes, MAGIC, FORMAT) {
            Ok(reader) => fields(reader).map_err(damaged),
            Err(Flaw::Damaged(what)) => Err(damaged(what)),
            Err(Flaw::Version) => Err(Error::unsupported("another release wrote it")
                .hint("finish with the release that began it: run again, or abandon the run")),
        }
    }
}

fn fields(mut reader: Reader<'_>) -> Decoded<Replacement> {
    let put = list(&mut reader, component)?;
    let dropped = list(&mut reader, component)?;
    let copies = list(&mut reader, |reader| Ok((below(reader)?, descriptor(reader)?)))?;
    reader.finish().map_err(words)?;
    Ok(Replacement { put, dropped, copies })
}

const MAGIC: [u8; 8] = *b"SSTRKCPY";
const FORMAT: u16 = 1;

/// The name of the file in its staging directory.
pub const REPLACEMENT_FILE: &str = "replacement";

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Replacement {
        let name = |text| Descriptor::parse(text).unwrap();
        Replacement {
            put: vec![Component::Data, Component::Other("SAI+x".to_owned())],
            dropped: vec![Component::Crc],
            copies: vec![
                (PathBuf::from("ks/t-1/snapshots/a b"), name("oa-3-big")),
                (PathBuf::from("ks/t-1/backups/.idx"), name("oa-4-big")),
            ],
        }
    }

    #[test]
    fn a_record_reads_as_it_was_written_and_any_flipped_byte_shows() {
        let bytes = sample().encode();
        assert_eq!(Replacement::decode(&bytes).unwrap(), sample());
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert_eq!(Replacement::decode(&flipped).unwrap_err().kind(), ErrorKind::Corrupt);
            assert!(Replacement::decode(&bytes[..at]).is_err());
        }
    }

    #[test]
    fn another_version_and_paths_that_lead_elsewhere_are_refused() {
        let sealed = |mut body: Vec<u8>| {
            let crc = crc32fast::hash(&body);
            body.extend_from_slice(&crc.to_be_bytes());
            body
        };
        let mut newer = sample().encode();
        newer.truncate(newer.len() - 4);
        newer[9] = 2;
        let error = Replacement::decode(&sealed(newer)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        for path in ["/etc", "../x", "ks/../../x"] {
            let mut elsewhere = sample();
            elsewhere.copies[0].0 = PathBuf::from(path);
            let error = Replacement::decode(&elsewhere.encode()).unwrap_err();
            assert!(error.to_string().contains("leaves"), "{error}");
        }
    }
}
