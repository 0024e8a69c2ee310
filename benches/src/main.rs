//! `cargo run --release -p rekey-benches -- compare`: the engine beside what it is measured
//! against, in one run.

#![forbid(unsafe_code)]

mod compare;

use std::process::ExitCode;

use clap::Parser;

/// Benchmarks of the engine that are no criterion benches.
#[derive(Debug, Parser)]
enum Args {
    /// Measure the engine against copying, OpenSSL and others, side by side
    Compare(compare::Options),
}

#[expect(clippy::print_stderr, reason = "a program of its own")]
fn main() -> ExitCode {
    let Args::Compare(options) = Args::parse();
    match compare::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
