//! Damage to Data.db (FORMATS.md 2.2, 3.1).

use rekey_engine::ErrorKind::Corrupt;

use crate::kit::Patient;

/// Of `oa-2-big`: 65,536 bytes of plaintext make 16 of IV, 65,552 of ciphertext, 4 of CRC.
const CHUNK_1: usize = 16 + 65_552 + 4;

fn both(check: impl Fn(Patient)) {
    for mapped in [true, false] {
        check(Patient::usual().reading(mapped));
    }
}

#[test]
fn a_data_file_cut_to_nothing_is_refused() {
    both(|patient| {
        patient.edit("Data.db", Vec::clear);
        patient.diagnose().is(Corrupt).at("Data.db").says("empty").advises("backup");
    });
}

#[test]
fn a_cut_inside_the_last_chunk_is_a_wrong_length() {
    let length = Patient::usual().bytes("Data.db").len();
    for cut in [length - 1, length - 2, length - 4, length - 5, length - 20, CHUNK_1 + 21] {
        both(|patient| {
            patient.edit("Data.db", |data| data.truncate(cut));
            patient.diagnose().is(Corrupt).at("Data.db").chunk(1).says("bytes are stored");
        });
    }
}

/// Offsets and file do not match: the error names the place of the offset.
#[test]
fn a_cut_before_a_chunk_says_where_the_file_ends() {
    for cut in [CHUNK_1 + 3, CHUNK_1, CHUNK_1 - 2, CHUNK_1 - 4, 100, 1] {
        both(|patient| {
            patient.edit("Data.db", |data| data.truncate(cut));
            let chunk = u64::from(cut >= CHUNK_1);
            let diagnosis = patient.diagnose().is(Corrupt).at("CompressionInfo.db").chunk(chunk);
            diagnosis.says("Data.db").says(&format!("{cut} bytes")).advises("backup");
        });
    }
}

#[test]
fn a_grown_data_file_is_refused() {
    let record = Patient::usual().bytes("Data.db").split_off(CHUNK_1);
    for more in [vec![0], vec![0; 16], record] {
        both(|patient| {
            patient.edit("Data.db", |data| data.extend(&more));
            patient.diagnose().is(Corrupt).at("Data.db").chunk(1).says("bytes are stored");
        });
    }
}

/// IV, first, middle and last block of the ciphertext, and the CRC: of the first chunk, which the
/// plan looks into, and of the last.
#[test]
fn a_flipped_bit_anywhere_is_a_wrong_crc() {
    let length = Patient::usual().bytes("Data.db").len();
    for (chunk, at) in [(0, 0), (1, CHUNK_1)].into_iter().flat_map(|(chunk, start)| {
        let end = if chunk == 0 { CHUNK_1 } else { length };
        [start, start + 15, start + 16, start + 30_000, end - 20, end - 5, end - 4, end - 1]
            .map(|at| (chunk, at))
    }) {
        both(|patient| {
            patient.flip("Data.db", at, 0x10);
            patient.diagnose().is(Corrupt).at("Data.db").chunk(chunk).says("CRC");
        });
    }
}

#[test]
fn swapped_chunks_are_refused_although_their_crcs_match() {
    // Of the ECB set with 16 KiB chunks: chunks 0 and 1 are as long as each other.
    const RECORD: usize = 16_384 + 16 + 4;
    let patient = Patient::of("fixtures/oa-aes-ecb-128-16k", "oa-2-big");
    patient.edit("Data.db", |data| {
        let (first, second) = data[..2 * RECORD].split_at_mut(RECORD);
        first.swap_with_slice(second);
    });
    patient.diagnose().is(Corrupt).at("Data.db").says("partition key").advises("key");
    // After the first one only the digest shows it.
    let patient = Patient::of("fixtures/oa-aes-ecb-128-16k", "oa-2-big");
    patient.edit("Data.db", |data| {
        let (first, second) = data[RECORD..3 * RECORD].split_at_mut(RECORD);
        first.swap_with_slice(second);
    });
    patient.diagnose().is(Corrupt).at("Digest.crc32").says("CRC32 of Data.db");
}

#[test]
fn a_data_file_that_is_not_a_regular_file_is_refused() {
    let patient = Patient::usual();
    let data = patient.bytes("Data.db");
    patient.remove("Data.db");
    std::fs::create_dir(patient.path("Data.db")).unwrap();
    // What remains of the SSTable has no Data.db; a directory is not a component.
    let session = patient.workspace.session(rekey_engine::io::LeaseMode::Shared).unwrap();
    let plan = patient.workspace.plan_on(&session, &patient.target).unwrap();
    let refused: Vec<_> = plan.findings.iter().map(|finding| finding.error.clone()).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!(refused[0].path(), Some(patient.path("Data.db").as_path()));
    assert!(data.len() > CHUNK_1);
}
