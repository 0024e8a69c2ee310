//! Lays the trie index of an SSTable out for other pages and stores it in clear, for a database that
//! reads none that are encrypted: `testdata/interop/trie.bash`.

use std::path::{Path, PathBuf};

use rekey_engine::io::{Access, LocalStorage, Source, Storage as _};
use rekey_engine::trie::{Belongs, Index, Stored, Storing, lay_out, read_sequence};

use crate::measure::outcome::Result;

#[path = "../../engine/tests/it/kit/trie.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a writer of its own, which may stop at the first surprise"
)]
mod own;

/// Arguments of `lay-out`.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// What the old files' names begin with: Partitions.db, Rows.db, and Data.db, which is not compressed
    from: PathBuf,

    /// The same of the new ones, which do not exist yet
    to: PathBuf,

    /// Usable bytes of a page
    #[arg(long, value_name = "BYTES", default_value_t = 4096)]
    usable: usize,

    /// Usable bytes of a page of the old files
    #[arg(long, value_name = "BYTES", default_value_t = 4096)]
    from_usable: usize,

    /// Pack as no database does, by the tests' own writer
    #[arg(long)]
    post_order: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let Options { from, to, usable, from_usable, post_order } = options;
    let named = |prefix: &Path, name: &str| PathBuf::from(format!("{}{name}", prefix.display()));
    let old = [named(from, "Partitions.db"), named(from, "Rows.db")];
    let new = [named(to, "Partitions.db"), named(to, "Rows.db")];
    if *post_order {
        let [partitions, rows] = &old;
        let index = own::read(&std::fs::read(partitions)?, &std::fs::read(rows)?, *from_usable);
        let (partitions, rows) = own::write(&index, *usable);
        return write_all(&new, [partitions, rows], *usable);
    }
    let belongs = Belongs {
        data_length: std::fs::metadata(named(from, "Data.db"))?.len(),
        has_no_gaps: true,
    };
    let open = |path: &Path| Source::open(path, Access::Positional);
    let [partitions, rows] = &old;
    let (partitions, rows) = (open(partitions)?, open(rows)?);
    let stored = Stored::Clear { usable: *from_usable };
    let mut index = Index::open(&partitions, &rows, stored, belongs)?;
    let [new_partitions, new_rows] = &new;
    let outputs = (LocalStorage.create(new_partitions)?, LocalStorage.create(new_rows)?);
    let mut went_in = Vec::new();
    let storing = Storing::Clear { usable: *usable };
    lay_out(&mut index, &*outputs.0, &*outputs.1, storing, |_, block| {
        went_in.push(crc32fast::hash(block));
        Ok(())
    })?;
    let mut came_back = Vec::new();
    let (partitions, rows) = (open(new_partitions)?, open(new_rows)?);
    let stored = Stored::Clear { usable: *usable };
    read_sequence(&index, (&partitions, &rows), stored, belongs, |_, block| {
        came_back.push(crc32fast::hash(block));
        Ok(())
    })?;
    if went_in != came_back {
        return Err("it does not say the same".into());
    }
    // What lies in the holes must never be read.
    for (path, output) in [(new_partitions, outputs.0), (new_rows, outputs.1)] {
        let mut image = std::fs::read(path)?;
        own::fill_holes(&mut image, *usable);
        output.write_at(&image, 0)?;
    }
    Ok(())
}

fn write_all(paths: &[PathBuf; 2], images: [Vec<u8>; 2], usable: usize) -> Result<()> {
    for (path, mut image) in paths.iter().zip(images) {
        own::fill_holes(&mut image, usable);
        LocalStorage.create(path)?.write_at(&image, 0)?;
    }
    Ok(())
}
