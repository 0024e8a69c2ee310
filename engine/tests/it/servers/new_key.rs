//! `KeyWish::New`: a key that no SSTable is under, made if there is none.

use rekey_engine::ErrorKind::KeyUnavailable;
use rekey_engine::keys::KeyCreation;
use rekey_engine::options::EncryptorOptions;
use rekey_engine::plan::{Recorded, Usage};
use rekey_kmip::client::choice::NAMESPACE;
use rekey_kmip::message::{Attributes, Operation, State};
use rekey_kmip_sim::Fault;

use super::*;

/// A target with a key that none of these is.
fn new(site: &Site, used: &[&str]) -> Result<(Target, KeySources)> {
    new_for(site, cbc(""), used)
}

fn new_for(site: &Site, params: CompressionParams, used: &[&str]) -> Result<(Target, KeySources)> {
    let used: BTreeSet<KeyRef> = used.iter().map(|id| kmip(id)).collect();
    let sources = site.sources();
    let usage = Usage { keys: used, ..Usage::default() };
    let target = Target::find(params, KeyWish::New(&usage), &sources, DATABASE_KEY_ID_LIMIT)?;
    Ok((target, sources))
}

fn make(site: &Site, target: &mut Target, sources: &KeySources) -> Result<KeyCreation> {
    target.make_key(sources, site.workspace.root.path())
}

fn id_of(target: &Target) -> String {
    let Some(KeyRef::Kmip { id, .. }) = target.key() else { panic!("{:?}", target.key()) };
    id.as_str().to_owned()
}

/// What the server tells about a key.
fn attributes(site: &Site, id: &str) -> Attributes {
    let servers = site.sources().servers.unwrap();
    servers.with(GROUP, |client| client.get_attributes(&id.into(), vec![])).unwrap()
}

#[test]
fn without_a_fitting_key_one_is_made_that_the_database_uses_too() {
    let site = Site::new();
    site.key("old", 9, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
    site.sstable("1", &["old"]);
    let (mut target, sources) = new(&site, &["old"]).unwrap();
    assert!(target.may_be_made());
    let choice = target.choice().unwrap();
    assert_eq!(choice.reason, "made by the run");
    assert_eq!((choice.warnings.len(), choice.by_rule), (0, false));
    assert_eq!(choice.others.len(), 1, "{choice:?}");
    // A plan makes none, and does not stop for it.
    let plan = site.plan(&sources, &target);
    assert_eq!((plan.rewrites().count(), plan.blocker().is_none()), (1, true));
    let found = findings(&plan);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, Severity::Warning);
    assert!(found[0].1.starts_with("the target key is made when the run starts"), "{found:?}");
    assert_eq!((site.sim.store().len(), site.sim.count(Operation::CREATE)), (1, 0));

    assert_eq!(make(&site, &mut target, &sources).unwrap(), KeyCreation::Created);
    let id = id_of(&target);
    assert!(!target.may_be_made());
    assert_eq!(make(&site, &mut target, &sources).unwrap(), KeyCreation::AlreadyThere);
    assert_eq!((site.sim.count(Operation::CREATE), site.sim.count(Operation::ACTIVATE)), (1, 1));
    assert_eq!(id_of(&target), id);
    let told = attributes(&site, &id);
    assert_eq!(told.state(), Some(State::ACTIVE));
    assert_eq!(told.cipher().as_deref(), Some("AES/CBC/PKCS5"));
    assert_eq!((told.length(), told.usage_mask()), (Some(128), Some(0x0c)));
    assert_eq!(told.names().count(), 0);

    assert_eq!(rewritten(&site.upgrade(&sources, &target).unwrap()), 1);
    site.assert_all_under(&id, &["1"]);
    let database = site.find(&sources, KeyWish::AsTheDatabase).unwrap();
    assert_eq!((database.key(), database.choice().unwrap().warnings.len()), (target.key(), 0));
}

