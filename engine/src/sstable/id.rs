//! SSTable ids (FORMATS.md 1.2): sequence numbers, time UUIDs in the database's base-36 form, and
//! ULIDs, with a generator for each.

use std::collections::BTreeSet;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use super::time_uuid::{TimeUuid, random};
use crate::{Error, Result};

/// The second part of an SSTable's file names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SSTableId {
    /// Decimal digits, at most ten.
    Sequence(u64),
    /// A version-1 UUID as `dddd_ssss_nnnnn` and 13 more base-36 characters, lower case.
    Uuid(String),
    /// 26 characters of Crockford's base 32, as written.
    Ulid(String),
}

impl SSTableId {
    /// Parses the text between the version and the format. Only the form that a node writes is an
    /// id: `02` would be another name of `2`, and a UUID in upper case another name of the same one
    /// in lower case.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = match text.len() {
            1..=10 => Self::Sequence(text.parse().ok()?),
            28 => Self::Uuid(TimeUuid::parse_sstable_id(text)?.to_sstable_id()),
            // 26 digits have two bits more than a ULID.
            26 if text.bytes().all(|b| CROCKFORD.contains(&b)) && *text <= *LAST_ULID => {
                Self::Ulid(text.to_owned())
            }
            _ => return None,
        };
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for SSTableId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sequence(number) => write!(f, "{number}"),
            Self::Uuid(text) | Self::Ulid(text) => f.write_str(text),
        }
    }
}

/// Generates unused ids for one table, of the kind that its directory uses.
///
/// All ids in *all* data directories of the table must be added first: an id must be free
/// everywhere, since a table may later be merged into one directory.
#[derive(Debug, Default)]
pub(crate) struct IdGenerator {
    taken: BTreeSet<String>,
    highest: u64,
    last_ticks: u64,
    uuids: bool,
    ulids: bool,
}

impl IdGenerator {
    /// Adds an existing id.
    pub(crate) fn observe(&mut self, id: &SSTableId) {
        match id {
            SSTableId::Sequence(number) => self.highest = self.highest.max(*number),
            SSTableId::Uuid(_) => self.uuids = true,
            SSTableId::Ulid(_) => self.ulids = true,
        }
        self.taken.insert(id.to_string().to_ascii_lowercase());
    }

    /// A free id for the SSTable that replaces `old`: of its own kind, except that a sequence
    /// number in a directory that has moved on to UUIDs or ULIDs moves on too.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] when the sequence numbers are used up, and
    /// [`crate::ErrorKind::Io`] when the system gives no random bytes.
    pub(crate) fn next(&mut self, old: &SSTableId) -> Result<SSTableId> {
        loop {
            let id = match old {
                SSTableId::Ulid(_) => Self::ulid()?,
                SSTableId::Uuid(_) => self.uuid()?,
                SSTableId::Sequence(_) if self.uuids => self.uuid()?,
                SSTableId::Sequence(_) if self.ulids => Self::ulid()?,
                SSTableId::Sequence(_) => self.sequence()?,
            };
            if self.taken.insert(id.to_string().to_ascii_lowercase()) {
                self.observe(&id);
                return Ok(id);
            }
        }
    }

    fn sequence(&self) -> Result<SSTableId> {
        // The database's pattern takes at most ten digits and its type is a signed int.
        const HIGHEST: u64 = 0x7fff_ffff;
        match self.highest.checked_add(1) {
            Some(next) if next <= HIGHEST => Ok(SSTableId::Sequence(next)),
            _ => Err(Error::unsupported("the table's SSTable numbers are used up")
                .hint("let the node switch to UUID identifiers, then run again")),
        }
    }

    fn uuid(&mut self) -> Result<SSTableId> {
        let uuid = TimeUuid::now(self.last_ticks)?;
        self.last_ticks = uuid.ticks();
        Ok(SSTableId::Uuid(uuid.to_sstable_id()))
    }

    fn ulid() -> Result<SSTableId> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = u64::try_from(now.as_millis()).unwrap_or_default();
        let mut value = u128::from(millis & 0xffff_ffff_ffff) << 80;
        value |= u128::from_be_bytes(random::<16>()?) >> 48;
        let mut text = [0; 26];
        for digit in text.iter_mut().rev() {
            *digit = CROCKFORD.get(usize::from(low_bits(value))).copied().unwrap_or(b'0');
            value >>= 5;
        }
        Ok(SSTableId::Ulid(text.iter().map(|&b| char::from(b)).collect()))
    }
}

