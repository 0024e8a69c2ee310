//! The entries to the kernels for some x86-64 processors: AES in CBC mode ([`vaes`]), and the older
//! ciphers ([`legacy`](super::legacy)) compiled for wider vectors.
//!
//! # Why there is `unsafe` here
//!
//! This is one of the engine's two modules with unsafe code, and all of it is in the blocks below.
//! The kernels themselves have none: inside a function with `#[target_feature]` the intrinsics that
//! touch no memory are safe, and blocks are passed as integers, which the compiler turns into whole
//! vector loads and stores. What stays unsafe is to *enter* such a function from one without its
//! features: on a processor that lacks them it would be an illegal instruction. Every entry is
//! therefore a method of a token or of something that holds one, and a token exists only after the
//! processor has been checked. Nothing else is needed for soundness: pointers, lengths and
//! alignment do not appear.

use aes::cipher::InOutBuf;
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::cipher::Cipher;
use super::legacy::{ByIndex, LookUp, Rounds, Table};
use super::{BLOCK, Block, Lane, lookup, vaes};

/// Proof that this processor, and the operating system, have vectors of some width with the
/// instructions of AES.
pub(super) trait AesVectors: Copy + Send + Sync + 'static {
    /// How many lanes fill them.
    const WIDTH: usize;

    /// Expands a key.
    fn schedule<const WORDS: usize, const KEYS: usize>(
        self,
        key: &[[u8; 4]; WORDS],
        forward: &mut [Block; KEYS],
        backward: &mut [Block; KEYS],
    );

    /// Encrypts every lane in place, in CBC mode.
    fn seal<const KEYS: usize>(self, keys: &[Block; KEYS], lanes: &mut [Lane<'_>]);

    /// Decrypts a message in CBC mode.
    fn open<const KEYS: usize>(
        self,
        keys: &[Block; KEYS],
        iv: &Block,
        blocks: InOutBuf<'_, '_, Block>,
    );
}

/// Proof of VAES in vectors of 256 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vaes256(());

impl Vaes256 {
    /// Checks the processor; the standard library caches the answer.
    pub(super) fn get() -> Option<Self> {
        let available = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("avx2");
        available.then_some(Self(()))
    }
}

/// Proof of VAES in vectors of 512 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vaes512(());

impl Vaes512 {
    /// Checks the processor; the standard library caches the answer.
    pub(super) fn get() -> Option<Self> {
        let available = is_x86_feature_detected!("aes")
            && is_x86_feature_detected!("vaes")
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl");
        available.then_some(Self(()))
    }
}

/// One text for both, so that no entry lacks its argument.
macro_rules! enter {
    ($token:ty, $kernel:ident) => {
        impl AesVectors for $token {
            const WIDTH: usize = vaes::$kernel::WIDTH;

            fn schedule<const WORDS: usize, const KEYS: usize>(
                self,
                key: &[[u8; 4]; WORDS],
                forward: &mut [Block; KEYS],
                backward: &mut [Block; KEYS],
            ) {
                #[expect(
                    unsafe_code,
                    reason = "enters a function with more features than its caller"
                )]
                // SAFETY: the token `self`, whose constructor has checked for the feature.
                unsafe {
                    vaes::schedule(key, forward, backward);
                }
            }

            fn seal<const KEYS: usize>(self, keys: &[Block; KEYS], lanes: &mut [Lane<'_>]) {
                #[expect(
                    unsafe_code,
                    reason = "enters a function with more features than its caller"
                )]
                // SAFETY: the token `self`, whose constructor has checked for each of the features.
                unsafe {
                    vaes::$kernel::seal(keys, lanes);
                }
            }

            fn open<const KEYS: usize>(
                self,
                keys: &[Block; KEYS],
                iv: &Block,
                blocks: InOutBuf<'_, '_, Block>,
            ) {
                #[expect(
                    unsafe_code,
                    reason = "enters a function with more features than its caller"
                )]
                // SAFETY: the token `self`, whose constructor has checked for each of the features.
                unsafe {
                    vaes::$kernel::open(keys, iv, blocks);
                }
            }
        }
    };
}

enter!(Vaes256, ymm);
enter!(Vaes512, zmm);

/// AES in CBC mode with `KEYS` round keys: 11, 13 or 15.
pub(super) struct Cbc<V, const KEYS: usize> {
    /// For encryption.
    forward: [Block; KEYS],
    /// For decryption.
    backward: [Block; KEYS],
    vectors: V,
}

