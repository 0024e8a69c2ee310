//! Benchmarks that take turns with what they are measured against: `compare`, `estimate` and `openssl`.

#![forbid(unsafe_code)]

mod compare;
mod estimate;
mod lay_out;
mod measure;
mod openssl;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rekey_benches::Site;
use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::options::ChunkLength;

/// Benchmarks of the engine that are no criterion benches.
#[derive(Debug, Parser)]
enum Args {
    /// Measure the tool beside what bounds it
    Compare(compare::Options),
    /// Compare what a plan estimates with what the run takes
    Estimate(estimate::Options),
    /// Lay a trie index out for other pages, in clear
    LayOut(lay_out::Options),
    /// Measure the ciphers beside OpenSSL's, on one core
    Openssl(openssl::Options),
    /// Make SSTables under AES-256-CBC, to profile with, and print the arguments that give them
    /// another key
    Make(MakeArgs),
}

/// Arguments of `make`.
#[derive(Debug, clap::Args)]
struct MakeArgs {
    /// A directory that does not exist yet
    directory: PathBuf,

    /// SSTables
    #[arg(long, default_value_t = 20)]
    sstables: u32,

    /// KiB of plaintext of each
    #[arg(long, value_name = "KIB", default_value_t = 100 << 10)]
    size: u64,

    /// Bytes of plaintext of a chunk
    #[arg(long, value_name = "BYTES", default_value_t = 64 << 10)]
    chunk_length: i32,
}

#[expect(clippy::print_stderr, reason = "a program of its own")]
fn main() -> ExitCode {
    let done = match Args::parse() {
        Args::Compare(options) => compare::run(&options),
        Args::Estimate(options) => estimate::run(&options),
        Args::LayOut(options) => lay_out::run(&options),
        Args::Openssl(options) => openssl::run(&options),
        Args::Make(args) => make(&args).map_err(Into::into),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stdout, reason = "a program of its own")]
fn make(args: &MakeArgs) -> rekey_engine::Result<()> {
    let chunk_length = ChunkLength::try_from(args.chunk_length)?;
    LocalStorage.create_directory(&args.directory, None)?;
    let site = Site::new(&args.directory)?;
    for id in 1..=args.sstables {
        site.write_sstable(id, args.size.saturating_mul(1024), chunk_length)?;
    }
    let [compression, map] = &site.arguments(true)[..] else { return Ok(()) };
    println!(
        "upgradesstables -a --flavor apache-4 --data-dir {} {compression} \"{map}\"",
        site.data().display()
    );
    Ok(())
}
