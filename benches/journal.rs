//! The journal: records to bytes and back, and appending with and without the disk.

#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rekey_engine::io::LocalStorage;
use rekey_engine::journal::{
    Attempt, Durability, History, JOURNAL_FILE, Journal, Part, Pass, Record, Run, Site, Staged,
};
use rekey_engine::sstable::Descriptor;

/// A checkpoint of a gibibyte: its ranges in a few runs, and what is sealed of them.
fn checkpoint(sstable: u32, number: u64) -> Record {
    let run = |run: u64| Run {
        first: number * RANGES + run * 70,
        count: 64,
        old_bytes: 128 << 20,
        new_bytes: 128 << 20,
    };
    let runs = (0..8).map(run).collect();
    Record::Done(sstable, Part { stage: Pass::Write, runs, sealed: vec![0x5a; 96] })
}

/// Ranges from one checkpoint to the next.
const RANGES: u64 = 8 * 70;

fn session() -> Attempt {
    Attempt { tool: "bench".to_owned(), sstables: 1000, bytes: 1 << 40 }
}

fn records(c: &mut Criterion) {
    let (record, mut group) = (checkpoint(7, 0), c.benchmark_group("journal record"));
    let bytes = record.encode();
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode", |b| b.iter(|| black_box(&record).encode()));
    group.bench_function("decode", |b| b.iter(|| Record::decode(black_box(&bytes))));
    group.finish();
}

fn start(directory: &Path) -> Journal {
    let site = Site::new(&[directory.to_owned()]).expect("a run");
    Journal::start(&LocalStorage, directory, session(), site, vec![]).expect("a journal")
}

fn appending(c: &mut Criterion) {
    let (record, mut group) = (checkpoint(7, 0), c.benchmark_group("journal append"));
    for (name, durability) in [("later", Durability::Later), ("now", Durability::Now)] {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let journal = start(directory.path());
        group.bench_function(name, |b| {
            b.iter(|| journal.append(black_box(&record), durability).expect("a record"));
        });
    }
    group.finish();
}

/// What the next run does first.
fn reading(c: &mut Criterion) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let journal = start(directory.path());
    let old = Descriptor::parse("nb-1-big").expect("a descriptor");
    let table = directory.path().join("keyspace/table");
    let sstable = journal.begin(&table, &old, 1 << 40).expect("a record");
    let staged = Staged {
        source: vec![],
        directory: journal.location(&table.join("staging")),
        step: 2 << 20,
        ranges: CHECKPOINTS * RANGES,
        seed: vec![0x5a; 48],
    };
    journal.append(&Record::Staged(sstable, staged), Durability::Later).expect("a record");
    for number in 0..CHECKPOINTS {
        journal.append(&checkpoint(sstable, number), Durability::Later).expect("a record");
    }
    let bytes = std::fs::read(directory.path().join(JOURNAL_FILE)).expect("the journal");
    let mut group = c.benchmark_group("journal read");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("1000 checkpoints", |b| {
        b.iter(|| History::read(black_box(&bytes)).expect("a journal").expect("a run"));
    });
    group.finish();
}

/// What the next run does first where SSTables are many: a million, or a few when it is only tried out.
fn reading_many(c: &mut Criterion) {
    let is_trial = std::env::args().any(|word| word == "--test");
    let mut group = c.benchmark_group("journal read");
    group.sample_size(10);
    for count in if is_trial { vec![100] } else { vec![10_000, 100_000, 1_000_000] } {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let journal = start(directory.path());
        let table = directory.path().join("keyspace/table");
        for id in 0..count {
            let name = |id| Descriptor::parse(&format!("nb-{id}-big")).expect("a descriptor");
            let sstable = journal.begin(&table, &name(id), 1 << 20).expect("a record");
            let swapped = Record::Swapped { sstable, new: name(count + id) };
            journal.append(&swapped, Durability::Later).expect("a record");
        }
        let bytes = std::fs::read(directory.path().join(JOURNAL_FILE)).expect("the journal");
        group.throughput(Throughput::Elements(count));
        group.bench_function(format!("{count} SSTables"), |b| {
            b.iter(|| History::read(black_box(&bytes)).expect("a journal").expect("a run"));
        });
    }
    group.finish();
}

const CHECKPOINTS: u64 = 1000;

criterion_group!(benches, records, appending, reading, reading_many);
criterion_main!(benches);
