//! `keys list` (KMIP.md 6).

use rekey_kmip::message::Operation;
use rekey_kmip_sim::{Fault, Quirk};
use serde_json::json;

use super::*;

fn on(tag: Tag, text: &str) -> Attribute {
    Attribute::new(tag.into(), date(text))
}

fn name(text: &str) -> Attribute {
    Attribute::new(Tag::NAME.into(), AttributeValue::name(text))
}

/// Two keys with fixed dates, the younger one first on the server.
fn site(quirks: &[Quirk]) -> Site {
    let settings = SimulatorSettings { quirks: quirks.to_vec(), ..SimulatorSettings::default() };
    let site = Site::of(Node::empty(), settings);
    site.keep(
        "new",
        vec![1; 16],
        0,
        vec![
            on(Tag::ACTIVATION_DATE, "2021-05-06T07:08:09Z"),
            on(Tag::INITIAL_DATE, "2021-05-06"),
            name("9f_0"),
            name("alias"),
            namespace("accounts"),
        ],
    );
    site.keep(
        "old",
        vec![2; 16],
        0,
        vec![
            on(Tag::ACTIVATION_DATE, "2019-01-02T03:04:05Z"),
            on(Tag::INITIAL_DATE, "2019-01-01"),
            on(Tag::PROTECT_STOP_DATE, "2022-01-01"),
            on(Tag::DEACTIVATION_DATE, "2023-01-01"),
        ],
    );
    site
}

/// The lines of the table, as their words.
fn words(run: &Run) -> Vec<Vec<&str>> {
    run.out.lines().map(|line| line.split_whitespace().collect()).collect()
}

#[test]
fn the_table_has_the_columns_of_the_vendor_s_tool() {
    let site = site(&[]);
    let run = site.keys("list", &[GROUP]).exits(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[0], "Keys on kmip1:");
    let columns = [
        "ID",
        "Name",
        "Cipher",
        "State",
        "Activation Date",
        "Creation Date",
        "Protect Stop Date",
        "Namespace",
        "Length",
    ];
    let mut from = 0;
    for column in columns {
        let at = lines[1][from..].find(column).unwrap_or_else(|| panic!("{column}: {run:?}"));
        from += at + column.len();
    }
    assert_eq!(lines[1][from..].trim(), "");
    let rows = words(&run);
    // Dates are Java's.
    assert_eq!(
        rows[3].join(" "),
        "old n/a AES/CBC/PKCS5 Deactivated Wed Jan 02 03:04:05 UTC 2019 Tue Jan 01 00:00:00 UTC 2019 \
         Sat Jan 01 00:00:00 UTC 2022 n/a 128"
    );
    assert_eq!(
        rows[4].join(" "),
        "new 9f_0 AES/CBC/PKCS5 Active Thu May 06 07:08:09 UTC 2021 Thu May 06 00:00:00 UTC 2021 n/a \
         accounts 128"
    );
    // The key of every site here; one row for each key and nothing else.
    assert_eq!(rows[5][0], OLD);
    assert_eq!(rows.iter().skip(6).flatten().count(), 0, "{run:?}");
    // Columns end below each other.
    let end = lines[1].find("Protect Stop Date").unwrap() + "Protect Stop Date".len();
    assert!(lines[3][..end].ends_with("Sat Jan 01 00:00:00 UTC 2022"), "{run:?}");
    assert_eq!(run.err, "");
}

#[test]
fn json_lines_have_every_field() {
    let site = site(&[]);
    let run = site.keys("list", &["--json", GROUP]).exits(0);
    let mut keys = run.of_type("key");
    keys[0].as_object_mut().unwrap().remove("time");
    assert_eq!(keys.iter().map(|key| &key["id"]).collect::<Vec<_>>(), ["old", "new", OLD]);
    assert_eq!(
        keys[0],
        json!({
            "type": "key",
            "group": "kmip1",
            "id": "old",
            "names": [],
            "cipher": "AES/CBC/PKCS5",
            "strength": 128,
            "state": "Deactivated",
            "activation_date": "2019-01-02T03:04:05Z",
            "creation_date": "2019-01-01T00:00:00Z",
            "protect_stop_date": "2022-01-01T00:00:00Z",
            "deactivation_date": "2023-01-01T00:00:00Z",
            "namespace": null,
            "custom": {},
            "refused": null,
        })
    );
    assert_eq!(keys[1]["names"], json!(["9f_0", "alias"]));
    assert_eq!(keys[1]["namespace"], "accounts");
    assert_eq!(keys[1]["custom"], json!({"x-key-namespace": "accounts"}));
    assert_eq!(keys[1]["protect_stop_date"], json!(null));
    assert_eq!(keys[2]["strength"], 256);
}

