//! The small records that are written as a whole, each with a right checksum.

use std::path::PathBuf;

use rekey_engine::io::LocalStorage;
use rekey_engine::journal::{Marker, ROTATIONS_FILE, Replacement, Rotation, Rotations, RunId};
use rekey_engine::sstable::{Component, Descriptor};

use super::scratch::with_file;

/// `[kind] record without its checksum`.
pub fn run(bytes: &[u8]) {
    let Some((kind, body)) = bytes.split_first() else { return };
    let file = [body, &crc32fast::hash(body).to_be_bytes()].concat();
    match kind % 3 {
        0 => {
            if let Some(marker) = Marker::decode(&file) {
                assert_eq!(Marker::decode(&marker.encode()), Some(marker));
            }
        }
        1 => {
            if let Ok(read) = Replacement::decode(&file) {
                let again = Replacement::decode(&read.encode()).expect("what was written");
                assert_eq!(again, read);
                assert!(read.copies.iter().all(|(path, _)| path.is_relative()));
            }
        }
        _ => with_file(ROTATIONS_FILE, &file, |path| {
            let directory = path.parent().expect("it lies in a directory");
            let Ok(read) = Rotations::read(&LocalStorage, directory) else { return };
            read.write(&LocalStorage, directory).expect("room for a file");
            let again = Rotations::read(&LocalStorage, directory).expect("what was written");
            assert_eq!(again, read);
        }),
    }
}

/// One of each kind.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let marker = Marker {
        run: RunId::from_bytes(*b"0123456789abcdef"),
        number: 3,
        state_dir: PathBuf::from("/d 1/.sstablerekey"),
    };
    let replacement = Replacement {
        put: vec![Component::Data, Component::Other("SAI+x".to_owned())],
        dropped: vec![Component::Crc],
        copies: Descriptor::parse("oa-3-big")
            .into_iter()
            .map(|name| (PathBuf::from("ks/t-1/snapshots/a b"), name))
            .collect(),
    };
    let mut rotations = Rotations::default();
    rotations.note(Rotation {
        group: "vault".to_owned(),
        options: vec![("strength".to_owned(), "256".to_owned())],
        key: "02-449".to_owned(),
        began: std::time::UNIX_EPOCH,
    });
    let encoded = with_file(ROTATIONS_FILE, b"", |path| {
        let directory = path.parent().expect("it lies in a directory");
        rotations.write(&LocalStorage, directory).expect("room for a file");
        std::fs::read(path).expect("it was written")
    });
    let of = |kind, file: &[u8]| [&[kind], &file[..file.len() - 4]].concat();
    vec![of(0, &marker.encode()), of(1, &replacement.encode()), of(2, &encoded)]
}
