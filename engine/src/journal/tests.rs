use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::frame::{self, JournalError};
use super::*;
use crate::io::{FileStat, LocalStorage, Storage as _};
use crate::sstable::{Component, Descriptor};

fn name(text: &str) -> Descriptor {
    Descriptor::parse(text).unwrap()
}

fn session() -> Attempt {
    Attempt { tool: "sstablerekey 1".to_owned(), sstables: 2, bytes: 300 }
}

fn site() -> Site {
    let run = RunId::from_bytes(*b"0123456789abcdef");
    Site { run, data_dirs: vec![PathBuf::from("/other"), PathBuf::from("/d")] }
}

fn below(path: &str) -> Location {
    Location::Below(1, PathBuf::from(path))
}

fn begun(sstable: u32, old: &str) -> Record {
    Record::Begun { sstable, directory: below("ks/t"), old: name(old), bytes: 100 }
}

fn staged(ranges: u64) -> Staged {
    let stat =
        FileStat { length: 7, modified: UNIX_EPOCH + Duration::new(1_700_000_000, 123_456_789) };
    let old = FileStat { length: 0, modified: UNIX_EPOCH - Duration::new(3, 5) };
    Staged {
        source: vec![
            SourceFile { component: Component::Data, stat },
            SourceFile { component: Component::Other("SAI+x".to_owned()), stat: old },
        ],
        directory: below(".sstablerekey/ks.t.oa-3-big"),
        step: 2 << 20,
        ranges,
        seed: vec![1, 2, 3],
    }
}

fn part(stage: Pass, first: u64, count: u64) -> Record {
    let run = Run { first, count, old_bytes: 10 * count, new_bytes: 11 * count };
    Record::Done(0, Part { stage, runs: vec![run], sealed: vec![9; 48] })
}

/// One of each kind, in an order that makes sense.
fn whole_life() -> Vec<Record> {
    vec![
        Record::Started(session(), Some(site()), plan()),
        begun(0, "oa-1-big"),
        Record::Staged(0, staged(4)),
        part(Pass::Write, 0, 1),
        Record::Resumed(session()),
        part(Pass::Write, 2, 2),
        part(Pass::Write, 1, 1),
        Record::Sealed { sstable: 0, files: vec![(Component::Data, 44), (Component::Toc, 3)] },
        part(Pass::ReadBack, 0, 4),
        Record::Verified { sstable: 0, new: name("oa-3-big") },
        Record::Linked { sstable: 0, copies: 3 },
        Record::Swapped { sstable: 0, new: name("oa-3-big") },
        begun(1, "oa-2-big"),
        Record::Failed { sstable: 1, why: "it is damaged".to_owned() },
        begun(2, "oa-4-big"),
        Record::Dropped { sstable: 2, why: "it is gone".to_owned() },
        Record::Progress { rewritten: 1000, read_back: 500 },
        Record::Ended(Ending::Deadline),
    ]
}

fn plan() -> Vec<(String, String)> {
    vec![("target".to_owned(), "{'class': 'x'}".to_owned())]
}

/// The same, as formats 1 and 2 wrote it.
fn with_absolute_paths(records: &[Record]) -> Vec<Record> {
    let absolute = |place: &mut Location| {
        if let Location::Below(_, path) = place {
            *place = Location::Absolute(Path::new("/d").join(path));
        }
    };
    let mut records = records.to_vec();
    for record in &mut records {
        match record {
            Record::Started(_, site, _) => *site = None,
            Record::Begun { directory, .. } => absolute(directory),
            Record::Staged(_, staged) => absolute(&mut staged.directory),
            _ => {}
        }
    }
    records.truncate(14);
    records
}

/// A journal, and where each of its frames begins.
fn journal(records: &[Record]) -> (Vec<u8>, Vec<usize>) {
    let (mut bytes, mut starts) = (frame::head(), Vec::new());
    for record in records {
        starts.push(bytes.len());
        let durable = if bytes.len() > frame::head().len() { bytes.len() as u64 } else { 0 };
        bytes.extend(frame::frame(&record.encode(), durable, 1_700_000_000_000).unwrap());
    }
    (bytes, starts)
}

fn read(records: &[Record]) -> Result<Option<History>, JournalError> {
    History::read(&journal(records).0)
}

