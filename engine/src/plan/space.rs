//! Disk space: what each SSTable needs beside the old one, and whether it is there.

use std::collections::BTreeMap;
use std::path::Path;

use super::finding::{Finding, Severity};
use super::inspect::Facts;
use super::planned::{Action, Plan, PlannedSSTable};
use super::target::Target;
use crate::codec::record_length;
use crate::compress::ChainFraming;
use crate::io::Storage;
use crate::pipeline::Limits;
use crate::sstable::{CHUNK_CRC_LENGTH, Component, MAX_COMPRESSED_LENGTH_NONE, MOST_EMPTY_CHUNKS};
use crate::{Error, ErrorKind, Result};

/// What an SSTable takes of its file system until the old one is deleted, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Space {
    /// The number of the file system.
    pub file_system: u64,
    /// At the most: every chunk at its longest, and no component linked.
    pub most: u64,
    /// As far as it can be told: chunks behind a compressor as long as they are now, and links cost
    /// nothing.
    pub least: u64,
}

impl Space {
    /// What a file takes beside its content, at the most: the rest of its last block. Directories
    /// that grow and transaction logs take one, too.
    pub const BLOCK: u64 = 4096;

    /// Of what an SSTable says of itself.
    fn of(facts: &Facts, target: &Target, file_system: u64) -> Self {
        let plain = facts.plain_bytes();
        let length = u64::from(target.chunk_length_of(facts).bytes());
        let chunks = plain.div_ceil(length).saturating_add(MOST_EMPTY_CHUNKS);
        let around = record_overhead(target);
        let as_now = facts.data_bytes.saturating_add(chunks.saturating_mul(around));
        let stays = target.codec() == facts.shape.codec()
            && facts.header.as_ref().is_some_and(|header| {
                u64::from(header.chunk_length.bytes()) == length
                    && header.max_compressed_length == MAX_COMPRESSED_LENGTH_NONE
            });
        let (most, least) = match target.codec() {
            None => {
                let exactly = plain.saturating_add(chunks.saturating_mul(around));
                (exactly, exactly)
            }
            // What the compressor made is carried over.
            Some(_) if stays => (as_now, as_now),
            Some(codec) => {
                let full = usize::try_from(length).unwrap_or(usize::MAX);
                let chunk = u64::try_from(codec.max_compressed_length(full)).unwrap_or(u64::MAX);
                let most = chunks.saturating_mul(chunk.saturating_add(around));
                // Nobody knows what another compressor makes of it. But what one has made small, the
                // next one will.
                (most, if facts.shape.codec().is_some() { as_now.min(most) } else { most })
            }
        };
        // An offset or a checksum for each chunk, and a block each for what goes with it: the file
        // that it is in, Digest and TOC, two directories that grow, the staging directory, the log.
        let beside = chunks.saturating_mul(8).saturating_add(8_u64.saturating_mul(Self::BLOCK));
        let bytes_of = |is_taken: &dyn Fn(&Component) -> bool| {
            let taken = facts.files.iter().filter(|(component, _)| is_taken(component));
            taken.fold(0, |sum: u64, (_, stat)| {
                sum.saturating_add(stat.length).saturating_add(Self::BLOCK)
            })
        };
        let rest = bytes_of(&|component| *component != Component::Data);
        let anew = bytes_of(&|component| {
            *component == Component::Statistics || facts.encrypted_components.contains(component)
        });
        Self {
            file_system,
            most: most.saturating_add(beside).saturating_add(rest),
            least: least.saturating_add(beside).saturating_add(anew),
        }
    }

    /// The error of an SSTable that cannot be begun.
    #[must_use]
    pub fn too_little(needed: u64, free: u64, data: &Path) -> Error {
        Error::new(
            ErrorKind::NoSpace,
            format!("it needs {needed} bytes beside the old one, and {free} are free"),
        )
        .at(data)
        .cure("free space on that file system, then run the same command again")
    }
}

/// Bytes around a payload in its record, at the most.
fn record_overhead(target: &Target) -> u64 {
    let bytes = match target.encryptor() {
        None if target.is_compressed() => CHUNK_CRC_LENGTH,
        None => 0,
        Some(options) => {
            let prefix = target.key_header().encoded_length().saturating_add(CHAIN);
            // The padding of nothing is the longest.
            record_length(prefix, options.transformation(), 0)
        }
    };
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

/// Both lengths of a chain.
const CHAIN: usize = 2 * ChainFraming::PREFIX_LENGTH;

/// Fills in the space of every rewrite, refuses those that fit nowhere, and warns when those that
/// could be staged at a time do not fit together. The run itself asks again, and begins none that
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
        let free = storage.free_space(&data_dir)?;
        refuse_too_big(storage, plan, number, free);
        let rewrites = plan.sstables.iter().filter(|planned| is_staged_on(planned, number));
        let mut spaces: Vec<u64> = rewrites.map(|planned| planned.space.most).collect();
        spaces.sort_unstable_by(|a, b| b.cmp(a));
        let (large, small) = spaces.split_at(open_tasks.min(spaces.len()));
        let small = small.iter().fold(0, |sum, space| u64::saturating_add(sum, *space));
        let peak = large
            .iter()
            .fold(small.min(Limits::SMALL_BYTES), |sum, space| u64::saturating_add(sum, *space));
        if peak > free {
            let error = Error::new(
                ErrorKind::NoSpace,
                format!(
                    "up to {peak} bytes are needed for the SSTables that could be staged at a time, \
                     and {free} are free: fewer are, and one that does not fit waits until another \
                     is swapped"
                ),
            )
            .at(data_dir)
            .cure("nothing has to be done; more free space makes it faster");
            plan.findings.push(Finding { severity: Severity::Warning, error, sstables: vec![] });
        }
    }
    Ok(())
}

fn is_staged_on(planned: &PlannedSSTable, file_system: u64) -> bool {
    matches!(planned.action, Action::Rewrite { .. }) && planned.space.file_system == file_system
}

/// Refuses what does not fit even when all others are done: each gives back its old files, and what
/// an earlier run has staged of it is there.
fn refuse_too_big(storage: &dyn Storage, plan: &mut Plan, number: u64, free: u64) {
    let rewrites = || plan.sstables.iter().filter(|planned| is_staged_on(planned, number));
    if rewrites().all(|planned| planned.space.least <= free) {
        return;
    }
    let gain = |planned: &PlannedSSTable| {
        let bytes = planned.facts.as_ref().map_or(0, |facts| facts.total_bytes);
        bytes.saturating_add(planned.staged(storage)).saturating_sub(planned.space.least)
    };
    let gains = rewrites().map(gain).fold(0, u64::saturating_add);
    for planned in plan.sstables.iter_mut().filter(|planned| is_staged_on(planned, number)) {
        let room = free.saturating_add(gains.saturating_sub(gain(planned)));
        let needed = planned.space.least.saturating_sub(planned.staged(storage));
        if needed > room {
            let data = planned.sstable.path(&Component::Data);
            planned.action = Action::Refuse(Space::too_little(needed, free, &data));
        }
    }
}
