//! Steps that fail while copies are replaced, and the state afterwards.

use std::io;

use rekey_engine::ErrorKind;

use super::*;
use crate::kit::TestStorage;
use crate::kit::oracle::chunks;
use crate::kit::workspace::is_at_rest;

impl Node {
    /// A run in which the steps fail that a rule chooses; then what must hold.
    fn failing(&self, rule: impl Fn(&str, &Path) -> bool + Send + Sync + 'static) -> Report {
        let storage = TestStorage::failing(move |op| {
            rule(op.name, op.path).then_some(io::ErrorKind::PermissionDenied)
        });
        self.workspace.upgrade_on(storage.boxed(), &self.target).unwrap()
    }

    /// Whether the SSTables in a folder are new: all of them or none, and each wholly.
    fn is_new(&self, folder: &Path) -> bool {
        let file = |prefix: &String| {
            let options = chunks(prefix, true).options;
            options.into_iter().find(|(name, _)| name == "secret_key_file").unwrap().1
        };
        let keys: BTreeSet<String> = prefixes(folder).iter().map(file).collect();
        assert_eq!(keys.len(), 1, "{keys:?}");
        let key = keys.into_iter().next().unwrap();
        assert_eq!(self.rows(folder, &key).len(), 4);
        key.ends_with("/new-key")
    }
}

fn in_folder(path: &Path, folder: &str) -> bool {
    path.parent().is_some_and(|parent| parent.ends_with(folder))
}

/// Three copies of four SSTables.
fn node() -> (Node, [PathBuf; 3]) {
    let node = Node::usual();
    let archives = ["snapshots/a", "snapshots/b", "backups"].map(|folder| node.link(folder, &[]));
    (node, archives)
}

#[test]
fn an_irreplaceable_copy_stays_old_and_new_ones_are_reported() {
    for (call, component) in
        [("replace", "Data.db"), ("replace", "TOC.txt"), ("sync_directory", "")]
    {
        let (node, archives) = node();
        // Backups come first, then snapshots by their names.
        let failed = std::sync::Mutex::new(BTreeSet::new());
        let report = node.failing(move |name, path| {
            let is_it = match component {
                "" => path.ends_with("snapshots/b"),
                _ => in_folder(path, "snapshots/b") && path.to_str().unwrap().ends_with(component),
            };
            // Each once: to undo it is possible.
            name == call && is_it && failed.lock().unwrap().insert(path.to_owned())
        });
        let failures = report.failures().count();
        let expected = if call == "sync_directory" { 1 } else { 4 };
        assert_eq!(failures, expected, "{call} {component}");
        for line in &report.sstables {
            let Outcome::Failed(error) = &line.outcome else {
                assert_eq!(line.copies, 3);
                continue;
            };
            assert_eq!(error.kind(), ErrorKind::Io);
            assert_eq!(line.copies, 2);
            let told: BTreeSet<_> = line
                .warnings
                .iter()
                .map(|warning| {
                    assert!(warning.to_string().contains("new all the same"), "{warning}");
                    warning.path().unwrap().parent().unwrap().to_owned()
                })
                .collect();
            assert_eq!(told, BTreeSet::from([archives[0].clone(), archives[2].clone()]));
        }
        if failures == 4 {
            assert!(!node.is_new(&archives[1]) && !node.is_new(&node.table()));
            assert!(node.is_new(&archives[0]) && node.is_new(&archives[2]));
        }
        assert!(is_at_rest(&node.workspace.data()));
        assert_eq!(node.keys().len(), 2);
        // The next run does what is left.
        let report = node.upgrade();
        assert_eq!(rewritten(&report), expected);
        assert!(archives.iter().all(|archive| node.is_new(archive)));
        assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));
    }
}

#[test]
fn a_failed_swap_leaves_new_copies_and_reports_them() {
    let (node, archives) = node();
    let report = node.failing(|name, path| {
        name == "create" && path.extension().is_some_and(|extension| extension == "log")
    });
    assert_eq!((report.failures().count(), copies(&report)), (4, 12));
    assert!(report.sstables.iter().all(|line| line.warnings.len() == 3));
    assert!(archives.iter().all(|archive| node.is_new(archive)));
    assert!(!node.is_new(&node.table()));
    let report = node.upgrade();
    assert_eq!((rewritten(&report), copies(&report)), (4, 0));
    assert!(node.is_new(&node.table()));
}

