use super::*;
use crate::ErrorKind;
use crate::io::LocalStorage;

const ID: &str = "5ab1e000000011f0800000000000000a";

struct Disk {
    _removed_at_the_end: tempfile::TempDir,
    root: PathBuf,
}

impl Disk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        Self { _removed_at_the_end: dir, root }
    }

    /// With files of SSTables in these folders, `ID` standing for the id of a table.
    fn with(folders: &[&str]) -> Self {
        let disk = Self::new();
        for folder in folders {
            let folder = disk.folder(folder);
            std::fs::File::create_new(folder.join("nb-1-big-Data.db")).unwrap();
        }
        disk
    }

    fn path(&self, folder: &str) -> PathBuf {
        self.root.join(folder.replace("ID", ID))
    }

    fn folder(&self, folder: &str) -> PathBuf {
        std::fs::create_dir_all(self.path(folder)).unwrap();
        self.path(folder)
    }

    fn check(&self, folders: &[&str], not_a_node: bool) -> Result<Vec<Error>> {
        let folders: Vec<_> = folders.iter().map(|folder| self.path(folder)).collect();
        check_data_dirs(&LocalStorage, &folders, not_a_node)
    }

    fn refused(&self, folder: &str, not_a_node: bool) -> String {
        let error = self.check(&[folder], not_a_node).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert_eq!(error.path(), Some(self.path(folder).as_path()), "{error}");
        format!("{}; {}", error.chain(), error.hint_text().unwrap())
    }
}

#[test]
fn what_is_no_data_directory_is_refused_with_what_it_looks_like() {
    let disk = Disk::with(&[
        "lib/data/rk/enc-ID",
        "lib/data/rk/enc-ID/snapshots/x",
        "lib/data/rk/enc-ID/backups",
        "lib/data/rk/enc-ID/.by_n",
        "plain",
        "odd/a/b/c",
    ]);
    disk.folder("lib/commitlog");
    disk.folder("empty");
    disk.folder("mounted/lost+found");
    disk.folder("bare/rk/enc-ID");
    let data = disk.path("lib/data");
    let up = |levels| format!("the one {levels} levels up, {}", data.display());
    for (folder, words, hint) in [
        ("lib", "above a data directory", format!("seems to be {}", data.display())),
        ("lib/data/rk", "the directory of a keyspace", format!("above it, {}", data.display())),
        ("lib/data/rk/enc-ID", "the directory of a table", up(2)),
        ("lib/data/rk/enc-ID/snapshots", "a folder of snapshots", up(3)),
        ("lib/data/rk/enc-ID/snapshots/x", "a folder of snapshots", up(4)),
        ("lib/data/rk/enc-ID/backups", "incremental backups", up(3)),
        ("lib/data/rk/enc-ID/.by_n", "lies in the directory of a table", up(3)),
        ("lib/commitlog", "an empty directory", "mounted?".to_owned()),
        ("empty", "an empty directory", "mounted?".to_owned()),
        ("mounted", "an empty directory", "mounted?".to_owned()),
        ("bare", "folders of tables, and no SSTable", "all data directories".to_owned()),
        ("plain", "looks like the directory of a table", "two levels up".to_owned()),
        ("odd", "none where a node has them", "odd/a/b/c".to_owned()),
    ] {
        for not_a_node in [false, true] {
            let text = disk.refused(folder, not_a_node);
            assert!(text.contains(words) && text.contains(&hint), "{folder}: {text}");
        }
    }
}

#[test]
fn a_shape_that_cannot_be_mistaken_is_taken_with_a_warning_and_another_one_if_it_is_said() {
    for (folders, taken) in [
        (&["rk/t-ID"][..], true),
        (&["rk/t-ID/snapshots/x"], true),
        (&["rk/t-ID/backups", "ks/u-ID/.by_n"], true),
        // Copies beside the tables are a matter of the census.
        (&["rk/t-ID/old"], true),
        (&["rk/t-ID", "rk/t-ID.bak"], true),
        (&["rk/t-ID", "rk", ""], true),
        (&["rk/t-ID", "old/rk/t-ID"], true),
        (&["rk/t-ID", ".snapshot/rk/t-ID"], true),
        (&["rk/t"], false),
        (&["rk/t-ID", "rk/u"], false),
    ] {
        let disk = Disk::with(folders);
        match disk.check(&[""], false) {
            Ok(doubts) => {
                assert!(taken, "{folders:?}");
                assert!(doubts[0].chain().contains("no system keyspace"), "{doubts:?}");
                assert_eq!(doubts.len(), 1);
            }
            Err(error) => {
                assert!(!taken && error.hint_text().unwrap().contains("--not-a-node"), "{error:?}");
            }
        }
        assert!(disk.check(&[""], true).unwrap().is_empty(), "{folders:?}");
    }
}

#[test]
fn a_node_s_own_is_known_by_its_system_keyspaces() {
    let disk = Disk::with(&["system/local-ID", "rk/t", "rk/u-ID/old", "rk"]);
    assert!(disk.check(&[""], false).unwrap().is_empty());
    // A name alone is none.
    let disk = Disk::with(&["system", "system_auth/roles"]);
    assert!(disk.check(&[""], false).is_err());
}

#[test]
fn of_several_one_may_have_no_system_keyspace_and_one_that_is_empty_may_be_unmounted() {
    let disk = Disk::with(&["a/system/local-ID", "a/rk/t-ID", "b/rk/t-ID", "odd/rk/t"]);
    disk.folder("c/rk/t-ID");
    disk.folder("empty");
    assert!(disk.check(&["a", "b", "c"], false).unwrap().is_empty());
    assert!(disk.check(&["b", "a"], false).unwrap().is_empty());
    assert_eq!(disk.check(&["b"], false).unwrap().len(), 1);
    for (folders, not_a_node) in [
        (&["a", "empty"][..], false),
        (&["a", "empty"], true),
        (&["a", "odd"], false),
        // Without a node's own beside it nothing tells that this one is not unmounted.
        (&["b", "c"], false),
        (&["c"], true),
    ] {
        assert!(disk.check(folders, not_a_node).is_err(), "{folders:?}");
    }
    assert!(disk.check(&["b", "c"], true).unwrap().is_empty());
}

#[test]
fn what_cannot_be_looked_at_is_said_and_is_no_empty_directory() {
    let disk = Disk::new();
    std::os::unix::fs::symlink("/nowhere/at/all", disk.path("rk")).unwrap();
    let text = disk.refused("", false);
    assert!(text.contains("a link that leads to nothing"), "{text}");
    assert!(!text.contains("an empty directory"), "{text}");
}

#[test]
fn links_in_a_circle_come_to_an_end() {
    let disk = Disk::with(&["rk/t-ID"]);
    let outside = Disk::with(&["copy"]);
    std::os::unix::fs::symlink(&disk.root, disk.folder("rk/t-ID/old").join("up")).unwrap();
    std::os::unix::fs::symlink(&outside.root, disk.path("rk/t-ID/old/out")).unwrap();
    std::os::unix::fs::symlink(disk.path("rk/t-ID/old"), outside.path("back")).unwrap();
    let mut search = Search::new(&LocalStorage, &disk.root);
    search.below(&disk.path("rk/t-ID/old"));
    assert_eq!(search.found, [(disk.path("rk/t-ID/old/out/copy"), 1)]);
    assert!(search.unreadable.is_empty(), "{:?}", search.unreadable);
}
