//! The key to write with, as the database chooses it (KMIP.md 1.2 to 1.5), and as servers distort
//! it.

use rekey_engine::ErrorKind::{Invalid, KeyUnavailable, Unsupported};
use rekey_engine::plan::KeyChoice;
use rekey_kmip::client::choice::NAMESPACE;
use rekey_kmip::message::{AttributeName, Operation, ResultReason};

use super::*;

fn namespace(name: &str) -> Attribute {
    Attribute::new(AttributeName::custom(NAMESPACE), name)
}

fn target(site: &Site, params: CompressionParams) -> Result<Target> {
    Target::find(params, KeyWish::AsTheDatabase, &site.sources(), DATABASE_KEY_ID_LIMIT)
}

fn chosen(site: &Site) -> Target {
    target(site, cbc("")).unwrap()
}

fn others(choice: &KeyChoice) -> Vec<(&str, &str)> {
    choice.others.iter().map(|(id, why)| (id.as_str(), why.as_str())).collect()
}

fn warnings(target: &Target) -> Vec<(String, Option<String>)> {
    let warnings = &target.choice().unwrap().warnings;
    warnings.iter().map(|w| (w.chain(), w.hint_text().map(str::to_owned))).collect()
}

const LATER: &str = "fits, and comes later in the database's order";

#[test]
fn the_only_key_is_used_without_warnings() {
    let site = Site::new();
    site.key("only", 3, vec![]);
    let target = chosen(&site);
    assert_eq!(target.key(), Some(&kmip("only")));
    let choice = target.choice().unwrap();
    assert_eq!(choice.reason, "the only key that the database finds for these options");
    assert_eq!((choice.others.len(), choice.warnings.len(), choice.by_rule), (0, 0, true));
    assert!(!target.may_be_made());
    assert_eq!(site.sim.count(Operation::CREATE), 0);
}

#[test]
fn the_oldest_activation_wins() {
    let site = Site::new();
    site.key("young", 1, vec![]);
    site.key("old", 3, vec![]);
    site.key("middle", 2, vec![]);
    let target = chosen(&site);
    assert_eq!(target.key(), Some(&kmip("old")));
    let choice = target.choice().unwrap();
    assert_eq!(
        choice.reason,
        "the first of 3 keys that the database finds for these options (earliest Protect Stop \
         Date, then earliest Activation Date, then the server's own order)"
    );
    assert_eq!(others(choice), [("middle", LATER), ("young", LATER)]);
    assert_eq!(warnings(&target), []);
}

#[test]
fn a_future_protect_stop_date_beats_keys_without_one() {
    let site = Site::new();
    site.key("old", 9, vec![]);
    site.key("later", 5, vec![ago(Tag::PROTECT_STOP_DATE, -2)]);
    site.key("sooner", 1, vec![ago(Tag::PROTECT_STOP_DATE, -1)]);
    let target = chosen(&site);
    assert_eq!(target.key(), Some(&kmip("sooner")));
    assert_eq!(others(target.choice().unwrap()), [("later", LATER), ("old", LATER)]);
}

#[test]
fn expired_keys_are_dropped_and_reported() {
    let site = Site::new();
    site.key("expired", 9, vec![ago(Tag::PROTECT_STOP_DATE, 1)]);
    site.key("new", 1, vec![]);
    let target = chosen(&site);
    assert_eq!(target.key(), Some(&kmip("new")));
    let others = others(target.choice().unwrap());
    assert_eq!(others.len(), 1);
    assert!(others[0].0 == "expired" && others[0].1.starts_with("expired on 20"), "{others:?}");
    assert_eq!(warnings(&target), []);
}

#[test]
fn the_namespace_is_respected() {
    let site = Site::new();
    site.key("none", 9, vec![]);
    site.key("other", 8, vec![namespace("other")]);
    site.key("mine", 1, vec![namespace("mine")]);
    let of = |more: &str| target(&site, cbc(more));
    assert_eq!(of(", 'key_namespace': 'mine'").unwrap().key(), Some(&kmip("mine")));
    // Without one, keys of any namespace will do.
    assert_eq!(of("").unwrap().key(), Some(&kmip("none")));
    let error = of(", 'key_namespace': 'its own'").unwrap_err();
    assert_eq!(
        error.chain(),
        "the servers of group 'kmip1' have no active key for AES/CBC/PKCS5Padding of 128 bits in \
         the namespace 'its own'"
    );
    assert_eq!(
        error.hint_text(),
        Some("make one: --create-key, or on the server; or name a key with --key-id")
    );
}