/// What cannot be undone either is left for the next run, or for `abandon`; until then any key may
/// be in use.
#[test]
fn a_partly_replaced_copy_is_finished_by_the_next_command() {
    for by_abandon in [false, true] {
        let (node, archives) = node();
        let fails = |name: &str, path: &Path| {
            let is_it = in_folder(path, "snapshots/a") && path.ends_with("oa-2-big-TOC.txt");
            // Undoing fails at what was not replaced, since nothing is there to be undone with.
            name == "replace" && is_it || name == "sync_directory" && path.ends_with("snapshots/a")
        };
        let report = node.failing(fails);
        let state = node.workspace.data().join(".sstablerekey");
        assert!(state.join("journal").exists());
        let pending = report
            .sstables
            .iter()
            .flat_map(|line| &line.warnings)
            .filter(|warning| warning.to_string().contains("partly replaced"));
        assert_eq!(pending.count(), 4);
        assert!(!node.is_new(&node.table()));

        let census = node.census();
        assert_eq!(census.unknown.len(), 4, "{:?}", census.unknown);
        assert!(census.unknown.iter().all(|error| error.hint_text().is_some()));
        let plan = node.workspace.plan(&node.target).unwrap();
        let told = plan.findings.iter().any(|f| f.error.to_string().contains("was cut off"));
        assert!(told, "{:?}", plan.findings);
        // Without an end to that first, they are not begun.
        let report = node.failing(fails);
        assert_eq!(
            report.failures().map(rekey_engine::Error::kind).collect::<Vec<_>>(),
            [ErrorKind::Io, ErrorKind::Io, ErrorKind::Io, ErrorKind::Io]
        );
        if by_abandon {
            let session = node.workspace.session(LeaseMode::Exclusive).unwrap();
            let done = upgrade::abandon(&session).unwrap();
            assert!(!done.had_journal);
            // All copies of the SSTables, done or not.
            assert_eq!(done.recovered.copies.len(), 12);
            drop(session);
            assert!(is_at_rest(&node.workspace.data()));
            assert!(archives.iter().all(|archive| node.is_new(archive)));
            assert!(!node.is_new(&node.table()));
            assert_eq!(node.keys().len(), 2);
        }
        let report = node.upgrade();
        assert_eq!(rewritten(&report), 4);
        assert!(archives.iter().all(|archive| node.is_new(archive)));
        assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));
    }
}

/// Records that cannot be trusted are reported, not guessed about; the others continue. Where
/// staged files are gone, the copies are restored.
#[test]
fn an_unusable_record_stops_only_its_own_sstable() {
    for damage in ["record", "staged", "both", "cleared"] {
        let (node, archives) = node();
        node.failing(|name, path| name == "sync_directory" && path.ends_with("snapshots/a"));
        let state = node.workspace.data().join(".sstablerekey");
        let is_staging = |name: &String| !["journal", "run", "rewritten"].contains(&name.as_str());
        let staging = files(&state).into_iter().find(is_staging).unwrap();
        let record = state.join(&staging).join("replacement");
        let name = staging.rsplit('.').next().unwrap();
        let data = archives[0].join(format!("{name}-Data.db"));
        let spoil = || {
            fs::remove_file(state.join(&staging).join("Data.db.staged")).unwrap();
            fs::remove_file(&data).unwrap();
            fs::write(&data, "torn").unwrap();
        };
        match damage {
            "record" => {
                let mut bytes = fs::read(&record).unwrap();
                bytes[20] ^= 1;
                fs::write(&record, bytes).unwrap();
            }
            "staged" => spoil(),
            "both" => {
                spoil();
                fs::remove_file(state.join(&staging).join("Data.db.replaced")).unwrap();
            }
            _ => fs::remove_dir_all(&archives[0]).unwrap(),
        }
        if damage == "record" || damage == "both" {
            let session = node.workspace.session(LeaseMode::Exclusive).unwrap();
            let recovered = upgrade::recover(&session, &Selection::default()).unwrap();
            let [stuck] = recovered.stuck.as_slice() else { panic!("{recovered:?}") };
            assert_eq!(stuck.kind(), ErrorKind::Corrupt, "{stuck:?}");
            assert!(stuck.path().is_some() && stuck.hint_text().unwrap().contains("restore"));
            assert_eq!(upgrade::abandon(&session).unwrap().recovered.stuck.len(), 1);
            drop(session);
            assert!(record.exists(), "nothing is thrown away");
            assert!(!node.census().unknown.is_empty());
            let report = node.workspace.upgrade(&node.target).unwrap();
            // The torn one is in a snapshot, and an SSTable of its own.
            let failures = if damage == "both" { 2 } else { 1 };
            assert_eq!((report.failures().count(), rewritten(&report)), (failures, 3), "{damage}");
            assert!(record.exists());
            continue;
        }
        let report = node.workspace.upgrade(&node.target).unwrap();
        assert_eq!(report.failures().count(), 0, "{damage}: {report:?}");
        assert!(is_at_rest(&node.workspace.data()));
        let there: Vec<_> = archives.iter().filter(|archive| archive.exists()).collect();
        assert!(there.iter().all(|archive| node.is_new(archive)), "{damage}");
    }
}

