//! The one place that maps files into memory.
//!
//! A map is sound as long as no process changes or truncates the file underneath. SSTable
//! components are immutable once their TOC exists: the database replaces them, it never rewrites
//! them. A [`NodeLease`] proves that no node and no second run works on the directory, so it is a
//! required argument. [`super::Source`] records length and time and compares them after the last
//! read. Pages are brought into memory by a call that can fail before they are touched, so a bad
//! sector and a shortened file are errors. The remaining risk is a truncation by root between that
//! call and the read: that raises SIGBUS, and `Access::Positional` avoids it.

use std::fs::File;

use memmap2::{Advice, Mmap};

use super::lease::NodeLease;

#[expect(unsafe_code, reason = "memory-mapped input; the argument is the module's documentation")]
pub(super) fn map(file: &File, _lease: &NodeLease) -> std::io::Result<Mmap> {
    // SAFETY: the caller holds a lease on the data directories, so no node and no other run of
    // this program changes the file; SSTable components are immutable; the map is read-only and
    // never handed out beyond `Source`.
    unsafe { Mmap::map(file) }
}

/// Brings a range into memory (`MADV_POPULATE_READ`, Linux 5.14).
///
/// # Errors
/// Where touching it would raise a signal, or where the kernel does not know the call.
pub(super) fn populate(map: &Mmap, offset: u64, length: usize) -> std::io::Result<()> {
    let offset = usize::try_from(offset).map_err(std::io::Error::other)?;
    map.advise_range(Advice::PopulateRead, offset, length)
}