#[test]
fn an_unused_key_is_used() {
    let site = Site::new();
    site.key("old", 9, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
    site.key("waiting", 1, vec![]);
    let (mut target, sources) = new(&site, &["old"]).unwrap();
    assert_eq!((target.key(), target.may_be_made()), (Some(&kmip("waiting")), false));
    let choice = target.choice().unwrap();
    assert!(choice.reason.starts_with("made on 20"), "{choice:?}");
    assert!(choice.reason.contains("not by this run: it waits on the server"), "{choice:?}");
    assert_eq!((choice.warnings.len(), choice.by_rule), (0, false));
    assert_eq!(choice.state.as_deref(), Some("Active"));
    assert_eq!(make(&site, &mut target, &sources).unwrap(), KeyCreation::AlreadyThere);
    assert_eq!(site.sim.count(Operation::CREATE), 0);
}

/// The database keeps using the old key, as long as the operator does not expire it.
#[test]
fn an_old_key_that_is_still_active_is_warned_of() {
    let warning = "the database itself keeps writing with another key than the target's (key old)";
    let site = Site::new();
    site.key("old", 9, vec![]);
    let (mut target, sources) = new(&site, &["old"]).unwrap();
    let choice = target.choice().unwrap();
    assert_eq!((choice.reason.as_str(), target.may_be_made()), ("made by the run", true));
    let warnings: Vec<_> = choice.warnings.iter().map(Error::chain).collect();
    assert_eq!(warnings, [warning]);
    make(&site, &mut target, &sources).unwrap();
    assert_ne!(target.key(), Some(&kmip("old")));
    // The next run finds the key that is there now.
    let (target, _) = new(&site, &["old"]).unwrap();
    assert!(!target.may_be_made());
    let warnings: Vec<_> = target.choice().unwrap().warnings.iter().map(Error::chain).collect();
    assert_eq!(warnings, [warning]);
    assert_eq!(site.sim.count(Operation::CREATE), 1);
}

#[test]
fn several_used_keys_go_to_the_youngest() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.key("new", 1, vec![]);
    site.sstable("1", &["old"]);
    site.sstable("2", &["new"]);
    let (target, sources) = new(&site, &["old", "new"]).unwrap();
    assert_eq!((target.key(), target.may_be_made()), (Some(&kmip("new")), false));
    assert!(target.choice().unwrap().reason.starts_with("the youngest of 2 keys in use"));
    assert_eq!(rewritten(&site.upgrade(&sources, &target).unwrap()), 1);
    site.assert_all_under("new", &["1", "2"]);
    // If none of them can be written with, there is no ambiguity.
    let (target, _) = new_for(&site, params(CBC, 256, ""), &["old", "new"]).unwrap();
    assert!(target.may_be_made());
    assert_eq!(site.sim.count(Operation::CREATE), 0);
}

/// All data is examined for it, whatever is selected.
#[test]
fn usage_counts_unselected_and_unreadable_data() {
    let site = Site::new();
    site.sstable("1", &["old"]);
    let archive = table_in(&site.workspace.data()).join("snapshots/s");
    recipe("2", &["new"]).write(&archive, &plain("2"));
    let session = site.workspace.session(LeaseMode::Shared).unwrap();
    let usage = upgrade::usage(&session, site.workspace.threads).unwrap();
    assert_eq!(usage.keys, BTreeSet::from([kmip("old"), kmip("new")]));
    assert_eq!((usage.unknown, usage.recorded), (0, None));
    let prefix = site.sstable("3", &["other"]);
    fs::write(format!("{prefix}CompressionInfo.db"), b"x").unwrap();
    let usage = upgrade::usage(&session, site.workspace.threads).unwrap();
    assert_eq!((usage.keys.len(), usage.unknown), (2, 1));
}

