//! System keys, which encrypt sensitive values of the configuration files, and the keys of the
//! replicated provider (FORMATS.md 6.2).
//!
//! ```text
//! file:  <transformation> ":" <strength in bits> ":" <base64 of the key>      first line only
//! value: base64 of ( [ IV, in the modes that have one ] ciphertext )
//! ```
//!
//! The key itself is in a file of `system_key_directory`, or on a KMIP server.

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

/// A key that decrypts values of the configuration files, and keys.
pub struct SystemKey {
    name: String,
    key: CipherKey,
}

impl SystemKey {
    /// Reads `<directory>/<name>`: its first line.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when the name leads out of the directory,
    /// the file is not a small regular one, or its first line does not have the form above;
    /// [`ErrorKind::KeyUnavailable`](crate::ErrorKind::KeyUnavailable) when there is no such file;
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a cipher that is not handled.
    /// Of the line, only cipher and strength are shown.
    pub fn read(directory: &Path, name: &str) -> Result<Self> {
        let inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if name.is_empty() || !inside {
            return Err(Error::invalid(
                "a system key's name must be that of a file in its directory",
            )
            .at(directory)
            .key(name.escape_debug())
            .hint("correct the name of the system key in the configuration file"));
        }
        let path = directory.join(name);
        let file = secret_file::open(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                Error::key_unavailable("the system key is missing").at(&path).hint(
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
                .hint("restore the system key: a line 'transformation:strength:base64 of the key'")
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

    /// Decrypts a value as written in a configuration file: base64 of the IV, in the modes that
    /// have one, and the ciphertext. White space in it is ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when it is not the base64 of a text that
    /// was encrypted with this key. A wrong key and damage look the same, and the error contains
    /// nothing of the value.
    pub fn decrypt_value(&self, value: &str) -> Result<Secret> {
        self.decrypt(value).ok_or_else(|| {
            Error::invalid("the value was not encrypted with the system key")
                .key(self.name.escape_debug())
                .hint(
                    "encrypt it again with that key (dsetool encryptconfigvalue), or, if it is in \
                     clear, say so by leaving the name of the key out",
                )
        })
    }

    /// Decrypts a key of the table of the replicated provider, in the same form.
    ///
    /// # Errors
    /// As [`Self::decrypt_value`].
    pub(super) fn decrypt_key(&self, value: &str) -> Result<SecretKey> {
        self.decrypt_bytes(value).map(SecretKey::from).ok_or_else(|| {
            Error::invalid("the key was not encrypted with the system key")
                .key(self.name.escape_debug())
                .hint(
                    "restore the system key that the node has (system_key_directory), or give the key \
                     itself: --kmip-keys FILE",
                )
        })
    }

    fn decrypt(&self, value: &str) -> Option<Secret> {
        let mut bytes = self.decrypt_bytes(value)?;
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Some(Secret::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                None
            }
        }
    }

    fn decrypt_bytes(&self, value: &str) -> Option<Zeroizing<Vec<u8>>> {
        let mut bytes = decode(value)?;
        let iv_length = self.key.transformation().iv_length();
        let (iv, data) = bytes.split_at_mut_checked(iv_length)?;
        let length = self.key.open(iv, data).ok()?;
        // A copy of its own length: the rest of the buffer is wiped with it.
        Some(Zeroizing::new(data.get(..length)?.to_vec()))
    }
}

impl fmt::Debug for SystemKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemKey").field("name", &self.name).field("key", &self.key).finish()
    }
}

/// Whether a text has the form of an encrypted value: base64 of whole blocks, the smallest of which
/// have eight bytes.
pub(super) fn may_be_encrypted(value: &str) -> bool {
    decode(value).is_some_and(|bytes| !bytes.is_empty() && bytes.len().is_multiple_of(8))
}

/// The group and the id of a system key on a KMIP server, from `kmip://group/id`.
pub(crate) fn group_and_id(name: &str) -> Option<(&str, &str)> {
    let (group, id) = name.strip_prefix(KMIP)?.split_once('/')?;
    (!group.is_empty() && !id.is_empty()).then_some((group, id))
}

