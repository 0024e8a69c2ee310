//! HEADER, the body of Statistics.db that says how the rows are written (FORMATS.md 11.1).
//!
//! ```text
//! uvint      minimal timestamp, less the epoch in microseconds
//! uvint      minimal time of deletion, less the epoch in seconds
//! uvint      minimal TTL
//! type       of the partition key
//! uvint n    n types of the clustering
//! uvint n    n times name, type: static columns
//! uvint n    n times name, type: the other columns
//! ```
//!
//! Names and types are bytes with a uvint before them; a type is the name of a Java class with its
//! parameters.

use crate::wire::{Reader, WireError};

/// A column of an SSTable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnHeader {
    /// Its name: any bytes, and none in old compact tables.
    pub name: Vec<u8>,
    /// Its type.
    pub class: String,
}

/// How the rows of an SSTable are written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RowHeader {
    /// What timestamps in rows are counted from: microseconds.
    pub min_timestamp: i64,
    /// What times of deletion in rows are counted from: seconds.
    pub min_deletion_time: i64,
    /// What TTLs in rows are counted from: seconds.
    pub min_ttl: i64,
    /// The type of the partition key.
    pub key: String,
    /// The types of the clustering.
    pub clustering: Vec<String>,
    /// The static columns, in the order of their cells.
    pub statics: Vec<ColumnHeader>,
    /// The other columns, in the order of their cells.
    pub columns: Vec<ColumnHeader>,
}

impl RowHeader {
    /// Reads the body.
    ///
    /// # Errors
    /// [`WireError`] when it is not one.
    pub fn parse(body: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(body);
        let min_timestamp = from_epoch(reader.uvint("minimal timestamp")?, EPOCH_MICROS);
        let min_deletion_time = from_epoch(reader.uvint("minimal deletion time")?, EPOCH);
        let min_ttl = from_epoch(reader.uvint("minimal TTL")?, 0);
        let key = class(&mut reader)?;
        let mut clustering = Vec::new();
        for _ in 0..reader.uvint("count of clustering columns")? {
            clustering.push(class(&mut reader)?);
        }
        let statics = columns(&mut reader, "count of static columns")?;
        let columns = columns(&mut reader, "count of columns")?;
        reader.finish()?;
        Ok(Self { min_timestamp, min_deletion_time, min_ttl, key, clustering, statics, columns })
    }
}

/// Java adds as it likes: over the ends of a long, if what it wrote was negative.
const fn from_epoch(delta: u64, epoch: i64) -> i64 {
    delta.cast_signed().wrapping_add(epoch)
}

/// Each takes a byte at least, so a count that is too large ends at the end of the body.
fn columns(reader: &mut Reader<'_>, what: &'static str) -> Result<Vec<ColumnHeader>, WireError> {
    let mut columns = Vec::new();
    for _ in 0..reader.uvint(what)? {
        let name = reader.sized("name of a column")?.to_vec();
        columns.push(ColumnHeader { name, class: class(reader)? });
    }
    Ok(columns)
}

fn class(reader: &mut Reader<'_>) -> Result<String, WireError> {
    let text =
        str::from_utf8(reader.sized("type")?).map_err(|_other| WireError::NotText("type"))?;
    Ok(text.to_owned())
}

/// 2015-09-22, in seconds since 1970.
const EPOCH: i64 = 1_442_880_000;
const EPOCH_MICROS: i64 = EPOCH * 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] =
        b"\x05\x06\x07\x01K\x02\x01A\x01B\x01\x01s\x01S\x02\x00\x01X\x02\xff\x80\x01Y";

    #[test]
    fn a_body_is_read_to_its_end_and_no_further() {
        let header = RowHeader::parse(BODY).unwrap();
        let column = |name: &[u8], class: &str| ColumnHeader {
            name: name.to_vec(),
            class: class.to_owned(),
        };
        assert_eq!(header.min_timestamp, 1_442_880_000_000_005);
        assert_eq!((header.min_deletion_time, header.min_ttl), (1_442_880_006, 7));
        assert_eq!((header.key.as_str(), header.clustering.concat().as_str()), ("K", "AB"));
        assert_eq!(header.statics, [column(b"s", "S")]);
        assert_eq!(header.columns, [column(b"", "X"), column(b"\xff\x80", "Y")]);
        for end in 0..BODY.len() {
            assert!(RowHeader::parse(&BODY[..end]).is_err(), "cut at {end}");
        }
        assert!(RowHeader::parse(&[BODY, &[0]].concat()).is_err());
    }

    #[test]
    fn minima_from_before_the_epoch_wrap_as_in_java() {
        let minus = |n: u64| [&[0xff][..], &n.wrapping_neg().to_be_bytes()].concat();
        let body = [minus(1), minus(2), minus(3), b"\x01K\x00\x00\x00".to_vec()].concat();
        let header = RowHeader::parse(&body).unwrap();
        assert_eq!(header.min_timestamp, EPOCH_MICROS - 1);
        assert_eq!((header.min_deletion_time, header.min_ttl), (EPOCH - 2, -3));
    }

    #[test]
    fn a_count_beyond_the_end_allocates_nothing() {
        let body = [b"\x00\x00\x00\x01K".as_slice(), &[0xff; 9]].concat();
        assert!(RowHeader::parse(&body).is_err());
    }
}