/// The record is there before anything is written, and outlives the run.
#[test]
fn a_rotation_is_recorded_and_found_again() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.sstable("1", &["old"]);
    let (mut target, sources) = new(&site, &["old"]).unwrap();
    make(&site, &mut target, &sources).unwrap();
    let options = target.encryptor().unwrap();
    let find = |options: &EncryptorOptions| -> Option<Recorded> {
        let session = site.workspace.session(LeaseMode::Shared).unwrap();
        upgrade::recorded_key(&session, options).unwrap()
    };
    assert_eq!(find(options), None);
    {
        let session = site.workspace.session(LeaseMode::Exclusive).unwrap();
        upgrade::record_rotation(&session, &Targets::one(target.clone())).unwrap();
    }
    let recorded = find(options).unwrap();
    assert_eq!(recorded.id.as_str(), id_of(&target));
    assert_eq!(rewritten(&site.upgrade(&sources, &target).unwrap()), 1);
    assert_eq!(find(options).as_ref(), Some(&recorded));
    // Another key is for other options.
    for other in [params(CBC, 256, ""), params("AES", 128, ""), cbc(", 'key_namespace': 'n'")] {
        let other = Target::new(other, Some(key_id("x"))).unwrap();
        assert_eq!(find(other.encryptor().unwrap()), None);
    }
    // Found by the rule, it is not the old key.
    let servers = sources.servers.as_ref().unwrap();
    let date = Timestamp::from_seconds(Timestamp::now().seconds() - 5);
    servers.with(GROUP, |client| client.expire(&"old".into(), date)).unwrap();
    let mut target = site.find(&sources, KeyWish::AsTheDatabase).unwrap();
    assert!(site.plan(&sources, &target).blocker().is_some());
    target.recall(&recorded);
    assert!(site.plan(&sources, &target).blocker().is_none());
    // A record that is damaged is not taken for none.
    let file = site.workspace.data().join(".sstablerekey/rotations");
    let mut bytes = fs::read(&file).unwrap();
    bytes[12] ^= 1;
    fs::write(&file, bytes).unwrap();
    let session = site.workspace.session(LeaseMode::Shared).unwrap();
    let error = upgrade::recorded_key(&session, target.encryptor().unwrap()).unwrap_err();
    assert_eq!(error.kind(), rekey_engine::ErrorKind::Corrupt);
}

/// A key of the same id in another group is another key.
#[test]
fn keys_of_other_groups_and_files_are_not_this_key() {
    let site = Site::new();
    site.key("k", 1, vec![]);
    let elsewhere = KeyRef::Kmip { group: "other".to_owned(), id: key_id("k") };
    let usage = Usage { keys: BTreeSet::from([elsewhere]), ..Usage::default() };
    let target = site.find(&site.sources(), KeyWish::New(&usage)).unwrap();
    assert_eq!(target.key(), Some(&kmip("k")));
}

/// The simulator knows no templates: one that is named with the key does no harm there.
#[test]
fn a_namespace_is_sent_with_create() {
    let site = Site::new();
    let more = ", 'key_namespace': 'accounts', 'template_name': 'T'";
    let (mut target, sources) = new_for(&site, cbc(more), &[]).unwrap();
    make(&site, &mut target, &sources).unwrap();
    let id = id_of(&target);
    let told = attributes(&site, &id);
    assert_eq!(told.custom(NAMESPACE), Some("accounts"));
    // Found again by the namespace, and not by another one.
    let again = |more: &str| {
        Target::find(cbc(more), KeyWish::AsTheDatabase, &sources, DATABASE_KEY_ID_LIMIT)
    };
    assert_eq!(again(", 'key_namespace': 'accounts'").unwrap().key(), target.key());
    assert!(again(", 'key_namespace': 'other'").is_err());
}

#[test]
fn a_server_that_refuses_create_says_why() {
    let site = Site::new();
    let refuse = Fault::Refuse(0x0c, "quota\u{7}".to_owned());
    site.sim.fail_always(Operation::CREATE, refuse);
    let (mut target, sources) = new(&site, &[]).unwrap();
    let error = make(&site, &mut target, &sources).unwrap_err();
    assert_eq!(error.kind(), KeyUnavailable);
    assert_eq!(
        error.chain(),
        "KMIP group 'kmip1': the key server refused Create: Permission Denied \
         (12): quota\\u{7}"
    );
    assert_eq!(
        error.hint_text(),
        Some("grant the client's certificate this operation on the key server")
    );
    assert!(site.sim.store().is_empty());
}

