//! Which SSTables are copies of which, and what happens to them.

use std::os::unix::fs::PermissionsExt as _;

use rekey_engine::plan::{Action, SkipReason};

use super::*;
use crate::kit::workspace::{copy_tree, is_at_rest, target};

#[test]
fn shared_files_are_re_encrypted_once_and_linked_everywhere() {
    let node = Node::usual();
    for name in node.workspace.files() {
        let path = node.table().join(name);
        fs::set_permissions(path, fs::Permissions::from_mode(0o640)).unwrap();
    }
    let archives: Vec<_> = ["snapshots/before", "snapshots/after it", "backups"]
        .into_iter()
        .map(|folder| node.link(folder, &[]))
        .collect();
    let names: Vec<_> = archives.iter().map(|archive| files(archive)).collect();
    let kept = |archive: &Path| -> Vec<_> {
        let names = files(archive);
        let kept = names.iter().filter(|name| {
            ["Index.db", "Filter.db", "Statistics.db", "Summary.db", ".json"]
                .iter()
                .any(|ending| name.ends_with(ending))
        });
        kept.map(|name| (name.clone(), inode(&archive.join(name)))).collect()
    };
    let (rows, before) = (node.rows(&node.table(), "keys/aes-cbc-256"), kept(&archives[0]));

    let plan = node.workspace.plan(&node.target).unwrap();
    assert_eq!((plan.sstables.len(), plan.archived_left), (4, 0));
    for planned in &plan.sstables {
        assert!(planned.is_live && planned.copies.len() == 3, "{planned:?}");
    }
    let report = node.upgrade();
    assert_eq!((report.sstables.len(), rewritten(&report), copies(&report)), (4, 4, 12));

    let inodes = data_inodes(&node.table());
    assert_eq!(inodes.len(), 4);
    for (archive, names) in archives.iter().zip(names) {
        assert_eq!(files(archive), names, "names stay");
        assert_eq!(data_inodes(archive), inodes, "{}", archive.display());
        assert_eq!(node.rows(archive, "new-key"), rows);
        assert_eq!(fs::read_to_string(archive.join(MANIFEST.0)).unwrap(), MANIFEST.1);
        for name in names.iter().filter(|name| *name != MANIFEST.0) {
            let mode = fs::metadata(archive.join(name)).unwrap().permissions().mode() & 0o7777;
            assert_eq!(mode, 0o640, "{name}");
        }
    }
    assert_eq!(kept(&archives[0]), before, "what need not change is the same file");
    assert_eq!(node.rows(&node.table(), "new-key"), rows);
    assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));

    // Once more, and nothing is left to do.
    let report = node.upgrade();
    assert_eq!((rewritten(&report), copies(&report)), (0, 0));

    // Live SSTables have other names by now, and the same files.
    let next = node.workspace.new_key("next-key", "AES/CBC/PKCS5Padding", 256);
    let node = Node { target: next, ..node };
    let report = node.upgrade();
    assert_eq!((report.sstables.len(), rewritten(&report), copies(&report)), (4, 4, 12));
    assert_eq!(node.rows(&archives[2], "next-key"), rows);
    assert_eq!(data_inodes(&archives[2]), data_inodes(&node.table()));
}

