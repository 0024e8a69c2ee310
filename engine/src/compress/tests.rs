use proptest::prelude::*;

use super::*;
use crate::error::{Error, ErrorKind};

/// Every codec, with the levels at both ends.
fn codecs() -> Vec<Codec> {
    let mut codecs = vec![
        Codec::Adaptive(AdaptiveLevels::default()),
        Codec::Deflate,
        Codec::Lz4(Lz4Type::Fast),
        Codec::Noop,
        Codec::Snappy,
    ];
    codecs.extend([1, 2, 9, 12, 17].map(|n| Codec::Lz4(Lz4Type::High(n.try_into().unwrap()))));
    codecs.extend([-131_072, -7, 1, 3, 19].map(|n| Codec::Zstd(n.try_into().unwrap())));
    codecs
}

/// One of each format.
const FORMATS: [Codec; 5] = [
    Codec::Deflate,
    Codec::Lz4(Lz4Type::Fast),
    Codec::Noop,
    Codec::Snappy,
    Codec::Zstd(ZstdLevel::DEFAULT),
];

fn random(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_be_bytes()[0]
        })
        .collect()
}

fn text(length: usize) -> Vec<u8> {
    let rows = (0..).flat_map(|n: usize| {
        format!("{{\"pk\": \"user-{n:06}\", \"ck\": {}, \"note\": \"{:x}\"}}\n", n % 7, n * n)
            .into_bytes()
    });
    rows.take(length).collect()
}

fn compressed(codec: Codec, plain: &[u8], context: &mut CodecContext) -> Vec<u8> {
    // The byte after the bound reveals a write beyond it.
    let bound = codec.max_compressed_length(plain.len());
    let mut out = vec![0xa5; bound + 1];
    let written = codec.compress(plain, &mut out, context).unwrap();
    assert!(written <= bound);
    assert_eq!(out[bound], 0xa5);
    out.truncate(written);
    out
}

fn decompressed(
    codec: Codec,
    stored: &[u8],
    plain: usize,
    context: &mut CodecContext,
) -> Result<Vec<u8>, CodecError> {
    let mut out = vec![0xa5; plain];
    codec.decompress(stored, &mut out, context).map(|()| out)
}

#[test]
fn every_codec_reads_what_it_wrote() {
    let mut context = CodecContext::default();
    let lengths = (0..=300).chain([16 << 10, (64 << 10) - 1, 64 << 10, (64 << 10) + 1, 300_000]);
    for length in lengths {
        for plain in [random(length), text(length), vec![0; length]] {
            for codec in codecs() {
                let stored = compressed(codec, &plain, &mut context);
                let read = decompressed(codec, &stored, length, &mut context);
                assert!(read == Ok(plain.clone()), "{codec:?}, {length} bytes");
            }
        }
    }
}

#[test]
fn an_unexpected_length_is_an_error_that_says_so() {
    let mut context = CodecContext::default();
    for codec in codecs() {
        for plain in [random(1000), text(1000), vec![7; 1000]] {
            let stored = compressed(codec, &plain, &mut context);
            for other in [0, 1, 999, 1001, 1 << 20] {
                let error = decompressed(codec, &stored, other, &mut context).unwrap_err();
                // All formats but zlib store the length of the plaintext.
                if codec != Codec::Deflate {
                    let found = CodecError::length(codec.format(), 1000, other);
                    let raw = CodecError::length(codec.format(), stored.len(), other);
                    assert_eq!(error, if codec == Codec::Noop { raw } else { found });
                }
                let text = error.to_string();
                assert!(text.contains(&other.to_string()), "{codec:?}: {text}");
                let error = Error::from(error);
                assert_eq!(error.kind(), ErrorKind::Corrupt);
                assert!(error.hint_text().is_some());
            }
            // And the context still works.
            assert_eq!(decompressed(codec, &stored, 1000, &mut context), Ok(plain));
        }
    }
}

