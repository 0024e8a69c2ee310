use rekey_kmip::client::choice::{Candidate, NAMESPACE, choose};
use rekey_kmip::message::{
    Attribute, AttributeName, Attributes, BlockCipherMode, CryptographicAlgorithm,
    CryptographicParameters, PaddingMethod, State, Timestamp,
};
use rekey_kmip::ttlv::Tag;

use super::*;
use crate::ErrorKind;
use crate::options::OptionMap;

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn options(pairs: &[(&str, &str)]) -> EncryptorOptions {
    let base = [("key_provider", "KmipKeyProviderFactory"), ("kmip_host", "g")];
    let map = OptionMap::from_pairs(base.iter().chain(pairs).copied()).unwrap();
    EncryptorOptions::from_options(&map).unwrap()
}

fn request(namespace: Option<&str>) -> KeyRequest {
    let pairs: Vec<_> = namespace.map(|name| ("key_namespace", name)).into_iter().collect();
    key_request(&options(&pairs)).unwrap()
}

/// An AES/CBC key of 128 bits that is active since the given second.
fn key(id: &str, activated: i64, more: Vec<Attribute>) -> Candidate {
    let parameters = CryptographicParameters {
        mode: Some(BlockCipherMode::CBC),
        padding: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    };
    let own = [
        Attribute::new(Tag::CRYPTOGRAPHIC_ALGORITHM.into(), CryptographicAlgorithm::AES.number()),
        Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), 128),
        Attribute::new(Tag::CRYPTOGRAPHIC_PARAMETERS.into(), parameters),
        Attribute::new(Tag::STATE.into(), State::ACTIVE.number()),
        Attribute::new(Tag::ACTIVATION_DATE.into(), Timestamp::from_seconds(activated)),
    ];
    let attributes = more.into_iter().chain(own).collect::<Attributes>();
    Candidate { id: id.into(), attributes }
}

fn longer(id: &str, activated: i64) -> Candidate {
    key(id, activated, vec![Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), 256)])
}

fn chosen(candidates: Vec<Candidate>) -> Choice {
    choose(&request(None), candidates, NOW)
}

fn used(ids: &[&str]) -> BTreeSet<KeyRef> {
    let key = |id: &&str| KeyRef::Kmip { group: "g".to_owned(), id: KeyId::new(*id).unwrap() };
    ids.iter().map(key).collect()
}

fn id(settled: &Settled) -> Option<&str> {
    settled.id.as_ref().map(KeyId::as_str)
}

fn choice(settled: Settled) -> KeyChoice {
    settled.choice.unwrap()
}

#[test]
fn the_options_of_the_table_are_what_is_asked_for() {
    let asked = key_request(&options(&[
        ("cipher_algorithm", "AES"),
        ("secret_key_strength", "256"),
        ("key_namespace", "n"),
        ("template_name", "t"),
    ]));
    let asked = asked.unwrap();
    assert_eq!((asked.cipher.to_string().as_str(), asked.strength), ("AES", 256));
    assert_eq!((asked.namespace.as_deref(), asked.template.as_deref()), (Some("n"), Some("t")));
}

#[test]
fn without_servers_only_a_named_key_settles_it() {
    let named = KeyId::new("k").unwrap();
    let settled = settle(&options(&[]), KeyWish::Named(&named), None).unwrap();
    assert_eq!((id(&settled), settled.choice.is_none()), (Some("k"), true));
    let none = BTreeSet::new();
    for wish in [KeyWish::AsTheDatabase, KeyWish::New(&none)] {
        let error = settle(&options(&[]), wish, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.advice().unwrap().contains("--key-id"));
    }
}

#[test]
fn the_first_that_fits_is_taken_even_where_the_database_stumbles() {
    let settled =
        as_the_database("g", &request(None), &chosen(vec![longer("long", 1), key("k", 2, vec![])]));
    let settled = settled.unwrap();
    assert_eq!(id(&settled), Some("k"));
    let choice = choice(settled);
    assert!(choice.by_rule);
    assert_eq!(choice.others, [("long".to_owned(), "has 256 bits".to_owned())]);
    assert_eq!(choice.warnings.len(), 1);
    assert_eq!(choice.warnings[0].key_name(), Some("long"));
    assert!(choice.warnings[0].to_string().contains("which has 256 bits, and then fails to write"));
}

#[test]
fn an_id_that_no_header_can_hold_is_refused() {
    let long = "x".repeat(5000);
    for id in ["", &long] {
        let error = as_the_database("g", &request(None), &chosen(vec![key(id, 1, vec![])]));
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Invalid, "{}", id.len());
    }
}

