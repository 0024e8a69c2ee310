use super::super::sample::evidence;
use super::super::{Encrypts, Evidence, KeyUses, Moment, Occasion, UnknownKind};
use super::*;

fn key() -> KeyName {
    KeyName::Kmip { group: "g".to_owned(), id: "k".to_owned() }
}

fn file(name: &str) -> KeyName {
    KeyName::LocalFile { file: name.to_owned(), transformation: "AES".to_owned(), strength: 128 }
}

fn used(place: Place) -> Use {
    Use {
        place,
        tag: (place == Place::Snapshot).then(|| "t 1".to_owned()),
        table: Some("ks.t".to_owned()),
        files: 2,
        bytes: 1,
        chunks: 1,
        oldest: None,
        newest: None,
        path: None,
    }
}

fn unknown(kind: UnknownKind, oldest: Option<i64>) -> Unknown {
    Unknown {
        kind,
        message: "it cannot be told".to_owned(),
        paths: vec!["/x".to_owned()],
        files: 3,
        cure: Some("look at it".to_owned()),
        oldest: oldest.map(Moment::from_seconds),
    }
}

fn judged(evidence: &Evidence) -> (Answer, Vec<Work>) {
    let verdict = verdict(&KeyQuery::exactly(&key()), evidence);
    (verdict.answer, verdict.reasons.iter().map(|reason| reason.work).collect())
}

const PLACES: [Place; 11] = [
    Place::Live,
    Place::NextWrites,
    Place::Snapshot,
    Place::Backup,
    Place::CommitLog,
    Place::CommitLogArchive,
    Place::Hints,
    Place::CdcRaw,
    Place::SavedCaches,
    Place::KeyTable,
    Place::Configuration,
];

#[test]
fn what_is_complete_and_clean_is_a_yes() {
    assert_eq!(judged(&evidence()), (Answer::Yes, vec![]));
}

#[test]
fn any_use_alone_is_a_no_with_a_step() {
    for place in PLACES {
        let mut evidence = evidence();
        evidence.keys = vec![KeyUses {
            key: key(),
            also: vec![],
            is_unread: false,
            state: None,
            uses: vec![used(place)],
        }];
        let verdict = verdict(&KeyQuery::exactly(&key()), &evidence);
        assert_eq!((verdict.answer, verdict.reasons.len()), (Answer::No, 1), "{place:?}");
        assert!(!verdict.reasons[0].steps.is_empty() && !verdict.reasons[0].what.is_empty());
        // Of another key it is none.
        evidence.keys[0].key = KeyName::Kmip { group: "g".to_owned(), id: "other".to_owned() };
        assert_eq!(judged(&evidence), (Answer::Yes, vec![]), "{place:?}");
    }
}

#[test]
fn reasons_come_in_the_order_of_the_work() {
    let mut evidence = evidence();
    let uses = PLACES.iter().rev().map(|place| used(*place)).collect();
    evidence.keys = vec![KeyUses { key: key(), also: vec![], is_unread: false, state: None, uses }];
    evidence.unknowns =
        vec![unknown(UnknownKind::Foreign, None), unknown(UnknownKind::Search, None)];
    evidence.last_start = None;
    let (answer, work) = judged(&evidence);
    assert_eq!(answer, Answer::No);
    assert_eq!(work.len(), PLACES.len() + 3);
    assert!(work.is_sorted());
    assert_eq!((work[0], work[work.len() - 1]), (Work::Live, Work::Start));
}

#[test]
fn what_cannot_be_judged_is_unknown_for_every_key() {
    for (kind, answer) in [
        (UnknownKind::Search, Answer::No),
        (UnknownKind::DseIndex, Answer::No),
        (UnknownKind::SavedCache, Answer::No),
        (UnknownKind::Unreadable, Answer::Unknown),
        (UnknownKind::Foreign, Answer::Unknown),
        (UnknownKind::Unfinished, Answer::Unknown),
        (UnknownKind::NotLookedAt, Answer::Unknown),
    ] {
        let mut evidence = evidence();
        // However young it is: what was written under which key nobody can tell.
        for oldest in [None, Some(1_000), Some(1_001), Some(9_000)] {
            evidence.unknowns = vec![unknown(kind, oldest)];
            assert_eq!(judged(&evidence).0, answer, "{kind:?}");
        }
    }
}

