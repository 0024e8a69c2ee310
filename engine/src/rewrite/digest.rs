//! The digest of a plaintext, computed in any order and by many workers.

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::Result;

/// The sum of the XXH3-128 values of all chunks, each seeded with its number: the same for the same
/// chunks in the same places, in whatever order they are processed, and in constant memory.
///
/// The seed is random and new for each SSTable and run, so without it the value reveals nothing
/// about the plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PlainDigest {
    seed: u64,
    sum: u128,
    bytes: u64,
}

impl PlainDigest {
    /// An empty digest with a fresh seed.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when the system gives no random bytes.
    pub(super) fn new() -> Result<Self> {
        let seed = getrandom::u64().map_err(|error| {
            crate::Error::new(crate::ErrorKind::Io, "the system gives no random bytes")
                .caused_by(error)
        })?;
        Ok(Self::seeded(seed))
    }

    /// An empty digest to compare with another one.
    #[must_use]
    pub(super) const fn seeded(seed: u64) -> Self {
        Self { seed, sum: 0, bytes: 0 }
    }

    /// A stored digest.
    #[must_use]
    pub(super) const fn kept(seed: u64, sum: u128, bytes: u64) -> Self {
        Self { seed, sum, bytes }
    }

    /// The sum of all values.
    #[must_use]
    pub(super) const fn sum(&self) -> u128 {
        self.sum
    }

    /// The seed.
    #[must_use]
    pub(super) const fn seed(&self) -> u64 {
        self.seed
    }

    /// Plaintext bytes included.
    #[must_use]
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds a chunk.
    pub(super) fn add(&mut self, chunk: u64, plain: &[u8]) {
        // Chunk numbers are spread over the seed space, so that neighbours share nothing.
        let seed = self.seed ^ chunk.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.sum = self.sum.wrapping_add(xxh3_128_with_seed(plain, seed));
        self.bytes = self.bytes.saturating_add(u64::try_from(plain.len()).unwrap_or(u64::MAX));
    }

    /// Adds another worker's digest of the same plaintext.
    pub(super) fn merge(&mut self, other: &Self) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(chunks: &[(u64, &[u8])]) -> PlainDigest {
        let mut digest = PlainDigest::seeded(7);
        for (number, plain) in chunks {
            digest.add(*number, plain);
        }
        digest
    }

    #[test]
    fn a_digest_depends_on_place_and_content_but_not_on_order() {
        let (a, b): (&[u8], &[u8]) = (b"aaaa", b"bbbb");
        assert_eq!(digest(&[(0, a), (1, b)]), digest(&[(1, b), (0, a)]));
        assert_ne!(digest(&[(0, a), (1, b)]), digest(&[(0, b), (1, a)]));
        assert_ne!(digest(&[(0, a), (1, b)]), digest(&[(0, a), (1, a)]));
        assert_ne!(digest(&[(0, a)]), digest(&[(0, a), (1, b"")]));
        let mut merged = digest(&[(1, b)]);
        merged.merge(&digest(&[(0, a)]));
        assert_eq!(merged, digest(&[(0, a), (1, b)]));
    }
}
