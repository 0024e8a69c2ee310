//! Files are re-encrypted, and a node reads the same from them.

use std::fs;

use rekey_engine::ErrorKind;
use rekey_engine::io::LocalStorage;
use rekey_engine::plan::{KeystoreAim, SkipReason, SystemAction};
use rekey_engine::upgrade::{Outcome, Report};

use super::node::{KEYSTORE_NEW, KEYSTORE_OLD, NEW, only_key, read, unhex};
use super::{Files, Node, hints, segment};
use crate::kit::system::{Hints, Scheme, Segment};

fn both(node: &Node) -> Files {
    let segments =
        vec![segment(node.old()), Segment { id: 1_700_000_000_009, ..segment(node.old()) }];
    Files { segments, hints: vec![hints(node.old())] }
}

fn count(report: &Report, of: impl Fn(&Outcome) -> bool) -> usize {
    report.sstables.iter().filter(|line| of(&line.outcome)).count()
}

#[test]
fn everything_is_under_the_new_key_and_reads_the_same() {
    let node = Node::new();
    let files = both(&node);
    node.put(&files);
    fs::write(node.dir("saved_caches").join("KeyCache-g.db"), b"x").unwrap();
    assert_eq!(node.check(&files), Ok(4));
    let plan = node.plan();
    assert_eq!(plan.changes().count(), 4);
    assert_eq!(node.check(&files), Ok(4), "a plan changes nothing");

    let report = node.run(Box::new(LocalStorage)).unwrap();
    assert_eq!(report.failures().count(), 0, "{report:?}");
    assert_eq!(count(&report, |it| matches!(it, Outcome::Replaced)), 3);
    assert_eq!(count(&report, |it| matches!(it, Outcome::Deleted)), 1);
    node.check_finished(&files).unwrap();
    assert!(!node.dir("saved_caches").join("KeyCache-g.db").exists());

    // The old key is not needed any more.
    fs::remove_file(node.dir("keys").join("old")).unwrap();
    let report = node.verify();
    assert_eq!(report.failures().count(), 0, "{report:?}");
    assert_eq!(count(&report, |it| matches!(it, Outcome::Verified { .. })), 3);
    let before = read(&node.dir("commitlog").join(files.segments[0].name()));
    let report = node.run(Box::new(LocalStorage)).unwrap();
    let is_done = |it: &Outcome| matches!(it, Outcome::Skipped(SkipReason::UnderTargetKey));
    assert_eq!(count(&report, is_done), 3);
    assert_eq!(read(&node.dir("commitlog").join(files.segments[0].name())), before);
}

/// An archive may have a folder for each day. What a node would not load of its caches it would not make anew,
/// either.
#[test]
fn folders_are_searched_and_keep_what_no_node_makes_again() {
    let node = Node::new();
    let (log, day) = (segment(node.old()), node.dir("commitlog").join("2026/11-30"));
    fs::create_dir_all(&day).unwrap();
    fs::write(day.join(log.name()), log.bytes()).unwrap();
    let kept = node.dir("saved_caches").join("kept");
    fs::create_dir(&kept).unwrap();
    fs::write(kept.join("KeyCache-g.db"), b"x").unwrap();
    let report = node.run(Box::new(LocalStorage)).unwrap();
    assert_eq!(count(&report, |it| matches!(it, Outcome::Replaced)), 1, "{report:?}");
    assert_eq!(report.sstables.len(), 1, "{report:?}");
    assert_ne!(read(&day.join(log.name())), log.bytes());
    assert_eq!(read(&kept.join("KeyCache-g.db")), b"x");
    let report = node.verify();
    assert_eq!(count(&report, |it| matches!(it, Outcome::Verified { .. })), 1, "{report:?}");
}

#[test]
fn a_torn_segment_stays_torn_at_the_same_place() {
    for cut in [1, 5, 11, 40, 300] {
        let node = Node::new();
        let old = segment(node.old());
        let bytes = old.bytes();
        let path = node.dir("commitlog").join(old.name());
        fs::write(&path, &bytes[..bytes.len() - cut]).unwrap();
        let before = old.read(&bytes[..bytes.len() - cut]);
        let report = node.run(Box::new(LocalStorage)).unwrap();
        assert_eq!(report.failures().count(), 0, "{report:?}");
        let new = Segment { scheme: node.scheme("new", NEW), ..old };
        let now = new.read(&read(&path));
        assert_eq!((now.parts, now.positions), (before.parts, before.positions), "{cut}");
        let tail = |bytes: &[u8]| bytes.get(8..).unwrap_or_default().to_vec();
        assert_eq!(tail(&now.tail.1), tail(&before.tail.1), "{cut}");
        assert_eq!(now.tail.1.len(), before.tail.1.len());
        if now.tail.1.len() >= 8 {
            let next = u32::from_be_bytes(now.tail.1[..4].try_into().unwrap());
            assert!(
                u64::from(next) > fs::metadata(&path).unwrap().len(),
                "it leads beyond the end"
            );
        }
    }
}

