//! The contents of a journal, taken together.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::frame::{self, JournalError};
use super::ranges::RangeSet;
use super::record::{Attempt, Ending, Part, Pass, Record, SourceFile, Staged};
use super::site::Site;
use crate::sstable::{Component, Descriptor};

/// Everything that a journal says of its run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct History {
    /// The run and its data directories; formats 1 and 2 have none.
    pub site: Option<Site>,
    /// The plan, in named texts.
    pub plan: Vec<(String, String)>,
    /// The processes that worked on it, in order.
    pub sessions: Vec<Seen>,
    /// The SSTables that were begun, by number.
    pub sstables: BTreeMap<u32, Entry>,
    /// Bytes of intact records; what follows them was never durable.
    pub length: u64,
    /// Whether anything follows them.
    pub is_torn: bool,
}

/// A process, and when it worked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Seen {
    /// The process.
    pub session: Attempt,
    /// When it began.
    pub began: SystemTime,
    /// When it last wrote a record.
    pub last: SystemTime,
    /// Bytes of Data.db that it has rewritten, durably.
    pub rewritten: u64,
    /// Bytes that it has read back.
    pub read_back: u64,
    /// The same by its last record, durable or not.
    pub by_then: (u64, u64),
    /// Why it has ended, if it was not killed and has left work.
    pub ending: Option<Ending>,
}

/// How far an SSTable is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum State {
    /// Nothing of it is durable: it would start over.
    Begun,
    /// Some of it is durable.
    Durable,
    /// All of it is.
    Sealed,
    /// It was read back.
    Verified,
    /// It is in place.
    Swapped,
    /// It failed, and is unchanged.
    Failed,
}

impl State {
    /// The name in JSON and in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Durable => "durable",
            Self::Sealed => "sealed",
            Self::Verified => "verified",
            Self::Swapped => "swapped",
            Self::Failed => "failed",
        }
    }
}

/// One SSTable of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// Its table's directory.
    pub directory: PathBuf,
    /// Its name.
    pub old: Descriptor,
    /// Length of its Data.db.
    pub bytes: u64,
    /// How far it is.
    pub state: State,
    /// How it is staged, if it can be resumed.
    pub staged: Option<StagedSSTable>,
    /// The work done on it.
    pub parts: Vec<Part>,
    /// The ranges that were written.
    pub written: RangeSet,
    /// The ranges that were read back.
    pub read_back: RangeSet,
    /// The staged files, when it is sealed.
    pub files: Vec<(Component, u64)>,
    /// The new name, once it is verified.
    pub new: Option<Descriptor>,
    /// Its copies in snapshots and backups that are replaced.
    pub copies: u32,
    /// Why it failed.
    pub why: Option<String>,
    /// The session in which it was swapped in, or failed.
    pub ended_in: Option<usize>,
    /// Bytes of its parts, for each pass.
    in_parts: [u64; 2],
}

/// The numbers of SSTables, by directory and name.
type Begun = HashMap<(PathBuf, Descriptor), u32>;

/// The staged part of an SSTable, from which it can be resumed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StagedSSTable {
    /// All files of the old SSTable at that time.
    pub source: Vec<SourceFile>,
    /// The staging directory.
    pub directory: PathBuf,
    /// Bytes of plaintext of a range.
    pub step: u64,
    /// How many ranges there are.
    pub ranges: u64,
    /// The seed of the digest, sealed.
    pub seed: Vec<u8>,
}

impl Entry {
    /// Whether the next run can resume from what is staged.
    #[must_use]
    pub const fn is_resumable(&self) -> bool {
        matches!(self.state, State::Durable | State::Sealed | State::Verified)
    }

    /// Bytes of a pass that are done.
    #[must_use]
    pub fn done(&self, stage: Pass) -> u64 {
        match (self.state, stage) {
            (State::Swapped | State::Verified, _) | (State::Sealed, Pass::Write) => {
                return self.bytes;
            }
            _ => {}
        }
        let [rewritten, read_back] = self.in_parts;
        match stage {
            Pass::Write => rewritten.min(self.bytes),
            Pass::ReadBack => read_back.min(self.bytes),
        }
    }
}

