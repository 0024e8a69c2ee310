//! Another user, who owns the tree, replaces what a run of root works on by links, as fast as
//! possible.
//!
//! Outside the tree there is a canary: a directory and files that belong only to root. Whatever the
//! outcome of the runs, nothing of the canary may be changed, removed, added to or given away.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::{Gid, Uid};

use super::dice::Dice;
use super::inject::binary;
use crate::kit::Node;

/// A user that does not exist.
const USER: u32 = 48_176;

/// Root's alone.
struct Canary {
    directory: PathBuf,
    before: BTreeMap<PathBuf, Seen>,
}

/// Owner, group, mode and content; where the system allows it, the other user makes second names.
type Seen = (u32, u32, u32, Vec<u8>);

/// Names that the tool itself creates or removes, so that it would find them through a link.
const NAMES: [&str; 9] = [
    "journal",
    "run",
    "rotations",
    "Data.db.staged",
    "TOC.txt.staged",
    "oa-2-big-Data.db",
    "oa-6-big-Data.db",
    "nb_txn_compaction_00000000-0000-1000-8000-000000000000.log",
    "new-key.unfinished",
];

impl Canary {
    fn new(above: &Path) -> Self {
        let directory = above.join("canary");
        fs::create_dir(&directory).unwrap();
        for name in NAMES {
            let path = directory.join(name);
            fs::write(&path, format!("root's alone: {name}\n")).unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        }
        // Others may search it, or no link to a file in it would ever work.
        fs::set_permissions(&directory, PermissionsExt::from_mode(0o755)).unwrap();
        let before = look(&directory);
        Self { directory, before }
    }

    fn check(&self) {
        assert_eq!(look(&self.directory), self.before, "the canary was touched");
    }
}

fn look(directory: &Path) -> BTreeMap<PathBuf, Seen> {
    let of = |path: &Path, content| {
        let metadata = path.symlink_metadata().unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode(), content)
    };
    let mut seen = BTreeMap::from([(directory.to_owned(), of(directory, vec![]))]);
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let content = fs::read(&path).unwrap();
        seen.insert(path.clone(), of(&path, content));
    }
    seen
}

/// What root alone may read has not been copied to where the other user can read it.
fn is_nowhere_in(tree: &Path) {
    for entry in fs::read_dir(tree).unwrap() {
        let path = entry.unwrap().path();
        let metadata = path.symlink_metadata().unwrap();
        if metadata.is_dir() {
            is_nowhere_in(&path);
        } else if metadata.is_file() && metadata.uid() == USER {
            let content = fs::read(&path).unwrap();
            assert!(!content.starts_with(b"root's alone"), "{} has it", path.display());
        }
    }
}

/// Makes this thread, and no other, that user's.
fn become_user() {
    let (user, group) = (Uid::from_raw(USER), Gid::from_raw(USER));
    rustix::thread::set_thread_groups(&[]).unwrap();
    rustix::thread::set_thread_res_gid(group, group, group).unwrap();
    rustix::thread::set_thread_res_uid(user, user, user).unwrap();
}

/// The target of an attack: with everything at once, no run would get far enough.
#[derive(Debug, Clone, Copy)]
enum Aim {
    StateDirectory,
    InStateDirectory,
    StagedFiles,
    Tables,
    InTable,
    KeyFile,
}

const AIMS: [Aim; 6] = [
    Aim::StateDirectory,
    Aim::InStateDirectory,
    Aim::StagedFiles,
    Aim::Tables,
    Aim::InTable,
    Aim::KeyFile,
];

/// Replaces one thing after another by a link, and back, until it is told to stop.
fn attack(
    root: &Path,
    canary: &Path,
    (aim, seed): (Aim, u64),
    stop: &AtomicBool,
    swaps: &AtomicUsize,
) {
    become_user();
    let mut dice = Dice(seed);
    let link = root.join(format!("link-{seed}"));
    let most = Duration::from_micros([0, 300, 3_000][dice.below(3)]);
    let rest = |dice: &mut Dice| {
        let part = u32::try_from(dice.below(100)).unwrap();
        std::thread::sleep(most * part / 100);
    };
    while !stop.load(Ordering::Relaxed) {
        rest(&mut dice);
        let Some(victim) = victim(root, aim, &mut dice) else { continue };
        let _gone = fs::remove_file(&link);
        let is_directory = victim.symlink_metadata().is_ok_and(|found| found.is_dir());
        let target = match is_directory {
            true => canary.to_owned(),
            false => canary.join(NAMES[dice.below(NAMES.len())]),
        };
        // A hard link to root's file, where the system allows it.
        let is_hard = !is_directory && dice.below(4) == 0;
        let made = if is_hard { fs::hard_link(&target, &link) } else { symlink(&target, &link) };
        if made.is_err() && symlink(&target, &link).is_err() {
            continue;
        }
        let exchange = || renameat_with(CWD, &link, CWD, &victim, RenameFlags::EXCHANGE);
        if exchange().is_err() {
            // What does not exist yet may be about to be created.
            let _taken = symlink(&target, &victim);
            continue;
        }
        swaps.fetch_add(1, Ordering::Relaxed);
        rest(&mut dice);
        if exchange().is_err() {
            let _removed_meanwhile = fs::rename(&link, &victim);
        }
    }
    let _gone = fs::remove_file(&link);
}

