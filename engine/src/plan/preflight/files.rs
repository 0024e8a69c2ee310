//! Files that are deleted or replaced, and whose owner their successors get.

use std::path::Path;

use crate::io::{NewOwner, Rights, Standing};
use crate::{Error, ErrorKind, Result};

/// Whether a file can be linked and deleted; and replaced by one of its name, if it is `in_place`.
///
/// # Errors
/// Why not.
pub(super) fn check(
    rights: &Rights,
    path: &Path,
    file: &Standing,
    directory: &Standing,
    in_place: bool,
) -> Result<()> {
    if file.is_immutable || file.is_append_only {
        return Err(unchangeable(path));
    }
    if in_place && file.mode & FILE_TYPE == LINK {
        // In the place of a link would be a file, and what it points to would be left alone.
        return Err(Error::unsupported("a file that is to be replaced is a symbolic link")
            .at(path)
            .hint("put the file in the place of the link, or re-encrypt it where it lies"));
    }
    if file.place != directory.place {
        return Err(Error::unsupported("a file that is to be replaced is a mount of its own")
            .at(path)
            .hint("unmount it, and put the file in its place"));
    }
    if !rights.may_remove(file, directory) {
        return Err(Error::new(
            ErrorKind::Io,
            "the file is another user's in a directory in which only owners delete (the sticky bit)",
        )
        .at(path)
        .hint("run as root or as the user that the database runs as, or take the bit away: chmod -t"));
    }
    if !file.guarded.is_empty() {
        let names: Vec<_> = file.guarded.iter().map(String::as_str).collect();
        return Err(Error::new(
            ErrorKind::Io,
            format!("this user may not copy the extended attributes {}", names.join(", ")),
        )
        .at(path)
        .hint("run as root"));
    }
    Ok(())
}

/// What an operator should know of the owner of the file's successor.
///
/// # Errors
/// Where the node could not use it.
pub(super) fn new_owner(
    rights: &Rights,
    path: &Path,
    file: &Standing,
    directory: &Standing,
) -> Result<Option<Error>> {
    match rights.new_owner(file.user, file.group, directory.user) {
        NewOwner::Same => Ok(None),
        NewOwner::Own => Ok(Some(
            Error::invalid(
                "old files belong to another user or group, which only root can give: the new ones \
                 will belong to this user, whose the table's directory is",
            )
            .at(path)
            .hint("nothing has to be done, if the node runs as this user; else run as root"),
        )),
        NewOwner::Unknown => Err(Error::new(
            ErrorKind::Io,
            format!(
                "this user may not give new files the owner of the old one ({}:{})",
                file.user, file.group
            ),
        )
        .at(path)
        .hint("run as root or as the user that the database runs as")),
    }
}

/// What nobody can change, as long as it is marked so.
pub(super) fn unchangeable(path: &Path) -> Error {
    Error::new(ErrorKind::Io, "it is marked as immutable or as to be appended to only")
        .at(path)
        .hint("find out who has marked it, and why; to take the mark away: chattr -i -a, as root")
}

/// A file whose times only its owner may set, which logs of this product ask for.
pub(super) fn times_of_others(path: &Path) -> Error {
    Error::new(
        ErrorKind::Io,
        "this user may not set the times of the file, which is another user's",
    )
    .at(path)
    .hint("run as root or as the owner of the file; logs of this product need whole seconds")
}

const FILE_TYPE: u32 = 0o170_000;
const LINK: u32 = 0o120_000;
