//! Chunks whose headers name another key than the one that they are under (FORMATS.md 5.5,
//! KMIP.md 3.4).

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use rekey_engine::ErrorKind::Corrupt;
use rekey_engine::upgrade::SSTableReport;

use super::*;

/// An SSTable whose headers all name `b`; these chunks are under `a`.
fn mislabelled(site: &Site, generation: &str, under_a: &[usize]) -> String {
    let labelled = recipe(generation, &["b"]);
    let mut under = labelled.clone();
    under.provider = Provider::Kmip { keys: vec![("b".to_owned(), bytes("a").to_vec())] };
    let plain = plain(generation);
    let (mut chunks, wrong) = (labelled.chunks(&plain), under.chunks(&plain));
    for &chunk in under_a {
        chunks[chunk].clone_from(&wrong[chunk]);
    }
    labelled.write_chunks(&table_in(&site.workspace.data()), &plain, &chunks)
}

fn site() -> Site {
    let site = Site::new();
    site.key("a", 9, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
    site.key("b", 8, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
    site.key("new", 1, vec![]);
    site
}

fn warning(prefix: &str, chunks: usize) -> String {
    format!(
        "{prefix}Data.db: {chunks} of its chunks name another key in their headers than the one \
         that they are under, as the database may write them when its key changes (key a)"
    )
}

fn warnings(lines: &[SSTableReport]) -> Vec<String> {
    lines.iter().flat_map(|line| line.warnings.iter().map(Error::chain)).collect()
}

#[test]
fn they_are_read_under_another_key_of_the_group_and_reported() {
    let last = 4;
    for (under_a, mapped) in [
        (&[0][..], true),
        (&[2], false),
        (&[last], true),
        (&[0, 1, last], false),
        (&[0, 1, 2, 3, 4], true),
    ] {
        let mut site = site();
        site.workspace.mapped = mapped;
        let prefix = mislabelled(&site, "1", under_a);
        site.sstable("2", &["b", "a"]);
        let verified = site.workspace.verify();
        assert_eq!(failures(&verified), Vec::<String>::new(), "{under_a:?}");
        assert_eq!(warnings(&verified.sstables), [warning(&prefix, under_a.len())]);
        let sources = site.sources();
        let target = site.find(&sources, KeyWish::AsTheDatabase).unwrap();
        let plan = site.plan(&sources, &target);
        assert_eq!((plan.rewrites().count(), plan.findings.len()), (2, 0), "{:?}", plan.findings);
        let report = site.upgrade(&sources, &target).unwrap();
        assert_eq!((failures(&report), rewritten(&report)), (vec![], 2), "{under_a:?}");
        assert_eq!(warnings(&report.sstables), [warning(&prefix, under_a.len())]);
        site.assert_all_under("new", &["1", "2"]);
        let after = site.workspace.verify();
        assert_eq!((failures(&after), warnings(&after.sstables)), (vec![], vec![]));
    }
}

/// All chunks name the target key. The first one is checked before an SSTable counts as done: the
/// database mislabels what a thread writes first after its key has changed.
#[test]
fn an_sstable_that_only_names_the_target_key_is_rewritten() {
    let site = site();
    let prefix = mislabelled(&site, "1", &[0]);
    site.sstable("2", &["b"]);
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::EvenIf(&key_id("b"), "Expired")).unwrap();
    let plan = site.plan(&sources, &target);
    let rewrites: Vec<_> =
        plan.rewrites().map(|rewrite| rewrite.sstable.sstable.descriptor.to_string()).collect();
    assert_eq!(rewrites, ["oa-1-big"], "{:?}", findings(&plan));
    let report = site.upgrade(&sources, &target).unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 1));
    assert_eq!(warnings(&report.sstables), [warning(&prefix, 1)]);
    site.assert_all_under("b", &["1", "2"]);
    // The old key may go.
    let after = site.workspace.verify();
    assert_eq!((failures(&after), warnings(&after.sstables)), (vec![], vec![]));
}

