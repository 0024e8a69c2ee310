//! Worker threads: as many as the system provides.
//!
//! A process limit for a user or a container also counts threads, and may leave fewer than
//! requested, or none. That must not cause a panic, but rayon panics if it cannot create its own
//! pool. So parallel work always runs in a pool of this module, even if that is only the calling
//! thread.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::{Error, ErrorKind};

/// The fewest threads that were provided where more were requested, and how many were requested
/// then.
static GIVEN: AtomicUsize = AtomicUsize::new(usize::MAX);
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// A warning if the system provided fewer threads than requested.
#[must_use]
pub fn shortage() -> Option<Error> {
    let (given, asked) = (GIVEN.load(Ordering::Relaxed), ASKED.load(Ordering::Relaxed));
    (given < asked).then(|| too_few(given, asked))
}

fn too_few(given: usize, asked: usize) -> Error {
    Error::new(
        ErrorKind::Io,
        format!("the system gave {given} of {asked} threads, and the work was slower for it"),
    )
    .hint(
        "raise the limit of processes of the user (ulimit -u) or of the container (its pids limit), \
         or ask for fewer with --threads",
    )
}

/// Records how many threads were provided and how many were requested.
pub(super) fn note_shortage(given: usize, asked: usize) {
    if given < asked && given < GIVEN.fetch_min(given, Ordering::Relaxed) {
        ASKED.store(asked, Ordering::Relaxed);
    }
}

/// Threads that share work among themselves.
#[derive(Debug)]
pub struct Workers {
    /// `None` if the system provides no thread at all: then the calling thread does everything.
    pool: Option<ThreadPool>,
}

impl Workers {
    /// Starts this many threads, or as many as possible.
    #[must_use]
    pub fn start(count: NonZeroUsize) -> Self {
        Self::start_with(count, |count| {
            ThreadPoolBuilder::new()
                .num_threads(count)
                .thread_name(|i| format!("rekey-{i}"))
                .build()
                .ok()
        })
    }

    fn start_with(count: NonZeroUsize, build: impl Fn(usize) -> Option<ThreadPool>) -> Self {
        let mut fewer = count.get();
        let pool = loop {
            match build(fewer) {
                Some(pool) => break Some(pool),
                None if fewer <= 1 => break None,
                None => fewer /= 2,
            }
        };
        note_shortage(pool.as_ref().map_or(0, ThreadPool::current_num_threads), count.get());
        Self { pool }
    }

    /// How many can work at the same time; the calling thread counts if there is no other.
    #[must_use]
    pub fn count(&self) -> NonZeroUsize {
        let threads = self.pool.as_ref().map_or(1, ThreadPool::current_num_threads);
        NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN)
    }

    pub(super) const fn pool(&self) -> Option<&ThreadPool> {
        self.pool.as_ref()
    }

    /// Runs work that shares out parts of itself.
    pub fn install<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match &self.pool {
            Some(pool) => pool.install(work),
            None => {
                // Sharing out work on a thread outside a pool starts rayon's own pool, which would
                // panic. This call fails if the thread is already in a pool, which is just as good.
                let _in_a_pool_now =
                    ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
                work()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rayon::prelude::*;

    use super::*;

    #[test]
    fn with_fewer_threads_or_none_the_work_is_still_done() {
        let wanted = NonZeroUsize::new(8).unwrap();
        for (limit, expected) in [(8, 8), (3, 2), (1, 1), (0, 1)] {
            let workers = Workers::start_with(wanted, |count| {
                let builder = ThreadPoolBuilder::new().num_threads(count);
                if count <= limit { builder.build().ok() } else { None }
            });
            assert_eq!(workers.count().get(), expected, "{limit}");
            let sum = workers.install(|| (0..1000_u64).into_par_iter().map(|n| n * n).sum::<u64>());
            assert_eq!(sum, 332_833_500);
        }
        let said = shortage().unwrap();
        assert!(said.to_string().contains("0 of 8 threads"), "{said}");
        assert!(said.hint_text().unwrap().contains("ulimit -u"));
    }
}
