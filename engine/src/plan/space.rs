//! Disk space: what each SSTable needs beside the old one, and whether it is there.

use std::path::{Path, PathBuf};

use super::finding::{Finding, Severity};
use super::inspect::Facts;
use super::planner::{Action, Plan};
use super::target::Target;
use crate::codec::record_length;
use crate::io::Storage;
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
        let peak: u64 = spaces.iter().take(open_tasks).sum();
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

/// Bytes of the new SSTable: every chunk at its new length, everything else as it is.
fn space_needed(facts: &Facts, target: &Target) -> u64 {
    let Some(header) = &facts.header else { return 0 };
    let full = usize::try_from(header.chunk_length.bytes()).unwrap_or_default();
    let prefix = target.key_header().encoded_length();
    let record = record_length(prefix, target.encryptor().transformation(), full);
    let data = header.chunk_count.saturating_mul(u64::try_from(record).unwrap_or(u64::MAX));
    facts.total_bytes.saturating_sub(facts.data_bytes).saturating_add(data)
}
