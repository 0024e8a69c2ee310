//! Keys that were exported to a file from a KMIP server, or from the table that the replicated
//! provider keeps its keys in: `--kmip-keys FILE`.
//!
//! ```text
//! # exported on 2026-03-01
//! 02-449 = 000102030405060708090a0b0c0d0e0f
//! ```
//!
//! One `id = key` a line; the key in hexadecimal digits of either case. Blank lines and lines that
//! start with `#` are ignored, and so is the space around id and key. An id may contain `=`: the
//! last one of the line counts. A key of the replicated provider has its UUID for an id. Only the
//! owner may read the file.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{KeyId, KeyIdError, KeyProvider, KeyRef, SecretKey, secret_file};
use crate::error::{Error, Result};

/// The keys of such a file. It has no groups: a key is found by its id alone.
#[derive(Debug)]
pub struct KmipKeyFile {
    path: PathBuf,
    keys: BTreeMap<KeyId, SecretKey>,
}

impl KmipKeyFile {
    /// Reads the whole file, up to 1 MiB.
    ///
    /// # Errors
    /// [`ErrorKind::KeyUnavailable`](crate::ErrorKind::KeyUnavailable) when the file does not
    /// exist; [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when it is not a regular file,
    /// others than its owner have any permission on it, or a line does not have the form above: the
    /// error names the line's number, never its content.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let file = secret_file::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Error::key_unavailable("the file of KMIP keys is missing")
                .at(&path)
                .hint("check the path given with --kmip-keys"),
            _ => Error::io("cannot open the file of KMIP keys", &path, error),
        })?;
        let metadata = secret_file::metadata(&file, &path)?;
        let own = rustix::process::geteuid().as_raw();
        if ![own, 0].contains(&metadata.uid()) {
            return Err(Error::invalid(format!(
                "the file of KMIP keys belongs to user {}, who could put other keys into it",
                metadata.uid()
            ))
            .at(&path)
            .hint("check its keys, and chown it to root or to the user who runs this"));
        }
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & !OWNER_READ_WRITE != 0 {
            return Err(Error::invalid(format!(
                "the file of KMIP keys has mode {mode:04o}; only its owner may have access"
            ))
            .at(&path)
            .hint(format!("chmod 600 {}", path.display())));
        }
        let keys = parse(&secret_file::read(&file, &path)?, &path)?;
        Ok(Self { path, keys })
    }

    /// The ids of the keys, in order.
    #[must_use]
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &KeyId> {
        self.keys.keys()
    }
}

impl KeyProvider for KmipKeyFile {
    fn read_key(&self, key: &KeyRef) -> Result<SecretKey> {
        let found = match key {
            KeyRef::Kmip { id, .. } => self.keys.get(id).ok_or_else(|| {
                Error::key_unavailable("the file of KMIP keys does not have this key")
                    .key(key)
                    .hint("export the key from its server, and add a line 'id = hex key'")
            }),
            // Operators write UUIDs in either case.
            KeyRef::Replicated { id, .. } => self
                .keys
                .iter()
                .find(|(own, _)| own.as_str().eq_ignore_ascii_case(id.as_str()))
                .map(|(_, key)| key)
                .ok_or_else(|| not_offline(key)),
            KeyRef::Keystore { .. } | KeyRef::LocalFile { .. } => {
                Err(Error::key_unavailable("a file of KMIP keys has no local keys")
                    .key(key)
                    .hint("restore the local key file that the SSTable's options name"))
            }
        };
        let key = found.map_err(|error| error.at(&self.path))?;
        Ok(SecretKey::from(key.expose().to_vec()))
    }
}

