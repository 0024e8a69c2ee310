//! `measure`: what a run would take on this node, by trying parts of it.
//!
//! Parts of the plan's own SSTables go through what a rewrite does, on all threads and through the same
//! pipeline: read, decrypted, encrypted, written to the data's own file system, made durable and read
//! back. What is written is under a key that is thrown away, and removed. Then the same with files that
//! have hardly a byte, since many small SSTables cost by their number.
//!
//! Only the shared lease is needed: nothing of a node is touched, and it may run. Then both are slower.

mod estimate;
mod place;
mod sample;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use estimate::{Measured, Work};

pub(super) use self::place::MEASURE_DIRECTORY;
use self::place::TrialDir;
use self::sample::{Candidate, Sampler};
use super::session::Session;
use crate::pipeline::{self, Limits, Step, Task};
use crate::plan::{Facts, Inspector, Plan, PlannedRewrite, Target};
use crate::rewrite::{Place, RANGE_BYTES, SmallTrial, Trial};
use crate::{Error, ErrorKind, Result};

/// Measures for a few seconds; `None` when a plan rewrites nothing. Nothing stays of it.
///
/// # Errors
/// [`ErrorKind::NoSpace`] where a file system has no room for a trial, [`ErrorKind::Busy`] beside
/// another measurement, what is wrong with an SSTable, and [`ErrorKind::Io`].
pub fn measure(session: &Session, plan: &Plan, threads: NonZeroUsize) -> Result<Option<Measured>> {
    let rewrites: Vec<_> = plan.rewrites().collect();
    if rewrites.is_empty() {
        return Ok(None);
    }
    let room = room(session, &rewrites)?;
    let mut places = BTreeMap::new();
    let measured = make_places(session, &rewrites, &mut places).and_then(|()| {
        let trials = Trials { session, plan, rewrites: &rewrites, places: &places, threads };
        trials.measure(room)
    });
    // Whatever has failed, nothing stays.
    let removed = places.into_values().map(TrialDir::remove).fold(Ok(()), Result::and);
    let measured = measured?;
    removed.map(|()| Some(measured))
}

/// What trials have in common.
#[derive(Debug)]
struct Trials<'a> {
    session: &'a Session,
    plan: &'a Plan,
    rewrites: &'a [PlannedRewrite<'a>],
    places: &'a BTreeMap<PathBuf, TrialDir<'a>>,
    threads: NonZeroUsize,
}

/// What one round of trials has come to.
#[derive(Debug, Clone, Copy, Default)]
struct Round {
    bytes: u64,
    trials: u64,
    took: Duration,
}

impl Trials<'_> {
    /// Rounds, each of twice as much as the one before, until one tells enough.
    fn measure(&self, room: u64) -> Result<Measured> {
        let limits = Limits { threads: self.threads };
        let most = limits.open_tasks().saturating_mul(ROUNDS_OF_TASKS);
        let candidates =
            self.rewrites.iter().map(|rewrite| candidate(rewrite.target, rewrite.facts));
        let mut sampler = Sampler::new(candidates.collect());
        let range = u64::from(RANGE_BYTES);
        let most_ranges = (room / range).max(1);
        let workers = u64::try_from(self.threads.get()).unwrap_or(1);
        let mut ranges = FIRST_RANGES.saturating_mul(workers).min(most_ranges);
        let (mut all, mut last) = (Round::default(), Round::default());
        let began = Instant::now();
        while began.elapsed() < LONG_ENOUGH {
            let parts = sampler.round(ranges, most);
            if parts.is_empty() {
                break;
            }
            last = self.round(parts)?;
            // The first one warms up.
            let is_first = all.trials == 0;
            all = all.and(last);
            if is_first {
                all = Round { trials: all.trials, ..Round::default() };
            }
            ranges = ranges.saturating_mul(2).min(most_ranges);
        }
        // With a single round there is nothing else.
        let told = if all.bytes == 0 { last } else { all };
        let per_sstable = self.small()?;
        Ok(Measured::new(told.bytes, told.trials, told.took, per_sstable))
    }

    fn round(&self, parts: Vec<(usize, Range<u64>)>) -> Result<Round> {
        let storage = self.session.storage();
        let inspector = Inspector::new(storage, self.session.lease(), self.session.is_mapped());
        let mut trials = Vec::with_capacity(parts.len());
        for (number, (index, ranges)) in parts.into_iter().enumerate() {
            let Some(rewrite) = self.rewrites.get(index) else { continue };
            let PlannedRewrite { sstable, facts, target, .. } = *rewrite;
            let (place, ring) = (self.place(&sstable.data_dir, number)?, &self.plan.ring);
            trials.push(Trial { storage, inspector, ring, target, facts, ranges, place });
        }
        let mut bytes = 0_u64;
        let began = Instant::now();
        self.run(&trials, |step| {
            if let Step::Advanced { bytes: more, stage } = step
                && stage.is_write()
            {
                bytes = bytes.saturating_add(*more);
            }
        })?;
        let trials = u64::try_from(trials.len()).unwrap_or(u64::MAX);
        Ok(Round { bytes, trials, took: began.elapsed() })
    }

    /// What an SSTable costs by being one.
    fn small(&self) -> Result<Duration> {
        let mut count = FIRST_FILES;
        loop {
            let mut trials = Vec::with_capacity(count);
            let places = self.places.keys().cycle().take(count);
            for (number, data_dir) in places.enumerate() {
                let place = self.place(data_dir, number)?;
                trials.push(SmallTrial { storage: self.session.storage(), place });
            }
            let began = Instant::now();
            self.run(&trials, |_step| ())?;
            let took = began.elapsed();
            if took >= LONG_ENOUGH_FOR_FILES || count >= MOST_FILES {
                return Ok(took / u32::try_from(count).unwrap_or(u32::MAX).max(1));
            }
            count = count.saturating_mul(4);
        }
    }

    fn place(&self, data_dir: &Path, number: usize) -> Result<Place> {
        let made = self
            .places
            .get(data_dir)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "a trial has no place").at(data_dir))?;
        Ok(Place { directory: made.path().to_owned(), number })
    }

    /// Runs trials to their end; the first failure is that of all.
    fn run<T: Task>(&self, trials: &[T], mut see: impl FnMut(&Step<'_, T::Stage>)) -> Result<()> {
        let mut failed = None;
        let limits = Limits { threads: self.threads };
        pipeline::run(trials, limits, self.session.control(), |_index, step| match step {
            Step::Ended(Err(error)) => {
                failed.get_or_insert(error);
            }
            Step::Left => {
                failed.get_or_insert_with(stopped);
            }
            step => see(&step),
        });
        failed.map_or(Ok(()), Err)
    }
}

