//! Which code runs a cipher, and what that code has to offer.

use std::fmt;

use super::{Block, Lane};

/// The code that runs a cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// The `aes` crate behind safe code; the crate itself picks AES-NI, VAES, the ARMv8
    /// extensions or constant-time software.
    Portable,
    /// AVX-512 with VAES, for CBC: more chunks side by side than the crate has room for, and
    /// decryption in one pass.
    Vaes,
}

impl Kernel {
    /// All kernels, the slowest first.
    pub const ALL: [Self; 2] = [Self::Portable, Self::Vaes];

    /// Returns the fastest kernel of this machine.
    #[must_use]
    pub fn best() -> Self {
        if Self::Vaes.is_available() { Self::Vaes } else { Self::Portable }
    }

    /// Says whether this machine can run the kernel.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Self::Vaes => super::x86::Token::get().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Vaes => false,
        }
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Vaes => "vaes",
        })
    }
}

/// A scheduled key in one mode of operation. Padding is none of its business.
pub(super) trait Cipher: Send + Sync {
    /// Encrypts every lane in place.
    fn seal(&self, lanes: &mut [Lane<'_>]);

    /// Decrypts in place.
    fn open(&self, iv: &Block, data: &mut [Block]);

    /// Decrypts `source` into `target`, which is as long.
    fn open_into(&self, iv: &Block, source: &[Block], target: &mut [Block]);

    /// How many lanes of like length [`seal`](Self::seal) wants to run at full speed.
    fn width(&self) -> usize;
}
