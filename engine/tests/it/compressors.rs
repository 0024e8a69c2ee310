//! Chunks that the database's own compressors wrote, against their plaintext twin.

use std::path::PathBuf;
use std::sync::Arc;

use rekey_engine::codec::ChunkOpener;
use rekey_engine::compress::{ChainFraming, Codec, CodecContext};
use rekey_engine::crypto::CipherKey;
use rekey_engine::options::{ChunkScheme, CompressorClass};
use rekey_engine::sstable::{CompressionHeader, Format, Version};

use crate::kit::oracle;
use crate::kit::workspace::testdata;

const TABLE: &str = "rk/t-5ab1e000000011f0800000000000000a";

fn prefix(set: &str, id: u32) -> String {
    format!("{}/fixtures/{set}/{TABLE}/oa-{id}-big-", testdata().display())
}

/// The chunks of an SSTable and what its CompressionInfo.db says of them.
struct Sstable {
    options: ChunkScheme,
    /// Stored bytes without the CRC, and the length of the plaintext.
    chunks: Vec<(Vec<u8>, usize)>,
    plain: Vec<u8>,
}

impl Sstable {
    fn read(set: &str, id: u32) -> Self {
        let file = |set: &str, component: &str| {
            std::fs::read(format!("{}{component}", prefix(set, id))).unwrap()
        };
        let info = file(set, "CompressionInfo.db");
        let version = Version::find("oa", Format::Big).unwrap();
        let (header, length) = CompressionHeader::parse(&info, version).unwrap();
        let class = CompressorClass::parse(&header.class);
        let data = file(set, "Data.db");
        let offset = |bytes: &[u8]| usize::try_from(u64::from_be_bytes(bytes.try_into().unwrap()));
        let mut offsets: Vec<usize> =
            info[length..].chunks(8).map(|bytes| offset(bytes).unwrap()).collect();
        offsets.push(data.len());
        let chunks = offsets.windows(2).zip(0..).map(|(pair, index)| {
            let (stored, crc) = data[pair[0]..pair[1]].split_at(pair[1] - pair[0] - 4);
            assert_eq!(crc, crc32fast::hash(stored).to_be_bytes());
            (stored.to_vec(), header.plain_length(index))
        });
        Self {
            options: ChunkScheme::from_options(&class, &header.options).unwrap(),
            chunks: chunks.collect(),
            plain: file("plain-oa", "Data.db"),
        }
    }

    fn plain_chunks(&self) -> Vec<&[u8]> {
        let mut rest = &self.plain[..];
        let chunks = self.chunks.iter().map(|(_, length)| {
            let (chunk, after) = rest.split_at(*length);
            rest = after;
            chunk
        });
        let chunks = chunks.collect();
        assert_eq!(rest, b"");
        chunks
    }

    /// The Encryptor's plaintext of a chained chunk.
    fn opened(&self, stored: &[u8]) -> Vec<u8> {
        let file: PathBuf = testdata().join("fixtures/keys/aes-cbc-256");
        let transformation = self.options.encryptor().unwrap().transformation();
        let key = CipherKey::new(transformation, &oracle::key_file(&file)).unwrap();
        let opener = ChunkOpener::with_key(Arc::new(key));
        let (length, sealed) = ChainFraming::split(stored).unwrap();
        let mut out = vec![0; opener.working_length(length)];
        opener.open(sealed, length, &mut out).unwrap();
        out.truncate(length);
        out
    }
}

#[test]
fn the_database_s_chunks_are_the_plaintext_of_their_twin() {
    let mut context = CodecContext::default();
    let mut several = 0;
    for set in ["oa-lz4", "oa-snappy", "oa-deflate", "oa-zstd"] {
        for id in 2..=5 {
            let sstable = Sstable::read(set, id);
            assert!(sstable.options.encryptor().is_none());
            let codec = sstable.options.codec().unwrap();
            several += usize::from(sstable.chunks.len() > 1);
            for ((stored, length), plain) in sstable.chunks.iter().zip(sstable.plain_chunks()) {
                let mut out = vec![0; *length];
                codec.decompress(stored, &mut out, &mut context).unwrap();
                assert!(out == plain, "{set} {id}");
                for wrong in [length - 1, length + 1] {
                    codec.decompress(stored, &mut vec![0; wrong], &mut context).unwrap_err();
                }
            }
        }
    }
    assert_eq!(several, 4, "SSTables of several chunks");
}

#[test]
fn chained_chunks_are_the_plaintext_of_their_twin() {
    let mut context = CodecContext::default();
    for set in ["oa-encrypting-lz4", "oa-encrypting-snappy", "oa-encrypting-deflate"] {
        for id in 2..=5 {
            let sstable = Sstable::read(set, id);
            let framing = ChainFraming::new(sstable.options.codec().unwrap());
            for ((stored, length), plain) in sstable.chunks.iter().zip(sstable.plain_chunks()) {
                let opened = sstable.opened(stored);
                let mut out = vec![0; *length];
                framing.decompress(&opened, &mut out, &mut context).unwrap();
                assert!(out == plain, "{set} {id}");
                framing.decompress(&opened, &mut vec![0; length + 1], &mut context).unwrap_err();
            }
        }
    }
}

/// A rewrite that keeps the codec passes the compressed bytes on: they are the same in clear and
/// in a chain.
#[test]
fn a_chain_holds_the_bytes_of_its_compressor() {
    for (clear, chained) in [
        ("oa-lz4", "oa-encrypting-lz4"),
        ("oa-snappy", "oa-encrypting-snappy"),
        ("oa-deflate", "oa-encrypting-deflate"),
    ] {
        let (clear, chained) = (Sstable::read(clear, 2), Sstable::read(chained, 2));
        assert_eq!(clear.options.codec(), chained.options.codec());
        for ((stored, length), (framed, _)) in clear.chunks.iter().zip(&chained.chunks) {
            let declared = u32::try_from(*length).unwrap().to_be_bytes();
            assert!(chained.opened(framed) == [&declared[..], stored].concat());
        }
    }
}

/// Every kind of damage that a single byte can do to a real chunk, at a sample of places.
#[test]
fn a_damaged_chunk_is_an_error_or_has_its_length() {
    let mut context = CodecContext::default();
    for set in ["oa-lz4", "oa-snappy", "oa-deflate", "oa-zstd"] {
        let sstable = Sstable::read(set, 2);
        let (codec, plain) = (sstable.options.codec().unwrap(), sstable.plain_chunks()[0]);
        let (stored, length) = &sstable.chunks[0];
        let mut out = vec![0; *length];
        for at in (0..64).chain((64..stored.len()).step_by(97)) {
            assert!(codec.decompress(&stored[..at], &mut out, &mut context).is_err());
            for mask in [1, 0x80, 0xff] {
                let mut damaged = stored.clone();
                damaged[at] ^= mask;
                let read = codec.decompress(&damaged, &mut out, &mut context);
                let checked = matches!(codec, Codec::Deflate | Codec::Zstd(_));
                assert!(read.is_err() || !checked || out == plain, "{set}: {at} ^ {mask:#x}");
            }
        }
        codec.decompress(stored, &mut out, &mut context).unwrap();
        assert!(out == plain);
    }
}
