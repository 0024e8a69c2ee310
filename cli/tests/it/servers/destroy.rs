//! `keys destroy`: not while a census finds the key in use.

use rekey_kmip::message::Operation;
use serde_json::json;

use super::*;
use crate::kit::{copy_tree, testdata};
use crate::system::{Scheme, Segment};

/// Of copied data: it has no directories but these.
fn destroy(site: &Site, more: &[&str]) -> Run {
    let rest = [GROUP, OLD, "--yes", "--data-dir", "data", "--not-a-node"];
    site.keys("destroy", &[&rest, more].concat())
}

/// A node with all its directories, which was started after its SSTables were written.
fn make_a_node(site: &Site) {
    let root = fs::canonicalize(site.node.root.path()).unwrap();
    for keyspace in ["system", "system_schema"] {
        copy_tree(&testdata().join("schema/oa").join(keyspace), &site.node.data().join(keyspace));
    }
    let mut text = format!("data_file_directories: [{}]\n", root.join("data").display());
    for name in ["commitlog", "hints", "saved_caches"] {
        let folder = root.join(name);
        fs::create_dir_all(&folder).unwrap();
        text.push_str(&format!("{name}_directory: {}\n", folder.display()));
    }
    text.push_str(&format!("cdc_raw_directory: {}\n", root.join("cdc_raw").display()));
    site.node.file("cassandra.yaml", &text);
    // Newer than every SSTable, also by clocks of a second.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    fs::write(root.join("commitlog/CommitLog-7-1795980212000.log"), [0; 64]).unwrap();
}

fn revoke(site: &Site) {
    site.keys("revoke", &[GROUP, OLD, "--yes", "--force"]).exits(0);
}

/// Moves all SSTables of the table below a folder of it.
fn move_to(site: &Site, folder: &str) {
    let away = site.node.root.path().join("away");
    fs::rename(site.node.table(), &away).unwrap();
    fs::create_dir_all(site.node.table()).unwrap();
    copy_tree(&away, &site.node.table().join(folder));
}

/// A table that is under no key.
fn unused_table(site: &Site) {
    copy_tree(&testdata().join("fixtures/oa-lz4/rk"), &site.node.data().join("other"));
}

fn there(site: &Site) -> bool {
    site.sim.store().key_bytes(&OLD.into()).is_some()
}