/// Whether a system key is on a KMIP server, by its name.
pub(super) fn is_on_server(name: &str) -> bool {
    name.starts_with(KMIP)
}

/// How the name of a system key on a KMIP server starts.
const KMIP: &str = "kmip://";

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

/// Decodes everything that one of the database's base64 decoders accepts: with or without padding,
/// white space ignored, bits beyond the last byte dropped.
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

/// A warning when users other than its owner may read or change the file of a system key.
pub(super) fn permission_warning(directory: &Path, name: &str) -> Option<String> {
    config::exposed(&directory.join(name), "the system key")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;
    use crate::crypto::{IvSource, Lane, pad};
    use crate::error::ErrorKind;

    const KEY: &str = "AAECAwQFBgcICQoLDA0ODw==";
    /// `changeit` as openssl encrypts it: `openssl enc -aes-128-cbc` with the IV f0f1..ff in
    /// front, and `openssl enc -aes-128-ecb`.
    const BY_OPENSSL: [(&str, &str); 3] = [
        ("AES/CBC/PKCS5Padding", "8PHy8/T19vf4+fr7/P3+/ypJXErwmoRiFBJK+K0iiXg="),
        ("AES/ECB/PKCS5Padding", "uEhAsNySCF9hE9GEeYforA=="),
        ("AES", "uEhAsNySCF9hE9GEeYforA=="),
    ];

    fn directory(text: impl AsRef<[u8]>) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("system_key");
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).unwrap();
        file.write_all(text.as_ref()).unwrap();
        directory
    }

    fn read(text: impl AsRef<[u8]>) -> Result<SystemKey> {
        SystemKey::read(directory(text).path(), "system_key")
    }

    fn seal(transformation: &Transformation, key: &[u8], plain: &[u8]) -> String {
        let iv = IvSource::from_os().unwrap().next_iv();
        let mut data = plain.to_vec();
        data.resize(transformation.ciphertext_length(plain.len()), 0);
        let _length = pad(transformation, &mut data, plain.len());
        let sealer = CipherKey::new(transformation, key).unwrap();
        sealer.seal(&mut [Lane::new(iv, &mut data)]).unwrap();
        let bytes = [&iv[..transformation.iv_length()], &data].concat();
        BASE64.encode(bytes)
    }

    #[test]
    fn openssl_s_ciphertexts_decrypt() {
        for (transformation, value) in BY_OPENSSL {
            let key = read(format!("{transformation}:128:{KEY}\n")).unwrap();
            assert_eq!(key.decrypt_value(value).unwrap().expose(), "changeit", "{transformation}");
        }
    }

    #[test]
    fn white_space_and_missing_padding_do_not_matter() {
        let key = read(format!("AES:128:{KEY}")).unwrap();
        for value in [" uEhAsNySCF9h\nE9GEeYforA==\r\n", "uEhAsNySCF9hE9GEeYforA"] {
            assert_eq!(key.decrypt_value(value).unwrap().expose(), "changeit");
        }
    }

    #[test]
    fn only_the_first_line_counts() {
        for text in [format!("AES:128:{KEY}\nrubbish"), format!("AES:128:{KEY}\r\n\n")] {
            assert!(read(text).is_ok());
        }
    }

    #[test]
    fn a_value_that_is_not_ciphertext_is_refused_and_not_shown() {
        let cbc = read(format!("AES/CBC/PKCS5Padding:128:{KEY}")).unwrap();
        let ecb = read(format!("AES:128:{KEY}")).unwrap();
        // Not base64; not whole blocks; only an IV; under another key; empty.
        for value in ["hunter2!", "hunter22", "uEhAsNySCF9hE9GEeYforA==", "", "8PHy8/T1"] {
            let error = cbc.decrypt_value(value).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            let text = format!("{error} {error:?} {}", error.hint_text().unwrap());
            assert!(text.contains("was not encrypted with the system key"), "{text}");
            assert!(text.contains("(key system_key)"), "{text}");
            assert!(value.is_empty() || !text.contains(value), "{text}");
        }
        assert!(ecb.decrypt_value(&BY_OPENSSL[0].1[4..]).is_err());
        // A wrong key that gives valid padding by chance must still give text.
        let transformation = Transformation::parse("AES").unwrap();
        let key = decode(KEY).unwrap();
        assert!(ecb.decrypt_value(&seal(&transformation, &key, b"\xff\xfe")).is_err());
    }

    #[test]
    fn a_bad_line_is_refused_without_being_shown() {
        let secret = "c2VjcmV0c2VjcmV0c2VjcmV0";
        for (line, part) in [
            (String::new(), "line 1: it does not have exactly three fields"),
            (format!("\nAES:128:{KEY}"), "exactly three fields"),
            (format!("AES:128:{secret}:"), "exactly three fields"),
            (format!("AES:{secret}"), "exactly three fields"),
            (format!("AES:x:{secret}"), "its strength is not a number"),
            (format!("AES:128:{secret}!"), "its key is not base64"),
            (format!("AES:128:{secret}"), "a key of 18 bytes does not fit its strength, 128 bits"),
            (format!("AES:100:{secret}"), "no 100-bit keys"),
            (format!("AES/GCM/NoPadding:128:{secret}"), "AES/GCM/NoPadding"),
        ] {
            let error = read(&line).map(|_| ()).unwrap_err();
            let text = format!("{} {error:?} {}", error.chain(), error.hint_text().unwrap());
            assert!(text.contains(part), "{line}: {text}");
            assert!(text.contains("/system_key:") && !text.contains(secret), "{text}");
        }
        assert!(read(b"AES:128:\xff").unwrap_err().to_string().contains("not UTF-8"));
    }

    #[test]
    fn a_key_must_be_in_its_directory() {
        let directory = directory(format!("AES:128:{KEY}"));
        for name in ["", "/etc/passwd", "../system_key", "a/../system_key", "."] {
            let error = SystemKey::read(directory.path(), name).map(|_| ()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{name}");
        }
        let error = SystemKey::read(directory.path(), "other").map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        assert!(error.hint_text().unwrap().contains("keystore_password_file"));
        let error = SystemKey::read(directory.path().parent().unwrap(), "no/such").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        fs::create_dir(directory.path().join("dir")).unwrap();
        let error = SystemKey::read(directory.path(), "dir").unwrap_err();
        assert!(error.to_string().contains("regular file"), "{error}");
    }

    #[test]
    fn debug_shows_what_the_key_is_for() {
        let key = read(format!("AES:128:{KEY}")).unwrap();
        let debug = format!("{key:?}");
        assert!(debug.contains("system_key") && debug.contains("\"AES\""), "{debug}");
        assert!(!debug.contains("AAEC"), "{debug}");
    }

    #[test]
    fn the_form_of_a_ciphertext_is_whole_blocks() {
        for (value, may) in [
            ("uEhAsNySCF9hE9GEeYforA==", true),
            ("AAECAwQFBgc=", true),
            ("changeit", false),
            ("", false),
            ("pässwörd", false),
        ] {
            assert_eq!(may_be_encrypted(value), may, "{value}");
        }
    }

    proptest! {
        #[test]
        fn decryption_undoes_encryption(text in ".{0,40}", key in any::<[u8; 32]>(), cbc: bool) {
            let name = if cbc { "AES/CBC/PKCS5Padding" } else { "AES" };
            let transformation = Transformation::parse(name).unwrap();
            let opener =
                SystemKey::new("k", &transformation, &SecretKey::from(key.to_vec())).unwrap();
            let value = seal(&transformation, &key, text.as_bytes());
            prop_assert!(may_be_encrypted(&value));
            let opened = opener.decrypt_value(&value).unwrap();
            prop_assert_eq!(opened.expose(), text);
        }

        #[test]
        fn arbitrary_text_never_panics(line in any::<Vec<u8>>(), value in ".{0,60}") {
            drop(parse(&line));
            let transformation = Transformation::parse("AES/CBC/PKCS5Padding").unwrap();
            let key = SystemKey::new("k", &transformation, &SecretKey::from(vec![0; 16])).unwrap();
            drop(key.decrypt_value(&value));
        }
    }
}
