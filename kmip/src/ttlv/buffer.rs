//! A growing byte buffer that leaves no copy of its content in freed memory.

use std::fmt;

use zeroize::Zeroizing;

/// Bytes that may hold a key: wiped when dropped, and wiped when they move to grow.
///
/// A plain `Vec` frees its old allocation unwiped when it grows, so a wrapper that wipes on drop
/// alone would leave pieces of a key on the heap.
#[derive(Default)]
pub struct SecretBuffer(Zeroizing<Vec<u8>>);

impl SecretBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends bytes.
    pub fn extend(&mut self, bytes: &[u8]) {
        let needed = self.0.len().saturating_add(bytes.len());
        if needed > self.0.capacity() {
            let room = needed.max(self.0.capacity().saturating_mul(2)).max(SMALLEST);
            let mut larger = Zeroizing::new(Vec::with_capacity(room));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(bytes);
    }

    /// The content.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// How many bytes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Overwrites bytes that are already there; out of range it does nothing.
    pub(super) fn patch(&mut self, at: usize, bytes: &[u8]) {
        let end = at.saturating_add(bytes.len());
        if let Some(place) = self.0.get_mut(at..end) {
            place.copy_from_slice(bytes);
        }
    }
}

impl fmt::Debug for SecretBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBuffer({} bytes)", self.0.len())
    }
}

/// First allocation; most requests fit.
const SMALLEST: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_and_keeps_its_content_unprinted() {
        let mut buffer = SecretBuffer::new();
        assert!(buffer.is_empty());
        for n in 0..200_u8 {
            buffer.extend(&[n; 100]);
        }
        assert_eq!(buffer.len(), 20_000);
        assert!(buffer.as_slice().chunks(100).zip(0..).all(|(chunk, n)| chunk == [n; 100]));
        assert_eq!(format!("{buffer:?}"), "SecretBuffer(20000 bytes)");
    }

    #[test]
    fn a_patch_beyond_the_end_changes_nothing() {
        let mut buffer = SecretBuffer::new();
        buffer.extend(&[1, 2, 3]);
        buffer.patch(1, &[9]);
        buffer.patch(2, &[8, 8]);
        buffer.patch(usize::MAX, &[8]);
        assert_eq!(buffer.as_slice(), [1, 9, 3]);
    }
}
