//! The secret keys of JCEKS, which are skipped: a client has no use for them.
//!
//! Such an entry is a serialized Java object without a length before it. This is not a general
//! reader of Java's serialization: Java 17 and 25 write the same class, and only the data after its
//! description varies. Another class (IBM's, for example) is not skipped but refused.
//!
//! ```text
//! HEAD  u32 length  parameters  LATER_ARRAY  u32 length  ciphertext  algorithm  algorithm
//! algorithm: 74 UTF text, or 71 and four bytes that refer to an earlier one, or 70 (null)
//! ```

use super::super::der::{Flaw, Reader};

/// The stream's magic number, the two classes with their fields, and the class of byte arrays.
const HEAD: &[u8] = b"\xac\xed\0\x05\
    sr\0\x33com.sun.crypto.provider.SealedObjectForKeyProtector\
    \xcd\x57\xca\x59\xe7\x30\xbb\x53\x02\0\0x\
    r\0\x19javax.crypto.SealedObject\x3e\x36\x3d\xa6\xc3\xb7\x54\x70\x02\0\x04\
    [\0\x0dencodedParamst\0\x02[B\
    [\0\x10encryptedContentq\0~\0\x02\
    L\0\x09paramsAlgt\0\x12Ljava/lang/String;\
    L\0\x07sealAlgq\0~\0\x03\
    xpur\0\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\0\0xp";
/// An array of the class that the head describes.
const LATER_ARRAY: &[u8] = b"uq\0~\0\x05";

const WHAT: &str = "secret key";

/// Skips a secret key; returns whether it has the known form.
pub(super) fn skip(reader: &mut Reader<'_>) -> Result<bool, Flaw> {
    if !expect(reader, HEAD)? {
        return Ok(false);
    }
    reader.long_bytes(WHAT)?;
    if !expect(reader, LATER_ARRAY)? {
        return Ok(false);
    }
    reader.long_bytes(WHAT)?;
    for _ in 0..2 {
        match reader.array(WHAT)? {
            [b't'] => drop(reader.short_bytes(WHAT)?),
            [b'q'] => drop(reader.array::<4>(WHAT)?),
            [b'p'] => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// Takes the bytes, if they match. A file that ends inside them is truncated.
fn expect(reader: &mut Reader<'_>, bytes: &[u8]) -> Result<bool, Flaw> {
    if bytes.len() > reader.rest().len() && bytes.starts_with(reader.rest()) {
        return Err(Flaw::Ends(WHAT));
    }
    Ok(reader.rest().starts_with(bytes) && reader.take(bytes.len(), WHAT).is_ok())
}
