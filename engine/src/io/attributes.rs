//! Owner, mode and extended attributes: a node must be able to use the new files like the old ones.

use std::fs::File;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{Gid, Uid, XattrFlags};

use super::refusal::is_refusal;
use super::rights::{NewOwner, Rights};
use super::waitless::open_without_waiting;
use crate::{Error, Result};

/// Permissions, set-id and sticky bits.
const MODE: u32 = 0o7777;
/// Values and lists longer than this are refused by Linux itself (`XATTR_SIZE_MAX`).
const XATTR_LIMIT: usize = 64 * 1024;

/// Gives the open file `target` those of `from`; `to` is its path.
pub(super) fn copy(from: &Path, target: &File, to: &Path) -> Result<()> {
    let source = open_without_waiting(from).map_err(|e| Error::io("cannot open", from, e))?;
    let wanted = source.metadata().map_err(|e| Error::io("cannot look at", from, e))?;
    let present = target.metadata().map_err(|e| Error::io("cannot look at", to, e))?;
    let is_foreign = (wanted.uid(), wanted.gid()) != (present.uid(), present.gid());
    if is_foreign {
        let (uid, gid) = (Uid::from_raw(wanted.uid()), Gid::from_raw(wanted.gid()));
        if let Err(errno) = rustix::fs::fchown(target, Some(uid), Some(gid)) {
            if !stays_own(from, wanted.is_dir()) {
                return Err(Error::io(
                    "cannot give the file the owner of the old one",
                    to,
                    errno.into(),
                )
                .hint("run as root or as the user that the database runs as"));
            }
            let _as_far_as_it_goes = rustix::fs::fchown(target, None, Some(gid));
        }
    }
    // After the owner: chown clears bits of the mode. Only if needed, since chown waits until no
    // other process works in a directory.
    if is_foreign || wanted.mode() & MODE != present.mode() & MODE {
        target
            .set_permissions(std::fs::Permissions::from_mode(wanted.mode() & MODE))
            .map_err(|e| Error::io("cannot set the mode of", to, e))?;
    }
    copy_xattrs(&source, target).map_err(|e| {
        Error::io("cannot copy the extended attributes (such as the SELinux label) to", to, e)
    })
}

/// Whether a file may belong to this user where it cannot be given the owner of another one, as the
/// plan has said. A directory of this program is for the user who runs it and for the node; only
/// for files must the two be the same.
fn stays_own(from: &Path, is_directory: bool) -> bool {
    let Some(Ok(above)) = from.parent().map(std::fs::metadata) else { return false };
    let Ok(of) = std::fs::symlink_metadata(from) else { return false };
    is_directory || Rights::own().new_owner(of.uid(), of.gid(), above.uid()) == NewOwner::Own
}

/// Attributes that measure or sign the content of a file, and would be wrong on another one.
pub(super) fn is_of_content(name: &str) -> bool {
    matches!(name, "security.ima" | "security.evm")
}

fn copy_xattrs(source: &File, target: &File) -> std::io::Result<()> {
    let mut names = vec![0; XATTR_LIMIT];
    let length = match rustix::fs::flistxattr(source, &mut names) {
        Ok(length) => length,
        Err(errno) if is_refusal(errno) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    names.truncate(length);
    let mut value = Vec::new();
    for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
        value.resize(XATTR_LIMIT, 0);
        let length = rustix::fs::fgetxattr(source, name, &mut value)?;
        value.truncate(length);
        if std::str::from_utf8(name).is_ok_and(is_of_content) || has(target, name, &value) {
            continue;
        }
        rustix::fs::fsetxattr(target, name, &value, XattrFlags::empty())?;
    }
    Ok(())
}

/// Whether a file already has the same attribute, like labels set by policy.
fn has(target: &File, name: &[u8], value: &[u8]) -> bool {
    let mut present = vec![0; value.len().saturating_add(1)];
    rustix::fs::fgetxattr(target, name, &mut present)
        .is_ok_and(|length| present.get(..length) == Some(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::{LocalStorage, Storage as _};

    #[test]
    fn mode_and_user_attributes_follow() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        drop(LocalStorage.create(&a).unwrap());
        drop(LocalStorage.create(&b).unwrap());
        std::fs::set_permissions(&a, std::fs::Permissions::from_mode(0o640)).unwrap();
        let file = File::open(&a).unwrap();
        let tagged =
            rustix::fs::fsetxattr(&file, c"user.label", b"value", XattrFlags::empty()).is_ok();
        copy(&a, &File::open(&b).unwrap(), &b).unwrap();
        assert_eq!(std::fs::metadata(&b).unwrap().mode() & 0o7777, 0o640);
        if tagged {
            let mut value = [0; 16];
            let file = File::open(&b).unwrap();
            let length = rustix::fs::fgetxattr(&file, c"user.label", &mut value[..]).unwrap();
            assert_eq!(&value[..length], b"value");
        }
    }
}
