//! A target key that is the old key, and limits of the target's id.

use rekey_engine::ErrorKind::{Invalid, KeyUnavailable};
use rekey_engine::plan::{Action, SkipReason, Usage};

use super::*;

const STILL: &str = "these SSTables are already under the key that the database would still choose";

#[test]
fn the_old_key_as_target_is_an_error_without_work() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.key("young", 1, vec![]);
    site.sstable("1", &["old"]);
    site.sstable("2", &["old"]);
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::AsTheDatabase).unwrap();
    let plan = site.plan(&sources, &target);
    let (severity, text, sstables) = findings(&plan).remove(0);
    assert_eq!((severity, plan.findings.len()), (Severity::Blocker, 1));
    assert_eq!(text, format!("{STILL} (key kmip kmip1/old)"));
    assert_eq!(sstables, ["oa-1-big-Data.db", "oa-2-big-Data.db"]);
    let blocker = plan.blocker().unwrap();
    assert_eq!(blocker.error.kind(), Invalid);
    let hint = blocker.error.hint_text().unwrap();
    assert!(hint.contains("--create-key") && !hint.contains("revoke"), "{hint}");
    let before = site.contents();
    let error = site.upgrade(&sources, &target).unwrap_err();
    assert_eq!((error.kind(), error.chain()), (Invalid, text));
    assert_eq!(site.contents(), before);
}

#[test]
fn the_old_key_as_target_is_a_warning_with_other_work() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.key("stray", 1, vec![]);
    site.sstable("1", &["old"]);
    site.sstable("2", &["stray"]);
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::AsTheDatabase).unwrap();
    let plan = site.plan(&sources, &target);
    assert_eq!(
        findings(&plan),
        [(
            Severity::Warning,
            format!("{STILL} (key kmip kmip1/old)"),
            vec!["oa-1-big-Data.db".to_owned()]
        )]
    );
    let report = site.upgrade(&sources, &target).unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 1));
    site.assert_all_under("old", &["1", "2"]);
}

/// New options with the old key are not a rotation.
#[test]
fn other_options_under_the_same_key_are_a_warning() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.sstable("1", &["old"]);
    let sources = site.sources();
    let target = |wish| {
        let params = cbc(", 'template_name': 't'");
        Target::find(params, wish, &sources, DATABASE_KEY_ID_LIMIT).unwrap()
    };
    let plan = site.plan(&sources, &target(KeyWish::AsTheDatabase));
    assert_eq!(
        findings(&plan),
        [(
            Severity::Warning,
            "these SSTables get other options, but stay under the same key, which the database \
             would still choose (key kmip kmip1/old)"
                .to_owned(),
            vec!["oa-1-big-Data.db".to_owned()]
        )]
    );
    assert_eq!(plan.rewrites().count(), 1);
    let named = key_id("old");
    let plan = site.plan(&sources, &target(KeyWish::Named(&named)));
    assert_eq!((findings(&plan), plan.rewrites().count()), (vec![], 1));
}

#[test]
fn a_named_key_is_used() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.sstable("1", &["old"]);
    let sources = site.sources();
    let target = site.find(&sources, KeyWish::Named(&key_id("old"))).unwrap();
    let plan = site.plan(&sources, &target);
    assert_eq!(findings(&plan), []);
    assert!(matches!(plan.sstables[0].action, Action::Skip(SkipReason::UnderTargetKey)));
    let report = site.upgrade(&sources, &target).unwrap();
    assert_eq!((failures(&report), rewritten(&report)), (vec![], 0));
}

/// Once the old key is expired the same command does its work, and missing data is not a mistake.
#[test]
fn an_expired_old_key_is_not_chosen() {
    let site = Site::new();
    let sources = site.sources();
    site.key("old", 9, vec![]);
    site.key("young", 1, vec![]);
    let target = site.find(&sources, KeyWish::AsTheDatabase).unwrap();
    assert!(target.choice().unwrap().warnings.is_empty());
    site.sstable("1", &["old"]);
    let servers = sources.servers.as_ref().unwrap();
    let date = Timestamp::from_seconds(Timestamp::now().seconds() - 5);
    servers.with(GROUP, |client| client.expire(&"old".into(), date)).unwrap();
    let target = site.find(&sources, KeyWish::AsTheDatabase).unwrap();
    assert_eq!(target.key(), Some(&kmip("young")));
    assert_eq!(rewritten(&site.upgrade(&sources, &target).unwrap()), 1);
    site.assert_all_under("young", &["1"]);
}

