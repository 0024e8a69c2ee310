//! Files under several keys of a group, and headers that name the wrong one (KMIP.md 3.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use rekey_engine::codec::{ChunkOpener, Metadata, Opened, PageGeometry, PageOpener};
use rekey_engine::crypto::{CipherKey, Transformation};
use rekey_engine::keys::{HeaderKind, KeyId};

use crate::kit::beside::{Key, PAGE, page, statistics, validation};

fn keys() -> (Transformation, ChunkOpener) {
    let cbc = Transformation::parse("AES/CBC/PKCS5Padding").unwrap();
    let key = |byte| Arc::new(CipherKey::new(&cbc, &[byte; 16]).unwrap());
    let ids = [("k1", 1), ("k2", 2), ("k3", 3)];
    let by_id = ids
        .map(|(id, byte)| (KeyId::new(id).unwrap(), key(byte)))
        .into_iter()
        .collect::<BTreeMap<_, _>>();
    (cbc.clone(), ChunkOpener::with_ids(cbc, by_id))
}

#[test]
fn pages_under_several_keys_and_under_one_that_they_do_not_name() {
    let (cbc, chunks) = keys();
    let geometry = PageGeometry::new(&cbc, 16, HeaderKind::Kmip, 256);
    let opener = PageOpener::new(chunks, geometry);
    let mut out = [0; PAGE];
    for (fill, (id, byte)) in [("k1", 1), ("k2", 2), ("k1", 3), ("k3", 3)].into_iter().enumerate() {
        let plain = vec![u8::try_from(fill).unwrap(); 1000];
        let stored = page(&Key { id: Some(id), bytes: &[byte; 16], cbc: true }.seal(&plain, 9));
        let (length, opened) = opener.open(&stored, &mut out).unwrap();
        assert_eq!(&out[..length], plain);
        match (id, byte) {
            ("k1", 3) => assert_eq!(opened, Opened::Under(&KeyId::new("k3").unwrap())),
            _ => assert_eq!(opened, Opened::AsNamed),
        }
    }
    let stored = page(&Key { id: Some("k1"), bytes: &[4; 16], cbc: true }.seal(&[5; 1000], 9));
    assert!(opener.open(&stored, &mut out).is_err(), "no key of the group");
}

#[test]
fn bodies_under_several_keys_and_in_clear() {
    let (_, chunks) = keys();
    let seal = |id, byte: u8, plain: &[u8]| {
        Key { id: Some(id), bytes: &[byte; 16], cbc: true }.seal(plain, byte)
    };
    let compaction = [0, 0, 0, 1, 8];
    let file = statistics(&[
        (0, seal("k1", 2, &validation())),
        (1, compaction.to_vec()),
        (2, seal("k3", 3, &[0; 70])),
    ]);
    let metadata = Metadata::open(&file, true, &chunks).unwrap();
    let seen: Vec<_> = metadata
        .bodies()
        .iter()
        .map(|body| (body.is_encrypted(), body.mislabelled().map(KeyId::as_str)))
        .collect();
    assert_eq!(seen, [(true, Some("k2")), (false, None), (true, None)]);
    assert_eq!(metadata.bodies()[2].plain(), [0; 70]);
}