#[test]
fn a_namespace_narrows_the_list_even_without_a_server_filter() {
    for quirks in [&[][..], &[Quirk::IgnoresCustomFilters], &[Quirk::IgnoresLocateFilters]] {
        let site = site(quirks);
        let ids = |more: &[&str]| -> Vec<String> {
            let run = site.keys("list", &[&[GROUP, "--json"], more].concat()).exits(0);
            run.of_type("key").iter().map(|line| line["id"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(ids(&["--namespace", "accounts"]), ["new"], "{quirks:?}");
        assert_eq!(ids(&["--namespace", "nope"]), [""; 0], "{quirks:?}");
        assert_eq!(ids(&[]).len(), 3, "{quirks:?}");
    }
}

#[test]
fn objects_that_are_not_keys_do_not_break_the_list() {
    for quirks in [&[][..], &[Quirk::IgnoresLocateFilters], &[Quirk::NoBatches]] {
        let site = site(quirks);
        site.sim.store().add_secret_data();
        let run = site.keys("list", &[GROUP, "--json"]).exits(0);
        assert_eq!(run.of_type("key").len(), 3, "{quirks:?}");
        site.keys("list", &[GROUP]).exits(0);
    }
}

#[test]
fn a_key_that_may_not_be_seen_is_a_row_with_a_note() {
    let site = site(&[]);
    // The batch is refused, and then one of the three.
    let refuse = || Fault::Refuse(0x0c, "not yours".to_owned());
    site.sim.fail_once(Operation::GET_ATTRIBUTES, refuse());
    site.sim.fail_once(Operation::GET_ATTRIBUTES, refuse());
    let run = site.keys("list", &[GROUP]).exits(0);
    let rows = words(&run);
    assert_eq!(rows[3], [&[OLD][..], &["n/a"; 8]].concat(), "{run:?}");
    assert_eq!((rows[4][0], rows[5][0]), ("old", "new"));
    run.says(
        "note: the server tells nothing about 02-449: Permission Denied (12): \
         not yours",
    );
    site.sim.fail_once(Operation::GET_ATTRIBUTES, refuse());
    site.sim.fail_once(Operation::GET_ATTRIBUTES, refuse());
    let line = site.listed(OLD);
    assert_eq!(line["refused"], "Permission Denied (12): not yours");
    assert_eq!((&line["state"], &line["names"]), (&json!(null), &json!([])));
}

#[test]
fn unreported_attributes_are_shown_as_n_a() {
    let site = site(&[Quirk::NoDates]);
    let run = site.keys("list", &[GROUP]).exits(0);
    let row = |id: &str| words(&run).into_iter().find(|row| row.first() == Some(&id)).unwrap();
    // The state is told, and follows from dates that are not.
    assert_eq!(
        row("old")[3..].join(" "),
        "Deactivated n/a Tue Jan 01 00:00:00 UTC 2019 n/a n/a 128"
    );
    assert_eq!(site.listed("old")["activation_date"], json!(null));
}

#[test]
fn texts_of_the_server_cannot_control_a_terminal() {
    let site = site(&[]);
    site.keep(
        "evil\u{1b}[2J",
        vec![3; 16],
        0,
        vec![name("n\u{7}\r\nx"), namespace("s\u{1b}]0;t\u{9c}")],
    );
    let run = site.keys("list", &[GROUP]).exits(0);
    assert!(run.out.chars().all(|c| c == '\n' || !c.is_control()), "{run:?}");
    let run = run.says("evil\\u{1b}[2J").says("n\\u{7}\\r\\nx").says("s\\u{1b}]0;t\\u{9c}");
    assert_eq!(run.out.lines().filter(|line| line.contains("evil")).count(), 1);
    let json = site.keys("list", &[GROUP, "--json"]).exits(0);
    assert!(json.out.chars().all(|c| c == '\n' || !c.is_ascii_control()), "{json:?}");
    let line = json.of_type("key").into_iter().find(|key| key["names"] == json!(["n\u{7}\r\nx"]));
    assert_eq!(line.unwrap()["namespace"], "s\u{1b}]0;t\u{9c}");
}

#[test]
fn an_empty_group_has_a_table_without_rows() {
    let site = site(&[]);
    let run = site.keys("list", &[GROUP, "--namespace", "none"]).exits(0).says("Keys on kmip1:");
    assert!(run.out.contains("Namespace"), "{run:?}");
    let run = site.keys("list", &[GROUP, "--namespace", "none", "--json"]).exits(0);
    assert_eq!((run.lines().len(), &run.lines()[0]["keys"]), (1, &json!(0)));
}

/// A list that is cut is incomplete: the existing rows, a message, and an exit status.
#[test]
fn a_list_that_the_server_cuts_says_so() {
    let site = site(&[Quirk::CapsLocate(2)]);
    let run = site.keys("list", &[GROUP, "--json"]).exits(0);
    assert_eq!((run.of_type("key").len(), run.err.as_str()), (3, ""));
    site.sim.store().set_quirk(Quirk::IgnoresOffset, true);
    let run = site.keys("list", &[GROUP]).exits(6);
    let run = run.says("the list is not whole: the server gives 2 of 3 objects");
    assert!(run.out.contains(OLD) && run.err.contains("hint: raise the server's limit"), "{run:?}");
    let run = site.keys("list", &[GROUP, "--json"]).exits(6);
    assert_eq!((run.of_type("key").len(), run.of_type("error").len()), (2, 1));
    let doctor = site.keys("test", &[GROUP]).exits(0);
    doctor.says("warning  Locate").says("2 symmetric keys, 2 active; the list is not whole");
    // Without a count it is unknown.
    site.sim.store().set_quirk(Quirk::NoLocatedItems, true);
    let run = site.keys("list", &[GROUP]).exits(0);
    assert!(run.err.contains("note: the list may not be whole: the server repeats"), "{run:?}");
}

#[test]
fn without_a_group_all_are_listed_even_if_one_is_down() {
    let site = site(&[]);
    let text = fs::read_to_string(site.config()).unwrap();
    let (head, body) = text.split_once("kmip1:\n").unwrap();
    let body = body.trim_end();
    let down = body.replace(&site.sim.address().port().to_string(), "1");
    site.node
        .file("hcd.yaml", &format!("{head}down:\n{down}\n  kmip1:\n{body}\n  more:\n{body}\n"));
    let run = site.keys("list", &[]).exits(6);
    let run = run
        .says("1 of 3 groups could not be listed: KMIP group 'down'")
        .says("Keys on kmip1:")
        .says("Keys on more:");
    assert!(!run.out.contains("Keys on down"), "{run:?}");
    let run = site.keys("list", &["--json"]).exits(6);
    assert_eq!((run.of_type("key").len(), run.of_type("error").len()), (6, 1));
    site.node.file("hcd.yaml", "cluster_name: x\n");
    site.keys("list", &[]).exits(2).says("has no kmip_hosts");
}

#[test]
fn a_host_that_is_passed_over_is_reported() {
    let site = site(&[]);
    let own = format!("localhost:{}", site.sim.address().port());
    let text = fs::read_to_string(site.config()).unwrap();
    site.node.file("hcd.yaml", &text.replace(&own, &format!("127.0.0.1:1, {own}")));
    let run = site.keys("list", &[GROUP]).exits(0);
    let run =
        run.says(&format!("kmip_hosts.kmip1: {own} answers; passed over: 127.0.0.1:1: cannot"));
    assert_eq!(run.text().matches("passed over").count(), 1, "{run:?}");
    let run = site.keys("revoke", &[GROUP, "new", "--yes", "--force"]).exits(0);
    run.says(&format!("revoked key new of group kmip1 on {own}: "));
    // A refusal names the server that refused.
    let run = site.keys("revoke", &[GROUP, "nope", "--yes", "--force"]).exits(6);
    run.says(&format!("KMIP group 'kmip1', {own}: the key server refused Revoke"));
}
