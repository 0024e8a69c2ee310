//! Machines that refuse what others give: calls, threads, long names.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;

use crate::kit::{Node, Run};

/// The SSTables of the usual node when it is done.
const DONE: [&str; 4] = ["oa-6-big", "oa-7-big", "oa-8-big", "oa-9-big"];

/// The arguments of the usual upgrade of a node. Some of these runs belong to another user, who
/// cannot examine a Java virtual machine that happens to run here. That is not what is tested.
fn arguments(map: &str) -> Vec<&str> {
    let first =
        ["upgradesstables", "-a", "--create-key", "--node-is-stopped", "--data-dir", "data"];
    [&first[..], &["--flavor", "apache-4", "--compression", map]].concat()
}

/// Runs the usual upgrade by way of another program, with these arguments of its own.
fn upgrade_by(node: &Node, program: &str, own: &[&str]) -> Run {
    let mut command = Command::new(program);
    command.args(own).arg(env!("CARGO_BIN_EXE_sstablerekey")).args(arguments(&node.map(256)));
    command.current_dir(node.root.path()).output().unwrap().into()
}

/// Whether a program can be run that way.
fn works(program: &str, own: &[&str]) -> bool {
    let tried = Command::new(program).args(own).arg("true").output();
    let works = tried.as_ref().is_ok_and(|tried| tried.status.success());
    if !works {
        eprintln!("skipped: {program} does not work here: {tried:?}");
    }
    works
}

#[test]
fn calls_that_a_profile_refuses_have_another_way() {
    for call in ["pwritev2", "fallocate", "link,linkat", "renameat2", "fadvise64", "madvise"] {
        for errno in ["ENOSYS", "EPERM"] {
            let (trace, inject) = (format!("trace={call}"), format!("inject={call}:error={errno}"));
            let own = ["-f", "-o", "/dev/null", "-e", &trace, "-e", &inject];
            if !works("strace", &own) {
                return;
            }
            let node = Node::usual();
            let run = upgrade_by(&node, "strace", &own);
            assert_eq!(run.code, 0, "{call} {errno}: {run:?}");
            assert_eq!(node.sstables(), DONE);
            node.read("verify", &[]).exits(0);
        }
    }
}

#[test]
fn a_run_works_with_few_threads() {
    // The system does not count root's threads, so this runs as another user without other
    // processes.
    const USER: &str = "48173";
    let given = ["--reuid", USER, "--regid", USER, "--clear-groups"];
    if !works("setpriv", &given) {
        return;
    }
    for threads in 1..=6 {
        let node = Node::usual();
        chown(&["-R", &format!("{USER}:{USER}")], node.root.path());
        let limit = format!("ulimit -u {threads}; exec \"$@\"");
        let own = [&given[..], &["bash", "-c", &limit, "bash"]].concat();
        if !works("setpriv", &own) {
            return;
        }
        let run = upgrade_by(&node, "setpriv", &own);
        assert!(!run.text().contains("panicked"), "{threads}: {run:?}");
        assert_eq!(run.code, 0, "{threads}: {run:?}");
        assert_eq!(node.sstables(), DONE);
        if threads == 1 {
            run.says("threads, and the work was slower for it").says("ulimit -u");
        }
    }
}

/// A node that belongs to a user that does not exist, and a way to become that user.
fn node_of_its_user() -> Option<(Node, [&'static str; 5])> {
    const USER: &str = "48174";
    let own = ["--reuid", USER, "--regid", USER, "--clear-groups"];
    if !works("setpriv", &own) {
        return None;
    }
    let node = Node::usual();
    chown(&["-R", &format!("{USER}:{USER}")], node.root.path());
    Some((node, own))
}

fn chown(arguments: &[&str], path: &Path) {
    assert!(Command::new("chown").args(arguments).arg(path).status().unwrap().success());
}

#[test]
fn the_node_s_user_keeps_files_that_root_has_restored() {
    let Some((node, own)) = node_of_its_user() else { return };
    for entry in fs::read_dir(node.table()).unwrap() {
        chown(&["0:0"], &entry.unwrap().path());
    }
    let run = upgrade_by(&node, "setpriv", &own).exits(0);
    let said = run.text().matches("which only root can give").count();
    assert_eq!(said, 1, "{run:?}");
    for entry in fs::read_dir(node.table()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().uid(), 48174, "{entry:?}");
    }
}

