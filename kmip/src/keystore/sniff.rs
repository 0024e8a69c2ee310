//! Which format the bytes are in. The declared type has no say.

use super::der::{INTEGER, Reader, SEQUENCE};
use super::error::KeyStoreError;
use super::{MAX_BYTES, StoreType};

/// `feedfeed`.
const JKS: &[u8] = &[0xfe, 0xed, 0xfe, 0xed];
/// `cececece`.
const JCEKS: &[u8] = &[0xce, 0xce, 0xce, 0xce];
/// May come after text, such as the attributes that openssl prints.
const PEM: &[u8] = b"-----BEGIN ";

/// Tells the format, or why there is none. JCEKS and PKCS11 are refused here.
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
        _ if bytes.starts_with(JCEKS) => Err(KeyStoreError::Jceks),
        [SEQUENCE, ..] => der(bytes),
        _ if bytes.windows(PEM.len()).any(|window| window == PEM) => Ok(StoreType::Pem),
        _ => Err(KeyStoreError::NotAKeyStore("neither JKS, PKCS12 nor PEM")),
    }
}

/// Tells PKCS#12 from the other things that are one element of DER.
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
        [SEQUENCE, ..] => {
            return Err(KeyStoreError::NotAKeyStore("it looks like a bare certificate in DER"));
        }
        [] | [INTEGER] | [INTEGER, 1] => {
            return Err(KeyStoreError::Truncated { format, inside: "first bytes" });
        }
        _ => return Err(KeyStoreError::NotAKeyStore("neither JKS, PKCS12 nor PEM")),
    }
    match reader.rest().len().cmp(&length) {
        std::cmp::Ordering::Less => Err(KeyStoreError::Truncated { format, inside: "contents" }),
        std::cmp::Ordering::Equal => Ok(format),
        std::cmp::Ordering::Greater => Err(KeyStoreError::Damaged { format, part: "end" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_decide() {
        for (bytes, format) in [
            (&b"\xfe\xed\xfe\xed"[..], Ok(StoreType::Jks)),
            (b"\xce\xce\xce\xce\0\0\0\x02", Err(KeyStoreError::Jceks)),
            (b"\x30\x03\x02\x01\x03", Ok(StoreType::Pkcs12)),
            (b"Bag Attributes\n-----BEGIN CERTIFICATE-----", Ok(StoreType::Pem)),
            (b"", Err(KeyStoreError::EmptyFile)),
        ] {
            assert_eq!(sniff(bytes, None), format);
            assert_eq!(sniff(bytes, Some(StoreType::Pkcs11)), Err(KeyStoreError::Pkcs11));
        }
    }

    #[test]
    fn other_files_are_told_by_what_they_look_like() {
        for (bytes, text) in [
            (&b"hosts: kmip1"[..], "not a key store: neither JKS, PKCS12 nor PEM"),
            (b"\xfe\xed", "not a key store: neither JKS, PKCS12 nor PEM"),
            (b"\x30\x03\x30\x01\x00", "not a key store: it looks like a bare certificate in DER"),
            (b"\x30\x03\x02\x01\x00", "not a key store: it looks like a bare private key in DER"),
            (b"\x30\x01\x13", "not a key store: neither JKS, PKCS12 nor PEM"),
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
