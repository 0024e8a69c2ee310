//! What the files of many staged SSTables cost by themselves.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Result;
use super::bench::Room;
use super::files::{files_of, on_all_cores, settle, warm};
use super::noise::{Meter, Sample};

/// Times the calls that a writing stage cannot do without, for as many SSTables as a room has, each of `bytes` in
/// all: a directory, four files with their modes, three links, and that all of them are removed. Nothing is
/// encrypted and nothing looked at.
pub(super) fn files(meter: &Meter, room: &Room, sstables: u32, bytes: u64) -> Result<Sample> {
    let (table, scratch) = (room.site.table(), room.directory.path());
    settle(scratch)?;
    warm(&files_of(&table)?)?;
    let state = scratch.join("bare");
    make_directory(&state)?;
    let block = vec![7; usize::try_from(bytes / u64::from(sstables.max(1)))?];
    let next = AtomicU32::new(1);
    let sample = meter.time_writing(scratch, bytes, || {
        on_all_cores(|| {
            loop {
                let id = next.fetch_add(1, Ordering::Relaxed);
                if id > sstables {
                    return Ok(());
                }
                one(&table, &state.join(id.to_string()), id, &block)?;
            }
        })
    });
    fs::remove_dir(&state)?;
    sample
}

#[expect(clippy::disallowed_methods, reason = "the calls themselves are measured")]
fn one(table: &Path, directory: &Path, id: u32, block: &[u8]) -> Result<()> {
    make_directory(directory)?;
    for (component, bytes) in [
        ("Data.db", block),
        ("CompressionInfo.db", HEAD),
        ("Digest.crc32", HEAD),
        ("TOC.txt", HEAD),
    ] {
        let path = directory.join(component);
        let file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all_at(bytes, 0)?;
    }
    for component in ["Index.db", "Filter.db", "Statistics.db"] {
        let from = table.join(format!("nb-{id}-big-{component}"));
        fs::hard_link(from, directory.join(component))?;
    }
    for entry in fs::read_dir(directory)? {
        fs::remove_file(entry?.path())?;
    }
    Ok(fs::remove_dir(directory)?)
}

fn make_directory(path: &Path) -> Result<()> {
    Ok(DirBuilder::new().mode(0o700).create(path)?)
}

/// As much as the small files have, about.
const HEAD: &[u8] = &[7; 90];
