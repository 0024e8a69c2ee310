//! What the stages of a task hand on to each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{Error, ErrorKind, Result};

/// A value that one stage sets, the pieces of later ones share, and the end of the task drops: an
/// ended task holds no file open, however many tasks a run has.
#[derive(Debug)]
pub(super) struct Slot<T>(Mutex<Option<Arc<T>>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T> Slot<T> {
    /// Fills it.
    pub(super) fn set(&self, value: T) -> Arc<T> {
        let value = Arc::new(value);
        *lock(&self.0) = Some(Arc::clone(&value));
        value
    }

    /// What an earlier stage has set.
    pub(super) fn get(&self) -> Result<Arc<T>> {
        lock(&self.0)
            .as_ref()
            .map(Arc::clone)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a stage was entered before its time"))
    }

    /// Empties it.
    pub(super) fn take(&self) -> Option<Arc<T>> {
        lock(&self.0).take()
    }
}

/// A panic of another piece ends the task; the value itself is always whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
