//! The interface of all code that runs a cipher.

use super::Lane;

/// A scheduled key in one mode of operation. Padding is handled elsewhere.
///
/// An IV is as long as a block; where blocks are shorter than 16 bytes, its first bytes count. In
/// the modes that need it, texts are whole blocks, which [`CipherKey`](super::CipherKey) has
/// checked.
pub(super) trait Cipher: Send + Sync {
    /// Encrypts every lane in place.
    fn seal(&self, lanes: &mut [Lane<'_>]);

    /// Decrypts in place.
    fn open(&self, iv: &[u8; 16], data: &mut [u8]);

    /// Decrypts `source` into `target`, which has the same length.
    fn open_into(&self, iv: &[u8; 16], source: &[u8], target: &mut [u8]);

    /// How many lanes of similar length [`seal`](Self::seal) needs for full speed.
    fn width(&self) -> usize;
}
