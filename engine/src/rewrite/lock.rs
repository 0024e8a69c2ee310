//! Locks of what the pieces of a task share.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic of another piece ends the task; the value itself is always complete.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
