//! A scheduled key for one transformation.

use std::fmt;

use super::cipher::Cipher;
use super::padding::plain_length;
use super::{Kernel, Lane, PartialBlock, Transformation, TransformationError, schedule};
use crate::memory::keep_resident;

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
    /// [`TransformationError::KeyLength`] when the cipher has no keys of that length.
    pub fn new(transformation: &Transformation, key: &[u8]) -> Result<Self, TransformationError> {
        let kernel = Kernel::best(transformation.algorithm(), transformation.mode());
        Self::with_kernel(transformation, key, kernel)
    }

    /// Schedules `key` for one kernel: for tests and measurements.
    ///
    /// If this machine, the algorithm or the mode does not have the kernel, [`Kernel::Portable`] is
    /// used; [`kernel`](Self::kernel) says which.
    ///
    /// # Errors
    /// [`TransformationError::KeyLength`] when the cipher has no keys of that length.
    pub fn with_kernel(
        transformation: &Transformation,
        key: &[u8],
        kernel: Kernel,
    ) -> Result<Self, TransformationError> {
        let (kernel, cipher) =
            schedule::schedule(transformation, key, kernel).ok_or_else(|| {
                TransformationError::KeyLength {
                    transformation: transformation.text().to_owned(),
                    bytes: key.len(),
                }
            })?;
        // The round keys live as long as the run, inside this value.
        keep_resident(&*cipher);
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

    /// How many lanes of similar length [`seal`](Self::seal) needs at least for full speed.
    #[must_use]
    pub fn width(&self) -> usize {
        self.cipher.width()
    }

    /// Decrypts `data` in place and returns the plaintext's length, with the padding checked and
    /// removed. The modes without an IV ignore `iv`.
    ///
    /// # Errors
    /// [`DecryptFailed`] when the lengths or the padding are not those of a ciphertext under this
    /// key; the content of `data` is then meaningless. A wrong key passes this check once in 256
    /// times, and always where the transformation has no padding.
    pub fn open(&self, iv: &[u8], data: &mut [u8]) -> Result<usize, DecryptFailed> {
        let iv = self.iv(iv)?;
        self.check(data.len())?;
        self.cipher.open(&iv, data);
        plain_length(&self.transformation, data).ok_or(DecryptFailed)
    }

    /// Decrypts `source` into `target`, which has the same length, and returns the plaintext's
    /// length like [`open`](Self::open). Reads the source once, so it may be a memory map.
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
        self.check(source.len())?;
        if source.len() != target.len() {
            return Err(DecryptFailed);
        }
        self.cipher.open_into(&iv, source, target);
        plain_length(&self.transformation, target).ok_or(DecryptFailed)
    }

    /// Encrypts all lanes in place, in parallel. Their order and lengths are free.
    ///
    /// # Errors
    /// [`PartialBlock`] when a lane is not whole blocks and the transformation has a padding; then
    /// no lane is changed. So no remainder stays in clear unnoticed.
    pub fn seal(&self, lanes: &mut [Lane<'_>]) -> Result<(), PartialBlock> {
        if lanes.iter().any(|lane| !lane.len().is_multiple_of(self.transformation.unit())) {
            return Err(PartialBlock);
        }
        self.cipher.seal(lanes);
        Ok(())
    }

    /// The IV, padded with zeros.
    fn iv(&self, iv: &[u8]) -> Result<[u8; 16], DecryptFailed> {
        let mut full = [0; 16];
        let length = self.transformation.iv_length();
        if length > 0 {
            if iv.len() != length {
                return Err(DecryptFailed);
            }
            full.get_mut(..length).ok_or(DecryptFailed)?.copy_from_slice(iv);
        }
        Ok(full)
    }

    /// Whether a ciphertext can have this length.
    fn check(&self, length: usize) -> Result<(), DecryptFailed> {
        if length.is_multiple_of(self.transformation.unit()) { Ok(()) } else { Err(DecryptFailed) }
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

#[cfg(test)]
mod tests {
    use super::super::{Algorithm, Mode};
    use super::*;

    fn parse(text: &str) -> Transformation {
        Transformation::parse(text).unwrap()
    }

    fn cbc() -> Transformation {
        parse("AES/CBC/PKCS5Padding")
    }

    /// A key for every transformation.
    fn keys() -> Vec<CipherKey> {
        let mut keys = Vec::new();
        for algorithm in Algorithm::ALL {
            let length = (8..=24).find(|length| algorithm.takes_key_of(*length)).unwrap();
            let mut add = |text: &str| {
                keys.push(CipherKey::new(&parse(text), &vec![3; length]).unwrap());
            };
            add(algorithm.name());
            for mode in Mode::ALL {
                add(&format!("{}/{}/PKCS5Padding", algorithm.name(), mode.name()));
                if mode.is_stream() {
                    add(&format!("{}/{}/NoPadding", algorithm.name(), mode.name()));
                }
            }
        }
        assert_eq!(keys.len(), 5 * 8);
        keys
    }

    #[test]
    fn a_key_of_a_length_that_the_cipher_lacks_is_refused() {
        for algorithm in Algorithm::ALL {
            for text in [algorithm.name(), &format!("{}/CFB/NoPadding", algorithm.name())] {
                for length in 0..=130 {
                    let key = CipherKey::new(&parse(text), &vec![1; length]);
                    if algorithm.takes_key_of(length) {
                        assert!(key.is_ok());
                    } else {
                        assert_eq!(
                            key.map(|_| ()),
                            Err(TransformationError::KeyLength {
                                transformation: text.to_owned(),
                                bytes: length,
                            })
                        );
                    }
                }
            }
        }
        let error = CipherKey::new(&parse("DES"), &[0; 7]).unwrap_err();
        assert_eq!(error.to_string(), "cipher 'DES' has no keys of 7 bytes");
    }

    #[test]
    fn a_key_prints_its_purpose_but_not_its_bytes() {
        let key = CipherKey::with_kernel(&cbc(), &[0x42; 32], Kernel::Portable).unwrap();
        assert_eq!(
            format!("{key:?}"),
            "CipherKey { transformation: \"AES/CBC/PKCS5Padding\", kernel: Portable, .. }"
        );
    }

    #[test]
    fn a_key_runs_on_the_requested_kernel_if_available() {
        for best in keys() {
            let transformation = best.transformation();
            let (algorithm, mode) = (transformation.algorithm(), transformation.mode());
            assert_eq!(best.kernel(), Kernel::best(algorithm, mode), "{best:?}");
            assert!(best.width() > 0);
            let length = (8..=24).find(|length| algorithm.takes_key_of(*length)).unwrap();
            for kernel in Kernel::ALL {
                let key = CipherKey::with_kernel(transformation, &vec![3; length], kernel).unwrap();
                let there = match kernel {
                    Kernel::Portable => true,
                    Kernel::Avx2 | Kernel::Avx512 => {
                        !matches!(algorithm, Algorithm::Aes | Algorithm::Blowfish)
                    }
                    Kernel::Vaes256 | Kernel::Vaes512 => {
                        (algorithm, mode) == (Algorithm::Aes, Mode::Cbc)
                    }
                };
                let expected =
                    if there && kernel.is_available() { kernel } else { Kernel::Portable };
                assert_eq!(key.kernel(), expected, "{key:?}");
            }
        }
    }

    #[test]
    fn threads_can_share_a_key() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(&CipherKey::new(&cbc(), &[0; 16]).unwrap());
    }

    #[test]
    fn every_wrong_length_fails_to_decrypt() {
        for key in keys() {
            let transformation = key.transformation();
            let (iv, unit) = (vec![0; transformation.iv_length()], transformation.unit());
            for length in 0..80 {
                let mut data = vec![0; length];
                let across = key.open_into(&iv, &data.clone(), &mut data);
                let place = key.open(&iv, &mut data);
                if unit == 1 {
                    assert_eq!((across, place), (Ok(length), Ok(length)), "{key:?}");
                } else if length == 0 || length % unit != 0 {
                    let failed = (Err(DecryptFailed), Err(DecryptFailed));
                    assert_eq!((across, place), failed, "{key:?} {length}");
                }
            }
            for (source, target) in [(32, 16), (16, 32)] {
                let verdict = key.open_into(&iv, &vec![0; source], &mut vec![0; target]);
                assert_eq!(verdict, Err(DecryptFailed), "{key:?}");
            }
        }
    }

    #[test]
    fn an_iv_must_be_as_long_as_a_block_where_there_is_one() {
        for key in keys() {
            let own = key.transformation().iv_length();
            for length in (0..40).filter(|length| *length != own) {
                let verdict = key.open(&vec![0; length], &mut [0; 16]);
                let into = key.open_into(&vec![0; length], &[0; 16], &mut [0; 16]);
                if own > 0 {
                    assert_eq!((verdict, into), (Err(DecryptFailed), Err(DecryptFailed)));
                } else {
                    assert_eq!(verdict, into, "it is ignored");
                }
            }
        }
    }

    #[test]
    fn a_lane_that_is_not_padded_is_refused_and_none_is_touched() {
        for key in keys() {
            for length in 0..40 {
                let (mut whole, mut odd) = (vec![7; 32], vec![7; length]);
                let mut lanes = [Lane::new([1; 16], &mut whole), Lane::new([1; 16], &mut odd)];
                let verdict = key.seal(&mut lanes);
                if length % key.transformation().unit() == 0 {
                    assert_eq!(verdict, Ok(()), "{key:?}");
                    assert_ne!(whole, [7; 32]);
                } else {
                    assert_eq!(verdict, Err(PartialBlock), "{key:?} {length}");
                    assert_eq!((whole, odd), (vec![7; 32], vec![7; length]));
                }
            }
        }
    }
}
