//! What a rewrite takes of its file system.

use super::Rewrite;
use crate::pipeline::{Need, Share};
use crate::plan::Space;
use crate::{Error, Result};

impl Share for Rewrite<'_> {
    fn of(&self) -> u64 {
        self.planned.space.file_system
    }

    /// What the plan says, less what is staged by now: reserved or written, also by an earlier run.
    fn need(&self) -> Need {
        if self.readback.get().is_ok() {
            // All is staged. The swap writes a log, in a directory that may grow for it.
            return Need { most: SWAP, least: SWAP };
        }
        let taken = self.planned.staged(self.job.storage);
        let Space { most, least, .. } = self.planned.space;
        Need { most: most.saturating_sub(taken), least: least.saturating_sub(taken) }
    }

    fn left(&self) -> Result<u64> {
        let (storage, data_dir) = (self.job.storage, &self.planned.data_dir);
        Ok(storage.free_space(data_dir)?.saturating_sub(storage.reserve(data_dir)?))
    }

    fn too_little(&self, left: u64) -> Error {
        Space::too_little(self.need().least, left, &self.facts.data_path())
    }
}

const SWAP: u64 = 2 * Space::BLOCK;
