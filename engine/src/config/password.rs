//! Where the password of a store comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rekey_kmip::secret::{Secret, SecretError};

use super::section::Section;
use crate::error::{Error, Result};

/// Where a password comes from.
#[derive(Debug)]
#[non_exhaustive]
pub enum Password {
    /// The configuration file itself. Only this form may be encrypted with a system key.
    Written(Arc<Secret>),
    /// A separate file; one line end at its end does not count.
    File(PathBuf),
    /// A descriptor that the process inherited.
    Descriptor(u32),
}

/// The three settings by which a password can be given.
pub(super) struct PasswordKeys {
    pub(super) written: &'static str,
    pub(super) file: &'static str,
    pub(super) descriptor: &'static str,
}

impl Password {
    pub(super) fn read(section: &mut Section<'_>, keys: &PasswordKeys) -> Result<Option<Self>> {
        let written = section.secret(keys.written)?;
        let written = written.map(|secret| Self::Written(Arc::new(secret)));
        let file = section.path(keys.file)?.map(Self::File);
        let descriptor = section.number(keys.descriptor)?.map(Self::Descriptor);
        let mut given = [(keys.written, written), (keys.file, file), (keys.descriptor, descriptor)]
            .into_iter()
            .filter_map(|(key, password)| password.map(|password| (key, password)));
        match (given.next(), given.next()) {
            (Some((first, _)), Some((second, _))) => {
                Err(section.invalid(second, &format!("is given beside {first}: keep one")))
            }
            (first, _) => Ok(first.map(|(_, password)| password)),
        }
    }
}

/// The passwords that came through descriptors: a pipe gives its text only once, even if several
/// stores use it.
#[derive(Debug, Default)]
pub(super) struct Descriptors(Mutex<BTreeMap<u32, Arc<Secret>>>);

impl Descriptors {
    /// The password from a descriptor, read at the first call.
    pub(super) fn read(&self, descriptor: u32) -> Result<Arc<Secret>, SecretError> {
        // Each entry is complete, so a poisoned lock is still usable.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(secret) = known.get(&descriptor) {
            return Ok(Arc::clone(secret));
        }
        let secret = Arc::new(Secret::from_descriptor(descriptor)?);
        known.insert(descriptor, Arc::clone(&secret));
        Ok(secret)
    }
}

/// Says why a password could not be read.
pub(super) fn unreadable(error: SecretError) -> Error {
    match error {
        SecretError::Io(source) if source.kind() == std::io::ErrorKind::NotFound => {
            Error::invalid("the password file does not exist").hint("check the path")
        }
        SecretError::Io(source) => Error::invalid("cannot read the password")
            .caused_by(source)
            .hint("check that the file or descriptor is open to this user for reading"),
        other => Error::invalid(other.to_string()).hint("give the password alone, on one line"),
    }
}
