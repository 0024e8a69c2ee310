//! Which files a command is about: keyspaces, tables, indices, several data directories, and the
//! directory that it was started in.

use std::fs;

use crate::kit::{Node, Run, copy_tree, has_only_reports};

/// Tables `rk.t` with an index, `rk.u` and `ks.t`.
fn node() -> Node {
    let node = Node::usual();
    let other = node.data().join("rk/u-5ab1e000000011f0800000000000000b");
    copy_tree(&node.table(), &other);
    copy_tree(&node.table(), &node.data().join("ks/t-5ab1e000000011f0800000000000000c"));
    copy_tree(&other, &node.table().join(".by_n"));
    node
}

fn tables(run: &Run) -> Vec<String> {
    let mut names: Vec<String> = run
        .of_type("sstable")
        .iter()
        .map(|line| line["table"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn keyspaces_and_tables_are_chosen_by_name_with_their_indices() {
    let node = node();
    for (names, expected) in [
        (&[][..], &["ks.t", "rk.t", "rk.t.by_n", "rk.u"][..]),
        (&["rk"], &["rk.t", "rk.t.by_n", "rk.u"]),
        (&["ks"], &["ks.t"]),
        (&["rk", "t"], &["rk.t", "rk.t.by_n"]),
        (&["rk", "u", "t"], &["rk.t", "rk.t.by_n", "rk.u"]),
    ] {
        let run = node.plan(&[&["--create-key", "--json"], names].concat()).exits(0);
        assert_eq!(tables(&run), expected, "{names:?}");
        let run = node.read("verify", &[&["--json"], names].concat()).exits(0);
        assert_eq!(tables(&run), expected, "{names:?}");
    }
    node.upgrade(&["rk", "u"]).exits(0).says("4 SSTables: 4 rewritten");
    assert_eq!(node.sstables(), ["oa-2-big", "oa-3-big", "oa-4-big", "oa-5-big"]);
    let run = node.upgrade(&["--json"]).exits(0);
    assert_eq!(run.of_type("summary")[0]["rewritten"], 12);
    assert_eq!(run.of_type("summary")[0]["skipped"], 4);
}

#[test]
fn names_that_are_nowhere_are_refused_by_name() {
    let node = node();
    for names in
        [&["nope"][..], &["rk", "nope"], &["rk", "t", "nope"], &["ks", "u"], &["rk", "by_n"]]
    {
        for verb in ["census", "verify"] {
            let run = node.read(verb, names).exits(2).says("hint:");
            assert!(run.err.contains(&format!("'{}'", names.last().unwrap())), "{run:?}");
        }
        node.plan(names).exits(2);
        node.upgrade(names).exits(2);
    }
    assert_eq!(node.sstables()[0], "oa-2-big");
}

#[test]
fn several_data_directories_are_one_table() {
    let node = Node::usual();
    let second = node.root.path().join("data2/rk/t-5ab1e000000011f0800000000000000a");
    fs::create_dir_all(&second).unwrap();
    for entry in fs::read_dir(node.table()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("oa-5-big-") {
            fs::rename(&path, second.join(name)).unwrap();
        }
    }
    let run = node.upgrade(&["--data-dir", "data2", "--json"]).exits(0);
    assert_eq!(run.of_type("summary")[0]["rewritten"], 4);
    // An id is used once over both.
    let there: Vec<_> = fs::read_dir(&second).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(there.len(), 8);
    let name = there[0].file_name().unwrap().to_str().unwrap();
    let id: u32 = name.split('-').nth(1).unwrap().parse().unwrap();
    let first = node.sstables();
    assert_eq!(first.len(), 3);
    assert!(id > 5 && !first.contains(&format!("oa-{id}-big")), "{id} and {first:?}");
    assert!(has_only_reports(&node.root.path().join("data2/.sstablerekey")));
    node.read("verify", &["--data-dir", "data2"]).exits(0).says("4 verified");
    // Twice the same is once.
    node.read("verify", &["--data-dir", "./data/../data"]).exits(0).says("3 verified");
}

#[test]
fn relative_key_files_start_at_the_working_directory_or_key_base() {
    let node = Node::usual();
    let data = node.data();
    let elsewhere = tempfile::tempdir().unwrap();
    let verify = |more: &[&str]| -> Run {
        let arguments = [&["verify", "--data-dir", data.to_str().unwrap()], more].concat();
        let mut command = node.command(&arguments);
        command.current_dir(elsewhere.path()).output().unwrap().into()
    };
    verify(&[]).exits(6).says("keys/aes-cbc-256");
    verify(&["--key-base", node.root.path().to_str().unwrap()]).exits(0);
    copy_tree(&node.root.path().join("keys"), &elsewhere.path().join("keys"));
    verify(&[]).exits(0);
}

/// Nothing was found where nothing can be: that is not a success.
#[test]
fn every_command_refuses_what_is_not_a_data_directory() {
    let node = Node::empty();
    for more in [&[][..], &["--not-a-node"]] {
        for verb in ["census", "report", "verify", "status", "abandon"] {
            node.read(verb, more).exits(2).says("an empty directory").says("mounted?");
        }
        let asked = node.read("may-destroy", &[&["a/b"], more].concat()).exits(2);
        asked.says("an empty directory");
        node.plan(&[&["--create-key"], more].concat()).exits(2).says("an empty directory");
        node.upgrade(more).exits(2).says("an empty directory");
    }
    assert!(
        !node.data().join(".sstablerekey").exists() && !node.root.path().join("new-key").exists()
    );
}

/// A table's directory once had its `snapshots/x` taken for a table, and rewritten.
#[test]
fn a_table_s_directory_is_never_worked_on() {
    let node = Node::usual();
    let away = node.root.path().join("away");
    copy_tree(&node.table(), &away);
    copy_tree(&away, &node.table().join("snapshots/x"));
    copy_tree(&away, &node.table().join("backups"));
    let map = node.map(256);
    for dir in [node.table(), node.table().join("snapshots"), node.data().join("rk")] {
        let dir = dir.to_str().unwrap();
        for more in [&[][..], &["--not-a-node"]] {
            let common =
                ["--create-key", "--data-dir", dir, "--flavor", "apache-4", "--compression", &map];
            let run = node.run(&[&["upgradesstables", "-a"], &common[..], more].concat());
            run.exits(2).says("hint: give the ");
        }
    }
    let kept = fs::read_dir(node.table().join("snapshots/x")).unwrap().count();
    assert_eq!(kept, fs::read_dir(&away).unwrap().count());
    assert_eq!(node.sstables()[0], "oa-2-big");
    node.plan(&["--create-key"]).exits(0).says("warning: ").says("no system keyspace lies in it");
    let run = node.plan(&["--create-key", "--not-a-node"]).exits(0);
    assert!(!run.text().contains("no system keyspace"), "{run:?}");
}

#[test]
fn verify_reads_archives_too_and_linked_files_once() {
    let node = Node::usual();
    let snapshot = node.table().join("snapshots/s");
    fs::create_dir_all(&snapshot).unwrap();
    copy_tree(&node.table(), &node.root.path().join("away"));
    for name in fs::read_dir(node.root.path().join("away")).unwrap() {
        let name = name.unwrap().file_name();
        if node.table().join(&name).is_file() {
            fs::hard_link(node.table().join(&name), snapshot.join(&name)).unwrap();
        }
    }
    node.read("verify", &[]).exits(0).says("4 verified");
    let run = node.read("verify", &["--snapshots", "--json"]).exits(0);
    assert_eq!(run.of_type("summary")[0]["verified"], 8);
    assert_eq!(run.of_type("started")[0]["sstables"], 4, "the links are not read again");
    fs::remove_dir_all(node.root.path().join("away/snapshots")).unwrap();
    copy_tree(&node.root.path().join("away"), &node.table().join("backups"));
    let run = node.read("verify", &["--snapshots", "--backups"]).exits(0);
    run.says("12 verified");
    let data = node.table().join("backups/oa-2-big-Data.db");
    let mut bytes = fs::read(&data).unwrap();
    bytes[100] ^= 1;
    fs::write(&data, &bytes).unwrap();
    node.read("verify", &[]).exits(0);
    node.read("verify", &["--backups"]).exits(3).says("backups/oa-2-big-Data.db");
}

#[test]
fn both_ways_to_read_and_any_number_of_threads_do_the_same() {
    for (io, threads) in [("map", "1"), ("read", "1"), ("map", "7"), ("read", "3")] {
        let node = node();
        node.upgrade(&["--io", io, "--threads", threads]).exits(0).says("16 rewritten");
        fs::remove_dir_all(node.root.path().join("keys")).unwrap();
        node.read("verify", &["--io", io, "--threads", threads]).exits(0).says("16 verified");
    }
}

/// `oa-02-big` was once taken for `oa-2-big`, and its key was missing in the census.
#[test]
fn another_spelling_of_a_number_hides_no_key() {
    let node = Node::usual();
    let other = crate::kit::testdata().join("fixtures/oa-kmip-a/rk");
    let other = fs::read_dir(other).unwrap().next().unwrap().unwrap().path();
    for entry in fs::read_dir(other).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(component) = name.strip_prefix("oa-2-big-") {
            fs::copy(&path, node.table().join(format!("oa-02-big-{component}"))).unwrap();
        }
    }
    let run = node.read("census", &[]).exits(3).says("oa-02-big-Data.db");
    run.says("could not be looked at: any key may still be in use there");
    let run = node.read("census", &["--json"]).exits(3);
    let unknown = run.of_type("unknown");
    let is_of_it =
        |line: &serde_json::Value| line["path"].as_str().unwrap().contains("/oa-02-big-");
    assert!(!unknown.is_empty() && unknown.iter().all(is_of_it), "{run:?}");
    // Its number counts as used, whatever a node does with the name.
    let data = |id: &str| node.table().join(format!("oa-{id}-big-Data.db"));
    fs::rename(data("02"), data("09")).unwrap();
    let run = node.plan(&["--create-key", "--json"]).exits(0);
    let mut new: Vec<_> =
        run.of_type("sstable").iter().map(|line| line["new"].to_string()).collect();
    new.sort();
    assert_eq!(new, [10, 11, 12, 13].map(|id| format!("\"oa-{id}-big\"")), "{run:?}");
}

/// A name that is not valid for a keyspace is that of an operator's copy.
#[test]
fn a_directory_not_named_like_a_keyspace_is_skipped_with_a_note() {
    let node = Node::usual();
    copy_tree(&node.data().join("rk"), &node.data().join("rk.bak"));
    let run = node.read("census", &["--json"]).exits(3);
    assert_eq!(run.of_type("unknown").len(), 1, "{run:?}");
    let run = node.read("census", &[]).exits(3).says("data/rk.bak/t-").says("no node loads them");
    assert!(!run.text().contains("rk.bak.t"), "{run:?}");
    let run = node.plan(&["--create-key", "--json"]).exits(0);
    assert_eq!(tables(&run), ["rk.t"]);
    node.upgrade(&[]).exits(0).says("4 rewritten");
    let kept = node.data().join("rk.bak/t-5ab1e000000011f0800000000000000a/oa-2-big-Data.db");
    assert!(kept.exists());
    node.read("census", &["rk.bak"]).exits(2);
    node.read("census", &["rk"]).exits(0);
}

#[test]
fn an_empty_table_is_reported_and_a_missing_one_refused() {
    let node = node();
    let empty = node.data().join("rk/v-5ab1e000000011f0800000000000000d");
    fs::create_dir_all(empty.join("snapshots/s")).unwrap();
    fs::create_dir_all(node.data().join("ks2/w-5ab1e000000011f0800000000000000e")).unwrap();
    let word = "has a directory, and no SSTable that a node would load";
    for names in [&["rk", "v"][..], &["rk", "v", "t"], &["ks2"], &["ks2", "w"]] {
        let said = names[..2.min(names.len())].join(".");
        for verb in ["census", "verify"] {
            let run = node.read(verb, names).exits(0).says(&format!("note: {said} {word}"));
            assert_eq!(run.err.matches(word).count(), 1, "{run:?}");
        }
        let run = node.plan(&[&["--create-key", "--json"], names].concat()).exits(0);
        let notes = run.of_type("note");
        assert!(notes.iter().any(|line| line["message"] == format!("{said} {word}")), "{run:?}");
        node.upgrade(names).exits(0).says(&format!("note: {said} {word}"));
    }
    for names in [&[][..], &["rk"], &["rk", "t"], &["ks", "t"]] {
        let run = node.read("census", names).exits(0);
        assert!(!run.text().contains(word), "{run:?}");
    }
    node.read("verify", &["rk", "nope"]).exits(2).says("there are: t, u, v;");
    node.read("verify", &["nope"]).exits(2).says("there are: ks, ks2, rk;");
}
