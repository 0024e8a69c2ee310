//! From one key of a server to another, whatever the state of the first.

use rekey_engine::ErrorKind::{Invalid, KeyUnavailable};
use rekey_kmip::message::Operation;

use super::*;
use crate::kit::workspace::files;

#[test]
fn keys_in_every_state_are_read_before_anything_is_written() {
    let site = Site::new();
    site.key("active", 9, vec![ago(Tag::PROTECT_STOP_DATE, 0)]);
    site.key("expired", 8, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
    site.key("off", 7, vec![ago(Tag::DEACTIVATION_DATE, 1)]);
    site.key("leaked", 6, vec![ago(Tag::COMPROMISE_DATE, 1)]);
    site.key("waiting", 5, vec![ago(Tag::ACTIVATION_DATE, -1)]);
    site.key("new", 1, vec![]);
    site.sstable("1", &["active", "expired"]);
    site.sstable("2", &["off"]);
    site.sstable("3", &["leaked", "off", "waiting"]);
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::Named(&key_id("new"))).unwrap();
    let session = site.workspace.session(LeaseMode::Exclusive).unwrap();
    let all = Selection::default();
    let prepared = site.workspace.prepare_on(&session, &all, &target, &sources).unwrap();
    assert_eq!(prepared.plan.rewrites().count(), 3);
    // The ring has every key of the group, and the run does not contact the server.
    let names: Vec<_> = prepared.plan.ring.names().cloned().collect();
    assert_eq!(names, ["active", "expired", "leaked", "new", "off", "waiting"].map(kmip));
    let Site { sim, workspace } = site;
    let asked = (sim.connections(), sim.count(Operation::GET));
    let (_, report) = prepared.run(workspace.threads, &mut NoObserver).unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 3));
    assert_eq!((sim.connections(), sim.count(Operation::GET)), asked);
    assert_eq!(sim.connections(), 1, "one connection serves it all");
    drop(session);
    let site = Site { sim, workspace };
    site.assert_all_under("new", &["1", "2", "3"]);
    assert_eq!(failures(&site.workspace.verify()), Vec::<String>::new());
}

#[test]
fn refused_deactivated_keys_stop_only_what_needs_them() {
    let site = Site::quirky(&[Quirk::RefusesGetOfDeactivated]);
    site.key("old", 9, vec![]);
    site.key("off", 8, vec![ago(Tag::DEACTIVATION_DATE, 1)]);
    site.key("leaked", 7, vec![ago(Tag::COMPROMISE_DATE, 1)]);
    site.key("new", 1, vec![]);
    site.sstable("1", &["old"]);
    site.sstable("2", &["off"]);
    site.sstable("3", &["leaked"]);
    site.sstable("4", &["old", "off"]);
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::Named(&key_id("new"))).unwrap();
    let before: Vec<_> = held_up(&site);
    let plan = site.plan(&sources, &target);
    let refusals: Vec<_> =
        plan.findings.iter().filter(|f| f.severity == Severity::Refusal).collect();
    assert_eq!(refusals.len(), 1, "{:?}", plan.findings);
    let (error, sstables) = (&refusals[0].error, &refusals[0].sstables);
    assert_eq!((error.kind(), error.key_name()), (KeyUnavailable, Some("kmip kmip1/off")));
    assert_eq!(
        error.chain(),
        "KMIP group 'kmip1' (key kmip kmip1/off): the key server does not give out the key off, \
         which is Deactivated: Wrong Key Lifecycle State (67): DENIED (key off)"
    );
    assert!(error.hint_text().unwrap().starts_with("reactivate the key on the key server"));
    assert!(
        sstables[0].ends_with("/oa-2-big-Data.db") && sstables[1].ends_with("/oa-4-big-Data.db")
    );
    assert_eq!(sstables.len(), 2);
    let report = site.upgrade(&sources, &target).unwrap();
    assert_eq!((rewritten(&report), report.failures().count()), (2, 2));
    assert_eq!(held_up(&site), before);
    // The server relents.
    site.sim.store().set_quirk(Quirk::RefusesGetOfDeactivated, false);
    assert_eq!(rewritten(&site.upgrade_to("new").unwrap()), 2);
    site.assert_all_under("new", &["1", "2", "3", "4"]);
}

/// The files of generations 2 and 4.
fn held_up(site: &Site) -> Vec<(String, Vec<u8>)> {
    let mut files = site.contents();
    files.retain(|(name, _)| name.starts_with("oa-2-") || name.starts_with("oa-4-"));
    files
}

