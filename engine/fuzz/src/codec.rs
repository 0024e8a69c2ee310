//! Decompressors: any bytes as input, and whether one undoes its compressor.

use rekey_engine::compress::{ChainFraming, Codec, CodecContext};
use rekey_engine::options::{ChunkScheme, CompressorClass, OptionMap};

/// `[compressor][length of the plaintext, 2 bytes] chunk`.
pub fn run(bytes: &[u8]) {
    let Some(([selector, length @ ..], stored)) = bytes.split_first_chunk::<3>() else { return };
    let codecs = codecs();
    let codec = codecs[usize::from(*selector) % codecs.len()];
    let mut plain = vec![0; usize::from(u16::from_be_bytes(*length))];
    let mut context = CodecContext::default();
    if codec.decompress(stored, &mut plain, &mut context).is_ok() {
        let mut again = vec![0; codec.max_compressed_length(plain.len())];
        let length = codec.compress(&plain, &mut again, &mut context).expect("room for the most");
        let mut back = vec![0; plain.len()];
        codec.decompress(&again[..length], &mut back, &mut context).expect("a chunk of our own");
        assert!(back == plain);
    }
    if let Ok((inner, rest)) = ChainFraming::split(stored) {
        assert!(rest.len() <= stored.len(), "{inner}");
    }
}

/// The compressors by the names that options give them.
pub(crate) fn codecs() -> Vec<Codec> {
    ["LZ4Compressor", "SnappyCompressor", "DeflateCompressor", "ZstdCompressor"]
        .into_iter()
        .filter_map(|name| {
            let class = CompressorClass::parse(name);
            ChunkScheme::from_options(&class, &OptionMap::default()).ok()?.codec()
        })
        .collect()
}

/// A chunk of each compressor.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let plain = [&b"abcdabcdabcdefgh"[..], &[0; 300], &[7; 9]].concat();
    let length = u16::try_from(plain.len()).unwrap_or_default().to_be_bytes();
    let mut seeds = Vec::new();
    for (selector, codec) in (0..).zip(codecs()) {
        let mut stored = vec![0; codec.max_compressed_length(plain.len())];
        let written = codec
            .compress(&plain, &mut stored, &mut CodecContext::default())
            .expect("room for the most");
        seeds.push([&[selector], &length[..], &stored[..written]].concat());
    }
    seeds
}