#[test]
fn archives_stay_and_are_counted_unless_requested() {
    let mut node = Node::usual();
    node.workspace.archives = Archives::default();
    let snapshot = node.link("snapshots/s", &[]);
    let backups = node.link("backups", &["oa-2-big"]);
    // One without a live counterpart, and one in clear, which is never touched.
    let gone = node.link("snapshots/old", &["oa-3-big"]);
    for name in node.workspace.files().iter().filter(|name| name.starts_with("oa-3-big")) {
        fs::remove_file(node.table().join(name)).unwrap();
    }
    let before: Vec<_> = [&snapshot, &backups, &gone].map(|archive| tree(archive)).into();
    let plan = node.workspace.plan(&node.target).unwrap();
    assert_eq!((plan.sstables.len(), plan.archived_left), (3, 4 + 1 + 1));
    assert!(plan.sstables.iter().all(|planned| planned.copies.is_empty()));
    assert_eq!(plan.findings.len(), 0, "{:?}", plan.findings);
    let report = node.upgrade();
    assert_eq!((rewritten(&report), copies(&report)), (3, 0));
    let after: Vec<_> = [&snapshot, &backups, &gone].map(|archive| tree(archive)).into();
    assert!(before == after, "archives are as they were");
    assert_eq!(node.keys().len(), 2);

    // A second run does them: snapshots first, which share their files only with each other.
    node.workspace.archives = Archives { snapshots: true, backups: false };
    let plan = node.workspace.plan(&node.target).unwrap();
    let of_snapshots: Vec<_> = plan.sstables.iter().filter(|planned| !planned.is_live).collect();
    assert_eq!((of_snapshots.len(), plan.archived_left), (4, 1));
    assert!(of_snapshots.iter().all(|planned| planned.space.most > 0));
    let report = node.upgrade();
    assert_eq!((report.sstables.len(), rewritten(&report), copies(&report)), (7, 4, 5));
    assert_eq!(data_inodes(&gone).difference(&data_inodes(&snapshot)).count(), 0);
    assert_eq!(node.keys().len(), 2, "the backup is under the old key");
    assert!(tree(&backups) == before[1], "the backup is as it was");

    node.workspace.archives = Archives { snapshots: false, backups: true };
    let plan = node.workspace.plan(&node.target).unwrap();
    assert_eq!(plan.archived_left, 0);
    let report = node.upgrade();
    assert_eq!((rewritten(&report), copies(&report)), (1, 1));
    assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));
    assert_eq!(node.rows(&snapshot, "new-key").len(), 4);
}

/// An index that is built appends to the list that a snapshot shares; one that is dropped leaves it, or
/// leaves a list of itself alone.
#[test]
fn lists_left_by_indices_are_corrected_in_every_place() {
    use std::io::Write as _;
    let node = Node::usual();
    let live = |name: &str| node.table().join(name);
    let append = |name: &str, line: &str| {
        let file = fs::OpenOptions::new().append(true).open(live(name));
        writeln!(file.unwrap(), "{line}").unwrap();
    };
    let built_later = node.link("snapshots/built later", &["oa-2-big"]);
    append("oa-2-big-TOC.txt", "SI_later.db");
    fs::write(live("oa-2-big-SI_later.db"), "index").unwrap();
    fs::write(live("oa-3-big-SI_gone.db"), "index").unwrap();
    append("oa-3-big-TOC.txt", "SI_gone.db");
    let dropped_later = node.link("snapshots/dropped later", &["oa-3-big"]);
    fs::remove_file(live("oa-3-big-SI_gone.db")).unwrap();
    let alone = node.link("snapshots/alone", &["oa-4-big"]);
    fs::remove_file(live("oa-4-big-TOC.txt")).unwrap();
    fs::write(live("oa-4-big-TOC.txt"), "SAI+aa+Meta.db\n").unwrap();
    let rows = node.rows(&node.table(), "keys/aes-cbc-256");

    let report = node.upgrade();
    // The one whose list is a separate file by now is rewritten on its own.
    assert_eq!((rewritten(&report), copies(&report)), (5, 3));
    assert_eq!(node.rows(&node.table(), "new-key"), rows);
    assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));
    let folders = [node.table(), built_later, dropped_later.clone(), alone];
    for folder in &folders {
        for prefix in prefixes(folder) {
            let toc = fs::read_to_string(format!("{prefix}TOC.txt")).unwrap();
            let listed: BTreeSet<_> = toc.lines().collect();
            assert_eq!(listed.len(), toc.lines().count(), "{prefix}: {toc}");
            for name in files(folder) {
                let Some(component) =
                    folder.join(&name).to_str().unwrap().strip_prefix(&prefix).map(str::to_owned)
                else {
                    continue;
                };
                assert!(listed.contains(component.as_str()), "{name}: {toc}");
            }
            // What is listed and missing is in another place that shares the list.
            assert!(!toc.contains("SAI"), "{prefix}: {toc}");
        }
    }
    assert_eq!(fs::read(dropped_later.join("oa-3-big-SI_gone.db")).unwrap(), b"index");
    let plan = node.workspace.plan(&node.target).unwrap();
    assert_eq!(plan.rewrites().count(), 0);
}