#[test]
fn a_key_that_live_data_is_under_stays() {
    let site = Site::new();
    revoke(&site);
    let run = destroy(&site, &[]).exits(4).says("no: kmip kmip1/02-449");
    let run = run.says("4 SSTables of rk.t").says("note: nothing was destroyed. Do what");
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
fn a_key_used_only_by_a_snapshot_or_backup_stays_too() {
    for folder in ["snapshots/s", "backups", "snapshots/s/.by_n"] {
        let site = Site::new();
        revoke(&site);
        move_to(&site, folder);
        unused_table(&site);
        site.node.read("census", &[]).exits(0);
        let run = destroy(&site, &[]).exits(4).says("no: kmip kmip1/02-449");
        assert!(there(&site), "{run:?}");
        let run = destroy(&site, &["--json"]).exits(4);
        assert_eq!(run.of_type("use")[0]["archives"], 1, "{folder}");
        // Once the archive is gone the key may be destroyed.
        fs::remove_dir_all(site.node.table().join(folder)).unwrap();
        let run = destroy(&site, &[]).exits(0);
        assert_eq!(
            run.out,
            format!("destroyed key 02-449 of group kmip1 on {}\n", site.sim.host())
        );
        assert!(!there(&site), "{folder}");
    }
}

/// SSTables name a group, not a server: the same key may go by the name of another group.
#[test]
fn the_same_key_under_another_group_s_name_stays() {
    let in_group = |config: &str| {
        let site = Site::new();
        revoke(&site);
        site.node.file(
            "hcd.yaml",
            &config.replace("HOST", &site.sim.host().to_string()).replace(
                "STORES",
                &format!(
                    "    keystore_path: {0}/client.pem\n    truststore_path: {0}/trust.pem\n",
                    site.node.root.path().display()
                ),
            ),
        );
        let rest = ["vault", OLD, "--yes", "--data-dir", "data", "--not-a-node"];
        let run = site.keys("destroy", &rest);
        assert_eq!(there(&site), run.code != 0, "{run:?}");
        run
    };
    let vault = "kmip_hosts:\n  vault:\n    hosts: HOST\nSTORES";
    // The group of the SSTables is not in this configuration.
    in_group(vault).exits(4).says("kmip kmip1/02-449 may be the same key");
    // It has a server in common with this one.
    in_group(&format!("{vault}  kmip1:\n    hosts: other.invalid, HOST\nSTORES")).exits(4);
    // A name may be of that address; another address is of another server, which has other keys.
    in_group(&format!("{vault}  kmip1:\n    hosts: other.invalid\nSTORES")).exits(4);
    in_group(&format!("{vault}  kmip1:\n    hosts: 192.0.2.1\nSTORES")).exits(0);
}

#[test]
fn unreadable_data_may_be_under_the_key() {
    let site = Site::new();
    site.keep("other", vec![5; 16], 1, vec![]);
    fs::write(site.node.table().join("oa-2-big-CompressionInfo.db"), "x").unwrap();
    site.keys("revoke", &[GROUP, "other", "--yes", "--force"]).exits(0);
    let run = site.keys("destroy", &[GROUP, "other", "--yes", "--data-dir", "data"]).exits(4);
    run.says("unknown: kmip kmip1/other")
        .says("unknown: ")
        .says("oa-2-big-CompressionInfo.db")
        .says("1 could not be looked at: any key may still be in use there");
    assert!(site.sim.store().key_bytes(&"other".into()).is_some());
    let rest = [GROUP, "other", "--yes", "--data-dir", "data", "--json"];
    let run = site.keys("destroy", &rest).exits(4);
    let line = &run.of_type("use")[0];
    assert_eq!((&line["in_use"], &line["unknown_sstables"]), (&json!(false), &json!(1)));
    assert_eq!(run.of_type("unknown").len(), 1);
}

#[test]
fn force_destroys_and_still_reports_the_loss() {
    let site = Site::new();
    revoke(&site);
    let run = destroy(&site, &["--force"]).exits(0).says("no: kmip").says("destroyed key 02-449");
    assert!(!run.text().contains("nothing was destroyed"), "{run:?}");
    assert!(!there(&site));
    let without_data = Site::new();
    revoke(&without_data);
    let run = without_data.keys("destroy", &[GROUP, OLD, "--yes", "--force"]).exits(0);
    assert!(!run.text().contains("no: kmip"), "{run:?}");
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
    unused_table(&site);
    destroy(&site, &["--data-dir", "data2"]).exits(4);
    destroy(&site, &["--data-dir", "absent"]).exits(2);
    assert!(there(&site));
    destroy(&site, &[]).exits(0);
    assert!(!there(&site));
}

#[test]
fn an_active_key_must_be_revoked_first() {
    let site = Site::unused();
    let run = destroy(&site, &[]).exits(6).says("refused Destroy of 02-449");
    let run = run.says("hint: an active key cannot be destroyed: revoke it first: ");
    assert!(there(&site));
    // The command works as it is printed.
    let hint = run.err.lines().find(|line| line.starts_with("hint: ")).unwrap();
    let command = hint.rsplit_once("revoke it first: ").unwrap().1;
    assert!(
        command.contains(" keys revoke --config hcd.yaml --data-dir data --not-a-node --yes "),
        "{command}"
    );
    let mut shell = std::process::Command::new("sh");
    let shell = shell.args(["-c", command]).current_dir(site.node.root.path());
    Run::from(shell.output().unwrap()).exits(0).says("revoked key 02-449");
    let run = destroy(&site, &["--json"]).exits(0);
    let done = &run.of_type("done")[0];
    assert_eq!((&done["what"], &done["id"]), (&json!("destroyed"), &json!(OLD)));
    let rest = [GROUP, "nope", "--yes", "--data-dir", "data", "--not-a-node"];
    site.keys("destroy", &rest).exits(6).says("nope");
}

/// Commit log and hints have no SSTables, and may need the key all the same.
#[test]
fn a_segment_of_the_commit_log_holds_the_key() {
    let site = Site::unused();
    make_a_node(&site);
    let conf = ["--conf", ".", GROUP, OLD, "--yes"];
    let ask = |verb: &str| site.node.run(&[&["keys", verb], &conf[..]].concat());
    let scheme = Scheme::kmip(GROUP, &[(OLD, (0..32).collect())]);
    let segment = Segment::new(1_795_980_212_001, scheme, vec![b"a mutation".repeat(9)]);
    let path = site.node.root.path().join("commitlog").join(segment.name());
    fs::write(&path, segment.bytes()).unwrap();
    ask("revoke").exits(4).says("1 segment of the commit log").says(path.to_str().unwrap());
    fs::remove_file(path).unwrap();
    ask("revoke").exits(0);
    // What is of no known kind may need it, too.
    let strange = site.node.root.path().join("hints/x");
    fs::write(&strange, "x").unwrap();
    ask("destroy").exits(4).says("unknown: kmip kmip1/02-449").says("hints/x");
    fs::remove_file(strange).unwrap();
    // Without the node's configuration nobody has looked there.
    let rest = [GROUP, OLD, "--yes", "--data-dir", "data"];
    site.keys("destroy", &rest).exits(4).says("commit_log, hints, saved_caches");
    assert!(there(&site));
    ask("destroy").exits(0).says("other nodes' data and copies elsewhere");
}

/// SSTables that were re-encrypted are only known to be readable once the node was started with them.
#[test]
fn a_node_that_was_not_started_since_keeps_its_old_key() {
    let site = Site::unused();
    make_a_node(&site);
    let state = site.node.data().join(".sstablerekey");
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join("rewritten"), "").unwrap();
    let conf = ["keys", "revoke", "--conf", ".", GROUP, OLD, "--yes"];
    site.node.run(&conf).exits(4).says("yes, after the next start").says("start the node once");
    fs::remove_dir_all(site.node.data().join(".sstablerekey")).unwrap();
    site.node.run(&conf).exits(0);
}

