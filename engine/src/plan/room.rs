//! Whether there is room for all of a plan: each file system is followed through the run.
//!
//! An SSTable that is done gives back what the old one took, but not those of its files that have other
//! names: a snapshot keeps them, and the file system grows by the new ones for good.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::fate::Fate;
use super::finding::{Finding, Severity};
use super::inspect::Facts;
use super::planned::{Action, Plan, PlannedSSTable};
use super::space::Space;
use super::target::Target;
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

/// Fills in the space of every rewrite, refuses those that there is no room for, and warns when those
/// that could be staged at a time do not fit together. The run itself asks again, and begins none that
/// does not fit then.
pub(super) fn check(storage: &dyn Storage, open_tasks: usize, plan: &mut Plan) -> Result<()> {
    let mut file_systems = BTreeMap::new();
    for planned in &mut plan.sstables {
        if let (Action::Rewrite { .. }, Some(facts)) = (&planned.action, &planned.facts) {
            let number = storage.file_system(&planned.data_dir)?;
            planned.space = Space::of(facts, &plan.target, number);
            file_systems.entry(number).or_insert_with(|| planned.data_dir.clone());
        }
    }
    for (number, data_dir) in file_systems {
        let (free, reserve) = (storage.free_space(&data_dir)?, storage.reserve(&data_dir)?);
        let mut room =
            Room { data_dir, at_a_time: 0, for_good: 0, kept_by_links: 0, free, reserve };
        follow(storage, plan, number, &mut room);
        room.at_a_time = at_a_time(plan, number, open_tasks);
        if room.at_a_time > room.usable() {
            let error = waiting(&room);
            plan.findings.push(Finding { severity: Severity::Warning, error, sstables: vec![] });
        }
        plan.rooms.push(room);
    }
    Ok(())
}

/// Goes through the rewrites in the order of the run, by what each needs and gives back, and refuses
/// those that never fit.
fn follow(storage: &dyn Storage, plan: &mut Plan, number: u64, room: &mut Room) {
    let target = &plan.target;
    let mut waiting: Vec<(usize, Change)> = Vec::new();
    for (at, planned) in plan.sstables.iter().enumerate() {
        if let (true, Some(facts)) = (is_staged_on(planned, number), &planned.facts) {
            waiting.push((at, change(storage, planned, facts, target)));
        }
    }
    let bytes = |at: usize| {
        let facts = plan.sstables.get(at).and_then(|planned| planned.facts.as_ref());
        facts.map_or(0, |facts| facts.data_bytes)
    };
    waiting.sort_by_key(|(at, _)| std::cmp::Reverse(bytes(*at)));
    let usable = room.usable();
    let mut free = usable;
    loop {
        let before = waiting.len();
        waiting.retain(|(_, change)| {
            if change.needed > free {
                return true;
            }
            free = free.saturating_sub(change.needed).saturating_add(change.freed);
            room.kept_by_links = room.kept_by_links.saturating_add(change.kept);
            false
        });
        if waiting.is_empty() || waiting.len() == before {
            break;
        }
    }
    room.for_good = usable.saturating_sub(free);
    for (at, change) in waiting {
        if let Some(planned) = plan.sstables.get_mut(at) {
            let data = planned.sstable.path(&Component::Data);
            let error = match room.kept_by_links {
                0 if change.kept == 0 => Space::too_little(change.needed, usable, &data),
                _ => kept_by_links(change.needed, free).at(data),
            };
            planned.action = Action::Refuse(error);
        }
    }
}

/// What an SSTable needs and gives back, as far as it can be told: what an earlier run has staged of it
/// is there, and what is linked costs nothing.
fn change(
    storage: &dyn Storage,
    planned: &PlannedSSTable,
    facts: &Facts,
    target: &Target,
) -> Change {
    let needed = planned.space.least.saturating_sub(planned.staged(storage));
    // A staging directory and a log come and go.
    let mut change = Change { needed, freed: Space::PASSING, kept: 0 };
    let own = planned.copies.len().saturating_add(usize::from(planned.is_live));
    for (component, stat) in &facts.files {
        if facts.fate(component, target) == Fate::Kept {
            continue;
        }
        let standing = storage.standing(&planned.sstable.path(component)).ok().flatten();
        let names = standing.map_or(1, |standing| standing.names);
        let bytes = stat.length.saturating_add(Space::BLOCK);
        let is_freed = usize::try_from(names).is_ok_and(|names| names <= own);
        let sum = if is_freed { &mut change.freed } else { &mut change.kept };
        *sum = sum.saturating_add(bytes);
    }
    change
}

fn is_staged_on(planned: &PlannedSSTable, file_system: u64) -> bool {
    matches!(planned.action, Action::Rewrite { .. }) && planned.space.file_system == file_system
}

fn at_a_time(plan: &Plan, number: u64, open_tasks: usize) -> u64 {
    let rewrites = plan.sstables.iter().filter(|planned| is_staged_on(planned, number));
    let mut spaces: Vec<u64> = rewrites.map(|planned| planned.space.most).collect();
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

fn kept_by_links(needed: u64, free: u64) -> Error {
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
