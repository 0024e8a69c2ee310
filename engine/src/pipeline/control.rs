//! Ends a run early, and slows it down.

use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::{Error, ErrorKind, Result};

/// The requests that a supervisor may make of a run at any moment, from any thread: a signal
/// handler, a clock, a file that an operator edits.
#[derive(Debug, Default)]
pub struct Control {
    stop: AtomicU8,
    /// Set from outside, by a signal handler for example: ends the run as [`Self::stop`] does.
    flag: OnceLock<Arc<AtomicBool>>,
    paused: AtomicU8,
    bytes_per_second: AtomicU64,
    deadline: Mutex<Option<Instant>>,
    /// The maximum number of tasks to begin, plus one; 0 means no bound.
    most: AtomicU64,
}

impl Control {
    /// Ends the run: no further piece is begun, and open tasks are abandoned with
    /// [`ErrorKind::Interrupted`] when their pieces are done. Cannot be undone.
    pub fn stop(&self) {
        self.stop.store(1, Ordering::Release);
    }

    /// Also ends the run as soon as a flag is set. Only the first flag counts.
    pub fn stop_on(&self, flag: Arc<AtomicBool>) {
        let _the_first_counts = self.flag.set(flag);
    }

    /// Pauses the run, or lets it continue.
    pub fn pause(&self, paused: bool) {
        self.paused.store(u8::from(paused), Ordering::Release);
    }

    /// Limits the run to this many bytes a second; `None` for no limit.
    pub fn limit(&self, bytes_per_second: Option<NonZeroU64>) {
        let limit = bytes_per_second.map_or(0, NonZeroU64::get);
        self.bytes_per_second.store(limit, Ordering::Release);
    }

    /// Ends the run at an instant. Tasks that cannot be done by then are not begun.
    pub fn end_by(&self, deadline: Instant) {
        *self.deadline.lock().unwrap_or_else(PoisonError::into_inner) = Some(deadline);
    }

    /// Limits how many tasks are begun; failed ones do not count.
    pub fn at_most(&self, tasks: u64) {
        self.most.store(tasks.saturating_add(1), Ordering::Release);
    }

    /// Whether this many tasks are fewer than [`Self::at_most`] allows.
    #[must_use]
    pub fn has_room(&self, begun: u64) -> bool {
        match self.most.load(Ordering::Acquire) {
            0 => true,
            most => begun < most.saturating_sub(1),
        }
    }

    /// Whether [`Self::stop`] was called, or the flag is set.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        let is_flagged = || self.flag.get().is_some_and(|flag| flag.load(Ordering::SeqCst));
        self.stop.load(Ordering::Acquire) != 0 || is_flagged()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Acquire) != 0
    }

    /// Whether the run has to end now.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.is_stopped() || self.time_left(now) == Some(Duration::ZERO)
    }

    /// Whether a piece that takes long may continue.
    ///
    /// # Errors
    /// [`ErrorKind::Interrupted`] when the run has to end now.
    pub(crate) fn check(&self, now: Instant) -> Result<()> {
        if self.is_over(now) { Err(interrupted()) } else { Ok(()) }
    }

    /// Time until the deadline.
    #[must_use]
    pub fn time_left(&self, now: Instant) -> Option<Duration> {
        let deadline = *self.deadline.lock().unwrap_or_else(PoisonError::into_inner);
        deadline.map(|deadline| deadline.saturating_duration_since(now))
    }

    /// Whether work may continue without the coordinator, which pauses, paces and ends it.
    pub(super) fn may_continue(&self, now: Instant) -> bool {
        !self.is_paused() && !self.is_over(now) && self.bytes_per_second().is_none()
    }

    fn bytes_per_second(&self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.bytes_per_second.load(Ordering::Acquire))
    }
}

/// The error of a task that was open when the run was ended.
pub(super) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "the run was ended before it was done")
        .hint("run the same command again: it resumes from here")
}

/// Bytes and time of a run: how fast it is, and whether it has to wait.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    bytes: u64,
    /// When the limit in force was first seen, and the bytes at that moment.
    limited: Option<(NonZeroU64, Instant, u64)>,
}

impl Pace {
    pub(super) const fn new(now: Instant) -> Self {
        Self { began: now, bytes: 0, limited: None }
    }

    pub(super) const fn advance(&mut self, bytes: u64) {
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Whether the limit asks for a pause now.
    pub(super) fn is_ahead(&mut self, control: &Control, now: Instant) -> bool {
        let Some(limit) = control.bytes_per_second() else {
            self.limited = None;
            return false;
        };
        let (since, before) = match self.limited {
            Some((same, since, before)) if same == limit => (since, before),
            _ => {
                self.limited = Some((limit, now, self.bytes));
                (now, self.bytes)
            }
        };
        let allowed = now.saturating_duration_since(since).as_millis();
        let allowed = allowed.saturating_mul(u128::from(limit.get())) / 1000;
        u128::from(self.bytes.saturating_sub(before)) > allowed
    }

    /// How long this many bytes take at the rate so far; `None` before anything was done.
    pub(super) fn estimate(&self, bytes: u64, now: Instant) -> Option<Duration> {
        let elapsed = now.saturating_duration_since(self.began).as_micros();
        let micros = u128::from(bytes).checked_mul(elapsed)?.checked_div(u128::from(self.bytes))?;
        Some(Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_holds_from_the_moment_that_it_is_given() {
        let start = Instant::now();
        let (control, mut pace) = (Control::default(), Pace::new(start));
        let at = |millis| start + Duration::from_millis(millis);
        pace.advance(1_000_000);
        assert!(!pace.is_ahead(&control, at(1)), "no limit");
        control.limit(NonZeroU64::new(1000));
        assert!(!pace.is_ahead(&control, at(1)), "what was done before does not count");
        pace.advance(500);
        assert!(pace.is_ahead(&control, at(400)));
        assert!(!pace.is_ahead(&control, at(501)));
        pace.advance(1000);
        assert!(pace.is_ahead(&control, at(501)));
        control.limit(NonZeroU64::new(2000));
        assert!(!pace.is_ahead(&control, at(501)), "a new limit starts over");
        control.limit(None);
        pace.advance(1 << 40);
        assert!(!pace.is_ahead(&control, at(502)));
    }

    #[test]
    fn time_is_estimated_from_the_rate_so_far() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let later = start + Duration::from_secs(2);
        assert_eq!(pace.estimate(100, later), None);
        pace.advance(200);
        assert_eq!(pace.estimate(100, later), Some(Duration::from_secs(1)));
        assert_eq!(pace.estimate(0, later), Some(Duration::ZERO));
    }

    #[test]
    fn a_run_ends_when_stopped_or_at_its_deadline() {
        let start = Instant::now();
        let control = Control::default();
        assert!(!control.is_over(start) && control.time_left(start).is_none());
        control.end_by(start + Duration::from_secs(1));
        assert!(!control.is_over(start));
        assert_eq!(control.time_left(start), Some(Duration::from_secs(1)));
        assert!(control.is_over(start + Duration::from_secs(1)));
        let control = Control::default();
        control.check(start).unwrap();
        control.stop();
        assert!(control.is_over(start));
        assert_eq!(control.check(start).unwrap_err().kind(), ErrorKind::Interrupted);
        let (control, flag) = (Control::default(), Arc::new(AtomicBool::new(false)));
        control.stop_on(Arc::clone(&flag));
        assert!(!control.is_over(start));
        flag.store(true, Ordering::SeqCst);
        assert!(control.is_over(start));
    }
}
