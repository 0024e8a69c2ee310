//! Recompression: the whole chain against the codecs alone.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_benches::{Form, Plaintext};
use rekey_engine::compress::{Codec, CodecContext};

use super::super::Result;
use super::super::bench::{Bench, Content, Room};
use super::super::files;
use super::super::noise::{Meter, Sample};
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row, digits};
use super::super::stage::{Durability, Staging, all_threads};
use super::rewrite::row;

const fn behind(class: &'static str) -> Form {
    Form::encrypted(class, "AES/CBC/PKCS5Padding", 256)
}

const ENCRYPTOR: Form = Form::AES_256_CBC;
const LZ4: Form = behind("EncryptingLZ4Compressor");
const DEFLATE: Form = behind("EncryptingDeflateCompressor");
const SNAPPY: Form = behind("EncryptingSnappyCompressor");
const ZSTD: Form = Form::in_clear("ZstdCompressor");

/// From, to, and the share of the usual size that is rewritten: some compressors take their time.
const WAYS: [(&str, [Form; 2], u64); 6] = [
    ("LZ4 encrypted to Zstd", [LZ4, ZSTD], 2),
    ("Deflate encrypted to LZ4 encrypted", [DEFLATE, LZ4], 2),
    ("Zstd to LZ4 encrypted", [ZSTD, LZ4], 2),
    ("encrypted to LZ4 encrypted", [ENCRYPTOR, LZ4], 2),
    ("Snappy encrypted to encrypted", [SNAPPY, ENCRYPTOR], 1),
    ("LZ4 encrypted to Deflate encrypted", [LZ4, DEFLATE], 8),
];

/// The chain against the codecs alone, and beside the sum of its parts: the codecs, and behind them the writing
/// stage without a codec. Where a codec is fast, the rest of the chain takes its share of the same cores.
pub(in super::super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut plains = BTreeMap::new();
    for (name, forms, share) in WAYS {
        let content = Content { is_rows: true, ..Content::new(4, bench.bytes / share) };
        let room = bench.room(&bench.disk, forms, content)?;
        let plain = match plains.entry(share) {
            Entry::Occupied(made) => made.into_mut(),
            Entry::Vacant(place) => {
                place.insert(bench.room(&bench.disk, [ENCRYPTOR; 2], content)?)
            }
        };
        let stage = |name: &'static str, room: &Room| -> Result<Case<'_>> {
            let staging = Staging::new(&room.site)?;
            Ok(Case::new(name, move |meter| {
                staging.run(meter, all_threads(), Durability::Unsynced)
            }))
        };
        let codecs = room.site.targets().each_ref().map(|target| target.codec());
        let mut cases = [
            Case::new("codecs alone", |meter| alone(meter, codecs, content.bytes)),
            stage(name, &room)?,
            stage("no codec", plain)?,
        ];
        let series = take_turns(&bench.meter, bench.rounds, "recompress", &mut cases)?;
        rows.push(row(
            &series,
            (1, 0),
            &format!("recompression, whole writing stage: {name}"),
            "the codecs alone, all cores",
            Goal::AtLeast { demand: 0.85, stretch: 0.92 },
        ));
        rows.push(Row {
            what: "the same".to_owned(),
            against: "the codecs alone, and then the writing stage without any".to_owned(),
            figures: series.ratio_to_sum(1, [0, 2]),
            goal: Goal::None,
            rates: format!("the stage: {} GB/s", digits(series.values(2).median)),
        });
    }
    Ok(rows)
}

/// Decompresses and compresses the same chunks in memory, a thread for each core.
fn alone(meter: &Meter, [from, to]: [Option<Codec>; 2], bytes: u64) -> Result<Sample> {
    let text = Plaintext::rows();
    let mut context = CodecContext::default();
    let mut stored = Vec::new();
    for chunk in text.chunks(CHUNK) {
        stored.push(match from {
            None => chunk.to_vec(),
            Some(codec) => {
                let mut out = vec![0; codec.max_compressed_length(CHUNK)];
                let length = codec.compress(chunk, &mut out, &mut context)?;
                out.truncate(length);
                out
            }
        });
    }
    let (chunks, next) = (usize::try_from(bytes)? / CHUNK, AtomicUsize::new(0));
    let work = || -> std::result::Result<(), rekey_engine::compress::CodecError> {
        let mut context = CodecContext::default();
        let mut plain = vec![0; CHUNK];
        let mut out = vec![0; to.map_or(CHUNK, |codec| codec.max_compressed_length(CHUNK))];
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(chunk) = stored.get(number % stored.len()).filter(|_| number < chunks) else {
                return Ok(());
            };
            let plain: &[u8] = match from {
                None => chunk,
                Some(codec) => {
                    codec.decompress(chunk, &mut plain, &mut context)?;
                    &plain
                }
            };
            if let Some(codec) = to {
                codec.compress(std::hint::black_box(plain), &mut out, &mut context)?;
            }
        }
    };
    meter.time(bytes, || files::on_all_cores(|| Ok(work()?)))
}

const CHUNK: usize = 64 << 10;
