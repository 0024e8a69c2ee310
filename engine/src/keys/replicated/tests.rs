use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_kmip::secret::Secret;

use super::*;
use crate::crypto::{CipherKey, IvSource, Lane, pad};
use crate::io::{LocalStorage, Storage as _};
use crate::keys::{KeyProvider as _, KeySources};

const FIRST: &str = "1cc41f80-8a5a-11f0-9001-000000000001";
const SECOND: &str = "1cc41f80-8a5a-11f0-9001-000000000002";

fn sealed(system_key: &[u8], key: &[u8]) -> Secret {
    use base64::Engine as _;
    let transformation = Transformation::parse("AES/CBC/PKCS5Padding").unwrap();
    let iv = IvSource::from_os().unwrap().next_iv();
    let mut data = key.to_vec();
    data.resize(transformation.ciphertext_length(key.len()), 0);
    let _length = pad(&transformation, &mut data, key.len());
    let cipher = CipherKey::new(&transformation, system_key).unwrap();
    cipher.seal(&mut [Lane::new(iv, &mut data)]).unwrap();
    Secret::new(base64::engine::general_purpose::STANDARD.encode([&iv[..], &data].concat()))
}

/// Rows as (table, system key, strength, id, key), encrypted by a system key of sevens.
struct Rows {
    rows: Vec<(KeyTable, &'static str, u32, &'static str, Vec<u8>)>,
    reads: Arc<AtomicUsize>,
    is_broken: bool,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}

impl KeyRows for Rows {
    fn read(&self) -> Result<Vec<EncryptedKey>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.is_broken {
            return Err(Error::corrupt("its rows cannot be read").at("/d/oa-1-big-Data.db"));
        }
        let row =
            |(table, system_key, strength, id, key): &(_, &str, u32, &str, Vec<u8>)| EncryptedKey {
                table: *table,
                system_key: (*system_key).to_owned(),
                cipher: "AES".to_owned(),
                strength: *strength,
                id: Uuid::parse_str(id).unwrap(),
                value: sealed(&[7; 16], key),
                origin: Some(std::path::Path::new("/d/oa-1-big-Data.db").into()),
            };
        Ok(self.rows.iter().map(row).collect())
    }
}

struct Site {
    keys: ReplicatedKeys,
    reads: Arc<AtomicUsize>,
    directory: tempfile::TempDir,
}

fn site(rows: &[(KeyTable, &'static str, u32, &'static str, Vec<u8>)]) -> Site {
    let directory = tempfile::tempdir().unwrap();
    let line = "AES/CBC/PKCS5Padding:128:BwcHBwcHBwcHBwcHBwcHBw==\n";
    write(&directory.path().join("system_key"), line);
    let reads = Arc::new(AtomicUsize::new(0));
    let rows = Rows { rows: rows.to_vec(), reads: Arc::clone(&reads), is_broken: false };
    let keys = ReplicatedKeys::new(Box::new(rows), Some(directory.path().to_owned()), None);
    Site { keys, reads, directory }
}

