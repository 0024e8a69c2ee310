//! One group of `kmip_hosts` (KMIP.md 5.2).

use std::path::PathBuf;
use std::time::Duration;

use rekey_kmip::keystore::StoreType;
use rekey_kmip::transport::{Host, NameCheck};

use super::password::{Password, PasswordKeys};
use super::section::Section;
use crate::error::Result;

/// One group of `kmip_hosts`: key servers that hold the same keys.
#[derive(Debug)]
#[non_exhaustive]
pub struct KmipGroup {
    /// The group's name, as the tables' `kmip_host` gives it.
    pub name: String,
    /// `hosts`, in the order in which they are tried; at least one.
    pub hosts: Vec<Host>,
    /// `keystore_*`: the client's key and certificate.
    pub keystore: StoreSettings,
    /// `keystore_key_password`: of a key whose password differs from its store's.
    pub key_password: Option<Password>,
    /// `keystore_alias`: which key, where the store has several.
    pub alias: Option<String>,
    /// `truststore_*`: the certificates that the client trusts.
    pub truststore: StoreSettings,
    /// `timeout`; none means the client's default, 1000 ms.
    pub timeout: Option<Duration>,
    /// `key_cache_millis`: how long a node keeps using a key that it has fetched. Default 300000.
    pub key_cache_millis: u64,
    /// `key_cache_update_millis`: the time after which it fetches the key again in the background.
    /// Defaults to `key_cache_millis`.
    pub key_cache_update_millis: u64,
    /// `protocol`, by its Java name.
    pub protocol: Option<String>,
    /// `cipher_suites`, by their Java names; empty means all.
    pub cipher_suites: Vec<String>,
    /// `verify_hostname`.
    pub verify_hostname: NameCheck,
    /// `password_encryption_key_name`: the system key under which the group's passwords are
    /// encrypted.
    pub password_encryption_key_name: Option<String>,
    /// `experimental_custom_attributes_mode`, as written; its values are not documented.
    pub experimental_custom_attributes_mode: Option<String>,
}

/// A key store of a group.
#[derive(Debug)]
#[non_exhaustive]
pub struct StoreSettings {
    /// `*_path`; a relative one counts from the working directory.
    pub path: Option<PathBuf>,
    /// `*_type`. The format is read from the file; this is only compared.
    pub declared: Option<StoreType>,
    /// `*_password`, `*_password_file` or `*_password_descriptor`.
    pub password: Option<Password>,
}

impl KmipGroup {
    pub(super) fn read(name: String, section: &mut Section<'_>) -> Result<Self> {
        let keystore = StoreSettings::read(
            section,
            "keystore_path",
            "keystore_type",
            &PasswordKeys {
                written: "keystore_password",
                file: KEYSTORE_FILE,
                descriptor: KEYSTORE_DESCRIPTOR,
            },
        )?;
        let truststore = StoreSettings::read(
            section,
            "truststore_path",
            "truststore_type",
            &PasswordKeys {
                written: "truststore_password",
                file: TRUSTSTORE_FILE,
                descriptor: TRUSTSTORE_DESCRIPTOR,
            },
        )?;
        let key_password = Password::read(
            section,
            &PasswordKeys {
                written: "keystore_key_password",
                file: KEYSTORE_KEY_FILE,
                descriptor: KEYSTORE_KEY_DESCRIPTOR,
            },
        )?;
        let key_cache_millis = section.number("key_cache_millis")?.unwrap_or(KEY_CACHE_MILLIS);
        let update = section.number("key_cache_update_millis")?;
        Ok(Self {
            name,
            hosts: hosts(section)?,
            keystore,
            key_password,
            alias: section.text(KEYSTORE_ALIAS)?,
            truststore,
            timeout: timeout(section)?,
            key_cache_millis,
            key_cache_update_millis: update.unwrap_or(key_cache_millis),
            protocol: section.text("protocol")?,
            cipher_suites: section.list("cipher_suites")?.unwrap_or_default(),
            verify_hostname: verify_hostname(section)?,
            password_encryption_key_name: non_empty(section, "password_encryption_key_name")?,
            experimental_custom_attributes_mode: section
                .text("experimental_custom_attributes_mode")?,
        })
    }
}

impl StoreSettings {
    fn read(
        section: &mut Section<'_>,
        path: &'static str,
        kind: &'static str,
        password: &PasswordKeys,
    ) -> Result<Self> {
        let declared = match section.text(kind)? {
            None => None,
            Some(name) => {
                let parsed = name.parse::<StoreType>();
                Some(parsed.map_err(|unknown| section.invalid(kind, &format!("is {unknown}")))?)
            }
        };
        let path = section.path(path)?;
        Ok(Self { path, declared, password: Password::read(section, password)? })
    }
}

fn hosts(section: &mut Section<'_>) -> Result<Vec<Host>> {
    let Some(entries) = section.list("hosts")? else {
        return Err(section
            .invalid("hosts", "is missing")
            .hint("list the group's key servers: hosts: name, name:port"));
    };
    Host::parse_list(&entries.join(","))
        .map_err(|error| section.invalid("hosts", &format!("cannot be used: {error}")))
}

fn timeout(section: &mut Section<'_>) -> Result<Option<Duration>> {
    match section.number("timeout")? {
        // Java would wait forever.
        Some(0) => Err(section.invalid("timeout", "must be at least 1 ms")),
        millis => Ok(millis.map(Duration::from_millis)),
    }
}

fn verify_hostname(section: &mut Section<'_>) -> Result<NameCheck> {
    match section.text(VERIFY_HOSTNAME)?.map(|text| text.parse::<NameCheck>()) {
        None => Ok(NameCheck::default()),
        Some(Ok(check)) => Ok(check),
        Some(Err(_other)) => Err(section.invalid(VERIFY_HOSTNAME, "must be full, cn or off")),
    }
}

pub(super) fn non_empty(section: &mut Section<'_>, key: &'static str) -> Result<Option<String>> {
    Ok(section.text(key)?.filter(|text| !text.is_empty()))
}

/// The database's default (KMIP.md 1.6).
const KEY_CACHE_MILLIS: u64 = 300_000;

// Settings of this program.
pub(super) const VERIFY_HOSTNAME: &str = "verify_hostname";
pub(super) const KEYSTORE_ALIAS: &str = "keystore_alias";
const KEYSTORE_FILE: &str = "keystore_password_file";
const KEYSTORE_DESCRIPTOR: &str = "keystore_password_descriptor";
pub(super) const KEYSTORE_KEY_FILE: &str = "keystore_key_password_file";
pub(super) const KEYSTORE_KEY_DESCRIPTOR: &str = "keystore_key_password_descriptor";
pub(super) const TRUSTSTORE_FILE: &str = "truststore_password_file";
pub(super) const TRUSTSTORE_DESCRIPTOR: &str = "truststore_password_descriptor";

/// The settings that the database does not have. A password itself is not among them: it would show
/// in the list of processes.
pub(super) const OWN_KEYS: [&str; 8] = [
    VERIFY_HOSTNAME,
    KEYSTORE_ALIAS,
    KEYSTORE_FILE,
    KEYSTORE_DESCRIPTOR,
    KEYSTORE_KEY_FILE,
    KEYSTORE_KEY_DESCRIPTOR,
    TRUSTSTORE_FILE,
    TRUSTSTORE_DESCRIPTOR,
];
