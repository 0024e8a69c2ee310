//! Which code runs a cipher, and what that code has to offer.

use std::fmt;

use super::Lane;

/// The code that runs a cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// A crate for each block cipher, behind safe code; the `aes` crate itself picks AES-NI,
    /// VAES, the ARMv8 extensions or constant-time software.
    Portable,
    /// AVX-512 with VAES, for AES in CBC mode: more chunks side by side than the crate has room
    /// for, and decryption in one pass.
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
///
/// An IV is as long as a block; where blocks are shorter than 16 bytes, its first bytes count.
/// Texts are whole blocks in the modes that need them: [`CipherKey`](super::CipherKey) has checked.
pub(super) trait Cipher: Send + Sync {
    /// Encrypts every lane in place.
    fn seal(&self, lanes: &mut [Lane<'_>]);

    /// Decrypts in place.
    fn open(&self, iv: &[u8; 16], data: &mut [u8]);

    /// Decrypts `source` into `target`, which is as long.
    fn open_into(&self, iv: &[u8; 16], source: &[u8], target: &mut [u8]);

    /// How many lanes of like length [`seal`](Self::seal) wants to run at full speed.
    fn width(&self) -> usize;
}
