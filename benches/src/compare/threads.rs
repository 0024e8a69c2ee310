//! What bounds a rewrite: the same bytes read, written and read again by plain threads.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rekey_engine::io::{LocalStorage, OutputFile, Storage as _};

use super::files::{self, files_of, on_all_cores};
use crate::measure::noise::{Meter, Sample};
use crate::measure::outcome::Result;

/// Times a thread for each core that does with the files of a table what the tool cannot do
/// without: it reads them, writes copies as the engine writes (reserved, in ranges, with its hints),
/// makes them durable, reads them from the disk and removes as many files.
pub(super) fn rewrite(meter: &Meter, table: &Path, scratch: &Path, bytes: u64) -> Result<Sample> {
    let mut from = files_of(table)?;
    from.retain(|path| !LINKED.iter().any(|name| path.to_string_lossy().ends_with(name)));
    let to = scratch.join("threads");
    LocalStorage.create_directory(&to, None)?;
    files::ready(table)?;
    let sample = meter.time_writing(scratch, bytes, || all(&from, &to));
    files::remove(&to)?;
    sample
}

fn all(from: &[PathBuf], to: &Path) -> Result<()> {
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for path in from {
        let is_small = usize::try_from(path.metadata()?.len())? <= RANGE;
        if is_small { small.push(path) } else { large.push(path) }
    }
    on_all_cores(&small, buffer, |buffer, path| {
        let copy = Copy::new(path, to)?;
        copy.ranges().try_for_each(|range| range.write(buffer))?;
        copy.sync()?;
        copy.ranges().try_for_each(|range| range.read_again(buffer))?;
        copy.remove()
    })?;
    // Of long files, all cores work on each.
    for some in large.chunks(OPEN) {
        let copies = some.iter().map(|path| Copy::new(path, to)).collect::<Result<Vec<_>>>()?;
        let ranges: Vec<_> = copies.iter().flat_map(Copy::ranges).collect();
        on_all_cores(&ranges, buffer, |buffer, range| range.write(buffer))?;
        on_all_cores(&copies, || (), |(), copy| copy.sync())?;
        on_all_cores(&ranges, buffer, |buffer, range| range.read_again(buffer))?;
        on_all_cores(&copies, || (), |(), copy| copy.remove())?;
    }
    Ok(LocalStorage.sync_directory(to)?)
}

/// A file and its copy.
#[derive(Debug)]
struct Copy {
    from: File,
    to: Box<dyn OutputFile>,
    again: File,
    path: PathBuf,
    length: u64,
}

impl Copy {
    fn new(from: &Path, to: &Path) -> Result<Self> {
        let path = to.join(from.file_name().ok_or("a file has a name")?);
        let (from, to) = (File::open(from)?, LocalStorage.create(&path)?);
        let length = from.metadata()?.len();
        to.reserve(length)?;
        Ok(Self { from, to, again: File::open(&path)?, path, length })
    }

    fn ranges(&self) -> impl Iterator<Item = Range<'_>> {
        (0..self.length).step_by(RANGE).map(|at| Range { copy: self, at })
    }

    fn sync(&self) -> Result<()> {
        self.to.sync()?;
        self.to.forget_cached();
        Ok(())
    }

    fn remove(&self) -> Result<()> {
        Ok(LocalStorage.remove_file(&self.path)?)
    }
}

/// As much of a file as the engine reads and writes at once.
#[derive(Debug)]
struct Range<'a> {
    copy: &'a Copy,
    at: u64,
}

impl Range<'_> {
    fn write(&self, buffer: &mut [u8]) -> Result<()> {
        let bytes = self.part(buffer)?;
        self.copy.from.read_exact_at(bytes, self.at)?;
        Ok(self.copy.to.stream_at(bytes, self.at)?)
    }

    fn read_again(&self, buffer: &mut [u8]) -> Result<()> {
        Ok(self.copy.again.read_exact_at(self.part(buffer)?, self.at)?)
    }

    fn part<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b mut [u8]> {
        let left = usize::try_from(self.copy.length - self.at)?;
        let length = left.min(buffer.len());
        Ok(buffer.get_mut(..length).unwrap_or_default())
    }
}

fn buffer() -> Vec<u8> {
    vec![0; RANGE]
}

/// Bytes that are read and written at once, as in the engine.
const RANGE: usize = 2 << 20;
/// Components that are linked rather than written.
const LINKED: [&str; 3] = ["-Index.db", "-Filter.db", "-Statistics.db"];
/// Long files that are open at a time, three times each.
const OPEN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_copied_once_and_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let from = directory.path().join("from");
        for length in [5, RANGE, 2 * RANGE + 7] {
            let to = directory.path().join(length.to_string());
            LocalStorage.create_directory(&to, None).unwrap();
            let bytes: Vec<u8> = (0..=250).cycle().take(length).collect();
            LocalStorage.create(&from).unwrap().write_at(&bytes, 0).unwrap();
            let copy = Copy::new(&from, &to).unwrap();
            let mut buffer = buffer();
            copy.ranges().for_each(|range| range.write(&mut buffer).unwrap());
            copy.sync().unwrap();
            assert_eq!(LocalStorage.read(&to.join("from"), 1 << 30).unwrap(), bytes);
            let mut again = Vec::new();
            for range in copy.ranges() {
                range.read_again(&mut buffer).unwrap();
                again.extend_from_slice(range.part(&mut buffer).unwrap());
            }
            assert_eq!(again, bytes);
            copy.remove().unwrap();
            assert!(files_of(&to).unwrap().is_empty());
            LocalStorage.remove_file(&from).unwrap();
        }
    }
}
