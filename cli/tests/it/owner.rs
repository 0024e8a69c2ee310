//! Started as root on data of another user: which user it works as, and how it reaches files.
#![expect(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use crate::kit::{Node, Run};

/// A user that does not exist.
const USER: u32 = 48_175;

fn is_root() -> bool {
    let is_root = rustix::process::geteuid().is_root();
    if !is_root {
        eprintln!("skipped: only root can work as another user");
    }
    is_root
}

fn chown(user: u32, path: &Path) {
    std::os::unix::fs::lchown(path, Some(user), Some(user)).unwrap();
}

fn chown_all(user: u32, path: &Path) {
    each(path, &mut |path| chown(user, path));
}

fn each(path: &Path, work: &mut impl FnMut(&Path)) {
    work(path);
    if path.symlink_metadata().unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            each(&entry.unwrap().path(), work);
        }
    }
}

/// A node that belongs to [`USER`].
fn node() -> Node {
    let node = Node::usual();
    chown_all(USER, node.root.path());
    node
}

/// The usual upgrade, started by its user.
fn upgrade_by_its_user(node: &Node, more: &[&str]) -> Run {
    let map = node.map(256);
    let user = USER.to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
    command.arg(env!("CARGO_BIN_EXE_sstablerekey"));
    command.args(["upgradesstables", "-a", "--create-key", "--node-is-stopped"]);
    command.args(["--data-dir", "data", "--flavor", "apache-4", "--compression", &map]);
    command.args(more).current_dir(node.root.path()).output().unwrap().into()
}

fn all_belong_to(user: u32, node: &Node) {
    each(node.root.path(), &mut |path| {
        assert_eq!(path.symlink_metadata().unwrap().uid(), user, "{}", path.display());
    });
}

#[test]
fn the_owner_resumes_a_run_of_root_and_root_one_of_the_owner() {
    if !is_root() {
        return;
    }
    let node = node();
    let begun = node.upgrade(&["--stop-after", "1"]).exits(75);
    begun.says(&format!("started as root, working as {USER}"));
    all_belong_to(USER, &node);
    assert!(node.data().join(".sstablerekey/journal").exists());
    upgrade_by_its_user(&node, &["--stop-after", "1"]).exits(75);
    all_belong_to(USER, &node);
    let status = node.read("status", &["--json"]).exits(0);
    assert_eq!(status.lines().last().unwrap()["swapped"], 2, "{status:?}");
    node.upgrade(&[]).exits(0);
    all_belong_to(USER, &node);
    assert!(!node.data().join(".sstablerekey/journal").exists());
    node.upgrade(&[]).exits(0).says("4 skipped (already under the target key)");
    node.read("verify", &[]).exits(0);
    node.read("report", &["--html", "page.html"]).exits(0);
    all_belong_to(USER, &node);
}

