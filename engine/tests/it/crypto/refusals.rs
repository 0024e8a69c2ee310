//! What must not open, with the verdict of the `cbc` crate as the measure.

use rekey_engine::crypto::{DecryptFailed, Lane};

use super::{Random, keys};

#[test]
fn arbitrary_bytes_open_exactly_when_the_reference_says_so() {
    let mut random = Random(2);
    let mut opened = 0;
    for key in keys() {
        for round in 0..3000 {
            let iv = random.block();
            let mut data = random.bytes(16 * (1 + round % 4));
            let verdict = key.reference_open(&iv, &data).map(|plain| plain.len());
            opened += usize::from(verdict.is_some());
            let mut target = vec![0; data.len()];
            let across = key.cipher.open_into(&iv, &data, &mut target);
            assert_eq!(across.ok(), verdict, "{key:?}");
            assert_eq!(key.cipher.open(&iv, &mut data).ok(), verdict, "{key:?}");
            assert_eq!(data, target);
        }
    }
    assert!(opened > 0, "the test has seen both verdicts");
}

#[test]
fn every_last_byte_and_every_flaw_in_the_padding_is_judged_like_the_reference() {
    let mut random = Random(3);
    for key in keys() {
        for count in 0..=40 {
            for flaw in 0..16 {
                let mut last = [count; 16];
                last[flaw] ^= u8::from(flaw < 15);
                let mut data = random.bytes(32);
                data.extend_from_slice(&last);
                let iv = random.block();
                key.cipher.seal(&mut [Lane::new(iv, &mut data).unwrap()]);
                let verdict = key.reference_open(&iv, &data);
                let valid = usize::from(count) <= 15 - flaw || flaw == 15;
                assert_eq!(verdict.is_some(), (1..=16).contains(&count) && valid);
                assert_eq!(
                    key.cipher.open(&iv, &mut data).ok(),
                    verdict.map(|plain| plain.len()),
                    "{key:?} {count} {flaw}"
                );
            }
        }
    }
}

#[test]
fn another_key_does_not_open_or_opens_to_rubbish() {
    let keys = keys();
    for key in &keys {
        let iv = [0x5a; 16];
        let mut failed = 0;
        for trial in 0..20_u8 {
            let plain = vec![trial; 100];
            let sealed = key.reference(&iv, &plain);
            for other in keys.iter().filter(|other| other.bytes != key.bytes) {
                let mut data = sealed.clone();
                match other.cipher.open(&iv, &mut data) {
                    Err(DecryptFailed) => failed += 1,
                    Ok(length) => assert!(data[..length] != plain, "{key:?} {other:?}"),
                }
            }
        }
        assert!(failed > 0, "{key:?}");
    }
}

#[test]
fn a_text_that_is_cut_or_extended_does_not_open() {
    for key in keys() {
        let iv = [0x77; 16];
        let sealed = key.reference(&iv, &[0xff; 70]);
        for length in (0..100).filter(|length| *length != sealed.len()) {
            let mut data = sealed.clone();
            data.resize(length, 0);
            let mut target = vec![0; length];
            let verdict = key.cipher.open_into(&iv, &data, &mut target);
            // A cut at a block leaves 0xff bytes at the end: no padding either. An extension by
            // whole blocks decrypts to what is as good as random.
            assert_eq!(verdict, Err(DecryptFailed), "{key:?} {length}");
            assert_eq!(key.cipher.open(&iv, &mut data), Err(DecryptFailed), "{key:?} {length}");
        }
    }
}
