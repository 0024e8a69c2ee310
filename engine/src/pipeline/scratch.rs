//! The buffers of one worker.

use std::fmt;
use std::sync::Mutex;

use zeroize::Zeroize as _;

use crate::Result;
use crate::crypto::IvSource;

/// Buffers that a worker keeps for the life of a run: fresh memory costs a page fault for each
/// 4 KiB, more than the encryption of it.
///
/// They hold plaintext for the time of one piece; they are wiped when the run ends.
pub struct Scratch {
    /// What was read, where the input is not mapped.
    pub input: Vec<u8>,
    /// The image being built, or a plaintext being looked at.
    pub output: Vec<u8>,
    /// A second plaintext, where input and output differ in shape.
    pub spare: Vec<u8>,
    /// Fresh IVs, seeded for this worker by the operating system.
    pub ivs: IvSource,
}

impl Scratch {
    fn new() -> Result<Self> {
        Ok(Self { input: vec![], output: vec![], spare: vec![], ivs: IvSource::from_os()? })
    }
}

impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").field("bytes", &self.output.capacity()).finish_non_exhaustive()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        self.input.zeroize();
        self.output.zeroize();
        self.spare.zeroize();
    }
}

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