#[test]
fn records_read_back_as_written() {
    for record in whole_life().into_iter().chain(with_absolute_paths(&whole_life())) {
        assert_eq!(Record::decode(&record.encode()), Ok(record));
    }
}

/// This program never writes such records; an attacker who could would have files removed
/// elsewhere.
#[test]
fn a_path_that_leaves_its_data_directory_is_refused() {
    for path in ["", "/etc", "../x", "ks/../../x", "ks/.."] {
        for record in [
            Record::Begun { sstable: 0, directory: below(path), old: name("oa-1-big"), bytes: 1 },
            Record::Staged(0, Staged { directory: below(path), ..staged(1) }),
        ] {
            let error = Record::decode(&record.encode()).unwrap_err();
            assert!(error.contains("leaves"), "{path}: {error}");
        }
    }
    let relative = Location::Absolute(PathBuf::from("ks/t"));
    let up = Location::Absolute(PathBuf::from("/d/../t"));
    for directory in [relative, up] {
        let record = Record::Begun { sstable: 0, directory, old: name("oa-1-big"), bytes: 1 };
        assert!(Record::decode(&record.encode()).unwrap_err().contains("canonical"));
    }
    let elsewhere = Location::Below(2, PathBuf::from("ks/t"));
    let record =
        Record::Begun { sstable: 0, directory: elsewhere, old: name("oa-1-big"), bytes: 1 };
    let error = read(&[whole_life()[0].clone(), record]).unwrap_err();
    assert!(matches!(error, JournalError::Record { number: 2, .. }), "{error}");
}

#[test]
fn paths_move_with_their_data_directories() {
    let mut history = read(&whole_life()[..8]).unwrap().unwrap();
    let entry = history.sstables[&0].clone();
    assert_eq!(entry.directory, Path::new("/d/ks/t"));
    history.relocate(&[PathBuf::from("/d"), PathBuf::from("/elsewhere")]);
    let moved = &history.sstables[&0];
    assert_eq!(moved.directory, Path::new("/elsewhere/ks/t"));
    let staged = moved.staged.as_ref().unwrap();
    assert_eq!(staged.directory, Path::new("/elsewhere/.sstablerekey/ks.t.oa-3-big"));
    assert_eq!((moved.state, &moved.parts), (entry.state, &entry.parts));
}

#[test]
fn the_history_of_a_run_is_read_back() {
    let records = whole_life();
    let states: Vec<_> = (1..=records.len())
        .map(|count| {
            let history = read(&records[..count]).unwrap().unwrap();
            history.sstables.get(&0).map(|entry| (entry.state, entry.done(Pass::Write)))
        })
        .collect();
    let begun = Some((State::Begun, 0));
    let durable = |bytes| Some((State::Durable, bytes));
    let (sealed, verified) = (Some((State::Sealed, 100)), Some((State::Verified, 100)));
    let swapped = Some((State::Swapped, 100));
    assert_eq!(
        states,
        [
            None,
            begun,
            begun,
            durable(10),
            durable(10),
            durable(30),
            durable(40),
            sealed,
            sealed,
            verified,
            verified,
            swapped,
            swapped,
            swapped,
            swapped,
            swapped,
            swapped,
            swapped
        ]
    );
    let last = |count: usize| read(&records[..count]).unwrap().unwrap().sessions.pop().unwrap();
    assert_eq!((last(17).by_then, last(17).ending), ((1000, 500), None));
    assert_eq!(last(18).ending, Some(Ending::Deadline));
    let at_rest = |count: usize| read(&records[..count]).unwrap().unwrap().is_at_rest();
    assert!(at_rest(18) && !at_rest(17) && !at_rest(8));
    let begun_again = [&records[..], &[Record::Resumed(session())]].concat();
    assert!(!read(&begun_again).unwrap().unwrap().is_at_rest());
    let history = read(&records).unwrap().unwrap();
    assert_eq!(history.sstables[&1].state, State::Failed);
    assert_eq!((history.next_number(), history.sstables.len()), (2, 2));
    assert_eq!(history.resumable().count(), 0);
    // What each process has done: the second one did the rest of the first SSTable.
    let done: Vec<_> = history.sessions.iter().map(|s| (s.rewritten, s.read_back)).collect();
    assert_eq!(done, [(10, 0), (90, 100)]);
}

