//! The scheduler: what handing out a piece costs, and sealing in memory on one thread and on all.

#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::num::NonZeroUsize;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rekey_engine::codec::{ChunkLengths, ChunkSealer};
use rekey_engine::crypto::{CipherKey, Transformation};
use rekey_engine::keys::KeyHeader;
use rekey_engine::pipeline::{self, Control, Limits, Next, Task};
use rekey_engine::rewrite::Scratch;
use rekey_engine::{Error, Result};

const IMAGE: usize = 2 << 20;
const CHUNK: usize = 64 << 10;

/// A task of so many pieces, each an image to seal, or nothing.
#[derive(Debug)]
struct Pieces {
    count: u64,
    sealer: Option<ChunkSealer>,
}

impl Task for Pieces {
    type Scratch = Scratch;
    type Stage = ();

    fn scratch() -> Result<Scratch> {
        Scratch::new()
    }

    fn bytes(&self) -> u64 {
        self.count * IMAGE as u64
    }

    fn work(&self) -> u64 {
        self.bytes()
    }

    fn begin(&self) -> Result<Next<()>> {
        Ok(Next::stage((), self.count))
    }

    fn piece(&self, _stage: &(), _piece: u64, scratch: &mut Scratch) -> Result<u64> {
        if let Some(sealer) = &self.sealer {
            let chunks = [ChunkLengths { plain: CHUNK, payload: CHUNK }; IMAGE / CHUNK];
            let image = scratch.output.sized(chunks.len() * sealer.record_length(CHUNK));
            sealer.seal(image, &chunks, &mut scratch.ivs)?;
        }
        Ok(IMAGE as u64)
    }

    fn end(&self, _stage: &()) -> Result<Next<()>> {
        Ok(Next::Done)
    }

    fn abandon(&self, _stage: Option<()>, _why: &Error) {}
}

fn threads() -> Vec<NonZeroUsize> {
    let all = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let mut threads = vec![NonZeroUsize::MIN, all];
    threads.dedup();
    threads
}

fn run(tasks: &[Pieces], threads: NonZeroUsize) {
    pipeline::run(tasks, Limits { threads }, &Control::default(), |_, _| {});
}

fn handing_out(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipeline, empty pieces");
    for (name, tasks, count) in [("one task", 1, 10_000), ("many tasks", 1000, 10)] {
        let tasks: Vec<_> = (0..tasks).map(|_| Pieces { count, sealer: None }).collect();
        group.sample_size(10).throughput(Throughput::Elements(count * tasks.len() as u64));
        for threads in threads() {
            let id = BenchmarkId::new(name, format!("{threads} threads"));
            group.bench_function(id, |b| b.iter(|| run(&tasks, threads)));
        }
    }
    group.finish();
}

fn sealing(c: &mut Criterion) {
    let cbc = Transformation::parse("AES/CBC/PKCS5Padding").expect("a valid name");
    let key = Arc::new(CipherKey::new(&cbc, &[0x42; 32]).expect("a valid length"));
    let sealer = || Some(ChunkSealer::new(&KeyHeader::None, Arc::clone(&key), false));
    let tasks: Vec<_> = (0..4).map(|_| Pieces { count: 32, sealer: sealer() }).collect();
    let mut group = c.benchmark_group("pipeline, sealing aes-256-cbc");
    group.sample_size(10).throughput(Throughput::Bytes(tasks.iter().map(Task::bytes).sum()));
    for threads in threads() {
        let id = BenchmarkId::from_parameter(format!("{threads} threads"));
        group.bench_function(id, |b| b.iter(|| run(&tasks, threads)));
    }
    group.finish();
}

criterion_group!(benches, handing_out, sealing);
criterion_main!(benches);