#[test]
fn every_directory_of_a_node_counts() {
    for left_out in 0..4 {
        let mut gone = evidence();
        gone.directories.remove(left_out);
        assert_eq!(judged(&gone), (Answer::Unknown, vec![Work::NotLookedAt]), "{left_out}");
        let mut unmounted = evidence();
        unmounted.directories[left_out].is_there = false;
        assert_eq!(judged(&unmounted).0, Answer::Unknown, "{left_out}");
        // Copied data has no others, and no start.
        gone.is_node = false;
        gone.last_start = None;
        assert_eq!(judged(&gone).0 == Answer::Yes, left_out != 0, "{left_out}");
    }
}

#[test]
fn the_node_must_have_been_started_since() {
    let at = |seconds| Occasion { time: Moment::from_seconds(seconds), origin: String::new() };
    for (rewrite, start, answer) in [
        (Some(10), Some(11), Answer::Yes),
        (Some(10), Some(10), Answer::AfterNextStart),
        (Some(10), Some(9), Answer::AfterNextStart),
        (Some(10), None, Answer::AfterNextStart),
        (None, Some(1), Answer::Yes),
        (None, None, Answer::AfterNextStart),
    ] {
        let mut evidence = evidence();
        (evidence.last_rewrite, evidence.last_start) = (rewrite.map(at), start.map(at));
        assert_eq!(judged(&evidence).0, answer, "{rewrite:?} {start:?}");
    }
}

#[test]
fn the_command_for_a_table_fits_its_key() {
    let words = |key: KeyName, written: Option<&str>| {
        let mut evidence = evidence();
        let mut uses = vec![used(Place::Live), used(Place::Snapshot)];
        uses[0].table = Some("ks.t.by_n".to_owned());
        evidence.keys = vec![KeyUses {
            key: key.clone(),
            also: vec!["/srv/k".to_owned()],
            is_unread: false,
            state: None,
            uses,
        }];
        if let Some(name) = written {
            let uses = vec![used(Place::NextWrites)];
            evidence.keys.push(KeyUses {
                key: file(name),
                also: vec![],
                is_unread: false,
                state: None,
                uses,
            });
        }
        let verdict = verdict(&KeyQuery::exactly(&key), &evidence);
        let of_snapshots =
            &verdict.reasons.iter().find(|r| r.work == Work::Snapshots).unwrap().steps;
        assert_eq!(of_snapshots[0], Step::Other("nodetool clearsnapshot -t 't 1'".to_owned()));
        let own = verdict.reasons[0].steps.iter().map(|step| match step {
            Step::Own(commands) => {
                commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" && ")
            }
            other => panic!("{other:?}"),
        });
        own.collect::<Vec<_>>()
    };
    let with_file = "upgradesstables -a --create-key --set secret_key_file=/k.new ks t";
    assert_eq!(words(key(), None), ["upgradesstables -a --create-key ks t"]);
    // Without a row in the schema a table has its own options: nothing would be done without others.
    assert_eq!(words(file("/k"), None), [with_file]);
    assert_eq!(words(file("/k"), Some("/k")), [with_file]);
    assert_eq!(words(file("/k"), Some("/new")), ["upgradesstables -a ks t"]);
    // A relative path would be refused.
    let whole = "upgradesstables -a --create-key --set secret_key_file=/srv/k.new ks t";
    assert_eq!(words(file("k"), None), [whole]);
}