/// An operator has copied a file of a snapshot, or a component was rewritten since.
#[test]
fn copies_with_a_file_of_their_own_are_rewritten_separately() {
    let node = Node::usual();
    let same = node.link("snapshots/same", &[]);
    let other = node.link("snapshots/other", &[]);
    let own = |archive: &Path, name: &str| {
        let path = archive.join(name);
        let bytes = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(path, bytes).unwrap();
    };
    // Statistics.db stays where it is, so it does not matter which SSTable it belongs to.
    own(&same, "oa-3-big-Statistics.db");
    own(&other, "oa-2-big-TOC.txt");
    fs::remove_file(other.join("oa-4-big-Digest.crc32")).unwrap();
    let toc = fs::read_to_string(other.join("oa-4-big-TOC.txt")).unwrap();
    fs::remove_file(other.join("oa-4-big-TOC.txt")).unwrap();
    fs::write(other.join("oa-4-big-TOC.txt"), toc.replace("Digest.crc32\n", "")).unwrap();

    let plan = node.workspace.plan(&node.target).unwrap();
    assert_eq!(plan.sstables.len(), 4 + 2);
    let alone = plan.sstables.iter().filter(|planned| !planned.is_live);
    for planned in alone {
        assert_eq!(planned.sstable.directory, other);
        let Action::Rewrite { new, .. } = &planned.action else { panic!("{planned:?}") };
        assert_eq!(*new, planned.sstable.descriptor, "it keeps its name");
    }
    let report = node.upgrade();
    assert_eq!((rewritten(&report), copies(&report)), (6, 8));
    let live = data_inodes(&node.table());
    assert_eq!(data_inodes(&same), live);
    assert_eq!(data_inodes(&other).intersection(&live).count(), 2);
    for archive in [&same, &other] {
        assert_eq!(node.rows(archive, "new-key").len(), 4);
    }
    assert!(other.join("oa-4-big-Digest.crc32").exists());
    assert!(fs::read_to_string(other.join("oa-4-big-TOC.txt")).unwrap().contains("Digest.crc32"));
    assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));
}

#[test]
fn indices_have_folders_of_their_own_in_archives_too() {
    let node = Node::usual();
    let (snapshot, backups) = (node.link("snapshots/s", &[]), node.link("backups", &[]));
    copy_tree(&node.table(), &node.workspace.root.path().join("index"));
    let index = node.table().join(".by_n");
    link_files(&node.workspace.root.path().join("index"), &index, &[]);
    for archive in [&snapshot, &backups] {
        link_files(&index, &archive.join(".by_n"), &[]);
    }
    let plan = node.workspace.plan(&node.target).unwrap();
    let indices = plan.sstables.iter().filter(|planned| planned.table == "rk.t.by_n");
    assert_eq!(indices.map(|planned| planned.copies.len()).collect::<Vec<_>>(), [2; 4]);
    let report = node.upgrade();
    assert_eq!((rewritten(&report), copies(&report)), (8, 16));
    for folder in [&snapshot, &backups] {
        assert_eq!(data_inodes(folder), data_inodes(&node.table()));
        assert_eq!(data_inodes(&folder.join(".by_n")), data_inodes(&index));
    }
    assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));
    // An index without a live table of its own: it is known by its name.
    fs::remove_dir_all(&index).unwrap();
    let next = node.workspace.new_key("next-key", "AES/CBC/PKCS5Padding", 256);
    let plan = node.workspace.plan(&next).unwrap();
    let indices = plan.sstables.iter().filter(|planned| planned.table == "rk.t.by_n");
    assert_eq!(indices.map(|planned| planned.copies.len()).collect::<Vec<_>>(), [2; 4]);
}