#[test]
fn every_truncation_is_an_error() {
    let mut context = CodecContext::default();
    for codec in codecs() {
        for length in [0, 1, 300, 5000] {
            for plain in [text(length), random(length)] {
                let stored = compressed(codec, &plain, &mut context);
                // An empty plaintext may have no stored bytes.
                for end in usize::from(length == 0)..stored.len() {
                    let read = decompressed(codec, &stored[..end], length, &mut context);
                    assert!(read.is_err(), "{codec:?}: {end} of {} bytes", stored.len());
                }
            }
        }
    }
}

#[test]
fn what_follows_the_end_is_an_error() {
    let mut context = CodecContext::default();
    for codec in FORMATS {
        for length in [0, 1, 300, 5000] {
            let plain = text(length);
            let stored = compressed(codec, &plain, &mut context);
            let skippable = [0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];
            for tail in [&[0][..], &[0; 4], &[0xff], b"tail", &skippable, &stored] {
                if tail.is_empty() {
                    continue;
                }
                let longer = [&stored[..], tail].concat();
                let read = decompressed(codec, &longer, length, &mut context);
                assert!(read.is_err(), "{codec:?}, {length} bytes: {tail:02x?}");
            }
        }
    }
    let longer = [compressed(Codec::Deflate, b"abc", &mut context), vec![0; 2]].concat();
    assert_eq!(
        decompressed(Codec::Deflate, &longer, 3, &mut context),
        Err(CodecError::TrailingBytes { format: "zlib", extra: 2 })
    );
    let zstd = Codec::Zstd(ZstdLevel::default());
    let frame = compressed(zstd, b"abc", &mut context);
    assert_eq!(
        decompressed(zstd, &[&frame[..], b"xy"].concat(), 3, &mut context),
        Err(CodecError::TrailingBytes { format: "zstd", extra: 2 })
    );
}

/// Several frames and skippable ones are valid zstd, but not a chunk.
#[test]
fn a_zstd_chunk_is_one_frame() {
    let mut context = CodecContext::default();
    let zstd = Codec::Zstd(ZstdLevel::default());
    let parts =
        [compressed(zstd, b"abc", &mut context), compressed(zstd, b"def", &mut context)].concat();
    assert!(decompressed(zstd, &parts, 6, &mut context).is_err());
    let skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2];
    assert!(decompressed(zstd, &skippable, 0, &mut context).is_err());
    let before = [&skippable[..], &compressed(zstd, b"abc", &mut context)].concat();
    assert!(decompressed(zstd, &before, 3, &mut context).is_err());
}

/// What other writers of zstd leave out.
#[test]
fn a_zstd_frame_without_size_or_checksum_is_read() {
    use std::io::Write as _;
    let plain = text(40_000);
    for (size, checksum, level) in [(false, false, 1), (false, true, -5), (true, false, 9)] {
        let mut writer = ::zstd::Encoder::new(Vec::new(), level).unwrap();
        writer.include_contentsize(size).unwrap();
        writer.include_checksum(checksum).unwrap();
        if size {
            writer.set_pledged_src_size(Some(40_000)).unwrap();
        }
        writer.write_all(&plain).unwrap();
        let frame = writer.finish().unwrap();
        let codec = Codec::Adaptive(AdaptiveLevels::default());
        let mut context = CodecContext::default();
        assert!(decompressed(codec, &frame, 40_000, &mut context) == Ok(plain.clone()));
        for other in [0, 39_999, 40_001] {
            assert!(decompressed(codec, &frame, other, &mut context).is_err(), "{other}");
        }
    }
}

