//! The content of a frame.
//!
//! ```text
//! record   [kind u8] fields
//! text     [length u32][UTF-8]        path, bytes: [length u32][bytes]
//! place    [number of the data directory u32][path below it]      absolute path in formats 1 and 2
//! time     [i128 nanoseconds since 1970]
//! ```
//!
//! A kind determines its fields. Records that formats 1 and 2 wrote differently have other kinds
//! today. When a journal of these formats is resumed, it gets their kinds and keeps the format in
//! its head.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::fields::{
    Decoded, bytes, component, descriptor, list, path, put_bytes, put_count, put_path, text,
    u32_of, u64_of, words,
};
use super::site::{Location, RunId, Site, absolute, place};
use crate::io::FileStat;
use crate::sstable::{Component, Descriptor};
use crate::wire::{Put as _, Reader};

/// One record. SSTables have numbers, given out by [`Record::Begun`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record {
    /// A run begins, of these data directories, with a plan that is described in this many named
    /// texts. Formats 1 and 2 have the directories among these.
    Started(Attempt, Option<Site>, Vec<(String, String)>),
    /// A later process resumes the run.
    Resumed(Attempt),
    /// Work on an SSTable begins.
    Begun {
        /// Its number.
        sstable: u32,
        /// Its table's directory.
        directory: Location,
        /// Its name.
        old: Descriptor,
        /// Length of its Data.db.
        bytes: u64,
    },
    /// What is staged of it can be resumed.
    Staged(u32, Staged),
    /// Some of its ranges are done, and durable.
    Done(u32, Part),
    /// All its components are staged and durable, with these lengths.
    Sealed {
        /// Its number.
        sstable: u32,
        /// Components and their lengths.
        files: Vec<(Component, u64)>,
    },
    /// It was read back, and will be published under this name.
    Verified {
        /// Its number.
        sstable: u32,
        /// The new name.
        new: Descriptor,
    },
    /// This many copies of it in snapshots and backups are replaced.
    Linked {
        /// Its number.
        sstable: u32,
        /// How many.
        copies: u32,
    },
    /// It was swapped in, or all its copies are replaced where no node would load any of them.
    Swapped {
        /// Its number.
        sstable: u32,
        /// The new name.
        new: Descriptor,
    },
    /// It failed; what was staged of it was removed.
    Failed {
        /// Its number.
        sstable: u32,
        /// Why.
        why: String,
    },
    /// What was staged of it cannot be resumed, and was removed.
    Dropped {
        /// Its number.
        sstable: u32,
        /// Why.
        why: String,
    },
    /// The bytes that this process has rewritten and read back, durable or not: for `status`.
    Progress {
        /// Of the old Data.db files.
        rewritten: u64,
        /// Of the new ones.
        read_back: u64,
    },
    /// The process has ended before all work was done.
    Ended(Ending),
}

/// Why a process has ended before all work was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It was asked to: by a signal, or by its control file.
    Asked,
    /// Its deadline had passed.
    Deadline,
    /// It has processed as many SSTables as it was asked to.
    Limit,
    /// SSTables have failed.
    Failures,
}

impl Ending {
    const ALL: [Self; 4] = [Self::Asked, Self::Deadline, Self::Limit, Self::Failures];

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Deadline => "deadline",
            Self::Limit => "stop_after",
            Self::Failures => "failures",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Asked => 0,
            Self::Deadline => 1,
            Self::Limit => 2,
            Self::Failures => 3,
        }
    }
}

/// A process that works on the run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct Attempt {
    /// The program and its version.
    pub tool: String,
    /// SSTables that it has to do.
    pub sstables: u64,
    /// Bytes of their Data.db.
    pub bytes: u64,
}

/// How an SSTable is staged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct Staged {
    /// All files of the old SSTable at that time.
    pub source: Vec<SourceFile>,
    /// The staging directory.
    pub directory: Location,
    /// Bytes of plaintext of a range.
    pub step: u64,
    /// How many ranges there are.
    pub ranges: u64,
    /// The seed of the digest, sealed.
    pub seed: Vec<u8>,
}

/// A file of the old SSTable.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct SourceFile {
    /// Which.
    pub component: Component,
    /// Its length and time.
    pub stat: FileStat,
}

/// The two passes over an SSTable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Pass {
    /// The new Data.db is written.
    Write,
    /// It is read back.
    ReadBack,
}

/// Ranges that were done since the last such record.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct Part {
    /// In which pass.
    pub stage: Pass,
    /// Which.
    pub runs: Vec<Run>,
    /// Their checksums and the digest of their plaintext, sealed.
    pub sealed: Vec<u8>,
}

/// Consecutive ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "a record that callers make")]
pub struct Run {
    /// The first.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Their bytes in the old Data.db; 0 when they were read back.
    pub old_bytes: u64,
    /// Their bytes in the new one.
    pub new_bytes: u64,
}

impl Run {
    /// The bytes that a pass counts: those that it has read.
    #[must_use]
    pub const fn read_by(&self, stage: Pass) -> u64 {
        match stage {
            Pass::Write => self.old_bytes,
            Pass::ReadBack => self.new_bytes,
        }
    }
}

