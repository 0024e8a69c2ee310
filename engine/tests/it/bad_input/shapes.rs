//! SSTables of versions, classes and ciphers that this release does not rewrite, alone and beside
//! SSTables that it does.

use std::fs;

use rekey_engine::ErrorKind::Unsupported;
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::{Action, Selection, SkipReason};
use rekey_engine::upgrade::{self, Outcome};

use crate::kit::workspace::threads;
use crate::kit::{Patient, TestStorage, Workspace};

#[test]
fn unknown_and_unhandled_versions_are_refused_by_name() {
    for version in ["la", "pa", "oz", "zz", "nc", "o", "abc"] {
        let mut patient = Patient::usual();
        patient.rename(&format!("{version}-2-big"));
        patient.diagnose().is(Unsupported).at("Data.db").says(version);
    }
    for version in ["ab", "bc", "cd", "ea", "dz", "oa"] {
        let mut patient = Patient::of("fixtures/da-aes-cbc-256-16k", "da-2-bti");
        patient.workspace.flavor = Some(rekey_engine::txn::Flavor::ConvergedCore);
        patient.rename(&format!("{version}-2-bti"));
        patient.diagnose().is(Unsupported).at("Data.db").says(version);
    }
}

#[test]
fn clear_sstables_in_an_encrypted_table_are_encrypted() {
    for set in ["fixtures/oa-lz4", "fixtures/plain-oa"] {
        let patient = Patient::usual();
        patient.replace_by(set);
        let report = patient.workspace.upgrade(&patient.target).unwrap();
        assert_eq!(report.sstables.len(), 4);
        for line in &report.sstables {
            assert!(matches!(line.outcome, Outcome::Rewritten { .. }), "{line:?}");
        }
        assert_eq!(patient.workspace.verify().failures().count(), 0);
        let session = patient.workspace.session(LeaseMode::Shared).unwrap();
        let archives = upgrade::Archives::default();
        let census =
            upgrade::census(&session, &Selection::default(), archives, threads(1)).unwrap();
        assert_eq!((census.not_encrypted.sstables, census.keys.len()), (0, 1));
    }
}

#[test]
fn an_unknown_cipher_in_the_table_is_refused() {
    let patient = Patient::of("fixtures/nb-aes-cbc-128-16k", "nb-2-big");
    patient.set_option("cipher_algorithm", Some("Serpent/CBC/PKCS5Padding"));
    let diagnosis = patient.diagnose().is(Unsupported).at("CompressionInfo.db");
    diagnosis.says("Serpent/CBC/PKCS5Padding").advises("node-side");
}

#[test]
fn unknown_chained_classes_are_refused_and_their_keys_unknown() {
    for class in ["EncryptingZstdCompressor", "EncryptingNoopCompressor"] {
        let patient = Patient::usual();
        patient.set_class(class);
        assert_eq!(unknown_in_census(&patient.workspace), 1);
        patient.diagnose().is(Unsupported).says(class).advises("node-side");
    }
}

/// An unknown class may encrypt: one flipped bit makes one of `Encryptor`. No key may be reported
/// as unused while there is one.
#[test]
fn an_unknown_class_is_never_called_not_encrypted() {
    for class in ["Dncryptor", "encryptor", "com.example.Encryptor", "MyCompressor", ""] {
        let patient = Patient::usual();
        patient.set_class(class);
        assert_eq!(unknown_in_census(&patient.workspace), 1, "{class}");
        patient.diagnose().is(Unsupported).says(class).advises("node-side");
    }
}

#[test]
fn a_table_with_only_an_unknown_class_is_not_a_success() {
    let workspace = Workspace::copy_of("fixtures/oa-lz4");
    for name in workspace.files().iter().filter(|name| name.ends_with("CompressionInfo.db")) {
        let path = workspace.table().join(name);
        let mut info = fs::read(&path).unwrap();
        info[2] ^= 1; // LZ4Compressor
        fs::write(path, info).unwrap();
    }
    let count = workspace.files().iter().filter(|name| name.ends_with("-Data.db")).count();
    assert_eq!(unknown_in_census(&workspace), count);
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let report = workspace.upgrade(&target).unwrap();
    assert_eq!(report.failures().count(), count);
    assert!(report.failures().all(|error| error.kind() == Unsupported));
    assert_eq!(workspace.verify().failures().count(), count);
}

