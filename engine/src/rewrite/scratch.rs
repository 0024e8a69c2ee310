//! The buffers of one worker.

use crate::Result;
use crate::compress::CodecContext;
use crate::crypto::IvSource;
use crate::memory::WipedBuffer;

/// Buffers that a worker keeps for the life of a run: fresh memory costs a page fault for each
/// 4 KiB, more than the encryption of it.
#[derive(Debug)]
pub struct Scratch {
    /// What was read, where the input is not mapped: ciphertext.
    pub input: Vec<u8>,
    /// The image being built.
    pub output: WipedBuffer,
    /// A plaintext being processed.
    pub plain: WipedBuffer,
    /// The output of an Encryptor.
    pub opened: WipedBuffer,
    /// The working memory of the compressors.
    pub codecs: CodecContext,
    /// Fresh IVs, seeded for this worker by the operating system.
    pub ivs: IvSource,
}

impl Scratch {
    /// Empty buffers, which grow as needed.
    ///
    /// # Errors
    /// The operating system gives no seed.
    pub fn new() -> Result<Self> {
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