/// The forms that FORMATS.md 4 describes, byte by byte.
#[test]
fn chunks_look_as_the_database_s_do() {
    let mut context = CodecContext::default();
    let lz4 = Codec::Lz4(Lz4Type::Fast);
    assert_eq!(compressed(lz4, b"abc", &mut context), b"\x03\0\0\0\x30abc");
    assert_eq!(compressed(lz4, b"", &mut context), b"\0\0\0\0\0");
    assert_eq!(compressed(Codec::Snappy, b"abc", &mut context), b"\x03\x08abc");
    assert_eq!(compressed(Codec::Snappy, b"", &mut context), b"\0");
    assert_eq!(compressed(Codec::Deflate, b"abc", &mut context)[..2], [0x78, 0x9c]);
    assert_eq!(compressed(Codec::Deflate, b"", &mut context), b"");
    for codec in [Codec::Zstd(ZstdLevel::default()), Codec::Adaptive(AdaptiveLevels::default())] {
        for length in [0, 3, 300, 70_000] {
            let frame = compressed(codec, &text(length), &mut context);
            let size = ::zstd::zstd_safe::get_frame_content_size(&frame);
            assert_eq!(size.unwrap(), Some(u64::try_from(length).unwrap()));
            assert_eq!(frame[4] & 4, 4, "the flag of the checksum, at {length}");
        }
    }
}

/// Also where the slices are empty and dangling.
#[test]
fn an_empty_chunk_is_a_chunk() {
    let mut context = CodecContext::default();
    for codec in codecs() {
        let stored = compressed(codec, &[], &mut context);
        assert_eq!(codec.decompress(&stored, &mut [], &mut context), Ok(()), "{codec:?}");
        assert_eq!(codec.decompress(&[], &mut [], &mut context), Ok(()), "{codec:?}");
        assert!(codec.decompress(&[], &mut [0], &mut context).is_err(), "{codec:?}");
    }
    // A whole stream of zlib is read, too: earlier releases wrote it.
    let stream = b"\x78\x9c\x03\0\0\0\0\x01";
    assert_eq!(Codec::Deflate.decompress(stream, &mut [], &mut context), Ok(()));
    let lz4 = Codec::Lz4(Lz4Type::Fast);
    for stored in [&b"\0\0\0\0"[..], b"\0\0\0\0\x01", b"\0\0\0\0\0\0"] {
        assert!(lz4.decompress(stored, &mut [], &mut context).is_err());
    }
}

#[test]
fn a_level_makes_a_difference() {
    let mut context = CodecContext::default();
    let plain = text(64 << 10);
    let mut length = |codec| compressed(codec, &plain, &mut context).len();
    let lz4 = |n: i32| Codec::Lz4(Lz4Type::High(n.try_into().unwrap()));
    let zstd = |n: i32| Codec::Zstd(n.try_into().unwrap());
    assert!(length(Codec::Lz4(Lz4Type::Fast)) > length(lz4(4)));
    assert!(length(lz4(4)) > length(lz4(12)));
    assert_eq!(length(lz4(12)), length(lz4(17)));
    assert!(length(zstd(-50)) > length(zstd(1)) && length(zstd(1)) > length(zstd(19)));
    let adaptive = Codec::Adaptive(AdaptiveLevels::default());
    assert_eq!(length(adaptive), length(zstd(3)));
}

#[test]
fn a_buffer_shorter_than_the_bound_is_refused() {
    let mut context = CodecContext::default();
    for codec in codecs() {
        let needed = codec.max_compressed_length(100);
        let mut out = vec![0; needed - 1];
        let error = codec.compress(&[0; 100], &mut out, &mut context).unwrap_err();
        assert_eq!(error, CodecError::Buffer { needed, given: needed - 1 }, "{codec:?}");
        assert_eq!(Error::from(error).kind(), ErrorKind::Internal);
    }
}

/// The bounds are the libraries' own, or higher.
#[test]
fn bounds_are_those_of_the_libraries() {
    for length in [0, 1, 255, 4096, 65_535, 65_536, 131_071, 131_072, 131_073, 16 << 20] {
        let bound = |codec: Codec| codec.max_compressed_length(length);
        let lz4 = ::lz4::block::compress_bound(length).unwrap();
        assert_eq!(bound(Codec::Lz4(Lz4Type::Fast)), lz4 + 4);
        assert_eq!(bound(Codec::Snappy), snap::raw::max_compress_len(length));
        assert_eq!(bound(Codec::Zstd(ZstdLevel::default())), ::zstd::compress_bound(length));
        assert_eq!(bound(Codec::Noop), length);
    }
    for codec in codecs().into_iter().filter(|codec| *codec != Codec::Noop) {
        assert_eq!(codec.max_compressed_length(usize::MAX), usize::MAX);
    }
}

