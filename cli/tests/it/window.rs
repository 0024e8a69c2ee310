//! Before a maintenance window: will it suffice? After it: the report.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::kit::{Node, Run};
use crate::schema::Schema;

fn reports(directory: &Path) -> Vec<Value> {
    let mut paths: Vec<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        let report = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        Schema::documented().check_report(&report);
        report
    };
    paths.iter().map(read).collect()
}

#[test]
fn a_window_that_is_too_short_is_status_3() {
    let node = Node::usual();
    let run = node.plan(&["--create-key", "--window", "1ms"]).exits(3);
    run.says("measured: ").says("warning: the window of 0 s is ").says("--deadline");
    node.plan(&["--create-key", "--window", "24h"]).exits(0).says("which suffices");
    let run = node.plan(&["--create-key", "--window", "24h", "--json"]).exits(0);
    let measure = &run.of_type("measure")[0];
    assert!(measure["bytes_per_second"].as_u64().unwrap() > 0);
    assert_eq!((&measure["sstables"], &measure["suffices"]), (&4.into(), &true.into()));
    assert_eq!(run.of_type("summary")[0]["window_suffices"], true);
    assert!(!node.data().join(".sstablerekey").exists(), "nothing is left");
    for wrong in ["0s", "05:00", "soon"] {
        node.plan(&["--create-key", "--window", wrong]).exits(2).says("1h30m");
    }
}

#[test]
fn what_needs_nothing_fits_every_window() {
    let node = Node::usual();
    node.upgrade(&[]).exits(0);
    node.plan(&["--window", "1ms"]).exits(0).says("nothing is to be rewritten");
    node.plan(&["--window", "1ms", "rk.nope"]).exits(2);
}

