//! The database's own configuration.
//!
//! [`Node`] finds the installation of this machine ([`Installation`]), and reads what its files say
//! of directories and keys, each fact with its origin ([`Fact`]). `cassandra.yaml` is read there
//! only.
//!
//! [`NodeConfig`] reads `hcd.yaml` or `dse.yaml`: `kmip_hosts`, `system_info_encryption`,
//! `system_key_directory` and `config_encryption_*` (KMIP.md 5.2 and 7). The hundreds of other
//! settings are ignored. Only the file itself is opened here: passwords stay where they are until
//! `keys::kmip::connect` asks for them.
//!
//! # Keys that the database does not have
//!
//! The database itself may refuse them in its file. So they are given separately ([`OwnSetting`],
//! `--kmip-set GROUP.KEY=VALUE`), or in a group of a *copy* of the file, with a warning.
//!
//! | key | meaning |
//! |---|---|
//! | `keystore_password_file`, `truststore_password_file` | a file with the password alone, in clear |
//! | `keystore_password_descriptor`, `truststore_password_descriptor` | the number of an inherited descriptor, as `3` in `sstablerekey … 3< password`; several stores may name one |
//! | `keystore_key_password` (only in a copy), also `_file` and `_descriptor` | of a key that has another password than its store |
//! | `keystore_alias` | which key, where the store holds several |
//! | `verify_hostname` | `full` (the default): a name in the certificate must match; `cn`: or the common name of a certificate without any; `off` |
//!
//! `hosts` and `cipher_suites` may be YAML lists or texts with commas. Only passwords that are
//! written in the file itself can be encrypted with a system key.
//!
//! # What is wiped
//!
//! The file's text, the tree read from it, and the passwords kept from it are wiped when dropped.
//! Not wiped: buffers that the YAML parser outgrows while it assembles a scalar that is quoted,
//! folded or has escapes (a plain or quoted text on one line is only borrowed or copied once), and
//! the page cache.

mod archiving;
mod beside_tables;
mod data_directories;
mod document;
mod fact;
mod file;
mod installation;
mod kmip_group;
mod node;
mod own;
mod password;
mod product;
mod second;
mod section;
mod settings;
mod system_info;
mod words;
mod yaml;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekey_kmip::secret::Secret;

pub use beside_tables::{BesideTables, NextFiles, TransparentEncryption};
pub use fact::{Fact, Origin};
pub(crate) use file::{exposed, read as read_file};
pub use installation::{Installation, Layout, Surroundings};
pub use kmip_group::{KmipGroup, StoreSettings};
pub use node::Node;
pub use own::{NoOwnSetting, OwnSetting};
pub use password::Password;
pub(crate) use product::major;
pub use product::{Installed, Product};
pub(crate) use section::label;
pub use settings::Entry;
pub use system_info::SystemInfoEncryption;

use self::document::Document;
use self::password::Descriptors;
use self::section::Section;
use crate::error::{Error, Result, ResultExt as _};
use crate::options::OptionMap;

/// What the configuration file says about keys.
#[derive(Debug)]
pub struct NodeConfig {
    path: PathBuf,
    groups: Vec<KmipGroup>,
    system_info: SystemInfoEncryption,
    system_key_directory: PathBuf,
    config_encryption: ConfigEncryption,
    descriptors: Descriptors,
    warnings: Vec<String>,
}

/// `config_encryption_active` and `config_encryption_key_name`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigEncryption {
    /// Whether sensitive values of the configuration files are encrypted; default false. The
    /// vendor's documentation exempts the passwords of `kmip_hosts`.
    pub active: bool,
    /// The system key: the name of a file, or `kmip://group/id`; default `system_key`.
    pub key_name: String,
}

impl NodeConfig {
    /// Reads the file, up to 1 MiB.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when it is missing, is not a regular file,
    /// is too long, is not YAML, or a value that is read here has the wrong form. The error names
    /// the line, the section and the key. [`ErrorKind::Io`](crate::ErrorKind::Io) when it cannot be
    /// read.
    pub fn read(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        Self::of(&Document::read(&path, NAMED)?)
    }

    /// Reads a text; `path` only names it in messages.
    ///
    /// ```
    /// use rekey_engine::config::NodeConfig;
    ///
    /// let text = "kmip_hosts:\n  vault:\n    hosts: kmip1.example, kmip2.example:5697\n";
    /// let config = NodeConfig::parse(text, "hcd.yaml")?;
    /// assert_eq!(config.kmip_group("vault")?.hosts.len(), 2);
    /// # Ok::<_, rekey_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) as for [`read`](Self::read).
    pub fn parse(text: &str, path: impl Into<PathBuf>) -> Result<Self> {
        Self::of(&Document::parse(text, &path.into(), NAMED)?)
    }