/// An empty census proves nothing.
#[test]
fn without_sstables_a_key_is_destroyed_only_if_forced() {
    let site = Site::new();
    revoke(&site);
    fs::create_dir(site.node.root.path().join("empty")).unwrap();
    let table = "data/rk/t-5ab1e000000011f0800000000000000a";
    for (dir, words) in [
        ("empty", "an empty directory"),
        (".", "above a data directory"),
        ("data/rk", "the directory of a keyspace"),
        (table, "the directory of a table"),
    ] {
        for verb in ["destroy", "revoke"] {
            for more in [&[][..], &["--not-a-node"]] {
                let rest = [&[GROUP, OLD, "--yes", "--data-dir", dir], more].concat();
                site.keys(verb, &rest).exits(2).says(words).says("hint: ");
            }
        }
    }
    assert!(there(&site) && site.sim.count(Operation::DESTROY) == 0);
    let run = site.keys("destroy", &[GROUP, OLD, "--yes", "--data-dir", "empty", "--force"]);
    run.exits(0).says("note: nobody has looked: ").says("an empty directory");
    assert!(!there(&site));
}

/// What is in an odd place may be under the key, also one that no SSTable of the census is under.
#[test]
fn uncounted_data_may_be_under_the_key() {
    type Hide = fn(&Site);
    let hides: [(&str, Hide); 11] = [
        ("old", |site| move_to(site, "old")),
        ("snapshots/s/t/u", |site| move_to(site, "snapshots/s/t/u")),
        ("t.bak", |site| move_to(site, "../t.bak/x")),
        ("backups/x", |site| move_to(site, "backups/x")),
        ("oa-9-big-Data.db.bak", |site| {
            let from = site.node.table().join("oa-2-big-Data.db");
            fs::copy(&from, site.node.table().join("oa-9-big-Data.db.bak")).unwrap();
        }),
        ("oa-02-big-Data.db", |site| {
            for entry in fs::read_dir(site.node.table()).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_str().unwrap().to_owned();
                if let Some(component) = name.strip_prefix("oa-2-big-") {
                    let other = format!("oa-02-big-{component}");
                    fs::rename(&path, site.node.table().join(other)).unwrap();
                }
            }
        }),
        ("data/rk.bak/t-", |site| {
            fs::rename(site.node.data().join("rk"), site.node.data().join("rk.bak")).unwrap();
        }),
        ("data/ks: a link that leads to nothing", |site| {
            std::os::unix::fs::symlink("/gone", site.node.data().join("ks")).unwrap();
        }),
        ("a link that leads to nothing", |site| {
            std::os::unix::fs::symlink("/gone", site.node.data().join("rk/u")).unwrap();
        }),
        ("not UTF-8", |site| {
            let name = std::os::unix::ffi::OsStrExt::from_bytes(b"k\xff");
            let name: &std::ffi::OsStr = name;
            let keyspace = site.node.data().join(name);
            copy_tree(&site.node.data().join("rk"), &keyspace);
        }),
        ("files of SSTables where no node loads them", |site| {
            let from = site.node.table().join("oa-2-big-Data.db");
            fs::copy(&from, site.node.data().join("rk/oa-2-big-Data.db")).unwrap();
        }),
    ];
    for (words, hide) in hides {
        let site = Site::new();
        site.keep("other", vec![5; 16], 1, vec![]);
        unused_table(&site);
        hide(&site);
        for id in [OLD, "other"] {
            let rest = [GROUP, id, "--yes", "--data-dir", "data"];
            let run = site.keys("destroy", &rest).exits(4).says("could not be looked at");
            if id == "other" {
                run.says(words);
            }
        }
        assert_eq!(site.sim.count(Operation::DESTROY), 0, "{words}");
        site.node.read("census", &[]).exits(3).says("could not be looked at");
    }
}

