//! With positional reads no file of the data directories is ever mapped: so a truncated or
//! unreadable one cannot raise a signal.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rekey_engine::event::{Event, Observer};
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::Selection;
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade;

use crate::kit::patient::KMIP_LINES;
use crate::kit::workspace::{target, threads};
use crate::kit::{TestStorage, Workspace};

/// Files of a workspace that this process has mapped just now.
fn mapped(workspace: &Workspace) -> Vec<String> {
    let root = fs::canonicalize(workspace.root.path()).unwrap();
    let root = root.to_str().unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().filter(|line| line.contains(root)).map(str::to_owned).collect()
}

/// Checks whenever something happens: then files are open.
struct Looker<'w> {
    workspace: &'w Workspace,
    seen: Vec<String>,
    looks: usize,
}

impl Observer for Looker<'_> {
    fn event(&mut self, _event: &Event<'_>) {
        self.looks += 1;
        self.seen.extend(mapped(self.workspace));
    }
}

/// Plans, counts keys, verifies and upgrades, and returns what was seen mapped meanwhile: at each
/// event, at each change of the file system, and as often as another thread can check.
fn seen(set: &str, with_maps: bool) -> Vec<String> {
    let mut workspace = Workspace::copy_of(set);
    workspace.mapped = with_maps;
    workspace.give_kmip_keys(KMIP_LINES);
    let target = match set {
        ENCRYPTED_INDEX => {
            fs::remove_dir_all(workspace.data().join("plain")).unwrap();
            workspace.flavor = Some(Flavor::ConvergedCore);
            let kmip = "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
                        'secret_key_strength': 256, 'key_provider': 'KmipKeyProviderFactory', \
                        'kmip_host': 'kmip1'}";
            target(kmip, Some("0eb2277e-0acc-4adb-9241-1dd84dde691c"))
        }
        _ => workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256),
    };
    let workspace = &workspace;
    let (ends, watched) = (AtomicBool::new(false), AtomicUsize::new(0));
    let mut looker = Looker { workspace, seen: vec![], looks: 0 };
    let by_thread = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let mut all = Vec::new();
            while !ends.load(Ordering::SeqCst) {
                all.extend(mapped(workspace));
                watched.fetch_add(1, Ordering::SeqCst);
            }
            all
        });
        workspace.plan(&target).unwrap();
        let session = workspace.session(LeaseMode::Shared).unwrap();
        let all = Selection::default();
        upgrade::census(&session, &all, upgrade::Archives::ALL, threads(2)).unwrap();
        let verified = upgrade::verify(
            &session,
            &all,
            upgrade::Archives::default(),
            &workspace.sources(),
            threads(2),
            &mut looker,
        )
        .unwrap();
        assert_eq!(verified.failures().count(), 0);
        drop(session);
        let storage = TestStorage::quick().boxed();
        let session = workspace.session_on(storage, LeaseMode::Exclusive).unwrap();
        let sources = workspace.sources();
        let prepared = workspace.prepare_on(&session, &all, &target, &sources).unwrap();
        let (_, report) = prepared.run(threads(2), &mut looker).unwrap();
        assert_eq!((report.failures().count(), report.successes()), (0, report.sstables.len()));
        ends.store(true, Ordering::SeqCst);
        thread.join().unwrap()
    });
    assert!(looker.looks > 8 && watched.into_inner() > 0, "nobody looked");
    looker.seen.into_iter().chain(by_thread).collect()
}

#[test]
fn no_file_is_mapped_with_positional_reads() {
    for set in [USUAL, ENCRYPTED_INDEX, "fixtures/oa-encrypting-lz4"] {
        assert_eq!(seen(set, false), Vec::<String>::new(), "{set}");
    }
}

/// The one above can fail; small files are never mapped.
#[test]
fn files_are_mapped_when_maps_are_requested() {
    let seen = seen(ENCRYPTED_INDEX, true);
    assert!(seen.iter().any(|line| line.contains("Data.db")), "{seen:?}");
}

const USUAL: &str = "fixtures/oa-aes-cbc-256-64k";
const ENCRYPTED_INDEX: &str = "fixtures/cc-kmip-cbc";
