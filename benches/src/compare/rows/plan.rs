//! The time that a plan takes.

use rekey_benches::{Form, Plaintext, Site};
use rekey_engine::options::ChunkLength;

use super::super::Result;
use super::super::bench::Bench;
use super::super::files;
use super::super::program::{self, Memory};
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row};

/// The whole command for many tiny SSTables, its output thrown away.
pub(in super::super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let most = if bench.is_quick { 100 } else { bench.planned };
    for number in [most / 10, most] {
        bench.meter.check()?;
        let directory = tempfile::Builder::new().prefix("compare-").tempdir_in(&bench.disk)?;
        let form = Form::AES_256_CBC.kmip();
        let site = Site::with(directory.path(), [form; 2], Plaintext::rows())?;
        site.write_linked(number, 1000, ChunkLength::try_from(16 << 10)?)?;
        files::settle(&bench.disk)?;
        let memory = Memory::default();
        let mut cases = [Case::new(format!("plan, {number} SSTables"), |meter| {
            let mut command = program::plan(&bench.program, &site, true);
            meter.time(0, || memory.watch(&mut command))
        })];
        let series = take_turns(&bench.meter, bench.rounds.min(3), "plan", &mut cases)?;
        drop(cases);
        let what = format!("`plan` of {number} SSTables");
        rows.push(Row {
            what: format!("time of {what}"),
            against: String::new(),
            figures: series.seconds(0),
            goal: Goal::AtMost { demand: 30.0, stretch: 5.0, unit: "s" },
            rates: format!("on {:.1} cores", series.cores(0)),
        });
        rows.push(memory.row(&what));
    }
    Ok(rows)
}
