//! A log with a replica in each of two data directories (FORMATS.md 9.3, rule 1).

use std::fs;
use std::path::PathBuf;

use rekey_engine::txn::Verdict;

use super::{Swap, commit, line};
use crate::kit::workspace::files;

/// The new SSTable is in the second data directory.
struct Replicated {
    swap: Swap,
    second: PathBuf,
}

impl Replicated {
    fn new() -> Self {
        let mut swap = Swap::new();
        let table = swap.workspace.table();
        let data = swap.workspace.root.path().join("data2");
        let second = data.join(table.strip_prefix(swap.workspace.data()).unwrap());
        fs::create_dir_all(&second).unwrap();
        for name in swap.workspace.files() {
            if name.starts_with("oa-6-big-") {
                fs::rename(table.join(&name), second.join(&name)).unwrap();
            }
        }
        swap.workspace.more_data = vec![data];
        Self { swap, second }
    }

    fn lines(&self) -> [String; 3] {
        let add = line("ADD", &format!("{}/oa-6-big-", self.second.display()), 0, 8);
        [add, self.swap.remove(), commit()]
    }

    fn write(&self, first: &str, second: &str) {
        self.swap.write(first);
        fs::write(self.second.join(&self.swap.log_name), second).unwrap();
    }

    fn left(&self) -> (usize, usize) {
        let new = files(&self.second).iter().filter(|name| name.starts_with("oa-6-big-")).count();
        (self.swap.has("oa-2-big"), new)
    }

    fn expect(&self, verdict: &Verdict) {
        let done = self.swap.recover();
        assert_eq!(done.iter().map(|done| &done.verdict).collect::<Vec<_>>(), [verdict]);
        assert_eq!(self.left(), if *verdict == Verdict::RollForward { (0, 8) } else { (8, 0) });
        assert!(!self.swap.log().exists());
        assert!(!self.second.join(&self.swap.log_name).exists());
    }

    fn expect_refusal(&self) {
        assert_eq!(self.swap.recover(), []);
        let plan = self.swap.workspace.plan(&self.swap.target).unwrap();
        assert!(matches!(plan.logs[0].1, Verdict::Refuse(_)), "{:?}", plan.logs);
        assert_eq!(plan.rewrites().count(), 0);
        assert_eq!(self.left(), (8, 8));
        assert!(self.second.join(&self.swap.log_name).exists());
    }
}

fn text(lines: &[&String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

#[test]
fn replicas_that_agree_are_one_log() {
    let replicated = Replicated::new();
    let [add, remove, commit] = replicated.lines();
    let all = text(&[&add, &remove, &commit]);
    replicated.write(&all, &all);
    replicated.expect(&Verdict::RollForward);

    let replicated = Replicated::new();
    let [add, remove, _] = replicated.lines();
    let all = text(&[&add, &remove]);
    replicated.write(&all, &all);
    replicated.expect(&Verdict::RollBack);
}

#[test]
fn a_replica_may_lack_the_last_line() {
    for second_is_short in [true, false] {
        let replicated = Replicated::new();
        let [add, remove, commit] = replicated.lines();
        let (long, short) = (text(&[&add, &remove, &commit]), text(&[&add, &remove]));
        let (first, second) = if second_is_short { (&long, &short) } else { (&short, &long) };
        replicated.write(first, second);
        replicated.expect(&Verdict::RollForward);
    }
}

#[test]
fn a_last_line_torn_in_one_replica_is_not_a_commit() {
    for second_is_torn in [true, false] {
        let replicated = Replicated::new();
        let [add, remove, commit] = replicated.lines();
        let whole = text(&[&add, &remove, &commit]);
        let torn = format!("{}COMM", text(&[&add, &remove]));
        let (first, second) = if second_is_torn { (&whole, &torn) } else { (&torn, &whole) };
        replicated.write(first, second);
        replicated.expect(&Verdict::RollBack);
    }
}

#[test]
fn replicas_that_contradict_each_other_are_refused() {
    let replicated = Replicated::new();
    let [add, remove, commit] = replicated.lines();
    let abort = line("ABORT", "", 0, 0);
    let other = line("ADD", &replicated.swap.path("oa-6-big"), 0, 8);
    let mut middle = remove.clone();
    middle.truncate(20);
    for (first, second) in [
        // Another record in the middle.
        (text(&[&add, &remove, &commit]), text(&[&other, &remove, &commit])),
        (text(&[&add, &remove, &commit]), text(&[&remove, &add, &commit])),
        // Torn in the middle.
        (text(&[&add, &remove, &commit]), format!("{}{middle}", text(&[&add]))),
        // Two ends, neither a part of the other.
        (text(&[&add, &remove, &commit]), text(&[&add, &remove, &abort])),
        (text(&[&add, &remove, &abort]), text(&[&add, &remove, &commit])),
    ] {
        replicated.write(&first, &second);
        replicated.expect_refusal();
        replicated.write(&second, &first);
        replicated.expect_refusal();
    }
}

#[test]
fn one_replica_is_enough_to_finish_in_all_directories() {
    // As when a recovery was stopped between the deletions of two replicas.
    let replicated = Replicated::new();
    let [add, remove, commit] = replicated.lines();
    replicated.swap.write(&text(&[&add, &remove, &commit]));
    assert_eq!(replicated.swap.recover().len(), 1);
    assert_eq!(replicated.left(), (0, 8));
}