/// IVs are random, and so is the last byte.
fn not_ending_in_zero(segment: &Segment) -> Vec<u8> {
    let bytes = std::iter::repeat_with(|| segment.bytes()).take(8);
    bytes.into_iter().find(|bytes| bytes.last() != Some(&0)).unwrap()
}

#[test]
fn a_last_section_that_ends_in_zeros_stays_the_torn_end() {
    for zeros in [1, 2, 7, 15, 16, 17, 40, 300] {
        let node = Node::new();
        let old = segment(node.old());
        let mut bytes = not_ending_in_zero(&old);
        let whole = bytes.len();
        bytes[whole - zeros..].fill(0);
        let path = node.dir("commitlog").join(old.name());
        fs::write(&path, &bytes).unwrap();
        let before = old.read(&bytes[..whole - 1]);
        let report = node.run(Box::new(LocalStorage)).unwrap();
        assert_eq!(report.failures().count(), 0, "{report:?}");
        let new = Segment { scheme: node.scheme("new", NEW), ..old };
        let written = read(&path);
        let now = new.read(&written[..written.len() - 1]);
        assert_eq!((now.parts, now.positions), (before.parts, before.positions), "{zeros}");
        let start = before.tail.0;
        assert_eq!(written[now.tail.0 + 8..], bytes[start + 8..], "{zeros}");
        let next = u32::from_be_bytes(written[now.tail.0..][..4].try_into().unwrap());
        assert_eq!(usize::try_from(next).unwrap(), written.len(), "it leads to the end");
    }
}

/// Its key may be the wrong one, and whoever writes the file under another one would lose it.
#[test]
fn few_zeros_at_the_end_of_the_only_section_prove_nothing() {
    for (zeros, is_torn) in [(1, false), (15, false), (16, true)] {
        let node = Node::new();
        let mut only = segment(node.old());
        only.sections.truncate(1);
        let mut bytes = not_ending_in_zero(&only);
        let whole = bytes.len();
        bytes[whole - zeros..].fill(0);
        let path = node.dir("commitlog").join(only.name());
        fs::write(&path, &bytes).unwrap();
        let report = node.run(Box::new(LocalStorage)).unwrap();
        assert_eq!(report.failures().count() == 0, is_torn, "{zeros}: {report:?}");
        assert_eq!(read(&path) == bytes, !is_torn, "{zeros}");
    }
}

#[test]
fn damage_in_the_middle_refuses_the_whole_file() {
    let node = Node::new();
    let old = segment(node.old());
    let path = node.dir("commitlog").join(old.name());
    // The end of a section that ends in a zero may not have reached the disk.
    let bytes = not_ending_in_zero(&old);
    let header = old.read(&bytes).header;
    for at in (header..bytes.len()).step_by(7) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        fs::write(&path, &damaged).unwrap();
        let report = node.run(Box::new(LocalStorage)).unwrap();
        let is_old = read(&path) == damaged;
        match report.failures().next() {
            Some(error) => assert!(is_old && error.kind() == ErrorKind::Corrupt, "{at}: {error:?}"),
            None => {
                // A marker leads beyond the end, as if the rest were torn off: a node stops there before
                // and after.
                let new = Segment { scheme: node.scheme("new", NEW), ..old.clone() };
                let parts = new.read(&read(&path)).parts.len();
                assert_eq!(parts, old.read(&damaged).parts.len(), "{at}");
                assert!(parts < 4, "{at} went unnoticed");
            }
        }
    }
}

#[test]
fn a_wrong_key_is_refused_before_anything_is_written() {
    let node = Node::new();
    let mut wrong = segment(node.old());
    let Scheme::Chain { keys, .. } = &mut wrong.scheme else { panic!() };
    keys[0].bytes = vec![9; 32];
    assert_ne!(only_key(&wrong.scheme).bytes, only_key(&node.old()).bytes);
    let path = node.dir("commitlog").join(wrong.name());
    fs::write(&path, wrong.bytes()).unwrap();
    let plan = node.plan();
    let SystemAction::Refuse(error) = &plan.files[0].action else { panic!("{plan:?}") };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.hint_text().unwrap().contains("compare the key"));
    assert_eq!(node.run(Box::new(LocalStorage)).unwrap().failures().count(), 1);
    assert_eq!(read(&path), wrong.bytes());
}

