//! The table of all rows, as Markdown.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::Result;
use super::files::succeed;
use super::row::Row;

/// The lines of the table.
#[derive(Debug, Default)]
pub(super) struct Table {
    lines: Vec<String>,
}

impl Table {
    pub(super) fn add(&mut self, row: &Row) {
        let (demand, stretch) = row.goals();
        let (best, median) = row.shown();
        self.lines.push(format!(
            "| {} | {} | {demand} | {stretch} | {best} | {median} | {} | {}/{} | {} |",
            row.what,
            row.against,
            row.verdict().words(),
            row.figures.clean,
            row.figures.rounds,
            row.rates
        ));
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n{HEAD}\n", machine());
        for line in &self.lines {
            let _infallible = writeln!(text, "{line}");
        }
        text
    }

    /// Replaces what stands between the marks of a file.
    #[expect(clippy::disallowed_methods, reason = "a file of the project, not of a database")]
    pub(super) fn write_into(&self, file: &Path) -> Result<()> {
        let text = fs::read_to_string(file)?;
        let begin = text.find(BEGIN).ok_or("the file has no mark where the table begins")?;
        let end = text.find(END).ok_or("the file has no mark where the table ends")?;
        let before = text.get(..begin).unwrap_or_default();
        let after = text.get(end..).unwrap_or_default();
        fs::write(file, format!("{before}{BEGIN}\n\n{}\n{after}", self.markdown()))?;
        Ok(())
    }
}

/// What it was measured on: no names of machines, and no paths.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':']));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let said = |program: &str, arguments: &[&str]| {
        succeed(Command::new(program).args(arguments)).unwrap_or_default().trim().to_owned()
    };
    format!(
        "{model}, {cores} cores; Linux {}; {}; release build without `target-cpu`; commit {}",
        kernel.trim(),
        said("rustc", &["--version"]),
        said("git", &["rev-parse", "--short", "HEAD"]),
    )
}

const HEAD: &str =
    "| what | against | demand | stretch | best | median | verdict | clean rounds | rates |
|---|---|---|---|---|---|---|---|---|";
const BEGIN: &str = "<!-- compare begins -->";
const END: &str = "<!-- compare ends -->";
