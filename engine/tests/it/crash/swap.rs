//! The swap alone, on files of a few bytes: cheap enough that every test run tries thousands of
//! cases, with the recoveries that follow.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use rekey_engine::io::{LocalStorage, Storage};
use rekey_engine::sstable::{Component, Descriptor};
use rekey_engine::txn::{Flavor, Swap, publish, recover};

use super::bench::{Broken, in_memory};
use super::cases::{Case, run_all, thinned};
use super::fault::{Fault, FaultStorage, Operation};
use super::judge::{Node, Start, start};
use super::power::{Cut, Habit, PowerLoss};

const COMPONENTS: [&str; 4] = ["Data.db", "Index.db", "Statistics.db", "TOC.txt"];

/// Times of the old components in milliseconds: Statistics.db newer, Data.db newer, all of them in
/// one second.
const LAYOUTS: [[u64; 4]; 3] =
    [[0, 1_377, 60_123, 3_001], [9_876, 0, 1_377, 3_001], [17, 1, 990, 503]];

/// What goes wrong: in the swap, then in the recovery, then in the next one.
#[derive(Debug, Clone, Copy)]
enum Wrong {
    /// The process dies or meets an error; what it wrote stays in the cache.
    Fault(usize, Fault),
    /// The power fails.
    Cut(Cut, Habit),
}

#[derive(Debug)]
struct SwapCase {
    flavor: Flavor,
    layout: usize,
    wrong: Vec<Wrong>,
}

/// `oa-1-big` in a table directory, `oa-2-big` staged beside it.
struct Toy {
    _parent: tempfile::TempDir,
    root: PathBuf,
    flavor: Flavor,
}

impl Toy {
    fn new(flavor: Flavor, layout: usize) -> Self {
        let parent =
            tempfile::Builder::new().prefix("rekey swap-").tempdir_in(in_memory()).unwrap();
        let root = fs::canonicalize(parent.path()).unwrap().join("data");
        for directory in ["", "table", "staged"] {
            fs::create_dir(root.join(directory)).unwrap();
        }
        for (name, after) in COMPONENTS.iter().zip(LAYOUTS[layout]) {
            fs::write(root.join("staged").join(name), format!("new {name}")).unwrap();
            let path = root.join("table").join(format!("oa-1-big-{name}"));
            fs::write(&path, format!("old {name}")).unwrap();
            let time = UNIX_EPOCH + Duration::from_millis(1_700_000_000_000 + after);
            fs::File::open(&path).unwrap().set_modified(time).unwrap();
        }
        Self { _parent: parent, root, flavor }
    }

    fn table(&self) -> PathBuf {
        self.root.join("table")
    }

    fn publish(&self, storage: &dyn Storage) -> rekey_engine::Result<()> {
        let [old, new] = ["oa-1-big", "oa-2-big"].map(|name| Descriptor::parse(name).unwrap());
        let components = COMPONENTS.map(Component::parse);
        let old_files = components.clone().map(|component| {
            let stat = LocalStorage.stat(&old.path(&self.table(), &component)).unwrap().unwrap();
            (component, stat)
        });
        let staged = components.map(|component| {
            let path = self.root.join("staged").join(component.name());
            (component, path)
        });
        let swap = Swap {
            directory: &self.table(),
            old: &old,
            old_files: &old_files,
            new: &new,
            staged: &staged,
            flavor: self.flavor,
            log_id: "5ab1e000-0000-11f0-8000-00000000000a",
        };
        publish(storage, &swap)
    }

    fn recover(&self, storage: &dyn Storage) -> rekey_engine::Result<()> {
        recover(storage, &[self.table()]).map(|_| ())
    }

    /// Every node loads one of the two, complete; returns whether it is the new one.
    fn check(&self) -> Result<bool, Broken> {
        let mut is_new = None;
        for node in Node::of(self.flavor) {
            let live = match start(*node, &[self.table()]) {
                Start::Refuses(why) => return Err(format!("{node:?} does not start: {why}")),
                Start::Loads(live) => live,
            };
            let names: Vec<_> = live.iter().filter_map(|path| path.rsplit('/').next()).collect();
            let found = match names[..] {
                ["oa-1-big-"] => false,
                ["oa-2-big-"] => true,
                _ => return Err(format!("{node:?} loads {names:?}")),
            };
            if is_new.is_some_and(|other| other != found) {
                return Err(format!("{node:?} loads another one: {names:?}"));
            }
            is_new = Some(found);
        }
        let is_new = is_new.unwrap();
        let (name, age) = if is_new { ("oa-2-big", "new") } else { ("oa-1-big", "old") };
        for component in COMPONENTS {
            let content = fs::read_to_string(self.table().join(format!("{name}-{component}")));
            if content.as_deref().ok() != Some(&format!("{age} {component}")) {
                return Err(format!("{name}-{component} is {content:?}"));
            }
        }
        Ok(is_new)
    }
}

