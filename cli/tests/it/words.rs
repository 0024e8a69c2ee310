//! What people read.

use crate::kit::{KMIP_LINES, KMIP_MAP, Node, testdata};

#[test]
fn help_and_version_are_there() {
    let node = Node::empty();
    let help = node.run(&["--help"]).exits(0);
    for word in ["plan", "census", "may-destroy", "verify", "upgradesstables", "Exit status"] {
        assert!(help.out.contains(word), "{word}");
    }
    for verb in ["plan", "census", "may-destroy", "report", "verify", "upgradesstables"] {
        assert!(!node.run(&[verb, "--help"]).exits(0).out.is_empty());
    }
    assert_eq!(help.out.contains("demo"), cfg!(feature = "demo"));
    let code = if cfg!(feature = "demo") { 0 } else { 2 };
    assert!(!node.run(&["demo", "--help"]).exits(code).text().trim().is_empty());
    assert!(node.run(&["--version"]).exits(0).out.contains(env!("CARGO_PKG_VERSION")));
}

/// Results on standard output, everything else on standard error.
#[test]
fn errors_and_hints_go_to_standard_error() {
    let node = Node::usual();
    for arguments in [
        &["census", "--data-dir", "absent"][..],
        &["verify", "--data-dir", "data", "nope"],
        &["plan", "--data-dir", "data", "--compression", "{"],
    ] {
        let run = node.run(arguments).exits(2);
        assert_eq!(run.out, "");
        let mut lines = run.err.lines().skip_while(|line| line.starts_with("note: "));
        assert!(lines.next().unwrap().starts_with("error: "), "{run:?}");
        assert!(lines.next().unwrap().starts_with("hint: "), "{run:?}");
    }
    // The position of the mistake and the option are named.
    node.run(&["plan", "--data-dir", "data", "--compression", "{'class' 'x'}"])
        .exits(2)
        .says("--compression")
        .says("character 10");
}

#[test]
fn every_refusal_of_a_plan_has_a_hint() {
    let node = Node::with("nb-des-cbc-56-16k");
    for entry in std::fs::read_dir(node.table()).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if let Some(at) = bytes.windows(8).position(|window| window == b"DES/CBC/") {
            bytes[at..at + 3].copy_from_slice(b"XYZ");
            std::fs::write(&path, bytes).unwrap();
        }
    }
    // As the run would end: all are refused for one reason.
    let run = node.plan(&["--create-key"]).exits(1).says("XYZ/CBC/PKCS5Padding");
    let refusals = run.out.lines().filter(|line| line.starts_with("refused:")).count();
    let hints = run.out.lines().filter(|line| line.trim_start().starts_with("hint:")).count();
    assert!(refusals > 0 && hints >= refusals, "{run:?}");
}

/// A table is altered where its options change, by a statement that can be pasted.
#[test]
fn a_run_that_changes_options_says_what_is_left_to_do() {
    let node = Node::usual();
    let table = |name: &str| node.data().join(format!("{name}-5ab1e000000011f0800000000000000b"));
    for name in ["Shop/order", "rk/u", "system/paxos"] {
        crate::kit::copy_tree(&node.table(), &table(name));
    }
    crate::kit::copy_tree(&table("rk/u"), &node.table().join(".by_n"));
    let map = node.map(256).replace(": 256", ": '256'");
    let run = node.upgrade(&["rk", "t"]).exits(0);
    let statement = format!("ALTER TABLE rk.t WITH compression = {map};");
    assert!(run.err.contains(&format!("  {statement}\n")), "{run:?}");
    assert!(run.err.contains("ALTER MATERIALIZED VIEW") && !run.err.contains("rk.u"), "{run:?}");
    // It is what this program takes, too.
    let rest = ["--flavor", "apache-4", "--compression", &statement, "rk.t"];
    node.read("plan", &rest).exits(0).says("0 of 8 SSTables");
    let run = node.upgrade(&[]).exits(0);
    assert!(run.err.contains("ALTER TABLE \"Shop\".\"order\" WITH compression = {'class'"));
    assert!(!run.err.contains("ALTER TABLE rk.t"), "{run:?}");
    assert!(!run.err.contains("ALTER TABLE system"), "{run:?}");
    assert!(run.err.contains("nobody alters system.paxos: "), "{run:?}");
    let run = node.upgrade(&[]).exits(0);
    assert!(!run.text().to_lowercase().contains("alter"), "{run:?}");
}

