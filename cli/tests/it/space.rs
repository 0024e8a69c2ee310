//! Real file systems that are too small. They are mounted, which takes root's rights: where these are
//! missing, a test says so and is skipped.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use crate::kit::{Node, Run, plaintext};
use crate::synthetic::{Recipe, table_in};

const MIB: usize = 1 << 20;

/// A node whose data directory is on its own file system.
struct Disk {
    node: Node,
    mounted: PathBuf,
}

impl Disk {
    /// One in memory of so many MiB; nothing where that is not allowed.
    fn tmpfs(mib: usize) -> Option<Self> {
        Self::mount(&["-t", "tmpfs", "-o", &format!("size={mib}m"), "none"])
    }

    /// An ext4 in a file of so many MiB, which reserves what it is asked to.
    fn ext4(mib: usize) -> Option<Self> {
        let image = tempfile::NamedTempFile::new().unwrap();
        let path = image.path().to_str().unwrap();
        let made = Command::new("mkfs.ext4")
            .args(["-q", "-F", "-m", "0", path, &format!("{mib}M")])
            .output();
        if !made.as_ref().is_ok_and(|made| made.status.success()) {
            eprintln!("skipped: no ext4 can be made here: {made:?}");
            return None;
        }
        // The file is deleted when it is unmounted.
        Self::mount(&["-t", "ext4", "-o", "loop", path])
    }

    fn mount(arguments: &[&str]) -> Option<Self> {
        let node = Node::empty();
        let mounted = node.root.path().join("disk");
        fs::create_dir(&mounted).unwrap();
        let mount = Command::new("mount").args(arguments).arg(&mounted).output();
        if !mount.as_ref().is_ok_and(|mount| mount.status.success()) {
            eprintln!("skipped: no file system can be mounted here: {mount:?}");
            return None;
        }
        let disk = Self { node, mounted };
        fs::create_dir(disk.mounted.join("data")).unwrap();
        fs::remove_dir(disk.node.data()).unwrap();
        std::os::unix::fs::symlink("disk/data", disk.node.data()).unwrap();
        Some(disk)
    }

    /// SSTables of so many bytes each, below a directory, under the key in `old-key`.
    fn sstables(&self, directory: &str, first: usize, lengths: &[usize]) {
        let mut recipe = Recipe::local("oa", "1", "old-key", vec![3; 32]);
        self.node.file("old-key", &recipe.key_line());
        for (id, length) in (first..).zip(lengths) {
            recipe.id = id.to_string();
            recipe.write(&table_in(&self.mounted.join(directory)), &plaintext(*length));
        }
    }

    /// Takes space away, and gives it back when the file is removed.
    fn ballast(&self, bytes: usize) -> PathBuf {
        let path = self.mounted.join("ballast");
        fs::write(&path, vec![0xa5; bytes]).unwrap();
        fs::File::open(&path).unwrap().sync_all().unwrap();
        path
    }

    fn free(&self) -> usize {
        let out =
            Command::new("stat").args(["-f", "-c", "%a %S"]).arg(&self.mounted).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let mut numbers = text.split_whitespace().map(|number| number.parse::<usize>().unwrap());
        numbers.next().unwrap() * numbers.next().unwrap()
    }

    fn upgrade(&self) -> Run {
        self.node.upgrade(&["--threads", "2", "--json"])
    }

    /// Nothing is left but SSTables, and each decrypts.
    fn is_whole(&self) {
        assert!(self.node.is_clean());
        self.node.read("verify", &[]).exits(0);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.mounted).status();
        assert!(unmounted.unwrap().success(), "{} is still mounted", self.mounted.display());
    }
}

fn failures(run: &Run) -> Vec<Value> {
    let sstables = run.of_type("sstable").into_iter();
    sstables.filter(|line| line["outcome"] == "failed").collect()
}

fn on_each(mib: usize, test: impl Fn(&Disk)) {
    for disk in [Disk::tmpfs(mib), Disk::ext4(mib)].into_iter().flatten() {
        test(&disk);
    }
}

