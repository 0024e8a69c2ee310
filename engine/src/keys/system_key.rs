//! System keys: what encrypts sensitive values of the configuration files (FORMATS.md 6.2).
//!
//! ```text
//! file:  <transformation> ":" <strength in bits> ":" <base64 of the key>      first line only
//! value: base64 of ( [ IV, in the modes that have one ] ciphertext )
//! ```
//!
//! The key itself lies in a file of `system_key_directory`, or on a KMIP server.

use std::fmt;
use std::path::{Component, Path};

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use rekey_kmip::secret::Secret;
use zeroize::{Zeroize as _, Zeroizing};

use super::{SecretKey, secret_file};
use crate::config;
use crate::crypto::{CipherKey, Transformation};
use crate::error::{Error, Result, ResultExt as _};

/// A key that decrypts values of the configuration files.
pub struct SystemKey {
    name: String,
    key: CipherKey,
}

impl SystemKey {
    /// Reads `<directory>/<name>`: its first line.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the name leads out of the
    /// directory, the file is not a small regular one, or its first line is not of the form
    /// above; [`ErrorKind::KeyUnavailable`](crate::ErrorKind::KeyUnavailable) when there is no
    /// such file; [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a cipher that is
    /// not handled. Nothing of the line but its cipher and strength is shown.
    pub fn read(directory: &Path, name: &str) -> Result<Self> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || !inside {
            return Err(Error::invalid(
                "a system key's name must be that of a file in its directory",
            )
            .at(directory)
            .key(name.escape_debug())
            .cure("correct the name of the system key in the configuration file"));
        }
        let path = directory.join(name);
        let file = secret_file::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::key_unavailable("the system key is missing").at(&path).cure(
                    "restore it, or correct system_key_directory; without it, give the passwords \
                       in files of their own (keystore_password_file, truststore_password_file)",
                )
            }
            _ => Error::io("cannot open the system key", &path, error),
        })?;
        let text = secret_file::read(&file, &path)?;
        let line = secret_file::lines(&text).next().unwrap_or_default();
        let (transformation, key) = parse(line)
            .map_err(|error| {
                match error {
                    LineError::Other(error) => error,
                    form => Error::invalid(format!("line 1: {form}")),
                }
                .cure("restore the system key: a line 'transformation:strength:base64 of the key'")
            })
            .at(&path)?;
        Self::new(name, &transformation, &key).at(&path)
    }

    /// A key from elsewhere, under a name for messages.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the cipher has no keys of that
    /// length.
    pub fn new(
        name: impl Into<String>,
        transformation: &Transformation,
        key: &SecretKey,
    ) -> Result<Self> {
        Ok(Self { name: name.into(), key: CipherKey::new(transformation, key.expose())? })
    }

    /// Decrypts a value as it stands in a configuration file: base64 of the IV, in the modes that
    /// have one, and the ciphertext. White space in it does not count.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when it is not the base64 of a text that
    /// was encrypted with this key. Wrong key and damage look the same, and nothing of the value
    /// is in the error.
    pub fn decrypt_value(&self, value: &str) -> Result<Secret> {
        self.decrypt(value).ok_or_else(|| {
            Error::invalid("the value was not encrypted with the system key")
                .key(self.name.escape_debug())
                .cure(
                    "encrypt it again with that key (dsetool encryptconfigvalue), or, if it is in \
                     clear, say so by leaving the name of the key out",
                )
        })
    }

    fn decrypt(&self, value: &str) -> Option<Secret> {
        let mut bytes = decode(value)?;
        let iv_length = self.key.transformation().iv_length();
        let (iv, data) = bytes.split_at_mut_checked(iv_length)?;
        let length = self.key.open(iv, data).ok()?;
        match String::from_utf8(data.get(..length)?.to_vec()) {
            Ok(text) => Some(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }
}

impl fmt::Debug for SystemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemKey").field("name", &self.name).field("key", &self.key).finish()
    }
}

/// Whether a text has the form of an encrypted value: base64 of whole blocks, of which the
/// smallest have eight bytes.
pub(super) fn may_be_encrypted(value: &str) -> bool {
    decode(value).is_some_and(|bytes| !bytes.is_empty() && bytes.len().is_multiple_of(8))
}

/// What is wrong with the line.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error("its key is not base64")]
    Base64,
    #[error("it does not have exactly three fields")]
    Fields,
    #[error("a key of {bytes} bytes does not fit its strength, {strength} bits")]
    Length { bytes: usize, strength: u32 },
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("its strength is not a number of bits")]
    Strength,
    #[error(transparent)]
    Other(#[from] Error),
}

fn parse(line: &[u8]) -> Result<(Transformation, SecretKey), LineError> {
    let line = str::from_utf8(line).map_err(|_not_utf8| LineError::NotText)?;
    let fields: Vec<&str> = line.split(':').collect();
    let [transformation, strength, key] = *fields.as_slice() else {
        return Err(LineError::Fields);
    };
    let strength = strength.parse::<u32>().map_err(|_not_a_number| LineError::Strength)?;
    let transformation = Transformation::parse(transformation).map_err(Error::from)?;
    let length = transformation.key_length(strength).map_err(Error::from)?;
    let key = decode(key).ok_or(LineError::Base64)?;
    if key.len() != length {
        return Err(LineError::Length { bytes: key.len(), strength });
    }
    Ok((transformation, SecretKey::from(key)))
}

/// Decodes base64 as the database's decoders do together: with or without padding, white space
/// passed over, bits beyond the last byte dropped.
fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut compact = Zeroizing::new(Vec::with_capacity(text.len()));
    compact.extend(text.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(compact.len())]);
    let length = BASE64.decode_slice(&*compact, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A warning when others than its owner may read or change the file of a system key.
pub(super) fn permission_warning(directory: &Path, name: &str) -> Option<String> {
    config::exposed(&directory.join(name), "the system key")
}