#[test]
fn a_log_in_clear_is_refused_with_the_way_out_and_hints_too() {
    let node = Node::new();
    let clear = segment(Scheme::Lz4);
    fs::write(node.dir("commitlog").join(clear.name()), clear.bytes()).unwrap();
    let hinted = hints(Scheme::Clear);
    fs::write(node.dir("hints").join(hinted.name()), hinted.bytes().0).unwrap();
    let report = node.run(Box::new(LocalStorage)).unwrap();
    let hints: Vec<_> = report.failures().map(|error| error.hint_text().unwrap()).collect();
    assert_eq!(hints.len(), 2);
    assert!(hints.iter().any(|hint| hint.contains("drain it again")), "{hints:?}");
    assert!(hints.iter().any(|hint| hint.contains("truncatehints")), "{hints:?}");
}

#[test]
fn a_name_elsewhere_is_warned_of() {
    let node = Node::new();
    let old = segment(node.old());
    let path = node.dir("commitlog").join(old.name());
    fs::write(&path, old.bytes()).unwrap();
    fs::hard_link(&path, node.dir("keys").join("archived")).unwrap();
    let plan = node.plan();
    assert!(plan.warnings[0].to_string().contains("1 more name"), "{:?}", plan.warnings);
    fs::remove_file(node.dir("keys").join("archived")).unwrap();
    assert!(node.plan().warnings.is_empty());
}

#[test]
fn hints_keep_their_blocks_and_their_torn_end() {
    let node = Node::new();
    let old = hints(node.old());
    let path = node.dir("hints").join(old.name());
    let (bytes, _) = old.bytes();
    let first = old.read(&bytes).header;
    for end in [&b""[..], &[0; 100], &bytes[first..first + 5], &bytes[first..first + 90]] {
        fs::write(&path, [&bytes[..], end].concat()).unwrap();
        let report = node.run(Box::new(LocalStorage)).unwrap();
        assert_eq!(report.failures().count(), 0, "{report:?}");
        let new = Hints { scheme: node.scheme("new", NEW), ..old.clone() };
        let now = new.read(&read(&path));
        assert_eq!((now.parts, now.tail.1), (old.blocks.clone(), end.to_vec()));
        assert!(!node.dir("hints").join(old.checksum_name()).exists(), "there was none");
    }
}

/// Apache's own encryption, with sections of many blocks.
#[test]
fn files_under_a_key_store_get_its_other_key_and_another_iv() {
    let mut node = Node::new();
    let cipher = "AES/CBC/PKCS5Padding".to_owned();
    node.keystore = Some(KeystoreAim { cipher, alias: "new".to_owned() });
    let old = Scheme::Apache {
        alias: "old".to_owned(),
        key: unhex(KEYSTORE_OLD),
        iv: [7; 16],
        block: 100,
    };
    let (log, hinted) = (segment(old.clone()), hints(old));
    let (log_path, hints_path) =
        (node.dir("commitlog").join(log.name()), node.dir("hints").join(hinted.name()));
    let (bytes, checksum) = hinted.bytes();
    fs::write(&log_path, log.bytes()).unwrap();
    fs::write(&hints_path, bytes).unwrap();
    fs::write(node.dir("hints").join(hinted.checksum_name()), &checksum).unwrap();
    let report = node.run(Box::new(LocalStorage)).unwrap();
    assert_eq!(report.failures().count(), 0, "{report:?}");
    assert_eq!(count(&report, |it| matches!(it, Outcome::Replaced)), 2);

    let iv_of = |file: &[u8]| -> [u8; 16] {
        let text = String::from_utf8_lossy(file).into_owned();
        let (_, rest) = text.split_once("\"encIV\":\"").unwrap();
        unhex(&rest[..32]).try_into().unwrap()
    };
    let new =
        |iv| Scheme::Apache { alias: "new".to_owned(), key: unhex(KEYSTORE_NEW), iv, block: 100 };
    let file = read(&log_path);
    let log_before = file.clone();
    assert_ne!(iv_of(&file), [7; 16]);
    let now = Segment { scheme: new(iv_of(&file)), ..log.clone() }.read(&file);
    let before = log.read(&log.bytes());
    assert_eq!(
        (now.parts, now.positions, now.header),
        (before.parts, before.positions, before.header)
    );
    let file = read(&hints_path);
    let after = Hints { scheme: new(iv_of(&file)), ..hinted.clone() };
    assert_eq!(after.read(&file).parts, hinted.blocks);
    let text = fs::read_to_string(node.dir("hints").join(hinted.checksum_name())).unwrap();
    assert_ne!(text, checksum);
    assert_eq!(node.verify().failures().count(), 0);

    // An alias that is longer does not fit.
    let cipher = "AES/CBC/PKCS5Padding".to_owned();
    node.keystore = Some(KeystoreAim { cipher, alias: "an alias that is longer".to_owned() });
    let report = node.run(Box::new(LocalStorage)).unwrap();
    let errors: Vec<_> = report.failures().map(ToString::to_string).collect();
    assert!(errors.iter().any(|error| error.contains("bytes longer")), "{errors:?}");
    assert_eq!(read(&log_path), log_before);
}
