//! The tool as a process, and the memory that it takes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rekey_benches::Site;

use super::Result;
use super::files::succeed;

/// The most memory beyond mapped files that a process was seen to hold (RssAnon of proc(5)).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Peak {
    kibibytes: u64,
}

impl Peak {
    pub(super) fn raise(&mut self, other: Self) {
        *self = (*self).max(other);
    }

    pub(super) fn mebibytes(self) -> f64 {
        self.kibibytes as f64 / 1024.0
    }
}

/// The main job on a site, for the second of its forms or back.
pub(super) fn upgrade(program: &Path, site: &Site, to_second: bool) -> Command {
    let mut command = Command::new(program);
    command
        .args(["upgradesstables", "-a", "--flavor", "apache-4", "--data-dir"])
        .arg(site.data())
        .args(site.arguments(to_second));
    command
}

/// Runs the tool to its end and looks at its memory every few milliseconds.
pub(super) fn run(command: &mut Command) -> Result<Peak> {
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let (mut peak, path) = (Peak::default(), format!("/proc/{}/status", child.id()));
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        peak.raise(Peak { kibibytes: resident(&path).unwrap_or_default() });
        std::thread::sleep(Duration::from_millis(2));
    };
    if status.success() {
        return Ok(peak);
    }
    let said = child.stderr.take().map(std::io::read_to_string).transpose()?.unwrap_or_default();
    Err(format!("the tool failed ({status}): {said}").into())
}

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
