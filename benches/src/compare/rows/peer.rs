//! The whole command against the database's own rewrite of the same SSTables.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use rekey_benches::{Form, KEYSPACE, Plaintext, Site};

use super::super::Result;
use super::super::bench::Bench;
use super::super::files;
use super::super::noise::{Meter, Sample};
use super::super::program;
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row};
use super::rewrite::row;

/// With rows of two lengths: what the database does costs by the row, what the tool does by
/// the byte; and in memory, since on a disk the tool waits for that. Left out, with the reason, where
/// Java or the harness is not there.
pub(in super::super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let harness = match harness() {
        Ok(harness) => harness,
        Err(why) => return Ok(vec![Row::left_out("the database's own rewrite", &why.to_string())]),
    };
    let mut rows = Vec::new();
    for (place, on) in [(Some(&bench.disk), "ext4"), (bench.memory.as_ref(), "tmpfs")] {
        let Some(place) = place else { continue };
        for (name, blob) in [("rows of some 190 bytes", 100), ("rows of some 1.1 kB", 1000)] {
            bench.meter.check()?;
            rows.push(of_length(bench, &harness, place, &format!("{on}, {name}"), blob)?);
        }
    }
    Ok(rows)
}

fn of_length(bench: &Bench, harness: &Path, place: &Path, name: &str, blob: u64) -> Result<Row> {
    let directory = tempfile::Builder::new().prefix("compare-").tempdir_in(place)?;
    let site = Site::with(directory.path(), [Form::AES_256_CBC; 2], Plaintext::fill())?;
    let mut database = Database::start(harness, &site)?;
    // What a row takes beside its blob, on average; the size is then measured.
    let wanted = bench.peer_bytes / (blob + BESIDE);
    let table = database.write(wanted, blob, SSTABLES)?;
    // The first rewrites are of code that is not compiled yet.
    for to_second in [true, false, true, false] {
        database.rewrite(to_second)?;
    }
    let data = |table: &Path| -> Result<u64> {
        let files = files::files_of(table)?;
        let lengths = files
            .iter()
            .filter(|path| path.to_string_lossy().ends_with("-Data.db"))
            .map(|path| Ok(path.metadata()?.len()));
        lengths.sum()
    };
    let bytes = data(&table)?;
    let turn = std::cell::Cell::new(true);
    let next = || turn.replace(!turn.get());
    let mut cases = [
        Case::new("database", |meter| {
            files::settle(place)?;
            files::warm(&files::files_of(&table)?)?;
            database.time(meter, next(), bytes)
        }),
        Case::new("upgradesstables", |meter| {
            files::settle(place)?;
            files::warm(&files::files_of(&table)?)?;
            let mut command = program::upgrade(&bench.program, &site, next());
            meter.time_writing(place, bytes, || program::run(&mut command).map(|_memory| ()))
        }),
    ];
    let series = take_turns(&bench.meter, bench.rounds.min(3), "peer", &mut cases)?;
    drop(cases);
    database.end()?;
    Ok(row(
        &series,
        (1, 0),
        &format!(
            "whole `upgradesstables` command, {} MiB that Cassandra wrote, {name}",
            bytes >> 20
        ),
        "Cassandra 5.0's own rewrite, two compactors, warm",
        Goal::AtLeast { demand: 15.0, stretch: 25.0 },
    ))
}

/// Where the harness is, built.
fn harness() -> Result<std::path::PathBuf> {
    for program in ["java", "mvn"] {
        let mut command = Command::new(program);
        let version = if program == "mvn" { "-v" } else { "-version" };
        files::succeed(command.arg(version)).map_err(|_said| format!("there is no {program}"))?;
    }
    let interop =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/interop").canonicalize()?;
    let mut maven = Command::new("mvn");
    maven.args(["-q", "-B", "package"]).current_dir(&interop);
    files::succeed(&mut maven).map_err(|error| format!("the harness does not build: {error}"))?;
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
    fn write(&mut self, rows: u64, blob: u64, sstables: u32) -> Result<std::path::PathBuf> {
        let sizes = format!("rows={rows}\tblob={blob}\tsstables={sstables}");
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

    fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
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
