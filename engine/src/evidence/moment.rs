//! Times of files and starts, to the second: as text in ISO 8601, in UTC.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use rekey_kmip::message::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A second. Prints and serializes as `2026-04-13T20:05:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

impl Moment {
    /// So many seconds since 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }
}

/// The second in which it lies; what was before 1970 is as 1970.
impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(since.as_secs().cast_signed())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Timestamp::from_seconds(self.0).fmt(f)
    }
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let time: Timestamp = text.parse().map_err(D::Error::custom)?;
        Ok(Self(time.seconds()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_text_in_utc() {
        let moment = Moment::from_seconds(1_776_110_700);
        let text = serde_json::to_string(&moment).unwrap();
        assert_eq!(text, "\"2026-04-13T20:05:00Z\"");
        assert_eq!(serde_json::from_str::<Moment>(&text).unwrap(), moment);
        for wrong in ["\"yesterday\"", "1776110700", "\"2026-13-01T00:00:00Z\"", "null"] {
            assert!(serde_json::from_str::<Moment>(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Moment::from(UNIX_EPOCH), Moment::from_seconds(0));
    }
}
