//! What the node's own configuration says, in place of options.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::kit::{Node, Run};

/// A node with a tarball's installation of Cassandra 5.0.5, whose configuration names the data.
fn installed() -> Node {
    let node = Node::usual();
    let home = node.root.path().join("home");
    fs::create_dir_all(home.join("conf")).unwrap();
    fs::create_dir_all(home.join("lib")).unwrap();
    fs::write(home.join("lib/apache-cassandra-5.0.5.jar"), "").unwrap();
    let yaml = format!("data_file_directories:\n    - {}\n", node.data().display());
    fs::write(conf(&node), yaml).unwrap();
    node
}

fn conf(node: &Node) -> PathBuf {
    node.root.path().join("home/conf/cassandra.yaml")
}

fn run(mut command: Command, variables: &[(&str, &str)]) -> Run {
    command.envs(variables.iter().copied()).output().unwrap().into()
}

fn with(node: &Node, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    run(node.command(arguments), variables)
}

#[test]
fn the_data_is_found_by_argument_environment_and_conf() {
    let node = installed();
    for (variables, arguments) in [
        (&[][..], &["census", "--conf", "home"][..]),
        (&[], &["census", "--conf", "home/conf"]),
        (&[], &["census", "--conf", "home/conf/cassandra.yaml"]),
        (&[("SSTABLEREKEY_CONF", "home")], &["census"]),
        (&[("CASSANDRA_CONF", "home/conf")], &["census"]),
        (&[("CASSANDRA_HOME", "home")], &["census"]),
        (&[("DSE_HOME", ""), ("CASSANDRA_HOME", "home")], &["census"]),
        (&[("SSTABLEREKEY_DATA_DIR", "data:")], &["census"]),
        // An argument comes before the environment, and this before the configuration.
        (&[("SSTABLEREKEY_DATA_DIR", "absent")], &["census", "--data-dir", "data"]),
        (&[("SSTABLEREKEY_DATA_DIR", "data"), ("CASSANDRA_CONF", "absent")], &["census"]),
        (&[("SSTABLEREKEY_CONF", "absent")], &["census", "--conf", "home"]),
        (&[("CASSANDRA_CONF", "absent")], &["census", "--conf", "home"]),
    ] {
        let run = with(&node, variables, arguments).exits(0);
        assert!(run.out.contains("4 SSTables"), "{variables:?} {arguments:?}: {run:?}");
    }
    let run = node.run(&["census", "--conf", "home"]).exits(0);
    run.says("note: configuration: home/conf/cassandra.yaml (--conf)").says("(line 2)");
    let run = with(&node, &[("CASSANDRA_CONF", "home/conf")], &["census", "--json"]).exits(0);
    assert!(run.out.contains("($CASSANDRA_CONF)"), "{run:?}");
    for verb in ["status", "verify"] {
        node.run(&[verb, "--conf", "home"]).exits(0);
    }
    node.upgrade(&[]).exits(0);
    let run = node.run(&["report", "--conf", "home"]).exits(0).says("done: ");
    let source = run.out.lines().find_map(|line| line.strip_prefix("from: ")).unwrap();
    // Of named documents nothing of the node is needed.
    let run = with(&node, &[("SSTABLEREKEY_CONF", "absent")], &["report", source]).exits(0);
    assert_eq!(run.err, "");
}

/// What a tarball's configuration does not place is below its home, from wherever that was named.
#[test]
fn the_home_of_a_tarball_is_a_whole_path() {
    let node = installed();
    fs::write(conf(&node), "cluster_name: c\n").unwrap();
    fs::create_dir(node.root.path().join("home/data")).unwrap();
    fs::rename(node.data(), node.root.path().join("home/data/data")).unwrap();
    node.run(&["census", "--conf", "home"]).exits(0).says("4 SSTables");
    node.run(&["census", "--conf", "home/conf/../conf"]).exits(0);
    with(&node, &[("CASSANDRA_CONF", "home/conf")], &["census"]).exits(0);
    with(&node, &[("CASSANDRA_HOME", "home")], &["census"]).exits(0);
}

#[test]
fn what_is_named_and_not_there_is_an_error() {
    let node = installed();
    for (variables, arguments, part) in [
        (&[("CASSANDRA_CONF", "absent")][..], &["census"][..], "$CASSANDRA_CONF"),
        (&[("SSTABLEREKEY_CONF", "absent")], &["census"], "$SSTABLEREKEY_CONF"),
        (&[], &["census", "--conf", "absent"], "--conf"),
        (&[], &["census", "--conf", "data"], "no cassandra.yaml"),
        (&[], &["config", "--conf", "data"], "no cassandra.yaml"),
        (&[("SSTABLEREKEY_DATA_DIR", "absent")], &["census"], "absent"),
    ] {
        let run = with(&node, variables, arguments).exits(2).says("hint: ");
        assert!(run.err.contains(part) && run.out.is_empty(), "{run:?}");
    }
}

#[test]
fn several_installations_are_status_2_with_their_names() {
    let node = installed();
    let other = node.root.path().join("dse/resources/cassandra/conf");
    fs::create_dir_all(&other).unwrap();
    fs::copy(conf(&node), other.join("cassandra.yaml")).unwrap();
    let homes = [("CASSANDRA_HOME", "home"), ("DSE_HOME", "dse")];
    for verb in ["config", "census", "status"] {
        let run = with(&node, &homes, &[verb]).exits(2).says("--conf");
        assert!(run.err.contains("home/conf/cassandra.yaml"), "{run:?}");
        assert!(run.err.contains("dse/resources/cassandra/conf/cassandra.yaml"), "{run:?}");
    }
    with(&node, &homes, &["may-destroy", "a/b"]).exits(2).says("home/conf/cassandra.yaml");
    with(&node, &homes, &["census", "--conf", "home"]).exits(0);
    // What is found for keys alone may fail to be found.
    let run = with(&node, &homes, &["verify", "--data-dir", "data"]).exits(0);
    run.says("configuration is not used");
}