#[test]
fn without_the_other_key_the_chunk_is_refused_by_its_number() {
    for (gone, chunk) in [(true, 0), (true, 2), (true, 4), (false, 2)] {
        let site = Site::new();
        if !gone {
            // There, but of another length: for another cipher.
            let key = vec![1; 32].into();
            site.sim.store().keep_key(&"a".into(), CryptographicAlgorithm::AES, key, vec![]);
        }
        site.key("b", 8, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
        site.key("new", 1, vec![]);
        mislabelled(&site, "1", &[chunk]);
        let before = site.contents();
        let report = site.upgrade_to("new").unwrap();
        assert_eq!(rewritten(&report), 0);
        let error = report.failures().next().unwrap();
        assert_eq!(
            (error.kind(), error.chunk_index()),
            (Corrupt, Some(u64::try_from(chunk).unwrap())),
            "{error:?}"
        );
        assert!(error.hint_text().unwrap().starts_with("compare the key"), "{error:?}");
        let untouched = site.contents();
        assert_eq!(untouched, before);
        assert_eq!(site.workspace.verify().failures().count(), 1);
    }
}

/// Keys of an exported file are of the group, too.
#[test]
fn the_other_key_may_be_in_an_exported_file() {
    let mut site = Site::new();
    site.key("b", 8, vec![]);
    site.key("new", 1, vec![]);
    let prefix = mislabelled(&site, "1", &[1]);
    let hex: String = bytes("a").iter().map(|byte| format!("{byte:02x}")).collect();
    site.workspace.give_kmip_keys(&format!("a = {hex}\n"));
    let report = site.upgrade_to("new").unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 1));
    assert_eq!(warnings(&report.sstables), [warning(&prefix, 1)]);
}

/// If the server refuses the other key, the chunk is not read, and sound SSTables are done.
#[test]
fn the_other_key_may_be_refused() {
    let site = Site::quirky(&[Quirk::RefusesGetOfDeactivated]);
    site.key("a", 9, vec![ago(Tag::DEACTIVATION_DATE, 1)]);
    site.key("b", 8, vec![]);
    site.key("new", 1, vec![]);
    mislabelled(&site, "1", &[3]);
    site.sstable("2", &["b"]);
    let report = site.upgrade_to("new").unwrap();
    assert_eq!((rewritten(&report), report.failures().count()), (1, 1));
    assert_eq!(report.failures().next().unwrap().chunk_index(), Some(3));
}

/// One wrong key in 256 gives a short last chunk a plausible padding: if two fit, it is unknown
/// which is right.
#[test]
fn a_chunk_that_two_other_keys_open_is_refused() {
    let site = Site::new();
    site.key("a", 9, vec![]);
    site.key("b", 8, vec![]);
    site.key("new", 1, vec![]);
    let mut recipe = recipe("1", &["b"]);
    recipe.provider = Provider::Kmip { keys: vec![("b".to_owned(), bytes("a").to_vec())] };
    // 15 bytes in the last chunk: one byte of padding.
    let plain = vec![b'.'; 4096 + 15];
    let plain = [&b"\0\x04key1"[..], &plain[6..]].concat();
    let wrong = recipe.chunks(&plain);
    let (iv, ciphertext) = wrong[1][5 + 1..].split_at(16);
    assert_eq!(ciphertext.len(), 16);
    let opens = |key: &[u8; 16]| {
        let decryptor = cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv).unwrap();
        decryptor.decrypt_padded_vec::<Pkcs7>(ciphertext).is_ok_and(|out| out.len() == 15)
    };
    assert!(opens(&bytes("a")) && !opens(&bytes("b")) && !opens(&bytes("new")));
    let other = (1..100_000_u128).map(u128::to_be_bytes).find(opens).unwrap();
    let mut chunks = self::recipe("1", &["b"]).chunks(&plain);
    chunks[1].clone_from(&wrong[1]);
    let prefix = recipe.write_chunks(&table_in(&site.workspace.data()), &plain, &chunks);
    // With one key that fits it is read.
    let verified = site.workspace.verify();
    assert_eq!(
        (failures(&verified), warnings(&verified.sstables)),
        (vec![], vec![warning(&prefix, 1)])
    );
    let attributes = vec![parameters(BlockCipherMode::CBC)];
    let key = other.to_vec().into();
    site.sim.store().keep_key(&"c".into(), CryptographicAlgorithm::AES, key, attributes);
    let text = format!(
        "{prefix}Data.db: chunk 1 at byte 4138: it does not decrypt with the key that its header \
         names, and 2 other keys of the group give a plausible plaintext"
    );
    assert_eq!(failures(&site.workspace.verify()), std::slice::from_ref(&text));
    let before = site.contents();
    let report = site.upgrade_to("new").unwrap();
    assert_eq!(failures(&report), [text]);
    let error = report.failures().next().unwrap();
    assert_eq!(error.kind(), Corrupt);
    assert!(error.hint_text().unwrap().starts_with("scrub the SSTable on the node"));
    assert_eq!(site.contents(), before);
}