/// Something that a run works on.
fn victim(root: &Path, aim: Aim, dice: &mut Dice) -> Option<PathBuf> {
    let state = root.join("data/.sstablerekey");
    let table = root.join("data/rk/t-5ab1e000000011f0800000000000000a");
    let of = |directory: &Path, dice: &mut Dice| {
        let entries: Vec<_> = fs::read_dir(directory).ok()?.flatten().map(|e| e.path()).collect();
        if entries.is_empty() { None } else { Some(entries[dice.below(entries.len())].clone()) }
    };
    match aim {
        Aim::StateDirectory => Some(state),
        Aim::InStateDirectory => of(&state, dice),
        Aim::StagedFiles => of(&state, dice).and_then(|staging| of(&staging, dice)),
        Aim::Tables if dice.below(2) == 0 => Some(root.join("data/rk")),
        Aim::Tables => Some(table),
        Aim::InTable => of(&table, dice),
        Aim::KeyFile => Some(root.join("new-key.unfinished")),
    }
}

fn chown_all(path: &Path) {
    let user = format!("{USER}:{USER}");
    let changed = Command::new("chown").args(["-R", "-h", &user]).arg(path).status().unwrap();
    assert!(changed.success());
}

/// Data directories that are attacked, unless the environment says how many swaps there must be at least.
const RUNS: usize = 4 * AIMS.len();

#[test]
#[ignore = "takes its time; testdata/interop/faults runs it"]
fn a_user_who_swaps_links_gains_nothing_from_root() {
    if !rustix::process::geteuid().is_root() {
        println!("swaps: skipped, since root is needed");
        return;
    }
    let least = std::env::var("REKEY_SWAPS").ok().and_then(|text| text.parse().ok());
    let outside = tempfile::tempdir().unwrap();
    fs::set_permissions(outside.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let canary = Canary::new(outside.path());
    let (swaps, mut runs, mut codes) = (AtomicUsize::new(0), 0, BTreeMap::new());
    while least.map_or(runs < RUNS, |least: usize| swaps.load(Ordering::Relaxed) < least) {
        let node = Node::usual();
        chown_all(node.root.path());
        // Root that stays root has more to lose; the other is the usual one.
        let more = if runs / AIMS.len() % 4 == 3 { &[][..] } else { &["--as", "root"] };
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for number in 0..2 {
                let (root, canary, stop, swaps) =
                    (node.root.path(), &canary.directory, &stop, &swaps);
                let seed = u64::try_from(runs * 2 + number).unwrap();
                let aim = AIMS[runs % AIMS.len()];
                scope.spawn(move || attack(root, canary, (aim, seed), stop, swaps));
            }
            for verb in ["upgradesstables", "upgradesstables", "abandon", "upgradesstables"] {
                *codes.entry(run(&node, verb, more)).or_insert(0) += 1;
            }
            stop.store(true, Ordering::Relaxed);
        });
        canary.check();
        is_nowhere_in(node.root.path());
        runs += 1;
    }
    let swaps = swaps.load(Ordering::Relaxed);
    println!("swaps: {runs} directories, {swaps} swaps, exit statuses {codes:?}");
    println!("swaps: faults injected {swaps}, violations 0");
    assert!(swaps > 100, "the other user was too slow: {swaps}");
}

fn run(node: &Node, verb: &str, more: &[&str]) -> Option<i32> {
    let map = node.map(256);
    let mut command = Command::new(binary());
    command.arg(verb).args(["--data-dir", "data"]).args(more).current_dir(node.root.path());
    if verb == "upgradesstables" {
        command.args(["-a", "--create-key", "--flavor", "apache-4", "--compression", &map]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().code()
}
