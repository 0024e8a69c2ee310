use rekey_kmip::client::choice::{Candidate, choose};
use rekey_kmip::message::{
    Attribute, Attributes, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters,
    PaddingMethod, State, Timestamp,
};
use rekey_kmip::ttlv::Tag;

use super::*;
use crate::ErrorKind;
use crate::options::OptionMap;

pub(super) const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn options(pairs: &[(&str, &str)]) -> EncryptorOptions {
    let base = [("key_provider", "KmipKeyProviderFactory"), ("kmip_host", "g")];
    let map = OptionMap::from_pairs(base.iter().chain(pairs).copied()).unwrap();
    EncryptorOptions::from_options(&map).unwrap()
}

pub(super) fn request(namespace: Option<&str>) -> KeyRequest {
    let pairs: Vec<_> = namespace.map(|name| ("key_namespace", name)).into_iter().collect();
    key_request(&options(&pairs)).unwrap()
}

/// An AES/CBC key of 128 bits that is active since the given second.
pub(super) fn key(id: &str, activated: i64, more: Vec<Attribute>) -> Candidate {
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

pub(super) fn longer(id: &str, activated: i64) -> Candidate {
    key(id, activated, vec![Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), 256)])
}

fn chosen(candidates: Vec<Candidate>) -> Choice {
    choose(&request(None), candidates, NOW)
}

pub(super) fn id(settled: &Settled) -> Option<&str> {
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
    let none = Usage::default();
    for wish in [KeyWish::AsTheDatabase, KeyWish::New(&none)] {
        let error = settle(&options(&[]), wish, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.hint_text().unwrap().contains("--key-id"));
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
fn a_key_that_must_not_encrypt_is_refused_unless_its_state_is_said() {
    let told = |more| key("k", 1, more).attributes;
    let by_name = KeyId::new("k").unwrap();
    let check =
        |attributes: &Attributes, said: Option<&str>| check_state(&by_name, attributes, said);
    let fine = told(vec![]);
    assert!(check(&fine, None).unwrap().is_none());
    assert_eq!(check(&fine, Some("Deactivated")).unwrap_err().kind(), ErrorKind::Invalid);
    // What the server does not tell forbids nothing.
    assert!(check(&Attributes::default(), None).unwrap().is_none());
    let state = |state: State| Attribute::new(Tag::STATE.into(), state.number());
    for (more, name) in [
        (state(State::DEACTIVATED), "Deactivated"),
        (state(State::COMPROMISED), "Compromised"),
        (state(State::PRE_ACTIVE), "Pre-Active"),
        (Attribute::new(Tag::PROTECT_STOP_DATE.into(), NOW), "Expired"),
    ] {
        let attributes = told(vec![more]);
        assert_eq!(state_of(&attributes).as_deref(), Some(name));
        let error = check(&attributes, None).unwrap_err();
        assert_eq!((error.kind(), error.key_name()), (ErrorKind::KeyUnavailable, Some("k")));
        assert!(error.hint_text().unwrap().ends_with(&format!("--even-if '{name}'")), "{error:?}");
        assert!(check(&attributes, Some(&name.to_lowercase())).unwrap().is_some());
        let other = check(&attributes, Some("Suspended")).unwrap_err();
        assert_eq!(other.kind(), ErrorKind::KeyUnavailable);
    }
    // One that is gone is nothing to insist on.
    for gone in [State::DESTROYED, State::DESTROYED_COMPROMISED] {
        let error = check(&told(vec![state(gone)]), None).unwrap_err();
        assert!(!error.hint_text().unwrap().contains("--even-if"), "{error:?}");
    }
}

#[test]
fn a_server_that_shows_the_database_a_part_is_warned_of() {
    let whole = chosen(vec![key("k", 1, vec![])]);
    assert!(warnings(&whole, "k").is_empty());
    let mut cut = whole;
    cut.rest = Rest::Cut { listed: 1, of: 9 };
    assert!(warnings(&cut, "k")[0].to_string().contains("gives it 1 of 9"));
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
