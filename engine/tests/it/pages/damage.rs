//! Pages and metadata that are not what they should be: an error each, never another plaintext.

use rekey_engine::codec::{ChunkError, Metadata, MetadataError, PageError, encrypted_bodies};

use super::Codec;
use crate::kit::beside::{Key, PAGE, page, statistics, validation, with_crc};

const CBC: &str = "AES/CBC/PKCS5Padding";
const KEY: [u8; 16] = [7; 16];
const OWN: Key<'_> = Key { id: Some("k1"), bytes: &KEY, cbc: true };

fn open(page: &[u8]) -> Result<Vec<u8>, PageError> {
    let mut out = [0; PAGE];
    let opener = Codec::new(CBC, Some("k1"), &KEY).pages();
    opener.open(page, &mut out).map(|(length, _)| out[..length].to_vec())
}

#[test]
fn every_flipped_byte_of_a_page_is_noticed() {
    for plain in [vec![], vec![3; 100], vec![9; 3807]] {
        let sound = page(&OWN.seal(&plain, 1));
        assert_eq!(open(&sound), Ok(plain));
        for at in 0..PAGE {
            let mut damaged = sound.clone();
            damaged[at] ^= 1 << (at % 8);
            assert_eq!(open(&damaged), Err(PageError::Crc), "byte {at}");
        }
    }
}

/// What a right CRC does not excuse.
#[test]
fn lengths_and_padding_are_checked_after_the_crc() {
    let sound = page(&OWN.seal(&[3; 100], 1));
    let with_length = |length: i32| {
        let mut page = sound.clone();
        page[4088..4092].copy_from_slice(&length.to_be_bytes());
        open(&with_crc(page))
    };
    for length in [0, -1, 4089, i32::MAX, i32::MIN] {
        assert_eq!(with_length(length), Err(PageError::Length(length)));
    }
    let content = i32::try_from(OWN.seal(&[3; 100], 1).len()).unwrap();
    // Longer than the ciphertext: no whole blocks, or zeros taken for some.
    for length in [content + 1, content - 1, content - 16, 4088, 6, 1] {
        assert!(
            matches!(with_length(length), Err(PageError::Chunk(_) | PageError::Padding)),
            "{length}"
        );
    }
    for at in [usize::try_from(content).unwrap(), 2000, 4087] {
        let mut page = sound.clone();
        page[at] = 1;
        assert_eq!(open(&with_crc(page)), Err(PageError::Padding), "{at}");
    }
}

#[test]
fn cut_pages_are_partial() {
    let sound = page(&OWN.seal(&[3; 100], 1));
    for length in [0, 1, 4088, 4095] {
        assert_eq!(open(&sound[..length]), Err(PageError::Partial(length)));
    }
    assert_eq!(open(&[sound.clone(), vec![0]].concat()), Err(PageError::Partial(4097)));
}

#[test]
fn wrong_keys_and_headers_are_named() {
    let other = Key { id: Some("k2"), ..OWN };
    assert_eq!(
        open(&page(&other.seal(&[3; 100], 1))),
        Err(PageError::Chunk(ChunkError::UnknownKey("k2".to_owned())))
    );
    let mut content = OWN.seal(&[3; 100], 1);
    content[0] = 1;
    assert!(matches!(open(&page(&content)), Err(PageError::Chunk(ChunkError::Header(_)))));
    // More than a page of this geometry has.
    assert!(matches!(
        open(&page(&OWN.seal(&[3; 3808], 1))),
        Err(PageError::PlainTooLong { plain: 3808, usable: 3807, .. })
    ));
}

#[test]
fn every_flipped_byte_of_encrypted_metadata_is_noticed() {
    let keys = Codec::new(CBC, Some("k1"), &KEY).chunks();
    let compaction = vec![0, 0, 0, 2, 1, 1];
    for sealed in [true, false] {
        let body = |plain: Vec<u8>| if sealed { OWN.seal(&plain, 2) } else { plain };
        let file = statistics(&[(0, OWN.seal(&validation(), 1)), (1, body(compaction.clone()))]);
        let metadata = Metadata::open(&file, true, &keys).unwrap();
        assert_eq!(metadata.bodies()[0].plain(), validation());
        assert_eq!(metadata.bodies()[1].plain(), compaction);
        assert_eq!(metadata.bodies()[1].is_encrypted(), sealed);
        assert_eq!(encrypted_bodies(&file, true).unwrap().len(), 1 + usize::from(sealed));
        for at in 0..file.len() {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << (at % 8);
            assert!(
                matches!(Metadata::open(&damaged, true, &keys), Err(MetadataError::Container(_))),
                "byte {at}"
            );
            assert!(Metadata::open(&file[..at], true, &keys).is_err());
        }
    }
}

#[test]
fn a_body_that_is_neither_in_clear_nor_under_a_key_is_refused() {
    let keys = Codec::new(CBC, Some("k1"), &KEY).chunks();
    let mut rubbish = OWN.seal(&validation(), 1);
    rubbish[40] ^= 1;
    // The checksum is right, the padding is, the partitioner is not.
    let file = statistics(&[(0, rubbish)]);
    assert!(matches!(Metadata::open(&file, true, &keys), Err(MetadataError::Body { kind: 0, .. })));
}
