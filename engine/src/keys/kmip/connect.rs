//! Makes a client from a group of the configuration.

use std::collections::BTreeSet;
use std::path::Path;

use rekey_kmip::client::{Client, ClientSettings};
use rekey_kmip::keystore::{self, Note, Trust};
use rekey_kmip::transport::{Identity, Timeouts, TlsConnector, TlsSettings};

use super::error::with_group;
use crate::config::{self, KmipGroup, NodeConfig};
use crate::error::{Error, Result, ResultExt as _};
use crate::keys::SystemKey;
use crate::options::shown;

/// A client of a group's key servers. Nothing is connected before its first operation.
#[derive(Debug)]
#[non_exhaustive]
pub struct GroupClient {
    /// The client.
    pub client: Client,
    /// What the operator should know: what Java would see differently in the stores, settings that
    /// have no effect here, files that others may read.
    pub warnings: Vec<String>,
}

impl GroupClient {
    /// The client's error about a group, with the group's name in its hint.
    #[must_use]
    pub fn failed(group: &str, error: rekey_kmip::Error) -> Error {
        with_group(group, error.into())
    }
}

/// Makes a client of a group of `kmip_hosts`: resolves its passwords, opens its stores, and
/// checks its TLS settings.
///
/// An encrypted password needs its system key. If that is on a KMIP server (`kmip://group/id`), it
/// is fetched here, from a group whose passwords do not need it.
///
/// # Errors
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for the configuration and the stores: an
/// unknown group, a wrong password, a setting that leaves nothing enabled;
/// [`ErrorKind::KeyUnavailable`](crate::ErrorKind::KeyUnavailable) when a system key is
/// unavailable; [`ErrorKind::Io`](crate::ErrorKind::Io). Errors never contain a password.
pub fn connect(config: &NodeConfig, group: &str) -> Result<GroupClient> {
    let mut connecting = Connecting { config, chain: Vec::new(), warnings: BTreeSet::new() };
    let client = connecting.client(group)?;
    Ok(GroupClient { client, warnings: connecting.warnings.into_iter().collect() })
}

/// One call of [`connect`].
pub(super) struct Connecting<'a> {
    pub(super) config: &'a NodeConfig,
    /// The groups whose clients are being made: each needs a key from the next.
    pub(super) chain: Vec<&'a str>,
    pub(super) warnings: BTreeSet<String>,
}

impl<'a> Connecting<'a> {
    /// A client of the group; `chain` is unchanged when it succeeds.
    pub(super) fn client(&mut self, group: &str) -> Result<Client> {
        let group = self.config.kmip_group(group)?;
        self.chain.push(&group.name);
        let tls = self.tls(group)?;
        self.chain.pop();
        let connector =
            TlsConnector::new(&tls).map_err(|error| self.failed(group, None, error.into()))?;
        for suite in connector.ignored_suites() {
            self.warn(group, &format!("this program has no cipher suite {}", shown(suite)));
        }
        let mut settings = ClientSettings::new(group.hosts.clone());
        settings.timeouts = group.timeout.map_or_else(Timeouts::default, Timeouts::from_timeout);
        Client::new(connector, settings)
            .map_err(|error| self.failed(group, Some("hosts"), error.into()))
    }

    fn tls(&mut self, group: &'a KmipGroup) -> Result<TlsSettings> {
        // The system key is read once for all passwords of the group.
        let mut system_key = None;
        let identity = self
            .identity(group, &mut system_key)
            .map_err(|error| self.failed(group, Some("keystore_path"), error))?;
        let trust = self
            .trusted(group, &mut system_key)
            .map_err(|error| self.failed(group, Some("truststore_path"), error))?;
        Ok(TlsSettings {
            trusted: trust.certificates,
            identity,
            verify_hostname: group.verify_hostname,
            protocol: group.protocol.clone(),
            cipher_suites: group.cipher_suites.clone(),
        })
    }

    fn identity(
        &mut self,
        group: &'a KmipGroup,
        system_key: &mut Option<SystemKey>,
    ) -> Result<Option<Identity>> {
        let Some(path) = &group.keystore.path else {
            self.warn(group, "without a keystore_path the client shows no certificate");
            return Ok(None);
        };
        let bytes = config::read_file(path, "the key store", keystore::MAX_BYTES)?;
        let password = self.password(group, system_key, group.keystore.password.as_ref())?;
        let key_password = self.password(group, system_key, group.key_password.as_ref())?;
        let identity = keystore::load_identity(
            &bytes,
            group.keystore.declared,
            password.as_deref(),
            key_password.as_deref(),
            group.alias.as_deref(),
        )
        .at(path)?;
        self.notes(group, path, identity.notes());
        let (chain, key) = identity.into_parts();
        Ok(Some(Identity { chain, key }))
    }

    fn trusted(
        &mut self,
        group: &'a KmipGroup,
        system_key: &mut Option<SystemKey>,
    ) -> Result<Trust> {
        let Some(path) = &group.truststore.path else {
            return Err(Error::invalid("it is not set, so no server can be trusted")
                .hint("set it to a store with the certificate of the key server's authority"));
        };
        let bytes = config::read_file(path, "the truststore", keystore::MAX_BYTES)?;
        let password = self.password(group, system_key, group.truststore.password.as_ref())?;
        let trust = keystore::load_trust(&bytes, group.truststore.declared, password.as_deref())
            .at(path)?;
        self.notes(group, path, &trust.notes);
        Ok(trust)
    }

    fn notes(&mut self, group: &KmipGroup, path: &Path, notes: &[Note]) {
        for note in notes {
            self.warn(group, &format!("{}: {note}", path.display()));
        }
    }

    fn warn(&mut self, group: &KmipGroup, what: &str) {
        self.warnings.insert(format!("kmip_hosts.{}: {what}", config::label(&group.name)));
    }

    /// The error with the group and the setting in front, and its own kind and hint.
    fn failed(&self, group: &KmipGroup, setting: Option<&str>, error: Error) -> Error {
        let mut what = format!("kmip_hosts.{}", config::label(&group.name));
        if let Some(setting) = setting {
            what.push('.');
            what.push_str(setting);
        }
        Error::new(error.kind(), what)
            .at(self.config.path())
            .wrapping(with_group(&group.name, error))
    }
}