    fn of(document: &Document) -> Result<Self> {
        let path = document.file.clone();
        let pairs = document.pairs();
        let mut file = Section::new(&path, String::new(), pairs);
        let mut warnings = Vec::new();
        let mut groups = Vec::new();
        if let Some(hosts) = file.section("kmip_hosts")? {
            for (name, mut section) in hosts.sections()? {
                groups.push(KmipGroup::read(name, &mut section)?);
                warnings.extend(section.unknown());
                warnings.extend(section.not_the_database_s(&kmip_group::OWN_KEYS));
            }
        }
        let system_info = match file.section("system_info_encryption")? {
            None => SystemInfoEncryption::default(),
            Some(mut section) => {
                let read = SystemInfoEncryption::read(&mut section)?;
                warnings.extend(section.unknown());
                read
            }
        };
        let system_key_directory = file.path("system_key_directory")?;
        let config_encryption = ConfigEncryption {
            active: file.flag("config_encryption_active")?.unwrap_or(false),
            key_name: kmip_group::non_empty(&mut file, "config_encryption_key_name")?
                .unwrap_or_else(|| SYSTEM_KEY.to_owned()),
        };
        Ok(Self {
            groups,
            system_info,
            system_key_directory: system_key_directory.unwrap_or_else(|| SYSTEM_KEYS.into()),
            config_encryption,
            descriptors: Descriptors::default(),
            warnings,
            path,
        })
    }

    /// The file, or its name in messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The groups of `kmip_hosts`, in the order of the file.
    #[must_use]
    pub fn kmip_groups(&self) -> &[KmipGroup] {
        &self.groups
    }

    /// A group of `kmip_hosts` by its name.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when there is none: the error lists the
    /// existing groups.
    pub fn kmip_group(&self, name: &str) -> Result<&KmipGroup> {
        self.groups.iter().find(|group| group.name == name).ok_or_else(|| {
            let names: Vec<_> = self.groups.iter().map(|group| label(&group.name)).collect();
            let there = match names.as_slice() {
                [] => "has no groups".to_owned(),
                names => format!("has {}", names.join(", ")),
            };
            Error::invalid(format!("kmip_hosts {there}, and no group {}", label(name)))
                .at(&self.path)
                .hint("name a group that is there, or add its kmip_hosts section")
        })
    }

    /// `system_info_encryption`, or the database's defaults.
    #[must_use]
    pub const fn system_info_encryption(&self) -> &SystemInfoEncryption {
        &self.system_info
    }

    /// The compression options of the node's own tables that it encrypts; an empty map, if it encrypts
    /// none.
    ///
    /// # Errors
    /// As [`SystemInfoEncryption::options`], with the file.
    pub fn system_tables(&self) -> Result<OptionMap> {
        self.system_info.options(&self.system_key_directory).at(&self.path)
    }

    /// `system_key_directory`; default `/etc/dse/conf` (FORMATS.md 6.2).
    #[must_use]
    pub fn system_key_directory(&self) -> &Path {
        &self.system_key_directory
    }

    /// `config_encryption_active` and `config_encryption_key_name`.
    #[must_use]
    pub const fn config_encryption(&self) -> &ConfigEncryption {
        &self.config_encryption
    }

    /// What the operator should know about the file, such as unknown settings.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The password as stored: one from the file itself may still be encrypted.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when it cannot be read; the error contains
    /// nothing of it.
    pub(crate) fn password(&self, password: &Password) -> Result<Arc<Secret>> {
        match password {
            Password::Written(secret) => Ok(Arc::clone(secret)),
            Password::File(path) => {
                Secret::from_file(path).map(Arc::new).map_err(password::unreadable).at(path)
            }
            Password::Descriptor(number) => {
                let secret = self.descriptors.read(*number).map_err(password::unreadable);
                secret.at(Path::new(&format!("/dev/fd/{number}")))
            }
        }
    }
}

/// The files that are read here.
const NAMED: &str = "hcd.yaml or dse.yaml";

/// The default of `system_key_directory`.
const SYSTEM_KEYS: &str = "/etc/dse/conf";

/// The default of `config_encryption_key_name`.
const SYSTEM_KEY: &str = "system_key";

#[cfg(test)]
mod tests;
