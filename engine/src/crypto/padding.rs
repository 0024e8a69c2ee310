//! PKCS #5 padding (RFC 8018 6.1.1, with the block of the cipher at hand).

use super::{Block, DecryptFailed, Transformation};

/// Writes the padding behind the first `plain` bytes of `buf` and returns the length of the
/// whole: `buf[..returned]` is whole blocks.
///
/// The length is [`Transformation::ciphertext_length`], whether `buf` has it or not. A buffer
/// that is too short gets as much padding as fits, and its `get_mut(..returned)` is `None`: what
/// is incomplete cannot be taken for padded.
#[must_use]
pub fn pad(transformation: &Transformation, buf: &mut [u8], plain: usize) -> usize {
    let padded = transformation.ciphertext_length(plain);
    // One block at the most, so the count fits.
    let count = u8::try_from(padded - plain).unwrap_or(u8::MAX);
    for byte in buf.iter_mut().take(padded).skip(plain) {
        *byte = count;
    }
    padded
}

/// Returns the count of padding bytes at the end of `last`, the last block of a message.
///
/// Looks at every byte of the block whatever it has seen, so that its time tells nothing.
pub(super) fn unpad(last: &Block) -> Result<usize, DecryptFailed> {
    let [.., count] = *last;
    let mut wrong = u8::from(count == 0) | u8::from(usize::from(count) > last.len());
    for (distance, byte) in (1_u8..).zip(last.iter().rev()) {
        wrong |= u8::from(distance <= count) & u8::from(*byte != count);
    }
    if wrong == 0 { Ok(usize::from(count)) } else { Err(DecryptFailed) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_comes_off_as_it_went_on() {
        let cbc = Transformation::parse("AES/CBC/PKCS5Padding").unwrap();
        for plain in 0..64 {
            let mut buf = [0xee; 80];
            let padded = pad(&cbc, &mut buf, plain);
            assert_eq!(padded, cbc.ciphertext_length(plain));
            assert!(buf[..plain].iter().chain(&buf[padded..]).all(|byte| *byte == 0xee));
            let last = buf[..padded].last_chunk().unwrap();
            assert_eq!(unpad(last), Ok(padded - plain));
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

    #[test]
    fn padding_is_accepted_in_exactly_sixteen_forms() {
        let model = |block: &Block| {
            let count = usize::from(block[15]);
            (1..=16).contains(&count) && block[16 - count..].iter().all(|b| *b == block[15])
        };
        for fill in 0..=255 {
            for count in 0..=255 {
                for place in 0..16 {
                    let mut block = [count; 16];
                    block[place] = fill;
                    assert_eq!(unpad(&block).is_ok(), model(&block), "{block:?}");
                }
            }
        }
    }
}
