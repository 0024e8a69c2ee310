//! `report`: a run, a census or evidence, in words and as a page.

mod page;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

use serde_json::{Value, json};

use self::page::Element;
use crate::kit::{Node, Run};

/// The page of some documents.
fn page(node: &Node, sources: &[&str]) -> Element {
    let file = node.root.path().join("page.html");
    let run = node.run(&[&["report", "--html", "page.html", "--force"], sources].concat());
    run.exits(0).says("page: page.html");
    let page = fs::read_to_string(file).unwrap();
    assert!(page.len() < 400_000, "{} bytes", page.len());
    let page = Element::parse(&page);
    is_self_contained(&page);
    page
}

/// Nothing in it is run or loaded, and it is right for everyone who reads it.
fn is_self_contained(page: &Element) {
    let html = page.named("html")[0];
    assert_eq!(html.attribute("lang"), "en");
    for element in page.all() {
        let is_plain = !["script", "link", "img", "iframe", "object", "base", "form", "a"]
            .contains(&element.name.as_str());
        assert!(is_plain, "<{}>", element.name);
        for (name, value) in &element.attributes {
            assert!(!name.starts_with("on"), "{name}={value}");
            assert!(!["src", "href", "style", "srcdoc"].contains(&name.as_str()), "{name}={value}");
        }
    }
    let meta = page.named("meta");
    let policy = meta.iter().find(|meta| meta.attribute("http-equiv") == "Content-Security-Policy");
    assert!(
        policy
            .unwrap()
            .attribute("content")
            .starts_with("default-src 'none'; style-src 'unsafe-inline'")
    );
    assert!(
        meta.iter().any(|meta| meta.attribute("content") == "width=device-width, initial-scale=1")
    );
    let style = &page.named("style")[0].text;
    for rule in
        ["@media screen and (prefers-color-scheme: dark)", "@media print", "(max-width: 30rem)"]
    {
        assert!(style.contains(rule), "{rule}");
    }
    assert!(
        !style.contains("@import")
            && style.matches("url(").eq(style.matches("url(#").map(|_| "url("))
    );
    for table in page.named("table") {
        assert_eq!(table.named("caption").len(), 1);
        for head in table.named("th") {
            assert!(["col", "row"].contains(&head.attribute("scope")), "{head:?}");
        }
    }
    let mut ids: Vec<_> =
        page.all().iter().map(|element| element.attribute("id").to_owned()).collect();
    ids.retain(|id| !id.is_empty());
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
    for section in page.named("section") {
        assert!(ids.iter().any(|id| id == section.attribute("aria-labelledby")), "{section:?}");
    }
    for bar in page.of_class("bar") {
        assert_eq!(bar.attribute("role"), "img");
        assert!(!bar.attribute("aria-label").is_empty(), "a picture is said in words, too");
    }
}

/// A node with a run that was cut off, and one SSTable that fails.
fn with_runs() -> Node {
    let node = Node::usual();
    let data = node.table().join("oa-2-big-Data.db");
    let mut bytes = fs::read(&data).unwrap();
    bytes[100] ^= 1;
    fs::write(&data, bytes).unwrap();
    node.upgrade(&["--stop-after", "1"]).exits(75);
    node.upgrade(&[]).exits(3);
    node
}

/// The newest report of a run.
fn newest(node: &Node) -> PathBuf {
    let reports = node.data().join(".sstablerekey/reports");
    let mut all: Vec<_> =
        fs::read_dir(reports).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all.pop().unwrap()
}

fn read(path: &PathBuf) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// Evidence of the node, as another one.
fn evidence(node: &Node, number: u32, change: impl Fn(&mut Value)) -> String {
    let kept = node.root.path().join("evidence.json");
    if !kept.exists() {
        node.read("may-destroy", &["keys/aes-cbc-256", "--report", "evidence.json"]);
    }
    let mut evidence = read(&kept);
    let ring = (1..=3).map(|number| json!({
        "host_id": format!("{number:032}"), "address": format!("10.0.0.{number}"), "data_center": "dc1",
        "rack": "r1",
    }));
    evidence["ring"] = ring.collect();
    evidence["host"] = format!("node{number}").into();
    evidence["node"] = json!({"host_id": format!("{number:032}"), "cluster": "shop"});
    change(&mut evidence);
    let name = format!("node{number}.json");
    fs::write(node.root.path().join(&name), evidence.to_string()).unwrap();
    name
}

