//! `compare`: the tool beside what bounds it, in one run and in rounds.

#![expect(clippy::print_stdout, reason = "this is the part that prints")]

mod bench;
mod census;
mod command;
mod database;
mod files;
mod machine;
mod plan;
mod program;
mod recompress;
mod row;
mod threads;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use crate::measure::noise::Meter;
use crate::measure::outcome::Result;
use bench::Bench;
use row::Row;

/// What to measure, and how long.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only these groups of rows
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Group>,

    /// Rounds of each group
    #[arg(long, default_value_t = 7)]
    rounds: usize,

    /// MiB of plaintext that are rewritten on the disk; in memory, a quarter of that
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    size: u64,

    /// Tiny sizes, one round: shows that everything runs
    #[arg(long)]
    quick: bool,

    /// A directory on the disk to measure; the one of this program without it
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,

    /// The tool, if it is not to be built here
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// Seconds to wait for an idle moment before a measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

/// Groups of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// The whole command on a disk, for long SSTables
    Command,
    /// The same for many small ones
    Many,
    /// The same in memory, for other ciphers, chunk lengths and keys
    Memory,
    /// Recompression against the codecs alone
    Recompress,
    /// Counting keys against reading headers
    Census,
    /// The time of a plan
    Plan,
    /// The whole command against the database's own rewrite, where Java and Maven are
    Database,
}

impl Group {
    fn rows(self, bench: &Bench) -> Result<Vec<Row>> {
        match self {
            Self::Command => command::on_disk(bench),
            Self::Many => command::many(bench),
            Self::Memory => command::in_memory(bench),
            Self::Recompress => recompress::rows(bench),
            Self::Census => census::rows(bench),
            Self::Plan => plan::rows(bench),
            Self::Database => database::rows(bench),
        }
    }
}

/// Measures, and prints the table as Markdown, each group when it is done.
pub(super) fn run(options: &Options) -> Result<()> {
    let quick = options.quick;
    let patience = Duration::from_secs(if quick { 0 } else { options.patience });
    let meter = Meter::new(patience)?;
    let own = std::env::current_exe()?;
    let beside = own.parent().map(Path::to_owned).unwrap_or_default();
    let memory = PathBuf::from("/dev/shm");
    let bench = Bench {
        meter,
        rounds: if quick { 1 } else { options.rounds },
        bytes: if quick { 64 << 20 } else { options.size << 20 },
        is_quick: quick,
        disk: options.directory.clone().unwrap_or(beside),
        memory: memory.is_dir().then_some(memory),
        program: options.program.clone().map_or_else(program::build, Ok)?,
    };
    let groups = match options.only.as_slice() {
        [] => Group::value_variants(),
        only => only,
    };
    println!("{}\n\n{}", machine::machine(), row::HEAD);
    groups.iter().try_for_each(|group| {
        for row in group.rows(&bench)? {
            println!("{}", row.markdown());
        }
        Ok(())
    })
}
