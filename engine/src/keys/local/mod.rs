//! Key files on the node, as `LocalFileSystemKeyProvider` keeps them (FORMATS.md 6.1).

mod append;
mod content;
mod generate;
mod line;

use std::io;
use std::path::{Path, PathBuf};

pub use append::KeyCreation;
pub use content::KeyFile;

use self::line::Found;
use super::{KeyProvider, KeyRef, SecretKey, secret_file};
use crate::config;
use crate::crypto::Transformation;
use crate::error::{Error, Result};

/// The key files that options name. A file is read again for each key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocalKeyFiles {
    base: Option<PathBuf>,
}

impl LocalKeyFiles {
    /// Resolves relative paths against `base` if given, otherwise against the working directory, as
    /// the database's JVM does with its own (newer releases require absolute paths).
    #[must_use]
    pub const fn new(base: Option<PathBuf>) -> Self {
        Self { base }
    }

    /// The path of a file that options name.
    #[must_use]
    pub fn resolve(&self, file: &str) -> PathBuf {
        match &self.base {
            Some(base) => base.join(file),
            None => PathBuf::from(file),
        }
    }

    /// Makes a target's missing key from the operating system's random source, in the form and with
    /// the mode that the database would use.
    ///
    /// An existing key is left alone. Otherwise one line is appended, after a line end if the last
    /// line lacks its own; a missing file is created with mode 0600, and missing parent directories
    /// with 0700. All of it is durable when this returns. An existing file keeps its mode and
    /// owner; new files get the owner of `like`, such as the data directory, so that the node's
    /// user can read them.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the file has a line that the database
    /// would not load; [`ErrorKind::KeyUnavailable`](crate::ErrorKind::KeyUnavailable) when the key
    /// is not a local one; [`ErrorKind::Busy`](crate::ErrorKind::Busy) when another run is writing
    /// the file; [`ErrorKind::NoSpace`](crate::ErrorKind::NoSpace) and
    /// [`ErrorKind::Io`](crate::ErrorKind::Io). A line that cannot be written completely and made
    /// durable is removed again.
    pub fn create(&self, key: &KeyRef, like: &Path) -> Result<KeyCreation> {
        append::create(&self.locate(key)?, like)
    }

    /// A warning when users other than the owner may read or change the file of a key; `None` when
    /// they may not, or when the file cannot be examined.
    #[must_use]
    pub fn permission_warning(&self, key: &KeyRef) -> Option<String> {
        config::exposed(&self.locate(key).ok()?.path, "the key file")
    }

    fn locate<'a>(&self, name: &'a KeyRef) -> Result<LocalKey<'a>> {
        match name {
            KeyRef::LocalFile { file, transformation, strength } => {
                let transformation = Transformation::parse(transformation)?;
                let length = transformation.key_length(*strength)?;
                let path = self.resolve(file);
                Ok(LocalKey { name, path, transformation, strength: *strength, length })
            }
            KeyRef::Keystore { .. } | KeyRef::Kmip { .. } | KeyRef::Replicated { .. } => {
                Err(Error::key_unavailable("it is not in a local key file")
                    .key(name)
                    .hint("give the keys of KMIP servers with --kmip-keys"))
            }
        }
    }
}

impl KeyProvider for LocalKeyFiles {
    fn read_key(&self, key: &KeyRef) -> Result<SecretKey> {
        self.locate(key)?.read()
    }
}

/// A key by its location.
#[derive(Debug)]
struct LocalKey<'a> {
    name: &'a KeyRef,
    path: PathBuf,
    transformation: Transformation,
    strength: u32,
    /// Bytes of such a key.
    length: usize,
}

impl LocalKey<'_> {
    fn read(&self) -> Result<SecretKey> {
        let file = secret_file::open(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => self.unavailable("the key file is missing"),
            _ => Error::io("cannot open the key file", &self.path, error).key(self.name),
        })?;
        let text = secret_file::read(&file, &self.path)?;
        self.find(&text)?.ok_or_else(|| match text.starts_with(BYTE_ORDER_MARK) {
            true => self.unavailable(
                "the key file does not have this key: it begins with a byte order mark, which the database \
                 takes for a part of its first line",
            ),
            false => self.unavailable("the key file does not have this key"),
        })
    }

    /// Looks the key up in its file's text.
    fn find(&self, text: &[u8]) -> Result<Option<SecretKey>> {
        let found = line::find(text, self.transformation.text(), self.strength).map_err(
            |(number, error)| {
                Error::invalid(format!("line {number}: {error}"))
                    .at(&self.path)
                    .key(self.name)
                    .hint("repair that line: the database does not load such a file, either")
            },
        )?;
        let Some(Found { line, key }) = found else { return Ok(None) };
        if key.expose().len() != self.length {
            return Err(Error::invalid(format!(
                "line {line}: a key of {} bytes does not fit its strength, {} bits",
                key.expose().len(),
                self.strength
            ))
            .at(&self.path)
            .key(self.name)
            .hint("restore that line from a backup of the file"));
        }
        Ok(Some(key))
    }

    /// The directory of the file.
    fn directory(&self) -> &Path {
        match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        }
    }

    fn unavailable(&self, fact: &'static str) -> Error {
        Error::key_unavailable(fact).at(&self.path).key(self.name).hint(
            "restore the file from a backup of this node, or from another node that has the same; \
             --create-key makes the key of a new target",
        )
    }
}

/// Of UTF-8, as some editors write it.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests;