impl<V: AesVectors, const KEYS: usize> Cbc<V, KEYS> {
    /// Schedules a key of `WORDS` times four bytes: 4, 6 or 8. Boxed from the start, so that a move
    /// leaves no copy of the round keys.
    pub(super) fn new<const WORDS: usize>(vectors: V, key: &[[u8; 4]; WORDS]) -> Box<Self> {
        const { assert!(KEYS == WORDS + 7 && matches!(WORDS, 4 | 6 | 8), "FIPS 197 5") }
        let none = [[0; BLOCK]; KEYS];
        let mut cbc = Box::new(Self { forward: none, backward: none, vectors });
        let Self { forward, backward, .. } = &mut *cbc;
        vectors.schedule(key, forward, backward);
        cbc
    }
}

impl<V: AesVectors, const KEYS: usize> Cipher for Cbc<V, KEYS> {
    fn seal(&self, lanes: &mut [Lane<'_>]) {
        self.vectors.seal(&self.forward, lanes);
    }

    fn open(&self, iv: &[u8; 16], data: &mut [u8]) {
        let (blocks, _whole) = data.as_chunks_mut();
        self.vectors.open(&self.backward, iv, InOutBuf::from(blocks));
    }

    fn open_into(&self, iv: &[u8; 16], source: &[u8], target: &mut [u8]) {
        let ((source, _whole), (target, _)) = (source.as_chunks(), target.as_chunks_mut());
        match InOutBuf::new(source, target) {
            Ok(blocks) => self.vectors.open(&self.backward, iv, blocks),
            Err(_) => debug_assert!(false, "the caller has compared the lengths"),
        }
    }

    fn width(&self) -> usize {
        V::WIDTH
    }
}

impl<V, const KEYS: usize> Drop for Cbc<V, KEYS> {
    fn drop(&mut self) {
        self.forward.zeroize();
        self.backward.zeroize();
    }
}

impl<V, const KEYS: usize> ZeroizeOnDrop for Cbc<V, KEYS> {}

/// Proof that this processor, and the operating system, have vectors of some width, for the rounds
/// of the older ciphers.
pub(super) trait Vectors: Copy + Send + Sync + 'static {
    /// Encrypts with the cipher's rounds compiled for them.
    fn encrypt<C: Rounds>(self, cipher: &C, blocks: &mut [[u8; 8]]);

    /// Decrypts in the same way.
    fn decrypt<C: Rounds>(self, cipher: &C, blocks: &mut [[u8; 8]]);
}

/// A cipher whose rounds, loops over words in arrays, are compiled once more for wider vectors.
pub(super) struct Wide<C, V> {
    cipher: C,
    vectors: V,
}

impl<C: Rounds, V: Vectors> Wide<C, V> {
    pub(super) fn new(vectors: V, cipher: C) -> Self {
        Self { cipher, vectors }
    }
}

impl<C: Rounds, V: Vectors> Rounds for Wide<C, V> {
    type Width = C::Width;

    fn encrypt(&self, blocks: &mut [[u8; 8]]) {
        self.vectors.encrypt(&self.cipher, blocks);
    }

    fn decrypt(&self, blocks: &mut [[u8; 8]]) {
        self.vectors.decrypt(&self.cipher, blocks);
    }
}

impl<C: Rounds, V> ZeroizeOnDrop for Wide<C, V> {}

/// Proof of vectors of 256 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    /// Checks the processor; the standard library caches the answer.
    pub(super) fn get() -> Option<Self> {
        is_x86_feature_detected!("avx2").then_some(Self(()))
    }
}

impl Vectors for Avx2 {
    fn encrypt<C: Rounds>(self, cipher: &C, blocks: &mut [[u8; 8]]) {
        #[target_feature(enable = "avx2")]
        fn inside<C: Rounds>(cipher: &C, blocks: &mut [[u8; 8]]) {
            cipher.encrypt(blocks);
        }
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token `self`, whose constructor has checked for the feature.
        unsafe {
            inside(cipher, blocks);
        }
    }

    fn decrypt<C: Rounds>(self, cipher: &C, blocks: &mut [[u8; 8]]) {
        #[target_feature(enable = "avx2")]
        fn inside<C: Rounds>(cipher: &C, blocks: &mut [[u8; 8]]) {
            cipher.decrypt(blocks);
        }
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token `self`, whose constructor has checked for the feature.
        unsafe {
            inside(cipher, blocks);
        }
    }
}

impl LookUp for Avx2 {
    #[inline(always)]
    fn look_up<const W: usize>(&self, table: &Table, numbers: &[u16; W]) -> [u16; W] {
        in_vectors(table, numbers, |numbers| {
            #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
            // SAFETY: the token `self`, whose constructor has checked for the feature.
            unsafe {
                lookup::shuffled(table, numbers)
            }
        })
    }
}

/// Proof of vectors of 512 bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx512(());

impl Avx512 {
    /// Checks the processor; the standard library caches the answer.
    pub(super) fn get() -> Option<Self> {
        let available = is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi2");
        available.then_some(Self(()))
    }
}

