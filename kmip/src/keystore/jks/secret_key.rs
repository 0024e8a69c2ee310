//! The secret keys of JCEKS.
//!
//! Such an entry is a serialized Java object without a length before it. This is not a general
//! reader of Java's serialization: Java 17 and 25 write the same class, and only the data after its
//! description varies. Another class (IBM's, for example) is refused.
//!
//! ```text
//! HEAD  u32 length  parameters  LATER_ARRAY  u32 length  ciphertext  algorithm  algorithm
//! algorithm: 74 UTF text, or 71 and four bytes that refer to an earlier one, or 70 (null)
//! ```
//!
//! The ciphertext is that of another such object, the key itself:
//!
//! ```text
//! KEY  UTF algorithm  KEY_ARRAY  u32 length  key
//! ```

use zeroize::Zeroizing;

use super::super::der::{Flaw, Reader};
use super::super::error::KeyStoreError;
use super::super::{Alias, StoreType};
use super::pbe;
use crate::secret::Secret;

/// A secret key as the file has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sealed<'a> {
    /// Salt and iterations.
    parameters: &'a [u8],
    ciphertext: &'a [u8],
}

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

/// How every serialized object begins.
const MAGIC: &[u8] = b"\xac\xed\0\x05";

const WHAT: &str = "secret key";

/// The stream's magic number, the class of keys with its fields, and the mark of a text.
const KEY: &[u8] = b"\xac\xed\0\x05\
    sr\0\x1fjavax.crypto.spec.SecretKeySpec\
    \x5b\x47\x0b\x66\xe2\x30\x61\x4d\x02\0\x02\
    L\0\x09algorithmt\0\x12Ljava/lang/String;\
    [\0\x03keyt\0\x02[B\
    xpt";
/// The class of byte arrays.
const KEY_ARRAY: &[u8] = b"ur\0\x02[B\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\0\0xp";

impl Sealed<'_> {
    /// The key's bytes.
    pub(super) fn open(
        &self,
        password: &Secret,
        alias: &Alias,
    ) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        let mut parameters = Reader::new(self.parameters);
        let plain = pbe::decrypt(&mut parameters, self.ciphertext, password, |plain| {
            // What a wrong password gives is no object.
            plain.starts_with(MAGIC)
        })?;
        let plain =
            plain.ok_or_else(|| KeyStoreError::WrongKeyPassword { alias: Some(alias.clone()) })?;
        let what = "an unusual form of secret key";
        match key(&plain) {
            Ok(Some(key)) => Ok(Zeroizing::new(key.to_vec())),
            Ok(None) => Err(KeyStoreError::Unsupported { format: StoreType::Jceks, what }),
            Err(_flaw) => Err(KeyStoreError::Damaged { format: StoreType::Jceks, part: WHAT }),
        }
    }
}

/// The bytes in a serialized key; none for another class.
fn key(plain: &[u8]) -> Result<Option<&[u8]>, Flaw> {
    let mut reader = Reader::new(plain);
    if !expect(&mut reader, KEY)? {
        return Ok(None);
    }
    reader.short_bytes(WHAT)?;
    if !expect(&mut reader, KEY_ARRAY)? {
        return Ok(None);
    }
    let key = reader.long_bytes(WHAT)?;
    reader.finish(WHAT)?;
    Ok(Some(key))
}

/// Takes a secret key; none if it has another form.
pub(super) fn take<'a>(reader: &mut Reader<'a>) -> Result<Option<Sealed<'a>>, Flaw> {
    if !expect(reader, HEAD)? {
        return Ok(None);
    }
    let parameters = reader.long_bytes(WHAT)?;
    if !expect(reader, LATER_ARRAY)? {
        return Ok(None);
    }
    let ciphertext = reader.long_bytes(WHAT)?;
    for _ in 0..2 {
        match reader.array(WHAT)? {
            [b't'] => drop(reader.short_bytes(WHAT)?),
            [b'q'] => drop(reader.array::<4>(WHAT)?),
            [b'p'] => {}
            _ => return Ok(None),
        }
    }
    Ok(Some(Sealed { parameters, ciphertext }))
}

/// Takes the bytes, if they match. A file that ends inside them is truncated.
fn expect(reader: &mut Reader<'_>, bytes: &[u8]) -> Result<bool, Flaw> {
    if bytes.len() > reader.rest().len() && bytes.starts_with(reader.rest()) {
        return Err(Flaw::Ends(WHAT));
    }
    Ok(reader.rest().starts_with(bytes) && reader.take(bytes.len(), WHAT).is_ok())
}
