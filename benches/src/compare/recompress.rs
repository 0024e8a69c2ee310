//! Recompression against the codecs alone and the same job without them.

use std::hint::black_box;

use rekey_benches::{Form, Plaintext};
use rekey_engine::compress::{Codec, CodecContext};

use super::bench::{Bench, Content};
use super::files;
use super::program::there_and_back;
use super::row::{Goal, Row, digits};
use crate::measure::noise::{Meter, Sample};
use crate::measure::outcome::Result;
use crate::measure::rounds::{Case, take_turns};

const fn after(class: &'static str) -> Form {
    Form::encrypted(class, "AES/CBC/PKCS5Padding", 256)
}

const ENCRYPTOR: Form = Form::AES_256_CBC;
const LZ4: Form = after("EncryptingLZ4Compressor");
const DEFLATE: Form = after("EncryptingDeflateCompressor");
const SNAPPY: Form = after("EncryptingSnappyCompressor");
const ZSTD: Form = Form::in_clear("ZstdCompressor");

/// Two forms, and the share of the usual size that is rewritten: some compressors take their time.
const WAYS: [(&str, [Form; 2], u64); 4] = [
    ("LZ4 to Zstd and back", [LZ4, ZSTD], 8),
    ("LZ4 to Deflate and back", [LZ4, DEFLATE], 16),
    ("no compressor to LZ4 and back", [ENCRYPTOR, LZ4], 8),
    ("no compressor to Snappy and back", [ENCRYPTOR, SNAPPY], 8),
];

/// In memory. What bounds it is the sum of two cases, of which neither can be left out.
pub(super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let Some(place) = &bench.memory else { return Ok(vec![]) };
    let mut rows = Vec::new();
    for (name, forms, share) in WAYS {
        let content = Content { is_rows: true, ..Content::new(4, bench.bytes / share) };
        let room = bench.room(place, forms, content)?;
        let plain = bench.room(place, [ENCRYPTOR; 2], content)?;
        let codecs = room.site.targets().each_ref().map(|target| target.codec());
        let mut cases = [
            Case::new("codecs alone", |meter| alone(meter, codecs, content.bytes)),
            there_and_back(bench, &plain, "without a codec"),
            there_and_back(bench, &room, name),
        ];
        let series = take_turns(&bench.meter, bench.rounds, "recompress", &mut cases)?;
        let rate = |case| digits(series.values(case).median);
        rows.push(Row {
            what: format!("whole command, in memory: {name}"),
            against: "the codecs alone, and then the same without a codec",
            figures: series.ratio_to_sum(2, [0, 1]),
            goal: Goal::AtLeast(0.85),
            rates: format!("{} GB/s against {} and {} GB/s", rate(2), rate(0), rate(1)),
        });
    }
    Ok(rows)
}

/// What the tool does with the chunks of both ways, in memory, by a thread for each core: each codec
/// compresses a chunk once, and decompresses it when it is rewritten and when it is read back.
fn alone(meter: &Meter, codecs: [Option<Codec>; 2], bytes: u64) -> Result<Sample> {
    let text = Plaintext::rows();
    let some: Vec<&[u8]> = text.chunks(CHUNK).collect();
    let chunks: Vec<&[u8]> =
        some.iter().copied().cycle().take(usize::try_from(bytes)? / CHUNK).collect();
    let own = || (CodecContext::default(), vec![0; CHUNK], vec![]);
    meter.time(2 * bytes, || {
        files::on_all_cores(&chunks, own, |(context, plain, stored), chunk| {
            for codec in codecs.into_iter().flatten() {
                stored.resize(codec.max_compressed_length(CHUNK), 0);
                let length = codec.compress(black_box(chunk), stored, context)?;
                let stored = stored.get(..length).unwrap_or_default();
                codec.decompress(black_box(stored), plain, context)?;
                codec.decompress(black_box(stored), plain, context)?;
            }
            Ok(())
        })
    })
}

const CHUNK: usize = 64 << 10;
