//! What the name of a type says of how its values are stored and ordered (FORMATS.md 11.2).

use std::cmp::Ordering;

use super::error::RowError;

/// A type, as far as rows need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Bytes of each value; none if each has its length before it.
    pub(super) fixed: Option<usize>,
    /// Whether a column of it has a cell for each element.
    pub(super) is_multi_cell: bool,
    order: Option<Order>,
    is_reversed: bool,
}

/// How values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Byte by byte, unsigned.
    Bytes,
    /// As a signed integer.
    Signed,
    /// By the time in a UUID of version 1, then by its other bytes, signed.
    TimeUuid,
}

impl Shape {
    /// Reads the name of a type.
    ///
    /// # Errors
    /// [`RowError::Type`] when wrappers are nested too deep, or a vector has no such length.
    pub(crate) fn of(class: &str) -> Result<Self, RowError> {
        Self::nested(class, MOST_NESTED)
    }

    fn nested(class: &str, depth: usize) -> Result<Self, RowError> {
        let depth = depth.checked_sub(1).ok_or(RowError::Type)?;
        let (name, parameters) = match class.split_once('(') {
            Some((name, rest)) => (name, rest.strip_suffix(')').ok_or(RowError::Type)?),
            None => (class, ""),
        };
        // A name without a dot is one of the database's own.
        let name = name.strip_prefix(PACKAGE).unwrap_or(name);
        Ok(match name {
            "ReversedType" => {
                let inner = Self::nested(parameters, depth)?;
                Self { is_reversed: !inner.is_reversed, ..inner }
            }
            "FrozenType" => Self { is_multi_cell: false, ..Self::nested(parameters, depth)? },
            "VectorType" => {
                let (element, count) = parameters.rsplit_once(',').ok_or(RowError::Type)?;
                let count: usize = count.trim().parse().map_err(|_none| RowError::Type)?;
                let fixed = match Self::nested(element.trim(), depth)?.fixed {
                    Some(length) => Some(length.checked_mul(count).ok_or(RowError::Type)?),
                    None => None,
                };
                Self::plain(fixed, None)
            }
            "ListType" | "SetType" | "MapType" | "UserType" => {
                Self { is_multi_cell: true, ..Self::plain(None, None) }
            }
            "EmptyType" => Self::plain(Some(0), Some(Order::Bytes)),
            "BooleanType" => Self::plain(Some(1), Some(Order::Bytes)),
            "FloatType" => Self::plain(Some(4), None),
            "DoubleType" | "DateType" => Self::plain(Some(8), None),
            "Int32Type" => Self::plain(Some(4), Some(Order::Signed)),
            "LongType" | "TimestampType" => Self::plain(Some(8), Some(Order::Signed)),
            "UUIDType" | "LexicalUUIDType" => Self::plain(Some(16), None),
            "TimeUUIDType" => Self::plain(Some(16), Some(Order::TimeUuid)),
            "ByteType" | "ShortType" => Self::plain(None, Some(Order::Signed)),
            "AsciiType" | "BytesType" | "InetAddressType" | "SimpleDateType" | "TimeType"
            | "UTF8Type" => Self::plain(None, Some(Order::Bytes)),
            _ => Self::plain(None, None),
        })
    }

    const fn plain(fixed: Option<usize>, order: Option<Order>) -> Self {
        Self { fixed, is_multi_cell: false, order, is_reversed: false }
    }

    /// Whether values of it can be compared here.
    pub(crate) const fn has_order(&self) -> bool {
        self.order.is_some()
    }

    /// Compares two values; a missing one comes first, then an empty one.
    pub(crate) fn compare(&self, one: Option<&[u8]>, other: Option<&[u8]>) -> Ordering {
        let (Some(left), Some(right)) = (one, other) else { return one.cmp(&other) };
        let order = match (self.order, left.is_empty() || right.is_empty()) {
            (Some(Order::Signed), false) => signed(left).cmp(&signed(right)),
            (Some(Order::TimeUuid), false) => time_uuid(left).cmp(&time_uuid(right)),
            _ => left.cmp(right),
        };
        if self.is_reversed { order.reverse() } else { order }
    }
}

/// The value with its sign turned, so that bytes compare as it does.
fn signed(value: &[u8]) -> (u8, &[u8]) {
    value.split_first().map_or((0, value), |(first, rest)| (first ^ 0x80, rest))
}

fn time_uuid(value: &[u8]) -> (u64, u64) {
    let Some((high, low)) = value.split_first_chunk::<8>() else { return (0, 0) };
    let [a, b, c, d, e, f, g, h] = *high;
    let time = u64::from_be_bytes([g & 0x0f, h, e, f, a, b, c, d]);
    let low = low.first_chunk::<8>().map_or(0, |low| u64::from_be_bytes(*low));
    (time, low ^ 0x8080_8080_8080_8080)
}

const PACKAGE: &str = "org.apache.cassandra.db.marshal.";
/// Wrappers around a type: the database has two or three.
const MOST_NESTED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(class: &str) -> Shape {
        Shape::of(class).unwrap()
    }

    #[test]
    fn lengths_are_those_that_the_database_leaves_out() {
        for (class, fixed) in [
            ("org.apache.cassandra.db.marshal.BooleanType", Some(1)),
            (
                "org.apache.cassandra.db.marshal.ReversedType(org.apache.cassandra.db.marshal.TimeUUIDType)",
                Some(16),
            ),
            ("Int32Type", Some(4)),
            ("VectorType(FloatType , 3)", Some(12)),
            ("VectorType(UTF8Type , 3)", None),
            ("ShortType", None),
            ("UTF8Type", None),
            ("org.example.BooleanType", None),
        ] {
            assert_eq!(shape(class).fixed, fixed, "{class}");
        }
        assert!(shape("MapType(UTF8Type,UTF8Type)").is_multi_cell);
        assert!(!shape("FrozenType(MapType(UTF8Type,UTF8Type))").is_multi_cell);
    }

    #[test]
    fn what_is_nested_too_deep_or_of_no_length_is_refused() {
        let nested = |n: usize| format!("{}Int32Type{}", "FrozenType(".repeat(n), ")".repeat(n));
        assert!(Shape::of(&nested(15)).is_ok());
        for class in [nested(16).as_str(), &nested(100_000), "FrozenType(", "VectorType(FloatType)"]
        {
            assert_eq!(Shape::of(class), Err(RowError::Type));
        }
        let long = format!("VectorType(DoubleType , {})", usize::MAX);
        assert_eq!(Shape::of(&long), Err(RowError::Type));
    }

    #[test]
    fn values_are_in_the_order_of_their_type() {
        let int = |n: i32| n.to_be_bytes();
        let compare =
            |class: &str, one: &[u8], other: &[u8]| shape(class).compare(Some(one), Some(other));
        assert_eq!(compare("Int32Type", &int(-1), &int(1)), Ordering::Less);
        assert_eq!(compare("ReversedType(Int32Type)", &int(-1), &int(1)), Ordering::Greater);
        assert_eq!(compare("UTF8Type", b"a", b"ab"), Ordering::Less);
        assert_eq!(compare("Int32Type", b"", &int(i32::MIN)), Ordering::Less);
        assert_eq!(shape("UTF8Type").compare(None, Some(b"")), Ordering::Less);
        // The second is an hour later, although its first bytes are smaller.
        let early = [0xff, 0, 0, 0, 0, 1, 0x11, 0xf1, 0x90, 0, 0, 0, 0, 0, 0, 0];
        let mut late = early;
        (late[0], late[5]) = (0, 2);
        assert_eq!(compare("TimeUUIDType", &early, &late), Ordering::Less);
    }
}