#[test]
fn a_missing_key_is_named_with_what_needs_it() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.key("destroyed", 8, vec![ago(Tag::DESTROY_DATE, 1)]);
    site.key("new", 1, vec![]);
    site.sstable("1", &["old"]);
    site.sstable("2", &["old", "absent"]);
    site.sstable("3", &["destroyed"]);
    site.sstable("4", &["absent"]);
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::Named(&key_id("new"))).unwrap();
    let plan = site.plan(&sources, &target);
    let mut found = findings(&plan);
    found.retain(|(severity, ..)| *severity == Severity::Refusal);
    found.sort();
    let of = |id: &str, why: &str| {
        format!(
            "KMIP group 'kmip1' (key kmip kmip1/{id}): the key server refused Get of {id}: {why} \
             (key {id})"
        )
    };
    let data = |names: &[&str]| names.iter().map(|n| format!("oa-{n}-big-Data.db")).collect();
    assert_eq!(
        found,
        [
            (
                Severity::Refusal,
                of("absent", "Item Not Found (1): Could not locate object"),
                data(&["2", "4"])
            ),
            (
                Severity::Refusal,
                of("destroyed", "Item Not Found (1): the object is destroyed"),
                data(&["3"])
            ),
        ]
    );
    for finding in plan.findings.iter().filter(|f| f.severity == Severity::Refusal) {
        assert!(finding.error.hint_text().unwrap().starts_with("check the id"), "{finding:?}");
    }
    let report = site.upgrade(&sources, &target).unwrap();
    assert_eq!((rewritten(&report), report.failures().count()), (1, 3));
    assert!(report.failures().all(|error| error.kind() == KeyUnavailable));
}

#[test]
fn a_target_key_that_is_gone_stops_the_run() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.sstable("1", &["old"]);
    let before = site.contents();
    let error = site.upgrade_to("absent").unwrap_err();
    assert_eq!((error.kind(), error.key_name()), (KeyUnavailable, Some("kmip kmip1/absent")));
    assert_eq!(site.contents(), before);
}

/// A target key of another length than the options say.
#[test]
fn a_target_key_of_another_length_stops_the_run() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    let long = vec![7; 32].into();
    site.sim.store().keep_key(&"long".into(), CryptographicAlgorithm::AES, long, vec![]);
    site.sstable("1", &["old"]);
    let before = site.contents();
    let error = site.upgrade_to("long").unwrap_err();
    assert_eq!(
        error.chain(),
        "the key has 256 bits where the target's options say 128 (key kmip kmip1/long)"
    );
    assert_eq!((error.kind(), site.contents()), (Invalid, before));
}

/// Group `kmip2` beside `kmip1`, with a server of its own.
fn with_second_group(site: &mut Site) -> Simulator {
    let second = Simulator::start().unwrap();
    let directory = site.workspace.root.path().join("second");
    fs::create_dir(&directory).unwrap();
    let config = second.node_config("kmip2", &directory).unwrap();
    let config = config.strip_prefix("kmip_hosts:\n").unwrap();
    site.workspace.node_config.as_mut().unwrap().push_str(config);
    second
}

/// Has an SSTable name `kmip2` instead of `kmip1`.
fn move_to_second_group(prefix: &str) {
    let path = format!("{prefix}CompressionInfo.db");
    let mut info = fs::read(&path).unwrap();
    let at = info.windows(5).position(|window| window == b"kmip1").unwrap();
    info[at + 4] = b'2';
    fs::write(path, info).unwrap();
}

#[test]
fn two_groups_keep_their_keys_apart() {
    let mut site = Site::new();
    let second = with_second_group(&mut site);
    site.key("old", 9, vec![]);
    site.key("new", 1, vec![]);
    // Of the same name, and other bytes.
    let other = [0xa5; 16];
    let attributes = vec![parameters(BlockCipherMode::CBC)];
    let key = other.to_vec().into();
    second.store().keep_key(&"old".into(), CryptographicAlgorithm::AES, key, attributes);
    site.sstable("1", &["old"]);
    let mut recipe = recipe("2", &["old"]);
    recipe.provider = Provider::Kmip { keys: vec![("old".to_owned(), other.to_vec())] };
    move_to_second_group(&recipe.write(&table_in(&site.workspace.data()), &plain("2")));
    let report = site.upgrade_to("new").unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 2));
    site.assert_all_under("new", &["1", "2"]);
    assert_eq!(site.workspace.verify().failures().count(), 0);
}