#[test]
fn a_bare_name_and_its_long_form_need_two_keys() {
    let site = Site::new();
    site.key("ecb", 3, vec![parameters(BlockCipherMode::ECB)]);
    let ecb = target(&site, params("AES/ECB/PKCS5Padding", 128, "")).unwrap();
    assert_eq!(ecb.key(), Some(&kmip("ecb")));
    // Without parameters to filter by the server offers it, too, and the database stops at it.
    let error = target(&site, params("AES", 128, "")).unwrap_err();
    assert_eq!(error.kind(), KeyUnavailable);
    assert_eq!(
        error.chain(),
        "the servers of group 'kmip1' have no active key for AES of 128 bits: ecb is for the \
         cipher AES/ECB/PKCS5Padding"
    );
    let bare = site.sim.store().add_key(CryptographicAlgorithm::AES, 128, vec![]).unwrap();
    let target = target(&site, params("AES", 128, "")).unwrap();
    assert_eq!(target.key(), Some(&kmip(bare.as_str())));
    assert_eq!(
        warnings(&target),
        [(
            "the database takes this key first, which is for the cipher AES/ECB/PKCS5Padding, and \
             then fails to write (key ecb)"
                .to_owned(),
            Some(
                "give each cipher a key_namespace of its own; or expire that key (keys expire) \
                 before the node starts, if nothing is to be written with it any more"
                    .to_owned()
            )
        )]
    );
}

#[test]
fn ciphers_that_kmip_cannot_name_are_refused_by_name() {
    let site = Site::new();
    let error = target(&site, params("AES/CBC/NoPadding", 128, "")).unwrap_err();
    assert!(matches!(error.kind(), Unsupported | Invalid), "{error:?}");
    assert!(error.chain().contains("NoPadding"), "{error:?}");
    assert_eq!(site.sim.connections(), 0);
}

#[test]
fn nothing_that_fits_is_an_error_that_lists_the_reasons() {
    let site = Site::quirky(&[Quirk::IgnoresLocateFilters]);
    site.key("off", 9, vec![ago(Tag::DEACTIVATION_DATE, 1)]);
    site.key("ecb", 8, vec![parameters(BlockCipherMode::ECB)]);
    site.key("one way", 7, vec![Attribute::new(Tag::CRYPTOGRAPHIC_USAGE_MASK.into(), 0x04)]);
    site.sim.store().keep_key(
        &"long".into(),
        CryptographicAlgorithm::AES,
        vec![7; 32].into(),
        vec![parameters(BlockCipherMode::CBC), ago(Tag::ACTIVATION_DATE, 6)],
    );
    let error = target(&site, cbc("")).unwrap_err();
    assert_eq!(error.kind(), KeyUnavailable);
    assert_eq!(
        error.chain(),
        "the servers of group 'kmip1' have no active key for AES/CBC/PKCS5Padding of 128 bits: \
         off is Deactivated; ecb is for the cipher AES/ECB/PKCS5Padding; one way has the usage \
         mask 0x4; long has 256 bits"
    );
    for i in 0..9 {
        site.key(&format!("more {i}"), 5 - i, vec![ago(Tag::COMPROMISE_DATE, 1)]);
    }
    let text = target(&site, cbc("")).unwrap_err().chain();
    assert!(text.contains("; more 4 is Compromised; ") && text.ends_with("; and 3 more"), "{text}");
}

#[test]
fn ignored_filters_are_applied_and_the_database_s_error_shown() {
    let site = Site::quirky(&[Quirk::IgnoresLocateFilters]);
    site.key("ecb", 9, vec![parameters(BlockCipherMode::ECB)]);
    site.key("off", 8, vec![ago(Tag::DEACTIVATION_DATE, 1)]);
    site.key("good", 1, vec![]);
    let target = chosen(&site);
    assert_eq!(target.key(), Some(&kmip("good")));
    let choice = target.choice().unwrap();
    assert_eq!(choice.reason, "the only key that the database finds for these options");
    assert_eq!(
        others(choice),
        [("ecb", "is for the cipher AES/ECB/PKCS5Padding"), ("off", "is Deactivated")]
    );
    let warnings = &choice.warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!((warnings[0].kind(), warnings[0].key_name()), (KeyUnavailable, Some("ecb")));
    assert!(warnings[0].chain().contains("and then fails to write"), "{warnings:?}");
    // The plan shows it, once and without SSTables.
    site.sstable("1", &["off"]);
    let sources = site.sources();
    let plan = site.plan(&sources, &target);
    let found = findings(&plan);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].0, &found[0].1), (Severity::Warning, &warnings[0].chain()));
    assert_eq!(rewritten(&site.upgrade(&sources, &target).unwrap()), 1);
    site.assert_all_under("good", &["1"]);
}

/// The server ignores the custom filter, so the database takes a key of another namespace, and
/// writes with it.
#[test]
fn with_an_ignored_namespace_the_database_uses_another_key() {
    let site = Site::quirky(&[Quirk::IgnoresCustomFilters]);
    site.key("other", 9, vec![namespace("other")]);
    site.key("mine", 1, vec![namespace("mine")]);
    let target = target(&site, cbc(", 'key_namespace': 'mine'")).unwrap();
    assert_eq!(target.key(), Some(&kmip("mine")));
    assert_eq!(
        warnings(&target),
        [(
            "the database itself keeps writing with another key than the target's (key other)"
                .to_owned(),
            Some(
                "if the target's key is to take its place, expire it before the node starts (keys \
                 expire); else write with it: --key-id 'other'"
                    .to_owned()
            )
        )]
    );
    assert_eq!(others(target.choice().unwrap()), [("other", "is of the namespace other")]);
}

