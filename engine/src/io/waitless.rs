//! Opens files for reading without blocking: a pipe in place of a file would block its reader.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use super::way::NOT_REGULAR;
use crate::{Error, Result};

/// Opens whatever has this name, following links.
///
/// # Errors
/// The system's errors.
pub fn open_without_waiting(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// The same, for a path that must be a regular file.
pub(super) fn open_to_read(path: &Path) -> Result<File> {
    let fail = |error| Error::io("cannot open", path, error);
    let file = open_without_waiting(path).map_err(fail)?;
    match file.metadata().map_err(fail)?.is_file() {
        true => Ok(file),
        false => Err(Error::corrupt(NOT_REGULAR)
            .at(path)
            .hint("find out who put it there, and remove it")),
    }
}
