//! Java's modified UTF-8, in which aliases are written.

/// Decodes the text; `None` if Java could not have written it.
pub(super) fn decode(bytes: &[u8]) -> Option<String> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied();
    while let Some(first) = rest.next() {
        units.push(match first {
            0x01..=0x7f => u16::from(first),
            0xc0..=0xdf => u16::from(first & 0x1f) << 6 | continuation(&mut rest)?,
            0xe0..=0xef => {
                u16::from(first & 0x0f) << 12
                    | continuation(&mut rest)? << 6
                    | continuation(&mut rest)?
            }
            _ => return None,
        });
    }
    String::from_utf16(&units).ok()
}

fn continuation(bytes: &mut impl Iterator<Item = u8>) -> Option<u16> {
    bytes.next().filter(|byte| byte & 0xc0 == 0x80).map(|byte| u16::from(byte & 0x3f))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn java_s_two_and_three_byte_forms_are_read() {
        assert_eq!(decode(b"node").as_deref(), Some("node"));
        assert_eq!(
            decode("kn\u{f6}ten\u{20ac}".as_bytes()).as_deref(),
            Some("kn\u{f6}ten\u{20ac}")
        );
        assert_eq!(decode(&[0xc0, 0x80]).as_deref(), Some("\0"));
        assert_eq!(decode(&[0xed, 0xa0, 0xbd, 0xed, 0xb8, 0x80]).as_deref(), Some("😀"));
    }

    #[test]
    fn what_java_cannot_have_written_is_refused() {
        for bad in [&[0][..], &[0x80], &[0xc3], &[0xc3, 0x29], &[0xf0, 0x9f, 0x98, 0x80]] {
            assert_eq!(decode(bad), None, "{bad:x?}");
        }
        assert_eq!(decode(&[0xed, 0xa0, 0xbd]), None);
    }
}
