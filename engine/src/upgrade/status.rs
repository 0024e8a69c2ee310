//! How far an unfinished run is, for whoever asks; needs no lease.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::place::Place;
use crate::Result;
use crate::io::{Holder, NodeLease, Storage};
use crate::journal::{Entry, History, Seen, Stage, State};
use crate::sstable::Component;

/// An unfinished run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Status {
    /// Where its journal is.
    pub state_dir: PathBuf,
    /// The process that works on it, if the kernel names one.
    pub worker: Option<Holder>,
    /// Its plan, in named texts.
    pub plan: Vec<(String, String)>,
    /// The SSTables that were begun, in that order.
    pub sstables: Vec<SSTableStatus>,
    /// All of them.
    pub total: Totals,
    /// How many processes have worked on it.
    pub sessions: usize,
    /// When the last of them began.
    pub began: SystemTime,
    /// When it was heard of last.
    pub last: SystemTime,
    /// Bytes a second of both passes, in the last session.
    pub rate: Option<u64>,
    /// How long it takes from then on at that rate.
    pub eta: Option<Duration>,
}

/// How far one SSTable is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SSTableStatus {
    /// Its Data.db, by the old name.
    pub data: PathBuf,
    /// Length of that.
    pub bytes: u64,
    /// How far it is.
    pub state: State,
    /// Bytes of it that are written anew and durable.
    pub durable: u64,
    /// Bytes that were read back.
    pub read_back: u64,
    /// Its new name, when it was verified.
    pub new: Option<String>,
    /// Copies of it in snapshots and backups that are replaced.
    pub copies: u32,
    /// Why it failed.
    pub why: Option<String>,
}

/// Sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// SSTables of the run.
    pub sstables: u64,
    /// Bytes of their Data.db.
    pub bytes: u64,
    /// Of these, bytes that are written anew and durable.
    pub durable: u64,
    /// Bytes that were read back.
    pub read_back: u64,
    /// SSTables that are sealed, or further.
    pub sealed: u64,
    /// SSTables that were swapped in.
    pub swapped: u64,
    /// Copies in snapshots and backups that are replaced.
    pub copies: u64,
    /// SSTables that failed.
    pub failed: u64,
}

/// Looks; `None` when no run is unfinished.
///
/// # Errors
/// What is wrong with the journal.
pub fn status(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    state_dir: Option<&Path>,
) -> Result<Option<Status>> {
    let place = Place::find(storage, data_dirs, state_dir)?;
    let Some(history) = place.history(storage)? else { return Ok(None) };
    let worker = data_dirs.first().and_then(|directory| NodeLease::writer(directory));
    Ok(summary(&history, place.directory().to_owned(), worker))
}

fn summary(history: &History, state_dir: PathBuf, worker: Option<Holder>) -> Option<Status> {
    let seen = history.sessions.last()?;
    let total = totals(history, seen);
    let elapsed = seen.last.duration_since(seen.began).unwrap_or_default();
    let done = u128::from(seen.rewritten.saturating_add(seen.read_back));
    let rate = done.saturating_mul(1000).checked_div(elapsed.as_millis());
    let rate = rate.and_then(|rate| u64::try_from(rate).ok()).filter(|rate| *rate > 0);
    let left =
        total.bytes.saturating_mul(2).saturating_sub(total.durable.saturating_add(total.read_back));
    Some(Status {
        state_dir,
        worker,
        plan: history.plan.clone(),
        sstables: history.sstables.values().map(of_one).collect(),
        total,
        sessions: history.sessions.len(),
        began: seen.began,
        last: seen.last,
        rate,
        eta: rate.and_then(|rate| left.checked_div(rate)).map(Duration::from_secs),
    })
}

fn of_one(entry: &Entry) -> SSTableStatus {
    SSTableStatus {
        data: entry.old.path(&entry.directory, &Component::Data),
        bytes: entry.bytes,
        state: entry.state,
        durable: entry.done(Stage::Rewrite),
        read_back: entry.done(Stage::Verify),
        new: entry.new.as_ref().map(ToString::to_string),
        copies: entry.copies,
        why: entry.why.clone(),
    }
}

/// The last session knows what it has before it; what earlier ones have ended comes on top. One that
/// failed then is before it again.
fn totals(history: &History, seen: &Seen) -> Totals {
    let last = history.sessions.len().checked_sub(1);
    let mut total =
        Totals { sstables: seen.session.sstables, bytes: seen.session.bytes, ..Totals::default() };
    for entry in history.sstables.values() {
        let one = |yes: bool| u64::from(yes);
        let is_of_before = entry.ended_in != last && entry.state == State::Swapped;
        total.sstables = total.sstables.saturating_add(one(is_of_before));
        if is_of_before {
            total.bytes = total.bytes.saturating_add(entry.bytes);
        }
        total.durable = total.durable.saturating_add(entry.done(Stage::Rewrite));
        total.read_back = total.read_back.saturating_add(entry.done(Stage::Verify));
        let is_sealed = matches!(entry.state, State::Sealed | State::Verified | State::Swapped);
        total.sealed = total.sealed.saturating_add(one(is_sealed));
        total.swapped = total.swapped.saturating_add(one(entry.state == State::Swapped));
        total.copies = total.copies.saturating_add(u64::from(entry.copies));
        total.failed = total.failed.saturating_add(one(entry.state == State::Failed));
    }
    total
}
