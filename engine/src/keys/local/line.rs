//! The lines of a local key file (FORMATS.md 6.1).
//!
//! ```text
//! <transformation> ":" <strength in bits> ":" <base64 of the key> [ ":" anything ]
//! ```
//!
//! The database reads the whole file, and fails at the first line that does not have this form; so
//! does this module. The strength must be written as the database writes it: whether every release
//! accepts `0128` as 128 is unknown.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::keys::{SecretKey, secret_file};

/// A key as found in the file.
#[derive(Debug)]
pub(super) struct Found {
    /// The line, counted from 1.
    pub(super) line: usize,
    /// The decoded key, of any length.
    pub(super) key: SecretKey,
}

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    #[error("its key is not base64")]
    Base64,
    #[error("it is blank")]
    Blank,
    #[error("it is not of the form 'transformation:strength:key'")]
    MissingField,
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("its strength is not a number of bits")]
    Strength,
}

/// Looks up a key by the exact text of transformation and strength; a later line wins.
///
/// The error comes with the number of the line.
pub(super) fn find(
    text: &[u8],
    transformation: &str,
    strength: u32,
) -> Result<Option<Found>, (usize, LineError)> {
    let mut found = None;
    for (line, entry) in (1_usize..).zip(entries(text)) {
        let entry = entry?;
        if (entry.transformation, entry.strength) == (transformation, strength) {
            found = Some(Found { line, key: entry.key });
        }
    }
    Ok(found)
}

/// Every line; an error comes with the number of its line.
pub(super) fn entries(text: &[u8]) -> impl Iterator<Item = Result<Entry<'_>, (usize, LineError)>> {
    let lines = (1_usize..).zip(secret_file::lines(text));
    lines.map(|(line, bytes)| parse(bytes).map_err(|error| (line, error)))
}

/// Writes a line with its line end.
pub(super) fn encode(transformation: &str, strength: u32, key: &[u8]) -> Zeroizing<Vec<u8>> {
    let name = format!("{transformation}:{strength}:");
    // One buffer of the final size: a growing vector would leave copies of the key in freed memory.
    let length = base64::encoded_len(key.len(), true).unwrap_or_default();
    let mut line = Zeroizing::new(vec![b'\n'; name.len().saturating_add(length).saturating_add(1)]);
    if let Some((head, tail)) = line.split_at_mut_checked(name.len()) {
        head.copy_from_slice(name.as_bytes());
        let written = PADDED.encode_slice(key, tail);
        debug_assert_eq!(written, Ok(length), "the buffer has the encoded length and a line end");
    }
    line
}

/// A line.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) transformation: &'a str,
    pub(super) strength: u32,
    pub(super) key: SecretKey,
}

fn parse(line: &[u8]) -> Result<Entry<'_>, LineError> {
    let line = str::from_utf8(line).map_err(|_not_utf8| LineError::NotText)?;
    if line.trim().is_empty() {
        return Err(LineError::Blank);
    }
    let mut fields = line.split(':');
    let (Some(transformation), Some(bits), Some(base64)) =
        (fields.next(), fields.next(), fields.next())
    else {
        return Err(LineError::MissingField);
    };
    let strength = bits.parse::<u32>().map_err(|_not_a_number| LineError::Strength)?;
    if strength.to_string() != bits {
        return Err(LineError::Strength);
    }
    Ok(Entry { transformation, strength, key: decode(base64).ok_or(LineError::Base64)? })
}

/// Accepts what both of the database's decoders accept: the standard alphabet, with the padding
/// complete or left out, and no other character. Both drop the bits beyond the last byte.
fn decode(text: &str) -> Option<SecretKey> {
    let engine = if text.ends_with('=') { PADDED } else { UNPADDED };
    let mut key = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length = engine.decode_slice(text, &mut key).ok().filter(|length| *length > 0)?;
    key.truncate(length);
    Some(SecretKey::from(key))
}

const PADDED: GeneralPurpose = engine(DecodePaddingMode::RequireCanonical);
const UNPADDED: GeneralPurpose = engine(DecodePaddingMode::RequireNone);