#[test]
fn when_activate_is_refused_the_new_key_is_named() {
    let site = Site::new();
    site.sim.fail_always(Operation::ACTIVATE, Fault::Refuse(0x0c, "no".to_owned()));
    let (mut target, sources) = new(&site, &[]).unwrap();
    let error = make(&site, &mut target, &sources).unwrap_err();
    assert_eq!(
        error.chain(),
        "KMIP group 'kmip1': the server made the key 02-001, and did not activate it: the key server \
         refused Activate of 02-001: Permission Denied (12): no (key 02-001)"
    );
    assert_eq!(attributes(&site, "02-001").state(), Some(State::PRE_ACTIVE));
    // Asked again it makes no second one by itself: the target is used up.
    assert_eq!(make(&site, &mut target, &sources).unwrap(), KeyCreation::AlreadyThere);
    assert_eq!(site.sim.count(Operation::CREATE), 1);
    // The next run takes the key up, and makes no other.
    let (mut target, sources) = new(&site, &[]).unwrap();
    make(&site, &mut target, &sources).unwrap_err();
    site.sim.heal();
    let (mut target, sources) = new(&site, &[]).unwrap();
    assert_eq!(make(&site, &mut target, &sources).unwrap(), KeyCreation::TakenUp);
    assert_eq!((id_of(&target).as_str(), site.sim.count(Operation::CREATE)), ("02-001", 1));
    assert_eq!(attributes(&site, "02-001").state(), Some(State::ACTIVE));
}

#[test]
fn create_without_an_answer_is_not_repeated() {
    for (fault, timeout) in [(Fault::DoneButNoReply, 20_000), (Fault::Silent, 500)] {
        let site = Site::new().hasty(timeout);
        site.sim.fail_always(Operation::CREATE, fault);
        in_time(move || {
            let (mut target, sources) = new(&site, &[]).unwrap();
            let error = make(&site, &mut target, &sources).unwrap_err();
            assert_eq!(error.kind(), KeyUnavailable);
            assert!(error.chain().ends_with("whether it was done is not known"), "{error:?}");
            assert!(error.hint_text().unwrap().starts_with("run the same command again"));
            assert_eq!(site.sim.count(Operation::CREATE), 1);
            // The next run finds out its state.
            site.sim.heal();
            let was_made = site.sim.store().len();
            let (mut target, sources) = new(&site, &[]).unwrap();
            let how = make(&site, &mut target, &sources).unwrap();
            assert_eq!(how == KeyCreation::TakenUp, was_made == 1);
            assert_eq!(site.sim.store().len(), 1, "never a heap of keys");
        });
    }
}

#[test]
fn without_custom_attributes_a_namespace_cannot_be_made() {
    let site = Site::quirky(&[Quirk::NoCustomAttributes]);
    let (mut target, sources) = new_for(&site, cbc(", 'key_namespace': 'n'"), &[]).unwrap();
    let error = make(&site, &mut target, &sources).unwrap_err();
    assert!(error.chain().contains("refused Create"), "{error:?}");
    assert!(site.sim.store().is_empty());
}

/// The key is created nevertheless, and found by its id. By its cipher neither the next run nor the
/// database finds it.
#[test]
fn a_server_that_drops_parameters_loses_the_new_key() {
    let site = Site::quirky(&[Quirk::DropsCryptographicParameters]);
    site.key("old", 9, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
    site.sstable("1", &["old"]);
    let (mut target, sources) = new(&site, &["old"]).unwrap();
    make(&site, &mut target, &sources).unwrap();
    let warnings: Vec<_> = target.choice().unwrap().warnings.iter().map(Error::chain).collect();
    assert_eq!(
        warnings,
        [format!(
            "the server does not offer the new key for these options, so the database will not \
             find it, and make another one (key {})",
            id_of(&target)
        )]
    );
    assert_eq!(rewritten(&site.upgrade(&sources, &target).unwrap()), 1);
    site.assert_all_under(&id_of(&target), &["1"]);
}
