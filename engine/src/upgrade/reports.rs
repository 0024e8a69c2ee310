//! The reports of runs on disk: a file each, which stays when the run is over.

use std::path::{Path, PathBuf};

use super::find::Found;
use super::prepare::Prepared;
use super::session::{Session, resolved};
use super::state_dir::StateDir;
use crate::io::{EntryKind, Storage, write_new};
use crate::plan::{REPORTS_DIRECTORY, STATE_DIRECTORY};
use crate::rewrite::create_state_directory;
use crate::{Error, ErrorKind, Result};

/// Where reports are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportDir {
    directory: PathBuf,
    /// Directories above it that are this program's own, and made, too.
    above: Option<PathBuf>,
    /// The data directory that it lies in, if it does.
    data_dir: Option<PathBuf>,
}

impl Prepared<'_> {
    /// Where the report of this run is kept: in the given directory, or beside the journal.
    #[must_use]
    pub fn report_dir(&self, given: Option<&Path>) -> ReportDir {
        ReportDir::beside(&self.state_dir, given)
    }
}

impl Found<'_> {
    /// The same for a run that works on no tables.
    #[must_use]
    pub fn report_dir(&self, given: Option<&Path>) -> ReportDir {
        ReportDir::beside(&self.state_dir, given)
    }
}

impl ReportDir {
    fn beside(state_dir: &StateDir, given: Option<&Path>) -> Self {
        if let Some(given) = given {
            return Self { directory: resolved(given), above: None, data_dir: None };
        }
        let state = state_dir.directory();
        let data_dir = state.parent().filter(|_| state_dir.is_below()).map(Path::to_owned);
        let directory = state.join(REPORTS_DIRECTORY);
        Self { directory, above: Some(state.to_owned()), data_dir }
    }

    /// Writes a report, durably, and readable by its user only; replaces none. Its name is the given one,
    /// with a number if it is taken.
    ///
    /// # Errors
    /// [`ErrorKind::NoSpace`], [`ErrorKind::Io`], and [`ErrorKind::Invalid`] when something else has the
    /// name of a directory.
    pub fn keep(&self, session: &Session, name: &str, content: &[u8]) -> Result<PathBuf> {
        let storage = session.exclusive()?.storage();
        self.keep_in(storage, name, content).map_err(|error| {
            let hint = "the run itself is not concerned; mend that, or name another --report";
            if error.hint_text().is_some() { error } else { error.hint(hint) }
        })
    }

    fn keep_in(&self, storage: &dyn Storage, name: &str, content: &[u8]) -> Result<PathBuf> {
        self.make(storage)?;
        let path = self.free(storage, name)?;
        write_new(storage, &path, content)?;
        Ok(path)
    }

    fn make(&self, storage: &dyn Storage) -> Result<()> {
        let data_dir = self.data_dir.as_deref();
        match (data_dir, &self.above) {
            (Some(data_dir), _) => drop(create_state_directory(storage, data_dir)?),
            (None, Some(above)) => storage.create_directory(above, None)?,
            // Whose directory the operator has named is the operator's affair.
            (None, None) if storage.identity(&self.directory)?.is_some() => return Ok(()),
            (None, None) => {}
        }
        storage.create_directory(&self.directory, data_dir)?;
        self.directory.parent().map_or(Ok(()), |parent| storage.sync_directory(parent))
    }

    fn free(&self, storage: &dyn Storage, name: &str) -> Result<PathBuf> {
        let names = (1..=MOST_OF_A_NAME).map(|number| match number {
            1 => format!("{name}{ENDING}"),
            number => format!("{name}_{number}{ENDING}"),
        });
        for name in names {
            let path = self.directory.join(name);
            if storage.identity(&path)?.is_none() {
                return Ok(path);
            }
        }
        Err(Error::new(ErrorKind::Io, "every name for the report is taken").at(&self.directory))
    }
}

/// The reports that runs have left beside their journals, the oldest first. Those that were written
/// elsewhere are not found.
///
/// # Errors
/// [`ErrorKind::Io`].
pub fn reports(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    state_dir: Option<&Path>,
) -> Result<Vec<PathBuf>> {
    let below = data_dirs.iter().map(|data_dir| data_dir.join(STATE_DIRECTORY));
    let mut found = Vec::new();
    for state in state_dir.map(resolved).into_iter().chain(below) {
        let directory = state.join(REPORTS_DIRECTORY);
        if storage.identity(&directory)?.is_none() {
            continue;
        }
        for entry in storage.list(&directory)? {
            if entry.kind == EntryKind::File && entry.name.ends_with(ENDING) {
                found.push((entry.name.clone(), directory.join(entry.name)));
            }
        }
    }
    // Names begin with the time at which the run began.
    found.sort();
    // The state directory may be given although it is below a data directory.
    found.dedup();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// How the names of reports end.
const ENDING: &str = ".json";

/// Names have the second; so many runs do not end in one.
const MOST_OF_A_NAME: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::LocalStorage;

    #[test]
    fn no_report_replaces_another() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("reports");
        let reports = ReportDir { directory, above: None, data_dir: None };
        for (content, expected) in [("a", "r.json"), ("b", "r_2.json"), ("c", "r_3.json")] {
            let path = reports.keep_in(&LocalStorage, "r", content.as_bytes()).unwrap();
            assert_eq!(path.file_name().unwrap(), expected);
            assert_eq!(std::fs::read_to_string(path).unwrap(), content);
        }
    }

    #[test]
    fn reports_are_found_in_the_order_of_their_runs() {
        let root = tempfile::tempdir().unwrap();
        let (first, second) = (root.path().join("a"), root.path().join("b"));
        let data_dirs = [first.clone(), second.clone(), root.path().join("absent")];
        assert!(reports(&LocalStorage, &data_dirs, None).unwrap().is_empty());
        let names = ["2026-01-02T000000Z", "2026-01-01T000000Z", "2026-01-02T000000Z"];
        for (data_dir, name) in [&second, &first, &second].into_iter().zip(names) {
            std::fs::create_dir_all(data_dir).unwrap();
            let (directory, above) =
                (data_dir.join(".sstablerekey/reports"), data_dir.join(".sstablerekey"));
            let kept = ReportDir { directory, above: Some(above), data_dir: None };
            kept.keep_in(&LocalStorage, name, b"{}").unwrap();
        }
        std::fs::create_dir(second.join(".sstablerekey/reports/x.json")).unwrap();
        let found =
            reports(&LocalStorage, &data_dirs, Some(&second.join(".sstablerekey"))).unwrap();
        let names: Vec<_> =
            found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        let last = ["2026-01-02T000000Z.json", "2026-01-02T000000Z_2.json"];
        assert_eq!(names, [["2026-01-01T000000Z.json"].as_slice(), &last].concat());
    }

    #[test]
    fn a_link_or_a_file_in_its_place_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("state");
        std::fs::create_dir(&state).unwrap();
        let directory = state.join(REPORTS_DIRECTORY);
        let above = Some(state.clone());
        let reports = ReportDir { directory: directory.clone(), above, data_dir: None };
        drop(LocalStorage.create(&directory).unwrap());
        assert_eq!(reports.keep_in(&LocalStorage, "r", b"").unwrap_err().path(), Some(&*directory));
        LocalStorage.remove_file(&directory).unwrap();
        std::os::unix::fs::symlink(root.path(), &directory).unwrap();
        assert!(reports.keep_in(&LocalStorage, "r", b"").is_err());
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "nothing went through it");
    }
}