#[test]
fn a_des_key_listed_as_aes_is_recognised_by_its_length() {
    let site = Site::quirky(&[Quirk::ListsDesAsAes, Quirk::IgnoresLocateFilters]);
    let des = site.sim.store().add_key(
        CryptographicAlgorithm::DES,
        56,
        vec![parameters(BlockCipherMode::CBC), ago(Tag::ACTIVATION_DATE, 9)],
    );
    let des = des.unwrap();
    site.key("aes", 1, vec![]);
    let target = chosen(&site);
    assert_eq!(target.key(), Some(&kmip("aes")));
    assert_eq!(others(target.choice().unwrap()), [(des.as_str(), "has 56 bits")]);
    assert_eq!(
        warnings(&target)[0].0,
        format!(
            "the database takes this key first, which has 56 bits, and then fails to write (key \
             {des})"
        )
    );
}

#[test]
fn a_server_that_drops_parameters_has_no_key_with_a_mode() {
    let site = Site::quirky(&[Quirk::DropsCryptographicParameters, Quirk::IgnoresLocateFilters]);
    let key = site.sim.store().add_key(CryptographicAlgorithm::AES, 128, vec![]).unwrap();
    let error = target(&site, cbc("")).unwrap_err();
    assert_eq!(
        error.chain(),
        format!(
            "the servers of group 'kmip1' have no active key for AES/CBC/PKCS5Padding of 128 \
             bits: {key} is for the cipher AES"
        )
    );
    // A bare name is what it can serve.
    assert_eq!(target(&site, params("AES", 128, "")).unwrap().key(), Some(&kmip(key.as_str())));
}

#[test]
fn without_dates_the_server_s_order_is_the_order() {
    let site = Site::quirky(&[Quirk::NoDates]);
    site.key("first", 1, vec![]);
    site.key("second", 9, vec![]);
    assert_eq!(chosen(&site).key(), Some(&kmip("first")));
}

#[test]
fn the_choice_needs_no_add_attribute_batches_or_pages() {
    for quirks in [
        &[Quirk::NoAddAttribute][..],
        &[Quirk::NoBatches],
        &[Quirk::NoBatchIds],
        &[Quirk::RefusesPaging],
        &[Quirk::IgnoresPaging],
        &[Quirk::NoDiscovery],
    ] {
        let site = Site::quirky(quirks);
        site.key("young", 1, vec![]);
        site.key("old", 3, vec![]);
        let target = chosen(&site);
        assert_eq!((target.key(), warnings(&target)), (Some(&kmip("old")), vec![]), "{quirks:?}");
    }
}

#[test]
fn a_server_that_refuses_the_search_is_not_taken_for_empty() {
    let site = Site::new();
    site.key("old", 3, vec![]);
    let reason = ResultReason::GENERAL_FAILURE.number();
    let fault = rekey_kmip_sim::Fault::Refuse(reason, "database locked".to_owned());
    site.sim.fail_always(Operation::LOCATE, fault);
    let error = target(&site, cbc("")).unwrap_err();
    assert_eq!(error.kind(), KeyUnavailable);
    assert!(error.chain().ends_with("database locked"), "{error:?}");
    // By name it continues, and says what is not known.
    let named = site.find(&site.sources(), KeyWish::Named(&key_id("old"))).unwrap();
    let warnings = warnings(&named);
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].0.starts_with(
            "it is not known which key the database would write with: KMIP group 'kmip1': "
        ),
        "{warnings:?}"
    );
}

#[test]
fn a_named_key_that_the_database_would_not_use_is_a_warning() {
    let site = Site::new();
    site.key("old", 3, vec![]);
    site.key("new", 1, vec![]);
    let named = |id| site.find(&site.sources(), KeyWish::Named(&key_id(id))).unwrap();
    let target = named("new");
    let choice = target.choice().unwrap();
    assert_eq!(
        (target.key(), choice.reason.as_str()),
        (Some(&kmip("new")), "named by the operator")
    );
    assert!(!choice.by_rule);
    assert_eq!(others(choice), [("old", LATER)]);
    assert_eq!(
        warnings(&target)[0].0,
        "the database itself keeps writing with another key than the target's (key old)"
    );
    assert_eq!(warnings(&named("old")), []);
}

#[test]
fn keys_of_the_same_age_come_in_the_server_s_order() {
    let site = Site::new();
    let same = ago(Tag::ACTIVATION_DATE, 2);
    for id in ["b", "a", "c"] {
        site.key(id, 0, vec![same.clone()]);
    }
    assert_eq!(chosen(&site).key(), Some(&kmip("b")));
}