#[test]
fn files_beside_the_tables_are_re_encrypted_where_they_were_found() {
    let step = |place, key: KeyName, role, encrypts| {
        let mut evidence = evidence();
        evidence.encrypts = Encrypts { commit_log: encrypts, hints: encrypts };
        for directory in &mut evidence.directories {
            directory.role = role;
        }
        evidence.directories.truncate(2);
        evidence.directories[1].is_there = false;
        evidence.directories[0].path = "/a".to_owned();
        evidence.keys = vec![KeyUses {
            key: key.clone(),
            also: vec![],
            is_unread: false,
            state: None,
            uses: vec![used(place)],
        }];
        let verdict = verdict(&KeyQuery::exactly(&key), &evidence);
        let of_place = verdict.reasons.iter().find(|reason| reason.answer == Answer::No).unwrap();
        of_place.steps.last().unwrap().clone()
    };
    let words = |place, key, role| match step(place, key, role, Some(true)) {
        Step::Own(commands) => commands[0].join(" "),
        other => panic!("{other:?}"),
    };
    let alias = KeyName::Keystore { alias: "a".to_owned() };
    for (place, role, expected) in [
        (Place::CommitLog, Role::CommitLog, "--only=commitlog --commitlog-dir=/a"),
        (Place::CommitLogArchive, Role::CommitLogArchive, "--only=commitlog --commitlog-dir=/a"),
        (Place::CdcRaw, Role::CdcRaw, "--only=commitlog --commitlog-dir=/a"),
        (Place::Hints, Role::Hints, "--only=hints --hints-dir=/a"),
    ] {
        assert_eq!(words(place, alias.clone(), role), format!("upgradesstables -a {expected}"));
        let created = format!("upgradesstables -a --create-key {expected}");
        assert_eq!(words(place, key(), role), created);
        // One of another role is not meant.
        assert!(!words(place, key(), Role::Data).contains("/a"));
        // Where the configuration does not encrypt, nobody says what they are to become.
        let Step::Do(in_words) = step(place, key(), role, Some(false)) else { panic!() };
        assert!(in_words.contains("--compression MAP"), "{in_words}");
        assert!(matches!(step(place, key(), role, None), Step::Own(_)), "a server has many keys");
        let by_store = step(place, alias.clone(), role, None);
        assert!(!matches!(by_store, Step::Own(_)), "cassandra.yaml has its aliases");
        let is_log = place != Place::Hints;
        match step(place, file("/k"), role, None) {
            Step::Do(words) => assert!(is_log && words.contains("not longer"), "{words}"),
            Step::Own(commands) => {
                let words = commands[0].join(" ");
                assert!(!is_log && words.contains("--set secret_key_file=/k.new"), "{words}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn evidence_survives_its_json() {
    let mut evidence = evidence();
    let uses = PLACES.iter().map(|place| used(*place)).collect();
    evidence.keys = vec![KeyUses {
        key: key(),
        also: vec![],
        is_unread: false,
        state: Some("Active".to_owned()),
        uses,
    }];
    evidence.unknowns = vec![unknown(UnknownKind::Search, Some(7))];
    let json = evidence.to_json().unwrap();
    let path = std::path::Path::new("r.json");
    assert_eq!(Evidence::parse(&json, path).unwrap(), evidence);
    // The names are those that the rest of the program prints.
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    let uses = value["keys"][0]["uses"].as_array().unwrap();
    assert!(uses.iter().zip(PLACES).all(|(own, place)| own["place"] == place.name()));
    assert_eq!(value["unknowns"][0]["kind"], UnknownKind::Search.name());
    assert_eq!(value["directories"][1]["role"], Role::CommitLog.name());
}

#[test]
fn what_is_no_report_is_refused_with_its_line() {
    let json = String::from_utf8(evidence().to_json().unwrap()).unwrap();
    let path = std::path::Path::new("r.json");
    let parse = |text: &str| Evidence::parse(text.as_bytes(), path).unwrap_err();
    for end in [0, 1, json.len() / 2, json.len() - 3] {
        let error = parse(&json[..end]);
        assert!(error.chain().starts_with("r.json: not a report of may-destroy: "), "{error}");
        assert!(error.chain().contains("line"), "{}", error.chain());
    }
    let newer = parse(&json.replace("\"format\": 1", "\"format\": 2"));
    assert_eq!(newer.kind(), crate::ErrorKind::Unsupported);
    for (old, new) in [
        ("\"commit_log\"", "\"elsewhere\""),
        ("\"is_there\": true", "\"is_there\": 1"),
        ("\"files\": 0", "\"files\": -1"),
        ("\"files\": 0", "\"files\": 99999999999999999999"),
        ("1970-01-01T00:50:00Z", "soon"),
    ] {
        assert!(json.contains(old), "{old}");
        assert_eq!(parse(&json.replace(old, new)).kind(), crate::ErrorKind::Invalid, "{new}");
    }
    let deep = format!("{{\"format\": 1, \"x\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    parse(&deep);
}
