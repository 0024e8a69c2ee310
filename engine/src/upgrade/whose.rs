//! Whose run a journal is of: whether its data directories are the given ones, wherever they are now.

use std::collections::BTreeSet;
use std::path::{Component as Part, Path, PathBuf};

use crate::io::Storage;
use crate::journal::{History, Marker, Site};
use crate::plan::STATE_DIRECTORY;
use crate::{Error, Result};

/// Which number each data directory has; none for one that is not of the run.
pub(super) fn numbers(
    storage: &dyn Storage,
    site: &Site,
    data_dirs: &[PathBuf],
) -> Result<Vec<Option<usize>>> {
    data_dirs
        .iter()
        .map(|data_dir| {
            let number = match Marker::find(storage, &data_dir.join(STATE_DIRECTORY))? {
                Some(marker) if marker.run == site.run => usize::try_from(marker.number).ok(),
                Some(_of_another_run) => None,
                // Somebody has removed it: the same path is the same directory.
                None => site.data_dirs.iter().position(|then| then == data_dir),
            };
            Ok(number.filter(|number| *number < site.data_dirs.len()))
        })
        .collect()
}

/// Makes sure that a journal is of these data directories, and says in it where they are now.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] with both, when it is of others, and
/// [`crate::ErrorKind::Corrupt`] when it leads elsewhere.
pub(super) fn settle(
    storage: &dyn Storage,
    history: &mut History,
    data_dirs: &[PathBuf],
    journal: &Path,
) -> Result<()> {
    if let Some(site) = &history.site {
        let numbers = numbers(storage, site, data_dirs)?;
        let distinct: BTreeSet<usize> = numbers.iter().flatten().copied().collect();
        if distinct.len() != data_dirs.len() || distinct.len() != site.data_dirs.len() {
            return Err(of_others(&list(&site.data_dirs), data_dirs, journal));
        }
        let mut now: Vec<_> = numbers.into_iter().flatten().zip(data_dirs).collect();
        now.sort();
        let now: Vec<PathBuf> = now.into_iter().map(|(_, data_dir)| data_dir.clone()).collect();
        history.relocate(&now);
    } else {
        let of_plan = history.plan.iter().find(|(name, _)| name == DATA_DIRECTORIES);
        let then = of_plan.map_or("", |(_, text)| text.as_str());
        if then != list(data_dirs) {
            return Err(of_others(then, data_dirs, journal));
        }
    }
    for entry in history.sstables.values() {
        let staging = entry.staged.as_ref().map(|staged| staged.directory.as_path());
        if !is_below(&entry.directory, data_dirs)
            || !staging.is_none_or(|d| is_staging(d, data_dirs))
        {
            return Err(Error::corrupt("it names a place outside of the data directories")
                .at(journal)
                .hint("abandon the run, which harms no SSTable, then run again"));
        }
    }
    Ok(())
}

fn is_below(path: &Path, data_dirs: &[PathBuf]) -> bool {
    data_dirs.iter().any(|data_dir| path.starts_with(data_dir))
}

/// This program's directory, and one name below it.
fn is_staging(path: &Path, data_dirs: &[PathBuf]) -> bool {
    data_dirs.iter().any(|data_dir| {
        let below = path.strip_prefix(data_dir.join(STATE_DIRECTORY)).ok();
        let mut parts = below.into_iter().flat_map(Path::components);
        matches!((parts.next(), parts.next()), (Some(Part::Normal(_)), None))
    })
}

/// Data directories in words, in whatever order they are given.
pub(super) fn list(data_dirs: &[PathBuf]) -> String {
    let mut names: Vec<_> = data_dirs.iter().map(|path| path.display().to_string()).collect();
    names.sort();
    names.join(", ")
}

fn of_others(then: &str, now: &[PathBuf], journal: &Path) -> Error {
    Error::invalid(format!(
        "an unfinished run is here that was begun with other arguments ({DATA_DIRECTORIES}: then {}, \
         now {})",
        then.escape_debug(),
        list(now).escape_debug()
    ))
    .at(journal)
    .hint(
        "give all data directories of that run, or another --state-dir for these; if that node is \
         gone for good, remove the journal",
    )
}

/// The name of their text in a plan of format 1 or 2.
pub(super) const DATA_DIRECTORIES: &str = "data directories";
