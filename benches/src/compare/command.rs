//! The whole `upgradesstables` command against plain threads: on a disk, in memory, and for many
//! small SSTables.

use std::fs::File;
use std::process::Command;

use rekey_benches::Form;
use rekey_engine::io::{LocalStorage, Storage as _};

use super::bench::{Bench, Content, Room};
use super::program::{self, Memory, succeed};
use super::row::{Goal, Row};
use super::{files, threads};
use crate::measure::outcome::Result;
use crate::measure::rounds::{Case, take_turns};

const AES: Form = Form::AES_256_CBC;
const ECB: Form = Form::encrypted("Encryptor", "AES/ECB/PKCS5Padding", 256);
const AES_128: Form = Form::encrypted("Encryptor", "AES/CBC/PKCS5Padding", 128);

/// What is rewritten in memory, and in which chunks.
const FORMS: [(&str, [Form; 2], i32); 6] = [
    ("AES-256-CBC key to key", [AES; 2], 64 << 10),
    ("16 KiB chunks", [AES; 2], 16 << 10),
    ("AES-256-ECB", [ECB; 2], 64 << 10),
    ("AES-128-CBC", [AES_128; 2], 64 << 10),
    ("KMIP headers", [AES.kmip(), AES.kmip()], 64 << 10),
    ("plain to encrypted and back", [Form::UNCOMPRESSED, AES], 64 << 10),
];

/// Long SSTables on the disk; `cp` beside the threads, since everybody knows how long that takes.
pub(super) fn on_disk(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (sstables, name) in [(20, "20 SSTables"), (1, "one SSTable")] {
        let room = bench.room(&bench.disk, [AES; 2], Content::new(sstables, bench.bytes))?;
        let memory = Memory::default();
        let mut cases =
            [plain_threads(&room), copy(&room), program::to_and_fro(bench, &room, &memory)];
        let series = take_turns(&bench.meter, bench.rounds, "command", &mut cases)?;
        drop(cases);
        let what = format!("whole command, {} MiB in {name}", bench.bytes >> 20);
        rows.push(Row::of_rates(&series, (2, 0), &what, THREADS, Goal::AtLeast(0.8)));
        rows.push(Row::of_rates(&series, (2, 1), "the same", "`cp` + fsync", Goal::None));
        rows.push(memory.row(&what));
    }
    Ok(rows)
}

/// Small SSTables cost by number: files to open, to make durable and to swap.
pub(super) fn many(bench: &Bench) -> Result<Vec<Row>> {
    let number = bench.size(10_000, 100);
    let content = Content::new(number, u64::from(number) * SMALL);
    let room = bench.room(&bench.disk, [AES; 2], content)?;
    let memory = Memory::default();
    let mut cases = [plain_threads(&room), program::to_and_fro(bench, &room, &memory)];
    let series = take_turns(&bench.meter, bench.rounds.min(3), "many", &mut cases)?;
    drop(cases);
    let what = format!("whole command, {number} SSTables of 100 KiB");
    Ok(vec![Row::of_rates(&series, (1, 0), &what, THREADS, Goal::None), memory.row(&what)])
}

/// Other forms where no disk is waited for: what the ciphers and the copies in memory take.
pub(super) fn in_memory(bench: &Bench) -> Result<Vec<Row>> {
    let Some(place) = &bench.memory else { return Ok(vec![]) };
    let mut rows = Vec::new();
    for (name, forms, chunk_length) in FORMS {
        let content = Content { chunk_length, ..Content::new(8, bench.bytes / 4) };
        let room = bench.room(place, forms, content)?;
        let mut cases = [plain_threads(&room), program::there_and_back(bench, &room, name)];
        let series = take_turns(&bench.meter, bench.rounds, "memory", &mut cases)?;
        let what = format!("whole command, in memory: {name}");
        rows.push(Row::of_rates(&series, (1, 0), &what, THREADS, Goal::None));
    }
    Ok(rows)
}

fn plain_threads(room: &Room) -> Case<'_> {
    Case::new("plain threads", |meter| {
        threads::rewrite(meter, &room.site.table(), room.directory.path(), room.content.bytes)
    })
}

fn copy(room: &Room) -> Case<'_> {
    Case::new("cp, fsync", |meter| {
        let (table, scratch) = (room.site.table(), room.directory.path());
        let to = scratch.join("copy");
        LocalStorage.create_directory(&to, None)?;
        files::ready(&table)?;
        let sample = meter.time_writing(scratch, room.content.bytes, || {
            succeed(Command::new("cp").args(files::files_of(&table)?).arg(&to))?;
            for copy in files::files_of(&to)? {
                File::open(copy)?.sync_all()?;
            }
            Ok(LocalStorage.sync_directory(&to)?)
        });
        files::remove(&to)?;
        sample
    })
}

const THREADS: &str = "plain threads";
const SMALL: u64 = 100 << 10;