impl Round {
    fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            trials: self.trials.saturating_add(other.trials),
            took: self.took.saturating_add(other.took),
        }
    }
}

fn candidate(target: &Target, facts: &Facts) -> Candidate {
    let (codec, cipher) = (facts.shape.codec(), facts.shape.encryptor());
    let old = cipher.map(|options| (options.transformation().text(), options.strength()));
    let new =
        target.encryptor().map(|options| (options.transformation().text(), options.strength()));
    let lengths = (facts.header.as_ref().map(|h| h.chunk_length), target.chunk_length_of(facts));
    let kind = format!("{codec:?} {old:?} {:?} {new:?} {lengths:?}", target.codec());
    let ranges = facts.plain_bytes().div_ceil(u64::from(RANGE_BYTES)).max(1);
    Candidate { kind, ranges, bytes: facts.data_bytes }
}

/// Bytes that trials may take of each file system at a time.
fn room(session: &Session, rewrites: &[PlannedRewrite<'_>]) -> Result<u64> {
    let mut data_dirs: Vec<_> = rewrites.iter().map(|rewrite| &rewrite.sstable.data_dir).collect();
    data_dirs.sort();
    data_dirs.dedup();
    let storage = session.storage();
    let mut least = MOST_BYTES;
    for data_dir in data_dirs {
        let free = storage.free_space(data_dir)?.saturating_sub(storage.reserve(data_dir)?);
        let room = free / PART_OF_FREE;
        if room < LEAST_BYTES {
            return Err(Error::new(
                ErrorKind::NoSpace,
                format!(
                    "there is no room to measure: of {free} bytes that are free beside what is left \
                     to others it would take a part of {PART_OF_FREE}, and needs {LEAST_BYTES}"
                ),
            )
            .at(data_dir)
            .hint("free space there, or plan without --measure and --window"));
        }
        least = least.min(room);
    }
    Ok(least)
}

fn make_places<'s>(
    session: &'s Session,
    rewrites: &[PlannedRewrite<'_>],
    places: &mut BTreeMap<PathBuf, TrialDir<'s>>,
) -> Result<()> {
    for PlannedRewrite { sstable, .. } in rewrites {
        let data_dir = &sstable.data_dir;
        if !places.contains_key(data_dir) {
            let made = TrialDir::make(session.storage(), data_dir)?;
            places.insert(data_dir.clone(), made);
        }
    }
    Ok(())
}

fn stopped() -> Error {
    Error::new(ErrorKind::Interrupted, "the measurement was ended before it was done")
}

/// Trials of a round for each task that is open at a time: as in a run, some are synced while others are
/// written.
const ROUNDS_OF_TASKS: usize = 3;
/// Ranges of the first round for each worker.
const FIRST_RANGES: u64 = 4;
/// No round is begun after that.
const LONG_ENOUGH: Duration = Duration::from_secs(4);
/// A round of trials without content that takes this long tells what one of them costs.
const LONG_ENOUGH_FOR_FILES: Duration = Duration::from_millis(500);
/// Trials without content in the first round, and in the last one at the most.
const FIRST_FILES: usize = 16;
const MOST_FILES: usize = 1024;
/// Trials take this part of the free bytes of a file system at the most,
const PART_OF_FREE: u64 = 20;
/// and this many,
const MOST_BYTES: u64 = 1 << 30;
/// and need this many.
const LEAST_BYTES: u64 = 16 << 20;
