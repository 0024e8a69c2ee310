//! Transaction logs that an interrupted operation left: finished or undone by their own rules, or
//! refused, never ignored (FORMATS.md 9). The lines are written here from FORMATS.md 9.2.

mod foreign;
mod replicas;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rekey_engine::ErrorKind::Corrupt;
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::{Selection, Target};
use rekey_engine::txn::{Recovery, Verdict};
use rekey_engine::upgrade;

use crate::kit::workspace::threads;
use crate::kit::workspace::{files, is_at_rest};
use crate::kit::{TestStorage, Workspace};

const ID: &str = "5ab1e000-0000-11f0-8000-00000000000a";

/// `TYPE:[path,updateTime,numFiles][checksum]`
fn line(kind: &str, path: &str, time: i64, count: i32) -> String {
    let mut crc = crc32fast::Hasher::new();
    crc.update(path.as_bytes());
    crc.update(kind.as_bytes());
    let time_bytes = time.to_be_bytes();
    crc.update(&time_bytes[4..]);
    crc.update(&time_bytes[..4]);
    crc.update(&count.to_be_bytes());
    format!("{kind}:[{path},{time},{count}][{}]", crc.finalize())
}

fn commit() -> String {
    line("COMMIT", "", 0, 0)
}

/// A table in the middle of a swap of `oa-2-big` for `oa-6-big`.
pub(super) struct Swap {
    pub(super) workspace: Workspace,
    pub(super) target: Target,
    log_name: String,
}

impl Swap {
    fn new() -> Self {
        let workspace = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
        let table = workspace.table();
        for name in workspace.files() {
            if let Some(component) = name.strip_prefix("oa-2-big-") {
                fs::copy(table.join(&name), table.join(format!("oa-6-big-{component}"))).unwrap();
                set_time(&table.join(&name), 1_700_000_000_250);
            }
        }
        let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
        Self { workspace, target, log_name: format!("oa_txn_compaction_{ID}.log") }
    }

    fn path(&self, sstable: &str) -> String {
        format!("{}/{sstable}-", self.workspace.table().display())
    }

    fn add(&self) -> String {
        line("ADD", &self.path("oa-6-big"), 0, 8)
    }

    fn remove(&self) -> String {
        line("REMOVE", &self.path("oa-2-big"), 1_700_000_000_250, 8)
    }

    fn log(&self) -> PathBuf {
        self.workspace.table().join(&self.log_name)
    }

    fn write(&self, text: &str) {
        fs::write(self.log(), text).unwrap();
    }

    /// With every line ended.
    fn write_lines(&self, lines: &[String]) {
        self.write(&format!("{}\n", lines.join("\n")));
    }

    fn recover(&self) -> Vec<Recovery> {
        let storage = TestStorage::quick().boxed();
        let session = self.workspace.session_on(storage, LeaseMode::Exclusive).unwrap();
        upgrade::recover(&session, &Selection::default()).unwrap().logs
    }

    fn has(&self, sstable: &str) -> usize {
        let prefix = format!("{sstable}-");
        self.workspace.files().iter().filter(|name| name.starts_with(&prefix)).count()
    }

    /// Recovers, and checks which of old and new is left.
    fn expect(&self, verdict: &Verdict) {
        let log = self.log();
        // First a plan, which sees what a node would load and changes nothing.
        let before = self.workspace.contents();
        let plan = self.workspace.plan(&self.target).unwrap();
        let planned = |name: &str| {
            plan.sstables.iter().any(|planned| planned.sstable.descriptor.to_string() == name)
        };
        let forward = *verdict == Verdict::RollForward;
        assert_eq!((planned("oa-2-big"), planned("oa-6-big")), (!forward, forward));
        assert_eq!(self.workspace.contents(), before, "a plan changes nothing");

        let done = self.recover();
        assert_eq!(done, [Recovery { log: log.clone(), verdict: verdict.clone() }]);
        assert!(!log.exists());
        let left = if forward { (0, 8) } else { (8, 0) };
        assert_eq!((self.has("oa-2-big"), self.has("oa-6-big")), left);
        assert_eq!(self.has("oa-3-big"), 8, "others are not concerned");
        let report = self.workspace.upgrade_on(TestStorage::quick().boxed(), &self.target).unwrap();
        assert_eq!((report.failures().count(), report.successes()), (0, 4));
    }

