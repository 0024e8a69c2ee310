//! The tables of the replicated provider as real nodes write them (`testdata/key_tables`), against what
//! CQL showed of them.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::super::{Limits, NodeKeyTables, encrypted_keys};
use super::testdata;
use crate::io::LocalStorage;
use crate::keys::{
    EncryptedKey, KeyId, KeyProvider as _, KeyRef, KeySources, KeyTable, LocalKeyFiles,
    ReplicatedKeys,
};
use crate::{ErrorKind, Result};

const FORMATS: [&str; 3] = ["nb", "oa", "da"];

fn place() -> PathBuf {
    testdata().join("key_tables")
}

fn rows_of(data_dir: &Path) -> Result<Vec<EncryptedKey>> {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
    let local = LocalKeyFiles::default();
    encrypted_keys(&LocalStorage, &[data_dir.to_owned()], &local, Limits::default(), now)
}

/// As CQL showed the rows of a table, in its order.
fn said(data_dir: &Path, table: KeyTable, system_key: &str) -> Vec<[String; 4]> {
    let text = fs::read(data_dir.join("expected.json")).unwrap();
    let all: Value = serde_json::from_slice(&text).unwrap();
    let text = |row: &Value, column: &str| row[column].as_str().unwrap().to_owned();
    let rows = all[table.to_string()].as_array().unwrap().iter();
    rows.filter(|row| text(row, "key_file") == system_key)
        .map(|row| {
            let id = text(row, "key_id");
            [text(row, "cipher"), row["strength"].to_string(), id, text(row, "key")]
        })
        .collect()
}

#[test]
fn rows_are_those_that_cql_shows_in_its_order() {
    for data_dir in FORMATS.map(|format| place().join(format)) {
        let rows = rows_of(&data_dir).unwrap();
        assert_eq!(rows.len(), 8);
        for (table, system_key) in [
            (KeyTable::Dse, "system_key_1"),
            (KeyTable::Dse, "system_key_2"),
            (KeyTable::Hcd, "system_key_1"),
        ] {
            let own = rows.iter().filter(|row| row.table == table && row.system_key == system_key);
            let own = own.map(|row| {
                assert!(row.origin.as_ref().unwrap().is_file());
                let strength = row.strength.to_string();
                [row.cipher.clone(), strength, row.id.to_string(), row.value.expose().to_owned()]
            });
            assert_eq!(own.collect::<Vec<_>>(), said(&data_dir, table, system_key));
        }
    }
}

/// `key_tables/statements.cql` has what OpenSSL made of bytes that are all the same.
#[test]
fn keys_are_had_from_a_stopped_node_s_files() {
    let key = |id: &str| KeyRef::Replicated {
        system_key: "system_key_1".to_owned(),
        id: KeyId::new(id).unwrap(),
    };
    for data_dir in FORMATS.map(|format| place().join(format)) {
        let tables = NodeKeyTables::new(vec![data_dir], LocalKeyFiles::default());
        let keys = ReplicatedKeys::new(Box::new(tables), Some(place()), None);
        for (bits, first) in [
            (128, "1cc41f80-8a5a-11f0-9001-000000000001"),
            // By the time in it, not by its first bytes.
            (192, "ffffffff-8a5a-11f0-9001-000000000005"),
            (256, "1cc41f80-8a5a-11f0-9001-000000000004"),
        ] {
            let refused = keys.to_write("system_key_1", "AES", bits);
            match bits {
                // Both products have one.
                128 => assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid),
                _ => assert_eq!(refused.unwrap().unwrap().id.to_string(), first),
            }
        }
        let sources = KeySources { replicated: Some(keys), ..KeySources::default() };
        for (last, length, byte) in
            [("1", 16, 0x11), ("2", 16, 0x22), ("4", 32, 0x44), ("7", 16, 0x55)]
        {
            let id = format!("1cc41f80-8a5a-11f0-9001-00000000000{last}");
            assert_eq!(sources.read_key(&key(&id)).unwrap().expose(), vec![byte; length]);
        }
        let gone = sources.read_key(&key("1cc41f80-8a5a-11f0-9001-000000000003"));
        assert_eq!(gone.map(|_| ()).unwrap_err().kind(), ErrorKind::KeyUnavailable);
    }
}

#[test]
fn without_the_tables_there_are_no_keys_and_no_error() {
    assert!(rows_of(&testdata().join("schema/oa")).unwrap().is_empty());
}

#[test]
fn a_damaged_table_is_refused_with_its_file() {
    let root = tempfile::tempdir().unwrap();
    let data_dir = root.path().canonicalize().unwrap();
    let from = place().join("oa/dse_system");
    let table = fs::read_dir(&from).unwrap().next().unwrap().unwrap();
    let to = data_dir.join("dse_system").join(table.file_name());
    fs::create_dir_all(&to).unwrap();
    for file in fs::read_dir(table.path()).unwrap().map(|file| file.unwrap()) {
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
    let data = to.join("oa-1-big-Data.db");
    let mut bytes = fs::read(&data).unwrap();
    bytes[9] ^= 1;
    super::put(&data, &bytes);
    let error = rows_of(&data_dir).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Corrupt, Some(&*data)));
    let tables = NodeKeyTables::new(vec![data_dir], LocalKeyFiles::default());
    let keys = ReplicatedKeys::new(Box::new(tables), Some(place()), None);
    let sources = KeySources { replicated: Some(keys), ..KeySources::default() };
    let key = KeyRef::Replicated {
        system_key: "system_key_1".to_owned(),
        id: KeyId::new("1cc41f80-8a5a-11f0-9001-000000000001").unwrap(),
    };
    let error = sources.read_key(&key).map(|_| ()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
    assert!(error.chain().contains("oa-1-big-Data.db"), "{}", error.chain());
}