#[test]
fn key_files_that_only_root_may_read_are_read() {
    if !is_root() {
        return;
    }
    let node = node();
    chown_all(0, &node.root.path().join("keys"));
    node.read("verify", &[]).exits(0);
    // The rights that are kept are only for keys: data that its owner may not read is not read.
    let data = node.table().join("oa-2-big-Data.db");
    chown(0, &data);
    fs::set_permissions(&data, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let run = node.read("verify", &[]);
    assert_ne!(run.code, 0, "{run:?}");
    run.says("oa-2-big-Data.db").says("ermission denied");
}

#[test]
fn what_its_user_may_not_read_may_be_under_any_key() {
    if !is_root() {
        return;
    }
    let node = node();
    node.read("census", &[]).exits(0);
    let asked = ["may-destroy", "kmip vault/02-449", "--data-dir", "data", "--not-a-node"];
    node.run(&asked).exits(0);
    let info = node.table().join("oa-2-big-CompressionInfo.db");
    chown(0, &info);
    fs::set_permissions(&info, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    node.read("census", &[]).exits(3).says("oa-2-big-CompressionInfo.db").says("ermission denied");
    let run = node.run(&asked).exits(3).says("unknown: kmip vault/02-449");
    run.says("oa-2-big-CompressionInfo.db");
    // A directory that it may not enter hides all of its files.
    chown(USER, &info);
    chown(0, &node.table());
    fs::set_permissions(node.table(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    node.read("census", &[]).exits(2).says("ermission denied");
    node.run(&asked).exits(2).says("ermission denied");
}

#[test]
fn data_of_several_users_is_refused_until_one_is_named() {
    if !is_root() {
        return;
    }
    let node = node();
    chown(USER + 1, &node.table());
    for verb in ["census", "status", "verify"] {
        let refused = node.read(verb, &[]).exits(2);
        refused.says("belongs to several users").says(&(USER + 1).to_string()).says("--as USER");
    }
    node.read("may-destroy", &["a/b"]).exits(2).says("belongs to several users");
    node.upgrade(&[]).exits(2);
    assert!(!node.data().join(".sstablerekey").exists());
    node.read("census", &["--as", &USER.to_string()]).exits(0);
    node.read("census", &["--as", "root"]).exits(0);
    node.read("census", &["--as", "no-such-user"]).exits(2).says("there is no user no-such-user");
    // Root's own directories do not count.
    chown(0, &node.table());
    node.read("census", &[]).exits(0).says(&format!("working as {USER}"));
}

#[test]
fn only_root_works_as_another_user() {
    if !is_root() {
        return;
    }
    let node = node();
    upgrade_by_its_user(&node, &["--as", "root"]).exits(2).says("only root can work as another");
    upgrade_by_its_user(&node, &["--as", &USER.to_string(), "--stop-after", "1"]).exits(75);
}

#[test]
fn a_journal_writable_by_another_user_is_not_trusted() {
    if !is_root() {
        return;
    }
    let node = node();
    node.upgrade(&["--stop-after", "1"]).exits(75);
    let before = node.sstables();
    // If it stays root, it does not trust what the data's user wrote.
    let refused = node.upgrade(&["--as", "root"]);
    assert_ne!(refused.code, 0, "{refused:?}");
    refused.says("not a file that this program has made").says("another user");
    assert_eq!(node.sstables(), before);
}

/// What `strace` calls that name a file by its whole path, and would follow links on the way.
const BY_PATH: &str = "chmod,chown,lchown,creat,link,mkdir,rename,rmdir,setxattr,lsetxattr,\
                       symlink,truncate,unlink,utime,utimes,removexattr,lremovexattr";
/// Those that name it in a directory that is open: none may have a slash, or the working directory.
const IN_DIRECTORY: &str = "fchmodat,fchownat,linkat,mkdirat,renameat,renameat2,symlinkat,unlinkat,\
                            utimensat";

#[test]
fn nothing_below_a_data_directory_is_changed_by_its_path() {
    if !is_root() || Command::new("strace").arg("-V").output().is_err() {
        eprintln!("skipped: root and strace are needed");
        return;
    }
    for more in [&[][..], &["--as", "root"]] {
        let node = node();
        let trace = node.root.path().join("trace");
        let map = node.map(256);
        let calls = format!("trace={BY_PATH},{IN_DIRECTORY},fchown,openat");
        let mut command = Command::new("strace");
        command.args(["-f", "-o", trace.to_str().unwrap(), "-e", &calls]);
        command.arg(env!("CARGO_BIN_EXE_sstablerekey"));
        command.args(["upgradesstables", "-a", "--create-key", "--data-dir", "data"]);
        command.args(["--flavor", "apache-4", "--compression", &map]).args(more);
        let run = Run::from(command.current_dir(node.root.path()).output().unwrap());
        run.exits(0);
        let trace = fs::read_to_string(trace).unwrap();
        let mut seen = 0;
        for line in trace.lines() {
            // `123 renameat2(8, "oa-2...", 9, ...`
            let Some((call, arguments)) =
                line.split_once(' ').and_then(|(_, rest)| rest.trim_start().split_once('('))
            else {
                continue;
            };
            assert!(!BY_PATH.split(',').any(|name| name.trim() == call), "{line}");
            let names_one = IN_DIRECTORY.split(',').any(|name| name.trim() == call);
            let makes_one = call == "openat" && arguments.contains("O_CREAT");
            if names_one || makes_one && arguments.contains("staged") {
                seen += 1;
                let names: Vec<&str> = arguments.split('"').skip(1).step_by(2).collect();
                assert!(!arguments.starts_with("AT_FDCWD"), "{line}");
                assert!(names.iter().all(|name| !name.contains('/')), "{line}");
            }
        }
        assert!(seen > 20, "the trace shows what a run does: {seen}");
    }
}
