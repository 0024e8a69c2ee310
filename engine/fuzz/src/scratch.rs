//! Files for parsers that open one, and the committed SSTables.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

thread_local! {
    static DIRECTORY: TempDir = tempfile::tempdir().expect("a temporary directory");
}

/// Calls `with` with the path of a file of this content, which only its owner may read.
pub(crate) fn with_file<T>(name: &str, content: &[u8], with: impl FnOnce(&Path) -> T) -> T {
    DIRECTORY.with(|directory| {
        let path = directory.path().join(name);
        fs::write(&path, content).expect("room for a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of our own");
        with(&path)
    })
}

/// The folder `testdata` of the repository.
pub(crate) fn testdata() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let above = here.ancestors().map(|directory| directory.join("testdata"));
    above.into_iter().find(|path| path.is_dir()).expect("testdata above this package")
}

/// The contents of files of a committed set with this ending of the name, shortest first.
pub(crate) fn contents(set: &str, ending: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut left = vec![testdata().join("fixtures").join(set)];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).expect("a committed set") {
            let path = entry.expect("an entry of a committed set").path();
            if path.is_dir() {
                left.push(path);
            } else if path.to_string_lossy().ends_with(ending) {
                found.push(fs::read(path).expect("a committed file"));
            }
        }
    }
    found.sort_by_key(Vec::len);
    found
}
