//! Rates against threads, sizes of SSTables and chunk lengths.

use std::num::NonZeroUsize;

use rekey_benches::Form;

use super::super::Result;
use super::super::bench::{Bench, Content, Room};
use super::super::curve::{Curve, Point};
use super::super::files;
use super::super::noise::{Meter, Sample};
use super::super::program::{self, Memory};
use super::super::rounds::{Case, Series, take_turns};
use super::super::stage::{Durability, Staging, all_threads};

const FORMS: [Form; 2] = [Form::AES_256_CBC; 2];

pub(in super::super) fn curves(bench: &Bench) -> Result<Vec<Curve>> {
    Ok(vec![against_threads(bench)?, against_chunk_length(bench)?, against_size(bench)?])
}

fn against_threads(bench: &Bench) -> Result<Curve> {
    let stage = Stage::new(bench, Content::new(8, bench.bytes))?;
    let most = all_threads().get();
    let threads: Vec<_> = (1..=most).filter_map(NonZeroUsize::new).collect();
    let mut cases: Vec<_> = threads
        .iter()
        .map(|&threads| {
            let stage = &stage;
            Case::new(format!("{threads} threads"), move |meter| stage.run(meter, threads))
        })
        .collect();
    let series = take_turns(&bench.meter, bench.rounds.min(3), "threads", &mut cases)?;
    Ok(Curve {
        what: "Writing stage, AES-256-CBC key to key, no fsync, 8 SSTables".to_owned(),
        against: "threads".to_owned(),
        points: points(&series, threads.iter().map(ToString::to_string)),
    })
}

fn against_chunk_length(bench: &Bench) -> Result<Curve> {
    let lengths: Vec<i32> = (2..=8).map(|power| 1024 << power).collect();
    let stages = lengths
        .iter()
        .map(|&chunk_length| {
            Stage::new(bench, Content { chunk_length, ..Content::new(8, bench.bytes / 2) })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut cases: Vec<_> = stages
        .iter()
        .zip(&lengths)
        .map(|(stage, length)| {
            Case::new(format!("{length} bytes a chunk"), |meter| stage.run(meter, all_threads()))
        })
        .collect();
    let series = take_turns(&bench.meter, bench.rounds.min(3), "chunks", &mut cases)?;
    Ok(Curve {
        what: "The same with all threads".to_owned(),
        against: "chunk length, KiB".to_owned(),
        points: points(&series, lengths.iter().map(|length| (length >> 10).to_string())),
    })
}

/// The whole command, small SSTables as many as make half a gibibyte. One that fits on the disk only
/// once is left out.
fn against_size(bench: &Bench) -> Result<Curve> {
    let mut points = Vec::new();
    let sizes = [1_u64 << 20, 16 << 20, 256 << 20, 1 << 30, 4 << 30, 16 << 30];
    for size in sizes.into_iter().filter(|size| *size <= bench.longest) {
        if free(bench)? < size.saturating_mul(5) / 2 {
            continue;
        }
        let sstables = u32::try_from((bench.bytes / 2 / size).max(1))?;
        let content = Content::new(sstables, size * u64::from(sstables));
        let room = bench.room(&bench.disk, FORMS, content)?;
        let memory = Memory::default();
        let mut to_second = true;
        let mut cases = [Case::new(format!("{} MiB", size >> 20), |meter| {
            let scratch = room.directory.path();
            files::settle(scratch)?;
            files::warm(&files::files_of(&room.site.table())?)?;
            let mut command = program::upgrade(&bench.program, &room.site, to_second);
            to_second = !to_second;
            // What is longer than memory finds none free, as in earnest.
            let backed = content.bytes.min(4 << 30);
            let bytes = content.bytes;
            let sample = meter.time_writing(scratch, backed, || memory.watch(&mut command))?;
            Ok(sample.with_value(bytes as f64 / 1e9 / sample.seconds))
        })];
        let rounds = bench.rounds.min(if size > 4 << 30 { 1 } else { 3 });
        let series = take_turns(&bench.meter, rounds, "sizes", &mut cases)?;
        drop(cases);
        points.push(Point {
            at: if size < 1 << 30 {
                (size >> 20).to_string()
            } else {
                format!("{} Gi", size >> 30)
            },
            rate: series.values(0).median,
            cost: series.nanoseconds_a_byte(0),
            memory: Some(memory.median()),
        });
    }
    Ok(Curve {
        what: "Whole `upgradesstables` command, fsync and reading back included; small SSTables \
               as many as make 512 MiB"
            .to_owned(),
        against: "size of an SSTable, MiB".to_owned(),
        points,
    })
}

fn free(bench: &Bench) -> Result<u64> {
    use rekey_engine::io::{LocalStorage, Storage as _};
    Ok(LocalStorage.free_space(&bench.disk)?)
}

fn points(series: &Series, at: impl Iterator<Item = String>) -> Vec<Point> {
    at.enumerate()
        .map(|(case, at)| Point {
            at,
            rate: series.values(case).median,
            cost: series.nanoseconds_a_byte(case),
            memory: None,
        })
        .collect()
}

/// A writing stage, and the room that it works in.
#[derive(Debug)]
struct Stage {
    staging: Staging,
    _room: Room,
}

impl Stage {
    fn new(bench: &Bench, content: Content) -> Result<Self> {
        let room = bench.room(&bench.disk, FORMS, content)?;
        Ok(Self { staging: Staging::new(&room.site)?, _room: room })
    }

    fn run(&self, meter: &Meter, threads: NonZeroUsize) -> Result<Sample> {
        self.staging.run(meter, threads, Durability::Unsynced)
    }
}