/// Declared lengths of up to four gigabytes, in front of little data.
#[test]
fn a_huge_declared_length_is_compared_and_not_trusted() {
    let mut context = CodecContext::default();
    let lz4 = Codec::Lz4(Lz4Type::Fast);
    for declared in [u32::MAX, 0x7fff_ffff, 0x8000_0000, 17] {
        let stored = [&declared.to_le_bytes()[..], &[0x10, 0]].concat();
        assert_eq!(
            decompressed(lz4, &stored, 16, &mut context),
            Err(CodecError::Length { format: "LZ4", found: declared.into(), expected: 16 })
        );
    }
    for stored in [&b"\xff\xff\xff\xff\x0f\0"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0"] {
        assert!(decompressed(Codec::Snappy, stored, 16, &mut context).is_err());
    }
    // Single segment, size of eight bytes.
    let zstd = Codec::Zstd(ZstdLevel::default());
    for size in [u64::MAX, u64::MAX - 1, u64::MAX >> 1, 1 << 40, 17] {
        let frame = [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &size.to_le_bytes(), &[1, 0, 0]].concat();
        assert!(decompressed(zstd, &frame, 16, &mut context).is_err(), "{size:x}");
    }
}

#[test]
fn a_chain_is_two_lengths_around_a_codec() {
    let mut context = CodecContext::default();
    for codec in FORMATS {
        let chain = ChainFraming::new(codec);
        for length in [0, 1, 300, 65_536] {
            let plain = text(length);
            let mut out = vec![0; chain.max_compressed_length(length)];
            let written = chain.compress(&plain, &mut out, &mut context).unwrap();
            out.truncate(written);
            let declared = u32::try_from(length).unwrap().to_be_bytes();
            let inner = compressed(codec, &plain, &mut context);
            assert_eq!(out, [&declared[..], &inner].concat());

            // An Encryptor that only adds padding.
            let padded = [&out[..], &[9; 9]].concat();
            let stored = [&chain.prefix(written).unwrap()[..], &padded].concat();
            assert_eq!(stored[..4], u32::try_from(4 + inner.len()).unwrap().to_be_bytes());
            let (opened, sealed) = ChainFraming::split(&stored).unwrap();
            assert_eq!((opened, sealed), (written, &padded[..]));

            let mut read = vec![1; length];
            chain.decompress(&sealed[..opened], &mut read, &mut context).unwrap();
            assert_eq!(read, plain);
        }
    }
}

#[test]
fn a_chain_s_outer_length_is_bounded_by_what_is_stored() {
    let split = |bytes: &[u8]| ChainFraming::split(bytes).map(|(length, _)| length);
    assert_eq!(split(&[]), Err(CodecError::ChainTruncated(0)));
    assert_eq!(split(&[0; 3]), Err(CodecError::ChainTruncated(3)));
    let length = |declared, stored| Err(CodecError::ChainLength { declared, stored });
    assert_eq!(split(&[0, 0, 0, 0]), length(0, 0));
    assert_eq!(split(&[0, 0, 0, 3, 1, 2, 3, 4]), length(3, 4));
    assert_eq!(split(&[0, 0, 0, 4, 1, 2, 3, 4]), Ok(4));
    assert_eq!(split(&[0, 0, 0, 5, 1, 2, 3, 4]), length(5, 4));
    assert_eq!(split(&[0x80, 0, 0, 0, 1, 2, 3, 4]), length(0x8000_0000, 4));
    assert_eq!(split(&[0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]), length(u32::MAX, 4));
}

