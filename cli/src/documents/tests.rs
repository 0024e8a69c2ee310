//! Documents as this program writes them, and as they may come back.

use serde_json::{Value, json};

use super::*;

/// A small one of each kind.
fn samples() -> [Vec<u8>; 3] {
    let key = json!({"provider": "kmip", "group": "vault", "id": "02-449"});
    let fault = |message: &str| json!({"message": message, "cure": "look at it"});
    let run = json!({
        "report_version": 1, "tool": "sstablerekey 0.1.0", "run": "r", "attempt": 2,
        "earlier_attempts": [{"began": "2026-04-13T20:05:00.000Z", "ended": null, "why": null}],
        "user": "root", "began": "2026-04-13T20:05:00.000Z", "ended": "2026-04-13T20:06:00.000Z",
        "exit_status": 3, "directory": "/", "arguments": ["sstablerekey", "upgradesstables"],
        "data_directories": ["/d"], "node": {"host_id": "h"}, "flavor": null,
        "targets": [{"key": key, "state": "Active", "class": null, "options": {}}],
        "keys": [{"key": null, "before": {"live": 1, "archived": 0}, "after": {"live": 0, "archived": 0}}],
        "counts": {"rewritten": 1, "skipped": 0, "failed": 2, "left": 0, "copies": 0},
        "tables": {"ks.t": {"failed": {"sstables": 2, "bytes": 7}, "old_keys": []}},
        "alterations": [{"table": "ks.t", "statement": "ALTER"}],
        "findings": [fault("found")], "warnings": [],
        "sstables": [
            {"table": "ks.t", "outcome": "failed", "error": fault("broken")},
            {"table": "ks.t", "outcome": "rewritten", "new": "nb-1-big"},
        ],
    });
    let directory = json!({"path": "/d", "role": "data", "origin": "o", "is_there": true, "files": 1,
        "bytes": 2, "kinds": [{"kind": "sstable", "files": 1, "bytes": 2}], "digest": "ab"});
    let place = json!({"place": "snapshot", "tag": "t", "table": "ks.t", "sstables": 1, "files": 1,
        "bytes": 2, "chunks": 1, "oldest": null, "newest": null, "path": null});
    let lines = [
        json!({"type": "note", "message": "m"}),
        json!({"type": "key", "key": key, "state": null, "places": [place]}),
        json!({"type": "weakness", "message": "m", "path": null, "files": 1}),
        json!({"type": "unknown", "message": "m", "cure": null}),
        json!({"type": "summary", "time": "2026-04-13T20:05:00.000Z", "schema_version": 1,
            "command": "census", "exit_status": 3, "not_encrypted_sstables": 1,
            "not_encrypted_bytes": 5, "clear_chunks": 0, "archives_not_counted": 0,
            "directories": [directory]}),
    ];
    let census: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let evidence = json!({
        "format": 1, "tool": "t", "time": "2026-04-13T20:05:00Z", "host": "n1", "is_node": true,
        "node": null, "product": null, "directories": [directory],
        "keys": [{"key": key, "state": "Active", "uses": [place]}],
        "not_encrypted": {"files": 1, "bytes": 5}, "clear_chunks": 0, "findings": [], "unknowns": [],
        "ring": null, "last_rewrite": null, "last_start": null,
    });
    [run.to_string().into_bytes(), census.into_bytes(), evidence.to_string().into_bytes()]
}

fn parse(bytes: &[u8]) -> Result<One> {
    One::parse(bytes, Path::new("file"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn each_kind_is_known() {
    let [run, census, evidence] = samples();
    assert!(matches!(parse(&run), Ok(One::Run(report)) if report.failed.first.len() == 1));
    assert!(matches!(parse(&census), Ok(One::Census(census)) if census.keys.len() == 1));
    assert!(matches!(parse(&evidence), Ok(One::Evidence(_))));
}

/// Whatever is cut off or changed, it is an error that names the file, or a document.
#[test]
fn damage_is_an_error_with_its_place() {
    for sample in samples() {
        for end in 0..sample.trim_ascii_end().len() {
            let error = parse(&sample[..end]).unwrap_err();
            assert_eq!(error.path(), Some(Path::new("file")), "{error}");
            assert!(error.hint_text().is_some(), "{error}");
        }
        for at in 0..sample.len() {
            for byte in [b'"', b'9', b'{', 0xff, 0] {
                let mut bytes = sample.clone();
                bytes[at] = byte;
                if let Err(error) = parse(&bytes) {
                    assert_eq!(error.path(), Some(Path::new("file")), "{error}");
                }
            }
        }
    }
    let [run, census, _] = samples();
    let error =
        parse(text(&run).replace("\"attempt\":2", "\"attempt\":-2").as_bytes()).unwrap_err();
    assert!(error.chain().contains("line 1 column"), "{}", error.chain());
    let error = parse(text(&census).replace("\"files\":1", "\"files\":[]").as_bytes()).unwrap_err();
    assert!(error.chain().contains("no lines of census --json"), "{}", error.chain());
    let deep = format!("{{\"type\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(parse(deep.as_bytes()).is_err());
}

#[test]
fn a_census_that_did_not_end_is_none() {
    let [_, census, _] = samples();
    let census = text(&census);
    let cut =
        census.rsplit_once("{\"").map(|_| census.lines().take(4).collect::<Vec<_>>().join("\n"));
    let error = parse(cut.unwrap().as_bytes()).unwrap_err();
    assert!(error.chain().contains("last line of the census is missing"), "{}", error.chain());
    for (old, new, said) in [
        ("\"census\"", "\"verify\"", "lines of 'verify'"),
        ("\"schema_version\":1", "\"schema_version\":2", "version 2"),
        ("\"type\":\"weakness\"", "\"type\":\"error\"", "the command has failed: m"),
    ] {
        assert!(census.contains(old), "{old}");
        let error = parse(census.replace(old, new).as_bytes()).unwrap_err();
        assert!(error.chain().contains(said), "{}", error.chain());
    }
}

#[test]
fn what_a_newer_release_wrote_is_not_guessed_at() {
    let [run, _, evidence] = samples();
    for (sample, old, new) in [
        (run, "\"report_version\":1", "\"report_version\":2"),
        (evidence, "\"format\":1", "\"format\":2"),
    ] {
        let error = parse(text(&sample).replace(old, new).as_bytes()).unwrap_err();
        assert_eq!(error.kind(), rekey_engine::ErrorKind::Unsupported, "{error}");
    }
    // Fields that are added are passed over.
    let [run, ..] = samples();
    let mut more: Value = serde_json::from_slice(&run).unwrap();
    more["more"] = json!({"x": [1]});
    parse(more.to_string().as_bytes()).unwrap();
    for other in ["{}", "[]", "{\"a\": 1}", "\"x\"", "", "null"] {
        let error = parse(other.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), rekey_engine::ErrorKind::Invalid, "{other}: {error}");
    }
}

#[test]
fn of_very_many_failures_the_first_are_kept() {
    let [run, ..] = samples();
    let mut report: Value = serde_json::from_slice(&run).unwrap();
    let failed = report["sstables"][0].clone();
    report["sstables"] = vec![failed; 5000].into();
    let Ok(One::Run(report)) = parse(report.to_string().as_bytes()) else { panic!() };
    assert_eq!((report.failed.first.len(), report.failed.more), (50, 4950));
}
