//! From a transformation and the bytes of a key to the code that runs it.
//!
//! Each algorithm has its own arm, so that one with a faster kernel can ask for it before it falls
//! back to its crate.

use aes::cipher::KeyInit as _;
use aes::{Aes128, Aes192, Aes256};

use super::kernel::Cipher;
use super::legacy::{Blowfish, ByIndex, Des, Rc2, SideBySide, TripleDes};
#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{Algorithm, Kernel, Mode, Transformation, portable};

/// Schedules a key, for `kernel` if it has the algorithm and the mode and else for
/// [`Kernel::Portable`]; none if the algorithm has no keys of that length.
///
/// Weak keys are taken as they come, and parity bits mean nothing: so does Java.
pub(super) fn schedule(
    transformation: &Transformation,
    key: &[u8],
    kernel: Kernel,
) -> Option<(Kernel, Box<dyn Cipher>)> {
    let (algorithm, mode) = (transformation.algorithm(), transformation.mode());
    // The crates take more lengths than the algorithms here have.
    if !algorithm.takes_key_of(key.len()) {
        return None;
    }
    let special = match kernel {
        Kernel::Portable => None,
        Kernel::Avx512 => avx512(algorithm, mode, key),
        Kernel::Vaes if (algorithm, mode) == (Algorithm::Aes, Mode::Cbc) => vaes_cbc(key),
        Kernel::Vaes => None,
    };
    if let Some(cipher) = special {
        return Some((kernel, cipher));
    }
    let cipher = match algorithm {
        Algorithm::Aes => match key.len() {
            16 => portable::over(Aes128::new_from_slice(key).ok()?, mode),
            24 => portable::over(Aes192::new_from_slice(key).ok()?, mode),
            _ => portable::over(Aes256::new_from_slice(key).ok()?, mode),
        },
        Algorithm::Blowfish => portable::over(SideBySide(Blowfish::new(key)), mode),
        Algorithm::Des => portable::over(SideBySide(Des::<4>::new(*key.as_array()?)), mode),
        Algorithm::DesEde => {
            let keys = key.as_chunks().0.as_array()?;
            portable::over(SideBySide(TripleDes::<4>::new(*keys)), mode)
        }
        Algorithm::Rc2 => portable::over(SideBySide(Rc2::<64>::new(key, ByIndex)), mode),
    };
    Some((Kernel::Portable, cipher))
}

/// The older ciphers that gain by wider vectors. Blowfish does not: its rounds are look-ups.
#[cfg(target_arch = "x86_64")]
fn avx512(algorithm: Algorithm, mode: Mode, key: &[u8]) -> Option<Box<dyn Cipher>> {
    let token = x86::WideToken::get()?;
    Some(match algorithm {
        Algorithm::Des => {
            let cipher = Des::<8>::new(*key.as_array()?);
            portable::over(SideBySide(x86::Wide::new(token, cipher)), mode)
        }
        Algorithm::DesEde => {
            let cipher = TripleDes::<8>::new(*key.as_chunks().0.as_array()?);
            portable::over(SideBySide(x86::Wide::new(token, cipher)), mode)
        }
        Algorithm::Rc2 => {
            let cipher = Rc2::<128, _>::new(key, token);
            portable::over(SideBySide(x86::Wide::new(token, cipher)), mode)
        }
        Algorithm::Aes | Algorithm::Blowfish => return None,
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn avx512(_: Algorithm, _: Mode, _: &[u8]) -> Option<Box<dyn Cipher>> {
    None
}

#[cfg(target_arch = "x86_64")]
fn vaes_cbc(key: &[u8]) -> Option<Box<dyn Cipher>> {
    let token = x86::Token::get()?;
    let (words, _) = key.as_chunks::<4>();
    Some(match key.len() {
        16 => x86::Cbc::<11>::new::<4>(token, words.as_array()?),
        24 => x86::Cbc::<13>::new::<6>(token, words.as_array()?),
        32 => x86::Cbc::<15>::new::<8>(token, words.as_array()?),
        _ => return None,
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn vaes_cbc(_: &[u8]) -> Option<Box<dyn Cipher>> {
    None
}
