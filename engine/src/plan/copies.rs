//! SSTables in snapshots and backups: copies of others, or on their own.
//!
//! The database makes them by hard links, so that most share their files with a live SSTable or with
//! each other. Those whose files to be replaced are all the same are re-encrypted once: the rest of
//! their files stay where they lie, whatever they are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rayon::prelude::*;

use super::archive::{Archive, Archives};
use super::draft::{Found, Inspected, Looked, Subject};
use super::fate::Fate;
use super::inspect::Inspector;
use super::targets::{Aim, Targets};
use crate::io::{FileId, Mount, Storage};
use crate::sstable::{Component, Format, TableDir};
use crate::txn::LiveSSTable;
use crate::{Error, Result};

/// The SSTables in the archives of some tables.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    members: Vec<Member>,
    /// Archives that were asked for and cannot be worked on, by the name of the table.
    pub(super) unreadable: Vec<(String, Error)>,
    /// Files in them that look like the data of unknown SSTables.
    pub(super) strangers: Vec<PathBuf>,
}

#[derive(Debug, Clone)]
struct Member {
    table: TableDir,
    data_dir: PathBuf,
    sstable: Arc<LiveSSTable>,
    /// What its Data.db is, if it has one that can be looked at.
    data: Option<FileId>,
    is_taken: bool,
}

/// What was not asked for.
#[derive(Debug, Default)]
pub(super) struct OutOfScope {
    /// How many copies a live SSTable has there, by its place in the list.
    pub(super) copies: BTreeMap<usize, usize>,
    /// SSTables on their own, with their copies there.
    pub(super) alone: Vec<Inspected>,
}

impl Shelf {
    /// Looks into all archives; `taken` are those that were asked for.
    pub(super) fn of(storage: &dyn Storage, archives: &[Archive], taken: Archives) -> Self {
        let mut shelf = Self::default();
        for archive in archives {
            let is_taken = taken.take(archive.kind);
            match archive.view_to_replace(storage) {
                Ok(view) => {
                    for sstable in view.live {
                        let data = storage.identity(&sstable.path(&Component::Data));
                        shelf.members.push(Member {
                            table: archive.table_of(&sstable.directory),
                            data_dir: archive.table.data_dir.clone(),
                            sstable,
                            data: data.unwrap_or_default(),
                            is_taken,
                        });
                    }
                    shelf.strangers.extend(view.unknown.into_iter().filter(|_| is_taken));
                }
                Err(error) if is_taken => {
                    shelf.unreadable.push((archive.table.to_string(), error));
                }
                Err(_not_asked_for) => {}
            }
        }
        shelf
    }

    /// Gives the live SSTables their copies, and adds those that have no live one.
    pub(super) fn attach(
        self,
        (inspector, storage): (Inspector<'_>, &dyn Storage),
        targets: &Targets,
        found: Vec<Found>,
    ) -> (Vec<Inspected>, OutOfScope) {
        let mut left = OutOfScope::default();
        let mut places = BTreeMap::new();
        let mut boxes: BTreeMap<(FileGroup, bool), Vec<Member>> = BTreeMap::new();
        for (number, member) in self.members.into_iter().enumerate() {
            let place = place_of(&member.sstable, storage, &mut places);
            let key = FileGroup::of(&member.sstable, member.data, number, place);
            boxes.entry((key, member.is_taken)).or_default().push(member);
        }
        let mut take = |live: &Found| -> [Option<Same>; 2] {
            let (false, Ok(looked)) = (boxes.is_empty(), &live.looked) else { return [None, None] };
            let data = storage.identity(&looked.facts.data_path());
            let Ok(Some(data)) = data else { return [None, None] };
            let place = place_of(&live.sstable, storage, &mut places);
            let key = FileGroup::of(&live.sstable, Some(data), 0, place);
            [true, false].map(|is_taken| {
                let members = boxes.get_mut(&(key.clone(), is_taken))?;
                let shared = replaced(storage, &live.sstable, looked).ok()?;
                let copies = take_same(storage, members, &shared, looked);
                Some(Same { copies, shared })
            })
        };
        let mut sstables = Vec::with_capacity(found.len());
        for (number, live) in found.into_iter().enumerate() {
            let [taken, not_asked_for] = take(&live);
            if let Some(same) = not_asked_for {
                left.copies.insert(number, same.copies.len());
            }
            let Same { copies, shared } = taken.unwrap_or_default();
            let Found { table, data_dir, sstable, looked } = live;
            let subject = Subject { table, data_dir, sstable, is_live: true, copies, shared };
            sstables.push(Inspected { subject, looked });
        }
        let alone: Vec<(Inspected, bool)> = boxes
            .into_par_iter()
            .flat_map_iter(|((_, is_taken), members)| {
                let groups = group((inspector, storage), targets, members);
                groups.into_iter().map(move |inspected| (inspected, is_taken))
            })
            .collect();
        for (inspected, is_taken) in alone {
            if is_taken { &mut sstables } else { &mut left.alone }.push(inspected);
        }
        (sstables, left)
    }
}

/// Copies of an SSTable, and the files to be replaced that all of them share.
#[derive(Debug, Default)]
struct Same {
    copies: Vec<Arc<LiveSSTable>>,
    shared: Vec<(Component, FileId)>,
}

/// What SSTables must have in common to be looked at together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FileGroup {
    data: std::result::Result<FileId, usize>,
    version: String,
    is_bti: bool,
    /// On another mount the same file has names that cannot be made of this one's.
    place: Option<Mount>,
}