const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const LAST_ULID: &str = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";

fn low_bits(value: u128) -> u8 {
    let [.., low] = value.to_be_bytes();
    low & 0x1f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_kinds_are_told_apart() {
        assert_eq!(SSTableId::parse("17"), Some(SSTableId::Sequence(17)));
        let uuid = "3gm8_0t1d_01zr42s6tfz6mplgh7";
        assert_eq!(SSTableId::parse(uuid), Some(SSTableId::Uuid(uuid.into())));
        let ulid = "01GK4SZ4T1V7D5SVXB9XS0F1W2";
        assert_eq!(SSTableId::parse(ulid), Some(SSTableId::Ulid(ulid.into())));
        for bad in ["", "12345678901", "1x", "3gm8-0t1d_01zr42s6tfz6mplgh7", "a b"] {
            assert_eq!(SSTableId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_id_has_one_text() {
        for text in ["0", "9999999999", "zzzz_0000_000000000000000000", LAST_ULID] {
            let id = SSTableId::parse(text);
            let expected = (text.len() != 28).then(|| text.to_owned());
            assert_eq!(id.map(|id| id.to_string()), expected, "{text}");
        }
        for other in [
            "02",
            "00",
            "+2",
            "0000000002",
            "3GM8_0t1d_01zr42s6tfz6mplgh7",
            "3GM8_0T1D_01ZR42S6TFZ6MPLGH7",
            // One day in seconds, one second in ticks, and 65 bits: all out of range.
            "3gm8_1uo0_01zr42s6tfz6mplgh7",
            "3gm8_0t1d_5yc1s2s6tfz6mplgh7",
            "3gm8_0t1d_01zr43w5e11264sgsg",
            "+gm8_0t1d_01zr42s6tfz6mplgh7",
            "3gm8_0t1d_01zr42s6tfz6mplg\u{e9}",
            "01gk4sz4t1v7d5svxb9xs0f1w2",
            "01GK4SZ4T1V7D5SVXB9XS0F1WI",
            "01GK4SZ4T1V7D5SVXB9XS0F1WU",
            "81GK4SZ4T1V7D5SVXB9XS0F1W2",
        ] {
            assert_eq!(SSTableId::parse(other), None, "{other}");
        }
        let last = SSTableId::parse("3gm8_1unz_5yc1r3w5e11264sgsf");
        assert!(last.is_some(), "the last second, tick and clock");
    }

    #[test]
    fn new_ids_are_free_and_of_the_kind_in_use() {
        let mut ids = IdGenerator::default();
        ids.observe(&SSTableId::Sequence(4));
        ids.observe(&SSTableId::Sequence(2));
        let old = SSTableId::Sequence(2);
        assert_eq!(ids.next(&old).unwrap(), SSTableId::Sequence(5));
        assert_eq!(ids.next(&old).unwrap(), SSTableId::Sequence(6));
        ids.observe(&SSTableId::parse("3gm8_0t1d_01zr42s6tfz6mplgh7").unwrap());
        assert!(matches!(ids.next(&old).unwrap(), SSTableId::Uuid(_)));
        let ulid = SSTableId::parse("01GK4SZ4T1V7D5SVXB9XS0F1W2").unwrap();
        let (a, b) = (ids.next(&ulid).unwrap(), ids.next(&ulid).unwrap());
        assert!(matches!((&a, &b), (SSTableId::Ulid(_), SSTableId::Ulid(_))));
        assert_ne!(a, b);
    }

    #[test]
    fn generated_ids_parse_and_carry_the_present_day() {
        let mut ids = IdGenerator::default();
        let id = ids.uuid().unwrap();
        let SSTableId::Uuid(text) = &id else { panic!("not a UUID") };
        assert_eq!(SSTableId::parse(text), Some(id.clone()));
        let day = u64::from_str_radix(&text[..4], 36).unwrap();
        let today =
            SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / 86_400 + 141_427;
        assert!(day.abs_diff(today) <= 1, "{day} against {today}");
        let SSTableId::Ulid(text) = IdGenerator::ulid().unwrap() else { panic!("not a ULID") };
        assert_eq!(text.len(), 26);
        assert!(text.starts_with("01"), "{text}");
    }

    #[test]
    fn used_up_numbers_are_reported() {
        let mut ids = IdGenerator::default();
        ids.observe(&SSTableId::Sequence(0x7fff_ffff));
        let error = ids.next(&SSTableId::Sequence(1)).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Unsupported);
    }
}