#[test]
fn the_database_s_own_compressors_are_not_encrypted() {
    let workspace = Workspace::copy_of("fixtures/oa-lz4");
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let before = workspace.contents();
    for class in [
        "LZ4Compressor",
        "SnappyCompressor",
        "DeflateCompressor",
        "ZstdCompressor",
        "NoopCompressor",
        "AdaptiveCompressor",
        "ZstdDictionaryCompressor",
    ] {
        for name in workspace.files().iter().filter(|name| name.ends_with("CompressionInfo.db")) {
            let path = workspace.table().join(name);
            let mut info = fs::read(&path).unwrap();
            let old = 2 + usize::from(info[1]);
            let length = u16::try_from(class.len()).unwrap().to_be_bytes();
            info.splice(..old, length.into_iter().chain(class.bytes()));
            fs::write(path, info).unwrap();
        }
        assert_eq!(unknown_in_census(&workspace), 0, "{class}");
        for line in workspace.upgrade(&target).unwrap().sstables {
            assert!(matches!(line.outcome, Outcome::Skipped(SkipReason::NotEncrypted)), "{line:?}");
        }
    }
    assert_eq!(workspace.files().len(), before.len());
}

#[test]
fn a_table_in_clear_is_skipped_unless_requested() {
    for set in ["fixtures/oa-lz4", "fixtures/plain-oa", "fixtures/plain-da"] {
        let workspace = Workspace::copy_of(set);
        let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
        let before = workspace.contents();
        let report = workspace.upgrade_on(TestStorage::quick().boxed(), &target).unwrap();
        for line in &report.sstables {
            assert!(matches!(line.outcome, Outcome::Skipped(SkipReason::NotEncrypted)), "{line:?}");
        }
        assert_eq!(workspace.contents(), before);
        let selection = Selection { keyspace: Some("rk".into()), tables: vec!["t".into()] };
        let plan = workspace.plan_of(&selection, &target).unwrap();
        assert_eq!((plan.rewrites().count(), plan.findings.len()), (4, 0));
    }
}

fn unknown_in_census(workspace: &Workspace) -> usize {
    let session = workspace.session(LeaseMode::Shared).unwrap();
    upgrade::census(&session, &Selection::default(), upgrade::Archives::default(), threads(1))
        .unwrap()
        .unknown
        .len()
}

/// DSE 6.8 streams chunks as they are on disk, with the CompressionInfo.db of the whole file
/// (FORMATS.md 2.4): Data.db then ends before the last chunk begins, or right after another one.
#[test]
fn zero_copy_slices_are_refused_by_name() {
    for kept in [0, 1] {
        let mut workspace = Workspace::copy_of("fixtures/bb-local-cbc");
        workspace.flavor = Some(rekey_engine::txn::Flavor::Dse);
        fs::remove_dir_all(workspace.data().join("plain")).unwrap();
        let path = |component: &str| workspace.table().join(format!("bb-2-bti-{component}"));
        let info = fs::read(path("CompressionInfo.db")).unwrap();
        let end = info.rchunks(8).nth(kept).unwrap();
        let data = fs::OpenOptions::new().write(true).open(path("Data.db")).unwrap();
        data.set_len(u64::from_be_bytes(end.try_into().unwrap())).unwrap();

        let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
        let plan = workspace.plan(&target).unwrap();
        let refused: Vec<_> = plan
            .sstables
            .iter()
            .filter_map(|planned| match &planned.action {
                Action::Refuse(error) => Some((planned.sstable.descriptor.to_string(), error)),
                _ => None,
            })
            .collect();
        let [(name, error)] = refused.as_slice() else { panic!("{refused:?}") };
        assert_eq!((name.as_str(), error.kind()), ("bb-2-bti", Unsupported));
        assert_eq!(error.path(), Some(path("CompressionInfo.db").as_path()));
        assert!(error.chain().contains("zero copy"), "{error:?}");
        assert!(error.hint_text().unwrap().contains("nodetool compact"), "{error:?}");
    }
}
