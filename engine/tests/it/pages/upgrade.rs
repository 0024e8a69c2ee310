//! Whole runs over SSTables with encrypted components.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use rekey_engine::ErrorKind;
use rekey_engine::io::LeaseMode;
use rekey_engine::keys::{DATABASE_KEY_ID_LIMIT, KeyId};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{Action, KeyWish, Selection, SkipReason, Target};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives, Outcome};

use super::{OLD_KMIP, OTHER_KMIP, SETS, Set, hex, read};
use crate::kit::beside::{bodies, page, page_contents, plain_pages, statistics};
use crate::kit::workspace::{files, target, testdata, threads};
use crate::kit::{TestStorage, Workspace};

/// A node's data directory with both tables of a set.
pub(super) fn workspace(set: &Set) -> Workspace {
    let mut workspace = Workspace::copy_of(&format!("fixtures/{}", set.name));
    fs::remove_dir_all(workspace.data().join("plain")).unwrap();
    workspace.flavor =
        Some(if set.name.starts_with("bb") { Flavor::Dse } else { Flavor::ConvergedCore });
    workspace.give_kmip_keys(&format!(
        "{} = {}\n{} = {}\n",
        OLD_KMIP.0, OLD_KMIP.1, OTHER_KMIP.0, OTHER_KMIP.1
    ));
    workspace
}

pub(super) fn kmip_options(cipher: &str) -> String {
    format!(
        "{{'class': 'Encryptor', 'cipher_algorithm': '{cipher}', 'secret_key_strength': 256, \
         'key_provider': 'KmipKeyProviderFactory', 'kmip_host': 'kmip1'}}"
    )
}

/// The key of the group that the set is not under, or another local one.
fn new_key(set: &Set, workspace: &Workspace) -> (Target, Option<&'static str>, Vec<u8>) {
    match set.id {
        None => (workspace.new_key("new-key", set.cipher, 256), None, vec![0x5a; 32]),
        Some(id) => {
            let (new, key) = if id == OLD_KMIP.0 { OTHER_KMIP } else { OLD_KMIP };
            (target(&kmip_options(set.cipher), Some(new)), Some(new), hex(key))
        }
    }
}

/// The files of a component in both tables, in the order of the SSTables.
pub(super) fn components(workspace: &Workspace, ending: &str) -> Vec<PathBuf> {
    let keyspace = workspace.data().join("rk");
    let mut found = Vec::new();
    for table in files(&keyspace) {
        let mut names = files(&keyspace.join(&table));
        names.retain(|name| name.ends_with(ending));
        names.sort_by_key(|name| name.split('-').nth(1).unwrap().parse::<u32>().unwrap());
        found.extend(names.iter().map(|name| keyspace.join(&table).join(name)));
    }
    found
}

#[test]
fn whole_sets_are_rekeyed_and_no_longer_need_the_old_key() {
    for set in &SETS {
        for mapped in [true, false] {
            let mut workspace = workspace(set);
            workspace.mapped = mapped;
            let (target, id, key) = new_key(set, &workspace);
            let report = workspace.upgrade(&target).unwrap();
            let failures: Vec<_> = report.failures().map(ToString::to_string).collect();
            assert_eq!(failures, Vec::<String>::new(), "{}", set.name);
            assert_eq!(report.sstables.len(), 8);

            // The old key is gone.
            match id {
                Some(id) => {
                    let hex = if id == OLD_KMIP.0 { OLD_KMIP.1 } else { OTHER_KMIP.1 };
                    fs::remove_file(workspace.root.path().join("kmip.keys")).unwrap();
                    workspace.give_kmip_keys(&format!("{id} = {hex}\n"));
                }
                None => fs::remove_dir_all(workspace.root.path().join("keys")).unwrap(),
            }
            let own = set.own(id, &key);
            for ending in ["Partitions.db", "Rows.db"] {
                let mut expected: Vec<Vec<Vec<u8>>> =
                    set.files(ending).iter().map(|(_, plain)| plain_pages(&read(plain))).collect();
                let mut found: Vec<Vec<Vec<u8>>> = components(&workspace, ending)
                    .iter()
                    .map(|path| page_contents(&read(path)).iter().map(|c| own.open(c)).collect())
                    .collect();
                expected.sort();
                found.sort();
                assert!(found == expected, "{ending} of {}", set.name);
            }
            let mut expected: Vec<_> =
                set.files("Statistics.db").iter().map(|(_, plain)| bodies(&read(plain))).collect();
            let mut found: Vec<Vec<_>> = components(&workspace, "Statistics.db")
                .iter()
                .map(|path| {
                    bodies(&read(path)).iter().map(|(kind, body)| (*kind, own.open(body))).collect()
                })
                .collect();
            expected.sort();
            found.sort();
            assert!(found == expected, "Statistics.db of {}", set.name);

            let verified = workspace.verify();
            assert_eq!(verified.failures().map(ToString::to_string).collect::<Vec<_>>(), [""; 0]);
            let again = workspace.upgrade(&target).unwrap();
            assert!(
                again.sstables.iter().all(|line| matches!(
                    line.outcome,
                    Outcome::Skipped(SkipReason::UnderTargetKey)
                ))
            );
        }
    }
}

