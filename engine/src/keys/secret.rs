//! The bytes of a key.

use std::fmt;
use std::hint::black_box;
use std::mem;

use zeroize::Zeroizing;

use crate::memory::keep_resident;

/// A key's bytes: kept out of swap, wiped when dropped, never cloned, never printed.
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl SecretKey {
    /// Lends the bytes to a cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The length in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.len().saturating_mul(8)
    }

    /// Whether two keys have the same bytes. The time taken depends only on the lengths, as far as
    /// the compiler allows.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        if self.0.len() != other.0.len() {
            return false;
        }
        let difference =
            self.0.iter().zip(other.0.iter()).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
        black_box(difference) == 0
    }
}

impl From<Vec<u8>> for SecretKey {
    /// Takes the bytes without a copy.
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(Zeroizing::new(bytes))
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretKey {
    /// Takes the bytes without a copy.
    fn from(mut bytes: Zeroizing<Vec<u8>>) -> Self {
        keep_resident(bytes.as_slice());
        Self(Zeroizing::new(mem::take(&mut *bytes)))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({} bits)", self.bits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_the_length_only() {
        let key = SecretKey::from(vec![0xab; 32]);
        assert_eq!(format!("{key:?}"), "SecretKey(256 bits)");
        assert_eq!(format!("{key:#?}"), "SecretKey(256 bits)");
        assert_eq!(key.expose(), [0xab; 32]);
    }

    #[test]
    fn equality_is_of_all_bytes() {
        let key = SecretKey::from(vec![1, 2, 3]);
        assert!(key.same_as(&SecretKey::from(Zeroizing::new(vec![1, 2, 3]))));
        for other in [vec![], vec![1, 2], vec![1, 2, 3, 0], vec![0, 2, 3], vec![1, 2, 0x83]] {
            assert!(!key.same_as(&SecretKey::from(other)));
        }
        assert!(SecretKey::from(vec![]).same_as(&SecretKey::from(vec![])));
    }
}