#[test]
fn an_sstable_that_starts_over_replaces_its_first_attempt() {
    let records = whole_life();
    let again = [&records[..4], &[begun(1, "oa-1-big")]].concat();
    let history = read(&again).unwrap().unwrap();
    let (number, entry) = history.sstables.last_key_value().unwrap();
    assert_eq!((&*entry.directory, &entry.old), (Path::new("/d/ks/t"), &name("oa-1-big")));
    assert_eq!((*number, entry.state, history.sstables.len()), (1, State::Begun, 1));
}

#[test]
fn a_senseless_record_is_refused_with_its_number() {
    let all = whole_life();
    let sealed = Record::Sealed { sstable: 0, files: vec![] };
    let wrong: Vec<(usize, Vec<Record>)> = vec![
        (1, vec![begun(0, "oa-1-big")]),
        (2, vec![all[0].clone(), all[0].clone()]),
        (2, vec![all[0].clone(), part(Pass::Write, 0, 1)]),
        (3, [&all[..2], &[part(Pass::Write, 0, 1)]].concat()),
        (3, [&all[..2], &[begun(0, "oa-9-big")]].concat()),
        (4, [&all[..3], &[all[2].clone()]].concat()),
        (4, [&all[..3], &[part(Pass::ReadBack, 0, 1)]].concat()),
        (4, [&all[..3], &[part(Pass::Write, 3, 2)]].concat()),
        (4, [&all[..3], &[part(Pass::Write, 0, 0)]].concat()),
        (5, [&all[..4], &[part(Pass::Write, 0, 2)]].concat()),
        (5, [&all[..4], &[sealed]].concat()),
        (9, [&all[..8], &[Record::Verified { sstable: 0, new: name("oa-3-big") }]].concat()),
        (12, [&all[..11], &[part(Pass::ReadBack, 0, 1)]].concat()),
    ];
    for (at, records) in wrong {
        let error = read(&records).unwrap_err();
        assert!(
            matches!(error, JournalError::Record { number, .. } if number == at),
            "{error} {at}"
        );
    }
}

#[test]
fn a_torn_tail_is_cut_off_and_damage_before_it_is_not() {
    let (bytes, starts) = journal(&whole_life());
    let last = *starts.last().unwrap();
    let without_last = History::read(&bytes[..last]).unwrap().unwrap();
    for end in last + 1..bytes.len() {
        let mut torn = without_last.clone();
        torn.is_torn = true;
        assert_eq!(History::read(&bytes[..end]), Ok(Some(torn)), "cut at {end}");
    }
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let found = History::read(&damaged);
        if at >= last {
            assert_eq!(found.unwrap().unwrap().length, last as u64, "byte {at}");
        } else {
            let error = found.expect_err(&format!("byte {at}"));
            let frame = starts.iter().rposition(|start| *start <= at);
            match frame {
                Some(frame) => assert_eq!(error, JournalError::Damaged(starts[frame] as u64)),
                None => assert!(!matches!(error, JournalError::Record { .. }), "{error}"),
            }
        }
    }
}

/// Frames that were not awaited may reach the disk in any order.
#[test]
fn a_hole_among_frames_that_were_never_durable_is_a_torn_tail() {
    let records = whole_life();
    let (mut bytes, starts) = journal(&records[..2]);
    let durable = bytes.len() as u64;
    let mut hole = 0..0;
    for (number, record) in records[2..6].iter().enumerate() {
        let frame = frame::frame(&record.encode(), durable, 0).unwrap();
        if number == 1 {
            hole = bytes.len()..bytes.len() + frame.len();
        }
        bytes.extend(frame);
    }
    assert_eq!(starts.len(), 2);
    bytes[hole.clone()].fill(0);
    let history = History::read(&bytes).unwrap().unwrap();
    assert_eq!((history.length, history.is_torn), (hole.start as u64, true));
    // If a frame after it had been written when it was durable, it would be damage.
    bytes.extend(frame::frame(&records[6].encode(), hole.end as u64, 0).unwrap());
    assert_eq!(History::read(&bytes), Err(JournalError::Damaged(hole.start as u64)));
}

#[test]
fn a_beginning_that_was_never_durable_is_not_a_journal() {
    let (bytes, _) = journal(&whole_life()[..1]);
    for end in 0..bytes.len() {
        assert_eq!(History::read(&bytes[..end]), Ok(None), "cut at {end}");
        let mut zeros = bytes.clone();
        zeros[..end].fill(0);
        if end > 0 {
            assert_eq!(History::read(&zeros), Ok(None), "zeros to {end}");
        }
    }
    assert!(History::read(&bytes).unwrap().is_some());
}

