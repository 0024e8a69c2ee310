//! Disk space: what each SSTable needs beside the old one, and whether it is there.

use std::path::{Path, PathBuf};

use super::finding::{Finding, Severity};
use super::inspect::Facts;
use super::planner::{Action, Plan};
use super::target::Target;
use crate::codec::record_length;
use crate::compress::ChainFraming;
use crate::io::Storage;
use crate::options::ChunkLength;
use crate::pipeline::Limits;
use crate::sstable::Component;
use crate::{Error, ErrorKind, Result};

/// Fills in the space of every rewrite, refuses those that fit nowhere, and warns when those that
/// are staged at a time may not fit together.
pub(super) fn check(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    open_tasks: usize,
    plan: &mut Plan,
) -> Result<()> {
    for planned in &mut plan.sstables {
        if let (Action::Rewrite { .. }, Some(facts)) = (&planned.action, &planned.facts) {
            planned.space = space_needed(facts, &plan.target);
        }
    }
    for data_dir in data_dirs {
        let free = storage.free_space(data_dir)?;
        refuse_too_big(plan, data_dir, free);
        let mut spaces: Vec<u64> = plan
            .sstables
            .iter()
            .filter(|p| p.data_dir == *data_dir && matches!(p.action, Action::Rewrite { .. }))
            .map(|planned| planned.space)
            .collect();
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
                    "up to {peak} bytes are needed for the SSTables that are staged at a time, \
                     and {free} are free"
                ),
            )
            .at(data_dir)
            .cure("use fewer --threads, or free space; each swap frees what it took");
            plan.findings.push(Finding { severity: Severity::Warning, error, sstables: vec![] });
        }
    }
    Ok(())
}

fn refuse_too_big(plan: &mut Plan, data_dir: &Path, free: u64) {
    for planned in plan.sstables.iter_mut().filter(|planned| planned.data_dir == data_dir) {
        if matches!(planned.action, Action::Rewrite { .. }) && planned.space > free {
            let error = Error::new(
                ErrorKind::NoSpace,
                format!("it needs {} bytes beside the old one, and {free} are free", planned.space),
            )
            .at(planned.sstable.path(&Component::Data))
            .cure("free space on that file system, then run again");
            planned.action = Action::Refuse(error);
        }
    }
}

/// Bytes of the new SSTable: every chunk at its new length, or at its longest behind a compressor;
/// everything else as it is.
fn space_needed(facts: &Facts, target: &Target) -> u64 {
    let old = facts.header.as_ref().map(|header| header.chunk_length);
    let length = target.chunk_length().or(old).map_or(16 << 10, ChunkLength::bytes);
    let full = usize::try_from(length).unwrap_or_default();
    let payload = match target.codec() {
        Some(codec) if facts.shape.codec() != Some(codec) => codec.max_compressed_length(full),
        _ => full,
    };
    let record = match target.encryptor() {
        None => payload,
        Some(options) => {
            let prefix = target.key_header().encoded_length().saturating_add(CHAIN);
            record_length(prefix, options.transformation(), payload)
        }
    };
    let chunks = facts.plain_bytes().div_ceil(u64::from(length)).max(1);
    let data = chunks.saturating_mul(u64::try_from(record).unwrap_or(u64::MAX));
    facts.total_bytes.saturating_sub(facts.data_bytes).saturating_add(data)
}

/// Both lengths of a chain.
const CHAIN: usize = 2 * ChainFraming::PREFIX_LENGTH;
