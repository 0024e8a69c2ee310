//! Properties of the whole rewrite and of the parsers, on random inputs.
//!
//! Each run has other inputs, by a seed that it prints; `REKEY_SEED` repeats it, and `PROPTEST_CASES`
//! changes the number of cases.

use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

use crate::fuzz::driver::seed;

mod flips;
mod parsers;
mod rewrite;

#[expect(clippy::print_stdout, reason = "it says how a failure is repeated")]
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let mut config = ProptestConfig::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    config.rng_seed = RngSeed::Fixed(seed());
    // Kept by the harness, and shown with what fails.
    println!("REKEY_SEED={}", seed());
    config
}