#[test]
fn forbidden_work_is_refused_before_any_change() {
    type Change = fn(&Node);
    let changes: [(&str, Change); 3] = [
        ("may not make or remove files", |node| chown(&["0:0"], &node.table())),
        ("owner of the old one", |node| {
            for name in node.sstables() {
                chown(&["0:0"], &node.table().join(format!("{name}-Data.db")));
            }
            chown(&["0:0"], &node.table());
            mode(&node.table(), 0o777);
        }),
        ("the sticky bit", |node| {
            for name in node.sstables() {
                chown(&["0:0"], &node.table().join(format!("{name}-Data.db")));
            }
            chown(&["0:0"], &node.table());
            mode(&node.table(), 0o1777);
        }),
    ];
    for (words, change) in changes {
        let Some((node, own)) = node_of_its_user() else { return };
        change(&node);
        let before = node.sstables();
        let run = upgrade_by(&node, "setpriv", &own);
        assert_eq!(run.code, 1, "{words}: {run:?}");
        let run = run.says(words);
        assert_eq!(node.sstables(), before, "{run:?}");
        assert!(node.is_clean());
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Bash that mounts something in its own namespace and then runs its arguments.
fn mounting(mount: &str) -> Option<[String; 5]> {
    let script = format!("{mount} && exec \"$@\"");
    let own = ["-m", "bash", "-c", &script, "bash"].map(str::to_owned);
    works("unshare", &["-m", "bash", "-c", "mount -t tmpfs none /mnt && exec \"$@\"", "bash"])
        .then_some(own)
}

#[test]
fn files_on_another_mount_are_refused_in_the_plan() {
    for below in ["rk", "rk/t-5ab1e000000011f0800000000000000a"] {
        let node = Node::usual();
        let (place, aside) = (node.data().join(below), node.root.path().join("aside"));
        let mount = format!(
            "cp -rp '{place}' '{aside}' && mount {how} '{place}' && cp -rp '{aside}'/. '{place}'",
            place = place.display(),
            aside = aside.display(),
            how = "-t tmpfs none",
        );
        let Some(own) = mounting(&mount) else { return };
        let own = own.each_ref().map(String::as_str);
        let run = upgrade_by(&node, "unshare", &own);
        assert_eq!(run.code, 1, "{below}: {run:?}");
        run.says("another mount than its data directory").says("hint:");
        assert!(node.is_clean());
    }
}

/// A bind mount has the same file system, and files that are links of live ones.
#[test]
fn snapshots_on_a_bind_mount_are_refused_and_the_live_ones_done() {
    let node = Node::usual();
    let (snapshots, store) = (node.table().join("snapshots"), node.root.path().join("store"));
    for directory in [&snapshots, &store.join("s")] {
        fs::create_dir_all(directory).unwrap();
    }
    for name in fs::read_dir(node.table()).unwrap().map(|entry| entry.unwrap().file_name()) {
        if node.table().join(&name).is_file() {
            fs::hard_link(node.table().join(&name), store.join("s").join(&name)).unwrap();
        }
    }
    let mount = format!("mount --bind '{}' '{}'", store.display(), snapshots.display());
    let Some(own) = mounting(&mount) else { return };
    let own = own.each_ref().map(String::as_str);
    let mut command = Command::new("unshare");
    let (map, binary) = (node.map(256), env!("CARGO_BIN_EXE_sstablerekey"));
    command.args(own).arg(binary).args(arguments(&map)).arg("--snapshots");
    let run: Run = command.current_dir(node.root.path()).output().unwrap().into();
    run.exits(3).says("another mount than its data directory").says("snapshots/s");
    assert_eq!(node.sstables(), DONE);
    node.read("abandon", &[]).exits(0);
    node.read("verify", &[]).exits(0);
}

#[test]
fn files_that_are_marked_immutable_are_refused() {
    let node = Node::usual();
    let marked = node.table().join("oa-3-big-Filter.db");
    let mark = |sign: &str| Command::new("chattr").arg(sign).arg(&marked).output();
    if !mark("+i").is_ok_and(|marked| marked.status.success()) {
        eprintln!("skipped: no file can be marked as immutable here");
        return;
    }
    let (plan, run) = (node.plan(&["--create-key"]), node.upgrade(&[]));
    assert!(mark("-i").unwrap().status.success());
    for run in [plan, run] {
        run.exits(3).says("immutable").says("oa-3-big-Filter.db").says("chattr");
    }
    assert_eq!(node.sstables(), ["oa-3-big", "oa-6-big", "oa-7-big", "oa-8-big"]);
}

#[test]
fn a_table_may_have_a_name_that_fills_a_file_name() {
    let node = Node::usual();
    let long = node.data().join("rk").join(format!("{}-{}", "x".repeat(222), "5".repeat(32)));
    fs::rename(node.table(), &long).unwrap();
    node.plan(&["--create-key"]).exits(0);
    node.upgrade(&["--verbose"]).exits(0).says("oa-6-big");
    node.read("verify", &[]).exits(0);
}