#[test]
fn a_group_that_is_down_does_not_block_another() {
    let mut site = Site::new();
    let second = with_second_group(&mut site);
    site.key("old", 9, vec![]);
    site.key("new", 1, vec![]);
    site.sstable("1", &["old"]);
    for (generation, id) in [("2", "a"), ("3", "b"), ("4", "c")] {
        move_to_second_group(&site.sstable(generation, &[id]));
    }
    let address = second.address();
    drop(second);
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::Named(&key_id("new"))).unwrap();
    let plan = site.plan(&sources, &target);
    let mut found = findings(&plan);
    found.retain(|(severity, ..)| *severity == Severity::Refusal);
    // One finding for each key, since each SSTable needs another one.
    assert_eq!(found.len(), 3, "{found:?}");
    for ((_, text, sstables), id) in found.iter().zip(["a", "b", "c"]) {
        assert!(
            text.starts_with(&format!(
                "KMIP group 'kmip2' (key kmip kmip2/{id}): no key server could be used: \
                 localhost:{}: cannot connect: ",
                address.port()
            )),
            "{text}"
        );
        assert_eq!(sstables.len(), 1);
    }
    let report = site.upgrade(&sources, &target).unwrap();
    assert_eq!((rewritten(&report), report.failures().count()), (1, 3));
}

#[test]
fn an_exported_file_is_used_before_the_server() {
    let mut site = Site::new();
    site.key("both", 9, vec![]);
    site.key("server", 8, vec![]);
    site.key("new", 1, vec![]);
    // The file has the right bytes of `both`, the server has others by now.
    let recipe = |generation: &str, id: &str, key: [u8; 16]| {
        let mut recipe = recipe(generation, &[id]);
        recipe.provider = Provider::Kmip { keys: vec![(id.to_owned(), key.to_vec())] };
        recipe.write(&table_in(&site.workspace.data()), &plain(generation));
    };
    recipe("1", "both", [0x77; 16]);
    recipe("2", "file", [0x88; 16]);
    recipe("3", "server", bytes("server"));
    site.workspace.give_kmip_keys(&format!(
        "both = {}\nfile = {}\n",
        "77".repeat(16),
        "88".repeat(16)
    ));
    let report = site.upgrade_to("new").unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 3));
    site.assert_all_under("new", &["1", "2", "3"]);
}

#[test]
fn an_exported_file_alone_needs_no_server() {
    let mut site = Site::new();
    site.sstable("1", &["old"]);
    let hex = |id| bytes(id).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    site.workspace.give_kmip_keys(&format!("old = {}\nnew = {}\n", hex("old"), hex("new")));
    // A server that is down is only a warning where a file has all keys.
    let Site { sim, workspace } = site;
    drop(sim);
    let sources = workspace.sources();
    let target =
        Target::find(cbc(""), KeyWish::Named(&key_id("new")), &sources, DATABASE_KEY_ID_LIMIT)
            .unwrap();
    let session = workspace.session(LeaseMode::Exclusive).unwrap();
    let targets = Targets::one(target.clone());
    let request = PlanRequest {
        archives: upgrade::Archives::default(),
        selection: &Selection::default(),
        targets: &targets,
        flavor: workspace.flavor,
        sources: &sources,
        threads: workspace.threads,
    };
    let prepared = upgrade::prepare(&session, &request).unwrap();
    let found = findings(&prepared.plan);
    assert!(found.iter().all(|(severity, ..)| *severity == Severity::Warning), "{found:?}");
    let says = |part: &str| found.iter().any(|(_, text, _)| text.starts_with(part));
    assert!(says("it is not known which key the database would write with: KMIP group 'kmip1'"));
    assert!(says("a chunk whose header names the wrong key could not be read"), "{found:?}");
    let (_, report) = prepared.run(workspace.threads, &mut NoObserver).unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 1));
}

#[test]
fn a_local_table_moves_to_a_server_and_back() {
    let site = Site::new();
    site.key("new", 1, vec![]);
    let local = Recipe::local("oa", "1", "old-key", vec![3; 16]);
    site.local_sstable(&local, "1");
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::AsTheDatabase).unwrap();
    assert_eq!(target.key(), Some(&kmip("new")));
    assert_eq!(rewritten(&site.upgrade(&sources, &target).unwrap()), 1);
    site.assert_all_under("new", &["1"]);
    let target = site.workspace.new_key("new-key", CBC, 128);
    assert_eq!(rewritten(&site.upgrade(&sources, &target).unwrap()), 1);
    let name = files(&table_in(&site.workspace.data())).remove(0);
    assert!(name.starts_with("oa-3-big"), "{name}");
}