/// Data.db is under one key, and a page of an index under another: that one is in use, and the
/// SSTable is not "already under the target key".
#[test]
fn a_key_that_only_a_page_needs_is_counted_as_used() {
    let set = &SETS[0];
    let workspace = workspace(set);
    let path = &components(&workspace, "Partitions.db")[0];
    let (_, plain) = set.files("Partitions.db").remove(0);
    let other = set.codec(Some(OTHER_KMIP.0), &hex(OTHER_KMIP.1));
    fs::write(path, other.seal_pages(&plain_pages(&read(&plain)))).unwrap();

    let session = workspace.session(LeaseMode::Shared).unwrap();
    let census =
        upgrade::census(&session, &Selection::default(), Archives::default(), threads(1)).unwrap();
    drop(session);
    assert!(census.unknown.is_empty());
    let rows: Vec<_> = census
        .keys
        .iter()
        .map(|(key, row)| (key.to_string(), row.sstables, row.chunks > 0))
        .collect();
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert!(
        rows.iter()
            .any(|(key, sstables, chunks)| key.contains(OTHER_KMIP.0) && *sstables == 1 && !chunks)
    );
    assert_eq!(workspace.verify().failures().count(), 0);

    let target =
        target(&kmip_options(set.cipher).replace("}", ", 'key_namespace': 'a'}"), Some(OLD_KMIP.0));
    let report = workspace.upgrade(&target).unwrap();
    let rewritten = report
        .sstables
        .iter()
        .filter(|line| matches!(line.outcome, Outcome::Rewritten { .. }))
        .count();
    assert_eq!((rewritten, report.failures().count()), (1, 0));
}