impl Vectors for Avx512 {
    fn encrypt<C: Rounds>(self, cipher: &C, blocks: &mut [[u8; 8]]) {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2")]
        fn inside<C: Rounds>(cipher: &C, blocks: &mut [[u8; 8]]) {
            cipher.encrypt(blocks);
        }
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token `self`, whose constructor has checked for each of the features.
        unsafe {
            inside(cipher, blocks);
        }
    }

    fn decrypt<C: Rounds>(self, cipher: &C, blocks: &mut [[u8; 8]]) {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi2")]
        fn inside<C: Rounds>(cipher: &C, blocks: &mut [[u8; 8]]) {
            cipher.decrypt(blocks);
        }
        #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
        // SAFETY: the token `self`, whose constructor has checked for each of the features.
        unsafe {
            inside(cipher, blocks);
        }
    }
}

impl LookUp for Avx512 {
    #[inline(always)]
    fn look_up<const W: usize>(&self, table: &Table, numbers: &[u16; W]) -> [u16; W] {
        in_vectors(table, numbers, |numbers| {
            #[expect(unsafe_code, reason = "enters a function with more features than its caller")]
            // SAFETY: the token `self`, whose constructor has checked for each of the features.
            unsafe {
                lookup::permuted(table, numbers)
            }
        })
    }
}

/// Looks up 32 numbers at once, or one after the other if there is another count.
#[inline(always)]
fn in_vectors<const W: usize>(
    table: &Table,
    numbers: &[u16; W],
    look_up: impl Fn(&[u16; 32]) -> [u16; 32],
) -> [u16; W] {
    let (vectors, []) = numbers.as_chunks() else {
        return ByIndex.look_up(table, numbers);
    };
    let mut found = [0; W];
    for (found, numbers) in found.as_chunks_mut().0.iter_mut().zip(vectors) {
        *found = look_up(numbers);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wiped<T: ZeroizeOnDrop>(_: &T) {}

    /// The last round key of a schedule, and what the inverse cipher starts with.
    fn ends<const KEYS: usize, const WORDS: usize>(key: &[u8]) -> Option<[u128; 2]> {
        let (words, _) = key.as_chunks::<4>();
        let cbc = Cbc::<_, KEYS>::new::<WORDS>(Vaes256::get()?, words.as_array().unwrap());
        wiped(&*cbc);
        assert_eq!(cbc.forward[0], key[..16]);
        assert_eq!(cbc.backward[KEYS - 1], key[..16]);
        Some([cbc.forward[KEYS - 1], cbc.backward[0]].map(u128::from_be_bytes))
    }

    #[test]
    fn schedules_are_those_of_fips_197_appendix_a() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        if let Some(ends) = ends::<11, 4>(&key) {
            assert_eq!(ends, [0xd014_f9a8_c9ee_2589_e13f_0cc8_b663_0ca6; 2]);
        }
        let key = [
            &0x8e73_b0f7_da0e_6452_c810_f32b_8090_79e5_u128.to_be_bytes()[..],
            &0x62f8_ead2_522c_6b7b_u64.to_be_bytes(),
        ];
        if let Some(ends) = ends::<13, 6>(&key.concat()) {
            assert_eq!(ends, [0xe98b_a06f_448c_773c_8ecc_7204_0100_2202; 2]);
        }
        let key = [
            0x603d_eb10_15ca_71be_2b73_aef0_857d_7781_u128.to_be_bytes(),
            0x1f35_2c07_3b61_08d7_2d98_10a3_0914_dff4_u128.to_be_bytes(),
        ];
        if let Some(ends) = ends::<15, 8>(key.as_flattened()) {
            assert_eq!(ends, [0xfe48_90d1_e618_8d0b_046d_f344_706c_631e; 2]);
        }
    }

    fn finds_what_each_number_names(look_up: &impl LookUp) {
        let mut table = Table::default();
        table.fill(&std::array::from_fn(|i| u8::try_from(i * 151 % 256).unwrap()));
        // Every number of six bits, with other bits above it.
        let numbers: [u16; 64] = std::array::from_fn(|i| u16::try_from(i * 1021).unwrap());
        assert_eq!(look_up.look_up(&table, &numbers), ByIndex.look_up(&table, &numbers));
        assert_eq!(look_up.look_up(&table, &[65; 3]), ByIndex.look_up(&table, &[1; 3]));
    }

    #[test]
    fn a_vector_of_numbers_finds_what_each_number_names() {
        if let Some(avx2) = Avx2::get() {
            finds_what_each_number_names(&avx2);
        }
        if let Some(avx512) = Avx512::get() {
            finds_what_each_number_names(&avx512);
        }
    }
}
