//! The whole `upgradesstables` command against a copy.

use rekey_benches::Form;

use super::super::Result;
use super::super::bench::{Bench, Content};
use super::super::files::{self, Ends};
use super::super::program::{self, Memory};
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row};
use super::rewrite::row;

/// The command against a plain copy, and beside one that is read back from the disk, and one that is removed
/// then, too, since the tool reads what it wrote and removes what it replaced: which of these the disk is slow
/// at is not the tool's.
pub(in super::super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let content = Content::new(20, bench.command_bytes);
    let room = bench.room(&bench.disk, [Form::AES_256_CBC; 2], content)?;
    let (site, scratch) = (&room.site, room.directory.path());
    let mut to_second = true;
    let memory = Memory::default();
    let copy = |ends| {
        Case::new(format!("cp, {ends:?}"), move |meter| {
            files::copy(meter, &site.table(), scratch, content.bytes, ends)
        })
    };
    let mut cases = [
        copy(Ends::Synced),
        copy(Ends::ReadBack),
        copy(Ends::Removed),
        Case::new("upgradesstables", |meter| {
            files::settle(scratch)?;
            files::warm(&files::files_of(&site.table())?)?;
            let mut command = program::upgrade(&bench.program, site, to_second);
            to_second = !to_second;
            meter.time_writing(scratch, content.bytes, || memory.watch(&mut command))
        }),
    ];
    let series = take_turns(&bench.meter, bench.rounds, "command", &mut cases)?;
    drop(cases);
    let what =
        format!("whole `upgradesstables` command, {} GiB in 20 SSTables", gib(content.bytes));
    let goal = Goal::AtLeast { demand: 0.8, stretch: 1.2 };
    let read_back = "`cp` + fsync + the copy read from the disk";
    let removed = "`cp` + fsync + the copy read from the disk + as much removed";
    Ok(vec![
        row(&series, (3, 0), &what, "`cp` + fsync", goal),
        row(&series, (3, 1), "the same", read_back, Goal::None),
        row(&series, (3, 2), "the same", removed, Goal::None),
        memory.row(&what),
    ])
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}