#[test]
fn ids_respect_the_limit_of_the_site() {
    let site = Site::new();
    let id = "k".repeat(300);
    site.key(&id, 9, vec![]);
    let find = |limit, wish: KeyWish<'_>| Target::find(cbc(""), wish, &site.sources(), limit);
    for wish in [KeyWish::AsTheDatabase, KeyWish::Named(&key_id(&id))] {
        for limit in [DATABASE_KEY_ID_LIMIT, 299] {
            let error = find(limit, wish).unwrap_err();
            assert_eq!(
                (error.kind(), error.chain()),
                (
                    Invalid,
                    format!(
                        "the id of the target key has 300 bytes, and the database writes at most \
                         {limit}"
                    )
                )
            );
            assert!(error.hint_text().unwrap().contains("--max-key-id-length"));
        }
        assert_eq!(find(300, wish).unwrap().key(), Some(&kmip(&id)));
    }
    // What is on disk is read whatever its length.
    site.sstable("1", &[&id]);
    site.key("new", 1, vec![]);
    assert_eq!(rewritten(&site.upgrade_to("new").unwrap()), 1);
    site.assert_all_under("new", &["1"]);
}

#[test]
fn a_key_that_is_made_must_keep_the_limit_too() {
    let site = Site::new();
    let sources = site.sources();
    let used = Usage::default();
    let mut target = Target::find(cbc(""), KeyWish::New(&used), &sources, 36).unwrap();
    target.make_key(&sources, site.workspace.root.path()).unwrap();
    // Ids of the simulator have 6 bytes; one of 5 does not even get as far as being made.
    assert!(Target::find(cbc(""), KeyWish::New(&used), &sources, 5).is_err());
    assert_eq!(site.sim.store().len(), 1);
}

#[test]
fn without_servers_a_key_must_be_named() {
    let mut site = Site::new();
    site.workspace.node_config = None;
    let sources = site.sources();
    let used = Usage::default();
    for wish in [KeyWish::AsTheDatabase, KeyWish::New(&used)] {
        let error = site.find(&sources, wish).unwrap_err();
        assert_eq!(error.kind(), Invalid);
        assert!(error.hint_text().unwrap().contains("--config"), "{error:?}");
    }
    let target = site.find(&sources, KeyWish::Named(&key_id("any"))).unwrap();
    assert!(target.choice().is_none());
}

/// Nothing is written with a key that must not encrypt, unless the operator says that it is so.
#[test]
fn a_key_that_must_not_encrypt_is_refused_before_any_write() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.key("off", 3, vec![ago(Tag::DEACTIVATION_DATE, 1)]);
    site.key("stopped", 3, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
    site.sstable("1", &["old"]);
    let sources = site.sources();
    for (name, state) in [("off", "Deactivated"), ("stopped", "Expired")] {
        let id = key_id(name);
        for wish in [KeyWish::Named(&id), KeyWish::Resumed(&id), KeyWish::EvenIf(&id, "Active")] {
            let error = site.find(&sources, wish).unwrap_err();
            assert_eq!((error.kind(), error.key_name()), (KeyUnavailable, Some(name)));
        }
        let target = site.find(&sources, KeyWish::EvenIf(&id, state)).unwrap();
        let choice = target.choice().unwrap();
        assert_eq!(choice.state.as_deref(), Some(state));
        let said = choice.warnings.iter().any(|warning| warning.key_name() == Some(name));
        assert!(said, "{choice:?}");
    }
    let id = key_id("old");
    let error = site.find(&sources, KeyWish::EvenIf(&id, "Deactivated")).unwrap_err();
    assert_eq!(error.kind(), Invalid);
}