#[test]
fn other_files_and_newer_formats_are_refused() {
    let (bytes, _) = journal(&whole_life());
    assert_eq!(History::read(b"{\"a\": 1}"), Err(JournalError::Foreign));
    assert_eq!(History::read(b"x"), Err(JournalError::Foreign));
    let mut newer = bytes;
    newer[9] = 4;
    assert_eq!(History::read(&newer), Err(JournalError::Format(4)));
}

/// A reader's work is bounded, whatever the tail is.
#[test]
fn a_tail_of_frame_markers_is_searched_in_bounded_time() {
    let (mut bytes, _) = journal(&whole_life());
    let end = bytes.len();
    let mut evil = vec![0x9d, b'R', b'e', 0xc5, 0, 0, 0xff, 0xff];
    evil.extend_from_slice(&u64::MAX.to_be_bytes());
    bytes.extend(evil.repeat(12_000));
    assert_eq!(History::read(&bytes).unwrap().unwrap().length, end as u64);
    bytes.extend(evil.repeat(8_000));
    assert_eq!(History::read(&bytes), Err(JournalError::Damaged(end as u64)));
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _any = History::read(&bytes);
        let _any = Record::decode(&bytes);
        // After an intact frame, too: then the records are read.
        let mut whole = frame::head();
        whole.extend(frame::frame(&whole_life()[0].encode(), 0, 0).unwrap());
        whole.extend(frame::frame(&bytes, 0, i64::MIN).unwrap());
        let _any = History::read(&whole);
    }

    #[test]
    fn a_flipped_record_is_read_or_refused(which in 0_usize..18, at in any::<usize>(), bit in 0_u8..8) {
        let mut bytes = whole_life()[which].encode();
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        let _any = Record::decode(&bytes);
    }
}

#[test]
fn a_journal_is_written_resumed_and_read() {
    let directory = tempfile::tempdir().unwrap();
    let records = whole_life();
    let journal =
        Journal::start(&LocalStorage, directory.path(), session(), site(), plan()).unwrap();
    assert_eq!(journal.begin(Path::new("/d/ks/t"), &name("oa-1-big"), 100).unwrap(), 0);
    for record in &records[2..4] {
        journal.append(record, Durability::Later).unwrap();
    }
    journal.append(&records[5], Durability::Now).unwrap();
    drop(journal);
    let path = directory.path().join(JOURNAL_FILE);
    let torn = LocalStorage.reopen(&path).unwrap();
    let length = LocalStorage.stat(&path).unwrap().unwrap().length;
    torn.write_at(b"half a frame", length).unwrap();

    let history = History::open(&LocalStorage, directory.path()).unwrap().unwrap();
    assert!(history.is_torn && history.plan == plan() && history.site == Some(site()));
    let journal = Journal::resume(&LocalStorage, directory.path(), &history, session()).unwrap();
    assert_eq!(journal.begin(Path::new("/d/ks/t"), &name("oa-2-big"), 100).unwrap(), 1);
    journal.append(&records[6], Durability::Now).unwrap();
    let history = History::open(&LocalStorage, directory.path()).unwrap().unwrap();
    assert_eq!((history.is_torn, history.sessions.len()), (false, 2));
    assert_eq!(history.sstables[&0].written.count(), 4);

    let nowhere = directory.path().join("nowhere");
    assert_eq!(History::open(&LocalStorage, &nowhere).unwrap(), None);
}

/// What follows a hole must not come back when the hole is filled.
#[test]
fn a_torn_tail_is_cut_off_when_the_journal_is_resumed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(JOURNAL_FILE);
    drop(Journal::start(&LocalStorage, directory.path(), session(), site(), vec![]).unwrap());
    let length = LocalStorage.stat(&path).unwrap().unwrap().length;
    let frame = |record: &Record| frame::frame(&record.encode(), length, 0).unwrap();
    // Exactly as long as the record that will be written in its place.
    let hole = frame(&Record::Resumed(session())).len();
    let lost = frame(&begun(0, "oa-1-big"));
    let file = LocalStorage.reopen(&path).unwrap();
    file.write_at(&lost, length + hole as u64).unwrap();
    let history = History::open(&LocalStorage, directory.path()).unwrap().unwrap();
    assert_eq!((history.length, history.is_torn), (length, true));
    drop(Journal::resume(&LocalStorage, directory.path(), &history, session()).unwrap());
    let history = History::open(&LocalStorage, directory.path()).unwrap().unwrap();
    assert_eq!((history.sstables.len(), history.sessions.len()), (0, 2));
}

