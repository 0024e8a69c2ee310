//! `keys destroy`: not while a census finds the key in use.

use rekey_kmip::message::Operation;
use serde_json::json;

use super::*;
use crate::kit::copy_tree;

fn destroy(site: &Site, more: &[&str]) -> Run {
    site.keys("destroy", &[&[GROUP, OLD, "--yes", "--data-dir", "data"], more].concat())
}

fn revoke(site: &Site) {
    site.keys("revoke", &[GROUP, OLD, "--yes"]).exits(0);
}

/// Moves all SSTables of the table below a folder of it.
fn move_to(site: &Site, folder: &str) {
    let away = site.node.root.path().join("away");
    fs::rename(site.node.table(), &away).unwrap();
    fs::create_dir_all(site.node.table()).unwrap();
    copy_tree(&away, &site.node.table().join(folder));
}

fn there(site: &Site) -> bool {
    site.sim.store().key_bytes(&OLD.into()).is_some()
}

#[test]
fn a_key_that_live_data_is_under_stays() {
    let site = Site::new();
    revoke(&site);
    let run = destroy(&site, &[]).exits(4).says("kmip kmip1/02-449 is in use: ");
    let run = run.says("in 4 SSTables of rk.t").says("note: nothing was destroyed. Re-encrypt");
    assert_eq!(run.out, "");
    assert!(there(&site) && site.sim.count(Operation::DESTROY) == 0);
    let run = destroy(&site, &["--json"]).exits(4);
    let line = &run.of_type("use")[0];
    assert_eq!((&line["in_use"], &line["sstables"]), (&json!(true), &json!(4)));
    assert_eq!((&line["tables"], &line["unknown_sstables"]), (&json!(["rk.t"]), &json!(0)));
    assert_eq!(line["key"], json!({"provider": "kmip", "group": "kmip1", "id": "02-449"}));
    assert!(there(&site));
}

#[test]
fn a_key_that_only_a_snapshot_or_a_backup_is_under_stays_too() {
    for folder in ["snapshots/s", "backups", "snapshots/s/.by_n"] {
        let site = Site::new();
        revoke(&site);
        move_to(&site, folder);
        site.node.read("census", &[]).exits(0);
        let run = destroy(&site, &[]).exits(4).says("is in use");
        assert!(there(&site), "{run:?}");
        let run = destroy(&site, &["--json"]).exits(4);
        assert_eq!(run.of_type("use")[0]["archives"], 1, "{folder}");
        // Once the archive is gone the key may go.
        fs::remove_dir_all(site.node.table().join(folder)).unwrap();
        let run = destroy(&site, &[]).exits(0);
        assert_eq!(run.out, "destroyed key 02-449 of group kmip1\n");
        assert!(!there(&site), "{folder}");
    }
}

#[test]
fn what_cannot_be_read_may_be_under_the_key() {
    let site = Site::new();
    site.keep("other", vec![5; 16], 1, vec![]);
    fs::write(site.node.table().join("oa-2-big-CompressionInfo.db"), "x").unwrap();
    site.keys("revoke", &[GROUP, "other", "--yes"]).exits(0);
    let run = site.keys("destroy", &[GROUP, "other", "--yes", "--data-dir", "data"]).exits(4);
    run.says("kmip kmip1/other: no chunk header names it")
        .says("unknown: ")
        .says("oa-2-big-CompressionInfo.db")
        .says("1 SSTables could not be read: any key may still be in use there");
    assert!(site.sim.store().key_bytes(&"other".into()).is_some());
    let rest = [GROUP, "other", "--yes", "--data-dir", "data", "--json"];
    let run = site.keys("destroy", &rest).exits(4);
    let line = &run.of_type("use")[0];
    assert_eq!((&line["in_use"], &line["unknown_sstables"]), (&json!(false), &json!(1)));
    assert_eq!(run.of_type("unknown").len(), 1);
}

#[test]
fn force_destroys_and_still_says_what_is_lost() {
    let site = Site::new();
    revoke(&site);
    let run =
        destroy(&site, &["--force"]).exits(0).says("is in use: ").says("destroyed key 02-449");
    assert!(!run.text().contains("nothing was destroyed"), "{run:?}");
    assert!(!there(&site));
    let without_data = Site::new();
    revoke(&without_data);
    let run = without_data.keys("destroy", &[GROUP, OLD, "--yes", "--force"]).exits(0);
    assert!(!run.text().contains("in use:"), "{run:?}");
    assert!(!there(&without_data));
    site.node.read("verify", &["--config", "hcd.yaml"]).exits(6).says("02-449");
}

/// Several data directories, all of which must be free of it.
#[test]
fn every_data_directory_counts() {
    let site = Site::new();
    revoke(&site);
    let second = site.node.root.path().join("data2");
    fs::rename(site.node.data(), &second).unwrap();
    fs::create_dir(site.node.data()).unwrap();
    destroy(&site, &["--data-dir", "data2"]).exits(4);
    destroy(&site, &["--data-dir", "absent"]).exits(2);
    assert!(there(&site));
    destroy(&site, &[]).exits(0);
    assert!(!there(&site));
}

#[test]
fn an_active_key_is_to_be_revoked_first() {
    let site = Site::empty(SimulatorSettings::default());
    let run = destroy(&site, &[]).exits(6).says("refused Destroy of 02-449");
    run.says("hint: an active key cannot be destroyed: revoke it first");
    assert!(there(&site));
    revoke(&site);
    let run = destroy(&site, &["--json"]).exits(0);
    let done = &run.of_type("done")[0];
    assert_eq!((&done["what"], &done["id"]), (&json!("destroyed"), &json!(OLD)));
    site.keys("destroy", &[GROUP, "nope", "--yes", "--data-dir", "data"]).exits(6).says("nope");
}

/// Commit log and hints have no SSTables.
#[test]
fn what_no_census_sees_is_said() {
    let site = Site::empty(SimulatorSettings::default());
    revoke(&site);
    let text = fs::read_to_string(site.config()).unwrap();
    let system = "system_info_encryption:\n  enabled: true\n  key_provider: \
                  KmipKeyProviderFactory\n  kmip_host: kmip1\n";
    site.node.file("hcd.yaml", &format!("{text}{system}"));
    let run = destroy(&site, &[]).exits(0).says("other nodes' data and copies elsewhere");
    run.says("system_info_encryption uses group 'kmip1'").says("drain the node");
}
