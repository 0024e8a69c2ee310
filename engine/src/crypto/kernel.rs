//! Which code runs a cipher.

use std::fmt;

use super::algorithm::SpeedUp;
#[cfg(all(target_arch = "x86_64", feature = "simd"))]
use super::x86::{Avx2, Avx512, Vaes256, Vaes512};
use super::{Algorithm, Mode};

/// The code that runs a cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kernel {
    /// Safe code for any processor: for AES a crate, which itself picks AES-NI, VAES, the ARMv8
    /// extensions or constant-time software; for the older ciphers this crate's own rounds.
    Portable,
    /// The same rounds of DES, triple DES and RC2, compiled for the vectors of AVX2.
    Avx2,
    /// The same, compiled for the vectors of AVX-512.
    Avx512,
    /// VAES in vectors of 256 bits, for AES in CBC mode: several chunks in parallel with their
    /// chains in registers, and decryption in one pass.
    Vaes256,
    /// VAES in vectors of 512 bits, with AVX-512.
    Vaes512,
}

impl Kernel {
    /// All kernels, the slowest first.
    pub const ALL: [Self; 5] =
        [Self::Portable, Self::Avx2, Self::Avx512, Self::Vaes256, Self::Vaes512];

    /// Returns the fastest kernel on this machine for an algorithm in a mode.
    ///
    /// In a debug build with `REKEY_PORTABLE` in the environment it is [`Kernel::Portable`]. So all
    /// tests that use ciphers can run on portable code as well, without a second build.
    #[must_use]
    pub fn best(algorithm: Algorithm, mode: Mode) -> Self {
        if cfg!(debug_assertions) && std::env::var_os("REKEY_PORTABLE").is_some() {
            return Self::Portable;
        }
        let special: &[Self] = match (algorithm.speed_up(), mode) {
            (SpeedUp::AesInCbc, Mode::Cbc) => &[Self::Vaes512, Self::Vaes256],
            (SpeedUp::Vectors, _) => &[Self::Avx512, Self::Avx2],
            (SpeedUp::AesInCbc | SpeedUp::None, _) => &[],
        };
        special.iter().copied().find(|kernel| kernel.is_available()).unwrap_or(Self::Portable)
    }

    /// Whether this machine can run the kernel and it was compiled: all but [`Kernel::Portable`]
    /// need the feature `simd`.
    #[must_use]
    pub fn is_available(self) -> bool {
        #[cfg(all(target_arch = "x86_64", feature = "simd"))]
        let available = match self {
            Self::Portable => true,
            Self::Avx2 => Avx2::get().is_some(),
            Self::Avx512 => Avx512::get().is_some(),
            Self::Vaes256 => Vaes256::get().is_some(),
            Self::Vaes512 => Vaes512::get().is_some(),
        };
        #[cfg(not(all(target_arch = "x86_64", feature = "simd")))]
        let available = self == Self::Portable;
        available
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Vaes256 => "vaes256",
            Self::Vaes512 => "vaes512",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise the test run on portable ciphers would prove nothing.
    #[test]
    fn tests_for_portable_ciphers_run_on_them() {
        let is_asked_for = std::env::var_os("REKEY_PORTABLE").is_some();
        for algorithm in [Algorithm::Aes, Algorithm::Des, Algorithm::DesEde, Algorithm::Rc2] {
            let best = Kernel::best(algorithm, Mode::Cbc);
            assert!(!is_asked_for || best == Kernel::Portable, "{algorithm:?}: {best}");
        }
    }
}
