//! Java's modified UTF-8 (`java.io.DataInput`): U+0000 takes two bytes, and characters beyond
//! the Basic Multilingual Plane are written as two surrogates of three bytes each.

/// The bytes are not modified UTF-8, or the text is too long for its length field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a string in Java's modified UTF-8")]
pub struct UtfError;

/// Decodes modified UTF-8.
///
/// # Errors
/// [`UtfError`] for any sequence that `DataOutput.writeUTF` could not have written from valid
/// Unicode text: with unpaired surrogates, or with overlong forms of characters, which Java reads.
/// So no two sequences decode to the same text.
pub fn decode_utf(bytes: &[u8]) -> Result<String, UtfError> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        let (unit, tail) = match first {
            0x01..=0x7f => (u16::from(first), tail),
            0xc0..=0xdf => {
                let (second, tail) = continuation(tail)?;
                (u16::from(first & 0x1f) << 6 | second, tail)
            }
            0xe0..=0xef => {
                let (second, tail) = continuation(tail)?;
                let (third, tail) = continuation(tail)?;
                (u16::from(first & 0x0f) << 12 | second << 6 | third, tail)
            }
            _ => return Err(UtfError),
        };
        units.push(unit);
        rest = tail;
    }
    let text = String::from_utf16(&units).map_err(|_unpaired| UtfError)?;
    if encode_utf(&text) == bytes { Ok(text) } else { Err(UtfError) }
}

/// Encodes text as modified UTF-8.
#[must_use]
pub fn encode_utf(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    for unit in text.encode_utf16() {
        let [high, low] = unit.to_be_bytes();
        match unit {
            0x01..=0x7f => bytes.push(low),
            0x00 | 0x80..=0x7ff => {
                bytes.extend([0xc0 | high << 2 | low >> 6, 0x80 | low & 0x3f]);
            }
            _ => bytes.extend([
                0xe0 | high >> 4,
                0x80 | (high & 0x0f) << 2 | low >> 6,
                0x80 | low & 0x3f,
            ]),
        }
    }
    bytes
}

fn continuation(bytes: &[u8]) -> Result<(u16, &[u8]), UtfError> {
    match bytes.split_first() {
        Some((&byte, tail)) if byte & 0xc0 == 0x80 => Ok((u16::from(byte & 0x3f), tail)),
        _ => Err(UtfError),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_and_supplementary_characters_take_java_s_form() {
        assert_eq!(encode_utf("\0"), [0xc0, 0x80]);
        assert_eq!(encode_utf("é"), [0xc3, 0xa9]);
        assert_eq!(encode_utf("😀"), [0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]);
        for text in ["", "\0", "plain", "é", "√", "😀 mixed \0 é"] {
            assert_eq!(decode_utf(&encode_utf(text)).as_deref(), Ok(text));
        }
    }

    #[test]
    fn what_java_cannot_have_written_is_refused() {
        for bad in [
            &[0x00][..],
            &[0x80],
            &[0xc3],
            &[0xc3, 0x29],
            &[0xf0, 0x9f, 0x98, 0x80],
            &[0xed, 0xa0, 0xbd],
            // Longer than they need to be: `A`, `A`, U+0000 and `é`.
            &[0xc1, 0x81],
            &[0xe0, 0x81, 0x81],
            &[0xe0, 0x80, 0x80],
            &[0xe0, 0x83, 0xa9],
        ] {
            assert_eq!(decode_utf(bad), Err(UtfError), "{bad:x?}");
        }
    }
}
