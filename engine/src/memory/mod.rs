//! Memory that must not reach a disk through swap.
//!
//! Memory with keys and plaintext is locked where the system allows it, and never unlocked: pages
//! are locked, not values, so a dropped key may share its page with one in use. There are few such
//! pages, since keys are small and buffers are reused.

mod stack;
mod wiped;

use std::fs;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, Ordering};

pub(crate) use stack::wipe_stack;
pub use wiped::WipedBuffer;

use crate::{Error, ErrorKind};

/// Whether something could not be locked.
static IS_EXPOSED: AtomicBool = AtomicBool::new(false);

/// Keeps a value's memory from being swapped out, as far as this process may.
pub(crate) fn keep_resident<T: ?Sized>(value: &T) {
    let length = size_of_val(value);
    // Miri has no such call.
    if length == 0 || cfg!(miri) {
        return;
    }
    match region::lock(std::ptr::from_ref(value).cast::<u8>(), length) {
        Ok(guard) => {
            let _never_unlocked = ManuallyDrop::new(guard);
        }
        Err(_no_right_or_no_room) => IS_EXPOSED.store(true, Ordering::Relaxed),
    }
}

/// A warning if keys or plaintext of this process may be in swap: some of their memory could not be
/// locked, and there is swap.
#[must_use]
pub fn exposure() -> Option<Error> {
    let swaps = fs::read_to_string("/proc/swaps").unwrap_or_default();
    exposed(IS_EXPOSED.load(Ordering::Relaxed), &swaps)
}

fn exposed(is_exposed: bool, swaps: &str) -> Option<Error> {
    // The first line has titles; names contain no blanks.
    let names: Vec<_> = swaps.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    if !is_exposed || names.is_empty() {
        return None;
    }
    Some(
        Error::new(
            ErrorKind::Io,
            format!(
                "memory that holds keys or plaintext could not be locked, and may be swapped out to \
                 {}",
                names.join(", ")
            ),
        )
        .hint(
            "run as root or with a higher limit for locked memory (ulimit -l), or switch swap off, \
             or have it encrypted",
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWAPS: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
                         /dev/vdb2                               partition\t999\t0\t-2\n\
                         /swap\\040file                           file\t\t999\t0\t-3\n";

    /// Of this process, in KiB.
    fn locked() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    #[test]
    fn resident_memory_stays_locked() {
        keep_resident(&[0_u8; 0][..]);
        let large = vec![7_u8; 40 << 10];
        keep_resident(&large[..]);
        keep_resident(&large[..100]);
        drop(large);
        assert!(locked() >= 40 || exposed(IS_EXPOSED.load(Ordering::Relaxed), SWAPS).is_some());
    }

    #[test]
    fn unlocked_memory_is_reported_if_there_is_swap() {
        let error = exposed(true, SWAPS).unwrap();
        assert!(error.to_string().ends_with("to /dev/vdb2, /swap\\040file"), "{error}");
        assert!(error.hint_text().unwrap().contains("ulimit -l"));
        assert!(exposed(false, SWAPS).is_none());
        assert!(exposed(true, SWAPS.lines().next().unwrap()).is_none());
        assert!(exposed(true, "").is_none());
    }
}
