//! The table of all rows, and the curves, as Markdown.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::Result;
use super::chart;
use super::curve::Curve;
use super::files::succeed;
use super::row::Row;

/// What was measured.
#[derive(Debug)]
pub(super) struct Table {
    /// What it is measured on: the machine and the commit, as they were at the beginning.
    machine: String,
    pub(super) rows: Vec<Row>,
    pub(super) curves: Vec<Curve>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { machine: machine(), rows: vec![], curves: vec![] }
    }

    pub(super) fn markdown(&self) -> String {
        let mut text = format!("{}\n\n", self.machine);
        if !self.rows.is_empty() {
            let _to_memory = writeln!(text, "{HEAD}");
        }
        for row in &self.rows {
            let (demand, stretch) = row.goals();
            let (best, median) = row.shown();
            let _to_memory = writeln!(
                text,
                "| {} | {} | {demand} | {stretch} | {best} | {median} | {} | {}/{} | {} |",
                row.what,
                row.against,
                row.verdict().words(),
                row.figures.clean,
                row.figures.rounds,
                row.rates
            );
        }
        for curve in &self.curves {
            let _to_memory = write!(text, "\n{}", curve.markdown());
        }
        text
    }

    /// Replaces what stands between the marks of a file, and draws the chart beside it.
    #[expect(clippy::disallowed_methods, reason = "files of the project, not of a database")]
    pub(super) fn write_into(&self, file: &Path) -> Result<()> {
        let text = fs::read_to_string(file)?;
        let begin = text.find(BEGIN).ok_or("the file has no mark where the table begins")?;
        let end = text.find(END).ok_or("the file has no mark where the table ends")?;
        let before = text.get(..begin).unwrap_or_default();
        let after = text.get(end..).unwrap_or_default();
        let picture = format!("![medians against their demands, and the curves]({CHART})");
        let table = self.markdown();
        fs::write(file, format!("{before}{BEGIN}\n\n{picture}\n\n{table}\n{after}"))?;
        fs::write(file.with_file_name(CHART), chart::svg(&self.rows, &self.curves))?;
        Ok(())
    }
}

/// What it was measured on: no names of machines, and no paths.
fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':']))
    };
    let flags: Vec<&str> =
        field("flags").split(' ').filter(|flag| TELLING_FLAGS.contains(flag)).collect();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let said = |program: &str, arguments: &[&str]| {
        succeed(Command::new(program).args(arguments)).unwrap_or_default().trim().to_owned()
    };
    format!(
        "{}, {cores} cores ({}); Linux {}; {}; release build without `target-cpu`; commit {}",
        field("model name"),
        flags.join(" "),
        kernel.trim(),
        said("rustc", &["--version"]),
        said("git", &["describe", "--always", "--dirty", "--exclude=*"]),
    )
}

const HEAD: &str =
    "| what | against | demand | stretch | best | median | verdict | clean rounds | rates |
|---|---|---|---|---|---|---|---|---|";
const BEGIN: &str = "<!-- compare begins -->";
const END: &str = "<!-- compare ends -->";
const CHART: &str = "compare.svg";
/// What the kernels ask for.
const TELLING_FLAGS: &[&str] = &[
    "aes",
    "avx2",
    "avx512f",
    "avx512vl",
    "avx512bw",
    "avx512dq",
    "avx512_vbmi",
    "vaes",
    "vpclmulqdq",
    "gfni",
];
