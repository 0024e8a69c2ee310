//! Laying an index out for other pages, beside what the Data.db that belongs to it takes: partitions a
//! second on one core.
//!
//! The index is that of narrow partitions, which have most index for their data: a key, one row, a
//! value of 20 bytes, 81 bytes of Data.db (seen with 5.0). Beside it is the Data.db of these, and of
//! partitions of 1 KiB, whose index is the same. All are encrypted with AES-256-CBC and read back, as a run
//! does it, in files that stay in memory.

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
/// Of Data.db for each: the least that there is, and what is usual.
const BYTES: [u64; 2] = [81, 1024];
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
        own::Partition { path, hash: Some(own[7]), data: at as u64 * BYTES[0], rows: None }
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
    let belongs = Belongs { data_length: index.count * BYTES[0], has_no_gaps: true };
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

    // Read and decrypted, unless it is in clear; encrypted and written; read back.
    let plains = vec![ChunkLengths { plain: CHUNK, payload: CHUNK }; 128];
    let image = vec![0x5a; plains.len() * sealer.record_length(CHUNK)];
    let ivs = IvSource::from_os().expect("random bytes");
    let mut data = Data { sealer, opener, plains, image, ivs };
    for bytes in BYTES {
        let length = usize::try_from(index.count * bytes).expect("a few hundred MiB");
        let batches = length.div_ceil(CHUNK * data.plains.len());
        let [old, new] = ["old-Data.db", "new-Data.db"].map(|name| dir.path().join(name));
        data.rewrite(None, &old, batches);
        for (how, from) in [("encrypted first", None), ("re-encrypted", Some(old.as_path()))] {
            group.bench_function(format!("Data.db of {bytes} B each {how} and read back"), |b| {
                b.iter(|| data.rewrite(from, &new, batches));
            });
        }
        LocalStorage.remove_file(&old).expect("it is there");
    }
    group.finish();
}

/// What goes through a Data.db.
struct Data {
    sealer: ChunkSealer,
    opener: ChunkOpener,
    plains: Vec<ChunkLengths>,
    /// The records of a batch.
    image: Vec<u8>,
    ivs: IvSource,
}

impl Data {
    /// Writes a file anew, of another or of nothing, and reads it back.
    fn rewrite(&mut self, from: Option<&Path>, to: &Path, batches: usize) {
        let _not_there = LocalStorage.remove_file(to);
        let from = from.map(|path| Source::open(path, Access::Positional).expect("a file"));
        let file = LocalStorage.create(to).expect("a file");
        for batch in 0..batches {
            from.iter().for_each(|from| self.open(from, batch));
            self.sealer
                .seal(black_box(&mut self.image), &self.plains, &mut self.ivs)
                .expect("whole chunks");
            file.write_at(&self.image, self.offset(batch)).expect("room for it");
        }
        let written = Source::open(to, Access::Positional).expect("a file");
        (0..batches).for_each(|batch| self.open(&written, batch));
    }

    fn open(&self, file: &Source, batch: usize) {
        let (mut scratch, mut out) = (Vec::new(), vec![0; self.opener.working_length(CHUNK)]);
        let records =
            file.slice(self.offset(batch), self.image.len(), &mut scratch).expect("written before");
        for stored in records.chunks_exact(self.sealer.record_length(CHUNK)) {
            let (stored, crc) = stored.split_last_chunk::<4>().expect("a CRC");
            assert_eq!(crc32fast::hash(stored).to_be_bytes(), *crc);
            self.opener.open(black_box(stored), CHUNK, &mut out).expect("sealed before");
        }
    }

    fn offset(&self, batch: usize) -> u64 {
        u64::try_from(batch * self.image.len()).expect("a few hundred MiB")
    }
}

criterion_group!(benches, laying_out);
criterion_main!(benches);
