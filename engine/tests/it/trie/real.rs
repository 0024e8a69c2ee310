//! Indices that Cassandra wrote: the steps of its writer give the same bytes again, also after an
//! index was laid out for other pages in between.

use std::fs;
use std::path::{Path, PathBuf};

use rekey_engine::io::Access;
use rekey_engine::sstable::{ChunkTable, Format, Version};
use rekey_engine::trie::{Stored, Storing};

use super::{Encryption, Files, WHOLE, belongs, encrypt, relay, relay_clear};
use crate::kit::trie as own;
use crate::kit::workspace::testdata;
use crate::pages::SETS;

/// Every index in clear below a folder, with the length of the plaintext of its Data.db.
fn indices(folder: &Path, found: &mut Vec<(PathBuf, Files, u64)>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            indices(&path, found);
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap();
        let Some(start) = name.strip_suffix("Partitions.db").filter(|n| n.starts_with("da-"))
        else {
            continue;
        };
        let beside = |ending: &str| path.with_file_name(format!("{start}{ending}"));
        let length = data_length("da", &path);
        let files = Files {
            partitions: fs::read(&path).unwrap(),
            rows: fs::read(beside("Rows.db")).unwrap(),
        };
        found.push((path, files, length));
    }
}

/// Bytes of the plaintext of the Data.db beside a Partitions.db.
fn data_length(version: &str, partitions: &Path) -> u64 {
    let name = partitions.file_name().unwrap().to_str().unwrap();
    let beside = |of: &str| partitions.with_file_name(name.replace("Partitions.db", of));
    let Ok(stored) = fs::metadata(beside("Data.db")) else {
        // Only its length was kept.
        let length = fs::read_to_string(partitions.with_file_name("data-length")).unwrap();
        return length.trim().parse().unwrap();
    };
    let stored = stored.len();
    let info = beside("CompressionInfo.db");
    if !info.exists() {
        return stored;
    }
    let version = Version::find(version, Format::Bti).unwrap();
    ChunkTable::open(&info, version, Access::Positional, stored).unwrap().header().data_length
}

fn all() -> Vec<(PathBuf, Files, u64)> {
    let mut found = Vec::new();
    for folder in ["fixtures", "sstables", "schema", "tries"] {
        indices(&testdata().join(folder), &mut found);
    }
    assert!(found.len() > 60, "{}", found.len());
    assert!(found.iter().any(|(_, files, _)| files.rows.len() > WHOLE), "Rows.db over some pages");
    assert!(found.iter().any(|(_, files, _)| files.partitions.len() > WHOLE));
    found
}

#[test]
fn real_indices_are_reproduced_byte_for_byte() {
    for (path, files, length) in all() {
        let again = relay_clear(&files, WHOLE, WHOLE, belongs(length)).unwrap();
        assert!(again == files, "{}", path.display());
    }
}

#[test]
fn real_indices_come_back_from_every_geometry_byte_for_byte() {
    for (path, files, length) in all() {
        let said = own::read(&files.partitions, &files.rows, WHOLE);
        for usable in [3807, 3823, 4063, 4079] {
            let encrypted = encrypt(&files, usable, belongs(length)).unwrap();
            assert!(encrypted.partitions.len().is_multiple_of(WHOLE));
            assert!(encrypted.rows.len().is_multiple_of(WHOLE) && !encrypted.rows.is_empty());
            let of = Encryption::of(usable);
            let mut clear = of.open(&encrypted);
            own::fill_holes(&mut clear.partitions, usable);
            own::fill_holes(&mut clear.rows, usable);
            let read = own::read(&clear.partitions, &clear.rows, usable);
            assert!(read == said, "{} {usable}", path.display());
            let back = (Storing::CLEAR, Stored::CLEAR);
            let (back, _) =
                relay(&encrypted, Stored::Encrypted(&of.opener), back, belongs(length)).unwrap();
            assert!(back == files, "{} {usable}", path.display());
        }
    }
}

/// The sets of `bb` and `cc`: to and from every geometry, both of their own and of the others.
#[test]
fn encrypted_sets_go_to_every_geometry_and_back() {
    for set in &SETS {
        let own_codec = set.codec(set.id, &set.key_bytes());
        let opener = own_codec.pages();
        let mut entries = 0;
        let rows: Vec<_> = set.files("Rows.db").into_iter().map(|(path, _)| path).collect();
        for ((partitions, _), rows) in set.files("Partitions.db").into_iter().zip(rows) {
            let files = Files {
                partitions: fs::read(&partitions).unwrap(),
                rows: fs::read(&rows).unwrap(),
            };
            let version = &partitions.file_name().unwrap().to_str().unwrap()[..2];
            let belongs = belongs(data_length(version, &partitions));
            let to = (Storing::CLEAR, Stored::CLEAR);
            let stored = Stored::Encrypted(&opener);
            let (clear, laid_out) = relay(&files, stored, to, belongs).unwrap();
            entries += laid_out.entries;
            assert_eq!(laid_out.gaps, 0, "{}", partitions.display());
            let said = own::read(&clear.partitions, &clear.rows, WHOLE);
            assert_eq!(said.count, laid_out.keys);
            let open = |file: &[u8]| own::image(&crate::pages::open_pages(file, &opener));
            let own_index = own::read(&open(&files.partitions), &open(&files.rows), set.usable);
            assert!(own_index == said, "{}", partitions.display());
            for usable in [3807, 3823, 4063] {
                let encrypted = encrypt(&clear, usable, belongs).unwrap();
                let opened = Encryption::of(usable).open(&encrypted);
                let read = own::read(&opened.partitions, &opened.rows, usable);
                assert!(read == said);
            }
        }
        assert!(entries > 0, "{}", set.name);
    }
}
