//! A run that is to end while an index is laid out anew.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rekey_engine::ErrorKind;
use rekey_engine::io::LeaseMode;
use rekey_engine::pipeline::Control;
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{Outcome, Report};

use crate::kit::workspace::threads;
use crate::kit::{TestStorage, Workspace};

const CIPHER: &str = "AES/CBC/PKCS5Padding";

/// The new files that a run makes.
type Made = Arc<Mutex<Vec<String>>>;

/// Runs; with the first new file of this component the run is to end. Returns what it made, too.
fn run(workspace: &Workspace, ending_with: &'static str) -> (Report, Vec<String>) {
    let made = Made::default();
    let control = Arc::new(Control::default());
    let storage = {
        let (made, control) = (Arc::clone(&made), Arc::clone(&control));
        TestStorage::failing(move |op| {
            let path = op.path.display().to_string();
            if op.name == "create" && path.contains(".staged") {
                if path.ends_with(ending_with) {
                    control.stop();
                }
                made.lock().unwrap().push(path);
            }
            None
        })
    };
    let session = workspace.session_on(storage.boxed(), LeaseMode::Exclusive).unwrap();
    let session = session.with_control(control);
    let target = workspace.new_key("new-key", CIPHER, 256);
    let report =
        workspace.run_on(&session, &workspace.selection, &target, &workspace.sources()).unwrap();
    let made = made.lock().unwrap().clone();
    (report, made)
}

#[test]
fn a_run_that_is_to_end_does_not_wait_for_an_index() {
    let mut workspace = Workspace::copy_of("fixtures/plain-da");
    workspace.flavor = Some(Flavor::ConvergedCore);
    workspace.threads = threads(1);
    workspace.selection.keyspace = Some("rk".to_owned());
    workspace.selection.tables = vec!["t".to_owned()];
    workspace.step();
    let before = workspace.contents();

    let (report, made) = run(&workspace, "Partitions.db.staged");
    let interrupted = report.failures().filter(|error| error.kind() == ErrorKind::Interrupted);
    assert_eq!((interrupted.count(), report.sstables.len()), (4, 4), "{report:?}");
    assert!(workspace.contents() == before);
    // It ended within the index: nothing of its SSTable was made after that.
    let index = made.iter().find(|path| path.ends_with("Rows.db.staged")).unwrap();
    let own = index.strip_suffix("Rows.db.staged").unwrap();
    assert!(!made.iter().any(|path| path.ends_with("TOC.txt.staged")), "{made:?}");
    let data = format!("{own}Data.db.staged");
    assert!(made.contains(&data), "{made:?}");

    // Its Data.db is not written again.
    let (report, made) = run(&workspace, "nothing");
    let rewritten = |outcome: &Outcome| matches!(outcome, Outcome::Rewritten { .. });
    assert!(report.sstables.iter().all(|line| rewritten(&line.outcome)), "{report:?}");
    assert!(!made.contains(&data) && made.contains(index), "{made:?}");
    assert_eq!(report.sstables.len(), 4);
    assert_eq!(workspace.verify().failures().count(), 0);
}

/// The same while it is read back: the run has already asked once per index.
#[test]
fn neither_does_it_for_what_is_read_back() {
    let mut workspace = Workspace::copy_of("fixtures/plain-da");
    workspace.flavor = Some(Flavor::ConvergedCore);
    workspace.selection.keyspace = Some("rk".to_owned());
    workspace.selection.tables = vec!["t".to_owned()];
    let before = workspace.contents();
    let synced = Arc::new(AtomicUsize::new(0));
    let control = Arc::new(Control::default());
    let storage = {
        let (synced, control) = (Arc::clone(&synced), Arc::clone(&control));
        TestStorage::failing(move |op| {
            if op.name == "sync" && op.path.ends_with("Rows.db.staged") {
                synced.fetch_add(1, Ordering::SeqCst);
                control.stop();
            }
            None
        })
    };
    let session = workspace.session_on(storage.boxed(), LeaseMode::Exclusive).unwrap();
    let session = session.with_control(control);
    let target = workspace.new_key("new-key", CIPHER, 256);
    let sources = workspace.sources();
    let report = workspace.run_on(&session, &workspace.selection, &target, &sources).unwrap();
    assert!(synced.load(Ordering::SeqCst) > 0);
    let interrupted = report.failures().filter(|error| error.kind() == ErrorKind::Interrupted);
    assert_eq!(interrupted.count(), 4, "{report:?}");
    assert!(workspace.contents() == before);
    drop(session);
    assert_eq!(workspace.upgrade(&target).unwrap().failures().count(), 0);
}