#[test]
fn sstables_that_fit_only_singly_are_done_singly() {
    on_each(48, |disk| {
        disk.sstables("data", 1, &[6 * MIB, 6 * MIB, 6 * MIB, 100_000, 100_000]);
        let _rest = disk.ballast(disk.free() - 7 * MIB);
        let run = disk.upgrade().exits(0);
        assert_eq!(failures(&run), Vec::<Value>::new());
        disk.is_whole();
    });
}

#[test]
fn what_never_fits_fails_alone_and_resumes_when_there_is_room() {
    on_each(32, |disk| {
        disk.sstables("data", 1, &[6 * MIB, MIB, 100_000]);
        let ballast = disk.ballast(disk.free() - 3 * MIB);
        let run = disk.upgrade().exits(3);
        let failed = failures(&run);
        assert_eq!(failed.len(), 1, "{run:?}");
        let text = failed[0].to_string();
        for part in ["oa-1-big-Data.db", "no_space", "bytes beside the old one", "free space on"] {
            assert!(text.contains(part), "no '{part}' in {text}");
        }
        disk.is_whole();
        fs::remove_file(ballast).unwrap();
        disk.upgrade().exits(0);
        disk.is_whole();
    });
}

#[test]
fn a_disk_on_which_nothing_fits_has_its_own_exit_status() {
    on_each(16, |disk| {
        disk.sstables("data", 1, &[2 * MIB, MIB]);
        let ballast = disk.ballast(disk.free() - MIB / 2);
        assert_eq!(failures(&disk.upgrade().exits(7)).len(), 2);
        disk.is_whole();
        fs::remove_file(ballast).unwrap();
        disk.upgrade().exits(0);
    });
}

#[test]
fn data_directories_on_one_file_system_share_its_space() {
    on_each(48, |disk| {
        disk.sstables("first", 1, &[6 * MIB]);
        disk.sstables("second", 2, &[6 * MIB]);
        let _rest = disk.ballast(disk.free() - 7 * MIB);
        let map = disk.node.map(256);
        let places = ["--data-dir", "disk/first", "--data-dir", "disk/second"];
        let how = ["--flavor", "apache-4", "--threads", "2", "--json", "--compression", &map];
        let first = ["upgradesstables", "-a", "--create-key"];
        let run = disk.node.run(&[&first[..], &places, &how].concat());
        assert_eq!(failures(&run.exits(0)), Vec::<Value>::new());
    });
}

/// What a snapshot keeps is not freed: as much as fits is done, and the rest is refused in the
/// plan, which says why.
#[test]
fn files_kept_by_a_snapshot_free_nothing() {
    on_each(48, |disk| {
        disk.sstables("data", 1, &[2 * MIB; 6]);
        let table = table_in(&disk.mounted.join("data"));
        let snapshot = table.join("snapshots/before");
        fs::create_dir_all(&snapshot).unwrap();
        for entry in fs::read_dir(&table).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                fs::hard_link(entry.path(), snapshot.join(entry.file_name())).unwrap();
            }
        }
        let ballast = disk.ballast(disk.free() - 6 * MIB);
        let plan = disk.node.plan(&["--create-key", "--json"]).exits(3);
        let refused = plan.of_type("sstable").iter().filter(|it| it["action"] == "refuse").count();
        assert_eq!(refused, 4, "{plan:?}");
        let space = &plan.of_type("summary")[0]["space"][0];
        assert!(space["kept_by_links"].as_u64().unwrap() > 4_000_000, "{space}");
        assert!(space["for_good"].as_u64().unwrap() > 4_000_000, "{space}");
        let text = disk.node.plan(&["--create-key"]).exits(3);
        text.says("old files live on").says("--snapshots").says("left to others");
        let run = disk.upgrade().exits(3);
        let failed = failures(&run);
        assert_eq!(failed.len(), refused, "{run:?}");
        assert!(failed.iter().all(|line| line.to_string().contains("old files live on")));
        disk.is_whole();
        fs::remove_file(ballast).unwrap();
        disk.upgrade().exits(0);
        disk.is_whole();
    });
}
