//! The way into the VAES kernel: AES in CBC mode on x86-64 processors with AVX-512.
//!
//! # Why there is `unsafe` here
//!
//! This is one of the engine's two rooms that may hold any, and all of it is in the three blocks
//! below. The kernel itself ([`vaes`]) has none: inside a function with `#[target_feature]` the
//! intrinsics that touch no memory are safe, and blocks come and go as integers, from which the
//! compiler makes whole vector loads and stores. What stays unsafe is to *enter* such a function
//! from one without its features: on a processor that lacks them it would be an illegal
//! instruction. Every entry is therefore a method of [`Cbc`], every [`Cbc`] holds a [`Token`],
//! and a token exists only where the processor has been asked. Nothing else upholds anything:
//! pointers, lengths and alignment do not appear.

use aes::cipher::InOutBuf;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::kernel::Cipher;
use super::{BLOCK, Block, Lane, vaes};

/// Proof that this processor, and the operating system, have what [`vaes`] is compiled for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token(());

impl Token {
    /// Asks the processor; the standard library remembers the answer.
    pub(super) fn get() -> Option<Self> {
        let available = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        available.then_some(Self(()))
    }
}

/// AES in CBC mode with `KEYS` round keys: 11, 13 or 15.
pub(super) struct Cbc<const KEYS: usize> {
    /// For encryption.
    forward: [Block; KEYS],
    /// For decryption.
    backward: [Block; KEYS],
    /// What makes the calls below sound.
    _token: Token,
}

impl<const KEYS: usize> Cbc<KEYS> {
    /// Schedules a key of `WORDS` times four bytes: 4, 6 or 8. Boxed from the start, so that no
    /// copy of the round keys is left behind by a move.
    pub(super) fn new<const WORDS: usize>(token: Token, key: &[[u8; 4]; WORDS]) -> Box<Self> {
        const { assert!(KEYS == WORDS + 7 && matches!(WORDS, 4 | 6 | 8), "FIPS 197 5") }
        let none = [[0; BLOCK]; KEYS];
        let mut cbc = Box::new(Self { forward: none, backward: none, _token: token });
        let Self { forward, backward, .. } = &mut *cbc;
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token, whose maker has asked for each of the features.
        unsafe {
            vaes::schedule(key, forward, backward);
        }
        cbc
    }

    fn open_blocks(&self, iv: &Block, blocks: InOutBuf<'_, '_, Block>) {
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token in `self`, whose maker has asked for each of the features.
        unsafe {
            vaes::open(&self.backward, iv, blocks);
        }
    }
}

impl<const KEYS: usize> Cipher for Cbc<KEYS> {
    fn seal(&self, lanes: &mut [Lane<'_>]) {
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token in `self`, whose maker has asked for each of the features.
        unsafe {
            vaes::seal(&self.forward, lanes);
        }
    }

    fn open(&self, iv: &Block, data: &mut [Block]) {
        self.open_blocks(iv, InOutBuf::from(data));
    }

    fn open_into(&self, iv: &Block, source: &[Block], target: &mut [Block]) {
        match InOutBuf::new(source, target) {
            Ok(blocks) => self.open_blocks(iv, blocks),
            Err(_) => debug_assert!(false, "the caller has compared the lengths"),
        }
    }

    fn width(&self) -> usize {
        vaes::WIDTH
    }
}

impl<const KEYS: usize> Drop for Cbc<KEYS> {
    fn drop(&mut self) {
        self.forward.zeroize();
        self.backward.zeroize();
    }
}

impl<const KEYS: usize> ZeroizeOnDrop for Cbc<KEYS> {}
