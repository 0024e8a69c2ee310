//! Damage to CompressionInfo.db (FORMATS.md 2.1): no checksum protects it.

use rekey_engine::ErrorKind::{Corrupt, Unsupported};

use crate::kit::Patient;

/// Where the fields of the usual victim's CompressionInfo.db are, found as FORMATS.md 2.1 says.
struct Fields {
    option_count: usize,
    chunk_length: usize,
    max_length: usize,
    data_length: usize,
    chunk_count: usize,
    offsets: usize,
}

fn fields(info: &[u8]) -> Fields {
    let utf = |at: usize| at + 2 + usize::from(info[at]) * 256 + usize::from(info[at + 1]);
    let option_count = utf(0);
    let count = u32::from_be_bytes(info[option_count..option_count + 4].try_into().unwrap());
    let chunk_length = (0..2 * count).fold(option_count + 4, |at, _| utf(at));
    Fields {
        option_count,
        chunk_length,
        max_length: chunk_length + 4,
        data_length: chunk_length + 8,
        chunk_count: chunk_length + 16,
        offsets: chunk_length + 20,
    }
}

/// Writes a value over a field and returns the patient.
fn with(bytes: &[u8], field: impl Fn(&Fields) -> usize) -> Patient {
    let patient = Patient::usual();
    patient.edit("CompressionInfo.db", |info| {
        let at = field(&fields(info));
        info[at..at + bytes.len()].copy_from_slice(bytes);
    });
    patient
}

fn int(value: i32) -> [u8; 4] {
    value.to_be_bytes()
}

#[test]
fn a_file_cut_anywhere_or_grown_is_refused() {
    let length = Patient::usual().bytes("CompressionInfo.db").len();
    let Fields { option_count, chunk_length, offsets, .. } =
        fields(&Patient::usual().bytes("CompressionInfo.db"));
    for cut in [0, 1, 5, option_count, option_count + 3, 60, chunk_length, offsets - 1, offsets] {
        let patient = Patient::usual().reading(cut % 2 == 0);
        patient.edit("CompressionInfo.db", |info| info.truncate(cut));
        patient.diagnose().is(Corrupt).at("CompressionInfo.db").advises("backup");
    }
    for cut in [length - 1, length - 7, length - 8] {
        let patient = Patient::usual().reading(cut % 2 == 0);
        patient.edit("CompressionInfo.db", |info| info.truncate(cut));
        patient.diagnose().is(Corrupt).at("CompressionInfo.db").says("2 chunk offsets do not fit");
    }
    for more in [1, 8] {
        let patient = Patient::usual();
        patient.edit("CompressionInfo.db", |info| info.extend(vec![0; more]));
        patient.diagnose().is(Corrupt).at("CompressionInfo.db").says("2 chunk offsets do not fit");
    }
}

#[test]
fn absurd_option_counts_are_refused() {
    for count in [-1, i32::MIN, 257, 1 << 24, i32::MAX] {
        let diagnosis = with(&int(count), |f| f.option_count).diagnose();
        diagnosis.is(Corrupt).at("CompressionInfo.db").says(&format!("{count} compression opt"));
    }
    for count in [3, 5, 256] {
        with(&int(count), |f| f.option_count).diagnose().is(Corrupt).at("CompressionInfo.db");
    }
}

#[test]
fn absurd_lengths_of_texts_are_refused() {
    for (at, length) in [(0, 0xffff_u16), (0, 8), (15, 0xffff), (15, 0x7fff)] {
        let patient = Patient::usual();
        patient.edit("CompressionInfo.db", |info| {
            info[at..at + 2].copy_from_slice(&length.to_be_bytes());
        });
        patient.diagnose().is(Corrupt).at("CompressionInfo.db");
    }
}

#[test]
fn an_invalid_chunk_length_is_refused() {
    for length in [0, -1, -65_536, i32::MIN, 65_535, 3, 65_537, i32::MAX] {
        let diagnosis = with(&int(length), |f| f.chunk_length).diagnose();
        diagnosis.is(Corrupt).at("CompressionInfo.db").says(&length.to_string());
    }
    // Sound for the database, beyond this program's bound on memory.
    for length in [1 << 25, 1 << 30] {
        let diagnosis = with(&int(length), |f| f.chunk_length).diagnose();
        diagnosis.is(Unsupported).at("CompressionInfo.db").says(&length.to_string());
    }
    // Powers of two that do not fit the number of chunks.
    for length in [1, 16, 4096, 32_768] {
        let diagnosis = with(&int(length), |f| f.chunk_length).diagnose();
        diagnosis.is(Corrupt).at("CompressionInfo.db").says("2 chunks of");
    }
    // One chunk for all of the data, followed by an empty one (FORMATS.md 2.2)?
    for length in [1 << 17, 1 << 20, 1 << 24] {
        with(&int(length), |f| f.chunk_length).diagnose().is(Corrupt).at("Data.db").chunk(0);
    }
}

#[test]
fn a_negative_max_length_is_damage_and_so_is_a_small_one() {
    for max in [-1, i32::MIN] {
        with(&int(max), |f| f.max_length).diagnose().is(Corrupt).at("CompressionInfo.db");
    }
    // FORMATS.md 2.3: what is stored with at least this many bytes is in clear.
    for max in [0, 1, 60_448, 60_449, 65_568] {
        // But none of these has the length of a chunk in clear: the field is damaged.
        let diagnosis = with(&int(max), |f| f.max_length).diagnose();
        let diagnosis = diagnosis.is(Corrupt).at("Data.db").says("in clear");
        diagnosis.chunk(0).says(&format!("length of {max}")).advises("CompressionInfo.db");
    }
}

