//! The time that a plan takes.

use rekey_benches::{Form, Plaintext};
use rekey_engine::options::ChunkLength;

use super::bench::Bench;
use super::files;
use super::program::{self, Memory};
use super::row::{Goal, Row};
use crate::measure::outcome::Result;
use crate::measure::rounds::{Case, take_turns};

/// The whole command for many tiny SSTables, its output thrown away.
pub(super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let form = Form::AES_256_CBC.kmip();
    let (site, _directory) = Bench::site(&bench.disk, [form; 2], Plaintext::rows())?;
    let number = bench.size(100_000, 100);
    site.write_linked(number, 1000, ChunkLength::try_from(16 << 10)?)?;
    files::settle(&bench.disk)?;
    let memory = Memory::default();
    let mut cases = [Case::new("plan", |meter| {
        let first = ["plan", "--flavor", "apache-4"];
        let mut command = program::tool(&bench.program, &site, &first);
        meter.time(0, || memory.watch(command.args(site.arguments(true))))
    })];
    let series = take_turns(&bench.meter, bench.rounds.min(3), "plan", &mut cases)?;
    drop(cases);
    let what = format!("`plan` of {number} SSTables");
    let time = Row {
        what: format!("time of {what}"),
        against: "",
        figures: series.seconds(0),
        goal: Goal::AtMost(30.0, "s"),
        rates: format!("on {:.1} cores", series.cores(0)),
    };
    Ok(vec![time, memory.row(&what)])
}
