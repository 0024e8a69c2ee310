//! Whether there is room for all of a plan: each file system is followed through the run.
//!
//! An SSTable that is done gives back what the old one took, but not those of its files that have other
//! names: a snapshot keeps them, and the file system grows by the new ones for good.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::draft::{Decided, Placed, Subject, Work};
use super::fate::Fate;
use super::finding::{Finding, Severity};
use super::space::Space;
use crate::io::Storage;
use crate::pipeline::Limits;
use crate::sstable::Component;
use crate::{Error, ErrorKind, Result};

/// What a run takes of a file system, and what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Room {
    /// A data directory that lies on it.
    pub data_dir: PathBuf,
    /// Bytes that may be taken at a time, at the most.
    pub at_a_time: u64,
    /// Bytes that stay taken in the end, about: new files beside old ones that other names keep.
    pub for_good: u64,
    /// Bytes of old files that live on under other names, in snapshots and backups that are left.
    pub kept_by_links: u64,
    /// Bytes that are free.
    pub free: u64,
    /// Of these, bytes that are left to others: no SSTable is begun that would take them.
    pub reserve: u64,
}

impl Room {
    /// Bytes that a run may take.
    #[must_use]
    pub const fn usable(&self) -> u64 {
        self.free.saturating_sub(self.reserve)
    }
}

/// What becomes of the room when an SSTable is done.
#[derive(Debug, Clone, Copy)]
struct Change {
    /// What it still takes until then.
    needed: u64,
    /// What its old files give back.
    freed: u64,
    /// What they keep under other names.
    kept: u64,
}

/// The outcome for all file systems.
#[derive(Debug)]
pub(super) struct Placement {
    pub(super) sstables: Vec<Placed>,
    pub(super) rooms: Vec<Room>,
    pub(super) findings: Vec<Finding>,
}

/// Finds out what every rewrite takes, refuses those that there is no room for, and warns when those
/// that could be staged at a time do not fit together. The run itself asks again, and begins none that
/// does not fit then.
pub(super) fn place(
    storage: &dyn Storage,
    open_tasks: usize,
    sstables: Vec<Decided>,
) -> Result<Placement> {
    let mut file_systems = BTreeMap::new();
    let mut measure = |subject: &Subject, work: &Work, ()| {
        let number = storage.file_system(&subject.data_dir)?;
        file_systems.entry(number).or_insert_with(|| subject.data_dir.clone());
        Ok(Space::of(&work.facts, &work.target, number))
    };
    let sstables = sstables
        .into_iter()
        .map(|decided| decided.try_map(&mut measure))
        .collect::<Result<Vec<Placed>>>()?;
    let (mut rooms, mut findings) = (vec![], vec![]);
    let mut refused = BTreeMap::new();
    for (number, data_dir) in file_systems {
        let (free, reserve) = (storage.free_space(&data_dir)?, storage.reserve(&data_dir)?);
        let staged = staged_on(&sstables, number);
        let usable = free.saturating_sub(reserve);
        let followed = follow(storage, &staged, usable);
        let stay = staged.iter().filter(|(at, ..)| !followed.refused.contains_key(at));
        let room = Room {
            data_dir,
            at_a_time: at_a_time(stay.map(|(_, _, _, space)| space.most), open_tasks),
            for_good: followed.for_good,
            kept_by_links: followed.kept_by_links,
            free,
            reserve,
        };
        if room.at_a_time > room.usable() {
            let error = waiting(&room);
            findings.push(Finding { severity: Severity::Warning, error, sstables: vec![] });
        }
        rooms.push(room);
        refused.extend(followed.refused);
    }
    let sstables = sstables.into_iter().enumerate();
    let sstables = sstables.map(|(at, placed)| match refused.remove(&at) {
        Some(error) => placed.refuse(error),
        None => placed,
    });
    Ok(Placement { sstables: sstables.collect(), rooms, findings })
}

/// A rewrite, and its place in the list.
type Staged<'a> = (usize, &'a Subject, &'a Work, Space);

/// The rewrites that take room of a file system.
fn staged_on(sstables: &[Placed], file_system: u64) -> Vec<Staged<'_>> {
    let rewrites = sstables.iter().enumerate().filter_map(|(at, placed)| {
        placed.rewrite().map(|(work, space)| (at, &placed.subject, work, *space))
    });
    rewrites.filter(|(.., space)| space.file_system == file_system).collect()
}

