//! Settings of this program for a group of `kmip_hosts` that the database does not have.
//!
//! A node may refuse its own file with them, so they are given separately: `--kmip-set
//! GROUP.KEY=VALUE`. They may also be in a *copy* of the file; settings given separately take
//! precedence.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use rekey_kmip::transport::NameCheck;

use super::kmip_group::{
    KEYSTORE_ALIAS, KEYSTORE_KEY_DESCRIPTOR, KEYSTORE_KEY_FILE, KmipGroup, OWN_KEYS,
    TRUSTSTORE_DESCRIPTOR, TRUSTSTORE_FILE, VERIFY_HOSTNAME,
};
use super::{NodeConfig, Password};
use crate::error::{Error, Result};
use crate::options::shown;

/// One setting of a group: `GROUP.KEY=VALUE`. A group's name may contain dots; a key never does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSetting {
    group: String,
    key: &'static str,
    value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Text(String),
    File(PathBuf),
    Descriptor(u32),
    NameCheck(NameCheck),
}

/// The text is not an [`OwnSetting`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoOwnSetting {
    /// It does not have this form.
    #[error("write it as GROUP.KEY=VALUE, such as vault.verify_hostname=cn")]
    Form,
    /// This program has no such setting.
    #[error("{} is not one of {}", shown(.0), OWN_KEYS.join(", "))]
    Key(String),
    /// The setting does not accept this value.
    #[error("{key} is {wanted}")]
    Value {
        /// The key.
        key: &'static str,
        /// What it accepts.
        wanted: &'static str,
    },
}

impl FromStr for OwnSetting {
    type Err = NoOwnSetting;

    fn from_str(text: &str) -> Result<Self, NoOwnSetting> {
        let (path, value) = text.split_once('=').ok_or(NoOwnSetting::Form)?;
        let (group, key) = path.rsplit_once('.').ok_or(NoOwnSetting::Form)?;
        if group.is_empty() || value.is_empty() {
            return Err(NoOwnSetting::Form);
        }
        let known = OWN_KEYS.into_iter().find(|known| *known == key);
        let key = known.ok_or_else(|| NoOwnSetting::Key(key.to_owned()))?;
        let refused = |wanted| NoOwnSetting::Value { key, wanted };
        let value = match key {
            VERIFY_HOSTNAME => {
                Value::NameCheck(value.parse().map_err(|_unknown| refused("full, cn or off"))?)
            }
            KEYSTORE_ALIAS => Value::Text(value.to_owned()),
            _ if key.ends_with("_file") => Value::File(value.into()),
            _ => Value::Descriptor(
                value.parse().map_err(|_no_number| refused("the number of a descriptor"))?,
            ),
        };
        Ok(Self { group: group.to_owned(), key, value })
    }
}

impl fmt::Display for OwnSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}=", self.group, self.key)?;
        match &self.value {
            Value::Text(text) => f.write_str(text),
            Value::File(path) => write!(f, "{}", path.display()),
            Value::Descriptor(number) => write!(f, "{number}"),
            Value::NameCheck(check) => write!(f, "{check}"),
        }
    }
}

impl NodeConfig {
    /// Applies settings over those of the file, in their order.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a group that the file does not have.
    pub fn set(&mut self, settings: &[OwnSetting]) -> Result<()> {
        for setting in settings {
            self.kmip_group(&setting.group).map_err(|error| {
                Error::invalid(format!("--kmip-set {setting}"))
                    .hint("name a group of the file")
                    .wrapping(error)
            })?;
            let groups = self.groups.iter_mut().filter(|group| group.name == setting.group);
            groups.for_each(|group| setting.apply(group));
        }
        Ok(())
    }
}

impl OwnSetting {
    fn apply(&self, group: &mut KmipGroup) {
        let password = match &self.value {
            Value::NameCheck(check) => {
                group.verify_hostname = *check;
                return;
            }
            Value::Text(alias) => {
                group.alias = Some(alias.clone());
                return;
            }
            Value::File(path) => Password::File(path.clone()),
            Value::Descriptor(number) => Password::Descriptor(*number),
        };
        let place = match self.key {
            KEYSTORE_KEY_FILE | KEYSTORE_KEY_DESCRIPTOR => &mut group.key_password,
            TRUSTSTORE_FILE | TRUSTSTORE_DESCRIPTOR => &mut group.truststore.password,
            _ => &mut group.keystore.password,
        };
        *place = Some(password);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str =
        "kmip_hosts:\n  a.b:\n    hosts: h\n    keystore_password: x\n  c:\n    hosts: h\n";

    fn config(settings: &[&str]) -> Result<NodeConfig> {
        let mut config = NodeConfig::parse(FILE, "hcd.yaml").unwrap();
        let settings: Vec<OwnSetting> = settings.iter().map(|text| text.parse().unwrap()).collect();
        config.set(&settings)?;
        Ok(config)
    }

    #[test]
    fn each_key_reaches_its_group_and_comes_before_the_file() {
        let config = config(&[
            "a.b.verify_hostname=off",
            "a.b.keystore_alias=n=1",
            "a.b.keystore_password_file=/p",
            "a.b.truststore_password_descriptor=3",
            "a.b.keystore_key_password_file=/k",
        ])
        .unwrap();
        let group = config.kmip_group("a.b").unwrap();
        assert_eq!((group.verify_hostname, group.alias.as_deref()), (NameCheck::Off, Some("n=1")));
        assert!(
            matches!(&group.keystore.password, Some(Password::File(path)) if path.ends_with("p"))
        );
        assert!(matches!(group.truststore.password, Some(Password::Descriptor(3))));
        assert!(matches!(&group.key_password, Some(Password::File(path)) if path.ends_with("k")));
        let other = config.kmip_group("c").unwrap();
        assert_eq!((other.verify_hostname, other.alias.as_deref()), (NameCheck::Full, None));
    }

    #[test]
    fn an_invalid_setting_is_refused_with_an_example() {
        let error = |text: &str| text.parse::<OwnSetting>().unwrap_err().to_string();
        for text in
            ["verify_hostname=cn", "g.verify_hostname", "g.verify_hostname=", ".verify_hostname=cn"]
        {
            assert!(error(text).contains("vault.verify_hostname=cn"), "{text}");
        }
        assert!(error("g.keystore_password=hunter2").contains("keystore_password_file"));
        assert!(!error("g.keystore_password=hunter2").contains("hunter2"));
        assert_eq!(error("g.verify_hostname=no"), "verify_hostname is full, cn or off");
        assert!(error("g.keystore_password_descriptor=x").contains("number of a descriptor"));
        let unknown = config(&["d.verify_hostname=cn"]).unwrap_err();
        assert!(unknown.chain().contains("a.b, c") && unknown.hint_text().is_some(), "{unknown:?}");
    }

    #[test]
    fn a_setting_reads_as_it_is_written() {
        for text in
            ["a.verify_hostname=cn", "a.b.keystore_alias=x y", "a.keystore_password_file=/p"]
        {
            assert_eq!(text.parse::<OwnSetting>().unwrap().to_string(), text);
        }
    }
}
