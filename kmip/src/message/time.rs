//! Seconds since 1970 in UTC, and their ISO 8601 form.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A moment as KMIP's Date-Time carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// The text is not a date in ISO 8601.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date such as 2026-04-13, 2026-04-13T20:05:00Z or 2026-04-13T20:05:00+02:00")]
pub struct NotADate;

impl Timestamp {
    /// Makes a moment from seconds since 1970.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since 1970.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// This computer's clock.
    #[must_use]
    pub fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
    }

    /// The moment this much later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(seconds))
    }
}

/// `2026-04-13T20:05:00Z`; years beyond four digits print as they are.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil(self.0.div_euclid(DAY));
        let second = self.0.rem_euclid(DAY);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Accepts a date, a date with `T` or a space and a time (seconds optional), and a zone (`Z`
/// or `+02:00`; UTC if missing). Java's locale-dependent forms (KMIP.md 6) are refused.
impl FromStr for Timestamp {
    type Err = NotADate;

    fn from_str(text: &str) -> Result<Self, NotADate> {
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let year = number(parts.next(), 4, 1970..=9999)?;
        let month = number(parts.next(), 2, 1..=12)?;
        let day = number(parts.next(), 2, 1..=31)?;
        let days = days(year, month, day);
        if parts.next().is_some() || civil(days) != (year, month, day) {
            return Err(NotADate);
        }
        let seconds = time.map_or(Ok(0), time_of_day)?;
        Ok(Self(days * DAY + seconds))
    }
}

/// Seconds since midnight UTC of `20:05[:00][Z|+02:00]`.
fn time_of_day(text: &str) -> Result<i64, NotADate> {
    let (clock, offset) = match text.find(['Z', 'z', '+', '-']) {
        None => (text, 0),
        Some(at) => {
            let (clock, zone) = text.split_at(at);
            let offset = match zone.split_at(1) {
                ("Z" | "z", "") => 0,
                ("+", zone) => hours_and_minutes(zone)?,
                ("-", zone) => -hours_and_minutes(zone)?,
                _ => return Err(NotADate),
            };
            (clock, offset)
        }
    };
    let mut parts = clock.split(':');
    let hour = number(parts.next(), 2, 0..=23)?;
    let minute = number(parts.next(), 2, 0..=59)?;
    let second = match parts.next() {
        None => 0,
        second => number(second, 2, 0..=59)?,
    };
    if parts.next().is_some() {
        return Err(NotADate);
    }
    Ok(hour * 3600 + minute * 60 + second - offset)
}

fn hours_and_minutes(text: &str) -> Result<i64, NotADate> {
    let (hours, minutes) = text.split_once(':').ok_or(NotADate)?;
    Ok(number(Some(hours), 2, 0..=18)? * 3600 + number(Some(minutes), 2, 0..=59)? * 60)
}

fn number(
    text: Option<&str>,
    digits: usize,
    range: std::ops::RangeInclusive<i64>,
) -> Result<i64, NotADate> {
    let text = text.filter(|text| text.len() == digits && text.bytes().all(|b| b.is_ascii_digit()));
    let value = text.and_then(|text| text.parse().ok()).ok_or(NotADate)?;
    if range.contains(&value) { Ok(value) } else { Err(NotADate) }
}

/// Days since 1970 of a date in the proleptic Gregorian calendar, counted in years that start
/// in March so that the leap day comes last.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`days`].
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let of_era = days.rem_euclid(ERA);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = days.div_euclid(ERA) * 400 + year_of_era + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

const DAY: i64 = 86_400;

/// Days in 400 years.
const ERA: i64 = 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments_print_and_parse() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_205_495_800, "2008-03-14T11:56:40Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (4_102_444_800, "2100-01-01T00:00:00Z"),
        ] {
            assert_eq!(Timestamp(seconds).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp(seconds)));
        }
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59Z");
        assert!(!Timestamp(i64::MIN).to_string().is_empty());
        assert!(!Timestamp(i64::MAX).to_string().is_empty());
    }

    #[test]
    fn every_day_of_four_centuries_comes_back() {
        for day in 0..ERA {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    #[test]
    fn short_forms_and_zones_parse() {
        let at = |text: &str| text.parse::<Timestamp>().map(Timestamp::seconds);
        assert_eq!(at("2008-03-14"), Ok(1_205_452_800));
        assert_eq!(at("2008-03-14 11:56"), Ok(1_205_495_760));
        assert_eq!(at("2008-03-14T13:56:40+02:00"), Ok(1_205_495_800));
        assert_eq!(at("2008-03-14T06:26:40-05:30"), Ok(1_205_495_800));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "now",
            "4/13/16 8:05 PM",
            "2016-04-13 20:05:00:0",
            "2016-13-01",
            "2016-02-30",
            "2100-02-29",
            "2016-4-13",
            "2016-04-13T",
            "2016-04-13T25:00",
            "2016-04-13T20:05:00ZZ",
            "2016-04-13T20:05:00+2",
            "16-04-13",
            "2016-04-13T20:05:00é",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(NotADate), "{text}");
        }
    }
}