/// The node's own schema says which tables are views.
#[test]
fn a_view_of_the_schema_is_altered_as_a_view() {
    let node = Node::usual();
    let schema = testdata().join("schema/oa");
    crate::kit::copy_tree(&schema.join("system_schema"), &node.data().join("system_schema"));
    let said = std::fs::read_to_string(schema.join("expected.json")).unwrap();
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let id = said["system_schema.views"][0]["id"].as_str().unwrap().replace('-', "");
    let view = node.data().join(format!("app/users_by_name-{id}"));
    crate::kit::copy_tree(&node.table(), &view);
    let run = node.upgrade(&["app"]).exits(0);
    assert!(run.err.contains("  ALTER MATERIALIZED VIEW app.users_by_name WITH"), "{run:?}");
    assert!(!run.err.contains("which looks like a table here"), "{run:?}");
}

#[test]
fn where_only_the_key_changes_nothing_is_altered() {
    let node = Node::with("oa-kmip-a");
    let keys = node.file("kmip-keys", KMIP_LINES);
    let info = std::fs::read(node.table().join("oa-2-big-CompressionInfo.db")).unwrap();
    let has_namespace = info.windows(13).any(|part| part == b"key_namespace");
    let same = match has_namespace {
        true => KMIP_MAP.replace("'}", "', 'key_namespace': 'a'}"),
        false => KMIP_MAP.to_owned(),
    };
    let to = |map: &str, id: &str| {
        let rest = ["-a", "--json", "--flavor", "apache-4", "--compression", map];
        let key = ["--key-id", id, "--kmip-keys", keys.to_str().unwrap()];
        node.read("upgradesstables", &[&rest[..], &key].concat()).exits(0)
    };
    let run = to(&same, "0eb2277e-0acc-4adb-9241-1dd84dde691c");
    assert!(run.of_type("alter").is_empty(), "{run:?}");
    assert!(run.of_type("summary")[0]["rewritten"].as_u64().unwrap() > 0);
    let other = same.replace("{'class'", "{'chunk_length_in_kb': 4, 'class'");
    let run = to(&other, "02-449");
    let alter = &run.of_type("alter")[0];
    assert_eq!(alter["table"], "rk.t");
    let statement = alter["statement"].as_str().unwrap();
    assert!(statement.contains("'chunk_length_in_kb': '4'"), "{statement}");
}

#[test]
fn a_long_list_of_statements_is_cut_in_text_only() {
    let node = Node::usual();
    for index in 0..21 {
        let of = format!("rk/u{index}-5ab1e000000011f0800000000000000b");
        std::fs::create_dir_all(node.data().join(&of)).unwrap();
        for entry in std::fs::read_dir(node.table()).unwrap() {
            let from = entry.unwrap().path();
            let name = from.file_name().unwrap().to_str().unwrap();
            if name.starts_with("oa-4-big-") {
                std::fs::copy(&from, node.data().join(&of).join(name)).unwrap();
            }
        }
    }
    let copy = Node::usual();
    std::fs::remove_dir_all(copy.data()).unwrap();
    crate::kit::copy_tree(&node.data(), &copy.data());
    let run = node.upgrade(&[]).exits(0).says("  and 2 more in the same way");
    assert_eq!(run.err.matches("  ALTER TABLE rk.").count(), 20, "{run:?}");
    assert_eq!(copy.upgrade(&["--json"]).exits(0).of_type("alter").len(), 22);
}

/// A wrong word is understood, or the right word is suggested.
#[test]
fn nearly_right_words_are_understood() {
    let node = Node::usual();
    let map = node.map(256);
    let plan = |map: &str, flavor: &str, names: &[&str]| {
        let rest = ["--create-key", "--flavor", flavor, "--compression", map];
        node.read("plan", &[&rest, names].concat())
    };
    let all = "4 of 4 SSTables to rewrite";
    for pasted in [
        format!("{map};"),
        format!("WITH compression = {map};"),
        format!("ALTER TABLE rk.t WITH compression = {map};"),
    ] {
        plan(&pasted, "apache-4", &[]).exits(0).says(all);
    }
    for flavor in ["apache-5", "cassandra-5.0"] {
        plan(&map, flavor, &[]).exits(0).says(all);
    }
    plan(&map, "hcd", &["rk.t"]).exits(0).says(all).says("converged-core");
    node.read("verify", &["rk.t"]).exits(0).says("4 verified");
    node.read("census", &["rk", "rk.t"]).exits(0);

    plan(&map.replace("Encryptor", "encryptor"), "apache-4", &[])
        .exits(2)
        .says("did you mean 'Encryptor'?");
    plan(&map.replace("ProviderFactory", "ProvderFactory"), "apache-4", &[])
        .exits(2)
        .says("did you mean 'LocalFileSystemKeyProviderFactory'?");
    plan(&map.replace("secret_key_strength", "secret_key_strenght"), "apache-4", &[])
        .exits(2)
        .says("did you mean 'secret_key_strength'?");
    plan(&map.replace("{'class'", "{'chunk_lenght_in_kb': 64, 'class'"), "apache-4", &[])
        .exits(2)
        .says("did you mean 'chunk_length_in_kb'?");
    plan(&map.replace("'class'", "'Class'"), "apache-4", &[])
        .exits(2)
        .says("did you write 'Class' for 'class'?");
    plan(&map, "convergedcore", &[]).exits(2).says("did you mean 'converged-core'?");
    std::fs::create_dir_all(node.data().join("shop/customers-5ab1e000000011f0800000000000000b"))
        .unwrap();
    node.read("census", &["shp"]).exits(2).says("did you mean 'shop'?");
    node.read("census", &["shop", "Customer"]).exits(2).says("did you mean 'customers'?");
    node.read("census", &["shop.customers", "rk.t"]).exits(2).says("once for each keyspace");
}

