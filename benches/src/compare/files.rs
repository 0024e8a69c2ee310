//! Files to copy, to warm and to write back.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rekey_engine::io::{LocalStorage, Storage as _};

use super::Result;
use super::noise::{Meter, Sample};

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

/// Times `cp` of all files of a directory into a new one beside it; `synced` with fsync of each
/// copy and of their directory.
pub(super) fn copy(
    meter: &Meter,
    from: &Path,
    scratch: &Path,
    bytes: u64,
    synced: bool,
) -> Result<Sample> {
    let files = files_of(from)?;
    let to = scratch.join("copy");
    LocalStorage.create_directory(&to)?;
    settle(scratch)?;
    warm(&files)?;
    let sample = meter.time_writing(scratch, bytes, || {
        succeed(Command::new("cp").args(&files).arg(&to))?;
        if synced {
            for copy in files_of(&to)? {
                File::open(copy)?.sync_all()?;
            }
            File::open(&to)?.sync_all()?;
        }
        Ok(())
    });
    for copy in files_of(&to)? {
        LocalStorage.remove_file(&copy)?;
    }
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