const fn engine(padding: DecodePaddingMode) -> GeneralPurpose {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(padding);
    GeneralPurpose::new(&STANDARD, config)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CBC: &str = "AES/CBC/PKCS5Padding";
    const KEY: &str = "/NeRYTaMsxrwGYLuCj7L/Q==";

    fn key(text: &str) -> Option<(usize, usize)> {
        let found = find(text.as_bytes(), CBC, 128).unwrap()?;
        Some((found.line, found.key.expose().len()))
    }

    fn refused(text: &[u8]) -> (usize, LineError) {
        find(text, CBC, 128).unwrap_err()
    }

    #[test]
    fn the_text_of_a_line_names_its_key() {
        let line = format!("{CBC}:128:{KEY}");
        assert_eq!(key(&line), Some((1, 16)));
        assert_eq!(key(&format!("{line}\r\n")), Some((1, 16)));
        assert_eq!(key(&format!("{line}:more: fields")), Some((1, 16)));
        assert_eq!(key(""), None);
        for other in ["AES", "AES/CBC/PKCS5PADDING", " AES/CBC/PKCS5Padding", ""] {
            assert_eq!(key(&format!("{other}:128:{KEY}\n")), None);
        }
        assert_eq!(key(&format!("{CBC}:256:{KEY}\n")), None);
    }

    #[test]
    fn a_later_line_wins() {
        let text = format!("{CBC}:128:AAAA\nDES:56:B0D05XMg6ro=\n{CBC}:128:AQID\n{CBC}:256:AAAA\n");
        let found = find(text.as_bytes(), CBC, 128).unwrap().unwrap();
        assert_eq!((found.line, found.key.expose()), (3, &[1, 2, 3][..]));
    }

    #[test]
    fn base64_is_what_both_decoders_accept() {
        for (text, length) in [("AA==", 1), ("AA", 1), ("AAA=", 2), ("AAA", 2), ("AB==", 1)] {
            assert_eq!(decode(text).map(|key| key.expose().len()), Some(length), "{text}");
        }
        let refused =
            ["", "A", "AA=", "AAA==", "====", "AAAA=", "A A=", "AA==AA==", "-_8=", "AA== "];
        for text in refused {
            assert!(decode(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_bad_line_fails_the_file_with_its_number() {
        let good = format!("{CBC}:128:{KEY}\n");
        for (bad, error) in [
            ("", LineError::Blank),
            (" \t", LineError::Blank),
            ("# a comment", LineError::MissingField),
            ("AES:128", LineError::MissingField),
            ("AES:128:", LineError::Base64),
            ("AES:128:===", LineError::Base64),
            ("AES:128:a b", LineError::Base64),
            ("AES::AAAA", LineError::Strength),
            ("AES:x:AAAA", LineError::Strength),
            ("AES: 128:AAAA", LineError::Strength),
            ("AES:0128:AAAA", LineError::Strength),
            ("AES:+128:AAAA", LineError::Strength),
            ("AES:-1:AAAA", LineError::Strength),
            ("AES:4294967296:AAAA", LineError::Strength),
        ] {
            for text in [format!("{good}{bad}\n{good}"), format!("{good}{bad}\n")] {
                assert_eq!(refused(text.as_bytes()), (2, error), "{text}");
            }
        }
        assert_eq!(refused(b"AES:\xff:AAAA"), (1, LineError::NotText));
    }

    proptest! {
        #[test]
        fn find_undoes_encode(
            key in proptest::collection::vec(any::<u8>(), 1..80),
            bits in any::<u32>(),
        ) {
            let line = encode(CBC, bits, &key);
            prop_assert_eq!(line.last(), Some(&b'\n'));
            let found = find(&line, CBC, bits).unwrap().unwrap();
            prop_assert_eq!((found.line, found.key.expose()), (1, key.as_slice()));
        }

        #[test]
        fn arbitrary_bytes_never_panic(
            text in any::<Vec<u8>>(),
            lines in "[AES:128=\n\r+/x ]{0,60}",
        ) {
            drop(find(&text, CBC, 128));
            drop(find(lines.as_bytes(), CBC, 128));
        }
    }
}
