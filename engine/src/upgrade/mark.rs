//! The mark of re-encryption: what says when a node's files were last re-encrypted, wherever journal and
//! reports of the run are. Until the node has started after that, nobody knows that it can do without the
//! old key.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::io::Storage;
use crate::plan::{REWRITTEN_FILE, STATE_DIRECTORY};
use crate::rewrite::create_state_directory;
use crate::{Error, Result};

/// Marks the data directories, durably, before anything in or beside them is replaced. A node cannot start
/// while a run works, so one moment is enough for all of it.
///
/// # Errors
/// [`crate::ErrorKind::NoSpace`] and [`crate::ErrorKind::Io`].
pub(super) fn mark(storage: &dyn Storage, data_dirs: &[PathBuf]) -> Result<()> {
    for data_dir in data_dirs {
        let state = create_state_directory(storage, data_dir)?;
        let path = state.join(REWRITTEN_FILE);
        match storage.identity(&path)? {
            Some(id) if !id.is_link => {
                storage.set_modified(&path, SystemTime::now())?;
            }
            Some(_) => {
                return Err(Error::invalid("a link stands in the place of the mark of runs")
                    .at(path)
                    .hint("find out who put it there, and remove it"));
            }
            None => {
                let file = storage.create(&path)?;
                file.write_at(TEXT, 0)?;
                file.sync()?;
                storage.sync_directory(&state)?;
                storage.sync_directory(data_dir)?;
            }
        }
    }
    Ok(())
}

/// When a data directory was last marked, and the mark.
///
/// # Errors
/// [`crate::ErrorKind::Io`].
pub(super) fn marked(
    storage: &dyn Storage,
    data_dir: &Path,
) -> Result<Option<(SystemTime, PathBuf)>> {
    let path = data_dir.join(STATE_DIRECTORY).join(REWRITTEN_FILE);
    Ok(storage.stat(&path)?.map(|stat| (stat.modified, path)))
}

const TEXT: &[u8] = b"Files of this node were last re-encrypted when this file was last changed.\n";

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::io::LocalStorage;

    #[test]
    fn a_mark_has_the_time_of_the_last_run() {
        let root = tempfile::tempdir().unwrap();
        let data_dir = root.path();
        let dirs = [data_dir.to_owned()];
        assert_eq!(marked(&LocalStorage, data_dir).unwrap(), None);
        let before = SystemTime::now() - Duration::from_secs(2);
        mark(&LocalStorage, &dirs).unwrap();
        let (time, path) = marked(&LocalStorage, data_dir).unwrap().unwrap();
        assert!(time > before);
        LocalStorage.set_modified(&path, UNIX_EPOCH).unwrap();
        mark(&LocalStorage, &dirs).unwrap();
        assert!(marked(&LocalStorage, data_dir).unwrap().unwrap().0 > before);
        LocalStorage.remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", &path).unwrap();
        assert!(mark(&LocalStorage, &dirs).is_err());
    }
}
