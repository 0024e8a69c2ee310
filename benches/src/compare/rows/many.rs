//! Many small SSTables against one big one.

use rekey_benches::Form;

use super::super::Result;
use super::super::bench::{Bench, Content, Room};
use super::super::files;
use super::super::program::{self, Peak};
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row};
use super::super::stage::{Durability, Staging, all_threads};
use super::rewrite::row;

/// Row 10: as writing stages without fsync, where the engine's own cost shows, and as whole
/// commands, where the disk's cost of several fsyncs for each SSTable does, too.
pub(in super::super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let number = if bench.is_quick { 100 } else { 10_000 };
    let bytes = u64::from(number) * EACH;
    let mut rows = Vec::new();
    for (place, name) in [(Some(&bench.disk), "ext4"), (bench.memory.as_ref(), "tmpfs")] {
        let Some(place) = place else { continue };
        let rooms =
            [number, 1].map(|n| bench.room(place, [Form::AES_256_CBC; 2], Content::new(n, bytes)));
        let [many, one] = rooms;
        let (many, one) = (many?, one?);
        let stages = [Staging::new(&one.site)?, Staging::new(&many.site)?];
        let [of_one, of_many] = &stages;
        let mut cases =
            [("one", of_one, &one), (MANY, of_many, &many)].map(|(name, stage, room)| {
                Case::new(name, move |meter| {
                    files::settle(room.directory.path())?;
                    files::warm(&files::files_of(&room.site.table())?)?;
                    stage.run(meter, all_threads(), Durability::Unsynced)
                })
            });
        let series = take_turns(&bench.meter, bench.rounds.min(3), "many", &mut cases)?;
        rows.push(row(
            &series,
            (1, 0),
            &format!("writing stage, no fsync, {name}: {number} SSTables of 100 KiB"),
            "one SSTable of the same bytes",
            Goal::AtLeast { demand: 0.5, stretch: 0.8 },
        ));
        drop(cases);
        drop(stages);
        rows.push(commands(bench, name, number, &many, &one)?);
    }
    Ok(rows)
}

fn commands(bench: &Bench, name: &str, number: u32, many: &Room, one: &Room) -> Result<Row> {
    let bytes = u64::from(number) * EACH;
    let mut peak = Peak::default();
    let peak_of_many = std::cell::Cell::new(Peak::default());
    let mut turns = [true, true];
    let [of_one, of_many] = &mut turns;
    let mut run = |meter: &_, room: &Room, to_second: &mut bool, is_many: bool| {
        files::settle(room.directory.path())?;
        files::warm(&files::files_of(&room.site.table())?)?;
        let mut command = program::upgrade(&bench.program, &room.site, *to_second);
        *to_second = !*to_second;
        let noise: &super::super::noise::Meter = meter;
        noise.time(bytes, || {
            let seen = program::run(&mut command)?;
            if is_many {
                peak.raise(seen);
                peak_of_many.set(peak);
            }
            Ok(())
        })
    };
    let run = std::cell::RefCell::new(&mut run);
    let mut cases = [
        Case::new("command, one", |meter| (run.borrow_mut())(meter, one, of_one, false)),
        Case::new("command, many", |meter| (run.borrow_mut())(meter, many, of_many, true)),
    ];
    let series = take_turns(&bench.meter, bench.rounds.min(2), "many", &mut cases)?;
    let mut row = row(
        &series,
        (1, 0),
        &format!("whole command, {name}: {number} SSTables of 100 KiB"),
        "one SSTable of the same bytes",
        Goal::AtLeast { demand: 0.5, stretch: 0.8 },
    );
    let memory = peak_of_many.get().mebibytes();
    row.rates = format!("{}; at most {memory:.0} MiB of own memory", row.rates);
    Ok(row)
}

const EACH: u64 = 100 << 10;
const MANY: &str = "many";
