//! Java's cipher transformations, and their block ciphers.
//!
//! A [`Transformation`] is the parsed name; a [`CipherKey`] is a scheduled key that opens and seals
//! in place. Encryption in all modes but ECB is serial inside a message, so sealing takes several
//! messages ([`Lane`]s) and encrypts them in parallel. These modes have no authentication: a caller
//! accepts a plaintext only if it has exactly the expected length, and without padding not even
//! that is proof.
//!
//! Keys are scheduled once per file and direction, never per chunk. No type here can be cloned,
//! printed or compared by its secret, and whatever holds one wipes it when dropped. Copies in
//! registers and on the stack of a running kernel are not wiped.

mod algorithm;
mod cipher;
mod feed;
mod iv;
mod kernel;
mod key;
mod lane;
mod legacy;
#[cfg(all(target_arch = "x86_64", feature = "simd"))]
mod lookup;
mod padding;
mod portable;
mod schedule;
#[cfg(all(target_arch = "x86_64", feature = "simd"))]
mod simd;
mod transformation;
#[cfg(all(target_arch = "x86_64", feature = "simd"))]
mod vaes;
mod weakness;
#[cfg(all(target_arch = "x86_64", feature = "simd"))]
mod x86;

pub use algorithm::Algorithm;
pub use iv::IvSource;
pub use kernel::Kernel;
pub use key::{CipherKey, DecryptFailed};
pub use lane::{Lane, PartialBlock};
pub use padding::pad;
pub use transformation::{Mode, Padding, Transformation, TransformationError};
pub(crate) use weakness::{Weakening, Weakness};

/// A block of AES.
type Block = [u8; BLOCK];

/// Bytes in a block of AES, and in the longest IV.
const BLOCK: usize = 16;

/// Returns the first bytes of an IV: as many as a block of the cipher has.
fn leading<const N: usize>(iv: &[u8; BLOCK]) -> [u8; N] {
    const { assert!(N <= BLOCK, "no cipher has longer blocks") }
    let mut leading = [0; N];
    for (to, from) in leading.iter_mut().zip(iv) {
        *to = *from;
    }
    leading
}
