//! Which format the bytes are in. The declared type is ignored.

use super::der::{Flaw, INTEGER, OBJECT_ID, Reader, SEQUENCE, encrypted_key, names};
use super::error::KeyStoreError;
use super::{MAX_BYTES, StoreType};

/// `feedfeed`.
const JKS: &[u8] = &[0xfe, 0xed, 0xfe, 0xed];
/// `cececece`.
const JCEKS: &[u8] = &[0xce, 0xce, 0xce, 0xce];
/// The two versions of BKS, and the 20 bytes of salt that it has always written. UBER is the same
/// with an encrypted rest.
const BKS: [&[u8]; 2] = [&[0, 0, 0, 1, 0, 0, 0, 20], &[0, 0, 0, 2, 0, 0, 0, 20]];
/// 1.2.840.113549.1.5.13, PBES2, by which a BCFKS store is encrypted as a whole.
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d];
const NONE_OF_THEM: KeyStoreError =
    KeyStoreError::NotAKeyStore("neither JKS, JCEKS, PKCS12 nor PEM");
/// May come after text, such as the attributes that openssl prints.
const PEM: &[u8] = b"-----BEGIN ";

/// Detects the format, or says why there is none. PKCS11 and Bouncy Castle's formats are refused
/// here; their declared type counts unless the bytes say otherwise.
pub(super) fn sniff(bytes: &[u8], declared: Option<StoreType>) -> Result<StoreType, KeyStoreError> {
    if declared == Some(StoreType::Pkcs11) {
        return Err(KeyStoreError::Pkcs11);
    }
    if bytes.len() > MAX_BYTES {
        return Err(KeyStoreError::TooLarge);
    }
    match bytes {
        [] => Err(KeyStoreError::EmptyFile),
        _ if bytes.starts_with(JKS) => Ok(StoreType::Jks),
        _ if bytes.starts_with(JCEKS) => Ok(StoreType::Jceks),
        _ if BKS.iter().any(|head| bytes.starts_with(head)) => Err(KeyStoreError::Bks),
        [SEQUENCE, ..] => der(bytes),
        _ if bytes.windows(PEM.len()).any(|window| window == PEM) => Ok(StoreType::Pem),
        _ => Err(NONE_OF_THEM),
    }
    .map_err(|error| match (error, declared) {
        (NONE_OF_THEM, Some(StoreType::Bcfks)) => KeyStoreError::Bcfks,
        (NONE_OF_THEM, Some(StoreType::Bks)) => KeyStoreError::Bks,
        (error, _) => error,
    })
}

/// Distinguishes PKCS#12 from other files that are one element of DER.
fn der(bytes: &[u8]) -> Result<StoreType, KeyStoreError> {
    let format = StoreType::Pkcs12;
    let mut reader = Reader::new(bytes);
    let (_, length) =
        reader.header("outer length").map_err(|flaw| KeyStoreError::flaw(format, flaw))?;
    let Some(length) = length else {
        return Err(KeyStoreError::Unsupported { format, what: "BER's indefinite lengths" });
    };
    match reader.rest() {
        [INTEGER, 1, 3, ..] => {}
        [INTEGER, 1, 0 | 1, ..] => {
            return Err(KeyStoreError::NotAKeyStore("it looks like a bare private key in DER"));
        }
        [SEQUENCE, ..] => return Err(other(bytes)),
        [] | [INTEGER] | [INTEGER, 1] => {
            return Err(KeyStoreError::Truncated { format, inside: "first bytes" });
        }
        _ => return Err(NONE_OF_THEM),
    }
    match reader.rest().len().cmp(&length) {
        std::cmp::Ordering::Less => Err(KeyStoreError::Truncated { format, inside: "contents" }),
        std::cmp::Ordering::Equal => Ok(format),
        std::cmp::Ordering::Greater => Err(KeyStoreError::Damaged { format, part: "end" }),
    }
}

/// Names what starts with two sequences, which no supported format does.
fn other(bytes: &[u8]) -> KeyStoreError {
    if names(bytes).is_ok() {
        KeyStoreError::NotAKeyStore("it looks like a bare certificate in DER")
    } else if encrypted_key(bytes).is_ok() {
        KeyStoreError::NotAKeyStore("it looks like a bare, encrypted private key in DER")
    } else if is_bcfks(bytes).is_ok_and(|is| is) {
        KeyStoreError::Bcfks
    } else {
        NONE_OF_THEM
    }
}

/// `ObjectStore { EncryptedObjectStoreData { algorithm, octets }, integrity check }`. A list of
/// revoked certificates starts alike, but no such list is signed by a cipher.
fn is_bcfks(bytes: &[u8]) -> Result<bool, Flaw> {
    const WHAT: &str = "first bytes";
    let mut reader = Reader::new(bytes);
    reader.header(WHAT)?;
    reader.header(WHAT)?;
    let (tag, _) = reader.header(WHAT)?;
    Ok(tag == SEQUENCE && reader.element(OBJECT_ID, WHAT)?.content == PBES2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        for (bytes, format) in [
            (&b"\xfe\xed\xfe\xed"[..], Ok(StoreType::Jks)),
            (b"\xce\xce\xce\xce\0\0\0\x02", Ok(StoreType::Jceks)),
            (b"\0\0\0\x01\0\0\0\x14", Err(KeyStoreError::Bks)),
            (b"\0\0\0\x02\0\0\0\x14", Err(KeyStoreError::Bks)),
            (b"\x30\x03\x02\x01\x03", Ok(StoreType::Pkcs12)),
            (b"Bag Attributes\n-----BEGIN CERTIFICATE-----", Ok(StoreType::Pem)),
            (b"", Err(KeyStoreError::EmptyFile)),
        ] {
            assert_eq!(sniff(bytes, None), format);
            assert_eq!(sniff(bytes, Some(StoreType::Pkcs11)), Err(KeyStoreError::Pkcs11));
        }
    }

    #[test]
    fn other_files_are_described_by_their_look() {
        for (bytes, text) in [
            (&b"hosts: kmip1"[..], "not a key store: neither JKS, JCEKS, PKCS12 nor PEM"),
            (b"\xfe\xed", "not a key store: neither JKS, JCEKS, PKCS12 nor PEM"),
            (b"\x30\x03\x30\x01\x00", "not a key store: neither JKS, JCEKS, PKCS12 nor PEM"),
            (b"\0\0\0\x01\0\0\0\x15", "not a key store: neither JKS, JCEKS, PKCS12 nor PEM"),
            (b"\x30\x03\x02\x01\x00", "not a key store: it looks like a bare private key in DER"),
            (b"\x30\x01\x13", "not a key store: neither JKS, JCEKS, PKCS12 nor PEM"),
            (b"\x30", "the PKCS12 file is cut off: it ends inside its outer length"),
            (b"\x30\x05\x02\x01", "the PKCS12 file is cut off: it ends inside its first bytes"),
            (b"\x30\x05\x02\x01\x03", "the PKCS12 file is cut off: it ends inside its contents"),
            (b"\x30\x03\x02\x01\x03\n", "the PKCS12 file is damaged: its end cannot be read"),
            (
                b"\x30\x80\x02\x01\x03",
                "the PKCS12 file uses BER's indefinite lengths, which this program does not read",
            ),
        ] {
            assert_eq!(sniff(bytes, None).unwrap_err().to_string(), text);
        }
        assert_eq!(sniff(&vec![0; MAX_BYTES + 1], None), Err(KeyStoreError::TooLarge));
    }
}
