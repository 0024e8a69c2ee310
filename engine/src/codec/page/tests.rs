use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::ErrorKind;
use crate::crypto::CipherKey;
use crate::keys::{DATABASE_KEY_ID_LIMIT, KeyHeader, KeyId};

const CBC: &str = "AES/CBC/PKCS5Padding";

fn parse(text: &str) -> Transformation {
    Transformation::parse(text).unwrap()
}

fn geometry(text: &str, header: HeaderKind, longest_id: usize) -> PageGeometry {
    let transformation = parse(text);
    PageGeometry::new(&transformation, transformation.iv_length(), header, longest_id)
}

fn key(text: &str, byte: u8) -> Arc<CipherKey> {
    Arc::new(CipherKey::new(&parse(text), &[byte; 16]).unwrap())
}

fn id(text: &str) -> KeyId {
    KeyId::new(text).unwrap()
}

/// FORMATS.md 7.2 and KMIP.md 3.2, by the sizes alone.
#[test]
fn usable_bytes_are_the_database_s() {
    let padded = |block: usize| move |plain: usize| plain - plain % block + block;
    let u = |iv, header, size: &dyn Fn(usize) -> usize| {
        usable(|plain| predicted(iv, header, size(plain)))
    };
    // IV, block, and U: without header, replicated, KMIP with 256 and with 512.
    for (iv, block, expected) in [
        (16, 16, [4063, 4031, 3807, 3551]),
        (0, 16, [4079, 4047, 3823, 3567]),
        (8, 8, [4079, 4039, 3815, 3559]),
        (0, 8, [4087, 4047, 3823, 3567]),
    ] {
        let found = [0, 33, 261, 517].map(|header| u(iv, header, &padded(block)));
        assert_eq!(found, expected, "IV {iv}, block {block}");
    }
    let found = [0, 33, 261].map(|header| u(16, header, &|plain| plain));
    assert_eq!(found, [4072, 4039, 3811], "a stream");
    assert_eq!(u(16, 5000, &|plain| plain), 0, "no room at all");
    for header in (0..CAPACITY + 20).step_by(7) {
        let fits = |plain: &usize| predicted(16, header, padded(16)(*plain)) <= CAPACITY;
        let largest = (0..=CAPACITY).rev().find(fits).unwrap_or_default();
        assert_eq!(u(16, header, &padded(16)), largest, "header of {header}");
    }
}

#[test]
fn usable_bytes_follow_from_cipher_provider_and_limit() {
    let kmip = |text, limit| geometry(text, HeaderKind::Kmip, limit).usable();
    assert_eq!(kmip(CBC, DATABASE_KEY_ID_LIMIT), 3807);
    assert_eq!(kmip("AES/ECB/PKCS5Padding", DATABASE_KEY_ID_LIMIT), 3823);
    assert_eq!(kmip("AES", 512), 3567);
    assert_eq!(geometry(CBC, HeaderKind::None, 256).usable(), 4063);
    assert_eq!(geometry("AES", HeaderKind::None, 7).usable(), 4079);
    assert_eq!(geometry(CBC, HeaderKind::Replicated, 256).usable(), 4031);
    assert_eq!(geometry("AES", HeaderKind::Replicated, 7).usable(), 4047);
}

#[test]
fn a_last_page_tells_the_limit_of_key_ids() {
    let usual = geometry(CBC, HeaderKind::Kmip, 256);
    assert_eq!(usual.check_last(3807), Ok(()));
    let fits = Limits(Some((500, 515)));
    let error = usual.check_last(3551).unwrap_err();
    assert_eq!(error, PageError::LastPage { plain: 3551, usable: 3807, fits });
    assert!(error.to_string().ends_with("it fits where key ids may have 500 to 515 bytes at most"));
    for limit in [500, 515] {
        assert_eq!(geometry(CBC, HeaderKind::Kmip, limit).check_last(3551), Ok(()));
    }
    for limit in [499, 516] {
        assert!(geometry(CBC, HeaderKind::Kmip, limit).check_last(3551).is_err());
    }
    // No limit gives such a length, and without key ids there is no limit.
    assert!(matches!(usual.check_last(3800), Err(PageError::LastPage { fits: Limits(None), .. })));
    assert!(matches!(
        geometry(CBC, HeaderKind::None, 256).check_last(3551),
        Err(PageError::LastPage { fits: Limits(None), .. })
    ));
}

