//! The tool as a process, and the memory that it takes.

use std::cell::RefCell;
use std::fs;
use std::io::Seek as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rekey_benches::{KEYSPACE, Site, TABLE};

use super::bench::{Bench, Room};
use super::files;
use super::row::{Goal, Row};
use crate::measure::outcome::Result;
use crate::measure::rounds::{Case, Figures};

/// The tool, with its first arguments, on a site.
pub(super) fn tool(program: &Path, site: &Site, first: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(first).arg("--data-dir").arg(site.data());
    command
}

/// The main job on a table of a site, for the second of its forms or back. Only tables that are named
/// are rewritten if they are not encrypted.
pub(super) fn upgrade(program: &Path, site: &Site, table: &str, to_second: bool) -> Command {
    let first = ["upgradesstables", "-a", KEYSPACE, table, "--flavor", "apache-4"];
    let mut command = tool(program, site, &first);
    command.args(site.arguments(to_second));
    command
}

/// The main job on a room as a case: to the second form, and back in the next round.
pub(super) fn to_and_fro<'a>(bench: &'a Bench, room: &'a Room, memory: &'a Memory) -> Case<'a> {
    let mut to_second = true;
    upgrading(room, "upgradesstables", 1.0, move || {
        let mut command = upgrade(&bench.program, &room.site, TABLE, to_second);
        to_second = !to_second;
        memory.watch(&mut command)
    })
}

/// The main job there and back in each round, for two forms that do not cost the same; the rate is
/// that of both ways.
pub(super) fn there_and_back<'a>(bench: &'a Bench, room: &'a Room, name: &str) -> Case<'a> {
    upgrading(room, name, 2.0, || {
        [true, false].into_iter().try_for_each(|to_second| {
            run(&mut upgrade(&bench.program, &room.site, TABLE, to_second)).map(|_memory| ())
        })
    })
}

fn upgrading<'a>(
    room: &'a Room,
    name: &str,
    ways: f64,
    mut work: impl FnMut() -> Result<()> + 'a,
) -> Case<'a> {
    Case::new(name, move |meter| {
        files::ready(&room.site.table())?;
        let sample = meter.time_writing(room.directory.path(), room.content.bytes, &mut work)?;
        Ok(sample.with_value(ways * sample.value))
    })
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
            against: "",
            figures: Figures::of(self.peaks.borrow().clone()),
            goal: Goal::AtMost(256.0, "MiB"),
            rates: "`RssAnon`".to_owned(),
        }
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

/// Runs a command to its end; a failure shows what it said.
pub(super) fn succeed(command: &mut Command) -> Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        let name = command.get_program().to_string_lossy().into_owned();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("{name} failed ({}): {said}", output.status).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
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
