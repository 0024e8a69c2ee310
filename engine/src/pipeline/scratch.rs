//! The buffers of one worker.

use std::fmt;
use std::sync::Mutex;

use zeroize::Zeroize as _;

use crate::Result;
use crate::compress::CodecContext;
use crate::crypto::IvSource;
use crate::memory::keep_resident;

/// Buffers that a worker keeps for the life of a run: fresh memory costs a page fault for each
/// 4 KiB, more than the encryption of it.
#[derive(Debug)]
pub struct Scratch {
    /// What was read, where the input is not mapped: ciphertext.
    pub input: Vec<u8>,
    /// The image being built.
    pub output: WipedBuffer,
    /// A plaintext being looked at.
    pub plain: WipedBuffer,
    /// What an Encryptor gave back.
    pub opened: WipedBuffer,
    /// The working memory of the compressors.
    pub codecs: CodecContext,
    /// Fresh IVs, seeded for this worker by the operating system.
    pub ivs: IvSource,
}

impl Scratch {
    fn new() -> Result<Self> {
        Ok(Self {
            input: vec![],
            output: WipedBuffer::default(),
            plain: WipedBuffer::default(),
            opened: WipedBuffer::default(),
            codecs: CodecContext::default(),
            ivs: IvSource::from_os()?,
        })
    }
}

/// A buffer that plaintext passes through. It is kept out of swap, and wiped before its memory is given back, also when
/// it has to grow.
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

    /// What it holds: as many bytes as were last asked for.
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

/// Enough for the usual range of chunks with its headers, so that the buffer is allocated once.
const USUAL: usize = (2 << 20) + (64 << 10);

/// The buffers that are not in use; there are never more than workers.
#[derive(Debug, Default)]
pub(super) struct ScratchPool(Mutex<Vec<Scratch>>);

impl ScratchPool {
    /// Lends a set of buffers to `work`.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> Result<T>) -> Result<T> {
        let idle = self.lock().pop();
        let mut scratch = match idle {
            Some(scratch) => scratch,
            None => Scratch::new()?,
        };
        let result = work(&mut scratch);
        self.lock().push(scratch);
        result
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Scratch>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

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