#[test]
fn a_max_length_beyond_every_chunk_is_harmless() {
    let workspace = with(&int(65_569), |f| f.max_length).recovers();
    // What is written allows nothing to be stored in clear; the oracle checks that.
    assert_eq!(workspace.verify().failures().count(), 0);
}

#[test]
fn data_lengths_that_cannot_be_are_refused() {
    for length in [-1, i64::MIN, i64::MAX, 0, 131_073, 1 << 40] {
        let diagnosis = with(&length.to_be_bytes(), |f| f.data_length).diagnose();
        diagnosis.is(Corrupt).at("CompressionInfo.db").says(&length.to_string());
    }
    // The second chunk might be one of nothing (FORMATS.md 2.2), but is not.
    for (length, chunk) in [(1, 0), (65_535, 0), (65_536, 1)] {
        let length = i64::to_be_bytes(length);
        with(&length, |f| f.data_length).diagnose().is(Corrupt).at("Data.db").chunk(chunk);
    }
    let length = i64::from_be_bytes({
        let info = Patient::usual().bytes("CompressionInfo.db");
        let at = fields(&info).data_length;
        info[at..at + 8].try_into().unwrap()
    });
    // Other lengths of the last chunk: in another block, then within the same block of padding.
    for wrong in [65_537, length - 16, length + 16, 131_072] {
        let diagnosis = with(&wrong.to_be_bytes(), |f| f.data_length).diagnose();
        diagnosis.is(Corrupt).at("Data.db").chunk(1).says("bytes are stored");
    }
    let same_block = (length / 16 * 16..length / 16 * 16 + 16).filter(|other| *other != length);
    for wrong in same_block {
        with(&wrong.to_be_bytes(), |f| f.data_length).diagnose().is(Corrupt).at("Data.db").chunk(1);
    }
}

#[test]
fn chunk_counts_that_cannot_be_are_refused() {
    for count in [0, -1, i32::MIN, i32::MAX, 4, 1 << 24] {
        let diagnosis = with(&int(count), |f| f.chunk_count).diagnose();
        diagnosis.is(Corrupt).at("CompressionInfo.db").says(&count.to_string());
    }
    for count in [1, 3] {
        with(&int(count), |f| f.chunk_count).diagnose().is(Corrupt).at("CompressionInfo.db");
    }
}

#[test]
fn offsets_must_rise_from_zero_to_the_end() {
    let length = i64::try_from(Patient::usual().bytes("Data.db").len()).unwrap();
    for first in [1, -1, i64::MIN, i64::MAX, 65_572] {
        let diagnosis = with(&first.to_be_bytes(), |f| f.offsets).diagnose();
        diagnosis.is(Corrupt).at("CompressionInfo.db").chunk(0);
    }
    // A chunk that ends beyond the file is named itself, not the one after it.
    for second in [i64::MAX, length + 1] {
        let diagnosis = with(&second.to_be_bytes(), |f| f.offsets + 8).diagnose();
        diagnosis.is(Corrupt).at("CompressionInfo.db").chunk(0).says("Data.db of");
    }
    for second in [0, -1, 3, i64::MIN, length - 3, length] {
        let diagnosis = with(&second.to_be_bytes(), |f| f.offsets + 8).diagnose();
        diagnosis.is(Corrupt).at("CompressionInfo.db").says("chunk");
    }
    for second in [4, 65_571, 65_573, length - 4] {
        let diagnosis = with(&second.to_be_bytes(), |f| f.offsets + 8).diagnose();
        diagnosis.is(Corrupt).at("Data.db").says("bytes are stored");
    }
}

#[test]
fn unsorted_and_repeated_offsets_among_many_are_refused() {
    // 16 KiB chunks: eight of them.
    for (edit, chunk) in [((2, 3), 2), ((3, 2), 2), ((5, 4), 4), ((7, 6), 6)] {
        let patient = Patient::of("fixtures/nb-aes-cbc-128-16k", "nb-2-big");
        patient.edit("CompressionInfo.db", |info| {
            let at = |i: usize| fields(info).offsets + 8 * i;
            let (from, to) = (at(edit.0), at(edit.1));
            info.copy_within(from..from + 8, to);
        });
        let diagnosis = patient.diagnose().is(Corrupt);
        // A chunk before the repeated offset may show first, by its length.
        let found = diagnosis.error.chunk_index().unwrap();
        assert!(found <= chunk, "{:?}", diagnosis.error);
    }
    let patient = Patient::of("fixtures/nb-aes-cbc-128-16k", "nb-2-big");
    patient.edit("CompressionInfo.db", |info| {
        let at = fields(info).offsets;
        let (a, b) = info[at + 16..at + 32].split_at_mut(8);
        a.swap_with_slice(b);
    });
    patient.diagnose().is(Corrupt);
}

#[test]
fn invalid_texts_and_repeated_options_are_refused() {
    // The first byte of the class, of an option's name and of a value become no start of a text.
    for at in [2, 19, 37] {
        let patient = Patient::usual();
        patient.edit("CompressionInfo.db", |info| info[at] = 0x80);
        patient.diagnose().is(Corrupt).at("CompressionInfo.db");
    }
    let patient = Patient::usual();
    patient.edit("CompressionInfo.db", |info| {
        // `secret_key_strength` and `cipher_algorithm` differ in length: repeat a whole pair.
        let Fields { option_count, chunk_length, .. } = fields(info);
        info[option_count + 3] = 5;
        let pair = [&b"\x00\x10cipher_algorithm"[..], b"\x00\x03AES"].concat();
        info.splice(chunk_length..chunk_length, pair);
    });
    patient
        .diagnose()
        .is(Corrupt)
        .at("CompressionInfo.db")
        .says("'cipher_algorithm' is given twice");
}
