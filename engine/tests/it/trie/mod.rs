//! Trie indices: read, laid out again, and read by code that shares nothing with the engine's.

mod hostile;
mod random;
mod real;

use std::fs;
use std::path::{Path, PathBuf};

use rekey_engine::codec::{PageOpener, PageSealer};
use rekey_engine::io::{Access, LocalStorage, Source, Storage as _};
use rekey_engine::trie::{Belongs, Index, LaidOut, Stored, Storing, lay_out, read_sequence};

use crate::kit::trie as own;
use crate::pages::{Codec, open_pages};

/// A page without a hole.
pub(super) const WHOLE: usize = 4096;

/// Partitions.db and Rows.db.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) partitions: Vec<u8>,
    pub(super) rows: Vec<u8>,
}

/// What encrypts the pages of an index, and what opens them.
pub(super) struct Encryption {
    pub(super) opener: PageOpener,
    pub(super) sealer: PageSealer,
}

impl Encryption {
    /// By its cipher and its provider, and so by U.
    pub(super) fn of(usable: usize) -> Self {
        let (cipher, id) = match usable {
            3807 => ("AES/CBC/PKCS5Padding", Some("k")),
            3823 => ("AES/ECB/PKCS5Padding", Some("k")),
            4063 => ("AES/CBC/PKCS5Padding", None),
            4079 => ("AES/ECB/PKCS5Padding", None),
            _ => panic!("no cipher has {usable} bytes of a page"),
        };
        let codec = Codec::new(cipher, id, &[7; 16]);
        assert_eq!(codec.geometry(256).usable(), usable);
        let sealer = PageSealer::new(codec.sealer(), codec.geometry(256)).unwrap();
        Self { opener: codec.pages(), sealer }
    }

    /// An encrypted index in clear, holes and all.
    pub(super) fn open(&self, files: &Files) -> Files {
        let open = |file: &[u8]| own::image(&open_pages(file, &self.opener));
        Files { partitions: open(&files.partitions), rows: open(&files.rows) }
    }
}

pub(super) fn belongs(data_length: u64) -> Belongs {
    Belongs { data_length, has_no_gaps: true }
}

/// Lays an index out again, reads the new one, and compares the sequences.
pub(super) fn relay(
    old: &Files,
    stored: Stored<'_>,
    (storing, new_stored): (Storing<'_>, Stored<'_>),
    belongs: Belongs,
) -> rekey_engine::Result<(Files, LaidOut)> {
    let dir = tempfile::tempdir().unwrap();
    let [old_partitions, old_rows, new_partitions, new_rows] =
        ["old-Partitions.db", "old-Rows.db", "new-Partitions.db", "new-Rows.db"]
            .map(|name| dir.path().join(name));
    fs::write(&old_partitions, &old.partitions).unwrap();
    fs::write(&old_rows, &old.rows).unwrap();
    let open = |path: &Path| Source::open(path, Access::Positional).unwrap();
    let (partitions, rows) = (open(&old_partitions), open(&old_rows));
    let mut index = Index::open(&partitions, &rows, stored, belongs)?;
    let create = |path: &PathBuf| LocalStorage.create(path).unwrap();
    let outputs = (create(&new_partitions), create(&new_rows));
    let mut went_in = Vec::new();
    let laid_out = lay_out(&mut index, &*outputs.0, &*outputs.1, storing, |number, block| {
        went_in.push((number, block.to_vec()));
        Ok(())
    })?;
    let (partitions, rows) = (open(&new_partitions), open(&new_rows));
    let mut came_back = Vec::new();
    let mut new =
        read_sequence(&index, (&partitions, &rows), new_stored, belongs, |number, block| {
            came_back.push((number, block.to_vec()));
            Ok(())
        })?;
    assert!(went_in == came_back, "another sequence");
    for sampled in &laid_out.sample {
        let (position, key) = new.find(&sampled.path)?.unwrap();
        assert_eq!(position, sampled.position);
        assert!(sampled.key.as_ref().is_none_or(|own| *own == key));
    }
    let files = Files {
        partitions: fs::read(&new_partitions).unwrap(),
        rows: fs::read(&new_rows).unwrap(),
    };
    Ok((files, laid_out))
}

/// In clear, to so many usable bytes.
pub(super) fn relay_clear(
    old: &Files,
    usable: usize,
    new: usize,
    belongs: Belongs,
) -> rekey_engine::Result<Files> {
    let to = (Storing::Clear { usable: new }, Stored::Clear { usable: new });
    relay(old, Stored::Clear { usable }, to, belongs).map(|(files, _)| files)
}

/// From clear to encrypted.
pub(super) fn encrypt(old: &Files, usable: usize, belongs: Belongs) -> rekey_engine::Result<Files> {
    let Encryption { opener, sealer } = Encryption::of(usable);
    let to = (Storing::Encrypted(&sealer), Stored::Encrypted(&opener));
    relay(old, Stored::CLEAR, to, belongs).map(|(files, _)| files)
}
