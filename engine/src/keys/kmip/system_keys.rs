//! System keys on KMIP servers (KMIP.md 7).

use rekey_kmip::client::FetchedKey;
use rekey_kmip::client::choice::cipher_of;
use rekey_kmip::message::UniqueIdentifier;

use super::KmipServers;
use crate::crypto::Transformation;
use crate::error::{Error, Result};
use crate::keys::{KeyId, SecretKey, SystemKey, system_key};
use crate::options::shown;

impl KmipServers {
    /// The system key of a name `kmip://group/id`.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for another name, and those of
    /// [`Self::with`].
    pub(in crate::keys) fn system_key(&self, name: &str) -> Result<SystemKey> {
        let (group, id) = parts(name)?;
        let fetched = KeyId::new(id).map_err(Error::from).and_then(|id| {
            self.with(group, |client| client.fetch(&UniqueIdentifier::new(id.as_str())))
        });
        fetched.and_then(|fetched| key_of(name, fetched)).map_err(|error| unfetched(name, error))
    }
}

/// The group and the id of a system key.
pub(super) fn parts(name: &str) -> Result<(&str, &str)> {
    system_key::group_and_id(name).ok_or_else(|| {
        Error::invalid(format!("the system key {} is not of the form kmip://group/id", shown(name)))
            .hint("write it as dsetool createsystemkey printed it")
    })
}

/// A system key from what a server keeps of it.
pub(super) fn key_of(name: &str, fetched: FetchedKey) -> Result<SystemKey> {
    let cipher = cipher_of(&fetched.attributes).ok_or_else(|| {
        Error::key_unavailable("the key server does not say which cipher the key is for")
            .hint("register the key with its algorithm, and with mode and padding or neither")
    })?;
    let transformation = Transformation::parse(&cipher)?;
    SystemKey::new(name, &transformation, &SecretKey::from(fetched.material.into_inner()))
}

/// That it could not be had.
pub(super) fn unfetched(name: &str, error: Error) -> Error {
    Error::new(error.kind(), "cannot fetch the system key")
        .key(name.escape_debug())
        .hint("check the key on its server")
        .wrapping(error)
}