impl Record {
    /// The record as bytes.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "a table of all kinds, one after the other")]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Self::Started(session, site, plan) => {
                out.push(if site.is_some() { STARTED_AT } else { STARTED });
                put_session(&mut out, session);
                if let Some(Site { run, data_dirs }) = site {
                    out.extend_from_slice(&run.0);
                    put_count(&mut out, data_dirs.len());
                    data_dirs.iter().for_each(|path| put_path(&mut out, path));
                }
                put_count(&mut out, plan.len());
                for (name, text) in plan {
                    put_bytes(&mut out, name.as_bytes());
                    put_bytes(&mut out, text.as_bytes());
                }
            }
            Self::Resumed(session) => {
                out.push(RESUMED);
                put_session(&mut out, session);
            }
            Self::Begun { sstable, directory, old, bytes } => {
                let kind = match directory {
                    Location::Below(..) => BEGUN_AT,
                    Location::Absolute(_) => BEGUN,
                };
                put_place(&mut out, kind, *sstable, directory);
                put_bytes(&mut out, old.to_string().as_bytes());
                out.put_u64(*bytes);
            }
            Self::Staged(sstable, staged) => {
                match &staged.directory {
                    Location::Absolute(_) => put_head(&mut out, STAGED, *sstable),
                    place @ Location::Below(..) => put_place(&mut out, STAGED_AT, *sstable, place),
                }
                put_count(&mut out, staged.source.len());
                for file in &staged.source {
                    put_bytes(&mut out, file.component.name().as_bytes());
                    out.put_u64(file.stat.length);
                    out.extend_from_slice(&nanoseconds(file.stat.modified).to_be_bytes());
                }
                if let Location::Absolute(path) = &staged.directory {
                    put_path(&mut out, path);
                }
                out.put_u64(staged.step);
                out.put_u64(staged.ranges);
                put_bytes(&mut out, &staged.seed);
            }
            Self::Done(sstable, part) => {
                put_head(&mut out, DONE, *sstable);
                out.push(match part.stage {
                    Pass::Write => 0,
                    Pass::ReadBack => 1,
                });
                put_count(&mut out, part.runs.len());
                for run in &part.runs {
                    for number in [run.first, run.count, run.old_bytes, run.new_bytes] {
                        out.put_u64(number);
                    }
                }
                put_bytes(&mut out, &part.sealed);
            }
            Self::Sealed { sstable, files } => {
                put_head(&mut out, SEALED, *sstable);
                put_count(&mut out, files.len());
                for (component, length) in files {
                    put_bytes(&mut out, component.name().as_bytes());
                    out.put_u64(*length);
                }
            }
            Self::Verified { sstable, new } => {
                put_head(&mut out, VERIFIED, *sstable);
                put_bytes(&mut out, new.to_string().as_bytes());
            }
            Self::Linked { sstable, copies } => {
                put_head(&mut out, LINKED, *sstable);
                out.put_u32(*copies);
            }
            Self::Swapped { sstable, new } => {
                put_head(&mut out, SWAPPED, *sstable);
                put_bytes(&mut out, new.to_string().as_bytes());
            }
            Self::Failed { sstable, why } => {
                put_head(&mut out, FAILED, *sstable);
                put_bytes(&mut out, why.as_bytes());
            }
            Self::Dropped { sstable, why } => {
                put_head(&mut out, DROPPED, *sstable);
                put_bytes(&mut out, why.as_bytes());
            }
            Self::Progress { rewritten, read_back } => {
                out.push(PROGRESS);
                out.put_u64(*rewritten);
                out.put_u64(*read_back);
            }
            Self::Ended(ending) => out.extend_from_slice(&[ENDED, ending.number()]),
        }
        out
    }

    /// Parses bytes, which must be used up completely.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        let mut reader = Reader::new(bytes);
        let kind = reader.u8("kind").map_err(words)?;
        let record = match kind {
            STARTED | STARTED_AT => {
                let session = session(&mut reader)?;
                let site = (kind == STARTED_AT).then(|| site(&mut reader)).transpose()?;
                let plan = list(&mut reader, |reader| Ok((text(reader)?, text(reader)?)))?;
                Self::Started(session, site, plan)
            }
            RESUMED => Self::Resumed(session(&mut reader)?),
            BEGUN | BEGUN_AT => Self::Begun {
                sstable: u32_of(&mut reader)?,
                directory: place(&mut reader, kind == BEGUN_AT)?,
                old: descriptor(&mut reader)?,
                bytes: u64_of(&mut reader)?,
            },
            STAGED => Self::Staged(u32_of(&mut reader)?, staged(&mut reader, None)?),
            STAGED_AT => {
                let sstable = u32_of(&mut reader)?;
                let directory = place(&mut reader, true)?;
                Self::Staged(sstable, staged(&mut reader, Some(directory))?)
            }
            DONE => Self::Done(u32_of(&mut reader)?, part(&mut reader)?),
            SEALED => Self::Sealed {
                sstable: u32_of(&mut reader)?,
                files: list(&mut reader, |reader| Ok((component(reader)?, u64_of(reader)?)))?,
            },
            VERIFIED => {
                Self::Verified { sstable: u32_of(&mut reader)?, new: descriptor(&mut reader)? }
            }
            LINKED => Self::Linked { sstable: u32_of(&mut reader)?, copies: u32_of(&mut reader)? },
            SWAPPED => {
                Self::Swapped { sstable: u32_of(&mut reader)?, new: descriptor(&mut reader)? }
            }
            FAILED => Self::Failed { sstable: u32_of(&mut reader)?, why: text(&mut reader)? },
            DROPPED => Self::Dropped { sstable: u32_of(&mut reader)?, why: text(&mut reader)? },
            PROGRESS => {
                Self::Progress { rewritten: u64_of(&mut reader)?, read_back: u64_of(&mut reader)? }
            }
            ENDED => {
                let number = reader.u8("ending").map_err(words)?;
                let ending = Ending::ALL.into_iter().find(|ending| ending.number() == number);
                Self::Ended(ending.ok_or("its ending is unknown")?)
            }
            _ => return Err("its kind is unknown"),
        };
        reader.finish().map_err(words)?;
        Ok(record)
    }
}