impl History {
    /// Reads a journal. `None` means a journal whose run has not begun: its beginning was never
    /// durable.
    ///
    /// # Errors
    /// [`JournalError`]; a torn tail is not an error.
    pub fn read(bytes: &[u8]) -> Result<Option<Self>, JournalError> {
        let Some(found) = frame::read(bytes)? else { return Ok(None) };
        let (mut history, mut begun) = (Self::default(), HashMap::new());
        for (number, (time, payload)) in (1..).zip(found.frames) {
            let payload = bytes.get(payload).unwrap_or_default();
            let time = time_of(time);
            Record::decode(payload)
                .and_then(|record| history.take(record, time, &mut begun))
                .map_err(|what| JournalError::Record { number, what })?;
        }
        history.length = u64::try_from(found.end).unwrap_or(u64::MAX);
        history.is_torn = found.end < bytes.len();
        Ok(Some(history))
    }

    /// What can be resumed.
    pub fn resumable(&self) -> impl Iterator<Item = (u32, &Entry)> {
        let all = self.sstables.iter().map(|(number, entry)| (*number, entry));
        all.filter(|(_, entry)| entry.is_resumable())
    }

    /// A number that no SSTable has.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        self.sstables.last_key_value().map_or(0, |(last, _)| last.saturating_add(1))
    }

    /// Whether its last process has ended by itself and has left nothing that could be resumed: a
    /// run that starts over loses nothing.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        let has_ended = self.sessions.last().is_some_and(|seen| seen.ending.is_some());
        has_ended && self.resumable().next().is_none()
    }

    /// Sets where the data directories are now, by number.
    pub fn relocate(&mut self, data_dirs: &[PathBuf]) {
        let Some(site) = &mut self.site else { return };
        let then = std::mem::replace(&mut site.data_dirs, data_dirs.to_vec());
        let moved = |path: &Path| {
            then.iter()
                .zip(data_dirs)
                .find_map(|(then, now)| Some(now.join(path.strip_prefix(then).ok()?)))
        };
        for entry in self.sstables.values_mut() {
            let staged = entry.staged.iter_mut().map(|staged| &mut staged.directory);
            for path in staged.chain([&mut entry.directory]) {
                if let Some(now) = moved(path) {
                    *path = now;
                }
            }
        }
    }

    fn data_dirs(&self) -> &[PathBuf] {
        self.site.as_ref().map_or(&[], |site| &site.data_dirs)
    }

    fn take(
        &mut self,
        record: Record,
        time: SystemTime,
        begun: &mut Begun,
    ) -> Result<(), &'static str> {
        let starts = matches!(record, Record::Started(..));
        if starts != self.sessions.is_empty() {
            return Err("a journal starts once");
        }
        match record {
            Record::Started(session, site, plan) => {
                (self.site, self.plan) = (site, plan);
                self.begin(session, time);
            }
            Record::Resumed(session) => self.begin(session, time),
            Record::Begun { sstable, directory, old, bytes } => {
                if sstable < self.next_number() {
                    return Err("its number was given out before");
                }
                let directory = directory.path(self.data_dirs())?;
                if let Some(before) = begun.insert((directory.clone(), old.clone()), sstable) {
                    // One that starts over.
                    self.sstables.remove(&before);
                }
                self.sstables.insert(sstable, Entry::new(directory, old, bytes));
            }
            Record::Dropped { sstable, .. } => {
                self.sstables.remove(&sstable).ok_or(NEVER_BEGUN)?;
            }
            Record::Progress { rewritten, read_back } => {
                if let Some(seen) = self.sessions.last_mut() {
                    seen.by_then = (rewritten, read_back);
                }
            }
            Record::Ended(ending) => {
                if let Some(seen) = self.sessions.last_mut() {
                    seen.ending = Some(ending);
                }
            }
            other => {
                let (rewritten, read_back) = self.continue_with(other)?;
                if let Some(seen) = self.sessions.last_mut() {
                    seen.rewritten = seen.rewritten.saturating_add(rewritten);
                    seen.read_back = seen.read_back.saturating_add(read_back);
                }
            }
        }
        if let Some(seen) = self.sessions.last_mut() {
            seen.last = seen.last.max(time);
        }
        Ok(())
    }

    fn begin(&mut self, session: Attempt, time: SystemTime) {
        self.sessions.push(Seen {
            session,
            began: time,
            last: time,
            rewritten: 0,
            read_back: 0,
            by_then: (0, 0),
            ending: None,
        });
    }

    /// Returns the bytes that the record adds to each pass.
    fn continue_with(&mut self, record: Record) -> Result<(u64, u64), &'static str> {
        let number = match &record {
            Record::Staged(number, _) | Record::Done(number, _) => *number,
            Record::Sealed { sstable, .. }
            | Record::Verified { sstable, .. }
            | Record::Linked { sstable, .. }
            | Record::Swapped { sstable, .. }
            | Record::Failed { sstable, .. } => *sstable,
            _ => return Ok((0, 0)),
        };
        let data_dirs = self.site.as_ref().map_or(&[][..], |site| &site.data_dirs);
        let entry = self.sstables.get_mut(&number).ok_or(NEVER_BEGUN)?;
        if matches!(entry.state, State::Swapped | State::Failed) {
            return Err("it is of an SSTable that has ended");
        }
        let before = [Pass::Write, Pass::ReadBack].map(|stage| entry.done(stage));
        entry.take(record, data_dirs)?;
        if matches!(entry.state, State::Swapped | State::Failed) {
            entry.ended_in = self.sessions.len().checked_sub(1);
        }
        let [rewritten, read_back] = [Pass::Write, Pass::ReadBack].map(|stage| entry.done(stage));
        Ok((rewritten.saturating_sub(before[0]), read_back.saturating_sub(before[1])))
    }
}

