//! Small files of the node, read whole: configuration, key stores.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::io::{open_privileged, privileged};

/// Reads a regular file of at most `limit` bytes into memory that is wiped. `what` names it in
/// errors, as in "the key store".
///
/// # Errors
/// [`ErrorKind::Invalid`] when it is missing, is not a regular file, or is longer;
/// [`ErrorKind::Busy`] when it changes during the read; [`ErrorKind::Io`].
pub(crate) fn read(path: &Path, what: &'static str, limit: usize) -> Result<Zeroizing<Vec<u8>>> {
    let mut file = open_privileged(path).map_err(|error| failed(error, path, what))?;
    let metadata = file.metadata().map_err(|error| failed(error, path, what))?;
    if !metadata.is_file() {
        let text = format!("{what} must be a regular file");
        return Err(Error::invalid(text).at(path).hint("name the file itself"));
    }
    let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if length > limit {
        let text = format!("{what} of {length} bytes is larger than {limit}");
        return Err(Error::invalid(text).at(path).hint("check the path"));
    }
    // One buffer of the final size: a growing vector would leave copies in freed memory. The extra
    // byte reveals a file that is longer than its metadata says.
    let mut bytes = Zeroizing::new(vec![0; length.saturating_add(1)]);
    let mut filled = 0_usize;
    while let Some(free @ [_, ..]) = bytes.get_mut(filled..) {
        match file.read(free) {
            Ok(0) => break,
            Ok(n) => filled = filled.saturating_add(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error, path, what)),
        }
    }
    if filled != length {
        return Err(Error::new(ErrorKind::Busy, format!("{what} changed while it was read"))
            .at(path)
            .hint("stop what writes it, then run again"));
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// A warning when users other than the owner may read or change a file that holds a secret.
pub(crate) fn exposed(path: &Path, what: &'static str) -> Option<String> {
    let mode = privileged(|| fs::metadata(path)).ok()?.permissions().mode() & 0o7777;
    let doing = match (mode & 0o044 != 0, mode & 0o022 != 0) {
        (false, false) => return None,
        (true, false) => "read",
        (false, true) => "change",
        (true, true) => "read and change",
    };
    let path = path.display();
    Some(format!(
        "others than its owner may {doing} {what} {path} (mode {mode:04o}): chmod 600 {path}"
    ))
}

fn failed(error: io::Error, path: &Path, what: &'static str) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::invalid(format!("{what} does not exist")).at(path).hint("check the path");
    }
    Error::io("cannot read the file", path, error)
}

#[cfg(test)]
mod tests {
    use std::fs::{OpenOptions, Permissions};
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        let mut file = OpenOptions::new().write(true).create_new(true).open(&path).unwrap();
        file.write_all(bytes).unwrap();
        (directory, path)
    }

    #[test]
    fn whole_files_within_the_limit_are_read() {
        let (directory, path) = file(b"12345");
        assert_eq!(read(&path, "the file", 5).unwrap().as_slice(), b"12345");
        let error = read(&path, "the file", 4).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().ends_with("f: the file of 5 bytes is larger than 4"), "{error}");
        let error = read(directory.path(), "the file", 9).unwrap_err();
        assert!(error.to_string().contains("must be a regular file"), "{error}");
        let error = read(&directory.path().join("no"), "the file", 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().ends_with("no: the file does not exist"), "{error}");
    }

    #[test]
    fn a_pipe_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        let fifo = rustix::fs::FileType::Fifo;
        rustix::fs::mknodat(rustix::fs::CWD, &path, fifo, mode, 0).unwrap();
        assert!(read(&path, "the file", 9).unwrap_err().to_string().contains("regular file"));
    }

    #[test]
    fn other_readers_are_reported() {
        let (_directory, path) = file(b"");
        for (mode, word) in [(0o600, None), (0o640, Some("read the")), (0o620, Some("change the"))]
        {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let warning = exposed(&path, "the file");
            assert_eq!(warning.is_some(), word.is_some(), "{mode:o}");
            assert!(warning.is_none_or(|warning| warning.contains(word.unwrap())));
        }
    }
}
