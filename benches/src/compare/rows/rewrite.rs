//! The writing stage against a copy: on a disk, durably, in memory.

use std::path::Path;

use rekey_benches::Form;

use super::super::Result;
use super::super::bare;
use super::super::bench::{Bench, Content};
use super::super::files::{self, Ends};
use super::super::naive;
use super::super::rounds::{Case, Series, take_turns};
use super::super::row::{Goal, Row, digits};
use super::super::stage::{Durability, Staging, all_threads};

const FORMS: [Form; 2] = [Form::AES_256_CBC; 2];

/// The writing stage on the disk, beside its standards and the naive chain.
pub(in super::super) fn on_disk(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for sstables in [8, 1] {
        let content = Content::new(sstables, bench.bytes);
        let room = bench.room(&bench.disk, FORMS, content)?;
        let staging = Staging::new(&room.site)?;
        let (table, scratch) = (room.site.table(), room.directory.path());
        let inputs = files::files_of(&table)?;
        let bytes = staging.bytes();
        let stage = |durability| {
            let staging = &staging;
            Case::new(format!("writing stage, {sstables} SSTables, {durability:?}"), move |meter| {
                staging.run(meter, all_threads(), durability)
            })
        };
        let copy = |ends| {
            let table = &table;
            Case::new(format!("cp, {ends:?}"), move |meter| {
                files::copy(meter, table, scratch, bytes, ends)
            })
        };
        let only_written = |durability| {
            Case::new(format!("only written, {durability:?}"), move |meter| {
                bare::ranges(meter, scratch, (sstables, bytes), durability)
            })
        };
        let mut cases = vec![
            copy(Ends::Written),
            stage(Durability::Unsynced),
            only_written(Durability::Unsynced),
            copy(Ends::Synced),
            stage(Durability::Synced),
            only_written(Durability::Synced),
        ];
        if sstables == 1 {
            for threads in [1, 2] {
                let site = &room.site;
                let inputs = &inputs;
                cases.push(Case::new(format!("naive chain, {threads} threads"), move |meter| {
                    files::settle(scratch)?;
                    files::warm(inputs)?;
                    naive::run(meter, site, scratch, bytes, threads)
                }));
            }
        }
        let series = take_turns(&bench.meter, bench.rounds, "rewrite", &mut cases)?;
        let name = named(sstables);
        rows.push(row(
            &series,
            (1, 0),
            &format!("writing stage, AES-256-CBC key to key, ext4, warm, no fsync, {name}"),
            "`cp`",
            Goal::AtLeast { demand: 1.2, stretch: 1.45 },
        ));
        let only = "a thread for each core that only writes";
        rows.push(row(&series, (1, 2), "the same", only, Goal::None));
        rows.push(row(
            &series,
            (4, 3),
            &format!("the same with fsync, {name}"),
            "`cp` + fsync",
            Goal::AtLeast { demand: 1.5, stretch: 2.1 },
        ));
        rows.push(row(&series, (4, 5), "the same", &format!("{only}, and fsyncs"), Goal::None));
        if sstables == 1 {
            for (case, threads) in [(6, "1 thread"), (7, "2 threads")] {
                let what = format!("naive chain (cbc crate, a write for each chunk), {threads}");
                rows.push(row(&series, (case, 0), &what, "`cp`", Goal::None));
            }
        }
    }
    Ok(rows)
}

/// The writing stage in memory against a copy there.
pub(in super::super) fn in_memory(bench: &Bench) -> Result<Vec<Row>> {
    let Some(memory) = bench.memory.as_deref() else { return Ok(vec![]) };
    let mut rows = Vec::new();
    for sstables in [8, 1] {
        let room = bench.room(memory, FORMS, Content::new(sstables, bench.bytes))?;
        let staging = Staging::new(&room.site)?;
        let series = against_copy(bench, memory, &room.site.table(), &staging)?;
        rows.push(row(
            &series,
            (1, 0),
            &format!("writing stage, AES-256-CBC key to key, tmpfs, {}", named(sstables)),
            "`cp`",
            Goal::AtLeast { demand: 1.0, stretch: 1.15 },
        ));
    }
    Ok(rows)
}

fn against_copy(bench: &Bench, scratch: &Path, table: &Path, staging: &Staging) -> Result<Series> {
    let bytes = staging.bytes();
    let mut cases = [
        Case::new("cp", |meter| files::copy(meter, table, scratch, bytes, Ends::Written)),
        Case::new("writing stage", |meter| staging.run(meter, all_threads(), Durability::Unsynced)),
    ];
    take_turns(&bench.meter, bench.rounds, "tmpfs", &mut cases)
}

fn named(sstables: u32) -> String {
    if sstables == 1 { "one SSTable".to_owned() } else { format!("{sstables} SSTables") }
}

/// A row from two cases of a series, whose values are GB/s.
pub(in super::super) fn row(
    series: &Series,
    (case, to): (usize, usize),
    what: &str,
    against: &str,
    goal: Goal,
) -> Row {
    let rates = format!(
        "{} GB/s on {:.1} cores against {} GB/s",
        digits(series.values(case).median),
        series.cores(case),
        digits(series.values(to).median),
    );
    Row {
        what: what.to_owned(),
        against: against.to_owned(),
        figures: series.ratio(case, to),
        goal,
        rates,
    }
}
