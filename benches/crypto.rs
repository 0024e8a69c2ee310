//! The ciphers by themselves, every kernel of the machine: GB/s of ciphertext on one core.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench may stop")]

use std::hint::black_box;

use cbc::cipher::block_padding::NoPadding;
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rekey_engine::crypto::{CipherKey, IvSource, Kernel, Lane, Transformation};

/// Chunk lengths, each with a block of padding.
const CHUNKS: [usize; 4] = [4 << 10, 16 << 10, 64 << 10, 256 << 10];

/// Bytes between two lanes beyond their length: an odd number of cache lines, so that lanes of a
/// power of two do not all fall into the same sets.
const SKEW: usize = 320;

/// A key for each kernel of the machine that has AES: the others fall back.
fn keys(bytes: usize) -> impl Iterator<Item = CipherKey> {
    let cbc = Transformation::parse("AES/CBC/PKCS5Padding").expect("a valid name");
    Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()).filter_map(move |kernel| {
        let key = CipherKey::with_kernel(&cbc, &vec![0x42; bytes], kernel);
        Some(key.expect("a valid length")).filter(|key| key.kernel() == kernel)
    })
}

fn seal(c: &mut Criterion) {
    let mut group = c.benchmark_group("seal aes-256-cbc");
    for (lanes, chunk) in [(1, 64 << 10), (16, 64 << 10), (64, 64 << 10)]
        .into_iter()
        .chain(CHUNKS.map(|chunk| (32, chunk)))
    {
        let length = chunk + 16;
        let mut arena = vec![0x5a_u8; lanes * (length + SKEW)];
        group.throughput(Throughput::Bytes((lanes * length) as u64));
        for key in keys(32) {
            let id = BenchmarkId::new(key.kernel().to_string(), format!("{lanes}x{chunk}"));
            group.bench_function(id, |b| {
                b.iter(|| {
                    let mut lanes: Vec<_> = arena
                        .chunks_exact_mut(length + SKEW)
                        .map(|place| Lane::new([7; 16], &mut place[..length]))
                        .collect();
                    key.seal(black_box(&mut lanes)).expect("whole blocks");
                });
            });
        }
    }
    // What a tool does that takes one chunk after the other.
    let mut data = vec![0x5a_u8; 65_552];
    group.throughput(Throughput::Bytes(data.len() as u64));
    group.bench_function("cbc crate/1x65536", |b| {
        b.iter(|| {
            let length = data.len();
            let key = cbc::Encryptor::<aes::Aes256>::new(&[0x42; 32].into(), &[7; 16].into());
            key.encrypt_padded::<NoPadding>(black_box(&mut data), length).map(<[u8]>::len)
        });
    });
    group.finish();
}

fn ragged(c: &mut Criterion) {
    let mut group = c.benchmark_group("seal aes-256-cbc ragged");
    for lanes in [16, 32, 64] {
        let mut buffers: Vec<Vec<u8>> =
            (0..lanes).map(|i| vec![1; (1280 + i * 7919 % 2560) * 16]).collect();
        let total: usize = buffers.iter().map(Vec::len).sum();
        group.throughput(Throughput::Bytes(total as u64));
        for key in keys(32) {
            let id = BenchmarkId::new(key.kernel().to_string(), lanes);
            group.bench_function(id, |b| {
                b.iter(|| {
                    let mut lanes: Vec<_> =
                        buffers.iter_mut().map(|buffer| Lane::new([7; 16], buffer)).collect();
                    key.seal(black_box(&mut lanes)).expect("whole blocks");
                });
            });
        }
    }
    group.finish();
}

fn open(c: &mut Criterion) {
    let mut group = c.benchmark_group("open aes-256-cbc");
    for chunk in CHUNKS {
        let source = vec![0x5a_u8; chunk + 16];
        let mut target = vec![0_u8; chunk + 16];
        group.throughput(Throughput::Bytes(source.len() as u64));
        for key in keys(32) {
            let kernel = key.kernel();
            // The padding is as wrong as it gets; it is checked all the same.
            group.bench_function(BenchmarkId::new(format!("{kernel} into"), chunk), |b| {
                b.iter(|| key.open_into(&[7; 16], black_box(&source), &mut target));
            });
            group.bench_function(BenchmarkId::new(format!("{kernel} in place"), chunk), |b| {
                b.iter(|| key.open(&[7; 16], black_box(&mut target)));
            });
        }
    }
    group.finish();
}

/// AES in the modes that have no kernel of their own.
fn modes(c: &mut Criterion) {
    for text in ["AES/CFB/PKCS5Padding", "AES/OFB/PKCS5Padding", "AES/PCBC/PKCS5Padding"] {
        other(c, text, 32, &[32]);
    }
}

/// The older ciphers, every kernel of the machine. `rekey-benches openssl` compares the best ones with
/// OpenSSL's.
fn legacy(c: &mut Criterion) {
    for (text, bytes) in [
        ("Blowfish/CBC/PKCS5Padding", 16),
        ("DES/CBC/PKCS5Padding", 8),
        ("DESede/CBC/PKCS5Padding", 24),
        ("RC2/CBC/PKCS5Padding", 16),
    ] {
        other(c, text, bytes, &[1, 16, 32, 128, 512]);
    }
}

/// One transformation with a key of some bytes, sealed in some numbers of lanes.
fn other(c: &mut Criterion, text: &str, bytes: usize, loads: &[usize]) {
    let transformation = Transformation::parse(text).expect("a valid name");
    let length = 16_384 + transformation.block_size();
    let most = loads.iter().max().expect("a number of lanes");
    let mut arena = vec![0x5a_u8; most * (length + SKEW)];
    let mut target = vec![0_u8; length];
    let iv = vec![7; transformation.iv_length()];
    let mut group = c.benchmark_group(text.to_lowercase().replace('/', "-"));
    for kernel in Kernel::ALL {
        let key = CipherKey::with_kernel(&transformation, &vec![0x42; bytes], kernel)
            .expect("a valid length");
        if key.kernel() != kernel {
            continue;
        }
        for lanes in loads {
            group.throughput(Throughput::Bytes((lanes * length) as u64));
            group.bench_function(format!("seal/{kernel}/{lanes}x16384"), |b| {
                b.iter(|| {
                    let mut lanes: Vec<_> = arena
                        .chunks_exact_mut(length + SKEW)
                        .take(*lanes)
                        .map(|place| Lane::new([7; 16], &mut place[..length]))
                        .collect();
                    key.seal(black_box(&mut lanes)).expect("whole blocks");
                });
            });
        }
        group.throughput(Throughput::Bytes(length as u64));
        group.bench_function(format!("open/{kernel}/16384"), |b| {
            b.iter(|| key.open_into(&iv, black_box(&arena[..length]), &mut target));
        });
    }
    group.finish();
}

fn small(c: &mut Criterion) {
    let cbc = Transformation::parse("AES/CBC/PKCS5Padding").expect("a valid name");
    c.bench_function("schedule aes-256", |b| {
        b.iter(|| CipherKey::new(&cbc, black_box(&[0x42; 32])));
    });
    let mut ivs = IvSource::from_os().expect("random bytes");
    c.bench_function("next_iv", |b| b.iter(|| ivs.next_iv()));
}

criterion_group!(benches, seal, ragged, open, modes, legacy, small);
criterion_main!(benches);