fn put_head(out: &mut Vec<u8>, kind: u8, sstable: u32) {
    out.push(kind);
    out.put_u32(sstable);
}

fn put_place(out: &mut Vec<u8>, kind: u8, sstable: u32, place: &Location) {
    put_head(out, kind, sstable);
    if let Location::Below(number, _) = place {
        out.put_u32(*number);
    }
    let (Location::Below(_, path) | Location::Absolute(path)) = place;
    put_path(out, path);
}

fn site(reader: &mut Reader<'_>) -> Decoded<Site> {
    let run = RunId(reader.take_array("run").map_err(words)?);
    Ok(Site { run, data_dirs: list(reader, path)? })
}

fn put_session(out: &mut Vec<u8>, session: &Attempt) {
    put_bytes(out, session.tool.as_bytes());
    out.put_u64(session.sstables);
    out.put_u64(session.bytes);
}

fn nanoseconds(time: SystemTime) -> i128 {
    let as_int = |duration: Duration| i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => as_int(after),
        Err(before) => as_int(before.duration()).saturating_neg(),
    }
}

fn time(reader: &mut Reader<'_>) -> Decoded<SystemTime> {
    let nanos = reader.take_array("time").map(i128::from_be_bytes).map_err(words)?;
    let (seconds, rest) =
        (nanos.unsigned_abs() / 1_000_000_000, nanos.unsigned_abs() % 1_000_000_000);
    let distance = Duration::new(
        u64::try_from(seconds).map_err(|_absurd| NO_TIME)?,
        u32::try_from(rest).map_err(|_absurd| NO_TIME)?,
    );
    let time = match nanos < 0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    };
    time.ok_or(NO_TIME)
}

fn session(reader: &mut Reader<'_>) -> Decoded<Attempt> {
    Ok(Attempt { tool: text(reader)?, sstables: u64_of(reader)?, bytes: u64_of(reader)? })
}

/// Formats 1 and 2 have the directory after the files.
fn staged(reader: &mut Reader<'_>, directory: Option<Location>) -> Decoded<Staged> {
    let source = list(reader, |reader| {
        let component = component(reader)?;
        let length = u64_of(reader)?;
        Ok(SourceFile { component, stat: FileStat { length, modified: time(reader)? } })
    })?;
    Ok(Staged {
        source,
        directory: directory.map_or_else(|| absolute(reader), Ok)?,
        step: u64_of(reader)?,
        ranges: u64_of(reader)?,
        seed: bytes(reader)?.to_vec(),
    })
}

fn part(reader: &mut Reader<'_>) -> Decoded<Part> {
    let stage = match reader.u8("stage").map_err(words)? {
        0 => Pass::Write,
        1 => Pass::ReadBack,
        _ => return Err("its stage is unknown"),
    };
    let runs = list(reader, |reader| {
        Ok(Run {
            first: u64_of(reader)?,
            count: u64_of(reader)?,
            old_bytes: u64_of(reader)?,
            new_bytes: u64_of(reader)?,
        })
    })?;
    Ok(Part { stage, runs, sealed: bytes(reader)?.to_vec() })
}

const STARTED: u8 = 1;
const RESUMED: u8 = 2;
const BEGUN: u8 = 3;
const STAGED: u8 = 4;
const DONE: u8 = 5;
const SEALED: u8 = 6;
const VERIFIED: u8 = 7;
const SWAPPED: u8 = 8;
const FAILED: u8 = 9;
const LINKED: u8 = 10;
const STARTED_AT: u8 = 11;
const BEGUN_AT: u8 = 12;
const STAGED_AT: u8 = 13;
const DROPPED: u8 = 14;
const PROGRESS: u8 = 15;
const ENDED: u8 = 16;

const NO_TIME: &str = "a time in it is absurd";