#[test]
fn a_run_is_shown_with_its_verdict_its_keys_its_tables_and_its_times() {
    let node = with_runs();
    let newest = newest(&node);
    let report = read(&newest);
    let remarks = ["findings", "warnings"].map(|of| report[of].as_array().unwrap().len());
    let findings = format!("Findings ({})", remarks.iter().sum::<usize>());
    let page = page(&node, &["--data-dir", "data"]);
    assert_eq!(page.named("h1")[0].text, "Re-encryption run");
    let headings = [
        "Verdict",
        "Bytes by key",
        "Bytes by table",
        "Time line",
        "Failures (1)",
        &findings,
        "Directories looked at (1)",
        "Who, when, with what",
        "Shown from",
    ];
    assert_eq!(page.headings(), headings);
    assert_eq!(page.of_class("word")[0].text, "✗ Some failed");
    let verdict = page.section("Verdict");
    assert!(
        verdict.text.contains("2 SSTables rewritten") && verdict.text.contains("(exit status 3)")
    );
    let commands: Vec<_> = verdict.named("code").iter().map(|code| code.text.clone()).collect();
    assert!(
        commands.iter().any(|one| one.contains("upgradesstables -a --create-key")),
        "{commands:?}"
    );
    assert!(commands.iter().any(|one| one.starts_with("ALTER TABLE rk.t WITH")), "{commands:?}");
    // What it says is what the report says.
    let keys = page.section("Bytes by key");
    let labels: Vec<_> =
        keys.of_class("bar").iter().map(|bar| bar.attribute("aria-label").to_owned()).collect();
    assert_eq!(labels.len(), 4, "before and after of both keys: {labels:?}");
    assert!(labels.iter().all(|label| label.contains(": live ")), "{labels:?}");
    for under in report["keys"].as_array().unwrap() {
        let file = under["key"]["file"].as_str().unwrap();
        assert!(keys.text.contains(file), "{file}");
    }
    let rows = page.section("Bytes by table").rows();
    assert!(rows[1][0].starts_with("rk.t 4 SSTables, 1 failed"), "{rows:?}");
    let times = page.section("Time line").rows();
    assert!(times[1][0].starts_with("attempt 1 ended by its limit"), "{times:?}");
    assert!(times.iter().any(|row| row[0] == "rk.t"), "{times:?}");
    assert!(page.section("Failures (1)").text.contains("oa-2-big-Data.db: chunk 0"));
    assert!(
        page.section("Shown from").text.contains(newest.file_name().unwrap().to_str().unwrap())
    );
}

#[test]
fn nothing_of_a_document_is_markup() {
    let node = with_runs();
    let evil = [
        "<script>alert(1)</script>",
        "\"><svg onload=alert(1)>",
        "'--></style></table>",
        "&lt;b&gt; \u{202e}\u{0}\u{1b}[2J",
    ];
    let mut report = read(&newest(&node));
    let sum = json!({"rewritten": {"sstables": 1, "bytes": 9_000_000}, "old_keys": []});
    for evil in evil {
        report["tables"][evil] = sum.clone();
        for field in ["tool", "run", "user", "directory", "flavor"] {
            report[field] = evil.into();
        }
        report["arguments"] = json!([evil, evil]);
        report["data_directories"] = json!([evil]);
        report["node"] = json!({"host_id": evil, "cluster": evil, "rack": evil, "data_center": evil,
            "release_version": evil});
        report["alterations"] =
            json!([{"table": evil, "statement": evil}, {"table": evil, "statement": null}]);
        report["findings"] = json!([{"severity": evil, "message": evil, "cure": evil}]);
        report["keys"][0]["key"] = json!({"provider": "kmip", "group": evil, "id": evil});
        report["targets"][0]["state"] = evil.into();
        let failed =
            json!({"table": evil, "outcome": "failed", "error": {"message": evil, "cure": evil}});
        report["sstables"] = json!([failed]);
        fs::write(node.root.path().join("evil.json"), report.to_string()).unwrap();
        let page = page(&node, &["evil.json"]);
        let shown = evil.replace('\u{202e}', "\\u{202e}").replace('\u{0}', "\\u{0}");
        let shown = shown.replace('\u{1b}', "\\u{1b}");
        let count = page.text.matches(shown.as_str()).count();
        assert!(count > 10, "{shown} is text, {count} times");
    }
}

