//! The compressors by themselves, on rows of JSON: GB/s of plaintext on one core.

#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rekey_benches::Plaintext;
use rekey_engine::compress::{Codec, CodecContext, Lz4Type, ZstdLevel};

fn codecs(c: &mut Criterion) {
    let text = Plaintext::rows();
    let codecs = [
        Codec::Lz4(Lz4Type::default()),
        Codec::Snappy,
        Codec::Deflate,
        Codec::Zstd(ZstdLevel::default()),
    ];
    for codec in codecs {
        let mut group = c.benchmark_group(format!("compress {}", codec.format()));
        let mut context = CodecContext::default();
        for length in [4 << 10, 16 << 10, 64 << 10, 256 << 10] {
            let plain = text.chunks(length).next().expect("a chunk");
            let mut stored = vec![0; codec.max_compressed_length(length)];
            let mut back = vec![0; length];
            group.throughput(Throughput::Bytes(length as u64));
            group.bench_function(BenchmarkId::new("to", length), |b| {
                b.iter(|| codec.compress(black_box(plain), &mut stored, &mut context));
            });
            let packed = codec.compress(plain, &mut stored, &mut context).expect("a chunk");
            stored.truncate(packed);
            group.bench_function(BenchmarkId::new("from", length), |b| {
                b.iter(|| codec.decompress(black_box(&stored), &mut back, &mut context));
            });
            assert_eq!(back, plain, "what was compressed comes back");
        }
        group.finish();
    }
}

criterion_group!(benches, codecs);
criterion_main!(benches);