fn write(path: &std::path::Path, text: &str) {
    use std::io::Write as _;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn name(id: &str) -> KeyRef {
    KeyRef::Replicated { system_key: "system_key".to_owned(), id: KeyId::new(id).unwrap() }
}

fn dse(
    strength: u32,
    id: &'static str,
    key: &[u8],
) -> (KeyTable, &'static str, u32, &'static str, Vec<u8>) {
    (KeyTable::Dse, "system_key", strength, id, key.to_vec())
}

#[test]
fn a_row_s_key_is_decrypted_by_the_system_key_of_its_name() {
    let site = site(&[dse(128, FIRST, &[1; 16]), dse(256, SECOND, &[2; 32])]);
    assert_eq!(site.reads.load(Ordering::Relaxed), 0, "nothing is read before a key is asked for");
    for (id, key) in [(FIRST, vec![1; 16]), (SECOND, vec![2; 32])] {
        assert_eq!(site.keys.read_key(&name(id), None).unwrap().expose(), key);
    }
    let upper = site.keys.read_key(&name(&FIRST.to_uppercase()), None).unwrap();
    assert_eq!(upper.expose(), [1; 16]);
    assert_eq!(site.reads.load(Ordering::Relaxed), 1);
    let ids = |bits| site.keys.ids("system_key", bits).unwrap().map(|id| id.as_str().to_owned());
    assert_eq!(ids(256).collect::<Vec<_>>(), [SECOND]);
    let debug = format!("{:?}", site.keys);
    assert!(debug.contains("system_key") && !debug.contains("BwcH") && !debug.contains("[1, 1"));
}

#[test]
fn what_cannot_be_had_says_why_and_what_to_do() {
    let refused = |keys: &ReplicatedKeys, id: &str| {
        let error = keys.read_key(&name(id), None).map(|_| ()).unwrap_err();
        (error.kind(), error.chain(), error.hint_text().unwrap().to_owned())
    };
    // No row; a table without any.
    let one = site(&[dse(128, FIRST, &[1; 16])]);
    let (kind, text, hint) = refused(&one.keys, SECOND);
    assert_eq!(kind, ErrorKind::KeyUnavailable);
    assert!(text.contains("does not have the key") && text.contains(SECOND), "{text}");
    assert!(hint.contains("nodetool drain") && hint.contains("--kmip-keys"), "{hint}");
    let (_, text, _) = refused(&site(&[]).keys, FIRST);
    assert!(text.contains("have no dse_system.encrypted_keys"), "{text}");
    // A key of a length that its row does not say.
    let (_, text, hint) = refused(&site(&[dse(128, FIRST, &[1; 24])]).keys, FIRST);
    assert!(text.contains("192 bits") && text.contains("/d/oa-1-big-Data.db"), "{text}");
    assert!(hint.contains("the system key is the one"), "{hint}");
    // Another system key; none; no directory of them.
    let other = site(&[dse(128, FIRST, &[1; 16])]);
    let path = other.directory.path().join("system_key");
    LocalStorage.remove_file(&path).unwrap();
    write(&path, "AES/CBC/PKCS5Padding:128:CQkJCQkJCQkJCQkJCQkJCQ==\n");
    let (kind, text, _) = refused(&other.keys, FIRST);
    assert_eq!(kind, ErrorKind::KeyUnavailable);
    assert!(text.contains("was not encrypted with the system key"), "{text}");
    let none = site(&[dse(128, FIRST, &[1; 16])]);
    LocalStorage.remove_file(&none.directory.path().join("system_key")).unwrap();
    let (_, text, hint) = refused(&none.keys, FIRST);
    assert!(text.contains("the system key is missing"), "{text}");
    assert!(hint.contains("system_key_directory") && hint.contains("--kmip-keys"), "{hint}");
    let Site { mut keys, .. } = site(&[dse(128, FIRST, &[1; 16])]);
    keys.system_keys = None;
    let (_, text, hint) = refused(&keys, FIRST);
    assert!(text.contains("where the system keys are"), "{text}");
    assert!(hint.contains("--config"), "{hint}");
}

#[test]
fn a_broken_table_fails_each_key_with_its_place() {
    let rows = Rows { rows: vec![], reads: Arc::default(), is_broken: true };
    let keys = ReplicatedKeys::new(Box::new(rows), None, None);
    let error = keys.read_key(&name(FIRST), None).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
    assert!(error.chain().contains("/d/oa-1-big-Data.db"), "{}", error.chain());
    assert!(keys.to_write("system_key", "AES", 128).is_err() && !keys.is_default_provider());
}

#[test]
fn rows_of_both_products_may_say_the_same_and_not_contradict_each_other() {
    let hcd = |key: &[u8]| (KeyTable::Hcd, "system_key", 128, FIRST, key.to_vec());
    let same = site(&[dse(128, FIRST, &[1; 16]), hcd(&[1; 16])]);
    assert_eq!(same.keys.read_key(&name(FIRST), None).unwrap().expose(), [1; 16]);
    let differ = site(&[dse(128, FIRST, &[1; 16]), hcd(&[2; 16])]);
    let error = differ.keys.read_key(&name(FIRST), None).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    // One that cannot be decrypted does not stand in the way of one that can.
    let half = site(&[dse(128, FIRST, &[1; 5]), hcd(&[2; 16])]);
    assert_eq!(half.keys.read_key(&name(FIRST), None).unwrap().expose(), [2; 16]);
}

#[test]
fn the_first_row_is_written_with() {
    let to_write = |keys: &ReplicatedKeys, system_key: &str, strength| {
        keys.to_write(system_key, "AES", strength).unwrap().map(|row| row.id.to_string())
    };
    let one = site(&[dse(128, SECOND, &[2; 16]), dse(128, FIRST, &[1; 16])]);
    assert_eq!(to_write(&one.keys, "system_key", 128).as_deref(), Some(SECOND));
    assert_eq!(to_write(&one.keys, "system_key", 256), None);
    assert_eq!(to_write(&one.keys, "other", 128), None);
    assert!(one.keys.is_default_provider());
    let Site { mut keys, .. } =
        site(&[dse(128, FIRST, &[1; 16]), (KeyTable::Hcd, "system_key", 128, SECOND, vec![2; 16])]);
    let error = keys.to_write("system_key", "AES", 128).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.hint_text().unwrap().contains("--flavor"), "{error:?}");
    assert!(!keys.is_default_provider());
    for (table, id, is_default) in [(KeyTable::Dse, FIRST, true), (KeyTable::Hcd, SECOND, false)] {
        keys.table = Some(table);
        assert_eq!(to_write(&keys, "system_key", 128).as_deref(), Some(id));
        assert_eq!(keys.is_default_provider(), is_default);
    }
}

#[test]
fn sources_ask_the_table_after_the_exported_file() {
    let Site { keys, .. } = site(&[dse(128, FIRST, &[1; 16])]);
    let sources = KeySources { replicated: Some(keys), ..KeySources::default() };
    // The directory of the system key is gone.
    let error = sources.read_key(&name(FIRST)).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
    let error = KeySources::default().read_key(&name(FIRST)).map(|_| ()).unwrap_err();
    assert!(error.hint_text().unwrap().contains("--config"), "{error:?}");
}
