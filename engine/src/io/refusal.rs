//! What a system answers that will not do a call at all.
//!
//! A kernel or a file system without a call says `ENOSYS`, `EOPNOTSUPP` or `EINVAL`; a container's
//! profile answers for the kernel, and many of them say `EPERM` or `EACCES`. Where there is another
//! way to the same end, all of these lead there: if the refusal was a real one, the other way meets it, too,
//! and its error is the one to tell.

use rustix::io::Errno;

/// Whether a call may have been refused as such, whatever it was asked for.
pub(super) const fn is_refusal(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOTTY | Errno::PERM | Errno::ACCESS
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_or_broken_disk_is_no_refusal() {
        for errno in [Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM, Errno::ACCESS, Errno::INVAL] {
            assert!(is_refusal(errno), "{errno}");
        }
        for errno in [Errno::NOSPC, Errno::IO, Errno::DQUOT, Errno::EXIST, Errno::ROFS, Errno::INTR]
        {
            assert!(!is_refusal(errno), "{errno}");
        }
    }
}
