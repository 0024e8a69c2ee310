//! Chunks: any bytes as they are stored, and any payload under the right key.

use std::cell::RefCell;
use std::sync::Arc;

use rekey_engine::codec::{ChunkDecoder, ChunkLengths, ChunkOpener, ChunkSealer, DecodeScratch};
use rekey_engine::compress::CodecContext;
use rekey_engine::crypto::{CipherKey, IvSource, Transformation};
use rekey_engine::keys::{HeaderKind, KeyHeader, KeyId};
use rekey_engine::memory::WipedBuffer;
use rekey_engine::sstable::CHUNK_CRC_LENGTH;

use super::codec::codecs;

thread_local! {
    static BUFFERS: RefCell<(WipedBuffer, CodecContext)> = RefCell::default();
}

/// `[cipher and form][compressor][length of the plaintext, 2 bytes] payload`.
pub fn run(bytes: &[u8]) {
    BUFFERS.with_borrow_mut(|(opened, context)| {
        run_with(bytes, &mut DecodeScratch { opened, context });
    });
}

fn run_with(bytes: &[u8], scratch: &mut DecodeScratch<'_>) {
    let Some(([form, codec, length @ ..], payload)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let codec = codecs().get(usize::from(*codec)).copied();
    let (key, id) = key(*form);
    let header = match form & 1 {
        0 => KeyHeader::None,
        _ => KeyHeader::Kmip(id.clone()),
    };
    let opener = match form & 1 {
        0 => ChunkOpener::with_key(Arc::clone(&key)),
        _ => ChunkOpener::with_ids(
            key.transformation().clone(),
            [(id, Arc::clone(&key))].into_iter().collect(),
        ),
    };
    let longest = if form & 8 == 0 { 0x7fff_ffff } else { u32::from(u16::from_be_bytes(*length)) };
    let decoder = ChunkDecoder::new(codec, Some(opener), longest);
    let mut plain = vec![0; usize::from(u16::from_be_bytes(*length))];
    let _foreign = decoder.plaintext(payload, &mut plain, scratch);
    let _framed = decoder.working_length(payload, plain.len()).map(|length| {
        let mut out = vec![0; length];
        decoder.payload(payload, plain.len(), &mut out, scratch).map(drop)
    });

    let sealer = ChunkSealer::new(&header, key, codec.is_some());
    let lengths = ChunkLengths { plain: plain.len(), payload: payload.len() };
    let mut record = vec![0; sealer.record_length(payload.len())];
    let prefix = sealer.prefix_length();
    record[prefix..prefix + payload.len()].copy_from_slice(payload);
    let mut ivs = IvSource::from_os().expect("random bytes");
    sealer.seal(&mut record, &[lengths], &mut ivs).expect("an image of one record");
    let stored = &record[..record.len() - CHUNK_CRC_LENGTH];
    if decoder.is_raw(stored.len()) {
        return;
    }
    let opened = decoder.plaintext(stored, &mut plain, scratch);
    if codec.is_none() {
        assert_eq!(opened.is_ok(), plain.len() == payload.len());
        assert!(opened.is_err() || plain == payload);
    }
    let length = decoder.payload_length(stored, plain.len()).expect("a frame of our own");
    let mut out = vec![0; decoder.working_length(stored, length).expect("a frame of our own")];
    if codec.is_some() || length == payload.len() {
        let got = decoder.payload(stored, plain.len(), &mut out, scratch);
        let (length, _) = got.expect("a payload under its own key");
        assert!(out[..length] == *payload);
    }
}

/// A key for one of the ciphers, and its id.
pub(crate) fn key(selector: u8) -> (Arc<CipherKey>, KeyId) {
    let (transformation, bytes) = CIPHERS[usize::from(selector >> 4) % CIPHERS.len()];
    let transformation = Transformation::parse(transformation).expect("a name of the table");
    let key = CipherKey::new(&transformation, &[0x5a; 32][..bytes]).expect("a key of its length");
    (Arc::new(key), KeyId::new("02-449").expect("an id"))
}

/// What headers of the encrypted kinds are parsed as.
pub(crate) const fn header_kind(selector: u8) -> HeaderKind {
    if selector & 1 == 0 { HeaderKind::None } else { HeaderKind::Kmip }
}

const CIPHERS: [(&str, usize); 8] = [
    ("AES/CBC/PKCS5Padding", 32),
    ("AES/ECB/PKCS5Padding", 16),
    ("DESede/CBC/PKCS5Padding", 24),
    ("AES/CFB/NoPadding", 16),
    ("AES/OFB/NoPadding", 24),
    ("Blowfish/CBC/PKCS5Padding", 16),
    ("RC2/CBC/PKCS5Padding", 16),
    ("AES/PCBC/PKCS5Padding", 16),
];

/// Every cipher and compressor, with the output of the compressor.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (codec, seed) in (0..).zip(super::codec::seeds()) {
        for cipher in 0..8 {
            let (length, payload) = (&seed[1..3], &seed[3..]);
            seeds.push([&[cipher << 4 | cipher & 1, codec], length, payload].concat());
        }
    }
    seeds.extend([
        vec![0x10, 9, 0, 3, 1, 2, 3],
        vec![0x01, 9, 0, 16].into_iter().chain(0..16).collect(),
    ]);
    seeds
}
