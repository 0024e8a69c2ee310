//! Every page and every body of the three sets.

use rekey_engine::codec::Metadata;
use rekey_engine::crypto::IvSource;

use super::{SETS, open_pages, read};
use crate::kit::beside::{PAGE, bodies, page_contents, plain_pages};

const NEW_KEY: [u8; 32] = [0x5a; 32];

#[test]
fn every_page_decrypts_and_is_re_encrypted_in_place() {
    for set in &SETS {
        let old = set.codec(set.id, &set.key_bytes());
        assert_eq!(old.geometry(256).usable(), set.usable, "{}", set.name);
        // Another length of the id changes nothing in the geometry.
        let new_id = set.id.map(|_| "another-key-with-a-longer-id-than-before");
        let new = set.codec(new_id, &NEW_KEY);
        let mut pages = 0;
        for ending in ["Partitions.db", "Rows.db"] {
            for (encrypted, plain) in set.files(ending) {
                let (file, plain) = (read(&encrypted), plain_pages(&read(&plain)));
                assert_eq!(file.len(), plain.len() * PAGE);
                assert_eq!(open_pages(&file, &old.pages()), plain, "{}", encrypted.display());
                if ending == "Partitions.db" {
                    let last = plain.last().unwrap().len();
                    old.geometry(256).check_last(last).unwrap();
                    if set.id.is_some() {
                        assert!(old.geometry(300).check_last(last).is_err());
                    }
                }
                let again = new.seal_pages(&plain);
                assert_eq!(again.len(), file.len());
                assert_eq!(open_pages(&again, &new.pages()), plain);
                for (content, plain) in page_contents(&again).iter().zip(&plain) {
                    assert_eq!(&set.own(new_id, &NEW_KEY).open(content), plain);
                }
                pages += plain.len();
            }
        }
        assert!(pages > 8, "{} has several pages", set.name);
    }
}

#[test]
fn the_old_key_opens_nothing_of_the_new_pages() {
    for set in &SETS {
        let old = set.codec(set.id, &set.key_bytes());
        // Under the same name, so that only the bytes of the key matter.
        let new = set.codec(set.id, &NEW_KEY);
        let (_, plain) = set.files("Partitions.db").remove(0);
        let plain = plain_pages(&read(&plain));
        let file = new.seal_pages(&plain);
        let mut out = [0; PAGE];
        for (page, plain) in file.chunks(PAGE).zip(&plain) {
            // A wrong key passes the padding check once in 256 times, never with the plaintext.
            if let Ok((length, _)) = old.pages().open(page, &mut out) {
                assert_ne!(&out[..length], plain.as_slice());
            }
        }
    }
}

#[test]
fn every_body_decrypts_and_is_re_encrypted() {
    for set in &SETS {
        let key = set.key_bytes();
        let old = set.codec(set.id, &key);
        let new = set.codec(set.id.map(|_| "new"), &NEW_KEY);
        for (encrypted, plain) in set.files("Statistics.db") {
            let (file, plain) = (read(&encrypted), bodies(&read(&plain)));
            let metadata = Metadata::open(&file, true, &old.chunks()).unwrap();
            let found: Vec<_> = metadata
                .bodies()
                .iter()
                .map(|body| (u32::try_from(body.kind().0).unwrap(), body.plain().to_vec()))
                .collect();
            assert_eq!(found, plain, "{}", encrypted.display());
            assert!(metadata.bodies().iter().all(|body| body.is_encrypted()));

            let again = metadata.seal(&new.sealer(), &mut IvSource::from_os().unwrap()).unwrap();
            let read: Vec<_> = bodies(&again)
                .into_iter()
                .map(|(kind, body)| (kind, set.own(set.id.map(|_| "new"), &NEW_KEY).open(&body)))
                .collect();
            assert_eq!(read, plain);
            let back = Metadata::open(&again, true, &new.chunks()).unwrap();
            assert!(back.same_content(&metadata));
            assert!(Metadata::open(&again, true, &old.chunks()).is_err());
        }
    }
}

/// FORMATS.md 8.2: the ratio of the database is where it is expected.
#[test]
fn the_compression_ratio_of_real_files_is_found_and_patched() {
    for set in &SETS {
        for (encrypted, plain) in set.files("Statistics.db") {
            let clear = read(&plain);
            let mut patched = Metadata::parse_clear(&clear, true).unwrap();
            assert_eq!(patched.format_clear().unwrap(), clear, "nothing is lost");
            let stats = bodies(&clear).remove(2).1;
            let int = |at: usize| i32::from_be_bytes(stats[at..at + 4].try_into().unwrap());
            let first = usize::try_from(int(0)).unwrap();
            let second = usize::try_from(int(4 + 16 * first)).unwrap();
            let at = 52 + 16 * (first + second);
            let ratio = f64::from_be_bytes(stats[at..at + 8].try_into().unwrap());
            assert!((0.5..4.0).contains(&ratio), "{ratio}");

            patched.patch_compression_ratio(0.25).unwrap();
            let expected = [&stats[..at], &0.25_f64.to_be_bytes(), &stats[at + 8..]].concat();
            let mut all = bodies(&clear);
            all[2].1 = expected;
            assert_eq!(bodies(&patched.format_clear().unwrap()), all);

            // The same in an encrypted file.
            let codec = set.codec(set.id, &set.key_bytes());
            let mut metadata = Metadata::open(&read(&encrypted), true, &codec.chunks()).unwrap();
            metadata.patch_compression_ratio(0.25).unwrap();
            let sealed = metadata.seal(&codec.sealer(), &mut IvSource::from_os().unwrap()).unwrap();
            let key = set.key_bytes();
            let opened: Vec<_> = bodies(&sealed)
                .into_iter()
                .map(|(kind, body)| (kind, set.own(set.id, &key).open(&body)))
                .collect();
            assert_eq!(opened, all);
        }
    }
}
