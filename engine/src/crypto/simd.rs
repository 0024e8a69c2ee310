//! Schedules a key for a kernel that only some processors have.
//!
//! This module and the kernels below it are the feature `simd`; without it everything runs through
//! [`portable`].

use super::cipher::Cipher;
use super::legacy::{Des, Rc2, Rounds, SideBySide, TripleDes};
use super::x86::{AesVectors, Avx2, Avx512, Cbc, Vaes256, Vaes512, Vectors, Wide};
use super::{Algorithm, Kernel, Mode, portable};

/// Schedules a key of a valid length for a kernel; `None` if the kernel is not available, or does
/// not have this algorithm in this mode.
pub(super) fn schedule(
    kernel: Kernel,
    algorithm: Algorithm,
    mode: Mode,
    key: &[u8],
) -> Option<Box<dyn Cipher>> {
    match (kernel, algorithm, mode) {
        (Kernel::Avx2, _, _) => avx2(algorithm, mode, key),
        (Kernel::Avx512, _, _) => avx512(algorithm, mode, key),
        (Kernel::Vaes256, Algorithm::Aes, Mode::Cbc) => aes_cbc(Vaes256::get()?, key),
        (Kernel::Vaes512, Algorithm::Aes, Mode::Cbc) => aes_cbc(Vaes512::get()?, key),
        (Kernel::Portable | Kernel::Vaes256 | Kernel::Vaes512, _, _) => None,
    }
}

/// The older ciphers that gain from wider vectors. Blowfish does not: its rounds are table
/// look-ups.
fn avx2(algorithm: Algorithm, mode: Mode, key: &[u8]) -> Option<Box<dyn Cipher>> {
    let avx2 = Avx2::get()?;
    Some(match algorithm {
        Algorithm::Des => wide(avx2, Des::<4, 56>::new(*key.as_array()?), mode),
        Algorithm::DesEde => {
            wide(avx2, TripleDes::<4, 56>::new(*key.as_chunks().0.as_array()?), mode)
        }
        Algorithm::Rc2 => wide(avx2, Rc2::<128, _>::new(key, avx2), mode),
        Algorithm::Aes | Algorithm::Blowfish => return None,
    })
}

/// The same with vectors twice as wide.
fn avx512(algorithm: Algorithm, mode: Mode, key: &[u8]) -> Option<Box<dyn Cipher>> {
    let avx512 = Avx512::get()?;
    Some(match algorithm {
        Algorithm::Des => wide(avx512, Des::<8, 40>::new(*key.as_array()?), mode),
        Algorithm::DesEde => {
            wide(avx512, TripleDes::<8, 40>::new(*key.as_chunks().0.as_array()?), mode)
        }
        Algorithm::Rc2 => wide(avx512, Rc2::<128, _>::new(key, avx512), mode),
        Algorithm::Aes | Algorithm::Blowfish => return None,
    })
}

fn wide<C: Rounds + Send + Sync + 'static>(
    vectors: impl Vectors,
    cipher: C,
    mode: Mode,
) -> Box<dyn Cipher> {
    portable::over(SideBySide(Wide::new(vectors, cipher)), mode)
}

fn aes_cbc(vectors: impl AesVectors, key: &[u8]) -> Option<Box<dyn Cipher>> {
    let (words, _) = key.as_chunks::<4>();
    Some(match key.len() {
        16 => Cbc::<_, 11>::new::<4>(vectors, words.as_array()?),
        24 => Cbc::<_, 13>::new::<6>(vectors, words.as_array()?),
        32 => Cbc::<_, 15>::new::<8>(vectors, words.as_array()?),
        _ => return None,
    })
}
