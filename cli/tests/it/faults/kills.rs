//! SIGKILL at random moments, and the same command again, until it is done.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::bench::{Broken, Pristine};
use super::cases::{Case, run_all};
use super::dice::Dice;
use super::inject::binary;
use super::scenario::{RECOMPRESS, REKEY, TWO_WORKERS};

/// One data directory, killed until it is done.
struct Killed<'a> {
    pristine: &'a Pristine,
    seed: u64,
}

/// MiB a second: slow enough that a kill meets it anywhere.
const RATE: &str = "8";

/// A run is killed within this many milliseconds; a checkpoint comes some 300 ms after the start.
const LATEST: usize = 700;

impl Case for Killed<'_> {
    const AT_ONCE: usize = 2;

    fn group(&self) -> String {
        self.pristine.scenario.name.to_owned()
    }

    fn is_core(&self) -> bool {
        false
    }

    fn run(&self, kills: &AtomicUsize) -> Result<(), Broken> {
        let place = self.pristine.copy();
        let mut dice = Dice(self.seed);
        for number in 1.. {
            let mut arguments = place.arguments();
            arguments.extend(["--rate".to_owned(), RATE.to_owned()]);
            let mut child = Command::new(binary())
                .args(arguments)
                .current_dir(place.root())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(dice.below(LATEST).try_into().unwrap()));
            // A process that has ended by itself can still be waited for.
            child.kill().unwrap();
            let output = child.wait_with_output().unwrap();
            let code = output.status.code();
            kills.fetch_add(usize::from(code.is_none()), Ordering::SeqCst);
            let told = |why| format!("run {number}: {why}");
            let out = String::from_utf8_lossy(&output.stdout);
            place.check_stopped(&out, code.unwrap_or(-1)).map_err(told)?;
            match code {
                Some(0) => break,
                Some(code) => return Err(told(format!("it ended with {code}"))),
                None => {}
            }
        }
        place.check_finished(&place.run())
    }

    fn words(&self) -> String {
        format!("{} seed {}", self.group(), self.seed)
    }
}

/// Data directories that are killed until they are done, unless the environment says how many kills
/// there must be at least.
const BY_DEFAULT: usize = 20;

#[test]
#[ignore = "takes its time; testdata/interop/faults runs it"]
fn a_run_that_is_killed_repeatedly_completes() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("REKEY_SEED").unwrap_or_else(|| {
        let nanos = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos();
        usize::try_from(nanos % 1_000_000_007).unwrap()
    });
    println!("kills: REKEY_SEED={seed}");
    let wanted = number("REKEY_KILLS").unwrap_or(BY_DEFAULT);
    let scenarios = [REKEY, RECOMPRESS, TWO_WORKERS];
    let pristine = scenarios.map(|scenario| Pristine::new(scenario, (12 << 20) + 4321));
    let mut done = 0;
    for round in 0.. {
        let seeds = (0..).map(|n| u64::try_from(seed + 1000 * round + n).unwrap());
        let all = pristine.iter().cycle().zip(seeds).take(6);
        let cases: Vec<_> = all.map(|(pristine, seed)| Killed { pristine, seed }).collect();
        done += run_all("kills", &cases);
        if done >= wanted {
            break;
        }
    }
    println!("kills: {done} in all");
}
