//! `keys expire` and `keys revoke`.

use rekey_kmip::message::{Operation, ProtocolVersion};
use rekey_kmip_sim::Quirk;
use serde_json::json;

use super::*;

fn site() -> Site {
    Site::empty(SimulatorSettings::default())
}

fn speaking(version: ProtocolVersion) -> Site {
    let settings = SimulatorSettings { versions: vec![version], ..SimulatorSettings::default() };
    Site::empty(settings)
}

#[test]
fn an_expiry_is_added_or_changed() {
    let site = speaking(ProtocolVersion::V1_4);
    let run = site.keys("expire", &[GROUP, OLD, "2090-04-13", "--yes"]).exits(0);
    assert_eq!(
        run.out,
        format!(
            "expiring key 02-449 of group kmip1 on {}: Protect Stop Date 2090-04-13T00:00:00Z\n",
            site.sim.host()
        )
    );
    let run = run.says("key_cache_millis");
    assert!(run.err.starts_with("note: "), "{run:?}");
    assert_eq!(site.listed(OLD)["protect_stop_date"], "2090-04-13T00:00:00Z");
    let run = site.keys("expire", &[GROUP, OLD, "2091-01-01T10:00:00+02:00", "--yes"]).exits(0);
    assert_eq!(
        run.out,
        format!(
            "expiring key 02-449 of group kmip1 on {}: Protect Stop Date 2091-01-01T08:00:00Z (it was \
             2090-04-13T00:00:00Z)\n",
            site.sim.host()
        )
    );
    assert_eq!(site.listed(OLD)["protect_stop_date"], "2091-01-01T08:00:00Z");
    assert_eq!(site.sim.count(Operation::ADD_ATTRIBUTE), 1);
    assert_eq!(site.sim.count(Operation::MODIFY_ATTRIBUTE), 1);
    assert_eq!(site.sim.count(Operation::SET_ATTRIBUTE), 0);
    // KMIP 2 has one operation for both.
    let site = speaking(ProtocolVersion::V2_1);
    for date in ["2090-04-13", "2090-04-14"] {
        site.keys("expire", &[GROUP, OLD, date, "--yes"]).exits(0);
    }
    assert_eq!(site.sim.count(Operation::SET_ATTRIBUTE), 2);
}

#[test]
fn dates_are_iso_8601_and_nothing_else() {
    let site = site();
    for (text, stored) in [
        ("2090-04-13", "2090-04-13T00:00:00Z"),
        ("2090-04-13T20:05", "2090-04-13T20:05:00Z"),
        ("2090-04-13 20:05:07", "2090-04-13T20:05:07Z"),
        ("2090-04-13T20:05:00Z", "2090-04-13T20:05:00Z"),
        ("2090-04-13T20:05:00-01:30", "2090-04-13T21:35:00Z"),
    ] {
        site.keys("expire", &[GROUP, OLD, text, "--yes"]).exits(0);
        assert_eq!(site.listed(OLD)["protect_stop_date"], stored, "{text}");
    }
    let stored = site.listed(OLD)["protect_stop_date"].clone();
    let before = site.sim.connections();
    for text in [
        "4/13/16 8:05 PM",
        "2016-04-13 20:05:00:0",
        "13.04.2090",
        "2090-02-30",
        "2090-13-01",
        "tomorrow",
        "1700000000",
        "",
    ] {
        let run = site.keys("expire", &[GROUP, OLD, text, "--yes"]).exits(2);
        let run = run.says("the date is not understood").says("hint: write it as 2026-04-13 or");
        assert_eq!(run.out, "");
    }
    assert_eq!(site.sim.connections(), before, "a bad date is refused before anything is asked");
    assert_eq!(site.listed(OLD)["protect_stop_date"], stored);
}

#[test]
fn without_a_date_it_is_now() {
    let site = site();
    let before = Timestamp::now();
    let run = site.keys("expire", &[GROUP, OLD, "--yes", "--json"]).exits(0);
    let after = Timestamp::now();
    let done = &run.of_type("done")[0];
    assert_eq!(
        (&done["what"], &done["group"], &done["id"]),
        (&json!("expired"), &json!(GROUP), &json!(OLD))
    );
    let stored = date(site.listed(OLD)["protect_stop_date"].as_str().unwrap());
    assert!(before <= stored && stored <= after, "{stored}");
    assert_eq!(done["detail"], format!("Protect Stop Date {stored}"));
}

