//! The tool as a process, and the memory that it takes.

use std::cell::RefCell;
use std::fs;
use std::io::Seek as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rekey_benches::Site;

use super::Result;
use super::files::succeed;
use super::rounds::Figures;
use super::row::{Goal, Row};

/// The main job on a site, for the second of its forms or back.
pub(super) fn upgrade(program: &Path, site: &Site, to_second: bool) -> Command {
    on_site(program, &["upgradesstables", "-a", "--flavor", "apache-4"], site, to_second)
}

/// What the main job would do.
pub(super) fn plan(program: &Path, site: &Site, to_second: bool) -> Command {
    on_site(program, &["plan", "--flavor", "apache-4"], site, to_second)
}

fn on_site(program: &Path, verb: &[&str], site: &Site, to_second: bool) -> Command {
    let mut command = Command::new(program);
    command.args(verb).arg("--data-dir").arg(site.data()).args(site.arguments(to_second));
    command
}

/// Counts the keys of a site.
pub(super) fn census(program: &Path, site: &Site) -> Command {
    let mut command = Command::new(program);
    command.arg("census").arg("--data-dir").arg(site.data());
    command
}

/// The most memory beyond mapped files that each run of the tool was seen to hold, in MiB.
#[derive(Debug, Default)]
pub(super) struct Memory {
    peaks: RefCell<Vec<f64>>,
}

impl Memory {
    /// Runs the tool to its end and notes its memory.
    pub(super) fn watch(&self, command: &mut Command) -> Result<()> {
        let peak = run(command)?;
        self.peaks.borrow_mut().push(peak);
        Ok(())
    }

    /// The row that compares it with what is asked of any job.
    pub(super) fn row(&self, of: &str) -> Row {
        Row {
            what: format!("own memory of {of}"),
            against: String::new(),
            figures: Figures::lowest(self.peaks.borrow().clone()),
            goal: Goal::AtMost { demand: 256.0, stretch: 64.0, unit: "MiB" },
            rates: "`RssAnon`, the most of what was seen every 2 ms".to_owned(),
        }
    }

    /// In MiB.
    pub(super) fn median(&self) -> f64 {
        Figures::lowest(self.peaks.borrow().clone()).median
    }
}

/// Runs the tool to its end and looks at its memory every few milliseconds: the system keeps no peak
/// of what belongs to no file. In MiB.
pub(super) fn run(command: &mut Command) -> Result<f64> {
    // A file, since nobody would empty a pipe in time: it says a line for each SSTable.
    let mut said = tempfile::tempfile()?;
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.try_clone()?).spawn()?;
    let (mut peak, path) = (0, format!("/proc/{}/status", child.id()));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak = peak.max(resident(&path).unwrap_or_default());
        std::thread::sleep(Duration::from_millis(2));
    };
    if status.success() {
        return Ok(peak as f64 / 1024.0);
    }
    said.rewind()?;
    Err(format!("the tool failed ({status}): {}", std::io::read_to_string(said)?).into())
}

/// KiB of memory beyond mapped files (proc(5)).
fn resident(path: &str) -> Option<u64> {
    let status = fs::read_to_string(path).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// Builds the tool as a release and says where it is: beside this program.
pub(super) fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    succeed(Command::new(cargo).args(["build", "--release", "--locked", "-p", "sstablerekey"]))?;
    let own = std::env::current_exe()?;
    let profile = own.parent().and_then(|directory| directory.parent());
    let beside = profile.map(|target| target.join("release").join("sstablerekey"));
    beside.filter(|path| path.is_file()).ok_or_else(|| "the tool was not built here".into())
}