/// The reader relies on it: the part that is not durable is bounded.
#[test]
fn records_for_later_are_made_durable_in_time() {
    let directory = tempfile::tempdir().unwrap();
    let journal =
        Journal::start(&LocalStorage, directory.path(), session(), site(), vec![]).unwrap();
    for number in 0..8_000 {
        let record = Record::Begun {
            sstable: number,
            directory: below("ks/t"),
            old: name(&format!("oa-{number}-big")),
            bytes: 1,
        };
        journal.append(&record, Durability::Later).unwrap();
    }
    let mut bytes = LocalStorage.read(&directory.path().join(JOURNAL_FILE), 1 << 20).unwrap();
    assert!(bytes.len() > 500_000, "{}", bytes.len());
    bytes[100_000] ^= 1;
    assert!(matches!(History::read(&bytes), Err(JournalError::Damaged(_))));
}

/// When a journal of format 2 is resumed, it gets no record that its format lacks: the release that
/// wrote it can still resume it.
#[test]
fn a_journal_of_an_older_format_stays_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(JOURNAL_FILE);
    LocalStorage.create(&path).unwrap().write_at(&fixture("format-2"), 0).unwrap();
    let history = History::open(&LocalStorage, directory.path()).unwrap().unwrap();
    let journal = Journal::resume(&LocalStorage, directory.path(), &history, session()).unwrap();
    let number = journal.begin(Path::new("/d/ks/t"), &name("oa-9-big"), 100).unwrap();
    journal.tell(&Record::Progress { rewritten: 1, read_back: 0 }).unwrap();
    journal.tell(&Record::Ended(Ending::Limit)).unwrap();
    journal.tell(&Record::Dropped { sstable: number, why: "it is gone".to_owned() }).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(bytes[9], 2);
    let found = frame::read(&bytes).unwrap().unwrap();
    assert!(found.frames.iter().all(|(_, payload)| bytes[payload.start] <= 10));
    let history = History::read(&bytes).unwrap().unwrap();
    assert_eq!(history.sstables[&number].directory, Path::new("/d/ks/t"));
    assert_eq!(history.sstables[&number].state, State::Failed);
}

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/journals").join(name);
    std::fs::read(path).unwrap()
}

/// The fixtures below have one of each kind: a new kind needs one, too, or another format.
#[test]
fn every_kind_of_record_is_in_a_whole_life() {
    let kinds: std::collections::BTreeSet<u8> = whole_life()
        .iter()
        .chain(&with_absolute_paths(&whole_life()))
        .map(|record| record.encode()[0])
        .collect();
    for kind in 0..=u8::MAX {
        let is_known = Record::decode(&[kind]) != Err("its kind is unknown");
        assert_eq!(is_known, kinds.contains(&kind), "kind {kind}");
    }
}

/// `testdata/journals/format-1` holds [`whole_life`] as the first release wrote it, without copies;
/// `format-2` as the next one did, with absolute paths; and `format-3` as this release does. They
/// are never changed; a new format gets another file beside them.
#[test]
fn journals_of_all_formats_stay_readable() {
    let (written, _) = journal(&whole_life());
    // The same is written today; anything else would be another format.
    assert_eq!((frame::FORMAT, fixture("format-3") == written), (3, true));

    let mut records = with_absolute_paths(&whole_life());
    let mut as_of = |format: u8| {
        if format == 1 {
            records.retain(|record| !matches!(record, Record::Linked { .. }));
        }
        let (mut written, _) = journal(&records);
        written[9] = format;
        let copies = if format == 1 { 0 } else { 3 };
        assert_eq!(History::read(&written).unwrap().unwrap().sstables[&0].copies, copies);
        (written, fixture(&format!("format-{format}")))
    };
    for format in [2, 1] {
        let (written, fixture) = as_of(format);
        assert_eq!(fixture, written, "format {format}");
    }
}
