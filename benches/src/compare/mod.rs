//! `compare`: everything in one run, in rounds, with an eye on who else is busy.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the part that prints")]

mod bare;
mod bench;
mod chart;
mod curve;
mod files;
mod naive;
mod neighbours;
mod noise;
mod program;
mod rounds;
mod row;
mod rows;
mod stage;
mod table;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use clap::ValueEnum;
use signal_hook::consts::{SIGINT, SIGTERM};

use bench::Bench;
use noise::Meter;
use table::Table;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What to measure, and how long.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Only these groups of rows
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Group>,

    /// Rounds of each group
    #[arg(long, default_value_t = 7)]
    rounds: usize,

    /// MiB of plaintext of a rewriting stage
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    size: u64,

    /// MiB of plaintext of the whole command
    #[arg(long, value_name = "MIB", default_value_t = 4096)]
    command_size: u64,

    /// GiB of plaintext that are counted, in sparse files
    #[arg(long, value_name = "GIB", default_value_t = 100)]
    census_size: u64,

    /// MiB that the database itself rewrites
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    peer_size: u64,

    /// GiB of the longest SSTable of the curves
    #[arg(long, value_name = "GIB", default_value_t = 16)]
    longest: u64,

    /// SSTables that are planned
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000)]
    planned: u32,

    /// Tiny sizes, one round: shows that everything runs
    #[arg(long)]
    quick: bool,

    /// A directory on the disk to measure; the one of this program without it
    #[arg(long, value_name = "DIR")]
    directory: Option<PathBuf>,

    /// The tool, if it is not to be built here
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,

    /// Put the table into this Markdown file, between its two marks
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,

    /// Seconds to wait for an idle moment before a measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

/// Groups of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// The writing stage against a copy, on a disk
    Rewrite,
    /// The same in memory
    Tmpfs,
    /// The whole command
    Command,
    /// Other ciphers, chunk lengths and keys
    Variants,
    /// AES and the older ciphers against OpenSSL
    Crypto,
    /// Recompression against the codecs alone
    Recompress,
    /// Many small SSTables against one
    Many,
    /// Counting keys against reading headers
    Census,
    /// The time of a plan
    Plan,
    /// The whole command against the database's own rewrite, where Java and Maven are
    Peer,
    /// Rates against threads, sizes and chunk lengths
    Curves,
}

impl Group {
    fn measure(self, bench: &Bench, table: &mut Table) -> Result<()> {
        let rows = match self {
            Self::Rewrite => rows::rewrite::on_disk(bench),
            Self::Tmpfs => rows::rewrite::in_memory(bench),
            Self::Command => rows::command::rows(bench),
            Self::Variants => rows::variants::rows(bench),
            Self::Crypto => rows::crypto::rows(bench),
            Self::Recompress => rows::recompress::rows(bench),
            Self::Many => rows::many::rows(bench),
            Self::Census => rows::census::rows(bench),
            Self::Plan => rows::plan::rows(bench),
            Self::Peer => rows::peer::rows(bench),
            Self::Curves => {
                table.curves.extend(rows::curves::curves(bench)?);
                Ok(vec![])
            }
        };
        table.rows.extend(rows?);
        Ok(())
    }
}

/// Measures, and prints what came out.
pub(super) fn run(options: &Options) -> Result<()> {
    let stop = Arc::<AtomicBool>::default();
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let program = options.program.clone().map_or_else(program::build, Ok)?;
    let own = std::env::current_exe()?;
    let beside = own.parent().map(Path::to_owned).unwrap_or_default();
    let memory = PathBuf::from("/dev/shm");
    let (quick, mib) = (options.quick, 1 << 20);
    let bench = Bench {
        meter: Meter::new(
            Duration::from_secs(if quick { 0 } else { options.patience }),
            Duration::from_millis(if quick { 20 } else { 1000 }),
            stop,
        ),
        rounds: if quick { 1 } else { options.rounds },
        bytes: mib * if quick { 16 } else { options.size },
        command_bytes: mib * if quick { 40 } else { options.command_size },
        census_bytes: if quick { mib * 64 } else { mib * 1024 * options.census_size },
        peer_bytes: mib * if quick { 8 } else { options.peer_size },
        longest: mib * if quick { 16 } else { 1024 * options.longest },
        planned: options.planned,
        is_quick: quick,
        disk: options.directory.clone().unwrap_or(beside),
        memory: memory.is_dir().then_some(memory),
        program,
    };
    let groups = match options.only.as_slice() {
        [] => Group::value_variants(),
        only => only,
    };
    let mut table = Table::new();
    // What was measured is kept, whatever ends the run.
    let done = groups.iter().try_for_each(|group| {
        group.measure(&bench, &mut table)?;
        options.write.as_ref().map_or(Ok(()), |file| table.write_into(file))
    });
    println!("{}", table.markdown());
    done
}
