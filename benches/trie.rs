//! Laying an index out for other pages, beside what the Data.db that belongs to it takes: partitions a
//! second on one core.
//!
//! The index is that of narrow partitions, which have most index for their data: a key, one row, a
//! value of 20 bytes, 81 bytes of Data.db (seen with 5.0). Both are encrypted with AES-256-CBC and read
//! back, as a run does it.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench may stop")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rekey_engine::codec::{
    ChunkLengths, ChunkOpener, ChunkSealer, PageGeometry, PageOpener, PageSealer,
};
use rekey_engine::crypto::{CipherKey, IvSource, Transformation};
use rekey_engine::io::{Access, LocalStorage, Source, Storage as _};
use rekey_engine::keys::{DATABASE_KEY_ID_LIMIT, HeaderKind, KeyHeader};
use rekey_engine::trie::{Belongs, Index, Stored, Storing, lay_out, read_sequence};

#[path = "../engine/tests/it/kit/trie.rs"]
#[expect(dead_code, reason = "the tests use all of it")]
#[expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a writer of its own, which may stop at the first surprise"
)]
mod own;

const PARTITIONS: u64 = 200_000;
const BYTES: u64 = 81;
const CHUNK: usize = 16 << 10;

/// Paths as hashed keys have them.
fn index() -> own::Index {
    let mut state = 1_u64;
    let mut tokens: Vec<[u8; 8]> = (0..PARTITIONS)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state ^ state >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()
        })
        .collect();
    tokens.sort_unstable();
    tokens.dedup();
    let shared = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let partitions = (0..tokens.len()).map(|at| {
        let own = &tokens[at];
        let before = at.checked_sub(1).map_or(0, |before| shared(&tokens[before], own));
        let after = tokens.get(at + 1).map_or(0, |after| shared(after, own));
        let mut path = vec![0x40];
        path.extend_from_slice(&own[..=before.max(after)]);
        own::Partition { path, hash: Some(own[7]), data: at as u64 * BYTES, rows: None }
    });
    let partitions: Vec<_> = partitions.collect();
    let count = partitions.len() as u64;
    own::Index { partitions, first_key: vec![1; 8], last_key: vec![2; 8], count }
}

fn laying_out(c: &mut Criterion) {
    let cbc = Transformation::parse("AES/CBC/PKCS5Padding").expect("a valid name");
    let key = Arc::new(CipherKey::new(&cbc, &[0x42; 32]).expect("a valid length"));
    let sealer = ChunkSealer::new(&KeyHeader::None, Arc::clone(&key), false);
    let opener = ChunkOpener::with_key(Arc::clone(&key));
    let geometry =
        PageGeometry::new(&cbc, cbc.iv_length(), HeaderKind::None, DATABASE_KEY_ID_LIMIT);
    let pages = PageSealer::new(ChunkSealer::new(&KeyHeader::None, key, false), geometry.clone())
        .expect("no header is too long");
    let page_opener = PageOpener::new(opener.clone(), geometry);

    let dir = tempfile::tempdir().expect("a directory");
    let create = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        if !bytes.is_empty() {
            let file = LocalStorage.create(&path).expect("a file");
            file.write_at(bytes, 0).expect("room for it");
        }
        path
    };
    let index = index();
    let (partitions, _) = own::write(&index, 4096);
    let old = [create("old-Partitions.db", &partitions), dir.path().join("old-Rows.db")];
    LocalStorage.create(&old[1]).expect("a file");
    let open = |path: &Path| Source::open(path, Access::Positional).expect("a file");
    let belongs = Belongs { data_length: index.count * BYTES, has_no_gaps: true };
    let new = ["new-Partitions.db", "new-Rows.db"].map(|name| dir.path().join(name));

    let mut group = c.benchmark_group("200,000 narrow partitions");
    group.throughput(Throughput::Elements(index.count)).sample_size(10);
    group.bench_function("index laid out and read back", |b| {
        b.iter(|| {
            for path in &new {
                let _not_there = LocalStorage.remove_file(path);
            }
            let outputs = new.each_ref().map(|path| LocalStorage.create(path).expect("a file"));
            let files = [open(&old[0]), open(&old[1])];
            let mut index =
                Index::open(&files[0], &files[1], Stored::CLEAR, belongs).expect("a valid index");
            let mut sum = 0;
            let storing = Storing::Encrypted(&pages);
            lay_out(&mut index, &*outputs[0], &*outputs[1], storing, |_, block| {
                sum ^= crc32fast::hash(block);
                Ok(())
            })
            .expect("a valid index");
            let files = [open(&new[0]), open(&new[1])];
            let stored = Stored::Encrypted(&page_opener);
            read_sequence(&index, (&files[0], &files[1]), stored, belongs, |_, block| {
                sum ^= crc32fast::hash(block);
                Ok(())
            })
            .expect("what was written");
            assert_eq!(black_box(sum), 0);
        });
    });

    // Decrypted, encrypted, and decrypted again, as a run from one key to another does it.
    let length = usize::try_from(index.count * BYTES).expect("a few MiB");
    let chunks = length.div_ceil(CHUNK);
    let plains = vec![ChunkLengths { plain: CHUNK, payload: CHUNK }; 128];
    let record = sealer.record_length(CHUNK);
    let mut image = vec![0x5a; plains.len() * record];
    let mut out = vec![0; opener.working_length(CHUNK)];
    let mut ivs = IvSource::from_os().expect("random bytes");
    for (name, reads) in [("Data.db encrypted first and read back", 1), ("Data.db re-encrypted", 2)]
    {
        group.bench_function(name, |b| {
            b.iter(|| {
                let mut done = 0;
                while done < chunks {
                    sealer.seal(black_box(&mut image), &plains, &mut ivs).expect("whole chunks");
                    for stored in image.chunks_exact(record) {
                        let (stored, crc) = stored.split_last_chunk::<4>().expect("a CRC");
                        for _ in 0..reads {
                            assert_eq!(crc32fast::hash(stored).to_be_bytes(), *crc);
                            opener.open(black_box(stored), CHUNK, &mut out).expect("sealed above");
                        }
                    }
                    done += plains.len();
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, laying_out);
criterion_main!(benches);
