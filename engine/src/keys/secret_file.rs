//! Small files that hold keys: read whole, bounded, into memory that is wiped.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
pub(super) use crate::io::open_privileged as open;

/// The largest key file that is read: thousands of keys.
pub(super) const MAX_FILE_LENGTH: u64 = 1 << 20;

/// The metadata of an open file, which must be a regular one.
pub(super) fn metadata(file: &File, path: &Path) -> Result<Metadata> {
    let metadata =
        file.metadata().map_err(|error| Error::io("cannot examine the key file", path, error))?;
    if metadata.is_file() {
        Ok(metadata)
    } else {
        Err(Error::invalid("a key file must be a regular file").at(path).hint("name a key file"))
    }
}

/// Reads a whole file from its start.
pub(super) fn read(mut file: &File, path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let length = metadata(file, path)?.len();
    if length > MAX_FILE_LENGTH {
        return Err(Error::invalid(format!(
            "a key file of {length} bytes is larger than {MAX_FILE_LENGTH}"
        ))
        .at(path)
        .hint("name a key file; if it is one, move the keys in use to a smaller file"));
    }
    // One buffer of the final size: a growing vector would leave copies in freed memory. The extra
    // byte reveals a file that is longer than its metadata says.
    let length = usize::try_from(length).unwrap_or_default();
    let mut bytes = Zeroizing::new(vec![0; length.saturating_add(1)]);
    let mut filled = 0_usize;
    while let Some(free @ [_, ..]) = bytes.get_mut(filled..) {
        match file.read(free) {
            Ok(0) => break,
            Ok(n) => filled = filled.saturating_add(n),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Error::io("cannot read the key file", path, error)),
        }
    }
    if filled != length {
        return Err(Error::new(ErrorKind::Busy, "the key file changed while it was read")
            .at(path)
            .hint("stop what writes it, then run again"));
    }
    bytes.truncate(filled);
    Ok(bytes)
}

/// Splits text into lines as Java's `BufferedReader` does: at LF, CR, or CR LF; there is no line
/// after the last line end.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let (line, tail) = rest.split_at_checked(end.unwrap_or(rest.len()))?;
        rest = match tail {
            [b'\r', b'\n', tail @ ..] | [_, tail @ ..] => tail,
            [] => tail,
        };
        Some(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_java_s_do() {
        let split = |text: &'static str| -> Vec<&[u8]> { lines(text.as_bytes()).collect() };
        assert_eq!(split(""), [b"" as &[u8]; 0]);
        assert_eq!(split("a"), [b"a"]);
        assert_eq!(split("a\n"), [b"a"]);
        assert_eq!(split("\n"), [b""]);
        assert_eq!(split("a\r\nb\rc\n\nd"), [b"a" as &[u8], b"b", b"c", b"", b"d"]);
        assert_eq!(split("a\r\n\r\n"), [b"a" as &[u8], b""]);
    }
}