#[test]
fn the_plan_reports_a_wrong_limit_of_key_ids_and_the_right_one() {
    let workspace = workspace(&SETS[0]);
    let id = KeyId::new(OTHER_KMIP.0).unwrap();
    for limit in [DATABASE_KEY_ID_LIMIT, 100, 512] {
        let options = OptionMap::parse_cql(&kmip_options(SETS[0].cipher)).unwrap();
        let params = CompressionParams::from_cql_options(&options).unwrap();
        let target =
            Target::find(params, KeyWish::Named(&id), &workspace.sources(), limit).unwrap();
        let plan = workspace.plan(&target).unwrap();
        for line in &plan.sstables {
            match &line.action {
                Action::Rewrite { .. } => assert_eq!(limit, DATABASE_KEY_ID_LIMIT),
                Action::Refuse(error) => {
                    assert_ne!(limit, DATABASE_KEY_ID_LIMIT);
                    assert_eq!(error.kind(), ErrorKind::Invalid);
                    assert!(error.chain().contains("244 to 259 bytes"), "{error:?}");
                    assert!(error.hint_text().unwrap().contains("--max-key-id-length"));
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

/// The damage shows in the plan, the others continue, and the damaged one is unchanged.
#[test]
fn damaged_components_are_refused() {
    for set in &SETS {
        let workspace = workspace(set);
        let (target, ..) = new_key(set, &workspace);
        for (ending, step) in [("Partitions.db", 97), ("Rows.db", 211), ("Statistics.db", 151)] {
            let path = &components(&workspace, ending)[0];
            let sound = read(path);
            assert!(!sound.is_empty());
            for at in (0..sound.len()).step_by(step).chain([sound.len() - 1]) {
                let mut damaged = sound.clone();
                damaged[at] ^= 1 << (at % 8);
                fs::write(path, &damaged).unwrap();
                refused_alone(&workspace, &target, &format!("byte {at} of {}", path.display()));
            }
            for length in [sound.len() - 1, sound.len() / 2 + 1, 100] {
                fs::write(path, &sound[..length]).unwrap();
                refused_alone(
                    &workspace,
                    &target,
                    &format!("{length} bytes of {}", path.display()),
                );
            }
            fs::write(path, &sound).unwrap();
        }
    }
}

fn refused_alone(workspace: &Workspace, target: &Target, what: &str) {
    let plan = workspace.plan(target).unwrap();
    let refused: Vec<_> = plan
        .sstables
        .iter()
        .filter_map(|line| match &line.action {
            Action::Refuse(error) => Some(error),
            _ => None,
        })
        .collect();
    assert_eq!(refused.len(), 1, "{what}: {refused:?}");
    assert_eq!(refused[0].kind(), ErrorKind::Corrupt, "{what}: {refused:?}");
    assert!(refused[0].hint_text().is_some());
    let session = workspace.session(LeaseMode::Shared).unwrap();
    let census =
        upgrade::census(&session, &Selection::default(), Archives::default(), threads(1)).unwrap();
    assert_eq!(census.unknown.len(), 1, "{what}");
}

/// A page that decrypts to something else is found when it is read, and stops only its SSTable.
#[test]
fn a_page_under_no_key_leaves_its_sstable_unchanged() {
    let set = &SETS[0];
    let workspace = workspace(set);
    let (target, ..) = new_key(set, &workspace);
    // A Partitions.db of two pages: the plan reads the last one.
    let path = components(&workspace, "Partitions.db")
        .into_iter()
        .find(|path| fs::metadata(path).unwrap().len() > 4096)
        .unwrap();
    // A fixed IV: whether a wrong key finds padding by chance must not change from run to run.
    let stranger = set.own(set.id, &[0x77; 32]).seal(&[27; 3000], 1);
    let mut file = read(&path);
    file.splice(..4096, page(&stranger));
    fs::write(&path, &file).unwrap();
    let before = read(&path);
    let report = workspace.upgrade_on(TestStorage::quick().boxed(), &target).unwrap();
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.len(), 1, "{failures:?}");
    assert!(failures[0].path().unwrap().ends_with(path.file_name().unwrap()));
    assert_eq!(failures[0].byte_offset(), Some(0));
    assert_eq!(read(&path), before);
    let verified = workspace.verify();
    assert_eq!(verified.failures().count(), 1);
}

/// Some builds write the bodies in clear although the version encrypts them: they stay in clear,
/// also when only some of them are.
#[test]
fn metadata_in_clear_stays_in_clear() {
    let set = &SETS[0];
    let workspace = workspace(set);
    let (target, id, key) = new_key(set, &workspace);
    let plain = set.files("Statistics.db");
    let paths = components(&workspace, "Statistics.db");
    fs::copy(&plain[0].1, &paths[0]).unwrap();
    let mut mixed = bodies(&read(&plain[1].0));
    mixed[2] = bodies(&read(&plain[1].1)).remove(2);
    fs::write(&paths[1], statistics(&mixed)).unwrap();

    assert_eq!(workspace.upgrade(&target).unwrap().failures().count(), 0);
    assert_eq!(workspace.verify().failures().count(), 0);
    let files: Vec<_> = components(&workspace, "Statistics.db").iter().map(|p| read(p)).collect();
    assert!(files.contains(&read(&plain[0].1)), "copied as it was");
    let own = set.own(id, &key);
    let clear = bodies(&read(&plain[1].1));
    let found = files
        .iter()
        .map(|file| bodies(file))
        .find(|found| found[2] == clear[2] && own_opens(found, &clear, &own));
    assert!(found.is_some(), "only what was encrypted is encrypted");
}

fn own_opens(
    found: &[(u32, Vec<u8>)],
    clear: &[(u32, Vec<u8>)],
    own: &crate::kit::beside::Key<'_>,
) -> bool {
    [0, 1, 3].iter().all(|body: &usize| {
        found[*body].1 != clear[*body].1 && own.open(&found[*body].1) == clear[*body].1
    })
}

/// The sets are complete, so that no test above is vacuous.
#[test]
fn the_sets_have_wide_partitions_and_several_pages() {
    for set in &SETS {
        let lengths = |ending: &str| -> Vec<u64> {
            set.files(ending).iter().map(|(path, _)| fs::metadata(path).unwrap().len()).collect()
        };
        assert!(lengths("Partitions.db").iter().any(|length| *length > 4096), "{}", set.name);
        assert!(lengths("Rows.db").iter().any(|length| *length > 0), "{}", set.name);
        assert!(testdata().join("fixtures").join(set.name).join("plain").is_dir());
    }
}

/// Replaces the first type in a HEADER, which is that of the partition key, by another one.
fn with_vector_key(header: &[u8]) -> Vec<u8> {
    const VECTOR: &str =
        "org.apache.cassandra.db.marshal.VectorType(org.apache.cassandra.db.marshal.FloatType , 3)";
    let old = b"org.apache.cassandra.db.marshal.UTF8Type";
    let at = header.windows(old.len()).position(|window| window == old).unwrap();
    let length = u8::try_from(VECTOR.len()).unwrap();
    [&header[..at - 1], &[length], VECTOR.as_bytes(), &header[at + old.len()..]].concat()
}

/// In clear, as Apache writes it, and encrypted, as DSE does.
#[test]
fn a_type_unknown_to_this_program_is_accepted() {
    let all_of = |workspace: &Workspace| -> BTreeSet<Vec<u8>> {
        components(workspace, "-Statistics.db").iter().map(|path| read(path)).collect()
    };
    let workspace = Workspace::copy_of("fixtures/da-aes-cbc-256-16k");
    for path in components(&workspace, "-Statistics.db") {
        let mut all = bodies(&read(&path));
        all[3].1 = with_vector_key(&all[3].1);
        fs::write(path, statistics(&all)).unwrap();
    }
    let before = all_of(&workspace);
    assert_eq!(workspace.verify().failures().count(), 0);
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let report = workspace.upgrade(&target).unwrap();
    for line in &report.sstables {
        assert!(matches!(line.outcome, Outcome::Rewritten { .. }), "{line:?}");
    }
    assert!(all_of(&workspace) == before, "carried over as it is");

    let set = &SETS[2];
    let (workspace, old) = (self::workspace(set), set.key_bytes());
    let mut headers = BTreeSet::new();
    for path in components(&workspace, "-Statistics.db") {
        let opened = bodies(&read(&path)).into_iter().map(|(kind, body)| {
            let plain = set.own(None, &old).open(&body);
            (kind, if kind == 3 { with_vector_key(&plain) } else { plain })
        });
        let opened: Vec<_> = opened.collect();
        headers.insert(opened[3].1.clone());
        let sealed = opened.iter().map(|(kind, plain)| (*kind, set.own(None, &old).seal(plain, 3)));
        fs::write(path, statistics(&sealed.collect::<Vec<_>>())).unwrap();
    }
    assert_eq!(workspace.verify().failures().count(), 0);
    let (target, _, new) = new_key(set, &workspace);
    let report = workspace.upgrade(&target).unwrap();
    assert_eq!(report.failures().count(), 0);
    let found: BTreeSet<_> = components(&workspace, "-Statistics.db")
        .iter()
        .map(|path| set.own(None, &new).open(&bodies(&read(path))[3].1))
        .collect();
    assert!(found == headers);
}