/// Nobody says which node's table it is in, or that file does not have it.
pub(super) fn not_offline(key: &KeyRef) -> Error {
    Error::key_unavailable(
        "the key is in the database's own table (dse_system.encrypted_keys or \
         hcd_system.encrypted_keys), which nothing here leads to",
    )
    .key(key)
    .hint(
        "give the data directories of the node and its configuration, whose system keys decrypt the \
         table: --config /etc/dse/dse.yaml (or hcd.yaml); or the key as a line 'key id = hex' in a file \
         of mode 0600: --kmip-keys FILE",
    )
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum LineError {
    #[error("its key is not an even number of hexadecimal digits")]
    Hex,
    #[error(transparent)]
    Id(#[from] KeyIdError),
    #[error("it is not of the form 'id = hex key'")]
    NoEqualsSign,
    #[error("it is not UTF-8 text")]
    NotText,
}

fn parse(text: &[u8], path: &Path) -> Result<BTreeMap<KeyId, SecretKey>> {
    let mut keys = BTreeMap::new();
    for (number, line) in (1_usize..).zip(secret_file::lines(text)) {
        let pair = parse_line(line).map_err(|error| {
            Error::invalid(format!("line {number}: {error}"))
                .at(path)
                .hint("write each line as 'id = hex key', or start it with '#'")
        })?;
        let Some((id, key)) = pair else { continue };
        if keys.contains_key(&id) {
            return Err(Error::invalid(format!("line {number}: this key id came before"))
                .at(path)
                .key(id)
                .hint("give each key once"));
        }
        keys.insert(id, key);
    }
    Ok(keys)
}

fn parse_line(line: &[u8]) -> Result<Option<(KeyId, SecretKey)>, LineError> {
    let line = str::from_utf8(line).map_err(|_not_utf8| LineError::NotText)?.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (id, key) = line.rsplit_once('=').ok_or(LineError::NoEqualsSign)?;
    Ok(Some((KeyId::new(id.trim())?, parse_hex(key.trim()).ok_or(LineError::Hex)?)))
}

fn parse_hex(text: &str) -> Option<SecretKey> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    if pairs.is_empty() {
        return None;
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for &[high, low] in pairs {
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push(u8::try_from(digit(high)? << 4 | digit(low)?).ok()?);
    }
    Some(SecretKey::from(bytes))
}

/// The most permissive mode allowed.
const OWNER_READ_WRITE: u32 = 0o600;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::{OpenOptionsExt as _, symlink};

    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    const UUID: &str = "0eb2277e-0acc-4adb-9241-1dd84dde691c";

    struct Place {
        directory: tempfile::TempDir,
        path: PathBuf,
    }

    fn place(text: &[u8], mode: u32) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("kmip-keys");
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        file.write_all(text).unwrap();
        file.set_permissions(fs::Permissions::from_mode(mode)).unwrap();
        Place { directory, path }
    }

    fn opened(text: &str) -> Result<KmipKeyFile> {
        KmipKeyFile::open(place(text.as_bytes(), 0o600).path)
    }

    fn kmip(id: &str) -> KeyRef {
        KeyRef::Kmip { group: "any".to_owned(), id: KeyId::new(id).unwrap() }
    }

    /// The two keys of the shared fixtures' `kmip.properties`.
    #[test]
    fn keys_are_found_by_id() {
        let file = opened(&format!(
            "# two keys\n\n 02-449 = \
             000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f \r\n\
             \t{UUID}=F0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101"
        ))
        .unwrap();
        assert_eq!(file.ids().map(KeyId::as_str).collect::<Vec<_>>(), ["02-449", UUID]);
        let key = file.read_key(&kmip("02-449")).unwrap();
        assert_eq!(key.expose(), (0..32).collect::<Vec<u8>>());
        assert_eq!(file.read_key(&kmip(UUID)).unwrap().expose()[..2], [0xf0, 0xe0]);

        let debug = format!("{file:?}");
        assert!(debug.contains("02-449") && debug.contains("SecretKey(256 bits)"), "{debug}");
        assert!(!debug.contains("0001") && !debug.contains("f0"), "{debug}");
    }

    #[test]
    fn ids_are_opaque() {
        let file = opened("a=b=c = 00\nA=B=C = 01\nspace inside = 02\n").unwrap();
        for (id, byte) in [("a=b=c", 0), ("A=B=C", 1), ("space inside", 2)] {
            assert_eq!(file.read_key(&kmip(id)).unwrap().expose(), [byte]);
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_unavailable() {
        let file = opened("a = 00").unwrap();
        let local = KeyRef::LocalFile {
            file: "k".to_owned(),
            transformation: "AES".to_owned(),
            strength: 128,
        };
        for key in [kmip("b"), local] {
            let error = file.read_key(&key).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
            assert!(error.to_string().contains(&format!("(key {key})")), "{error}");
            assert!(error.to_string().contains("kmip-keys:"), "{error}");
            assert!(error.hint_text().is_some());
        }
        assert_eq!(opened("").unwrap().ids().len(), 0);
    }

    #[test]
    fn a_bad_line_is_named_by_number_only() {
        let long = format!("{} = 00", "i".repeat(4097));
        for (line, part) in [
            ("deadbeefcafe", "line 2: it is not of the form 'id = hex key'"),
            ("id = deadbeefcaf", "line 2: its key is not an even number"),
            ("id = deadbeefcafg", "line 2: its key is not"),
            ("id = 0xdeadbeef", "line 2: its key is not"),
            ("id = dead beef", "line 2: its key is not"),
            ("id = deadbeef # no", "line 2: its key is not"),
            ("deadbeef=02-449", "line 2: its key is not"),
            ("id = 3q2+7w==", "line 2: its key is not"),
            ("id = ", "line 2: its key is not"),
            ("id = é0", "line 2: its key is not"),
            (" = deadbeef", "line 2: the key id is empty"),
            (&long, "line 2: the key id has 4097 bytes"),
        ] {
            let error = opened(&format!("a = 00\n{line}\n")).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{line}");
            let text = format!("{error} {error:?} {}", error.hint_text().unwrap());
            assert!(text.contains(part), "{line}: {text}");
            assert!(text.contains("kmip-keys: line"), "{text}");
            assert!(!text.contains("deadbeef") && !text.contains("3q2"), "{text}");
        }
        let error = KmipKeyFile::open(place(b"a = 00\n\xff = 00\n", 0o600).path).unwrap_err();
        assert!(error.to_string().contains("line 2: it is not UTF-8"), "{error}");
    }

    #[test]
    fn an_id_may_occur_once() {
        let error = opened("a = 00\n# a\na = 00\n").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("line 3: this key id came before (key a)"), "{error}");
    }

    #[test]
    fn only_the_owner_may_have_access() {
        for mode in [0o600, 0o400] {
            KmipKeyFile::open(place(b"a = 00", mode).path).unwrap();
        }
        for mode in [0o640, 0o604, 0o620, 0o644, 0o700, 0o1600, 0o777] {
            let place = place(b"a = 00", mode);
            let error = KmipKeyFile::open(&place.path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{mode:o}");
            assert!(error.to_string().contains(&format!("mode {mode:04o}")), "{error}");
            assert!(
                error.hint_text().unwrap().starts_with("chmod 600 /"),
                "{:?}",
                error.hint_text()
            );
        }
    }

    #[test]
    fn the_file_must_be_a_small_regular_one() {
        let place = place(b"a = 00", 0o600);
        let link = place.directory.path().join("link");
        symlink(&place.path, &link).unwrap();
        KmipKeyFile::open(&link).unwrap();

        let error = KmipKeyFile::open(place.directory.path()).unwrap_err();
        assert!(error.to_string().contains("regular file"), "{error}");
        let pipe = place.directory.path().join("pipe");
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &pipe,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        let error = KmipKeyFile::open(&pipe).unwrap_err();
        assert!(error.to_string().contains("regular file"), "{error}");

        let error = KmipKeyFile::open(place.directory.path().join("none")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        assert!(error.to_string().contains("/none: "), "{error}");

        let large = fs::OpenOptions::new().write(true).open(&place.path).unwrap();
        large.set_len(secret_file::MAX_FILE_LENGTH + 1).unwrap();
        let error = KmipKeyFile::open(&place.path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("1048577 bytes"), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(text in any::<Vec<u8>>(), line in "[a= #0-9f\n\r]{0,40}") {
            drop(parse(&text, Path::new("f")));
            drop(parse(line.as_bytes(), Path::new("f")));
        }
    }
}
