//! The buffers of the workers.

use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::Result;

/// The buffers of a run: as many sets as workers, used by any thread. So there are never more
/// computing threads than workers, and no more memory than theirs.
#[derive(Debug)]
pub(super) struct ScratchPool<S> {
    /// Free sets; `None` is one that was not created yet.
    idle: Mutex<Vec<Option<S>>>,
    returned: Condvar,
}

impl<S> ScratchPool<S> {
    /// As many sets as there are workers.
    pub(super) fn new(workers: NonZeroUsize) -> Self {
        let unmade = (0..workers.get()).map(|_| None).collect();
        Self { idle: Mutex::new(unmade), returned: Condvar::new() }
    }

    /// Lends a set of buffers to `work`, as soon as one is free, created by `make` if necessary.
    pub(super) fn with<T>(
        &self,
        make: impl FnOnce() -> Result<S>,
        work: impl FnOnce(&mut S) -> Result<T>,
    ) -> Result<T> {
        let mut lent = Lent { pool: self, scratch: self.take() };
        match &mut lent.scratch {
            Some(scratch) => work(scratch),
            unmade => work(unmade.insert(make()?)),
        }
    }

    fn take(&self) -> Option<S> {
        let idle = self.returned.wait_while(self.lock(), |idle| idle.is_empty());
        idle.unwrap_or_else(PoisonError::into_inner).pop().flatten()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<S>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A set that is returned in any case, also when the work panics: another thread may wait for it.
struct Lent<'p, S> {
    pool: &'p ScratchPool<S>,
    scratch: Option<S>,
}

impl<S> Drop for Lent<'_, S> {
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
    fn no_more_sets_are_lent_than_there_are_workers() {
        let pool = ScratchPool::new(NonZeroUsize::new(2).unwrap());
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (pool, working, most) = (&pool, &working, &most);
                scope.spawn(move || {
                    for _ in 0..50 {
                        let done = pool.with(
                            || Ok(()),
                            |()| {
                                let now = working.fetch_add(1, Ordering::SeqCst) + 1;
                                most.fetch_max(now, Ordering::SeqCst);
                                std::thread::yield_now();
                                working.fetch_sub(1, Ordering::SeqCst);
                                Ok(())
                            },
                        );
                        done.unwrap();
                        // A panicking one returns its set, too.
                        let panics =
                            || pool.with(|| Ok(()), |()| -> Result<()> { panic!("{number}") });
                        std::panic::catch_unwind(AssertUnwindSafe(panics)).unwrap_err();
                    }
                });
            }
        });
        assert!(most.into_inner() <= 2);
        assert_eq!(pool.lock().len(), 2, "all came back");
    }
}
