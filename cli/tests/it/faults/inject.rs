//! A run of the binary, with one thing that goes wrong.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

use super::calls::{Call, Site, WATCHED, parse};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// The process is killed as it enters the call, which then does nothing. Between two calls that
    /// change something nothing changes, so this is also a death after the previous call.
    Killed(Site),
    /// The call does nothing and returns this error.
    Fails(Site, &'static str),
    /// No file grows beyond this many bytes: the write that would is cut short there, and the next
    /// one fails, or is the end.
    Short { limit: u64, is_end: bool },
}

/// How a run has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit status, and 128 more than the signal for one that ended it.
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
    /// How often what should go wrong did.
    pub(crate) fired: usize,
}

/// The program that is under test.
pub(crate) fn binary() -> String {
    let built = || env!("CARGO_BIN_EXE_sstablerekey").to_owned();
    std::env::var("SSTABLEREKEY_BIN").unwrap_or_else(|_| built())
}

/// Without faults.
pub(crate) fn run(root: &Path, tool: &[String]) -> Ended {
    ended(command(root, &[], tool), |_| 0)
}

/// Without faults, and traced.
pub(crate) fn traced(root: &Path, tool: &[String]) -> (Ended, Vec<Call>) {
    let seen = root.join("trace");
    let seen = seen.to_str().unwrap();
    let watched = format!("trace={WATCHED}");
    let strace =
        ["strace", "-f", "-qq", "-y", "-s", "0", "--seccomp-bpf", "-o", seen, "-e", &watched];
    let ended = ended(command(root, &strace, tool), |_| 0);
    (ended, parse(&fs::read_to_string(seen).unwrap(), root))
}

/// With one fault.
pub(crate) fn faulty(root: &Path, tool: &[String], wrong: &Wrong) -> Ended {
    let limit;
    match wrong {
        Wrong::Killed(site) => {
            // With --seccomp-bpf strace delivers no signals.
            let strace = strace(root, site, "signal=SIGKILL");
            let killed = |code| usize::from(code == KILLED);
            ended(command(root, &words(&strace), tool), killed)
        }
        Wrong::Fails(site, error) => {
            let mut strace = strace(root, site, &format!("error={error}"));
            strace.push("--seccomp-bpf".to_owned());
            let mut ended = ended(command(root, &words(&strace), tool), |_| 0);
            let seen = fs::read_to_string(root.join("trace")).unwrap();
            ended.fired = seen.matches("(INJECTED)").count();
            ended
        }
        Wrong::Short { limit: bytes, is_end } => {
            limit = format!("--fsize={bytes}");
            let ignoring = ["env", "--ignore-signal=XFSZ", "prlimit", &limit];
            match is_end {
                true => ended(command(root, &ignoring[2..], tool), |code| {
                    usize::from(code == TOO_LARGE)
                }),
                false => ended(command(root, &ignoring, tool), |code| usize::from(code != 0)),
            }
        }
    }
}

fn strace(root: &Path, site: &Site, what: &str) -> Vec<String> {
    let Site { call, path, nth } = site;
    let mut strace = vec![
        "strace".to_owned(),
        "-f".to_owned(),
        "-qq".to_owned(),
        "-o".to_owned(),
        root.join("trace").to_str().unwrap().to_owned(),
        "-e".to_owned(),
        format!("trace={call}"),
        "-e".to_owned(),
        format!("inject={call}:{what}:when={nth}"),
    ];
    if let Some(path) = path {
        strace.extend(["-P".to_owned(), root.join(path).to_str().unwrap().to_owned()]);
    }
    strace
}

fn words(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// The tool, run through others. A hanging run is ended and counts as a failure.
fn command(root: &Path, before: &[&str], tool: &[String]) -> Command {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=10", "1200"]).args(before).arg(binary()).args(tool);
    command.current_dir(root);
    command
}

fn ended(mut command: Command, fired: impl Fn(i32) -> usize) -> Ended {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let status = output.status;
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap());
    Ended {
        code,
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
        fired: fired(code),
    }
}

impl Ended {
    /// Why a run may not end like this, if it may not.
    pub(crate) fn is_odd(&self, wrong: &Wrong) -> Option<String> {
        let is_known = match self.code {
            KILLED => matches!(wrong, Wrong::Killed(_)),
            TOO_LARGE => matches!(wrong, Wrong::Short { is_end: true, .. }),
            // README.md, exit status.
            code => matches!(code, 0 | 1 | 2 | 3 | 6 | 7 | 8),
        };
        let is_odd = !is_known || self.err.contains("panicked");
        is_odd.then(|| format!("it ended with {}: {}", self.code, self.err))
    }
}

/// SIGKILL.
const KILLED: i32 = 128 + 9;
/// SIGXFSZ.
const TOO_LARGE: i32 = 128 + 25;
