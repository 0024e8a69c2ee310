//! Files to copy, to warm and to write back.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::Advice;

use rekey_engine::io::{LocalStorage, Storage as _};

use super::Result;
use super::noise::{Meter, Sample};
use super::stage::all_threads;

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

/// Reads all files once, so that they are in the page cache.
pub(super) fn warm(files: &[PathBuf]) -> Result<()> {
    let mut buffer = vec![0; 1 << 20];
    for path in files {
        let mut file = File::open(path)?;
        while file.read(&mut buffer)? > 0 {}
    }
    Ok(())
}

/// Writes back everything that is dirty on a file system, so that nobody pays for the one before.
pub(super) fn settle(directory: &Path) -> Result<()> {
    rustix::fs::syncfs(File::open(directory)?)?;
    Ok(())
}

/// Reads files from the disk, by a thread for each core.
fn read_back(files: &[PathBuf]) -> Result<()> {
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let file = File::open(path)?;
            rustix::fs::fadvise(&file, 0, None, Advice::DontNeed)?;
            warm(std::slice::from_ref(path))?;
        }
        Ok(())
    };
    on_all_cores(work)
}

/// Does the same work on as many threads as the machine has cores.
pub(super) fn on_all_cores(work: impl Fn() -> Result<()> + Sync) -> Result<()> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..all_threads().get()).map(|_| scope.spawn(&work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_panic| "a thread panicked")?)
    })
}

/// Removes the files of a directory.
pub(super) fn remove_all(directory: &Path) -> Result<()> {
    for file in files_of(directory)? {
        LocalStorage.remove_file(&file)?;
    }
    Ok(())
}

/// What a copy ends with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ends {
    /// With the last byte in the page cache.
    Written,
    /// With fsync of each copy and of their directory.
    Synced,
    /// With the copies read from the disk behind that.
    ReadBack,
    /// With as much removed behind that: of the copies, where another program removes its originals.
    Removed,
}

/// Times `cp` of all files of a directory into a new one beside it.
pub(super) fn copy(
    meter: &Meter,
    from: &Path,
    scratch: &Path,
    bytes: u64,
    ends: Ends,
) -> Result<Sample> {
    let files = files_of(from)?;
    let to = scratch.join("copy");
    LocalStorage.create_directory(&to, None)?;
    settle(scratch)?;
    warm(&files)?;
    let sample = meter.time_writing(scratch, bytes, || {
        succeed(Command::new("cp").args(&files).arg(&to))?;
        if ends == Ends::Written {
            return Ok(());
        }
        let copies = files_of(&to)?;
        for copy in &copies {
            File::open(copy)?.sync_all()?;
        }
        File::open(&to)?.sync_all()?;
        if ends == Ends::Synced {
            return Ok(());
        }
        read_back(&copies)?;
        if ends == Ends::Removed { remove_all(&to) } else { Ok(()) }
    });
    remove_all(&to)?;
    LocalStorage.remove_directory(&to)?;
    sample
}

/// Runs a command to its end; a failure shows what it said.
pub(super) fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let name = command.get_program().to_string_lossy().into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{name} failed ({}): {said}", output.status).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
