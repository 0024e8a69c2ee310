//! Version-1 UUIDs, in the text of RFC 9562 and in the database's form for SSTable ids.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Error, Result};

/// A version-1 UUID: 100-ns ticks since 1582-10-15, and 64 bits of clock sequence and node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeUuid {
    ticks: u64,
    low: u64,
}

impl TimeUuid {
    /// A UUID of now, later than `after` ticks. Clock sequence and node are random, with the
    /// variant's and the multicast bit set (RFC 9562 6.10): a name never contains a machine's
    /// address.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`] when the system gives no random bytes.
    pub fn now(after: u64) -> Result<Self> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ticks = u64::try_from(now.as_nanos() / 100).unwrap_or(u64::MAX / 2);
        let ticks = ticks.saturating_add(UNIX_EPOCH_TICKS).max(after.saturating_add(1));
        let low = u64::from_be_bytes(random::<8>()?);
        Ok(Self { ticks, low: (low & 0x3fff_ffff_ffff_ffff) | 0x8000_0100_0000_0000 })
    }

    /// The ticks.
    #[must_use]
    pub const fn ticks(self) -> u64 {
        self.ticks
    }

    /// `xxxxxxxx-xxxx-1xxx-xxxx-xxxxxxxxxxxx`
    #[must_use]
    pub fn to_rfc(self) -> String {
        let (time_low, time_mid) = (self.ticks & 0xffff_ffff, (self.ticks >> 32) & 0xffff);
        let time_high = (self.ticks >> 48) & 0x0fff | 0x1000;
        let (clock, node) = (self.low >> 48, self.low & 0xffff_ffff_ffff);
        format!("{time_low:08x}-{time_mid:04x}-{time_high:04x}-{clock:04x}-{node:012x}")
    }

    /// Reads what [`Self::to_sstable_id`] writes, and other spellings of the same numbers.
    #[must_use]
    pub fn parse_sstable_id(text: &str) -> Option<Self> {
        let number = |range| u64::from_str_radix(text.get(range)?, 36).ok();
        let (days, seconds) = (number(0..4)?, number(5..9)?);
        let seconds = days.checked_mul(SECONDS_PER_DAY)?.checked_add(seconds)?;
        let ticks = seconds.checked_mul(TICKS_PER_SECOND)?.checked_add(number(10..15)?)?;
        let low = number(15..28)?;
        (ticks < END_OF_TICKS).then_some(Self { ticks, low })
    }

    /// `dddd_ssss_nnnnnlllllllllllll` in base 36 (FORMATS.md 1.2): day, second of the day, 100 ns
    /// within the second, low half.
    #[must_use]
    pub fn to_sstable_id(self) -> String {
        let seconds = self.ticks / TICKS_PER_SECOND;
        format!(
            "{}_{}_{}{}",
            base36(seconds / SECONDS_PER_DAY, 4),
            base36(seconds % SECONDS_PER_DAY, 4),
            base36(self.ticks % TICKS_PER_SECOND, 5),
            base36(self.low, 13),
        )
    }
}

/// Random bytes from the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(crate::ErrorKind::Io, "the system gives no random bytes").caused_by(error)
    })?;
    Ok(bytes)
}

fn base36(mut value: u64, width: usize) -> String {
    let mut digits = Vec::with_capacity(width);
    while digits.len() < width || value > 0 {
        let digit = u32::try_from(value % 36).unwrap_or_default();
        digits.push(char::from_digit(digit, 36).unwrap_or('0'));
        value /= 36;
    }
    digits.iter().rev().collect()
}

/// Ticks between 1582-10-15 and 1970-01-01.
const UNIX_EPOCH_TICKS: u64 = 0x01b2_1dd2_1381_4000;
const TICKS_PER_SECOND: u64 = 10_000_000;
const SECONDS_PER_DAY: u64 = 86_400;
/// A UUID has 60 bits of them.
const END_OF_TICKS: u64 = 1 << 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_one_uuid() {
        let uuid = TimeUuid { ticks: 0x1ef_1234_89ab_cdef, low: 0x8123_0100_0000_0001 };
        assert_eq!(uuid.to_rfc(), "89abcdef-1234-11ef-8123-010000000001");
        let id = uuid.to_sstable_id();
        assert_eq!(id.len(), 28);
        let number = |range| u64::from_str_radix(&id[range], 36).unwrap();
        let seconds = number(0..4) * 86_400 + number(5..9);
        assert_eq!(seconds * 10_000_000 + number(10..15), uuid.ticks);
        assert_eq!(number(15..28), uuid.low);
        assert_eq!(TimeUuid::parse_sstable_id(&id), Some(uuid));
    }

    #[test]
    fn later_ones_are_greater() {
        let first = TimeUuid::now(0).unwrap();
        let second = TimeUuid::now(first.ticks()).unwrap();
        assert!(second.ticks() > first.ticks());
    }
}
