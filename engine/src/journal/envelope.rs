//! The envelope of small records that are written as a whole.
//!
//! ```text
//! file  [magic 8][version u16] fields [CRC32 of all before]
//! ```

use crate::wire::{Put as _, Reader};

/// Why bytes are not such a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flaw {
    /// They do not have this form.
    Damaged(&'static str),
    /// Another release wrote them.
    Version,
}

/// The record with these fields.
pub(super) fn seal(magic: [u8; 8], version: u16, fields: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = magic.to_vec();
    out.put_u16(version);
    fields(&mut out);
    let crc = crc32fast::hash(&out);
    out.put_u32(crc);
    out
}

/// The fields of a record.
pub(super) fn open(bytes: &[u8], magic: [u8; 8], version: u16) -> Result<Reader<'_>, Flaw> {
    let (body, crc) = bytes.split_last_chunk().ok_or(Flaw::Damaged("it has no checksum"))?;
    if crc32fast::hash(body) != u32::from_be_bytes(*crc) {
        return Err(Flaw::Damaged("its checksum is wrong"));
    }
    let mut reader = Reader::new(body);
    if reader.take_array("magic").ok() != Some(magic) {
        return Err(Flaw::Damaged("it is something else"));
    }
    match reader.u16("version") {
        Ok(there) if there == version => Ok(reader),
        _ => Err(Flaw::Version),
    }
}
