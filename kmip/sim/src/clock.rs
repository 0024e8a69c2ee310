//! A clock that can be moved forward.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rekey_kmip::message::Timestamp;

/// This computer's clock, plus an offset that all clones share.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// The simulated moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let offset = self.offset.load(Ordering::Relaxed);
        Timestamp::from_seconds(Timestamp::now().seconds().saturating_add(offset))
    }

    /// Moves the clock forward: keys activate, expire and deactivate by their dates.
    pub fn advance(&self, duration: Duration) {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        self.offset.fetch_add(seconds, Ordering::Relaxed);
    }
}