#[test]
fn threads_are_bounded() {
    let node = Node::usual();
    for (option, number) in [("--threads", "1025"), ("--threads", "0"), ("-j", "100000")] {
        let verb = if option == "-j" { "upgradesstables" } else { "census" };
        node.read(verb, &[option, number]).exits(2).says("it is 1");
    }
    node.read("census", &["--threads", "many"]).exits(2).says("not a number of threads");
    node.read("census", &["--threads", "1024"]).exits(0);
    let mut command = node.command(&["census", "--data-dir", "data"]);
    let run = command.env("SSTABLEREKEY_THREADS", "5000").output().unwrap();
    assert_eq!(run.status.code(), Some(2));
}

#[test]
fn the_vendor_s_name_of_the_batch_log() {
    let node = Node::usual();
    for table in ["batches", "paxos"] {
        let of = format!("system/{table}-5ab1e000000011f0800000000000000b");
        crate::kit::copy_tree(&node.table(), &node.data().join(of));
    }
    let run = node.upgrade(&["system", "batchlog", "paxos"]).exits(0).says("8 rewritten");
    assert!(run.err.contains("'batchlog' is taken for 'system.batches'"), "{run:?}");
    let run = node.upgrade(&["system", "batchlog", "paxos", "--json"]).exits(0);
    let notes = run.of_type("note");
    let said = notes.iter().filter(|note| note["message"].as_str().unwrap().contains("batchlog"));
    assert_eq!(said.count(), 1, "{run:?}");
}

/// A directory may have any name, and a terminal must not interpret it.
#[test]
fn no_name_reaches_a_terminal_unescaped() {
    let node = Node::usual();
    let table = |name: &str| format!("{name}-5ab1e000000011f0800000000000000b");
    let names = ["k\u{1b}[2J\u{7}s", "rk\u{9b}31m"];
    for name in names {
        crate::kit::copy_tree(&node.table(), &node.data().join(name).join(table("t")));
    }
    crate::kit::copy_tree(&node.table(), &node.data().join("rk").join(table("u\u{1b}]0;x\u{7}")));
    let is_plain = |run: &crate::kit::Run| {
        let bad = |c: &char| c.is_control() && *c != '\n';
        assert_eq!(run.text().chars().find(bad), None, "{run:?}");
    };
    let map = node.map(256);
    let upgrade = ["-a", "--create-key", "--flavor", "apache-4", "--compression", &map];
    for json in [&[][..], &["--json"]] {
        for verb in ["census", "verify"] {
            let run = node.read(verb, json);
            is_plain(&run);
            assert!(run.text().contains("[2J"), "{run:?}");
        }
        is_plain(&node.read("census", &[json, names.as_slice()].concat()).exits(2));
        is_plain(&node.read("census", &[json, &["--\u{1b}[2J"]].concat()).exits(2));
        is_plain(&node.read("upgradesstables", &[&upgrade, json].concat()));
        is_plain(&node.read("report", json).exits(0));
        is_plain(&node.read("status", json));
        let key = ["kmip a\u{1b}[2J/b", "--not-a-node"];
        is_plain(&node.read("may-destroy", &[json, &key].concat()));
    }
    node.read("census", &[]).exits(3).says("u\\u{1b}]0;x");
    node.read("verify", &[]).says("k\\u{1b}[2J\\u{7}s/t-").says("rk\\u{9b}31m/t-");
    // Programs get the name itself.
    let run = node.read("verify", &["--json"]);
    let tables = run.of_type("sstable");
    assert!(tables.iter().any(|line| line["table"] == "rk.u\u{1b}]0;x\u{7}"), "{run:?}");
}
