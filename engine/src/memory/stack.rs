//! What calls leave on the stack.

use std::hint::black_box;

/// Overwrites what calls have left below the caller's frame. Where a cipher's round keys do not fit into
/// the registers beside its blocks, the compiler keeps copies of them there, and the first round keys
/// are the key (seen with AVX-512). Nothing else wipes those.
#[inline(never)]
#[expect(clippy::large_stack_arrays, reason = "that is what it is for")]
pub(crate) fn wipe_stack() {
    // Or the compiler would leave it out.
    black_box(&mut [0_u8; DEPTH]);
}

/// Deeper than the calls from a worker to a cipher, by far; the smallest stacks have 2 MiB.
const DEPTH: usize = 64 << 10;
