//! Whole images of chunks, and of pages of an index: plaintext to what goes to the disk, GB/s of
//! plaintext on one core.

#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rekey_engine::codec::{
    ChunkLengths, ChunkOpener, ChunkSealer, PageGeometry, PageOpener, PageSealer,
};
use rekey_engine::crypto::{CipherKey, IvSource, Transformation};
use rekey_engine::keys::{DATABASE_KEY_ID_LIMIT, HeaderKind, KeyHeader};
use rekey_engine::sstable::PAGE;

/// Plaintext bytes of an image, as in the pipeline.
const IMAGE: usize = 2 << 20;

fn chunks(c: &mut Criterion) {
    let cbc = Transformation::parse("AES/CBC/PKCS5Padding").expect("a valid name");
    let key = Arc::new(CipherKey::new(&cbc, &[0x42; 32]).expect("a valid length"));
    let sealer = ChunkSealer::new(&KeyHeader::None, Arc::clone(&key), false);
    let opener = ChunkOpener::with_key(key);
    let mut ivs = IvSource::from_os().expect("random bytes");
    let mut group = c.benchmark_group("chunks aes-256-cbc");
    group.throughput(Throughput::Bytes(IMAGE as u64));
    for chunk in [4 << 10, 16 << 10, 64 << 10, 256 << 10] {
        let plains = vec![ChunkLengths { plain: chunk, payload: chunk }; IMAGE / chunk];
        let mut image = vec![0x5a; plains.len() * sealer.record_length(chunk)];
        group.bench_function(BenchmarkId::new("seal", chunk), |b| {
            b.iter(|| sealer.seal(black_box(&mut image), &plains, &mut ivs));
        });
        let mut out = vec![0; opener.working_length(chunk)];
        group.bench_function(BenchmarkId::new("open", chunk), |b| {
            b.iter(|| {
                for record in image.chunks_exact(sealer.record_length(chunk)) {
                    let stored = record.split_last_chunk::<4>().expect("a CRC").0;
                    opener.open(black_box(stored), chunk, &mut out).expect("what was sealed");
                }
            });
        });
    }
    group.finish();
}

/// Pages as full as they get, as many as a worker takes at a time.
fn pages(c: &mut Criterion) {
    let cbc = Transformation::parse("AES/CBC/PKCS5Padding").expect("a valid name");
    let key = Arc::new(CipherKey::new(&cbc, &[0x42; 32]).expect("a valid length"));
    let geometry =
        PageGeometry::new(&cbc, cbc.iv_length(), HeaderKind::None, DATABASE_KEY_ID_LIMIT);
    let usable = geometry.usable();
    let sealer = ChunkSealer::new(&KeyHeader::None, Arc::clone(&key), false);
    let sealer = PageSealer::new(sealer, geometry.clone()).expect("no header is too long");
    let opener = PageOpener::new(ChunkOpener::with_key(key), geometry);
    let mut ivs = IvSource::from_os().expect("random bytes");
    let plains = vec![usable; IMAGE / PAGE];
    let mut image = vec![0x5a; IMAGE];
    let mut out = vec![0; PAGE];
    let mut group = c.benchmark_group("pages aes-256-cbc");
    group.throughput(Throughput::Bytes((plains.len() * usable) as u64));
    group.bench_function("seal", |b| {
        b.iter(|| sealer.seal(black_box(&mut image), &plains, &mut ivs).expect("whole pages"));
    });
    group.bench_function("open", |b| {
        b.iter(|| {
            for page in image.chunks_exact(PAGE) {
                opener.open(black_box(page), &mut out).expect("what was sealed");
            }
        });
    });
    group.finish();
}

criterion_group!(benches, chunks, pages);
criterion_main!(benches);
