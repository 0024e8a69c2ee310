//! Files to warm, to write back and to remove, and work for all cores.

use std::fs::{self, File};
use std::io::Read as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_engine::io::{LocalStorage, Storage as _};

use crate::measure::outcome::Result;

/// All files of a directory, in order.
pub(super) fn files_of(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}

/// Makes the files of a directory ready to be read: nothing is left to write back, so that no case
/// pays for the one before, and all of them are in the page cache.
pub(super) fn ready(directory: &Path) -> Result<()> {
    settle(directory)?;
    let mut buffer = vec![0; 1 << 20];
    for path in files_of(directory)? {
        let mut file = File::open(path)?;
        while file.read(&mut buffer)? > 0 {}
    }
    Ok(())
}

/// Writes back everything that is dirty on a file system.
pub(super) fn settle(directory: &Path) -> Result<()> {
    rustix::fs::syncfs(File::open(directory)?)?;
    Ok(())
}

/// Removes a directory and the files in it.
pub(super) fn remove(directory: &Path) -> Result<()> {
    for file in files_of(directory)? {
        LocalStorage.remove_file(&file)?;
    }
    Ok(LocalStorage.remove_directory(directory)?)
}

/// Does all items in order, by a thread for each core, which has something of its own for that.
pub(super) fn on_all_cores<T: Sync, S>(
    items: &[T],
    own: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, &T) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let thread = || {
        let mut own = own();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            work(&mut own, item)?;
        }
        Ok(())
    };
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(thread)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_panic| "a thread panicked")?)
    })
}
