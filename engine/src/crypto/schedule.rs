//! Selects the code for a transformation and schedules its key.
//!
//! Each algorithm has its own arm, so that one with a faster kernel can try it before it falls back
//! to its crate.

use aes::cipher::KeyInit as _;
use aes::{Aes128, Aes192, Aes256};

use super::cipher::Cipher;
use super::legacy::{Blowfish, ByIndex, Des, Rc2, SideBySide, TripleDes};
#[cfg(all(target_arch = "x86_64", feature = "simd"))]
use super::simd;
use super::{Algorithm, Kernel, Transformation, portable};

/// Schedules a key, for `kernel` if it has the algorithm and the mode, otherwise for
/// [`Kernel::Portable`]; `None` if the algorithm has no keys of that length.
///
/// Weak keys are accepted and parity bits ignored, as in Java.
pub(super) fn schedule(
    transformation: &Transformation,
    key: &[u8],
    kernel: Kernel,
) -> Option<(Kernel, Box<dyn Cipher>)> {
    let (algorithm, mode) = (transformation.algorithm(), transformation.mode());
    // The crates accept more lengths than the algorithms here have.
    if !algorithm.takes_key_of(key.len()) {
        return None;
    }
    #[cfg(all(target_arch = "x86_64", feature = "simd"))]
    if let Some(cipher) = simd::schedule(kernel, algorithm, mode, key) {
        return Some((kernel, cipher));
    }
    #[cfg(not(all(target_arch = "x86_64", feature = "simd")))]
    debug_assert_eq!(kernel.is_available(), kernel == Kernel::Portable, "nothing else is compiled");
    let cipher = match algorithm {
        Algorithm::Aes => match key.len() {
            16 => portable::over(Aes128::new_from_slice(key).ok()?, mode),
            24 => portable::over(Aes192::new_from_slice(key).ok()?, mode),
            _ => portable::over(Aes256::new_from_slice(key).ok()?, mode),
        },
        Algorithm::Blowfish => portable::over(SideBySide(Blowfish::new(key)), mode),
        Algorithm::Des => portable::over(SideBySide(Des::<4, 144>::new(*key.as_array()?)), mode),
        Algorithm::DesEde => {
            let keys = key.as_chunks().0.as_array()?;
            portable::over(SideBySide(TripleDes::<4, 144>::new(*keys)), mode)
        }
        Algorithm::Rc2 => portable::over(SideBySide(Rc2::<64>::new(key, ByIndex)), mode),
    };
    Some((Kernel::Portable, cipher))
}
