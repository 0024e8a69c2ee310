//! Where the successor of an SSTable is staged.

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::STATE_DIRECTORY;
use crate::io::Storage;
use crate::txn::LiveSSTable;

/// Where the successor of an SSTable is staged: where its table lies below the data directory, and its
/// old name. A table that was dropped and made again has two directories of one name, which may give
/// out the same ids; and the new name will not do, since the next run may give it to another SSTable.
///
/// What lies in a snapshot or a backup may have a longer path than a name can be, and one that is
/// told from others by a dot; and the name of a table may fill the name of a file by itself. A
/// digest of the path stands for such a one, after a word that is not a keyspace.
pub(super) fn staging_path(data_dir: &Path, sstable: &LiveSSTable, is_live: bool) -> PathBuf {
    let directory = &sstable.directory;
    let below = directory.strip_prefix(data_dir).unwrap_or(directory);
    let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
    let place = parts.join(".");
    let digest = || format!("{:016x}", xxh3_64(below.as_os_str().as_bytes()));
    let place = match is_live {
        true if place.len() <= LONGEST_PLACE => place,
        true => format!("long-name.{}", digest()),
        false => format!("archived.{}", digest()),
    };
    data_dir.join(STATE_DIRECTORY).join(format!("{place}.{}", sstable.descriptor))
}

/// Bytes of what lies in a staging directory; links cost nothing. What cannot be looked at counts as
/// not there.
pub(super) fn staged(storage: &dyn Storage, directory: &Path) -> u64 {
    let files = storage.list(directory).unwrap_or_default();
    let bytes = files.iter().map(|file| storage.allocated(&directory.join(&file.name)));
    bytes.fold(0, |sum, bytes| sum.saturating_add(bytes.unwrap_or_default()))
}

/// Bytes of a place that is told in the name of a staging directory as it is: some file systems take
/// names of 143 bytes and no more, and an SSTable's own is up to 40 of them.
const LONGEST_PLACE: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sstable::parse_file_name;

    fn staged_as(table: &str, is_live: bool) -> String {
        let data_dir = PathBuf::from("/data");
        let (descriptor, _) = parse_file_name("nb-3-big-Data.db").unwrap();
        let directory = data_dir.join("ks").join(table);
        let sstable = LiveSSTable { directory, descriptor, components: vec![] };
        let path = staging_path(&data_dir, &sstable, is_live);
        path.file_name().unwrap().to_str().unwrap().to_owned()
    }

    #[test]
    fn a_staging_directory_has_a_short_name_of_its_own_whatever_the_table_is_called() {
        assert_eq!(staged_as("t-1", true), "ks.t-1.nb-3-big");
        let [first, second] = ["a", "b"].map(|end| "x".repeat(254) + end);
        let names = [&first, &second].map(|table| [true, false].map(|live| staged_as(table, live)));
        for name in names.as_flattened() {
            assert!(name.len() < 144, "{name}");
        }
        assert_ne!(names[0], names[1]);
        assert_ne!(names[0][0], names[0][1]);
    }
}
