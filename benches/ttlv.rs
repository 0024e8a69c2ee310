//! The encoding of KMIP: a response with many keys, as a server lists them.

#![expect(clippy::expect_used, reason = "a bench may stop")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rekey_kmip::ttlv::{SecretBuffer, Tag, Writer, parse};

/// Identifiers in one batch item.
const KEYS: usize = 1000;

fn response() -> SecretBuffer {
    let mut writer = Writer::new();
    writer.structure(Tag::RESPONSE_MESSAGE, |message| {
        message.structure(Tag::RESPONSE_HEADER, |header| {
            header.integer(Tag::BATCH_COUNT, 1);
            header.date_time(Tag::TIME_STAMP, 1_700_000_000);
        });
        message.structure(Tag::BATCH_ITEM, |item| {
            item.enumeration(Tag::OPERATION, 8);
            item.structure(Tag::RESPONSE_PAYLOAD, |payload| {
                for key in 0..KEYS {
                    payload.text(
                        Tag::UNIQUE_IDENTIFIER,
                        &format!("6b1f0c6e-0000-4000-8000-{key:012}"),
                    );
                }
            });
        });
    });
    writer.finish().expect("a message")
}

fn ttlv(c: &mut Criterion) {
    let message = response();
    let mut group = c.benchmark_group("ttlv");
    group.throughput(Throughput::Bytes(message.len() as u64));
    group.bench_function("write", |b| b.iter(response));
    // Parsing checks every item; what is read of it are the two outermost.
    group.bench_function("read", |b| {
        b.iter(|| {
            let item = parse(black_box(message.as_slice())).expect("a message");
            let batch = item.structure().expect("a structure").items();
            let mut seen = 0;
            for item in batch {
                black_box(&item);
                seen += 1;
            }
            assert_eq!(seen, 2, "a header and an item");
        });
    });
    group.finish();
}

criterion_group!(benches, ttlv);
criterion_main!(benches);