/// Statistics.db, Partitions.db and Rows.db are replaced where they are encrypted.
#[test]
fn encrypted_components_beside_data_are_replaced_too() {
    for set in ["cc-kmip-cbc", "bb-local-cbc"] {
        let mut node = Node::new(set);
        fs::remove_dir_all(node.workspace.data().join("plain")).unwrap();
        if set.starts_with("cc") {
            use crate::pages::{OLD_KMIP, OTHER_KMIP};
            node.workspace.flavor = Some(rekey_engine::txn::Flavor::ConvergedCore);
            node.workspace.give_kmip_keys(&format!(
                "{} = {}\n{} = {}\n",
                OLD_KMIP.0, OLD_KMIP.1, OTHER_KMIP.0, OTHER_KMIP.1
            ));
            let cql = "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
                       'secret_key_strength': 256, 'key_provider': 'KmipKeyProviderFactory', \
                       'kmip_host': 'kmip1'}";
            node.target = target(cql, Some(OTHER_KMIP.0));
        } else {
            node.workspace.flavor = Some(rekey_engine::txn::Flavor::Dse);
        }
        let linked = node.link("snapshots/linked", &[]);
        // The database has rewritten the metadata of a live one: only Data.db is the same.
        let apart = node.link("snapshots/apart", &[]);
        let statistics = files(&apart).into_iter().find(|n| n.ends_with("Statistics.db")).unwrap();
        let bytes = fs::read(apart.join(&statistics)).unwrap();
        fs::remove_file(apart.join(&statistics)).unwrap();
        fs::write(apart.join(&statistics), bytes).unwrap();

        let plan = node.workspace.plan(&node.target).unwrap();
        let count = plan.sstables.len();
        assert_eq!(plan.sstables.iter().filter(|planned| !planned.is_live).count(), 1, "{set}");
        let report = node.upgrade();
        assert_eq!(rewritten(&report), count, "{set}");
        assert_eq!(data_inodes(&linked), data_inodes(&node.table()));
        assert_eq!(data_inodes(&linked).difference(&data_inodes(&apart)).count(), 1);
        for archive in [&linked, &apart] {
            for name in files(archive).iter().filter(|name| name.ends_with("Rows.db")) {
                assert_eq!(
                    fs::metadata(archive.join(name)).unwrap().nlink() > 1,
                    archive == &linked
                        || !name.starts_with(statistics.trim_end_matches("Statistics.db"))
                );
            }
        }
        let census = node.census();
        assert_eq!((census.keys.len(), census.unknown.len()), (1, 0), "{set}: {census:?}");
        for archive in [&linked, &apart] {
            assert_restored(&node, archive);
        }
    }
}

