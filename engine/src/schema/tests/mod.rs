//! The schema of real nodes, and the rows of real SSTables.

mod content;
mod hostile;
mod key_tables;
mod merged;
mod peers;
mod random;
mod real;

use std::path::{Path, PathBuf};

use crate::io::{LocalStorage, Storage as _};
use crate::keys::{KeySources, LocalKeyFiles};

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").canonicalize().unwrap()
}

/// The local keys of committed sets, which name their files relative to the folder of all.
fn local_keys() -> KeySources {
    let local = LocalKeyFiles::new(Some(testdata().join("sstables")));
    KeySources { local, ..KeySources::default() }
}

/// Makes a file, or puts other bytes in its place.
pub(super) fn put(path: &Path, bytes: &[u8]) {
    if path.exists() {
        LocalStorage.remove_file(path).unwrap();
    }
    LocalStorage.create(path).unwrap().write_at(bytes, 0).unwrap();
}
