//! The VAES kernels: AES in CBC mode, two or four blocks to an instruction. All of it is safe code;
//! only [`x86`](super::x86) may call it, which knows the processor.
//!
//! An AES round takes a processor about four cycles, and one or two rounds start in each cycle. So
//! the number of independent blocks decides how full the pipeline is: vectors of as many lanes when
//! sealing, with the chain values in registers for the length of a run; vectors of one message when
//! opening, whose blocks do not wait for each other.

mod columns;
mod schedule;
pub(super) mod ymm;
pub(super) mod zmm;

pub(super) use schedule::schedule;

use std::arch::x86_64::{__m128i, _mm_cvtsi128_si64, _mm_set_epi64x, _mm_unpackhi_epi64};

use super::Block;

#[inline]
#[target_feature(enable = "sse2")]
fn load(block: &Block) -> __m128i {
    let [low, high] = halves(block);
    _mm_set_epi64x(high, low)
}

#[inline]
#[target_feature(enable = "sse2")]
fn store(x: __m128i) -> Block {
    let low = _mm_cvtsi128_si64(x).cast_unsigned();
    let high = _mm_cvtsi128_si64(_mm_unpackhi_epi64(x, x)).cast_unsigned();
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

#[inline(always)]
fn halves(block: &Block) -> [i64; 2] {
    let block = u128::from_le_bytes(*block);
    [block, block >> 64].map(|half| {
        #[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
        let half = half as u64;
        half.cast_signed()
    })
}