fn sealed(sealer: &PageSealer, plains: &[Vec<u8>]) -> Vec<u8> {
    // What was in the buffer before must not reach the disk.
    let mut image = vec![0xaa; plains.len() * PAGE];
    for (page, plain) in image.chunks_mut(PAGE).zip(plains) {
        page[sealer.prefix_length()..][..plain.len()].copy_from_slice(plain);
    }
    let lengths: Vec<_> = plains.iter().map(Vec::len).collect();
    sealer.seal(&mut image, &lengths, &mut IvSource::from_os().unwrap()).unwrap();
    image
}

#[test]
fn pages_round_trip_at_every_edge_of_their_room() {
    for text in [CBC, "AES"] {
        let geometry = geometry(text, HeaderKind::Kmip, 40);
        let chunks = ChunkSealer::new(&KeyHeader::Kmip(id("k1")), key(text, 1), false);
        let sealer = PageSealer::new(chunks, geometry.clone()).unwrap();
        let keys = BTreeMap::from([(id("k1"), key(text, 1))]);
        let opener = PageOpener::new(ChunkOpener::with_ids(parse(text), keys), geometry.clone());
        let usable = geometry.usable();
        let lengths = [usable, 0, 1, 15, 16, 17, usable - 1, usable - 16, usable];
        let plains: Vec<Vec<u8>> =
            (0..).zip(lengths).map(|(fill, length)| vec![fill; length]).collect();
        let image = sealed(&sealer, &plains);
        let mut out = [0; PAGE];
        for (page, plain) in image.chunks(PAGE).zip(&plains) {
            let (length, opened) = opener.open(page, &mut out).unwrap();
            assert_eq!((&out[..length], opened), (plain.as_slice(), Opened::AsNamed));
            let content = page_content(page).unwrap().len();
            assert!(page[content..4088].iter().all(|byte| *byte == 0));
        }
    }
}

#[test]
fn too_long_plaintexts_and_images_that_do_not_fit_are_refused() {
    let geometry = geometry(CBC, HeaderKind::None, 0);
    let sealer =
        PageSealer::new(ChunkSealer::new(&KeyHeader::None, key(CBC, 1), false), geometry.clone())
            .unwrap();
    let mut ivs = IvSource::from_os().unwrap();
    let error = sealer.seal(&mut [0; PAGE], &[4064], &mut ivs).unwrap_err();
    assert!(error.to_string().contains("4064"), "{error}");
    for (length, plains) in [(PAGE - 1, 1), (PAGE, 2), (2 * PAGE, 1)] {
        let error = sealer.seal(&mut vec![0; length], &vec![1; plains], &mut ivs).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
    }

    // A page of another geometry is longer than this one allows.
    let opener = |limit| {
        let keys = BTreeMap::from([(id("k"), key(CBC, 1))]);
        let geometry = self::geometry(CBC, HeaderKind::Kmip, limit);
        PageOpener::new(ChunkOpener::with_ids(parse(CBC), keys), geometry)
    };
    let sealer = PageSealer::new(
        ChunkSealer::new(&KeyHeader::Kmip(id("k")), key(CBC, 1), false),
        self::geometry(CBC, HeaderKind::Kmip, 64),
    )
    .unwrap();
    let usable = sealer.geometry().usable();
    let page = sealed(&sealer, &[vec![7; usable]]);
    assert!(opener(64).open(&page, &mut [0; PAGE]).is_ok());
    assert!(matches!(
        opener(256).open(&page, &mut [0; PAGE]),
        Err(PageError::PlainTooLong { usable: 3807, fits: Limits(Some(_)), .. })
    ));
}

#[test]
fn a_key_id_beyond_the_limit_is_not_written() {
    let long = KeyHeader::Kmip(id(&"k".repeat(41)));
    let sealer = |limit| {
        let geometry = geometry(CBC, HeaderKind::Kmip, limit);
        PageSealer::new(ChunkSealer::new(&long, key(CBC, 1), false), geometry).map(|_| ())
    };
    assert_eq!(sealer(41), Ok(()));
    assert_eq!(sealer(40), Err(PageError::Header { header: 46, limit: 45 }));
}
