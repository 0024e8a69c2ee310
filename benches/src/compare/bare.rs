//! What the files of staged SSTables cost by themselves.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::rewrite::RANGE_BYTES;

use super::Result;
use super::bench::Room;
use super::files::{files_of, on_all_cores, remove_all, settle, warm};
use super::noise::{Meter, Sample};
use super::stage::Durability;

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

/// Times threads that do nothing but write as many files, of `bytes` in all, as the engine writes them: reserved,
/// in ranges, two files by turns; and, if they are to be durable, with its hints and an fsync of each.
pub(super) fn ranges(
    meter: &Meter,
    scratch: &Path,
    (number, bytes): (u32, u64),
    durability: Durability,
) -> Result<Sample> {
    let state = scratch.join("bare");
    make_directory(&state)?;
    settle(scratch)?;
    let range = u64::from(RANGE_BYTES);
    let ranges = bytes / u64::from(number.max(1)) / range;
    let each = ranges * range;
    let block = vec![7; usize::try_from(range)?];
    let files = (0..number)
        .map(|id| Ok(durability.storage().create(&state.join(id.to_string()))?))
        .collect::<Result<Vec<_>>>()?;
    let places = by_turns(&files, ranges);
    let next = AtomicUsize::new(0);
    let sample = meter.time_writing(scratch, each * u64::from(number), || {
        files.iter().try_for_each(|file| file.reserve(each))?;
        on_all_cores(|| {
            while let Some((file, at)) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                file.stream_at(&block, at * range)?;
            }
            Ok(())
        })?;
        Ok(files.iter().try_for_each(|file| file.sync())?)
    });
    remove_all(&state)?;
    LocalStorage.remove_directory(&state)?;
    sample
}

/// Each range of each file, two files by turns.
fn by_turns<F>(files: &[F], ranges: u64) -> Vec<(&F, u64)> {
    let mut places = Vec::new();
    for pair in files.chunks(2) {
        for at in 0..ranges {
            places.extend(pair.iter().map(|file| (file, at)));
        }
    }
    places
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_range_of_each_file_is_written_once() {
        for (number, ranges) in [(1, 5), (2, 3), (3, 2), (8, 4), (8, 0)] {
            let files: Vec<u32> = (0..number).collect();
            let mut places = by_turns(&files, ranges);
            places.sort_unstable();
            let all = files.iter().flat_map(|file| (0..ranges).map(move |at| (file, at)));
            assert_eq!(places, all.collect::<Vec<_>>());
        }
    }

    #[test]
    fn two_files_are_written_by_turns() {
        let places = by_turns(&[0, 1, 2], 2);
        assert_eq!(places, [(&0, 0), (&1, 0), (&0, 1), (&1, 1), (&2, 0), (&2, 1)]);
    }
}
