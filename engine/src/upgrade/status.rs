//! How far an unfinished run is, for whoever asks; needs no lease.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::resumable::COMMAND;
use super::session::resolved;
use super::state_dir::StateDir;
use super::whose::{self, DATA_DIRECTORIES};
use crate::Result;
use crate::io::{Holder, NodeLease, Storage};
use crate::journal::{Ending, Entry, History, Pass, Seen, State};
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
    /// Why that one has ended, if it was not killed.
    pub ending: Option<Ending>,
    /// SSTables that it has swapped in.
    pub swapped_then: u64,
    /// Bytes a second of both passes, in the last session, durable or not.
    pub rate: Option<u64>,
    /// How long it takes from then on at that rate.
    pub eta: Option<Duration>,
}

impl Status {
    /// The command that the run was begun with, as [`Session::with_command`](super::Session::with_command)
    /// was told.
    #[must_use]
    pub fn command(&self) -> Option<&str> {
        self.plan.iter().find_map(|(name, text)| (name == COMMAND).then_some(text.as_str()))
    }
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
    /// Bytes of it that are rewritten and durable.
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
    /// Of these, bytes that are rewritten and durable.
    pub durable: u64,
    /// Bytes that were read back.
    pub read_back: u64,
    /// Bytes that are rewritten, durable or not.
    pub written: u64,
    /// Bytes that were read back, journalled or not.
    pub checked: u64,
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
    let state_dir = state_dir.map(resolved);
    let found = StateDir::find(storage, data_dirs, state_dir.as_deref())?;
    let Some(history) = found.history(storage)? else { return Ok(None) };
    let worker = data_dirs.first().and_then(|directory| NodeLease::writer(directory));
    let mut status = summary(&history, found.directory().to_owned(), worker);
    if let (Some(status), Some(_)) = (&mut status, &history.site) {
        // Formats 1 and 2 have it among the others.
        status.plan.push((DATA_DIRECTORIES.to_owned(), whose::list(data_dirs)));
    }
    Ok(status)
}

/// What a journal comes to.
pub(super) fn summary(
    history: &History,
    state_dir: PathBuf,
    worker: Option<Holder>,
) -> Option<Status> {
    let seen = history.sessions.last()?;
    let total = totals(history, seen);
    let elapsed = seen.last.duration_since(seen.began).unwrap_or_default();
    let done = |durable: u64, by_then: u64| durable.max(by_then);
    let done =
        done(seen.rewritten, seen.by_then.0).saturating_add(done(seen.read_back, seen.by_then.1));
    let done = u128::from(done);
    let rate = done.saturating_mul(1000).checked_div(elapsed.as_millis());
    let rate = rate.and_then(|rate| u64::try_from(rate).ok()).filter(|rate| *rate > 0);
    let left =
        total.bytes.saturating_mul(2).saturating_sub(total.written.saturating_add(total.checked));
    Some(Status {
        state_dir,
        worker,
        plan: history.plan.clone(),
        sstables: history.sstables.values().map(of_one).collect(),
        total,
        sessions: history.sessions.len(),
        began: seen.began,
        last: seen.last,
        ending: seen.ending,
        swapped_then: swapped_in(history, history.sessions.len().checked_sub(1)),
        rate,
        eta: rate.and_then(|rate| left.checked_div(rate)).map(Duration::from_secs),
    })
}

fn swapped_in(history: &History, session: Option<usize>) -> u64 {
    let all = history.sstables.values();
    let ended = all.filter(|one| one.state == State::Swapped && one.ended_in == session).count();
    u64::try_from(ended).unwrap_or(u64::MAX)
}

fn of_one(entry: &Entry) -> SSTableStatus {
    SSTableStatus {
        data: entry.old.path(&entry.directory, &Component::Data),
        bytes: entry.bytes,
        state: entry.state,
        durable: entry.done(Pass::Write),
        read_back: entry.done(Pass::ReadBack),
        new: entry.new.as_ref().map(ToString::to_string),
        copies: entry.copies,
        why: entry.why.clone(),
    }
}

/// The last session knows what it has before it; what earlier ones have ended comes on top. One that
/// failed then is before it again.
fn totals(history: &History, seen: &Seen) -> Totals {
    let last = history.sessions.len().checked_sub(1);
    // What the session knows beyond what is journalled is of SSTables that are open. What it has done
    // of those that have failed is in there, too: no more than there can be.
    let (mut unwritten, mut unchecked) = (0_u64, 0_u64);
    let mut total =
        Totals { sstables: seen.session.sstables, bytes: seen.session.bytes, ..Totals::default() };
    for entry in history.sstables.values() {
        let one = |yes: bool| u64::from(yes);
        let is_of_before = entry.ended_in != last && entry.state == State::Swapped;
        total.sstables = total.sstables.saturating_add(one(is_of_before));
        if is_of_before {
            total.bytes = total.bytes.saturating_add(entry.bytes);
        }
        total.durable = total.durable.saturating_add(entry.done(Pass::Write));
        total.read_back = total.read_back.saturating_add(entry.done(Pass::ReadBack));
        if !matches!(entry.state, State::Swapped | State::Failed) {
            let left = |stage| entry.bytes.saturating_sub(entry.done(stage));
            unwritten = unwritten.saturating_add(left(Pass::Write));
            unchecked = unchecked.saturating_add(left(Pass::ReadBack));
        }
        let is_sealed = matches!(entry.state, State::Sealed | State::Verified | State::Swapped);
        total.sealed = total.sealed.saturating_add(one(is_sealed));
        total.swapped = total.swapped.saturating_add(one(entry.state == State::Swapped));
        total.copies = total.copies.saturating_add(u64::from(entry.copies));
        total.failed = total.failed.saturating_add(one(entry.state == State::Failed));
    }
    let ahead = |by_then: u64, durable: u64, most: u64| by_then.saturating_sub(durable).min(most);
    let (written, checked) = seen.by_then;
    total.written = total.durable.saturating_add(ahead(written, seen.rewritten, unwritten));
    total.checked = total.read_back.saturating_add(ahead(checked, seen.read_back, unchecked));
    total
}
