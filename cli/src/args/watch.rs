//! How a run may be ended before its time, or slowed down.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::civil::Time;
use jiff::{SignedDuration, ZonedDateTime};

/// How a run may be ended before its time, or slowed down.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct WatchArgs {
    /// End by then: 05:00 (the next one on this machine's clock), or 3h, 90m from now. SSTables that
    /// would not be done are not begun
    #[arg(long, value_name = "TIME")]
    pub(crate) deadline: Option<Deadline>,

    /// Take so many SSTables at most; those that fail do not count
    #[arg(long, value_name = "N")]
    pub(crate) stop_after: Option<u64>,

    /// Read and write so many MiB a second at most
    #[arg(long, value_name = "MIB")]
    pub(crate) rate: Option<Rate>,

    /// A file to steer the run with while it works: write go, pause, stop, or rate MIB into it
    #[arg(long, value_name = "FILE")]
    pub(crate) control: Option<PathBuf>,
}

/// MiB in a second; 0 for no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(pub(crate) u64);

impl Rate {
    /// Bytes in a second; none for no limit.
    pub(crate) fn bytes(self) -> Option<NonZeroU64> {
        NonZeroU64::new(self.0.saturating_mul(1 << 20))
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_not_a_number| format!("'{text}' is not a number of MiB"))
    }
}

/// When a run has to be over: `05:00`, the next such time on this machine's clock, or `3h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    At(Time),
    In(Duration),
}

impl Deadline {
    /// Time from now.
    pub(crate) fn left(self, now: &ZonedDateTime) -> Duration {
        let time = match self {
            Self::In(duration) => return duration,
            Self::At(time) => time,
        };
        let today = now.datetime().date().to_datetime(time);
        let next = if today > now.datetime() { Some(today) } else { today.tomorrow().ok() };
        next.and_then(|next| next.to_zoned_datetime(now.time_zone().clone()).ok())
            .and_then(|next| Duration::try_from(now.duration_until(&next)).ok())
            .unwrap_or_default()
    }
}

impl FromStr for Deadline {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = text.parse::<Time>() {
            return Ok(Self::At(time));
        }
        text.parse::<SignedDuration>()
            .ok()
            .and_then(|duration| Duration::try_from(duration).ok())
            .filter(|duration| !duration.is_zero())
            .map(Self::In)
            .ok_or_else(|| format!("'{text}' is neither a time (05:00) nor a duration (3h, 90m)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_the_next_such_time_or_a_while() {
        let now = jiff::civil::date(2026, 3, 1).at(4, 30, 0, 0);
        let now = now.to_zoned_datetime(jiff::tz::TimeZone::UTC).unwrap();
        let left = |text: &str| text.parse::<Deadline>().unwrap().left(&now).as_secs();
        assert_eq!(left("05:00"), 30 * 60);
        assert_eq!(left("04:30"), 24 * 3600, "that one is over");
        assert_eq!(left("04:00"), 24 * 3600 - 30 * 60);
        assert_eq!(left("3h"), 3 * 3600);
        assert_eq!(left("90m"), 90 * 60);
        for wrong in ["", "25:00", "soon", "-3h", "0s", "5"] {
            assert!(wrong.parse::<Deadline>().is_err(), "{wrong}");
        }
    }
}