#[test]
fn each_fact_is_shown_with_its_origin() {
    let node = installed();
    let env = node.root.path().join("home/conf/cassandra-env.sh");
    let words = "JVM_OPTS=\"$JVM_OPTS -Dcassandra.storagedir=/s\"\nif x; then\n\
                 O=-Dcassandra.settings.auto_snapshot=false\nfi\n\
                 P=-Dcassandra.config.allow_system_properties=true\n";
    fs::write(env, words).unwrap();
    let text = format!(
        "{}disk_failure_policy: best_effort\ncommitlog_directory: /cl\n",
        fs::read_to_string(conf(&node)).unwrap()
    );
    fs::write(conf(&node), text).unwrap();
    let run = node.run(&["config", "--conf", "home"]).exits(0);
    for part in [
        "cassandra.yaml: home/conf/cassandra.yaml\n  --conf\n",
        "installed: Apache Cassandra 5.0.5\n  home/lib/apache-cassandra-5.0.5.jar is there\n",
        "flavor: apache-4\n",
        "commitlog_directory: /cl\n  home/conf/cassandra.yaml, line 4\n",
        "hints_directory: /s/hints\n  -D in home/conf/cassandra-env.sh, line 1\n",
        "auto_snapshot: cannot be told\n",
        "not set:\n",
    ] {
        assert!(run.out.contains(part), "no '{part}' in {}", run.out);
    }
    assert!(run.err.contains("disk_failure_policy: best_effort"), "{run:?}");
    assert!(run.err.contains("flush_compression is not set"), "{run:?}");
    let run = node.run(&["config", "--conf", "home", "--json"]).exits(0);
    let facts = run.of_type("fact");
    let named = |name: &str| {
        facts.iter().find(|fact| fact["name"] == name).unwrap_or_else(|| panic!("{name}"))
    };
    assert_eq!(named("commitlog_directory")["line"], 4);
    assert_eq!(named("commitlog_directory")["origin_kind"], "file");
    assert_eq!(named("hints_directory")["origin_kind"], "property");
    assert!(
        named("auto_snapshot")["value"].is_null() && named("auto_snapshot")["error"].is_string()
    );
    assert_eq!(run.of_type("summary")[0]["untold"], 1);
}

#[test]
fn a_plan_takes_the_product_from_the_installation() {
    let node = installed();
    let map = node.map(256);
    let plan = ["plan", "--conf", "home", "--create-key", "--compression", &map];
    let run = node.run(&plan).exits(0).says("4 of 4 SSTables to rewrite");
    let run = run.says("product: Apache Cassandra 5.0.5, flavor apache-4");
    assert!(run.err.contains("data directory: "), "{run:?}");
    let upgrade = ["upgradesstables", "--conf", "home", "--create-key", "--compression", &map];
    node.run(&upgrade).exits(0).says("4 rewritten");
    // Two products leave it open.
    fs::write(node.root.path().join("home/conf/dse.yaml"), "").unwrap();
    let again =
        ["plan", "--conf", "home", "--create-key", "--compression", &map.replace("new-key", "k2")];
    node.run(&again).exits(2).says("two products are installed").says("--flavor");
}

#[test]
fn key_commands_find_the_file_with_key_servers() {
    let node = installed();
    fs::write(node.root.path().join("home/conf/hcd.yaml"), "kmip_hosts: {}\n").unwrap();
    for arguments in
        [&["keys", "list"][..], &["keys", "test"], &["keys", "expire", "g", "1", "--yes"]]
    {
        let run = node.run(&[arguments, &["--conf", "home"]].concat()).exits(2);
        assert!(run.err.contains("home/conf/hcd.yaml"), "{run:?}");
        fs::rename(node.root.path().join("home"), node.root.path().join("away")).unwrap();
        node.run(arguments).exits(2).says("--config FILE");
        fs::rename(node.root.path().join("away"), node.root.path().join("home")).unwrap();
    }
    let set = ["--kmip-set", "g.verify_hostname=cn"];
    node.read("verify", &set).exits(2).says("--kmip-set").says("--config FILE");
}

#[test]
fn nodetool_s_words_are_taken_as_they_are() {
    let node = installed();
    let map = node.map(256);
    let rest = ["--conf", "home", "--create-key", "--compression", &map, "--stop-after", "1"];
    let before = ["-h", "db1", "-u", "me", "-pw", "hunter2", "upgradesstables", "-a", "-j", "0"];
    let run = node.run(&[&before[..], &rest].concat()).exits(75);
    let run = run.says("note: -h, -u, -pw: how nodetool reaches a node; ignored");
    assert!(!run.text().contains("hunter2") && !run.text().contains("db1"), "{run:?}");
    let run = node.run(&[
        "upgradesstables",
        "-p",
        "7199",
        "--conf",
        "home",
        "--create-key",
        "--compression",
        &map,
        "-j",
        "2",
        "--",
        "rk",
        "t",
    ]);
    run.exits(0).says("note: -p: how nodetool").says("3 rewritten");
    let run = node.run(&[
        "upgradesstables",
        "-t",
        "1700000000000",
        "--conf",
        "home",
        "--compression",
        &map,
    ]);
    run.exits(2).says("--max-timestamp").says("hint: ");
    for help in [&["-h"][..], &["upgradesstables", "-h"]] {
        assert!(node.run(help).exits(0).out.contains("Usage: "));
    }
    let run = node.run(&["-pw", "hunter2", "upgradesstables", "--nonsense"]).exits(2);
    assert!(!run.text().contains("hunter2"), "{run:?}");
}