/// What comes of a run on one file system.
#[derive(Debug)]
struct Followed {
    for_good: u64,
    kept_by_links: u64,
    /// What never fits, by its place in the list.
    refused: BTreeMap<usize, Error>,
}

/// Goes through the rewrites in the order of the run, by what each needs and gives back.
fn follow(storage: &dyn Storage, staged: &[Staged<'_>], usable: u64) -> Followed {
    let mut waiting: Vec<(&Staged<'_>, Change)> =
        staged.iter().map(|rewrite| (rewrite, change(storage, rewrite))).collect();
    waiting.sort_by_key(|((_, _, work, _), _)| std::cmp::Reverse(work.facts.data_bytes));
    let (mut free, mut kept_by_links) = (usable, 0_u64);
    loop {
        let before = waiting.len();
        waiting.retain(|(_, change)| {
            if change.needed > free {
                return true;
            }
            free = free.saturating_sub(change.needed).saturating_add(change.freed);
            kept_by_links = kept_by_links.saturating_add(change.kept);
            false
        });
        if waiting.is_empty() || waiting.len() == before {
            break;
        }
    }
    let never = |((at, subject, ..), change): (&Staged<'_>, Change)| {
        let data = subject.sstable.path(&Component::Data);
        let error = match kept_by_links {
            0 if change.kept == 0 => Space::too_little(change.needed, usable, &data),
            _ => without_room(change.needed, free).at(data),
        };
        (*at, error)
    };
    let for_good = usable.saturating_sub(free);
    Followed { for_good, kept_by_links, refused: waiting.into_iter().map(never).collect() }
}

/// What an SSTable needs and gives back, as far as it can be told: what an earlier run has staged of it
/// is there, and what is linked costs nothing.
fn change(storage: &dyn Storage, (_, subject, work, space): &Staged<'_>) -> Change {
    let Work { facts, target } = work;
    let needed = space.least.saturating_sub(subject.staged(storage));
    // A staging directory and a log come and go.
    let mut change = Change { needed, freed: Space::PASSING, kept: 0 };
    let own = subject.copies.len().saturating_add(usize::from(subject.is_live));
    for (component, stat) in &facts.files {
        if facts.fate(component, target) == Fate::Kept {
            continue;
        }
        let standing = storage.standing(&subject.sstable.path(component)).ok().flatten();
        let names = standing.map_or(1, |standing| standing.names);
        let bytes = stat.length.saturating_add(Space::BLOCK);
        let is_freed = usize::try_from(names).is_ok_and(|names| names <= own);
        let sum = if is_freed { &mut change.freed } else { &mut change.kept };
        *sum = sum.saturating_add(bytes);
    }
    change
}

/// Bytes that may be taken at a time by rewrites that take so many each.
fn at_a_time(spaces: impl Iterator<Item = u64>, open_tasks: usize) -> u64 {
    let mut spaces: Vec<u64> = spaces.collect();
    spaces.sort_unstable_by(|a, b| b.cmp(a));
    let (large, small) = spaces.split_at(open_tasks.min(spaces.len()));
    let sum = |from, spaces: &[u64]| spaces.iter().copied().fold(from, u64::saturating_add);
    sum(sum(0, small).min(Limits::SMALL_BYTES), large)
}

fn waiting(room: &Room) -> Error {
    Error::new(
        ErrorKind::NoSpace,
        format!(
            "up to {} bytes are needed for the SSTables that could be staged at a time, and {} are \
             free, of which {} are left to others: fewer are, and one that does not fit waits until \
             another is swapped",
            room.at_a_time, room.free, room.reserve
        ),
    )
    .at(&room.data_dir)
    .hint("nothing has to be done; more free space makes it faster")
}

fn without_room(needed: u64, free: u64) -> Error {
    Error::new(
        ErrorKind::NoSpace,
        format!(
            "it needs {needed} bytes, and {free} are free when the others are done: old files live on \
             in snapshots and backups, and give nothing back"
        ),
    )
    .hint(
        "clear snapshots that are not needed, have them re-encrypted, too (--snapshots, --backups), or \
         free space on that file system, then run the same command again",
    )
}