#[test]
fn what_does_not_fit_is_listed_up_to_a_limit_and_cannot_drive_a_terminal() {
    let error = |count: i64| {
        let keys = (0..count).map(|i| longer(&format!("\u{1b}{i}"), i)).collect();
        as_the_database("g\n", &request(Some("n\u{7}")), &chosen(keys)).unwrap_err().to_string()
    };
    let none = error(0);
    assert_eq!(
        none,
        "the servers of group 'g\\n' have no active key for AES/CBC/PKCS5Padding of 128 bits in \
         the namespace 'n\\u{7}'"
    );
    let ten = error(10);
    assert!(ten.starts_with(&format!("{none}: \\u{{1b}}0 has 256 bits; ")), "{ten}");
    assert!(ten.ends_with("; \\u{1b}9 has 256 bits"), "{ten}");
    assert!(error(11).ends_with("; and 1 more") && error(500).ends_with("; and 490 more"));
}

#[test]
fn a_named_key_is_taken_whatever_the_server_says() {
    let by_name = KeyId::new("k").unwrap();
    let fine = named(&by_name, Ok(chosen(vec![key("k", 1, vec![]), key("l", 2, vec![])])));
    assert_eq!((fine.warnings.len(), fine.by_rule), (0, false));
    assert_eq!(fine.others.len(), 1);
    let other = named(&by_name, Ok(chosen(vec![key("j", 1, vec![]), key("k", 2, vec![])])));
    assert_eq!(other.warnings[0].key_name(), Some("j"));
    let silent = named(&by_name, Err(Error::key_unavailable("down")));
    assert!(silent.warnings[0].chain().ends_with("write with: down"), "{silent:?}");
}

#[test]
fn a_new_key_is_one_that_waits_or_one_to_be_made() {
    let old_and = |more: Vec<Candidate>| chosen([vec![key("old", 1, vec![])], more].concat());
    // Nothing at all.
    let settled = new("g", &chosen(vec![]), &used(&[])).unwrap();
    assert_eq!(id(&settled), None);
    assert_eq!(choice(settled).warnings.len(), 0);
    // The old one only.
    let settled = new("g", &old_and(vec![]), &used(&["old"])).unwrap();
    assert_eq!(id(&settled), None);
    assert_eq!(choice(settled).warnings[0].key_name(), Some("old"));
    // One that waits.
    let settled = new("g", &old_and(vec![key("new", 2, vec![])]), &used(&["old"])).unwrap();
    assert_eq!(id(&settled), Some("new"));
    let explained = choice(settled);
    assert_eq!(explained.warnings[0].key_name(), Some("old"));
    assert!(!explained.by_rule, "what is under it already is done");
    // Both are used.
    let error = new("g", &old_and(vec![key("new", 2, vec![])]), &used(&["old", "new"]));
    assert_eq!(error.unwrap_err().key_name(), Some("new"));
    // The same ids of another group are other keys.
    let settled = new("h", &old_and(vec![key("new", 2, vec![])]), &used(&["old", "new"])).unwrap();
    assert!(id(&settled).is_some());
}

#[test]
fn where_the_database_fails_it_does_not_go_on() {
    let settled = new("g", &chosen(vec![longer("long", 1)]), &used(&["old"])).unwrap();
    assert_eq!(id(&settled), None);
    let warnings = choice(settled).warnings;
    assert_eq!(warnings.len(), 1);
    assert!(warnings[0].to_string().ends_with("and then fails to write (key long)"));
}

#[test]
fn keys_that_do_not_fit_are_not_taken_for_waiting_ones() {
    let expired = Attribute::new(Tag::PROTECT_STOP_DATE.into(), Timestamp::from_seconds(5));
    let off = Attribute::new(Tag::STATE.into(), State::DEACTIVATED.number());
    let other = Attribute::new(AttributeName::custom(NAMESPACE), "other");
    let candidates = vec![
        key("expired", 1, vec![expired]),
        key("off", 2, vec![off]),
        key("other", 3, vec![other]),
    ];
    let choice = choose(&request(Some("mine")), candidates, NOW);
    let settled = new("g", &choice, &used(&[])).unwrap();
    assert_eq!(id(&settled), None);
    assert_eq!(settled.choice.unwrap().others.len(), 3);
}

#[test]
fn keys_that_no_date_tells_apart_are_taken_in_the_server_s_order_and_it_is_said() {
    let pairs = [("cipher_algorithm", "AES"), ("secret_key_strength", "256")];
    let request = key_request(&options(&pairs)).unwrap();
    for order in [["1", "2"], ["2", "1"]] {
        let candidates = order.map(|id| {
            let attributes = Attributes::new(request.new_key(None).attributes);
            Candidate { id: id.into(), attributes }
        });
        let choice = choose(&request, candidates.to_vec(), NOW);
        let settled = as_the_database("group", &request, &choice).unwrap();
        assert_eq!(settled.id.unwrap().as_str(), order[0]);
        let reason = settled.choice.unwrap().reason;
        assert!(reason.contains("the first of 2 keys"), "{reason}");
        assert!(reason.ends_with("then the server's own order)"), "{reason}");
    }
}
