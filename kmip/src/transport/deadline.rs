//! How long to wait.

use std::io;
use std::time::{Duration, Instant};

use super::{End, Failure, Moment, Step};

/// The three limits of one attempt on one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Resolving the name, and connecting to one address.
    pub connect: Duration,
    /// One wait for bytes: the database's `timeout`.
    pub read: Duration,
    /// Everything from the first step to the last byte of a reply. Without it a peer that drips
    /// one byte before each time-out would hold the client forever (KMIP.md 12).
    pub total: Duration,
}

impl Timeouts {
    /// The limits that follow from the one `timeout` of the configuration: connect and read take
    /// it as it is, the whole attempt ten times that.
    #[must_use]
    pub fn from_timeout(timeout: Duration) -> Self {
        let timeout = timeout.max(SHORTEST);
        Self { connect: timeout, read: timeout, total: timeout.saturating_mul(10) }
    }

    /// The limits of a request that is sent only once: its reply is awaited for as long as the
    /// whole attempt may take, since its outcome would otherwise be unknown.
    #[must_use]
    pub const fn patient(self) -> Self {
        Self { read: self.total, ..self }
    }

    /// Starts the clock of an attempt.
    #[must_use]
    pub fn start(&self) -> Deadline {
        let started = Instant::now();
        Deadline { timeouts: *self, started }
    }
}

/// The vendor's documented default: 1000 ms (KMIP.md 5.2).
impl Default for Timeouts {
    fn default() -> Self {
        Self::from_timeout(Duration::from_secs(1))
    }
}

/// A running attempt.
#[derive(Debug, Clone)]
pub struct Deadline {
    timeouts: Timeouts,
    started: Instant,
}

impl Deadline {
    /// How long the next wait of that step may take.
    ///
    /// # Errors
    /// [`Failure::TimedOut`] when the attempt has used up its total.
    pub fn wait(&self, step: Step) -> Result<Duration, Failure> {
        let left = self.timeouts.total.saturating_sub(self.started.elapsed());
        if left.is_zero() {
            return Err(Failure::TimedOut { step, after: self.timeouts.total, total: true });
        }
        let one = match step {
            Step::Resolve | Step::Connect => self.timeouts.connect,
            _ => self.timeouts.read,
        };
        // Sockets refuse a time-out of zero.
        Ok(one.min(left).max(Duration::from_millis(1)))
    }

    /// Says what an I/O error means; a socket's time-out is reported as "resource temporarily
    /// unavailable" (KMIP.md 12).
    #[must_use]
    pub fn failure(&self, step: Step, error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                let total = self.started.elapsed() >= self.timeouts.total;
                let after = match step {
                    _ if total => self.timeouts.total,
                    Step::Resolve | Step::Connect => self.timeouts.connect,
                    _ => self.timeouts.read,
                };
                Failure::TimedOut { step, after, total }
            }
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
                if step != Step::Connect =>
            {
                Failure::Ended { how: End::Reset, at: Moment::Open }
            }
            _ => Failure::Io { step, error },
        }
    }
}

/// A time-out below this is a mistake in units; a wait of zero would never end.
const SHORTEST: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_shrink_to_what_is_left() {
        let timeouts = Timeouts {
            connect: Duration::from_secs(3),
            read: Duration::from_secs(5),
            total: Duration::from_secs(4),
        };
        let deadline = timeouts.start();
        assert_eq!(deadline.wait(Step::Connect).unwrap(), Duration::from_secs(3));
        assert!(deadline.wait(Step::Receive).unwrap() <= Duration::from_secs(4));
        let spent = Timeouts { total: Duration::ZERO, ..timeouts }.start();
        assert!(matches!(
            spent.wait(Step::Receive),
            Err(Failure::TimedOut { step: Step::Receive, total: true, .. })
        ));
    }

    #[test]
    fn one_timeout_makes_three() {
        let timeouts = Timeouts::default();
        assert_eq!(timeouts.read, Duration::from_millis(1000));
        assert_eq!(timeouts.total, Duration::from_secs(10));
        assert!(!Timeouts::from_timeout(Duration::ZERO).read.is_zero());
    }
}
