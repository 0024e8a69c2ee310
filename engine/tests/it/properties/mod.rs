//! Properties of the whole rewrite and of the parsers, on inputs that nobody chose.
//!
//! Seed and number of cases are fixed, so that CI is the same every time; `PROPTEST_RNG_SEED` and
//! `PROPTEST_CASES` choose others.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

mod flips;
mod parsers;
mod rewrite;

fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(0x5a5a);
    }
    config
}