/// A mount on which nothing can take a place (a bind mount, a snapshot that is read-only): nothing
/// was replaced, and there is nothing to finish or to undo.
#[test]
fn an_irreplaceable_folder_stays_old_and_blocks_nothing() {
    for (copied, is_left) in [(false, false), (true, false), (false, true), (true, true)] {
        let (node, archives) = node();
        let storage = move |is_left: bool| {
            let storage = TestStorage::failing(move |op| {
                let is_record = is_left && op.path.ends_with("replacement");
                let is_it = op.name == "replace" && in_folder(op.path, "snapshots/a")
                    || op.name == "remove_file" && is_record;
                is_it.then_some(io::ErrorKind::CrossesDevices)
            });
            if copied { storage.copying(".replaced") } else { storage }
        };
        let report = node.workspace.upgrade_on(storage(is_left).boxed(), &node.target).unwrap();
        assert_eq!(report.failures().count(), 4);
        let warnings = report.sstables.iter().flat_map(|line| &line.warnings);
        let pending = warnings.filter(|warning| warning.to_string().contains("partly")).count();
        assert_eq!(pending, if is_left { 4 } else { 0 });
        assert!(!node.is_new(&archives[0]) && !node.is_new(&node.table()));
        assert_eq!(is_at_rest(&node.workspace.data()), !is_left);
        let session = node.workspace.session_on(storage(false).boxed(), LeaseMode::Exclusive);
        let session = session.unwrap();
        let done = upgrade::abandon(&session).unwrap();
        drop(session);
        assert!(done.recovered.stuck.is_empty(), "{done:?}");
        assert_eq!(done.recovered.warnings.len(), if is_left { 4 } else { 0 });
        assert!(is_at_rest(&node.workspace.data()) && node.census().unknown.is_empty());
        assert_eq!(rewritten(&node.upgrade()), 4);
        assert!(archives.iter().all(|archive| node.is_new(archive)));
    }
}

/// A kill in the middle of a copy, and then its folder becomes unwritable, or the staged files are
/// gone: the next command restores the copy.
#[test]
fn a_copy_that_can_no_longer_be_finished_is_restored() {
    for by_abandon in [false, true] {
        let (node, archives) = node();
        node.failing(|name, path| {
            let is_it = in_folder(path, "snapshots/a") && path.ends_with("oa-2-big-TOC.txt");
            name == "replace" && is_it || name == "sync_directory" && path.ends_with("snapshots/a")
        });
        let state = node.workspace.data().join(".sstablerekey");
        for staging in files(&state) {
            let staged = state.join(staging).join("Data.db.staged");
            if staged.exists() {
                fs::remove_file(staged).unwrap();
            }
        }
        if by_abandon {
            let session = node.workspace.session(LeaseMode::Exclusive).unwrap();
            let done = upgrade::abandon(&session).unwrap();
            assert!(done.recovered.stuck.is_empty(), "{done:?}");
            assert!(!done.recovered.warnings.is_empty());
            drop(session);
            assert!(is_at_rest(&node.workspace.data()));
            assert!(!node.is_new(&archives[0]));
            assert!(node.census().unknown.is_empty());
        }
        let report = node.upgrade();
        assert_eq!(report.failures().count(), 0);
        assert!(archives.iter().all(|archive| node.is_new(archive)));
        assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));
    }
}
