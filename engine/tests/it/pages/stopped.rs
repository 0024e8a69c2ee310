//! A run that is to end while an index is laid out anew.

use std::sync::{Arc, Mutex};

use rekey_engine::ErrorKind;
use rekey_engine::io::LeaseMode;
use rekey_engine::pipeline::Control;
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{Outcome, Report};

use crate::kit::workspace::threads;
use crate::kit::{TestStorage, Workspace};

/// Four SSTables that have never been encrypted.
fn node() -> Workspace {
    let mut workspace = Workspace::copy_of("fixtures/plain-da");
    workspace.flavor = Some(Flavor::ConvergedCore);
    workspace.threads = threads(1);
    workspace.selection.keyspace = Some("rk".to_owned());
    workspace.selection.tables = vec!["t".to_owned()];
    workspace.step();
    workspace
}

/// Runs, and is to end at the first step of this name on such a file. Returns the new files, too.
fn run(workspace: &Workspace, name: &'static str, ending: &'static str) -> (Report, Vec<String>) {
    let made = Arc::new(Mutex::new(Vec::new()));
    let control = Arc::new(Control::default());
    let storage = {
        let (made, control) = (Arc::clone(&made), Arc::clone(&control));
        TestStorage::failing(move |op| {
            let path = op.path.display().to_string();
            if op.name == name && path.ends_with(ending) {
                control.stop();
            }
            if op.name == "create" && path.contains(".staged") {
                made.lock().unwrap().push(path);
            }
            None
        })
    };
    let session = workspace.session_on(storage.boxed(), LeaseMode::Exclusive).unwrap();
    let session = session.with_control(control);
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let (selection, sources) = (&workspace.selection, workspace.sources());
    let report = workspace.run_on(&session, selection, &target, &sources).unwrap();
    let made = made.lock().unwrap().clone();
    (report, made)
}

fn interrupted(report: &Report) -> usize {
    report.failures().filter(|error| error.kind() == ErrorKind::Interrupted).count()
}

#[test]
fn a_run_that_is_to_end_does_not_wait_for_an_index() {
    let workspace = node();
    let before = workspace.contents();

    let (report, made) = run(&workspace, "create", "Partitions.db.staged");
    assert_eq!((interrupted(&report), report.sstables.len()), (4, 4), "{report:?}");
    assert!(workspace.contents() == before);
    // It ended within the index: nothing of its SSTable was made after that.
    let index = made.iter().find(|path| path.ends_with("Rows.db.staged")).unwrap();
    let own = index.strip_suffix("Rows.db.staged").unwrap();
    assert!(!made.iter().any(|path| path.ends_with("TOC.txt.staged")), "{made:?}");
    let data = format!("{own}Data.db.staged");
    assert!(made.contains(&data), "{made:?}");

    // Its Data.db is not written again.
    let (report, made) = run(&workspace, "", "nothing");
    let rewritten = |outcome: &Outcome| matches!(outcome, Outcome::Rewritten { .. });
    assert!(report.sstables.iter().all(|line| rewritten(&line.outcome)), "{report:?}");
    assert!(!made.contains(&data) && made.contains(index), "{made:?}");
    assert_eq!(report.sstables.len(), 4);
    assert_eq!(workspace.verify().failures().count(), 0);
}

/// The same while it is read back: by then the old index has been read.
#[test]
fn neither_does_it_for_what_is_read_back() {
    let workspace = node();
    let before = workspace.contents();
    let (report, made) = run(&workspace, "sync", "Rows.db.staged");
    assert!(made.iter().any(|path| path.ends_with("Rows.db.staged")), "{made:?}");
    assert!(!made.iter().any(|path| path.ends_with("TOC.txt.staged")), "{made:?}");
    assert_eq!(interrupted(&report), 4, "{report:?}");
    assert!(workspace.contents() == before);
    let (report, _) = run(&workspace, "", "nothing");
    assert_eq!(report.failures().count(), 0);
}
