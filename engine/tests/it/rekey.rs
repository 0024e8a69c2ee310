//! The main job: a table under an old key goes to a new one, byte for byte.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rekey_engine::plan::{Action, SkipReason};
use rekey_engine::upgrade::Outcome;

use crate::kit::oracle::key_file;
use crate::kit::workspace::{is_at_rest, target, testdata};
use crate::kit::{Workspace, plaintext, stored_key_ids};

/// The generations in a table directory, as `oa-2-big-` prefixes.
fn prefixes(table: &Path) -> BTreeSet<String> {
    crate::kit::workspace::files(table)
        .iter()
        .filter(|name| name.ends_with("-Data.db"))
        .map(|name| table.join(name.trim_end_matches("Data.db")).to_str().unwrap().to_owned())
        .collect()
}

/// The plaintext twins of a format, in the order of generations.
fn twins(format: &str) -> BTreeSet<Vec<u8>> {
    let table = testdata().join(format!("fixtures/plain-{format}/rk"));
    let table = fs::read_dir(table).unwrap().next().unwrap().unwrap().path();
    prefixes(&table).iter().map(|prefix| fs::read(format!("{prefix}Data.db")).unwrap()).collect()
}

fn assert_rewritten(report: &rekey_engine::upgrade::Report, count: usize) {
    assert_eq!(
        report.failures().map(ToString::to_string).collect::<Vec<_>>(),
        Vec::<String>::new()
    );
    let rewritten =
        report.sstables.iter().filter(|s| matches!(s.outcome, Outcome::Rewritten { .. })).count();
    assert_eq!(rewritten, count);
}

fn only_whole_sstables(workspace: &Workspace) {
    assert!(is_at_rest(&workspace.data()), "staging is left");
    for name in workspace.files() {
        assert!(!name.contains("_txn_"), "a transaction log is left: {name}");
    }
}

#[test]
fn every_aes_set_is_rekeyed_and_keeps_its_plaintext() {
    for (set, format) in [
        ("oa-aes-cbc-256-64k", "oa"),
        ("oa-aes-ecb-128-16k", "oa"),
        ("oa-aes-192-16k", "oa"),
        ("nb-aes-cbc-128-16k", "nb"),
        ("da-aes-cbc-256-16k", "da"),
    ] {
        for (cipher, bits) in [("AES/CBC/PKCS5Padding", 256), ("AES", 128)] {
            let mut workspace = Workspace::copy_of(&format!("fixtures/{set}"));
            workspace.mapped = bits == 256;
            let before = workspace.files();
            let target = workspace.new_key("new-key", cipher, bits);
            assert_rewritten(&workspace.upgrade(&target).unwrap(), 4);
            only_whole_sstables(&workspace);
            // The old keys are not needed any more.
            fs::remove_dir_all(workspace.root.path().join("keys")).unwrap();
            let key = key_file(&workspace.root.path().join("new-key"));
            let found: BTreeSet<_> = prefixes(&workspace.table())
                .iter()
                .map(|prefix| plaintext(prefix, true, |_| key.clone()))
                .collect();
            assert_eq!(found, twins(format), "{set} to {cipher}");
            assert_eq!(workspace.verify().failures().count(), 0);
            let after = workspace.files();
            assert_eq!(after.len(), before.len(), "every component has its successor");
            assert!(before.iter().all(|name| !after.contains(name)), "ids are new");
        }
    }
}

#[test]
fn kmip_headers_name_the_new_key_and_local_tables_move_to_kmip() {
    let new_id = "0eb2277e-0acc-4adb-9241-1dd84dde691c";
    let lines = "02-449 = 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n\
                 0eb2277e-0acc-4adb-9241-1dd84dde691c = \
                 f0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101\n";
    let new_key: Vec<u8> = (0..16_u8)
        .map(|i| 0xf0 - 0x10 * i)
        .chain((0..16_u8).map(|i| 0xf1_u8.wrapping_sub(0x10 * i)))
        .collect();
    for (set, format) in [
        ("oa-kmip-a", "oa"),
        ("da-kmip-a", "da"),
        ("oa-aes-cbc-256-64k", "oa"),
        ("da-aes-cbc-256-16k", "da"),
    ] {
        let mut workspace = Workspace::copy_of(&format!("fixtures/{set}"));
        workspace.give_kmip_keys(lines);
        let target = target(
            "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
             'secret_key_strength': 256, 'key_provider': 'KmipKeyProviderFactory', \
             'kmip_host': 'kmip1'}",
            Some(new_id),
        );
        assert_rewritten(&workspace.upgrade(&target).unwrap(), 4);
        only_whole_sstables(&workspace);
        for prefix in prefixes(&workspace.table()) {
            assert_eq!(stored_key_ids(&prefix), BTreeSet::from([new_id.to_owned()]));
        }
        let found: BTreeSet<_> = prefixes(&workspace.table())
            .iter()
            .map(|prefix| plaintext(prefix, true, |_| new_key.clone()))
            .collect();
        assert_eq!(found, twins(format), "{set}");

        // A second run has nothing to do, and says so.
        let report = workspace.upgrade(&target).unwrap();
        assert!(
            report
                .sstables
                .iter()
                .all(|s| matches!(s.outcome, Outcome::Skipped(SkipReason::UnderTargetKey)))
        );
    }
}

#[test]
fn a_plan_changes_nothing() {
    let workspace = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let before = workspace.contents();
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let plan = workspace.plan(&target).unwrap();
    assert_eq!(plan.rewrites().count(), 4);
    assert!(plan.findings.is_empty(), "{:?}", plan.findings);
    assert!(plan.sstables.iter().all(|s| matches!(s.action, Action::Rewrite { .. })));
    assert_eq!(workspace.contents(), before);
    assert!(is_at_rest(&workspace.data()));
}

/// DSE 6.8 encrypts its storage-attached indices with the key of Data.db (FORMATS.md 7.6): carried
/// over, they would need the old key forever. Those of Converged Core are in clear.
#[test]
fn only_an_index_that_may_be_under_the_old_key_is_left_out() {
    let workspace = Workspace::copy_of("fixtures/oa-aes-cbc-256-64k");
    let table = workspace.table();
    let of_dse = table.join("oa-2-big-SAI_idx_TermsData.db");
    fs::write(&of_dse, "under the old key").unwrap();
    fs::write(table.join("oa-2-big-SAI+aa+idx+Meta.db"), "in clear").unwrap();
    let toc = table.join("oa-2-big-TOC.txt");
    let listed = fs::read_to_string(&toc).unwrap();
    fs::write(&toc, listed + "SAI_idx_TermsData.db\nSAI+aa+idx+Meta.db\n").unwrap();
    let target = workspace.new_key("new-key", "AES/CBC/PKCS5Padding", 256);
    let plan = workspace.plan(&target).unwrap();
    let warned = plan.findings.iter().any(|finding| finding.error.path() == Some(&of_dse));
    assert!(warned, "{:?}", plan.findings);
    assert_eq!(workspace.upgrade(&target).unwrap().failures().count(), 0);
    let (mut kept, mut lists) = (0, String::new());
    for name in workspace.files() {
        assert!(!name.contains("SAI_"), "{name}");
        kept += usize::from(name.ends_with("SAI+aa+idx+Meta.db"));
        if name.ends_with("TOC.txt") {
            lists += &fs::read_to_string(table.join(name)).unwrap();
        }
    }
    assert_eq!(kept, 1);
    assert!(lists.contains("SAI+aa+idx+Meta.db") && !lists.contains("SAI_"));
    assert_eq!(workspace.verify().failures().count(), 0);
}
