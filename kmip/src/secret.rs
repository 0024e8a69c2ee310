//! Passwords: text that is wiped when it is dropped and that nothing can print or copy.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::{Zeroize as _, Zeroizing};

/// A password or another piece of secret text.
///
/// It has no `Clone`, no `Display` and no comparison; its `Debug` form is always the same, so
/// that not even the length leaks. The memory is wiped when it is dropped.
///
/// ```
/// use rekey_kmip::secret::Secret;
///
/// let password = Secret::new(String::from("changeit"));
/// assert_eq!(password.expose(), "changeit");
/// assert_eq!(format!("{password:?}"), "Secret(..)");
/// ```
///
/// ```compile_fail,E0599
/// let password = rekey_kmip::secret::Secret::new(String::from("changeit"));
/// let copy = password.clone(); // a secret has one owner
/// ```
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The longest text that [`read`](Self::read) takes, its line end included.
    pub const MAX_BYTES: u16 = 4096;

    /// Takes ownership of text. The caller's `String` becomes the secret: no copy is made.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Reads a password file, such as `keystore_password_file` names: UTF-8 text, with one line
    /// end at the end of the file taken off.
    ///
    /// # Errors
    /// [`SecretError`] when the file cannot be read, is too long, or is not text.
    pub fn from_file(path: &Path) -> Result<Self, SecretError> {
        Self::read(File::open(path).map_err(SecretError::Io)?)
    }

    /// Reads a password from a descriptor that this process inherited, as `3` in
    /// `sstablerekey … 3< password`.
    ///
    /// # Errors
    /// [`SecretError`] when the descriptor is not open for reading (or is a socket, which the
    /// system does not let anyone open by number), its text is too long, or is not text.
    pub fn from_descriptor(descriptor: u32) -> Result<Self, SecretError> {
        // Opening by number needs no unsafe code and leaves the descriptor itself alone.
        Self::from_file(Path::new(&format!("/dev/fd/{descriptor}")))
    }

    /// Reads to the end, like [`from_file`](Self::from_file).
    ///
    /// # Errors
    /// [`SecretError`] when reading fails, the text is too long, or is not text.
    pub fn read(source: impl Read) -> Result<Self, SecretError> {
        let limit = usize::from(Self::MAX_BYTES);
        // Never grows, so no reallocation leaves an unwiped copy.
        let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 64));
        source
            .take(u64::from(Self::MAX_BYTES) + 1)
            .read_to_end(&mut bytes)
            .map_err(SecretError::Io)?;
        if bytes.len() > limit {
            return Err(SecretError::TooLong);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        match String::from_utf8(std::mem::take(&mut *bytes)) {
            Ok(text) => Ok(Self::new(text)),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(SecretError::NotText)
            }
        }
    }

    /// The text itself. Keep the borrow short, and copy it only into memory that is wiped.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty: an existing password without characters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text in UTF-16, big-endian, as Java's JKS hashes passwords.
    #[must_use]
    pub fn utf16_be(&self) -> Zeroizing<Vec<u8>> {
        let units = self.0.encode_utf16();
        let mut bytes = Zeroizing::new(Vec::with_capacity(units.clone().count().saturating_mul(2)));
        for unit in units {
            bytes.extend(unit.to_be_bytes());
        }
        bytes
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Why a secret cannot be read. It never holds a piece of what was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The operating system refused.
    #[error("cannot read the secret")]
    Io(#[source] io::Error),
    /// More than [`Secret::MAX_BYTES`]: hardly a password.
    #[error("the secret is longer than {} bytes", Secret::MAX_BYTES)]
    TooLong,
    /// Not UTF-8.
    #[error("the secret is not text in UTF-8")]
    NotText,
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn read(bytes: &[u8]) -> Result<String, SecretError> {
        Secret::read(bytes).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn only_one_line_end_is_removed() {
        for (bytes, text) in [
            (&b""[..], ""),
            (b"\n", ""),
            (b"changeit", "changeit"),
            (b"changeit\n", "changeit"),
            (b"changeit\r\n", "changeit"),
            (b"changeit\n\n", "changeit\n"),
            (b" change it \n", " change it "),
            (b"changeit\r", "changeit\r"),
            ("pässwörd€\n".as_bytes(), "pässwörd€"),
        ] {
            assert_eq!(read(bytes).unwrap(), text, "{bytes:?}");
        }
    }

    #[test]
    fn invalid_passwords_are_refused_and_not_shown() {
        let long = vec![b'x'; usize::from(Secret::MAX_BYTES) + 1];
        assert!(matches!(read(&long), Err(SecretError::TooLong)));
        assert_eq!(read(&long[1..]).unwrap().len(), usize::from(Secret::MAX_BYTES));
        let error = read(b"hunter2\xff").unwrap_err();
        assert!(matches!(error, SecretError::NotText));
        assert!(!format!("{error:?} {error}").contains("hunter2"));
        let error = Secret::from_file(Path::new("/nonexistent/password")).unwrap_err();
        assert!(matches!(error, SecretError::Io(_)));
    }

    #[test]
    fn a_descriptor_is_read_to_its_end() {
        use std::os::fd::AsRawFd as _;

        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"from a pipe\n").unwrap();
        drop(writer);
        let descriptor = u32::try_from(reader.as_raw_fd()).unwrap();
        assert_eq!(Secret::from_descriptor(descriptor).unwrap().expose(), "from a pipe");
        assert!(matches!(Secret::from_descriptor(u32::MAX), Err(SecretError::Io(_))));
    }

    #[test]
    fn java_s_form_is_utf_16_big_endian() {
        let form = |text: &str| Secret::new(text.to_owned()).utf16_be().to_vec();
        assert_eq!(form(""), []);
        assert_eq!(form("a€"), [0, b'a', 0x20, 0xac]);
        assert_eq!(form("😀"), [0xd8, 0x3d, 0xde, 0x00]);
    }

    #[test]
    fn debug_reveals_nothing_at_any_depth() {
        let secret = Some((1, Secret::new("hunter2".to_owned())));
        assert_eq!(format!("{secret:?}"), "Some((1, Secret(..)))");
        assert!(!format!("{secret:#?}").contains("hunter"));
        assert!(!Secret::new("x".to_owned()).is_empty());
    }
}
