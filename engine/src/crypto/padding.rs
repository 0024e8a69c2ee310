//! PKCS #5 padding (RFC 8018 6.1.1, with the cipher's own block size).

use super::{Padding, Transformation};

/// Writes the padding after the first `plain` bytes of `buf` and returns the total length:
/// `buf[..returned]` is ready to be encrypted. Without a padding nothing is written.
///
/// The length is [`Transformation::ciphertext_length`], whether `buf` has it or not. A buffer that
/// is too short gets as much padding as fits, and its `get_mut(..returned)` is `None`, so an
/// incomplete text cannot be mistaken for a padded one.
#[must_use]
pub fn pad(transformation: &Transformation, buf: &mut [u8], plain: usize) -> usize {
    let padded = transformation.ciphertext_length(plain);
    // One block at the most, so the count fits.
    let count = u8::try_from(padded.saturating_sub(plain)).unwrap_or(u8::MAX);
    for byte in buf.iter_mut().take(padded).skip(plain) {
        *byte = count;
    }
    padded
}

/// Returns the length of the plaintext at the start of a decrypted text, or `None` if its padding
/// is wrong.
pub(super) fn plain_length(transformation: &Transformation, text: &[u8]) -> Option<usize> {
    match transformation.padding() {
        Padding::None => Some(text.len()),
        Padding::Pkcs5 => {
            let before = text.len().checked_sub(transformation.block_size())?;
            text.len().checked_sub(unpad(text.get(before..)?)?)
        }
    }
}

/// Returns the count of padding bytes at the end of `last`, the last block of a message.
///
/// Checks every byte of the block in any case, so that its duration reveals nothing.
fn unpad(last: &[u8]) -> Option<usize> {
    let [.., count] = *last else { return None };
    let mut wrong = u8::from(count == 0) | u8::from(usize::from(count) > last.len());
    for (distance, byte) in (1_u8..).zip(last.iter().rev()) {
        wrong |= u8::from(distance <= count) & u8::from(*byte != count);
    }
    (wrong == 0).then_some(usize::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_removed_as_it_was_added() {
        for text in ["AES/CBC/PKCS5Padding", "DES/CFB/PKCS5Padding", "RC2"] {
            let cipher = Transformation::parse(text).unwrap();
            for plain in 0..64 {
                let mut buf = [0xee; 80];
                let padded = pad(&cipher, &mut buf, plain);
                assert_eq!(padded, cipher.ciphertext_length(plain));
                assert!(buf[..plain].iter().chain(&buf[padded..]).all(|byte| *byte == 0xee));
                assert_eq!(plain_length(&cipher, &buf[..padded]), Some(plain));
            }
        }
    }

    #[test]
    fn without_padding_nothing_is_written_or_checked() {
        let ofb = Transformation::parse("AES/OFB/NoPadding").unwrap();
        for plain in 0..64 {
            let mut buf = [0xee; 64];
            assert_eq!(pad(&ofb, &mut buf, plain), plain);
            assert_eq!(buf, [0xee; 64]);
            assert_eq!(plain_length(&ofb, &buf[..plain]), Some(plain));
        }
    }

    #[test]
    fn a_short_buffer_cannot_be_taken_for_padded() {
        let cbc = Transformation::parse("AES/CBC/PKCS5Padding").unwrap();
        for (length, plain) in [(0, 0), (15, 3), (16, 16), (16, 20)] {
            let mut buf = vec![0; length];
            let padded = pad(&cbc, &mut buf, plain);
            assert!(buf.get_mut(..padded).is_none());
        }
    }

    /// As many forms as a block has bytes: a count of 9 is too many for a block of 8.
    #[test]
    fn padding_has_as_many_forms_as_a_block_has_bytes() {
        fn all<const N: usize>() {
            let model = |block: &[u8; N]| {
                let count = usize::from(block[N - 1]);
                (1..=N).contains(&count) && block[N - count..].iter().all(|b| *b == block[N - 1])
            };
            for fill in 0..=255 {
                for count in 0..=255 {
                    for place in 0..N {
                        let mut block = [count; N];
                        block[place] = fill;
                        assert_eq!(unpad(&block).is_some(), model(&block), "{block:?}");
                    }
                }
            }
        }
        all::<8>();
        all::<16>();
        assert_eq!(unpad(&[]), None);
    }

    #[test]
    fn a_text_shorter_than_a_block_has_no_padding() {
        for (text, block) in [("AES", 16), ("DES", 8)] {
            let cipher = Transformation::parse(text).unwrap();
            for length in 0..block {
                assert_eq!(plain_length(&cipher, &vec![1; length]), None);
            }
        }
    }
}