/// The node's configuration knows where its data lies.
#[test]
fn a_data_directory_in_the_configuration_must_be_given() {
    let site = Site::unused();
    revoke(&site);
    let root = fs::canonicalize(site.node.root.path()).unwrap();
    let named = |directories: &str| {
        let text = format!("data_file_directories: [{directories}]\n");
        site.node.file("cassandra.yaml", &text.replace('~', root.to_str().unwrap()));
    };
    named("~/data, ~/data2");
    let run = destroy(&site, &[]).exits(4).says("a data directory of the node that was not given");
    run.says("data2").says("cannot find the data directory");
    copy_tree(&site.node.data(), &root.join("data2"));
    destroy(&site, &[]).exits(4).says("data2");
    assert!(there(&site));
    let run = destroy(&site, &["--data-dir", "data2"]).exits(0).says("destroyed key");
    let run = run.says(&format!("looked at: {}/data, 4 SSTables", root.display()));
    run.says(&format!("looked at: {}/data2, 4 SSTables", root.display()));
    let site = Site::unused();
    revoke(&site);
    site.node.file("cassandra.yaml", "data_file_directories: [\n");
    destroy(&site, &[]).exits(4).says("cassandra.yaml");
    assert!(there(&site));
}

/// A system property names directories, too; and without arguments all of them are looked at.
#[test]
fn a_proof_takes_every_directory_of_the_configuration() {
    let site = Site::unused();
    let root = fs::canonicalize(site.node.root.path()).unwrap();
    make_a_node(&site);
    site.node.file("cassandra.yaml", "cluster_name: x\n");
    let word = format!("JVM_OPTS=\"$JVM_OPTS -Dcassandra.storagedir={}\"\n", root.display());
    site.node.file("cassandra-env.sh", &word);
    copy_tree(&site.node.data().join("rk"), &root.join("data2/rk"));
    let conf = ["--conf", ".", GROUP, OLD, "--yes"];
    let other = [&["keys", "revoke", "--data-dir", "data2"], &conf[..]].concat();
    site.node.run(&other).exits(4).says("a data directory of the node that was not given");
    site.node.run(&[&["keys", "revoke"], &conf[..]].concat()).exits(0).says("revoked key");
    let run = site.node.run(&[&["keys", "destroy"], &conf[..]].concat()).exits(0);
    run.says(&format!("looked at: {}/data, ", root.display()));
}

#[test]
fn the_snapshot_that_needs_the_key_is_named() {
    let site = Site::new();
    copy_tree(&site.node.table(), &site.node.root.path().join("away"));
    for folder in ["snapshots/monday", "snapshots/friday", "backups"] {
        copy_tree(&site.node.root.path().join("away"), &site.node.table().join(folder));
    }
    let run = destroy(&site, &[]).exits(4).says("1. 4 SSTables of rk.t\n");
    let run = run.says("2. 8 SSTables in snapshots with tag friday, monday\n");
    run.says("clearsnapshot -t friday && nodetool").says("3. 4 SSTables in backups of rk.t\n");
    let run = destroy(&site, &["--json"]).exits(4);
    let line = &run.of_type("use")[0];
    let place = |name: &str, tag: Option<&str>| json!({"place": name, "tag": tag, "table": "rk.t", "sstables": 4});
    let places = [
        place("live", None),
        place("snapshot", Some("friday")),
        place("snapshot", Some("monday")),
        place("backup", None),
    ];
    assert_eq!(line["places"], json!(places));
    assert_eq!(line["looked_at"][0]["sstables"], 16);
    site.node.read("census", &[]).exits(0).says("snapshot friday").says("snapshot monday");
    let run = site.node.read("census", &["rk", "--snapshots", "--json"]).exits(0);
    let found = run.of_type("key")[0]["places"].as_array().unwrap().clone();
    let of = |place: &serde_json::Value| json!({"place": place["place"], "tag": place["tag"], "table": place["table"], "sstables": place["sstables"]});
    assert_eq!(found.iter().map(of).collect::<Vec<_>>(), places[..3]);
}
