//! What the code that runs a cipher has to offer, whichever it is.

use super::Lane;

/// A scheduled key in one mode of operation. Padding is none of its business.
///
/// An IV is as long as a block; where blocks are shorter than 16 bytes, its first bytes count.
/// Texts are whole blocks in the modes that need them: [`CipherKey`](super::CipherKey) has checked.
pub(super) trait Cipher: Send + Sync {
    /// Encrypts every lane in place.
    fn seal(&self, lanes: &mut [Lane<'_>]);

    /// Decrypts in place.
    fn open(&self, iv: &[u8; 16], data: &mut [u8]);

    /// Decrypts `source` into `target`, which is as long.
    fn open_into(&self, iv: &[u8; 16], source: &[u8], target: &mut [u8]);

    /// How many lanes of like length [`seal`](Self::seal) wants to run at full speed.
    fn width(&self) -> usize;
}