#[test]
fn each_run_leaves_a_report() {
    let node = Node::usual();
    let run = node.upgrade(&["--json"]).exits(0);
    let path = run.of_type("summary")[0]["report"].as_str().unwrap().to_owned();
    let directory = node.data().join(".sstablerekey/reports");
    assert_eq!(Path::new(&path).parent().unwrap(), directory.canonicalize().unwrap());
    let report = &reports(&directory)[0];
    for field in ["tool", "run", "user", "began", "ended", "directory", "flavor"] {
        assert!(report[field].is_string(), "{field}: {report}");
    }
    assert_eq!((&report["exit_status"], &report["attempt"]), (&0.into(), &1.into()));
    assert_eq!(report["node"], Value::Null, "it has no system.local");
    assert!(report["arguments"].as_array().unwrap().contains(&"--create-key".into()));
    assert_eq!(report["old_keys"][0]["file"], "keys/aes-cbc-256");
    assert!(report["targets"][0]["key"]["file"].as_str().unwrap().ends_with("new-key"));
    assert_eq!(report["tables"]["rk.t"]["rewritten"]["sstables"], 4);
    assert_eq!(report["tables"]["rk.t"]["old_keys"][0]["sstables"], 4);
    assert_eq!(report["sstables"].as_array().unwrap().len(), 4);
    assert_eq!(report["counts"]["rewritten"], 4);
    let [new, old] = &report["keys"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!((&new["before"]["live"], &old["after"]["live"]), (&0.into(), &0.into()));
    assert_eq!(new["after"]["live"], report["tables"]["rk.t"]["rewritten"]["bytes"]);
    assert_eq!(old["before"]["live"], report["tables"]["rk.t"]["old_keys"][0]["bytes"]);
    let times = |of: &Value| ["began", "ended"].map(|name| of[name].as_str().unwrap().to_owned());
    let ([began, ended], [first, last]) = (times(report), times(&report["tables"]["rk.t"]));
    assert!(began <= first && first < last && last <= ended, "{report}");
    for line in report["sstables"].as_array().unwrap() {
        let [began, ended] = times(line);
        assert!(first <= began && began <= ended && ended <= last, "{line}");
    }
    node.upgrade(&[]).exits(0).says("report: ");
    assert_eq!(reports(&directory).len(), 2, "none is replaced");
    let again = &reports(&directory)[1];
    assert_eq!(again["tables"]["rk.t"]["skipped"]["sstables"], 4);
    assert_eq!(again["tables"]["rk.t"]["began"], Value::Null, "nobody has worked on it");
    let [only] = &again["keys"].as_array().unwrap()[..] else { panic!("{again}") };
    assert_eq!(only["before"], only["after"]);
}

#[test]
fn each_attempt_of_a_run_has_its_report() {
    let node = Node::usual();
    let kept = node.root.path().join("kept");
    let report = ["--report", "kept"];
    node.upgrade(&[&report[..], &["--stop-after", "1"]].concat()).exits(75).says("report: ");
    node.upgrade(&report).exits(0);
    let [first, second] = &reports(&kept)[..] else { panic!("two attempts") };
    assert_eq!(first["run"], second["run"]);
    assert_eq!((&first["attempt"], &second["attempt"]), (&1.into(), &2.into()));
    assert_eq!((&first["exit_status"], &second["exit_status"]), (&75.into(), &0.into()));
    assert_eq!(first["tables"]["rk.t"]["left"]["sstables"], 3);
    assert_eq!(first["keys"][0]["before"]["live"], 0);
    assert!(first["keys"].as_array().unwrap().iter().all(|key| key["after"]["live"] != 0));
    let [earlier] = &second["earlier_attempts"].as_array().unwrap()[..] else { panic!() };
    assert_eq!(earlier["why"], "stop_after");
    assert!(earlier["began"].as_str() >= first["began"].as_str());
    assert!(earlier["ended"].as_str() <= first["ended"].as_str());
    assert!(!node.data().join(".sstablerekey/reports").exists(), "nothing beside the journal");
    assert!(node.is_clean());
}

#[test]
fn a_run_without_a_report_keeps_its_status() {
    let node = Node::usual();
    let run = node.upgrade(&["--report", "missing/kept"]).exits(0);
    run.says("warning: the report of the run could not be kept").says("hint: ");
    let node = Node::usual();
    fs::write(node.root.path().join("kept"), "a file").unwrap();
    node.upgrade(&["--report", "kept"]).exits(0).says("could not be kept");
    node.read("verify", &[]).exits(0).says("4 verified");
}

fn has_no_trailing_blanks(run: &Run) {
    for line in run.out.lines().chain(run.err.lines()) {
        assert_eq!(line, line.trim_end());
    }
}

#[test]
fn a_plan_has_a_table_that_fits_a_terminal() {
    let node = Node::usual();
    let run = node.plan(&["--create-key"]).exits(0).says("4 to rewrite");
    let table: Vec<_> = run.out.lines().take_while(|line| !line.is_empty()).collect();
    assert!(table.len() > 4 && table.iter().all(|line| line.chars().count() <= 80), "{table:?}");
    assert!(!run.out.contains("oa-2-big"), "single SSTables are for --all");
    has_no_trailing_blanks(&run);
    let run = node.plan(&["--create-key", "--all"]).exits(0).says("oa-2-big");
    has_no_trailing_blanks(&run);
    let run = node.plan(&["--create-key", "--json"]).exits(0);
    let table = &run.of_type("table")[0];
    assert_eq!((&table["sstables"], &table["rewrites"]), (&4.into(), &4.into()));
    assert_eq!(table["now"][0]["sstables"], 4);
    node.upgrade(&["--stop-after", "1"]).exits(75);
    node.plan(&["--create-key"]).exits(0).says("unfinished run: of 4 SSTables 1 swapped in");
    let run = node.plan(&["--create-key", "--json"]).exits(0);
    assert_eq!(run.of_type("unfinished")[0]["left"], 3);
}

#[test]
fn quiet_leaves_out_notes_and_progress() {
    let node = Node::usual();
    let run = node.upgrade(&["--quiet"]).exits(0).says("4 rewritten").says("report: ");
    assert!(!run.err.contains("to write and to read back") && !run.err.contains("made a new key"));
    let run = node.read("verify", &["-q", "--json"]).exits(0);
    assert!(run.of_type("started").is_empty() && run.of_type("note").is_empty());
    node.read("verify", &["-q", "-v"]).exits(2).says("cannot be used with");
}

#[test]
fn verbose_has_a_line_for_each_sstable_and_times() {
    let node = Node::usual();
    let run = node.upgrade(&["-v"]).exits(0).says("note: upgradesstables took ");
    assert_eq!(run.err.matches(" -> oa-").count(), 4, "{run:?}");
    let run = node.read("verify", &[]).exits(0);
    assert!(!run.err.contains(": verified ("), "{run:?}");
}

#[test]
fn colours_are_for_terminals_unless_forced() {
    let node = Node::usual();
    let plan = |name: &str, more: &[&str]| {
        let map = node.map(256);
        let common = ["plan", "--create-key", "--data-dir", "data", "--compression", &map];
        let mut command = node.command(&[&common, more].concat());
        Run::from(command.env(name, "1").output().unwrap())
    };
    let head = "\u{1b}[1mtable ";
    assert!(plan("CLICOLOR_FORCE", &[]).out.starts_with(head));
    assert!(!plan("CLICOLOR_FORCE", &["--json"]).out.contains('\u{1b}'));
    assert!(!plan("NO_COLOR", &[]).text().contains('\u{1b}'));
}
