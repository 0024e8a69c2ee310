//! A scheduled key for one transformation.

use std::fmt;

use aes::cipher::KeyInit as _;
use aes::{Aes128, Aes192, Aes256};

use super::kernel::Cipher;
use super::padding::unpad;
#[cfg(target_arch = "x86_64")]
use super::x86;
use super::{
    Algorithm, BLOCK, Block, Kernel, Lane, Mode, Transformation, TransformationError, portable,
};

/// A scheduled key for one transformation.
///
/// It cannot be cloned or printed, and its round keys are wiped when it is dropped. Threads may
/// share one; opening and sealing change nothing in it.
pub struct CipherKey {
    transformation: Transformation,
    kernel: Kernel,
    cipher: Box<dyn Cipher>,
}

impl CipherKey {
    /// Schedules `key` for the fastest kernel of this machine.
    ///
    /// # Errors
    /// [`TransformationError::Strength`] when the cipher has no keys of that length.
    pub fn new(transformation: &Transformation, key: &[u8]) -> Result<Self, TransformationError> {
        Self::with_kernel(transformation, key, Kernel::best())
    }

    /// Schedules `key` for one kernel: for tests and measurements.
    ///
    /// A kernel that this machine or the mode does not have gives way to
    /// [`Kernel::Portable`]; [`kernel`](Self::kernel) tells.
    ///
    /// # Errors
    /// [`TransformationError::Strength`] when the cipher has no keys of that length.
    pub fn with_kernel(
        transformation: &Transformation,
        key: &[u8],
        kernel: Kernel,
    ) -> Result<Self, TransformationError> {
        let Algorithm::Aes = transformation.algorithm();
        let special = match (kernel, transformation.mode()) {
            (Kernel::Vaes, Mode::Cbc) => vaes_cbc(key),
            _ => None,
        };
        let (kernel, cipher) = match (special, transformation.mode()) {
            (Some(cipher), _) => (kernel, Some(cipher)),
            (None, Mode::Cbc) => (Kernel::Portable, portable_cbc(key)),
            (None, Mode::Ecb) => (Kernel::Portable, portable_ecb(key)),
        };
        let cipher = cipher.ok_or_else(|| TransformationError::Strength {
            transformation: transformation.text().to_owned(),
            strength: u32::try_from(key.len().saturating_mul(8)).unwrap_or(u32::MAX),
        })?;
        Ok(Self { transformation: transformation.clone(), kernel, cipher })
    }

    /// The transformation that the key is for.
    #[must_use]
    pub const fn transformation(&self) -> &Transformation {
        &self.transformation
    }

    /// The kernel that runs it.
    #[must_use]
    pub const fn kernel(&self) -> Kernel {
        self.kernel
    }

    /// How many lanes of like length [`seal`](Self::seal) should get at least to run at full
    /// speed.
    #[must_use]
    pub fn width(&self) -> usize {
        self.cipher.width()
    }

    /// Decrypts `data` in place and returns the plaintext's length, with the padding checked and
    /// taken off. The modes without an IV ignore `iv`.
    ///
    /// # Errors
    /// [`DecryptFailed`] when the lengths or the padding are not those of a ciphertext under this
    /// key; `data` then holds nothing of use. A wrong key passes this check once in 256 times.
    pub fn open(&self, iv: &[u8], data: &mut [u8]) -> Result<usize, DecryptFailed> {
        let iv = self.iv(iv)?;
        let (blocks, rest) = data.as_chunks_mut::<BLOCK>();
        if !rest.is_empty() {
            return Err(DecryptFailed);
        }
        self.cipher.open(&iv, blocks);
        plain_length(blocks)
    }

    /// Decrypts `source` into `target`, which is as long, and returns the plaintext's length like
    /// [`open`](Self::open). Reads the source once, so it may lie in a map.
    ///
    /// # Errors
    /// [`DecryptFailed`] as for [`open`](Self::open), and when the two lengths differ.
    pub fn open_into(
        &self,
        iv: &[u8],
        source: &[u8],
        target: &mut [u8],
    ) -> Result<usize, DecryptFailed> {
        let iv = self.iv(iv)?;
        let (source, rest) = source.as_chunks::<BLOCK>();
        let (target, target_rest) = target.as_chunks_mut::<BLOCK>();
        if !(rest.is_empty() && target_rest.is_empty() && source.len() == target.len()) {
            return Err(DecryptFailed);
        }
        self.cipher.open_into(&iv, source, target);
        plain_length(target)
    }