impl FileGroup {
    /// One whose Data.db cannot be looked at is like no other.
    fn of(
        sstable: &LiveSSTable,
        data: Option<FileId>,
        number: usize,
        place: Option<Mount>,
    ) -> Self {
        Self {
            data: data.ok_or(number),
            version: sstable.descriptor.version.clone(),
            is_bti: sstable.descriptor.format == Format::Bti,
            place,
        }
    }
}

/// The mount that an SSTable's directory lies on; each directory is looked at once.
fn place_of(
    sstable: &LiveSSTable,
    storage: &dyn Storage,
    known: &mut BTreeMap<PathBuf, Option<Mount>>,
) -> Option<Mount> {
    if let Some(place) = known.get(&sstable.directory) {
        return *place;
    }
    let place = storage.standing(&sstable.directory).ok().flatten().map(|standing| standing.place);
    known.insert(sstable.directory.clone(), place);
    place
}

/// The files of an SSTable that its successor replaces, or has no use for.
fn replaced(
    storage: &dyn Storage,
    sstable: &LiveSSTable,
    Looked { facts, aim }: &Looked,
) -> Result<Vec<(Component, FileId)>> {
    let mut files = Vec::new();
    // One that becomes nothing else has files to tell it by, too.
    let target = match aim {
        Aim::Target(target) => Some(target.as_ref()),
        Aim::InClear(_) | Aim::Unknown(_) => None,
    };
    for component in &sstable.components {
        let is_replaced = match target {
            Some(target) => facts.fate(component, target) != Fate::Kept,
            None => component.is_rewritten(),
        };
        if is_replaced && let Some(id) = storage.identity(&sstable.path(component))? {
            files.push((component.clone(), id));
        }
    }
    Ok(files)
}

/// Takes out those whose files to be replaced are the same.
fn take_same(
    storage: &dyn Storage,
    members: &mut Vec<Member>,
    shared: &[(Component, FileId)],
    looked: &Looked,
) -> Vec<Arc<LiveSSTable>> {
    let is_same = |member: &mut Member| {
        replaced(storage, &member.sstable, looked).is_ok_and(|files| files == shared)
    };
    members.extract_if(.., is_same).map(|member| member.sstable).collect()
}

/// SSTables without a live one, each with its copies.
fn group(
    (inspector, storage): (Inspector<'_>, &dyn Storage),
    targets: &Targets,
    mut members: Vec<Member>,
) -> Vec<Inspected> {
    let mut groups = Vec::new();
    while !members.is_empty() {
        let Member { table, data_dir, sstable, .. } = members.remove(0);
        let looked_at = inspector.inspect(Arc::clone(&sstable)).and_then(|facts| {
            let aim = targets.aim(&table, &facts);
            let looked = Looked { facts, aim };
            let shared = replaced(storage, &sstable, &looked)?;
            Ok((looked, shared))
        });
        let (looked, same) = match looked_at {
            Ok((looked, shared)) => {
                let mut copies = vec![Arc::clone(&sstable)];
                copies.extend(take_same(storage, &mut members, &shared, &looked));
                (Ok(looked), Same { copies, shared })
            }
            Err(error) => (Err(error), Same::default()),
        };
        let table = table.to_string();
        let Same { copies, shared } = same;
        let subject = Subject { table, data_dir, sstable, is_live: false, copies, shared };
        groups.push(Inspected { subject, looked });
    }
    groups
}