/// A snapshot that is restored into a table reads with the new key alone, all of it.
fn assert_restored(node: &Node, archive: &Path) {
    let table = node.table();
    for name in files(&table).iter().filter(|name| table.join(name).is_file()) {
        fs::remove_file(table.join(name)).unwrap();
    }
    link_files(archive, &table, &[]);
    fs::remove_file(table.join(MANIFEST.0)).unwrap();
    let report = node.workspace.verify();
    assert_eq!(report.failures().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
    assert!(!report.sstables.is_empty());
}

/// The new form has other components, other options, and another compression ratio to tell.
#[test]
fn components_are_added_and_removed_in_copies_too() {
    let node = Node::usual();
    let snapshot = node.link("snapshots/s", &[]);
    fs::write(node.table().join("oa-2-big-Digest.sha1"), "x").unwrap();
    fs::hard_link(node.table().join("oa-2-big-Digest.sha1"), snapshot.join("oa-2-big-Digest.sha1"))
        .unwrap();
    let clear = Node { target: target("{'enabled': 'false'}", None), ..node };
    let report = clear.upgrade();
    assert_eq!((rewritten(&report), copies(&report)), (4, 4));
    let endings = |archive: &Path| -> BTreeSet<String> {
        let names = files(archive);
        let names = names.iter().filter_map(|name| name.strip_prefix("oa-2-big-"));
        names.map(str::to_owned).collect()
    };
    let has = |component: &str| endings(&snapshot).contains(component);
    assert!(has("CRC.db") && !has("CompressionInfo.db") && !has("Digest.sha1"), "{snapshot:?}");
    let toc = fs::read_to_string(snapshot.join("oa-2-big-TOC.txt")).unwrap();
    let listed: BTreeSet<String> = toc.lines().map(str::to_owned).collect();
    assert_eq!(listed, endings(&snapshot));
    assert_restored(&clear, &snapshot);

    // And back: from clear to a compressor with encryption.
    let node = Node { target: clear.workspace.new_key("k", "AES", 128), ..clear };
    let selection = Selection { keyspace: Some("rk".to_owned()), tables: vec!["t".to_owned()] };
    let session = node.workspace.session(LeaseMode::Exclusive).unwrap();
    let sources = node.workspace.sources();
    let report = node.workspace.run_on(&session, &selection, &node.target, &sources).unwrap();
    drop(session);
    assert_eq!((rewritten(&report), copies(&report)), (4, 4));
    assert!(endings(&snapshot).contains("CompressionInfo.db"));
    assert!(!endings(&snapshot).contains("CRC.db"));
    assert_restored(&node, &snapshot);
}

/// A dropped table leaves its directory with nothing but a snapshot, whose tag may be long.
#[test]
fn snapshots_of_dropped_tables_are_re_encrypted() {
    let node = Node::usual();
    let tag = "x".repeat(250);
    let snapshot = node.link(&format!("snapshots/{tag}"), &[]);
    let again = node.link("snapshots/again", &["oa-2-big"]);
    for name in node.workspace.files().iter().filter(|name| name.starts_with("oa-")) {
        fs::remove_file(node.table().join(name)).unwrap();
    }
    let report = node.upgrade();
    assert_eq!((report.sstables.len(), rewritten(&report), copies(&report)), (4, 4, 5));
    assert_eq!(node.rows(&snapshot, "new-key").len(), 4);
    assert_eq!(data_inodes(&again).difference(&data_inodes(&snapshot)).count(), 0);
    assert_eq!(node.keys(), BTreeSet::from(["new-key".to_owned()]));
    let report = node.upgrade();
    let skipped = |line: &upgrade::SSTableReport| {
        matches!(line.outcome, Outcome::Skipped(SkipReason::UnderTargetKey))
    };
    assert!(report.sstables.iter().all(skipped), "{report:?}");
}

#[test]
fn archives_are_replaced_in_place_in_every_data_directory() {
    let mut node = Node::usual();
    let second = node.workspace.root.path().join("data2");
    let table = second.join("rk").join(node.table().file_name().unwrap());
    copy_tree(&node.table(), &node.workspace.root.path().join("x"));
    link_files(&node.workspace.root.path().join("x"), &table.join("snapshots/s"), &[]);
    node.workspace.more_data.push(second.clone());
    let first = node.link("snapshots/s", &[]);
    let report = node.upgrade();
    assert_eq!((rewritten(&report), copies(&report)), (8, 8));
    for archive in [first, table.join("snapshots/s")] {
        assert_eq!(node.rows(&archive, "new-key").len(), 4);
    }
    assert!(is_at_rest(&second));
}
