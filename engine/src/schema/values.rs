//! Values of the types that the schema's tables have (FORMATS.md 11.2).

use core::net::IpAddr;

use uuid::Uuid;

use crate::wire::{Reader, WireError};

/// A text.
pub(super) fn text(value: &[u8]) -> Result<String, WireError> {
    let text = str::from_utf8(value).map_err(|_other| WireError::NotText("text"))?;
    Ok(text.to_owned())
}

/// The name of a keyspace or of a system key, which all rows of a partition repeat: many rows must not
/// make much of it.
pub(super) fn name(value: &[u8]) -> Result<String, WireError> {
    match value.len() {
        0..=LONGEST_NAME => text(value),
        _ => Err(WireError::NotText("name of a partition")),
    }
}

/// The 32 hexadecimal digits of a UUID.
pub(super) fn uuid(value: &[u8]) -> Result<String, WireError> {
    id(value).map(|id| id.simple().to_string())
}

/// A UUID.
pub(super) fn id(value: &[u8]) -> Result<Uuid, WireError> {
    let mut reader = Reader::new(value);
    let bytes = reader.take_array::<16>("UUID")?;
    reader.finish()?;
    Ok(Uuid::from_bytes(bytes))
}

/// An inet: an address of four or sixteen bytes.
pub(super) fn inet(value: &[u8]) -> Result<IpAddr, WireError> {
    let mut reader = Reader::new(value);
    let address = match value.len() {
        4 => IpAddr::from(reader.take_array::<4>("address")?),
        _ => IpAddr::from(reader.take_array::<16>("address")?),
    };
    reader.finish()?;
    Ok(address)
}

/// An int.
pub(super) fn int(value: &[u8]) -> Result<i32, WireError> {
    let mut reader = Reader::new(value);
    let bytes = reader.take_array::<4>("int")?;
    reader.finish()?;
    Ok(i32::from_be_bytes(bytes))
}

/// A boolean.
pub(super) fn boolean(value: &[u8]) -> Result<bool, WireError> {
    let mut reader = Reader::new(value);
    let byte = reader.u8("boolean")?;
    reader.finish()?;
    Ok(byte != 0)
}

/// A frozen list of texts: a count, then each with its length.
pub(super) fn list(value: &[u8]) -> Result<Vec<String>, WireError> {
    let mut reader = Reader::new(value);
    let mut texts = Vec::new();
    for _ in 0..reader.u32("count of a list")? {
        texts.push(element(&mut reader)?);
    }
    reader.finish()?;
    Ok(texts)
}

/// A frozen map of texts to texts: a count, then each key and each value with its length.
pub(super) fn map(value: &[u8]) -> Result<Vec<(String, String)>, WireError> {
    let mut reader = Reader::new(value);
    let mut pairs = Vec::new();
    for _ in 0..reader.u32("count of a map")? {
        let key = element(&mut reader)?;
        pairs.push((key, element(&mut reader)?));
    }
    reader.finish()?;
    Ok(pairs)
}

/// Takes four bytes at least, so that no count allocates more than there is.
fn element(reader: &mut Reader<'_>) -> Result<String, WireError> {
    let length = reader.u32("length of an element")?;
    text(reader.take(usize::try_from(length).unwrap_or(usize::MAX), "element")?)
}

/// Bytes: products allow 48 characters, or as many as the name of a directory may have.
const LONGEST_NAME: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_to_their_ends() {
        assert_eq!(text("é".as_bytes()).unwrap(), "é");
        assert!(text(b"\xff").is_err());
        assert!(name(&[b'k'; 255]).is_ok() && name(&[b'k'; 256]).is_err());
        assert_eq!(uuid(&[0xab; 16]).unwrap(), "ab".repeat(16));
        assert!(uuid(&[0; 15]).is_err() && uuid(&[0; 17]).is_err());
        assert_eq!(inet(&[10, 0, 0, 1]).unwrap().to_string(), "10.0.0.1");
        assert_eq!(inet(&[0; 16]).unwrap().to_string(), "::");
        assert!([0, 3, 5, 15, 17].iter().all(|length| inet(&vec![0; *length]).is_err()));
        assert_eq!(int(&[0xff, 0xff, 0xff, 0xfe]), Ok(-2));
        assert!(int(&[0; 3]).is_err() && int(&[0; 5]).is_err());
        assert_eq!((boolean(&[0]), boolean(&[1])), (Ok(false), Ok(true)));
        assert!(boolean(&[]).is_err() && boolean(&[0, 0]).is_err());
        let pair = b"\x00\x00\x00\x02\x00\x00\x00\x01a\x00\x00\x00\x02bc";
        assert_eq!(list(pair).unwrap(), ["a", "bc"]);
        let one = [b"\x00\x00\x00\x01", &pair[4..]].concat();
        assert_eq!(map(&one).unwrap(), [("a".to_owned(), "bc".to_owned())]);
        for end in 0..one.len() {
            assert!(map(&one[..end]).is_err(), "cut at {end}");
        }
        assert!(map(pair).is_err() && list(&one).is_err());
        assert!(list(&[0xff; 8]).is_err());
    }
}