#[test]
fn a_key_that_is_not_there_or_a_server_that_cannot_is_6() {
    let site = site();
    site.keys("expire", &[GROUP, "nope", "--yes"]).exits(6).says("nope").says("hint: check the id");
    site.keys("revoke", &[GROUP, "nope", "--yes", "--force"])
        .exits(6)
        .says("nope")
        .says("hint: check the id");
    let settings = SimulatorSettings {
        quirks: vec![Quirk::NoAddAttribute],
        versions: vec![ProtocolVersion::V1_2],
        ..SimulatorSettings::default()
    };
    let site = Site::empty(settings);
    let run = site.keys("expire", &[GROUP, OLD, "--yes"]).exits(6);
    run.says("refused Add Attribute of 02-449")
        .says("Protect Stop Date could not be set")
        .says("hint: this key server keeps no Protect Stop Date for its keys: revoke the key");
}

#[test]
fn revoking_deactivates_and_a_compromise_is_reported() {
    let site = site();
    let run = site.keys("revoke", &[GROUP, OLD, "--yes", "--force"]).exits(0);
    assert_eq!(
        run.out,
        format!("revoked key 02-449 of group kmip1 on {}: Superseded\n", site.sim.host())
    );
    assert_eq!(site.listed(OLD)["state"], "Deactivated");
    let run = site.keys("revoke", &[GROUP, OLD, "--yes", "--force"]).exits(6);
    run.says("the object is not active");
    let rest = [GROUP, OLD, "--yes", "--force", "--json", "--reason", "key-compromise"];
    let run = site.keys("revoke", &rest).exits(0);
    assert_eq!(run.of_type("done")[0]["what"], "revoked");
    assert_eq!(site.listed(OLD)["state"], "Compromised");
    for reason in [
        "unspecified",
        "affiliation-changed",
        "superseded",
        "cessation-of-operation",
        "privilege-withdrawn",
    ] {
        let site = self::site();
        site.keys("revoke", &[GROUP, OLD, "--yes", "--force", "--reason", reason]).exits(0);
        assert_eq!(site.listed(OLD)["state"], "Deactivated", "{reason}");
    }
    let site = self::site();
    site.keys("revoke", &[GROUP, OLD, "--yes", "--force", "--reason", "ca-compromise"]).exits(0);
    assert_eq!(site.listed(OLD)["state"], "Compromised");
}

/// Many servers do not return revoked keys: revoking may make data unreadable, like destroying.
#[test]
fn a_key_in_use_is_revoked_only_if_forced() {
    let site = Site::new();
    let rest = [GROUP, OLD, "--yes", "--data-dir", "data", "--not-a-node"];
    let run = site.keys("revoke", &rest).exits(4).says("no: kmip kmip1/02-449");
    run.says("note: nothing was revoked. Do what");
    site.keys("revoke", &[GROUP, OLD, "--yes", "--data-dir", "keys"]).exits(2);
    assert_eq!(site.sim.count(Operation::REVOKE), 0);
    site.keys("revoke", &[&rest[..], &["--force"]].concat()).exits(0).says("no: kmip kmip1/02-449");
    assert_eq!(site.listed(OLD)["state"], "Deactivated");
    let unused = Site::unused();
    unused.keys("revoke", &rest).exits(0).says("looked at: ");
    assert_eq!(unused.listed(OLD)["state"], "Deactivated");
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_done() {
    let site = Site::unused();
    for arguments in [
        &["expire", GROUP, OLD][..],
        &["expire", GROUP, OLD, "2090-01-01", "--json"],
        &["revoke", GROUP, OLD, "--data-dir", "data", "--not-a-node"],
        &["revoke", GROUP, OLD, "--force", "--json"],
        &["destroy", GROUP, OLD, "--data-dir", "data", "--not-a-node"],
        &["destroy", GROUP, OLD, "--force"],
    ] {
        let run = site.keys(arguments[0], &arguments[1..]).exits(2);
        run.says("there is no terminal to confirm this on").says("nothing was done; --yes");
    }
    // An answer from a pipe does not count.
    let mut child = site
        .node
        .command(&["keys", "revoke", "--config", "hcd.yaml", "--force", GROUP, OLD])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let typed = std::io::Write::write_all(&mut child.stdin.take().unwrap(), b"02-449\n");
    let run: Run = child.wait_with_output().unwrap().into();
    run.exits(2).says("there is no terminal to confirm this on");
    drop(typed);
    for operation in
        [Operation::ADD_ATTRIBUTE, Operation::SET_ATTRIBUTE, Operation::REVOKE, Operation::DESTROY]
    {
        assert_eq!(site.sim.count(operation), 0, "{operation}");
    }
}
