//! The keys of a file, to be compared with those of another: one key may be in several files, and one file may
//! have several names.

use std::io;
use std::path::Path;

use super::line;
use crate::error::{Error, Result};
use crate::keys::{SecretKey, secret_file};

/// What is in a key file.
#[derive(Debug)]
pub struct KeyFile {
    keys: Vec<(String, u32, SecretKey)>,
}

impl KeyFile {
    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when it is no key file, and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when it cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>> {
        let file = match secret_file::open(path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(Error::io("cannot open the key file", path, error)),
        };
        let text = secret_file::read(&file, path)?;
        let owned =
            |entry: line::Entry<'_>| (entry.transformation.to_owned(), entry.strength, entry.key);
        let keys =
            line::entries(&text).map(|entry| entry.map(owned)).collect::<Result<Vec<_>, _>>();
        let no_key_file = |fact: String| {
            Err(Error::invalid(fact)
                .at(path)
                .hint("name a key file: its lines are TRANSFORMATION:STRENGTH:KEY"))
        };
        match keys {
            Ok(keys) if keys.is_empty() => no_key_file("there is no key in this file".to_owned()),
            Ok(keys) => Ok(Some(Self { keys })),
            Err((number, error)) => no_key_file(format!("line {number}: {error}")),
        }
    }

    /// Whether it has a key for that.
    #[must_use]
    pub fn has(&self, transformation: &str, strength: u32) -> bool {
        self.keys.iter().any(|(of, bits, _)| (of.as_str(), *bits) == (transformation, strength))
    }

    /// Whether some key of its own and some key of the other are the same, of those that are meant by
    /// transformation and strength.
    #[must_use]
    pub fn has_key_of(
        &self,
        is_meant: impl Fn(&str, u32) -> bool,
        other: &Self,
        is_meant_there: impl Fn(&str, u32) -> bool,
    ) -> bool {
        let own = self.keys.iter().filter(|(of, bits, _)| is_meant(of, *bits));
        let mut pairs = own.flat_map(|own| other.keys.iter().map(move |other| (own, other)));
        pairs.any(|((_, _, own), (of, bits, key))| is_meant_there(of, *bits) && own.same_as(key))
    }
}

/// Whether nothing is at a path.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