#[test]
fn thousands_of_tables_are_a_short_page_with_the_right_total() {
    let node = with_runs();
    let mut report = read(&newest(&node));
    let mut total = 0_u64;
    for number in 0..5000_u64 {
        let bytes = (number + 1) << 30;
        total += bytes;
        report["tables"][format!("ks.t{number:04}")] = json!({
            "rewritten": {"sstables": 1, "bytes": bytes}, "old_keys": [],
            "began": "2026-04-13T20:05:00.000Z", "ended": "2026-04-13T20:05:01.000Z",
        });
    }
    report["tables"].as_object_mut().unwrap().remove("rk.t");
    fs::write(node.root.path().join("big.json"), report.to_string()).unwrap();
    let page = page(&node, &["big.json"]);
    let tables = page.section("Bytes by table");
    let rows = tables.rows();
    assert_eq!(rows[1], ["ks.t4999 1 SSTable", "4.88 TiB"]);
    assert_eq!(tables.named("tbody").len(), 31);
    assert_eq!(rows[rows.len() - 3][0], "4970 others");
    let tib = |bytes: u64| format!("{:.2} PiB", bytes as f64 / (1_u64 << 50) as f64);
    assert_eq!(rows[rows.len() - 1], ["all", &tib(total)]);
    assert!(page.section("Time line").text.contains("and 4970 other tables"));
    node.run(&["report", "big.json"]).exits(0).says("4995 others");
}

#[test]
fn a_census_is_shown() {
    let node = with_runs();
    let census = node.read("census", &["--json"]);
    fs::write(node.root.path().join("census.json"), &census.out).unwrap();
    let page = page(&node, &["census.json"]);
    assert_eq!(page.named("h1")[0].text, "Census of keys");
    let word = if census.code == 0 { "✓ Complete" } else { "? Incomplete" };
    assert_eq!(page.of_class("word")[0].text, word);
    let keys = page.section("Bytes by key");
    assert_eq!(keys.of_class("bar").len(), census.of_type("key").len());
    assert!(keys.text.contains("keys/aes-cbc-256"));
    assert!(page.section("Encrypted bytes by table").text.contains("rk.t"));
    assert_eq!(page.named("footer")[0].section("Digests").named("dd")[0].text.len(), 64);
    // One that was cut off is none.
    // One after the other they are neither.
    fs::write(node.root.path().join("census.json"), census.out.repeat(2)).unwrap();
    node.run(&["report", "census.json"]).exits(2).says("more follows after the last line");
    let cut = census.out.lines().next().unwrap();
    fs::write(node.root.path().join("census.json"), cut).unwrap();
    node.run(&["report", "census.json"]).exits(2).says("the last line of the census is missing");
}

#[test]
fn the_evidence_of_a_cluster_says_who_is_missing() {
    let node = with_runs();
    let one = evidence(&node, 1, |_| {});
    let two = evidence(&node, 2, |evidence| evidence["keys"] = json!([]));
    let page = page(&node, &[&one, &two]);
    assert_eq!(page.of_class("subject")[0].text, "2 nodes, cluster shop");
    let words: Vec<_> = page.of_class("word").iter().map(|word| word.text.as_str()).collect();
    assert_eq!(words, ["✗ No", "✗ No"], "both keys are in use on the first node");
    let missing = page.section("Nodes of the ring without a report (1)");
    assert!(missing.text.contains("10.0.0.3, dc1, r1, host id 00000000000000000000000000000003"));
    assert!(page.section("Verdicts").text.contains("For every key"), "nobody knows of the third");
    assert!(page.section("Digests").text.contains("node2: "));
    let command = node.run(&["report", &one, &two]).exits(0);
    command.says("no report: 10.0.0.3").says("no: ").says("node1: ");
    // Only evidence is put together.
    let run = newest(&node);
    let refused = node.run(&["report", &one, run.to_str().unwrap()]).exits(2);
    refused.says("each must be a report of may-destroy").says("hint: ");
}