    /// Encrypts every lane in place, all of them side by side. Their order and lengths are free.
    pub fn seal(&self, lanes: &mut [Lane<'_>]) {
        self.cipher.seal(lanes);
    }

    fn iv(&self, iv: &[u8]) -> Result<Block, DecryptFailed> {
        match self.transformation.mode() {
            Mode::Cbc => iv.as_array().copied().ok_or(DecryptFailed),
            Mode::Ecb => Ok([0; BLOCK]),
        }
    }
}

impl fmt::Debug for CipherKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CipherKey")
            .field("transformation", &self.transformation.text())
            .field("kernel", &self.kernel)
            .finish_non_exhaustive()
    }
}

/// A ciphertext does not decrypt under this key.
///
/// Deliberately without a reason: a wrong key, a damaged text and a wrong length look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("does not decrypt under this key")]
pub struct DecryptFailed;

fn plain_length(blocks: &[Block]) -> Result<usize, DecryptFailed> {
    let padding = unpad(blocks.last().ok_or(DecryptFailed)?)?;
    Ok(blocks.as_flattened().len() - padding)
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

fn portable_cbc(key: &[u8]) -> Option<Box<dyn Cipher>> {
    Some(match key.len() {
        16 => Box::new(portable::Cbc(Aes128::new_from_slice(key).ok()?)),
        24 => Box::new(portable::Cbc(Aes192::new_from_slice(key).ok()?)),
        32 => Box::new(portable::Cbc(Aes256::new_from_slice(key).ok()?)),
        _ => return None,
    })
}

fn portable_ecb(key: &[u8]) -> Option<Box<dyn Cipher>> {
    Some(match key.len() {
        16 => Box::new(portable::Ecb(Aes128::new_from_slice(key).ok()?)),
        24 => Box::new(portable::Ecb(Aes192::new_from_slice(key).ok()?)),
        32 => Box::new(portable::Ecb(Aes256::new_from_slice(key).ok()?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cbc() -> Transformation {
        Transformation::parse("AES/CBC/PKCS5Padding").unwrap()
    }

    #[test]
    fn a_key_of_a_length_that_the_cipher_lacks_is_refused() {
        for text in ["AES", "AES/CBC/PKCS5Padding"] {
            let transformation = Transformation::parse(text).unwrap();
            for length in 0..=64 {
                let key = CipherKey::new(&transformation, &vec![1; length]);
                match length {
                    16 | 24 | 32 => assert!(key.is_ok()),
                    _ => assert_eq!(
                        key.map(|_| ()),
                        Err(TransformationError::Strength {
                            transformation: text.to_owned(),
                            strength: u32::try_from(length * 8).unwrap(),
                        })
                    ),
                }
            }
        }
    }

    #[test]
    fn a_key_prints_what_it_is_for_and_nothing_of_itself() {
        let key = CipherKey::with_kernel(&cbc(), &[0x42; 32], Kernel::Portable).unwrap();
        assert_eq!(
            format!("{key:?}"),
            "CipherKey { transformation: \"AES/CBC/PKCS5Padding\", kernel: Portable, .. }"
        );
    }

    #[test]
    fn threads_can_share_a_key() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&CipherKey::new(&cbc(), &[0; 16]).unwrap());
    }

    #[test]
    fn every_wrong_length_fails_to_decrypt() {
        for text in ["AES", "AES/CBC/PKCS5Padding"] {
            let transformation = Transformation::parse(text).unwrap();
            let key = CipherKey::new(&transformation, &[3; 16]).unwrap();
            for length in (0..80).filter(|length| length % 16 != 0 || *length == 0) {
                let mut data = vec![0; length];
                assert_eq!(key.open(&[0; 16], &mut data), Err(DecryptFailed));
                assert_eq!(key.open_into(&[0; 16], &data.clone(), &mut data), Err(DecryptFailed));
            }
            assert_eq!(key.open_into(&[0; 16], &[0; 32], &mut [0; 16]), Err(DecryptFailed));
            assert_eq!(key.open_into(&[0; 16], &[0; 16], &mut [0; 32]), Err(DecryptFailed));
        }
        let key = CipherKey::new(&cbc(), &[3; 16]).unwrap();
        for length in (0..40).filter(|length| *length != 16) {
            assert_eq!(key.open(&vec![0; length], &mut [0; 16]), Err(DecryptFailed));
        }
    }
}
