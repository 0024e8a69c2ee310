//! The buffers of one worker.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

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

/// The buffers of a run: a set for each worker, whoever works with it. So there are never more
/// threads that compute than workers, nor more memory than theirs.
#[derive(Debug)]
pub(super) struct ScratchPool {
    /// Sets that nobody has; none stands for one that was not made yet.
    idle: Mutex<Vec<Option<Scratch>>>,
    returned: Condvar,
}

impl ScratchPool {
    /// As many sets as there are workers.
    pub(super) fn new(workers: NonZeroUsize) -> Self {
        let unmade = (0..workers.get()).map(|_| None).collect();
        Self { idle: Mutex::new(unmade), returned: Condvar::new() }
    }

    /// Lends a set of buffers to `work`, as soon as there is one.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut Scratch) -> Result<T>) -> Result<T> {
        let mut lent = Lent { pool: self, scratch: self.take() };
        match &mut lent.scratch {
            Some(scratch) => work(scratch),
            unmade => work(unmade.insert(Scratch::new()?)),
        }
    }

    fn take(&self) -> Option<Scratch> {
        let idle = self.returned.wait_while(self.lock(), |idle| idle.is_empty());
        idle.unwrap_or_else(PoisonError::into_inner).pop().flatten()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Scratch>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A set that comes back in any case, also when the work panics: somebody may wait for it.
struct Lent<'p> {
    pool: &'p ScratchPool,
    scratch: Option<Scratch>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.pool.lock().push(self.scratch.take());
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::panic::AssertUnwindSafe;
    use std::sync::atomic::{AtomicUsize, Ordering};

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

    #[test]
    fn no_more_sets_are_lent_than_there_are_workers() {
        let pool = ScratchPool::new(NonZeroUsize::new(2).unwrap());
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (pool, working, most) = (&pool, &working, &most);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let done = pool.with(|_| {
                            let now = working.fetch_add(1, Ordering::SeqCst) + 1;
                            most.fetch_max(now, Ordering::SeqCst);
                            std::thread::yield_now();
                            working.fetch_sub(1, Ordering::SeqCst);
                            Ok(())
                        });
                        done.unwrap();
                        // One that panics gives its set back, too.
                        let panics = || pool.with(|_| -> Result<()> { panic!("{number}") });
                        std::panic::catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(pool.lock().len(), 2, "all came back");
    }
}
