//! When SSTables were last re-encrypted, and when the node was last started.

use std::path::PathBuf;
use std::time::SystemTime;

use super::draft::shown;
use crate::evidence::{Moment, Occasion};
use crate::io::Storage;
use crate::journal::JOURNAL_FILE;
use crate::plan::STATE_DIRECTORY;
use crate::schema::Local;
use crate::upgrade::mark::marked;

/// What files say of the time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    /// When the newest live SSTable was written that is encrypted.
    pub(super) newest_sstable: Option<SystemTime>,
    /// When the newest segment of the commit log was written.
    pub(super) newest_segment: Option<SystemTime>,
    /// Its id: the milliseconds at which its process began, and a few more for each segment.
    pub(super) newest_id: Option<i64>,
}

/// The last start: the node writes it down itself; otherwise its commit log tells.
pub(super) fn last_start(local: Option<&Local>, times: Times) -> Option<Occasion> {
    let occasion = |seconds, origin: &str| Occasion {
        time: Moment::from_seconds(seconds),
        origin: origin.to_owned(),
    };
    let own = local.and_then(|local| local.started);
    own.map(|seconds| occasion(seconds, "system.local")).or_else(|| {
        times.newest_id.map(|id| occasion(id / 1000, "the newest segment of the commit log"))
    })
}

/// The last rewrite, by what this program has left; and by SSTables that are newer than the commit log: a
/// running node writes the log first. Those from before the last start need no other one.
pub(super) fn last_rewrite(
    storage: &dyn Storage,
    data_dirs: &[PathBuf],
    times: Times,
    start: Option<&Occasion>,
) -> Option<Occasion> {
    let mut traces: Vec<Occasion> = Vec::new();
    for data_dir in data_dirs {
        let journal = data_dir.join(STATE_DIRECTORY).join(JOURNAL_FILE);
        let journal = storage.stat(&journal).ok().flatten().map(|stat| (stat.modified, journal));
        let mark = marked(storage, data_dir).ok().flatten();
        for (modified, file) in journal.into_iter().chain(mark) {
            traces.push(Occasion { time: modified.into(), origin: shown(&file) });
        }
    }
    if let Some(sstable) = times.newest_sstable.map(Moment::from) {
        let log = times.newest_segment.map(Moment::from);
        let is_since = start.is_none_or(|start| sstable > start.time);
        if is_since && log.is_none_or(|log| sstable > log) {
            let origin = "an SSTable that is newer than the commit log".to_owned();
            traces.push(Occasion { time: sstable, origin });
        }
    }
    traces.into_iter().max_by_key(|trace| trace.time)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::io::LocalStorage;

    fn at(seconds: u64) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    fn times(sstable: Option<SystemTime>, segment: Option<SystemTime>) -> Times {
        Times { newest_sstable: sstable, newest_segment: segment, newest_id: Some(5_999) }
    }

    #[test]
    fn the_node_s_own_word_comes_before_its_commit_log() {
        let local = Local { started: Some(7), ..Local::default() };
        let times = times(None, None);
        assert_eq!(last_start(Some(&local), times).unwrap().time.seconds(), 7);
        assert_eq!(last_start(Some(&Local::default()), times).unwrap().time.seconds(), 5);
        assert_eq!(last_start(None, Times { newest_id: None, ..times }), None);
    }

    #[test]
    fn an_sstable_newer_than_the_log_was_not_written_by_the_node() {
        let start = Occasion { time: Moment::from_seconds(100), origin: String::new() };
        let rewrite = |sstable, segment| {
            let found = last_rewrite(&LocalStorage, &[], times(sstable, segment), Some(&start));
            found.map(|occasion| occasion.time.seconds())
        };
        assert_eq!(rewrite(at(120), at(110)), Some(120));
        assert_eq!(rewrite(at(120), at(120)), None);
        assert_eq!(rewrite(at(120), at(130)), None);
        assert_eq!(rewrite(at(120), None), Some(120));
        assert_eq!(rewrite(at(90), at(80)), None, "the node was started since");
        assert_eq!(rewrite(None, at(80)), None);
    }

    #[test]
    fn a_mark_tells_the_time_of_its_run() {
        let root = tempfile::tempdir().unwrap();
        let dirs = ["a", "b", "c"].map(|name| root.path().join(name));
        for (dir, seconds) in dirs.iter().zip([10, 30, 20]) {
            std::fs::create_dir(dir).unwrap();
            crate::upgrade::mark::mark(&LocalStorage, std::slice::from_ref(dir)).unwrap();
            let (_, path) = marked(&LocalStorage, dir).unwrap().unwrap();
            LocalStorage.set_modified(&path, at(seconds).unwrap()).unwrap();
        }
        let found = last_rewrite(&LocalStorage, &dirs, times(None, None), None).unwrap();
        assert_eq!(found.time.seconds(), 30);
        assert!(found.origin.ends_with("b/.sstablerekey/rewritten"));
    }
}
