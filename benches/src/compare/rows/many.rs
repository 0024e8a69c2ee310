//! Many small SSTables against one big one.

use rekey_benches::Form;

use super::super::Result;
use super::super::bare;
use super::super::bench::{Bench, Content, Room};
use super::super::files;
use super::super::program::{self, Memory};
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row};
use super::super::stage::{Durability, Staging, all_threads};
use super::rewrite::row;

/// As writing stages without fsync, where the engine's own cost shows beside that of the files, and as
/// whole commands, where the disk's cost of several fsyncs for each SSTable does, too.
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
        let stages = [
            Staging::new(&one.site)?.removing_at_once(),
            Staging::new(&many.site)?.removing_at_once(),
        ];
        let [of_one, of_many] = &stages;
        let stage = |name, staging| {
            let staging: &Staging = staging;
            Case::new(name, |meter| staging.run(meter, all_threads(), Durability::Unsynced))
        };
        let mut cases = [
            stage("one", of_one),
            stage(MANY, of_many),
            Case::new("files alone", |meter| bare::files(meter, &many, number, bytes)),
        ];
        let series = take_turns(&bench.meter, bench.rounds.min(3), "many", &mut cases)?;
        let what = format!("writing stage, no fsync, {name}: {number} SSTables of 100 KiB");
        let goal = Goal::AtLeast { demand: 0.5, stretch: 0.8 };
        rows.push(row(&series, (1, 0), &what, "one SSTable of the same bytes", goal));
        let alone = "the same files made, written, linked and removed by system calls alone";
        rows.push(row(&series, (1, 2), "the same", alone, Goal::None));
        rows.push(row(&series, (2, 0), alone, "one SSTable of the same bytes", Goal::None));
        drop(cases);
        drop(stages);
        rows.extend(commands(bench, name, number, &many, &one)?);
    }
    Ok(rows)
}

fn commands(bench: &Bench, name: &str, number: u32, many: &Room, one: &Room) -> Result<Vec<Row>> {
    let bytes = u64::from(number) * EACH;
    let memories = [Memory::default(), Memory::default()];
    let [of_one, of_many] = &memories;
    let mut cases =
        [("one", one, of_one), (MANY, many, of_many)].map(|(name, room, memory): (_, &Room, _)| {
            let mut to_second = true;
            Case::new(format!("command, {name}"), move |meter| {
                files::settle(room.directory.path())?;
                files::warm(&files::files_of(&room.site.table())?)?;
                let mut command = program::upgrade(&bench.program, &room.site, to_second);
                to_second = !to_second;
                meter.time_writing(room.directory.path(), bytes, || {
                    Memory::watch(memory, &mut command)
                })
            })
        });
    let series = take_turns(&bench.meter, bench.rounds.min(2), "many", &mut cases)?;
    drop(cases);
    let what = format!("whole command, {name}: {number} SSTables of 100 KiB");
    let goal = Goal::AtLeast { demand: 0.5, stretch: 0.8 };
    let row = row(&series, (1, 0), &what, "one SSTable of the same bytes", goal);
    Ok(vec![row, of_many.row(&what), of_one.row(&format!("whole command, {name}: one SSTable"))])
}

const EACH: u64 = 100 << 10;
const MANY: &str = "many";