    /// Nothing of the table is touched, and each of its SSTables says why.
    pub(super) fn expect_refusal(&self, part: &str) {
        let before = self.workspace.contents();
        let plan = self.workspace.plan(&self.target).unwrap();
        assert_eq!(plan.rewrites().count(), 0);
        assert_eq!(self.recover(), [], "{part}");
        let report = self.workspace.upgrade_on(TestStorage::quick().boxed(), &self.target).unwrap();
        assert_eq!(report.successes(), 0, "{part}");
        assert!(report.failures().count() >= 4);
        for error in report.failures() {
            assert_eq!(error.kind(), Corrupt, "{error:?}");
            assert!(error.path().unwrap().ends_with(&self.log_name), "{error:?}");
            assert!(error.chain().contains(part), "no '{part}' in {error:?}");
            assert!(error.hint_text().unwrap().contains("sstableutil"));
        }
        assert_eq!(self.workspace.contents(), before, "{part}");
        assert!(is_at_rest(&self.workspace.data()));
    }
}

fn set_time(path: &Path, millis: u64) {
    let time: SystemTime = UNIX_EPOCH + Duration::from_millis(millis);
    fs::File::open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn the_lines_of_this_test_are_the_database_s() {
    assert_eq!(commit(), "COMMIT:[,0,0][2613697770]");
}

#[test]
fn without_commit_the_new_one_is_deleted() {
    let swap = Swap::new();
    let (add, remove, abort) = (swap.add(), swap.remove(), line("ABORT", "", 0, 0));
    for lines in [
        vec![add.clone()],
        vec![add.clone(), remove.clone()],
        vec![remove.clone(), add.clone()],
        vec![add.clone(), remove.clone(), abort.clone()],
        vec![add.clone(), abort],
    ] {
        let swap = Swap::new();
        // The paths of another temporary directory: rewritten.
        let lines: Vec<String> = lines
            .iter()
            .map(|text| match text.split(':').next().unwrap() {
                "ADD" => swap.add(),
                "REMOVE" => swap.remove(),
                _ => text.clone(),
            })
            .collect();
        swap.write_lines(&lines);
        swap.expect(&Verdict::RollBack);
    }
}

#[test]
fn a_torn_last_line_is_not_a_commit() {
    let whole = commit();
    for length in [1, 4, 7, 9, 14, whole.len() - 2, whole.len() - 1] {
        let swap = Swap::new();
        swap.write(&format!("{}\n{}\n{}", swap.add(), swap.remove(), &whole[..length]));
        swap.expect(&Verdict::RollBack);
    }
    // A complete line without its line end is complete.
    let swap = Swap::new();
    swap.write(&format!("{}\n{}\n{whole}", swap.add(), swap.remove()));
    swap.expect(&Verdict::RollForward);
}

#[test]
fn with_commit_the_old_one_is_deleted() {
    for name in ["oa", "nb", "bb", "bti-da"] {
        let mut swap = Swap::new();
        swap.log_name = format!("{name}_txn_compaction_{ID}.log");
        swap.write_lines(&[swap.add(), swap.remove(), commit()]);
        swap.expect(&Verdict::RollForward);
    }
    let swap = Swap::new();
    swap.write_lines(&[
        swap.add(),
        swap.remove(),
        commit().to_lowercase().replace("commit", "Commit"),
    ]);
    swap.expect(&Verdict::RollForward);
}

#[test]
fn all_three_forms_of_paths_are_understood() {
    let forms: [fn(&Workspace, &str) -> String; 3] = [
        |workspace, sstable| format!("{}/{sstable}", workspace.table().display()),
        |workspace, sstable| format!("{}/{sstable}-", workspace.table().display()),
        // The directory of the workspace has a blank in its name.
        |workspace, sstable| {
            let table = workspace.table().display().to_string().replace(' ', "%20");
            format!("file://{table}/{sstable}-")
        },
    ];
    for form in forms {
        for committed in [true, false] {
            let swap = Swap::new();
            let mut lines = vec![
                line("ADD", &form(&swap.workspace, "oa-6-big"), 0, 8),
                line("REMOVE", &form(&swap.workspace, "oa-2-big"), 1_700_000_000_250, 8),
            ];
            lines.extend(committed.then(commit));
            swap.write_lines(&lines);
            swap.expect(if committed { &Verdict::RollForward } else { &Verdict::RollBack });
        }
    }
}

#[test]
fn a_deletion_that_was_cut_off_is_finished() {
    for gone in [1, 7, 8] {
        let swap = Swap::new();
        swap.write_lines(&[swap.add(), swap.remove(), commit()]);
        let old: Vec<_> = swap.workspace.files();
        let old = old.iter().filter(|name| name.starts_with("oa-2-big-"));
        for name in old.take(gone) {
            fs::remove_file(swap.workspace.table().join(name)).unwrap();
        }
        assert_eq!(swap.recover().len(), 1);
        assert_eq!((swap.has("oa-2-big"), swap.has("oa-6-big")), (0, 8));
        assert!(!swap.log().exists());
    }
}

#[test]
fn a_torn_commit_with_an_old_file_missing_is_refused() {
    let swap = Swap::new();
    swap.write(&format!("{}\n{}\nCOMM", swap.add(), swap.remove()));
    fs::remove_file(swap.workspace.table().join("oa-2-big-Filter.db")).unwrap();
    swap.expect_refusal("no longer complete");
}

#[test]
fn old_files_of_another_time_are_refused() {
    for (forms, shift, accepted) in [
        ("dashed", 5000, false),
        ("dashed", 700, true),
        ("dashed", -250, true),
        ("dashed", -251, false),
        ("bare", 1, false),
        ("bare", 0, true),
    ] {
        for committed in [true, false] {
            let swap = Swap::new();
            let end = if forms == "bare" { "" } else { "-" };
            let path = |name: &str| format!("{}/{name}{end}", swap.workspace.table().display());
            let mut lines = vec![
                line("ADD", &path("oa-6-big"), 0, 8),
                line("REMOVE", &path("oa-2-big"), 1_700_000_000_250 + shift, 8),
            ];
            lines.extend(committed.then(commit));
            swap.write_lines(&lines);
            match (accepted, committed) {
                (false, _) => swap.expect_refusal("not as old as the log says"),
                (true, true) => swap.expect(&Verdict::RollForward),
                (true, false) => swap.expect(&Verdict::RollBack),
            }
        }
    }
}

#[test]
fn statistics_may_be_newer_and_nothing_else() {
    let swap = Swap::new();
    swap.write_lines(&[swap.add(), swap.remove(), commit()]);
    set_time(&swap.workspace.table().join("oa-2-big-Statistics.db"), 1_700_000_009_000);
    swap.expect(&Verdict::RollForward);
    for name in ["oa-2-big-Filter.db", "oa-2-big-Extra.db", "oa-2-big-Extra"] {
        let swap = Swap::new();
        swap.write_lines(&[swap.add(), swap.remove(), commit()]);
        let path = swap.workspace.table().join(name);
        fs::write(&path, "x").unwrap();
        set_time(&path, 1_700_000_009_000);
        swap.expect_refusal("not as old as the log says");
    }
}

#[test]
fn a_damaged_line_that_is_not_the_last_is_refused() {
    let swap = Swap::new();
    let bad = ["", "COMM", "REMOVE:[", "DELETE:[/x-,0,0][1]", "ADD:[/x-,0,0][1]", "\u{fffd}"];
    for middle in bad {
        swap.write_lines(&[swap.add(), middle.to_owned(), swap.remove(), commit()]);
        swap.expect_refusal("line 2");
    }
    for at in 0..swap.remove().len() {
        let mut damaged = swap.remove().into_bytes();
        damaged[at] ^= 1;
        let damaged = String::from_utf8_lossy(&damaged).into_owned();
        swap.write_lines(&[swap.add(), damaged, commit()]);
        let plan = swap.workspace.plan(&swap.target).unwrap();
        assert_eq!(plan.rewrites().count(), 0, "byte {at}");
        assert!(matches!(plan.logs[0].1, Verdict::Refuse(_)));
    }
}

/// A node that compares text would find no files of these, and leave both SSTables live; one that
/// parses the path would finish. Which of the two is unknown.
#[test]
fn other_spellings_of_what_a_node_writes_are_refused() {
    let swap = Swap::new();
    let table = swap.workspace.table().display().to_string();
    let encoded = table.replace(' ', "%20");
    for path in [
        format!("/{table}/oa-2-big-"),
        format!("{table}/./oa-2-big-"),
        format!("{table}/oa-02-big-"),
        format!("file:///{encoded}/oa-2-big-"),
        format!("file://{table}/oa-2-big-"),
        format!("file://{}/oa-2-big-", encoded.replacen("rk", "r%6B", 1)),
    ] {
        swap.write_lines(&[swap.add(), line("REMOVE", &path, 1_700_000_000_250, 8), commit()]);
        swap.expect_refusal("not an SSTable of the table");
    }
    let part = "not written as a node writes them";
    for end in ["COMMIT:[,+0,0][2613697770]", "COMMIT:[,0,0][02613697770]"] {
        swap.write_lines(&[swap.add(), swap.remove(), end.to_owned()]);
        swap.expect_refusal(part);
    }
    let remove = swap.remove();
    swap.write_lines(&[swap.add(), remove.replace(",8]", ",08]"), commit()]);
    swap.expect_refusal(part);
}

#[test]
fn repeated_records_and_records_after_the_end_are_refused() {
    let swap = Swap::new();
    let (add, remove, abort) = (swap.add(), swap.remove(), line("ABORT", "", 0, 0));
    for (lines, part) in [
        (vec![add.clone(), add.clone(), remove.clone(), commit()], "twice"),
        (vec![add.clone(), remove.clone(), remove.clone()], "twice"),
        (vec![add.clone(), remove.clone(), commit(), commit()], "twice"),
        (vec![add.clone(), commit(), remove.clone()], "after its end"),
        (vec![add.clone(), remove.clone(), abort.clone(), commit()], "after its end"),
        (vec![add, remove, commit(), abort], "after its end"),
    ] {
        swap.write_lines(&lines);
        swap.expect_refusal(part);
    }
}

#[test]
fn a_refused_log_stops_its_own_table_only() {
    let swap = Swap::new();
    let other = swap.workspace.data().join("rk/u-5ab1e000000011f0800000000000000b");
    for (name, bytes) in swap.workspace.contents() {
        if !name.starts_with("oa-6-big") {
            fs::create_dir_all(&other).unwrap();
            fs::write(other.join(name), bytes).unwrap();
        }
    }
    swap.write("nonsense\nmore nonsense\n");
    let before = swap.workspace.contents();
    let report = swap.workspace.upgrade_on(TestStorage::quick().boxed(), &swap.target).unwrap();
    assert_eq!((report.failures().count(), report.successes()), (5, 4));
    assert_eq!(swap.workspace.contents(), before);
    assert!(files(&other).contains(&"oa-6-big-Data.db".to_owned()));
}

/// One that could be finished waits beside one that cannot be read: nothing of the table is
/// touched, and the others continue.
#[test]
fn a_good_log_beside_a_refused_one_waits() {
    let swap = Swap::new();
    let other = swap.workspace.data().join("rk/u-5ab1e000000011f0800000000000000b");
    fs::create_dir_all(&other).unwrap();
    for (name, bytes) in swap.workspace.contents() {
        if !name.starts_with("oa-6-big") {
            fs::write(other.join(name), bytes).unwrap();
        }
    }
    swap.write_lines(&[swap.add(), swap.remove(), commit()]);
    let second = "oa_txn_flush_5ab1e000-0000-11f0-8000-00000000000b.log";
    fs::write(swap.workspace.table().join(second), "nonsense\nmore nonsense\n").unwrap();
    let before = swap.workspace.contents();
    let report = swap.workspace.upgrade_on(TestStorage::quick().boxed(), &swap.target).unwrap();
    assert_eq!((report.failures().count(), report.successes()), (4, 4));
    assert_eq!(swap.workspace.contents(), before);
}

#[test]
fn the_census_counts_what_a_log_condemns_until_it_is_gone() {
    let swap = Swap::new();
    swap.write_lines(&[swap.add(), swap.remove(), commit()]);
    let session = swap.workspace.session(LeaseMode::Shared).unwrap();
    let census =
        upgrade::census(&session, &Selection::default(), upgrade::Archives::default(), threads(1))
            .unwrap();
    assert_eq!(census.keys.values().map(|row| row.sstables).sum::<u64>(), 5);
}

#[test]
fn a_log_of_many_swaps_is_all_or_nothing() {
    for committed in [true, false] {
        let swap = Swap::new();
        let table = swap.workspace.table();
        for name in swap.workspace.files() {
            if let Some(component) = name.strip_prefix("oa-3-big-") {
                fs::copy(table.join(&name), table.join(format!("oa-7-big-{component}"))).unwrap();
                set_time(&table.join(&name), 1_700_000_000_250);
            }
        }
        let mut lines = vec![
            swap.add(),
            line("ADD", &swap.path("oa-7-big"), 0, 8),
            swap.remove(),
            line("REMOVE", &swap.path("oa-3-big"), 1_700_000_000_250, 8),
        ];
        lines.extend(committed.then(commit));
        swap.write_lines(&lines);
        assert_eq!(swap.recover().len(), 1);
        let left: Vec<_> =
            ["oa-2-big", "oa-3-big", "oa-6-big", "oa-7-big"].map(|name| swap.has(name)).into();
        assert_eq!(left, if committed { [0, 0, 8, 8] } else { [8, 8, 0, 0] });
    }
}