impl Case for SwapCase {
    fn group(&self) -> String {
        self.flavor.to_string()
    }

    fn is_core(&self) -> bool {
        self.wrong.len() == 1
    }

    fn run(&self, fired: &AtomicUsize) -> Result<(), Broken> {
        let toy = Toy::new(self.flavor, self.layout);
        let mut disk = PowerLoss::new(&toy.root, None);
        for (number, wrong) in self.wrong.iter().enumerate() {
            let work = |storage: &dyn Storage| match number {
                0 => toy.publish(storage),
                _ => toy.recover(storage),
            };
            let before = number > 0 && toy.check()?;
            let done = match *wrong {
                Wrong::Fault(at, fault) => {
                    let storage = FaultStorage::new(Box::new(disk.clone()), &[(at, fault)]);
                    let done = work(&storage);
                    fired.fetch_add(storage.fired(), Ordering::SeqCst);
                    done
                }
                Wrong::Cut(cut, habit) => {
                    disk.arm(cut);
                    let done = work(&disk);
                    fired.fetch_add(usize::from(disk.is_out()), Ordering::SeqCst);
                    disk.crash(habit);
                    disk = PowerLoss::new(&toy.root, None);
                    done
                }
            };
            let is_new = toy.check().map_err(|why| format!("step {}: {why}", number + 1))?;
            if done.is_ok() && !is_new && (number == 0 || before) {
                return Err("what was done is undone".to_owned());
            }
        }
        let before = toy.check()?;
        toy.recover(&disk).map_err(|error| format!("the last recovery: {}", error.chain()))?;
        disk.crash(Habit::Loses);
        if toy.check().map_err(|why| format!("in the end: {why}"))? != before {
            return Err("the last recovery has changed its mind".to_owned());
        }
        // The deletion of the log itself need not have been durable.
        toy.recover(&LocalStorage).map_err(|error| format!("and again: {}", error.chain()))?;
        let left = fs::read_dir(toy.table()).unwrap().count();
        if left == COMPONENTS.len() { Ok(()) } else { Err(format!("{left} files are left")) }
    }

    fn words(&self) -> String {
        format!("{self:?}")
    }
}

/// The most operations of a recovery, and of an outage after it.
const RECOVERY: usize = 14;

/// Everything that may go wrong at an operation of the swap.
fn first_steps(at: usize, operation: Option<&Operation>) -> Vec<Wrong> {
    let cut = |within| move |seed| Wrong::Cut(Cut { at, within }, Habit::of(seed));
    let Some(operation) = operation else {
        return (0..8).map(cut(false)).collect();
    };
    let fits = Fault::ALL.into_iter().filter(|fault| fault.fits(operation));
    let faults = fits.map(|fault| Wrong::Fault(at, fault));
    faults.chain((0..12).map(cut(false))).chain((4..6).map(cut(true))).collect()
}

fn cases(flavor: Flavor, layout: usize) -> Vec<SwapCase> {
    let counter = FaultStorage::new(Box::new(LocalStorage), &[]);
    let toy = Toy::new(flavor, layout);
    toy.publish(&counter).unwrap();
    assert_eq!(toy.check(), Ok(true));
    let operations = counter.log();
    let mut cases = Vec::new();
    let mut turn = 0;
    for at in 1..=operations.len() + 1 {
        for first in first_steps(at, operations.get(at - 1)) {
            cases.push(SwapCase { flavor, layout, wrong: vec![first] });
            // What was lost in a first outage, by whatever habit, is lost.
            let thin = if matches!(first, Wrong::Fault(..)) { 2 } else { 17 };
            for second in 1..=RECOVERY {
                turn += 1;
                if turn % thin != 0 {
                    continue;
                }
                let cut = Cut { at: second, within: turn % 5 == 0 };
                let habit = Habit::of(u64::try_from(turn % 23).unwrap());
                let fault = Fault::ALL[turn % Fault::ALL.len()];
                let outage = Wrong::Cut(cut, habit);
                let second = if turn % 3 == 0 { Wrong::Fault(second, fault) } else { outage };
                let third = Wrong::Fault(1 + turn % 11, Fault::ALL[turn / 7 % Fault::ALL.len()]);
                let mut wrong = vec![first, second];
                wrong.extend((turn % 4 == 0).then_some(third));
                cases.push(SwapCase { flavor, layout, wrong });
            }
        }
    }
    cases
}

#[test]
fn a_swap_is_all_or_nothing() {
    let flavors = [Flavor::Apache3, Flavor::Apache4, Flavor::ConvergedCore, Flavor::Dse];
    let all: Vec<_> = flavors
        .into_iter()
        .flat_map(|flavor| (0..LAYOUTS.len()).flat_map(move |layout| cases(flavor, layout)))
        .collect();
    run_all("swaps", &thinned(all, 4_000));
}