#[test]
fn a_chain_reveals_nothing_about_the_plaintext() {
    let mut context = CodecContext::default();
    let chain = ChainFraming::new(Codec::Lz4(Lz4Type::Fast));
    let opaque = CodecError::ChainOpened { format: "LZ4", expected: 3 };
    let mut decompress = |opened: &[u8]| chain.decompress(opened, &mut [0; 3], &mut context);
    assert_eq!(decompress(b"\0\0\0\x03\x03\0\0\0\x30abc"), Ok(()));
    for opened in [
        &b""[..],
        b"\0\0\0",
        b"\0\0\0\x03",
        b"\x03\0\0\0\x03\0\0\0\x30abc",
        b"\0\0\0\x04\x03\0\0\0\x30abc",
        b"\0\0\0\x03\x04\0\0\0\x30abc",
        b"\0\0\0\x03\x03\0\0\0\x30abcd",
    ] {
        assert_eq!(decompress(opened), Err(opaque));
    }
    let error = Error::from(opaque);
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.hint_text().unwrap().contains("compare the key"));
}

#[test]
fn a_chain_s_buffer_has_room_for_both() {
    let chain = ChainFraming::new(Codec::Snappy);
    let needed = chain.max_compressed_length(10);
    for given in [0, 3, 4, needed - 1] {
        let error = chain.compress(&[0; 10], &mut vec![0; given], &mut CodecContext::default());
        assert_eq!(error, Err(CodecError::Buffer { needed, given }));
    }
    assert!(chain.prefix(1 << 31).is_err());
}

fn any_format() -> impl Strategy<Value = Codec> {
    proptest::sample::select(&FORMATS[..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_flipped_bit_never_panics_and_checksums_notice(
        codec in any_format(), length in 1_usize..3000, kind in 0..3, at: usize, bit in 0..8_u32
    ) {
        let plain = match kind { 0 => random(length), 1 => text(length), _ => vec![0; length] };
        let mut context = CodecContext::default();
        let mut stored = compressed(codec, &plain, &mut context);
        let at = at % stored.len();
        stored[at] ^= 1 << bit;
        // LZ4 and Snappy have no checksum: another plaintext may come out, of the same length. A
        // bit of a header may also have no effect.
        if let Ok(read) = decompressed(codec, &stored, length, &mut context) {
            let checked = matches!(codec, Codec::Deflate | Codec::Zstd(_));
            prop_assert!(!checked || read == plain, "byte {} of {:?}", at, codec);
        }
        // The next chunk is unaffected.
        let sound = compressed(codec, &plain, &mut context);
        prop_assert_eq!(decompressed(codec, &sound, length, &mut context), Ok(plain));
    }

    #[test]
    fn arbitrary_bytes_never_panic(
        codec in any_format(), start in 0..4_usize,
        bytes in proptest::collection::vec(any::<u8>(), 0..200), length in 0..400_usize
    ) {
        // With a beginning that passes the first check.
        let declared = u32::try_from(length).unwrap().to_le_bytes();
        let beginning: &[u8] =
            [&[][..], &declared, &[0x78, 0x9c], &[0x28, 0xb5, 0x2f, 0xfd]][start];
        let stored = [beginning, &bytes].concat();
        let mut context = CodecContext::default();
        let first = decompressed(codec, &stored, length, &mut context);
        prop_assert_eq!(decompressed(codec, &stored, length, &mut context), first);
        let chain = ChainFraming::new(codec);
        if let Ok((opened, sealed)) = ChainFraming::split(&stored) {
            prop_assert!((4..=sealed.len()).contains(&opened));
        }
        let _any = chain.decompress(&stored, &mut vec![0; length], &mut context);
    }

    #[test]
    fn any_data_of_any_length_fits_the_bound(
        codec in proptest::sample::select(codecs()),
        plain in proptest::collection::vec(prop_oneof![0..4_u8, any::<u8>()], 0..5000)
    ) {
        let mut context = CodecContext::default();
        let stored = compressed(codec, &plain, &mut context);
        prop_assert_eq!(decompressed(codec, &stored, plain.len(), &mut context), Ok(plain));
    }
}
