//! What must not open, judged by the crates.

use proptest::prelude::*;
use rekey_engine::crypto::{DecryptFailed, Lane, Transformation};

use super::{Random, keys};

#[test]
fn arbitrary_bytes_open_exactly_like_the_reference() {
    let mut random = Random(2);
    let mut opened = 0;
    for key in keys() {
        for round in 0..1000 {
            let iv = random.block();
            let mut data = random.bytes(16 * (1 + round % 4));
            let verdict = key.reference().open(&iv, &data).map(|plain| plain.len());
            opened += usize::from(verdict.is_some() && key.is_padded());
            let mut target = vec![0; data.len()];
            let iv = key.iv(&iv);
            let across = key.cipher.open_into(iv, &data, &mut target);
            assert_eq!(across.ok(), verdict, "{key:?}");
            assert_eq!(key.cipher.open(iv, &mut data).ok(), verdict, "{key:?}");
            assert_eq!(data, target);
        }
    }
    assert!(opened > 0, "the test has seen both verdicts");
}

#[test]
fn every_flaw_in_the_padding_is_judged_like_the_reference() {
    let mut random = Random(3);
    for key in keys().iter().filter(|key| key.is_padded()) {
        let block = key.cipher.transformation().block_size();
        for count in 0..=40 {
            for flaw in 0..block {
                let mut last = vec![count; block];
                last[flaw] ^= u8::from(flaw < block - 1);
                let mut data = random.bytes(2 * block);
                data.extend_from_slice(&last);
                let iv = random.block();
                key.cipher.seal(&mut [Lane::new(iv, &mut data)]).unwrap();
                let verdict = key.reference().open(&iv, &data);
                let valid = usize::from(count) < block - flaw || flaw == block - 1;
                assert_eq!(verdict.is_some(), (1..=block).contains(&usize::from(count)) && valid);
                assert_eq!(
                    key.cipher.open(key.iv(&iv), &mut data).ok(),
                    verdict.map(|plain| plain.len()),
                    "{key:?} {count} {flaw}"
                );
            }
        }
    }
}

#[test]
fn another_key_does_not_open_or_gives_garbage() {
    let keys = keys();
    for key in &keys {
        let iv = [0x5a; 16];
        let (mut failed, mut tried) = (0, 0);
        for trial in 0..5 {
            let plain = Random(trial).bytes(100);
            let sealed = key.reference().seal(&iv, &plain);
            let name = key.cipher.transformation();
            let others = keys.iter().filter(|other| {
                (other.cipher.transformation(), &other.bytes) != (name, &key.bytes)
                    // Their first blocks and their paddings are one keystream.
                    && (!name.mode().is_stream() || other.bytes != key.bytes)
            });
            for other in others {
                tried += 1;
                let mut data = sealed.clone();
                match other.cipher.open(other.iv(&iv), &mut data) {
                    Err(DecryptFailed) => failed += 1,
                    Ok(length) => assert!(data[..length] != plain, "{key:?} {other:?}"),
                }
            }
        }
        assert!(failed > tried / 4, "{key:?}");
    }
}

/// The check of the length and of the first partition key is all there is against a wrong key.
#[test]
fn without_padding_every_key_opens_every_text() {
    let keys = keys();
    let plain = [7; 100];
    for key in keys.iter().filter(|key| !key.is_padded()) {
        for other in keys.iter().filter(|other| !other.is_padded() && other.bytes != key.bytes) {
            let mut data = key.reference().seal(&[1; 16], &plain);
            assert_eq!(other.cipher.open(other.iv(&[1; 16]), &mut data), Ok(plain.len()));
            assert_ne!(data, plain);
        }
    }
}

#[test]
fn a_truncated_or_extended_text_opens_like_the_reference() {
    for key in keys() {
        let iv = [0x77; 16];
        let sealed = key.reference().seal(&iv, &[0xff; 70]);
        let mut failed = 0;
        for length in (0..100).filter(|length| *length != sealed.len()) {
            let mut data = sealed.clone();
            data.resize(length, 0);
            let verdict = key.reference().open(&iv, &data).map(|plain| plain.len());
            failed += usize::from(verdict.is_none());
            let mut target = vec![0; length];
            let iv = key.iv(&iv);
            assert_eq!(key.cipher.open_into(iv, &data, &mut target).ok(), verdict, "{key:?}");
            assert_eq!(key.cipher.open(iv, &mut data).ok(), verdict, "{key:?} {length}");
        }
        if key.is_padded() {
            assert!(failed > 90, "{key:?}: {failed}");
        } else {
            assert_eq!(failed, 0, "every length is one of a text without padding");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_bytes_open_only_if_the_reference_agrees(
        which in any::<prop::sample::Index>(),
        iv in prop::collection::vec(any::<u8>(), 0..20),
        data in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let keys = keys();
        let key = which.get(&keys);
        let length = key.cipher.transformation().iv_length();
        let mut target = vec![0; data.len()];
        let across = key.cipher.open_into(&iv, &data, &mut target).ok();
        let mut place = data.clone();
        prop_assert_eq!(key.cipher.open(&iv, &mut place).ok(), across);
        let mut full = [0; 16];
        full[..length].copy_from_slice(&[&iv[..], &[0; 16]].concat()[..length]);
        let verdict = key.reference().open(&full, &data);
        if length > 0 && iv.len() != length {
            prop_assert_eq!(across, None);
        } else {
            prop_assert_eq!(across, verdict.as_ref().map(Vec::len));
            if let Some(plain) = verdict {
                prop_assert_eq!(&place[..plain.len()], &plain[..]);
                prop_assert_eq!(&target[..plain.len()], &plain[..]);
            }
        }
    }

    #[test]
    fn arbitrary_names_never_panic(text in "[A-Za-z0-9]{0,9}(/[A-Za-z0-9]{0,5}){0,3}", any in any::<String>()) {
        for text in [text, any] {
            if let Ok(parsed) = Transformation::parse(&text) {
                prop_assert_eq!(parsed.text(), text);
            }
        }
    }
}