impl Entry {
    const fn new(directory: PathBuf, old: Descriptor, bytes: u64) -> Self {
        Self {
            directory,
            old,
            bytes,
            state: State::Begun,
            staged: None,
            parts: vec![],
            written: RangeSet::new(),
            read_back: RangeSet::new(),
            files: vec![],
            new: None,
            copies: 0,
            why: None,
            ended_in: None,
            in_parts: [0; 2],
        }
    }

    fn take(&mut self, record: Record, data_dirs: &[PathBuf]) -> Result<(), &'static str> {
        match record {
            Record::Staged(_, staged) if self.staged.is_none() => {
                let Staged { source, directory, step, ranges, seed } = staged;
                let directory = directory.path(data_dirs)?;
                self.staged = Some(StagedSSTable { source, directory, step, ranges, seed });
            }
            Record::Staged(..) => return Err("it is staged twice"),
            Record::Done(_, part) => self.add(part)?,
            Record::Sealed { files, .. } => {
                if self.state != State::Durable || self.written.count() != self.ranges() {
                    return Err("it is sealed before all its ranges are written");
                }
                (self.state, self.files) = (State::Sealed, files);
            }
            Record::Verified { new, .. } => {
                let is_whole = self.read_back.count() == self.ranges();
                if !matches!(self.state, State::Sealed | State::Verified) || !is_whole {
                    return Err("it is verified before it is sealed and read back");
                }
                (self.state, self.new) = (State::Verified, Some(new));
            }
            Record::Linked { copies, .. } => self.copies = copies,
            Record::Swapped { new, .. } => (self.state, self.new) = (State::Swapped, Some(new)),
            Record::Failed { why, .. } => (self.state, self.why) = (State::Failed, Some(why)),
            _ => {}
        }
        Ok(())
    }

    fn ranges(&self) -> u64 {
        self.staged.as_ref().map_or(0, |staged| staged.ranges)
    }

    fn add(&mut self, part: Part) -> Result<(), &'static str> {
        let ranges = self.ranges();
        let (set, fits) = match part.stage {
            Pass::Write => (&mut self.written, matches!(self.state, State::Begun | State::Durable)),
            Pass::ReadBack => (&mut self.read_back, self.state == State::Sealed),
        };
        if !fits || ranges == 0 {
            return Err("ranges are done before or after their time");
        }
        for run in &part.runs {
            if !set.insert(run.first, run.count) {
                return Err("a range is done twice");
            }
        }
        if set.end() > ranges {
            return Err("a range is done that is not there");
        }
        let [rewritten, read_back] = &mut self.in_parts;
        let bytes = match part.stage {
            Pass::Write => rewritten,
            Pass::ReadBack => read_back,
        };
        let read = part.runs.iter().map(|run| run.read_by(part.stage));
        *bytes = read.fold(*bytes, u64::saturating_add);
        if part.stage == Pass::Write {
            self.state = State::Durable;
        }
        self.parts.push(part);
        Ok(())
    }
}

const NEVER_BEGUN: &str = "it is of an SSTable that never began";

fn time_of(millis: i64) -> SystemTime {
    u64::try_from(millis)
        .ok()
        .and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis)))
        .unwrap_or(UNIX_EPOCH)
}
