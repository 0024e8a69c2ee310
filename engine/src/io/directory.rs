//! This program's own directories.

use std::fs::{File, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::attributes;
use super::way::{self, WRITABLE_BY_OTHERS, Way};
use crate::{Error, Result};

/// Creates a directory, with the attributes of another one if one is given.
pub(super) fn create(path: &Path, like: Option<&Path>) -> Result<()> {
    let failed = |error| way::failed("cannot create the directory", path, error);
    let way = Way::to(path).map_err(failed)?;
    let open = || way.open(OFlags::RDONLY | OFlags::DIRECTORY);
    // Checked first, since creating one waits for every process that works in the parent directory.
    let directory = match open() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            match rustix::fs::mkdirat(way.directory(), way.name(), Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => open(),
                Err(errno) => Err(errno.into()),
            }
        }
        opened => opened,
    };
    let directory = directory.map_err(|error| match Errno::from_io_error(&error) {
        Some(Errno::NOTDIR | Errno::LOOP) => strange(path, "a link or a file has its name"),
        _ => failed(error),
    })?;
    check(&directory, path, like)?;
    like.map_or(Ok(()), |like| attributes::copy(like, &directory, path))
}

/// Whether it is as this program creates them: between two calls another process may have put
/// another one in its place.
fn check(directory: &File, path: &Path, like: Option<&Path>) -> Result<()> {
    let look = |error| Error::io("cannot look at the directory", path, error);
    let like = like.map(std::fs::metadata).transpose().map_err(look)?;
    let found = directory.metadata().map_err(look)?;
    let owners =
        [Some(rustix::process::geteuid().as_raw()), like.as_ref().map(Metadata::uid), Some(0)];
    if !owners.contains(&Some(found.uid())) {
        return Err(strange(path, "it belongs to another user"));
    }
    let allowed = like.as_ref().map_or(0, Metadata::mode);
    if found.mode() & !allowed & WRITABLE_BY_OTHERS != 0 {
        return Err(strange(path, "others than its owner may write to it"));
    }
    Ok(())
}

fn strange(path: &Path, what: &'static str) -> Error {
    Error::invalid(format!("not a directory that this program would make: {what}"))
        .at(path)
        .hint("find out who made it, then remove it or take the others' right to write to it")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn allow(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o7777
    }

    #[test]
    fn it_is_private_or_like_another_one() {
        let dir = tempfile::tempdir().unwrap();
        let [own, like, second] = ["own", "like", "second"].map(|name| dir.path().join(name));
        create(&own, None).unwrap();
        create(&own, None).unwrap();
        assert_eq!(mode(&own), 0o700);
        create(&like, None).unwrap();
        allow(&like, 0o770);
        create(&second, Some(&like)).unwrap();
        create(&second, Some(&like)).unwrap();
        assert_eq!(mode(&second), 0o770);
        assert!(create(&dir.path().join("gone/own"), None).is_err());
    }

    #[test]
    fn a_directory_others_could_have_made_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let [real, link, file, open] =
            ["real", "link", "file", "open"].map(|name| dir.path().join(name));
        create(&real, None).unwrap();
        symlink(&real, &link).unwrap();
        drop(File::create_new(&file).unwrap());
        create(&open, None).unwrap();
        allow(&open, 0o777);
        for (path, part) in [(&link, "a link"), (&file, "a link or a file"), (&open, "may write")] {
            let error = create(path, None).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
        }
        assert!(create(&link.join("below"), None).is_err());
        assert!(!real.join("below").exists());
    }
}