#[test]
fn the_answer_is_that_of_may_destroy() {
    let node = with_runs();
    for key in ["keys/aes-cbc-256", "new-key"] {
        let file = node.root.path().join(key);
        let key = if key == "new-key" { file.to_str().unwrap() } else { key };
        let asked = node.read("may-destroy", &[key, "--json"]);
        let verdict = &asked.of_type("verdict")[0];
        let one = evidence(&node, 1, |_| {});
        let page = page(&node, &[&one]);
        let shown =
            page.of_class("verdict").into_iter().find(|shown| shown.text.contains(key)).unwrap();
        let word = shown.of_class("word")[0].text.split_once(' ').unwrap().1.to_lowercase();
        assert_eq!(word.replace(' ', "_").replace("the_", ""), verdict["answer"].as_str().unwrap());
    }
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    let node = with_runs();
    let run = fs::read_to_string(newest(&node)).unwrap();
    let write =
        |name: &str, content: &str| fs::write(node.root.path().join(name), content).unwrap();
    write("empty", "");
    write("text", "no JSON");
    write("other", "{\"a\": 1}");
    write("cut", &run[..run.len() / 2]);
    write("typed", &run.replacen("\"attempt\": 2", "\"attempt\": \"two\"", 1));
    write("newer", &run.replacen("\"report_version\": 1", "\"report_version\": 2", 1));
    write("binary", "\u{0}\u{1}{");
    let long = fs::File::create_new(node.root.path().join("long")).unwrap();
    long.set_len(1 << 40).unwrap();
    for (name, code, part) in [
        ("absent", 2, "there is no such file"),
        ("empty", 2, "line 1"),
        ("text", 2, "line 1 column"),
        ("other", 2, "nothing says what it is"),
        ("cut", 2, "line "),
        ("typed", 2, "line "),
        ("newer", 1, "version 2"),
        ("binary", 2, "line 1"),
        ("long", 2, "longer than any document"),
        ("keys", 1, "regular file"),
    ] {
        for more in [&[][..], &["--json"], &["--html", "page.html"]] {
            let run = node.run(&[&["report", name], more].concat()).exits(code);
            assert!(run.text().contains(part) && run.text().contains(name), "{run:?}");
        }
    }
    assert!(!node.root.path().join("page.html").exists());
}

#[test]
fn a_page_replaces_nothing_unless_it_is_told_to() {
    let node = with_runs();
    let report = |more: &[&str]| node.read("report", &[&["--html", "page.html"], more].concat());
    let at = |name: &str| node.root.path().join(name);
    report(&[]).exits(0);
    assert_eq!(fs::metadata(at("page.html")).unwrap().permissions().mode() & 0o777, 0o600);
    fs::write(at("page.html"), "mine").unwrap();
    report(&[]).exits(2).says("page.html").says("--force");
    assert_eq!(fs::read(at("page.html")).unwrap(), b"mine");
    report(&["--force"]).exits(0);
    assert!(fs::read_to_string(at("page.html")).unwrap().starts_with("<!DOCTYPE html>"));
    fs::remove_file(at("page.html")).unwrap();
    fs::write(at("kept"), "kept").unwrap();
    symlink(at("kept"), at("page.html")).unwrap();
    report(&["--force"]).exits(2).says("only a regular file is replaced");
    assert_eq!(fs::read(at("kept")).unwrap(), b"kept");
    node.read("report", &["--html", "absent/page.html"]).exits(1).says("hint: ");
    node.read("report", &["--force"]).exits(2);
}

#[test]
fn without_a_document_the_newest_run_is_shown_and_the_others_are_named() {
    let node = Node::usual();
    node.read("report", &[]).exits(2).says("no run has left a report here").says("hint: ");
    node.upgrade(&["--report", "elsewhere"]).exits(0);
    node.read("report", &[]).exits(2);
    node.upgrade(&[]).exits(0);
    node.upgrade(&[]).exits(0);
    let text = node.read("report", &[]).exits(0).says("done: 4 SSTables unchanged");
    let lines = |word: &str| text.out.lines().filter(|line| line.starts_with(word)).count();
    assert_eq!((lines("from: "), lines("earlier: ")), (1, 1), "{text:?}");
    let last: Run = node.read("report", &["--json", "--html", "page.html"]).exits(0);
    let summary = &last.of_type("summary")[0];
    assert_eq!((&summary["kind"], &summary["verdicts"]), (&json!("run"), &json!(["Done"])));
    assert_eq!(summary["reports"].as_array().unwrap().len(), 2);
    assert_eq!(summary["sources"][0], summary["reports"][1]);
    assert_eq!(summary["html"], "page.html");
}
