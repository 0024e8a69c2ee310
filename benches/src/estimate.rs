//! What `plan --measure` says a run takes, beside the run that follows.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rekey_benches::Site;
use rekey_engine::event::NoObserver;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::KeySources;
use rekey_engine::options::ChunkLength;
use rekey_engine::plan::{Selection, Targets};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives, PlanRequest, Said, Session, Work};

use crate::measure::outcome::Result;

/// Arguments of `estimate`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the SSTables are made: a directory on the disk to measure
    #[arg(long, value_name = "DIR", default_value = ".")]
    directory: PathBuf,

    /// MiB of plaintext of all SSTables
    #[arg(long, value_name = "MIB", default_value_t = 4 << 10)]
    size: u64,

    /// SSTables
    #[arg(long, default_value_t = 20)]
    sstables: u32,

    /// How often, there and back
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

/// Measures and runs in turns, and fails if an estimate is further off than it may be.
#[expect(clippy::print_stdout, reason = "a program of its own")]
pub(crate) fn run(options: &Options) -> Result<()> {
    let directory = tempfile::Builder::new().prefix("estimate-").tempdir_in(&options.directory)?;
    let site = Site::new(directory.path())?;
    let each = options.size.saturating_mul(1 << 20) / u64::from(options.sstables.max(1));
    for id in 1..=options.sstables {
        site.write_sstable(id, each, ChunkLength::try_from(64 << 10)?)?;
    }
    // A disk that still writes what was made is not a quiet one.
    let is_written = std::process::Command::new("sync").status()?.success();
    if !is_written {
        return Err("the SSTables could not be written to the disk".into());
    }
    let mut off = Vec::new();
    for round in 0..options.rounds {
        let (estimated, took) = once(&site, round)?;
        let ratio = estimated.as_secs_f64() / took.as_secs_f64();
        println!(
            "estimated {:.1} s, took {:.1} s: {ratio:.2}",
            estimated.as_secs_f64(),
            took.as_secs_f64()
        );
        off.push((ratio - 1.0).abs());
    }
    off.sort_by(f64::total_cmp);
    match off.get(off.len() / 2) {
        Some(median) if *median > MOST_OFF => {
            Err(format!("the median is {:.0} % off", median * 100.0).into())
        }
        _ => Ok(()),
    }
}

fn once(site: &Site, round: usize) -> Result<(Duration, Duration)> {
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let [first, second] = site.targets();
    let target = if round.is_multiple_of(2) { second } else { first };
    let targets = Targets::one(target.clone());
    let request = PlanRequest {
        archives: Archives::default(),
        selection: &Selection::default(),
        targets: &targets,
        flavor: Some(Flavor::Apache4),
        sources: &KeySources::default(),
        threads,
    };
    let open = |mode| {
        let said = Said { not_a_node: true, ..Said::default() };
        Session::open_as_told(Box::new(LocalStorage), &[site.data()], mode, true, said)
    };
    let estimated = {
        let session = open(LeaseMode::Shared)?;
        let began = Instant::now();
        let plan = upgrade::plan(&session, &request)?;
        let planning = began.elapsed();
        let measured = upgrade::measure(&session, &plan, threads)?.ok_or("nothing to measure")?;
        measured.time_for(Work::of(&plan)) + planning
    };
    let session = open(LeaseMode::Exclusive)?;
    let began = Instant::now();
    let (_, report) = upgrade::prepare(&session, &request)?.run(threads, &mut NoObserver)?;
    let took = began.elapsed();
    match report.failures().next() {
        Some(error) => Err(error.clone().into()),
        None => Ok((estimated, took)),
    }
}

/// On a quiet machine.
const MOST_OFF: f64 = 0.25;
