//! Many SSTables that share the bytes of one.

use rekey_engine::Result;
use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::options::ChunkLength;
use rekey_engine::sstable::{Descriptor, parse_file_name};

use super::{Site, descriptor};

impl Site {
    /// Writes `count` SSTables of `length` plaintext bytes. Their files are links: 700,000 of a few
    /// bytes each would take the disk for minutes, and reading does not see the difference.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_linked(&self, count: u32, length: u64, chunk_length: ChunkLength) -> Result<()> {
        let mut components = Vec::new();
        let mut original = descriptor(1)?;
        for id in 1..=count {
            let new = descriptor(id)?;
            if (id - 1) % LINKS == 0 {
                self.write_sstable(id, length, chunk_length)?;
                original = new;
                if components.is_empty() {
                    let files = LocalStorage.list(&self.table())?;
                    let parsed = files.iter().filter_map(|entry| parse_file_name(&entry.name));
                    components.extend(parsed.map(|(_, component)| component));
                }
                continue;
            }
            for component in &components {
                let path = |of: &Descriptor| of.path(&self.table(), component);
                LocalStorage.link_or_copy(&path(&original), &path(&new))?;
            }
        }
        Ok(())
    }
}

/// Names of one file: ext4 has no more than 65,000.
const LINKS: u32 = 50_000;
