//! Buffers for plaintext.

use std::fmt;

use zeroize::Zeroize as _;

use super::keep_resident;

/// A buffer that plaintext passes through. It is kept out of swap, and wiped before its memory is
/// freed, also when it grows.
#[derive(Default)]
pub struct WipedBuffer(Vec<u8>);

impl WipedBuffer {
    /// The first `length` bytes, whatever they hold.
    pub fn sized(&mut self, length: usize) -> &mut [u8] {
        if length > self.0.capacity() {
            self.0.zeroize();
            self.0 = Vec::with_capacity(length.max(USUAL));
            keep_resident(self.0.spare_capacity_mut());
        }
        self.0.resize(length, 0);
        &mut self.0
    }

    /// Its content: as many bytes as were last requested.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for WipedBuffer {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for WipedBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WipedBuffer({} bytes)", self.0.capacity())
    }
}

/// Enough for a typical range of chunks with its headers, so that the buffer is allocated once.
const USUAL: usize = (2 << 20) + (64 << 10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_keeps_its_memory_and_does_not_print() {
        let mut buffer = WipedBuffer::default();
        buffer.sized(100).fill(7);
        let place = buffer.sized(1 << 20).as_ptr();
        assert_eq!(buffer.sized(50).as_ptr(), place);
        assert_eq!(buffer.sized(USUAL + 1).len(), USUAL + 1);
        assert!(!format!("{buffer:?}").contains('7'), "{buffer:?}");
    }
}
