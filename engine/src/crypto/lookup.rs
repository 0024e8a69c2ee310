//! RC2's look-ups in vectors. All of it is safe code; only [`x86`](super::x86) may call it, which
//! knows the processor.

use std::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_extract_epi16, _mm_set_epi64x, _mm256_and_si256,
    _mm256_blendv_epi8, _mm256_broadcastsi128_si256, _mm256_castsi256_si128,
    _mm256_extracti128_si256, _mm256_packus_epi16, _mm256_set_epi16, _mm256_set1_epi16,
    _mm256_shuffle_epi8, _mm256_slli_epi16, _mm256_unpackhi_epi8, _mm256_unpacklo_epi8,
    _mm512_castsi512_si128, _mm512_extracti32x4_epi32, _mm512_permutex2var_epi16, _mm512_set_epi16,
};

use super::legacy::Table;

/// Finds 32 words in a table that two vectors hold, with one instruction.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) fn permuted(table: &Table, numbers: &[u16; 32]) -> [u16; 32] {
    let [low, high] = table.words.as_chunks::<32>().0 else { return [0; 32] };
    let found = _mm512_permutex2var_epi16(vector(low), vector(numbers), vector(high));
    let quarters = [
        _mm512_castsi512_si128(found),
        _mm512_extracti32x4_epi32::<1>(found),
        _mm512_extracti32x4_epi32::<2>(found),
        _mm512_extracti32x4_epi32::<3>(found),
    ];
    let mut words = [0; 32];
    for (words, quarter) in words.as_chunks_mut().0.iter_mut().zip(quarters) {
        *words = eight(quarter);
    }
    words
}

/// Makes a vector of consecutive words. Word by word, the compiler sees that it is one load.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
#[rustfmt::skip]
fn vector(words: &[u16; 32]) -> __m512i {
    let [
        a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7,
        c0, c1, c2, c3, c4, c5, c6, c7, d0, d1, d2, d3, d4, d5, d6, d7,
    ] = words.map(u16::cast_signed);
    _mm512_set_epi16(
        d7, d6, d5, d4, d3, d2, d1, d0, c7, c6, c5, c4, c3, c2, c1, c0,
        b7, b6, b5, b4, b3, b2, b1, b0, a7, a6, a5, a4, a3, a2, a1, a0,
    )
}

/// Finds 32 words byte by byte: a shuffle finds one of 16 bytes, and two more bits of the number
/// choose among four of them.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn shuffled(table: &Table, numbers: &[u16; 32]) -> [u16; 32] {
    let mut found = [0; 32];
    let ([a, b], [to_a, to_b]) = (numbers.as_chunks().0, found.as_chunks_mut().0) else {
        return found;
    };
    let six = _mm256_set1_epi16(63);
    let bytes =
        _mm256_packus_epi16(_mm256_and_si256(sixteen(a), six), _mm256_and_si256(sixteen(b), six));
    let [low, high] = [&table.low, &table.high].map(|table| named(table, bytes));
    // The packing above works half by half, and so does this.
    *to_a = words(_mm256_unpacklo_epi8(low, high));
    *to_b = words(_mm256_unpackhi_epi8(low, high));
    found
}

/// Finds the byte that each byte names, which is below 64.
#[inline]
#[target_feature(enable = "avx2")]
fn named(table: &[u8; 64], bytes: __m256i) -> __m256i {
    let [a, b, c, d] = *table.as_chunks::<16>().0 else { return bytes };
    let [a, b, c, d] = [a, b, c, d].map(|table| _mm256_shuffle_epi8(both(table), bytes));
    // The highest bit of a byte chooses: bit 4 of the number, then bit 5.
    let (bit_4, bit_5) = (_mm256_slli_epi16::<3>(bytes), _mm256_slli_epi16::<2>(bytes));
    let lower = _mm256_blendv_epi8(a, b, bit_4);
    let upper = _mm256_blendv_epi8(c, d, bit_4);
    _mm256_blendv_epi8(lower, upper, bit_5)
}

/// The same 16 bytes in both halves of a vector.
#[inline]
#[target_feature(enable = "avx2")]
fn both(bytes: [u8; 16]) -> __m256i {
    let ([low, high], _) = bytes.as_chunks::<8>() else { return _mm256_set1_epi16(0) };
    let [low, high] = [low, high].map(|half| u64::from_le_bytes(*half).cast_signed());
    _mm256_broadcastsi128_si256(_mm_set_epi64x(high, low))
}

#[inline]
#[target_feature(enable = "avx2")]
#[rustfmt::skip]
fn sixteen(words: &[u16; 16]) -> __m256i {
    let [a0, a1, a2, a3, a4, a5, a6, a7, b0, b1, b2, b3, b4, b5, b6, b7] =
        words.map(u16::cast_signed);
    _mm256_set_epi16(b7, b6, b5, b4, b3, b2, b1, b0, a7, a6, a5, a4, a3, a2, a1, a0)
}

/// Splits a vector, which becomes one store.
#[inline]
#[target_feature(enable = "avx2")]
fn words(vector: __m256i) -> [u16; 16] {
    let mut words = [0; 16];
    if let [low, high] = words.as_chunks_mut().0 {
        *low = eight(_mm256_castsi256_si128(vector));
        *high = eight(_mm256_extracti128_si256::<1>(vector));
    }
    words
}

#[inline]
#[target_feature(enable = "sse2")]
fn eight(vector: __m128i) -> [u16; 8] {
    [
        _mm_extract_epi16::<0>(vector),
        _mm_extract_epi16::<1>(vector),
        _mm_extract_epi16::<2>(vector),
        _mm_extract_epi16::<3>(vector),
        _mm_extract_epi16::<4>(vector),
        _mm_extract_epi16::<5>(vector),
        _mm_extract_epi16::<6>(vector),
        _mm_extract_epi16::<7>(vector),
    ]
    .map(|word| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a word, filled up with zeros"
        )]
        let word = word as u16;
        word
    })
}
