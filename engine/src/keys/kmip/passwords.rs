//! The passwords of a group in clear.
//!
//! A password that is written in the configuration file is encrypted when its group has a
//! `password_encryption_key_name`. With only `config_encryption_active` it may be: the vendor wants
//! these passwords in clear even then, but operators may not know that. So a value that has the
//! form of a ciphertext and decrypts is taken for one, and any other value is used as it is.

use std::sync::Arc;

use rekey_kmip::message::UniqueIdentifier;
use rekey_kmip::secret::Secret;

use super::connect::Connecting;
use super::system_keys::{key_of, parts, unfetched};
use crate::config::{self, KmipGroup, Password};
use crate::error::{Error, Result, ResultExt as _};
use crate::keys::{KeyId, SystemKey, system_key};

impl<'a> Connecting<'a> {
    /// A password, decrypted if it is encrypted. The system key is opened when it is first
    /// needed.
    pub(super) fn password(
        &mut self,
        group: &'a KmipGroup,
        system_key: &mut Option<SystemKey>,
        password: Option<&Password>,
    ) -> Result<Option<Arc<Secret>>> {
        let Some(password) = password else { return Ok(None) };
        if let Password::File(path) = password {
            self.warnings.extend(config::exposed(path, "the password file"));
        }
        let secret = self.config.password(password)?;
        if !matches!(password, Password::Written(_)) {
            return Ok(Some(secret));
        }
        if let Some(name) = &group.password_encryption_key_name {
            let key = self.opened(name, system_key)?;
            return Ok(Some(Arc::new(key.decrypt_value(secret.expose())?)));
        }
        let encryption = self.config.config_encryption();
        let name = encryption.key_name.as_str();
        if encryption.active
            && system_key::may_be_encrypted(secret.expose())
            && !self.is_on_the_way_to(name)
        {
            let key = self.opened(name, system_key)?;
            return Ok(Some(key.decrypt_value(secret.expose()).map_or(secret, Arc::new)));
        }
        Ok(Some(secret))
    }

    fn opened<'k>(
        &mut self,
        name: &str,
        system_key: &'k mut Option<SystemKey>,
    ) -> Result<&'k SystemKey> {
        let key = match system_key.take() {
            Some(key) => key,
            None => self.system_key(name)?,
        };
        Ok(system_key.insert(key))
    }

    /// Reads a system key from its file, or fetches it.
    fn system_key(&mut self, name: &str) -> Result<SystemKey> {
        if !system_key::is_on_server(name) {
            let directory = self.config.system_key_directory();
            let key = SystemKey::read(directory, name)?;
            self.warnings.extend(system_key::permission_warning(directory, name));
            return Ok(key);
        }
        let (group, id) = parts(name).at(self.config.path())?;
        if self.is_on_the_way_to(name) {
            let mut chain: Vec<_> = self.chain.iter().map(|on| config::label(on)).collect();
            chain.push(config::label(group));
            return Err(Error::invalid(format!(
                "the passwords of these groups need each other's keys: {}",
                chain.join(" -> ")
            ))
            .at(self.config.path())
            .hint(
                "give the passwords of one of them in files of their own (keystore_password_file, \
                 truststore_password_file), or encrypt them with a system key that is a file",
            ));
        }
        self.fetched(name, group, id).map_err(|error| unfetched(name, error))
    }

    fn fetched(&mut self, name: &str, group: &str, id: &str) -> Result<SystemKey> {
        let id = KeyId::new(id)?;
        key_of(name, self.client(group)?.fetch(&UniqueIdentifier::new(id.as_str()))?)
    }

    /// Whether a system key is on a group whose own passwords are being decrypted.
    fn is_on_the_way_to(&self, name: &str) -> bool {
        system_key::group_and_id(name).is_some_and(|(group, _)| self.chain.contains(&group))
    }
}
