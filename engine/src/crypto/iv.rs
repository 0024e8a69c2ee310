//! Fresh initialisation vectors.

use std::fmt;

use aes::Aes256;
use aes::cipher::array::Array;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use zeroize::Zeroizing;

use super::{BLOCK, Block};
use crate::{Error, ErrorKind};

/// A source of unpredictable IVs: the keystream of AES-256 in counter mode, with a key and a start
/// of the counter from the operating system's generator.
///
/// Sixteen bytes from the operating system cost half a microsecond, a twentieth of the work on a
/// chunk; from this source they cost two nanoseconds. Each worker has its own source. It cannot be
/// cloned, so no two give the same vectors, and it must not be carried across a `fork`.
pub struct IvSource {
    cipher: Aes256,
    counter: u128,
    batch: Zeroizing<[Block; BATCH]>,
    /// How many of the batch have been returned.
    used: usize,
}

impl IvSource {
    /// Seeds a source from the operating system.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] when the operating system provides no random bytes.
    pub fn from_os() -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; 32]);
        let mut counter = Zeroizing::new([0; BLOCK]);
        for bytes in [key.as_mut_slice(), counter.as_mut_slice()] {
            getrandom::fill(bytes).map_err(|error| {
                Error::new(ErrorKind::Io, "the operating system gives no random bytes")
                    .caused_by(error)
            })?;
        }
        Ok(Self::from_seed(&key, u128::from_be_bytes(*counter)))
    }

    fn from_seed(key: &[u8; 32], counter: u128) -> Self {
        Self {
            cipher: Aes256::new(key.into()),
            counter,
            batch: Zeroizing::new([[0; BLOCK]; BATCH]),
            used: BATCH,
        }
    }

    /// Returns an IV that was never returned before.
    pub fn next_iv(&mut self) -> [u8; 16] {
        loop {
            if let Some(iv) = self.batch.get(self.used) {
                self.used += 1;
                return *iv;
            }
            self.refill();
        }
    }

    fn refill(&mut self) {
        for block in self.batch.iter_mut() {
            *block = self.counter.to_be_bytes();
            self.counter = self.counter.wrapping_add(1);
        }
        self.cipher.encrypt_blocks(Array::cast_slice_from_core_mut(self.batch.as_mut_slice()));
        self.used = 0;
    }
}

impl fmt::Debug for IvSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IvSource").finish_non_exhaustive()
    }
}

/// IVs generated in one call: as many blocks as the widest backend of the `aes` crate takes at
/// once.
const BATCH: usize = 64;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn vectors_are_the_keystream_of_counter_mode() {
        // NIST SP 800-38A F.5.5: the first output blocks of CTR-AES256.
        let key = [
            0x60, 0x3d, 0xeb, 0x10, 0x15, 0xca, 0x71, 0xbe, 0x2b, 0x73, 0xae, 0xf0, 0x85, 0x7d,
            0x77, 0x81, 0x1f, 0x35, 0x2c, 0x07, 0x3b, 0x61, 0x08, 0xd7, 0x2d, 0x98, 0x10, 0xa3,
            0x09, 0x14, 0xdf, 0xf4,
        ];
        let mut source = IvSource::from_seed(&key, 0xf0f1_f2f3_f4f5_f6f7_f8f9_fafb_fcfd_feff);
        for output in [
            0x0bdf_7df1_5917_1633_5e9a_8b15_c860_c502,
            0x5a6e_699d_5361_1906_5433_863c_8f65_7b94_u128,
        ] {
            assert_eq!(u128::from_be_bytes(source.next_iv()), output);
        }
    }

    #[test]
    fn vectors_do_not_repeat_within_or_across_sources() {
        let mut seen = HashSet::new();
        for _ in 0..4 {
            let mut source = IvSource::from_os().unwrap();
            for _ in 0..10 * BATCH + 7 {
                assert!(seen.insert(source.next_iv()));
            }
        }
    }

    #[test]
    fn the_counter_wraps() {
        let mut source = IvSource::from_seed(&[9; 32], u128::MAX - 3);
        let vectors: HashSet<_> = (0..2 * BATCH).map(|_| source.next_iv()).collect();
        assert_eq!(vectors.len(), 2 * BATCH);
        let mut zero = IvSource::from_seed(&[9; 32], 0);
        assert!(vectors.contains(&zero.next_iv()));
    }

    #[test]
    fn a_source_prints_nothing_of_its_seed() {
        let source = IvSource::from_seed(&[9; 32], 7);
        assert_eq!(format!("{source:?}"), "IvSource { .. }");
    }
}
