//! The whole command against the database's own rewrite of the same SSTables.

use std::cell::Cell;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rekey_benches::{Form, KEYSPACE, Plaintext, Site};

use super::bench::Bench;
use super::files::{self, files_of};
use super::program::{self, succeed};
use super::row::{Goal, Row};
use crate::measure::noise::{Meter, Sample};
use crate::measure::outcome::Result;
use crate::measure::rounds::{Case, take_turns};

/// With rows of two lengths: what the database does costs by the row, what the tool does by the
/// byte. Left out, with the reason, where Java or the harness is not there.
pub(super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    match harness() {
        Ok(harness) => [("190 bytes", 100), ("1.1 kB", 1000)]
            .into_iter()
            .map(|(name, blob)| of_length(bench, &harness, name, blob))
            .collect(),
        Err(why) => Ok(vec![Row::left_out("the database's own rewrite", &why.to_string())]),
    }
}

fn of_length(bench: &Bench, harness: &Path, name: &str, blob: u64) -> Result<Row> {
    bench.meter.check()?;
    let (site, directory) = Bench::site(&bench.disk, [Form::AES_256_CBC; 2], Plaintext::fill())?;
    let mut database = Database::start(harness, &site)?;
    let table = database.write(bench.size(1 << 30, 8 << 20) / (blob + BESIDE), blob)?;
    // The first rewrites are of code that is not compiled yet.
    for to_second in [true, false, true, false] {
        database.rewrite(to_second)?;
    }
    let files = files_of(&table)?;
    let is_data = |path: &&PathBuf| path.to_string_lossy().ends_with("-Data.db");
    let bytes = files.iter().filter(is_data).map(|path| Ok(path.metadata()?.len()));
    let bytes = bytes.sum::<Result<u64>>()?;
    let turn = Cell::new(true);
    let next = || turn.replace(!turn.get());
    let mut cases = [
        Case::new("database", |meter| {
            files::ready(&table)?;
            database.time(meter, next(), bytes)
        }),
        Case::new("upgradesstables", |meter| {
            files::ready(&table)?;
            let mut command = program::upgrade(&bench.program, &site, TABLE, next());
            meter.time_writing(directory.path(), bytes, || {
                program::run(&mut command).map(|_memory| ())
            })
        }),
    ];
    let series = take_turns(&bench.meter, bench.rounds.min(3), "database", &mut cases)?;
    drop(cases);
    let what = format!("whole command, {} MiB of rows of some {name}", bytes >> 20);
    let against = "Cassandra 5.0's own rewrite, two compactors, warm";
    Ok(Row::of_rates(&series, (1, 0), &what, against, Goal::None))
}

/// Where the harness is, built.
fn harness() -> Result<PathBuf> {
    for (program, version) in [("java", "-version"), ("mvn", "-v")] {
        succeed(Command::new(program).arg(version))
            .map_err(|_said| format!("there is no {program}"))?;
    }
    let interop =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/interop").canonicalize()?;
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "package"]).current_dir(&interop);
    succeed(&mut maven).map_err(|error| format!("the harness does not build: {error}"))?;
    Ok(interop.join("harness"))
}

/// A JVM with the database's classes, which answers commands.
#[derive(Debug)]
struct Database<'a> {
    child: Child,
    answers: BufReader<ChildStdout>,
    site: &'a Site,
}

impl<'a> Database<'a> {
    fn start(harness: &Path, site: &'a Site) -> Result<Self> {
        let mut child = Command::new(harness)
            .args(["5.0", "rewrite", "nb"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let answers = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, answers, site })
    }

    /// Writes a table under the first key, and says where.
    fn write(&mut self, rows: u64, blob: u64) -> Result<PathBuf> {
        let sizes = format!("rows={rows}\tblob={blob}\tsstables={SSTABLES}");
        let answer = self.ask("write", false, &sizes)?;
        Ok(field(&answer, "folder").ok_or("the database names no folder")?.into())
    }

    /// Rewrites the table, and says how many seconds that took inside the JVM.
    fn rewrite(&mut self, to_second: bool) -> Result<f64> {
        let answer = self.ask("rewrite", to_second, "jobs=2")?;
        Ok(field(&answer, "seconds").ok_or("the database names no seconds")?.parse()?)
    }

    fn time(&mut self, meter: &Meter, to_second: bool, bytes: u64) -> Result<Sample> {
        let mut seconds = f64::NAN;
        let sample = meter.time_child(self.child.id(), bytes, || {
            seconds = self.rewrite(to_second)?;
            Ok(())
        })?;
        Ok(Sample { value: bytes as f64 / 1e9 / seconds, seconds, ..sample })
    }

    fn ask(&mut self, command: &str, to_second: bool, more: &str) -> Result<String> {
        let [_, compression] = &self.site.arguments(to_second)[..] else {
            return Err("the database takes a compression map only".into());
        };
        let data = self.site.data();
        let input = self.child.stdin.as_mut().ok_or("no input")?;
        writeln!(
            input,
            "{command}\tdata={}\tkeyspace={KEYSPACE}\ttable={TABLE}\tcompression={compression}\t{more}",
            data.display()
        )?;
        input.flush()?;
        let mut line = String::new();
        while self.answers.read_line(&mut line)? > 0 {
            if line.starts_with("RESULT") {
                let line = line.trim_end().to_owned();
                return match field(&line, "status") {
                    Some("ok") => Ok(line),
                    _ => Err(format!("the database failed: {line}").into()),
                };
            }
            line.clear();
        }
        Err("the database ended without an answer".into())
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        // It keeps nothing that it has not written.
        let _it_may_have_ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    line.split('\t').find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
}

/// Not the site's own table, which is empty.
const TABLE: &str = "rows";
const SSTABLES: u32 = 16;
/// Bytes of a row beside its blob, about.
const BESIDE: u64 = 90;
