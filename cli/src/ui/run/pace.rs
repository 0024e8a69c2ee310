//! How far a run is, at what rate, and how much time is left.

use std::time::{Duration, Instant};

/// Counts bytes, and reports progress from time to time; for the first time when the rate can be told.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    /// Time to the next report.
    next: Duration,
    began: Instant,
    said: Instant,
    done: u64,
    total: u64,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Progress {
    /// Bytes.
    pub(super) done: u64,
    /// Bytes in all.
    pub(super) total: u64,
    /// Bytes in a second, since it began.
    pub(super) rate: u64,
    /// Time left at that rate.
    pub(super) left: Duration,
}

impl Pace {
    pub(super) const fn new(every: Duration, now: Instant, total: u64) -> Self {
        let next = if every.as_secs() > FIRST.as_secs() { FIRST } else { every };
        Self { every, next, began: now, said: now, done: 0, total }
    }

    /// Counts bytes, and reports progress if it is time to.
    pub(super) fn advance(&mut self, more: u64, now: Instant) -> Option<Progress> {
        self.done = self.done.saturating_add(more);
        if now.duration_since(self.said) < self.next {
            return None;
        }
        (self.said, self.next) = (now, self.every);
        let millis = now.duration_since(self.began).as_millis().max(1);
        let rate = (u128::from(self.done) * 1000).checked_div(millis).unwrap_or_default();
        let rate = u64::try_from(rate).unwrap_or(u64::MAX).max(1);
        let left = Duration::from_secs(self.total.saturating_sub(self.done) / rate);
        Some(Progress { done: self.done, total: self.total, rate, left })
    }
}

/// What a run does in its first seconds tells its rate.
const FIRST: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_reported_from_time_to_time() {
        let began = Instant::now();
        let mut pace = Pace::new(Duration::from_secs(60), began, 600 << 20);
        let mut at = |millis| pace.advance(10 << 20, began + Duration::from_millis(millis));
        assert_eq!(at(1000), None);
        assert_eq!(at(9_999), None);
        assert!(at(10_000).is_some(), "the rate is known early");
        assert_eq!(at(69_999), None);
        let progress = at(80_000).unwrap();
        assert_eq!((progress.done, progress.total), (50 << 20, 600 << 20));
        assert_eq!((progress.rate, progress.left), (640 << 10, Duration::from_secs(880)));
        assert_eq!(at(139_999), None);
        assert!(at(140_000).is_some());
    }

    #[test]
    fn one_that_has_done_nothing_has_a_rate() {
        let began = Instant::now();
        let mut pace = Pace::new(Duration::ZERO, began, 5);
        let progress = pace.advance(0, began).unwrap();
        assert_eq!((progress.rate, progress.left), (1, Duration::from_secs(5)));
    }
}
