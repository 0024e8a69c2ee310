//! Damage to the key header of a chunk (KMIP.md 3.1), and keys that are not available.

use rekey_engine::ErrorKind::{Corrupt, KeyUnavailable};
use rekey_engine::io::LeaseMode;
use rekey_engine::plan::Selection;
use rekey_engine::upgrade;

use crate::kit::Patient;
use crate::kit::workspace::threads;

/// 16 KiB chunks with the header of `02-449` (11 bytes), an IV and a CRC.
const RECORD: usize = 11 + 16 + 16_384 + 16 + 4;

fn patient() -> Patient {
    let patient = Patient::of("fixtures/oa-kmip-a", "oa-2-big");
    let data = patient.bytes("Data.db");
    assert!(data.starts_with(b"\0\0\0\0\x0602-449"));
    assert!(data[RECORD..].starts_with(b"\0\0\0\0\x0602-449"));
    patient
}

/// Changes a record and makes its CRC and the Digest right again: damage that only the header
/// shows.
fn change(patient: &Patient, chunk: usize, change: impl FnOnce(&mut [u8])) {
    patient.edit("Data.db", |data| {
        let record = &mut data[chunk * RECORD..(chunk + 1) * RECORD];
        change(record);
        let (stored, crc) = record.split_at_mut(RECORD - 4);
        crc.copy_from_slice(&crc32fast::hash(stored).to_be_bytes());
    });
    let digest = crc32fast::hash(&patient.bytes("Data.db")).to_string();
    patient.edit("Digest.crc32", |bytes| *bytes = digest.into_bytes());
}

#[test]
fn damaged_headers_are_refused_by_chunk() {
    for chunk in [0, 3] {
        for mapped in [true, false] {
            let refused = |damage: &dyn Fn(&mut [u8]), part: &str| {
                let patient = patient().reading(mapped);
                change(&patient, chunk, damage);
                let diagnosis = patient.diagnose().is(Corrupt).at("Data.db");
                diagnosis.chunk(u64::try_from(chunk).unwrap()).says(part).advises("restore");
            };
            for version in [1, 0x80, 0xff] {
                refused(&|record| record[0] = version, &format!("version {version}"));
            }
            for length in [0, -1, i32::MIN, 4097, 1 << 24, i32::MAX] {
                let part = format!("a key id of {length} bytes");
                refused(&|record| record[1..5].copy_from_slice(&length.to_be_bytes()), &part);
            }
            for length in [1_u8, 5, 7, 255] {
                // Still a header, but then the chunk has another length than it should.
                refused(&|record| record[4] = length, "");
            }
            refused(&|record| record[6] = 0xff, "not text");
        }
    }
}

#[test]
fn an_unknown_id_is_named() {
    let patient = patient();
    change(&patient, 2, |record| record[5..11].copy_from_slice(b"02-999"));
    patient.diagnose().is(KeyUnavailable).says("kmip1/02-999").advises("export the key");
}

#[test]
fn an_id_that_a_terminal_would_interpret_is_shown_escaped() {
    let patient = patient();
    change(&patient, 2, |record| record[5..11].copy_from_slice(b"\x1b[2J\n\x07"));
    let diagnosis = patient.diagnose().is(KeyUnavailable).says("\\u{1b}[2J\\u{a}\\u{7}");
    assert!(!diagnosis.error.chain().contains('\u{1b}'));
}

#[test]
fn damage_makes_the_census_uncertain_but_never_wrong() {
    let patient = patient();
    change(&patient, 1, |record| record[0] = 9);
    let session = patient.workspace.session(LeaseMode::Shared).unwrap();
    let census =
        upgrade::census(&session, &Selection::default(), upgrade::Archives::default(), threads(1))
            .unwrap();
    assert_eq!(census.unknown.len(), 1);
    assert_eq!(census.unknown[0].path(), Some(patient.path("Data.db").as_path()));
    assert_eq!(census.keys.len(), 1);
    assert_eq!(census.keys.values().next().unwrap().sstables, 3);
}

#[test]
fn without_any_kmip_keys_every_sstable_says_which_one_it_needs() {
    let mut patient = patient();
    patient.workspace.kmip_keys = None;
    let before = patient.workspace.contents();
    let report = patient.workspace.upgrade(&patient.target).unwrap();
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.len(), 4);
    for error in failures {
        assert_eq!(error.kind(), KeyUnavailable);
        assert!(error.chain().contains("02-449"), "{error}");
        assert!(error.hint_text().unwrap().contains("--kmip-keys"));
    }
    assert_eq!(patient.workspace.contents(), before);
}
