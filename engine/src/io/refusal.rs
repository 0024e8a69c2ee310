//! The errors of a system that does not support a call.
//!
//! A kernel or a file system without a call answers `ENOSYS`, `EOPNOTSUPP` or `EINVAL`. A
//! container's profile answers instead of the kernel, often with `EPERM` or `EACCES`. Where there
//! is another way to the same result, it is tried after any of these: if the refusal was genuine,
//! the other way fails too, and its error is reported.

use rustix::io::Errno;

/// Whether a call may have been refused as such, whatever its arguments.
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
    fn a_full_or_broken_disk_is_not_a_refusal() {
        for errno in [Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM, Errno::ACCESS, Errno::INVAL] {
            assert!(is_refusal(errno), "{errno}");
        }
        for errno in [Errno::NOSPC, Errno::IO, Errno::DQUOT, Errno::EXIST, Errno::ROFS, Errno::INTR]
        {
            assert!(!is_refusal(errno), "{errno}");
        }
    }
}
