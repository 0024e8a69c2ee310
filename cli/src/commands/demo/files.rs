//! Small files that the demo writes and removes.

use std::path::Path;

use rekey_engine::Result;
use rekey_engine::io::{LocalStorage, Storage as _};

/// Writes a new file, durably.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let file = LocalStorage.create(path)?;
    file.write_at(bytes, 0)?;
    file.sync()
}

/// Writes a file in place of one that may be there.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    remove(path)?;
    write(path, bytes)
}

/// Removes a file that may be there.
pub(super) fn remove(path: &Path) -> Result<()> {
    match LocalStorage.stat(path)? {
        Some(_) => LocalStorage.remove_file(path),
        None => Ok(()),
    }
}
