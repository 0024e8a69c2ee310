use super::*;
use crate::message::{
    Attributes, BlockCipherMode, CryptographicAlgorithm, PaddingMethod, Timestamp,
};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

fn wanted(cipher: &str, strength: i32) -> KeyRequest {
    KeyRequest { cipher: cipher.parse().unwrap(), strength, namespace: None, template: None }
}

fn cbc() -> KeyRequest {
    wanted("AES/CBC/PKCS5Padding", 128)
}

/// An active AES/CBC/PKCS5 key of 128 bits.
fn key(id: &str, more: Vec<Attribute>) -> Candidate {
    let parameters = CryptographicParameters {
        mode: Some(BlockCipherMode::CBC),
        padding: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    };
    let mut attributes = more;
    attributes.extend([
        Attribute::new(Tag::OBJECT_TYPE.into(), ObjectType::SYMMETRIC_KEY.number()),
        Attribute::new(Tag::CRYPTOGRAPHIC_ALGORITHM.into(), CryptographicAlgorithm::AES.number()),
        Attribute::new(Tag::CRYPTOGRAPHIC_LENGTH.into(), 128),
        Attribute::new(Tag::CRYPTOGRAPHIC_USAGE_MASK.into(), USAGE),
        Attribute::new(Tag::STATE.into(), State::ACTIVE.number()),
        Attribute::new(Tag::CRYPTOGRAPHIC_PARAMETERS.into(), parameters),
    ]);
    Candidate { id: id.into(), attributes: Attributes::new(attributes) }
}

fn date(tag: Tag, offset: i64) -> Attribute {
    Attribute::new(tag.into(), Timestamp::from_seconds(NOW.seconds() + offset))
}

fn activated(offset: i64) -> Attribute {
    date(Tag::ACTIVATION_DATE, offset)
}

fn stops(offset: i64) -> Attribute {
    date(Tag::PROTECT_STOP_DATE, offset)
}

fn chosen(wanted: &KeyRequest, candidates: Vec<Candidate>) -> Option<String> {
    choose(wanted, candidates, NOW).chosen.map(|id| id.as_str().to_owned())
}

#[test]
fn locate_sends_exactly_the_database_s_attributes_in_order() {
    let mut wanted = cbc();
    wanted.namespace = Some("ns".into());
    wanted.template = Some("never sent with Locate".into());
    let shown: Vec<_> =
        wanted.locate_attributes().iter().map(|attribute| attribute.name.to_string()).collect();
    assert_eq!(
        shown,
        [
            "Cryptographic Algorithm",
            "Cryptographic Length",
            "Object Type",
            "Cryptographic Usage Mask",
            "State",
            "Cryptographic Parameters",
            "x-key-namespace",
        ]
    );
    assert_eq!(wanted.locate_attributes()[3].value, AttributeValue::Integer(0x0c));
    assert_eq!(self::wanted("AES", 256).locate_attributes().len(), 5);
}

#[test]
fn create_sets_exactly_what_the_database_sets() {
    let mut wanted = cbc();
    wanted.namespace = Some("ns".into());
    wanted.template = Some("T".into());
    let key = wanted.new_key(Some("6.8.40"));
    let shown: Vec<_> = key.attributes.iter().map(|a| a.name.to_string()).collect();
    assert_eq!(
        shown,
        [
            "Cryptographic Algorithm",
            "Cryptographic Length",
            "Cryptographic Usage Mask",
            "Cryptographic Parameters",
            "x-dse-version",
            "x-key-namespace",
        ]
    );
    assert_eq!(key.template.as_deref(), Some("T"));
}

#[test]
fn names_resolve_by_name_only() {
    for text in [
        "AES",
        "AES/CBC/PKCS5Padding",
        "DES/ECB/PKCS5Padding",
        "blowfish/CFB/PKCS5Padding",
        "RC2/OFB/PKCS5Padding",
        "AES/PCBC/PKCS5Padding",
        "Blowfish",
    ] {
        assert_eq!(text.parse::<CipherName>().unwrap().to_string(), text);
    }
    let refused = |text: &str| text.parse::<CipherName>().unwrap_err();
    assert_eq!(refused("DESede/CBC/PKCS5Padding"), NoKmipName::Algorithm("DESede".into()));
    assert_eq!(refused("AES/CTR/NoPadding"), NoKmipName::Padding("NoPadding".into()));
    assert_eq!(refused("AES/CBC/ISO10126Padding"), NoKmipName::Padding("ISO10126Padding".into()));
    assert_eq!(refused("AES/XYZ/PKCS5Padding"), NoKmipName::Mode("XYZ".into()));
    assert_eq!(refused("AES/CBC"), NoKmipName::Parts("AES/CBC".into()));
}

#[test]
fn the_oldest_activation_wins_and_a_missing_one_is_last() {
    let keys = vec![
        key("none", vec![]),
        key("young", vec![activated(-10)]),
        key("old", vec![activated(-1000)]),
    ];
    assert_eq!(chosen(&cbc(), keys.clone()), Some("old".into()));
    let order: Vec<_> = choose(&cbc(), keys, NOW).verdicts.into_iter().map(|(id, _)| id).collect();
    assert_eq!(order, ["old".into(), "young".into(), "none".into()]);
}

#[test]
fn the_nearest_future_stop_date_wins_over_none() {
    let keys = vec![
        key("plain", vec![activated(-1000)]),
        key("later", vec![activated(-5000), stops(200)]),
        key("sooner", vec![activated(-1), stops(100)]),
    ];
    assert_eq!(chosen(&cbc(), keys), Some("sooner".into()));
}

#[test]
fn an_expired_key_is_dropped_from_the_second_of_its_date_on() {
    let keys = vec![key("expired", vec![stops(-1)]), key("plain", vec![activated(-1)])];
    let choice = choose(&cbc(), keys, NOW);
    assert_eq!(choice.chosen, Some("plain".into()));
    assert_eq!(choice.verdicts[1].0, "expired".into());
    assert!(matches!(choice.verdicts[1].1[..], [Rejection::Expired(_)]));
    let choice = choose(&cbc(), vec![key("this second", vec![stops(0)])], NOW);
    assert_eq!((choice.chosen, choice.database), (None, None));
    assert_eq!(chosen(&cbc(), vec![key("the next", vec![stops(1)])]), Some("the next".into()));
}

#[test]
fn process_start_and_deactivation_dates_are_ignored() {
    let more = vec![date(Tag::PROCESS_START_DATE, 500), date(Tag::DEACTIVATION_DATE, -500)];
    assert_eq!(chosen(&cbc(), vec![key("1", more)]), Some("1".into()));
}

#[test]
fn the_rebuilt_cipher_must_be_the_table_s_ignoring_case() {
    let keys = || vec![key("1", vec![])];
    assert_eq!(chosen(&wanted("aes/cbc/pkcs5Padding", 128), keys()), Some("1".into()));
    let bare = choose(&wanted("AES", 128), keys(), NOW);
    assert_eq!(bare.chosen, None);
    assert_eq!(
        bare.database.unwrap().failure,
        Some(Rejection::OtherCipher("AES/CBC/PKCS5Padding".into()))
    );
    let longer = choose(&wanted("AES/CBC/PKCS5Padding", 256), keys(), NOW);
    assert_eq!(longer.database.unwrap().failure, Some(Rejection::OtherStrength(128)));
}

#[test]
fn a_server_that_loses_the_parameters_serves_bare_names_only() {
    let mut lost = key("1", vec![]);
    let kept = lost.attributes.into_vec().into_iter();
    lost.attributes = kept.filter(|a| a.name != Tag::CRYPTOGRAPHIC_PARAMETERS.into()).collect();
    assert_eq!(chosen(&cbc(), vec![lost.clone()]), None);
    assert_eq!(chosen(&wanted("AES", 128), vec![lost]), Some("1".into()));
}

#[test]
fn mode_without_padding_matches_nothing() {
    let half = CryptographicParameters {
        mode: Some(BlockCipherMode::CBC),
        ..CryptographicParameters::default()
    };
    let odd = key("1", vec![Attribute::new(Tag::CRYPTOGRAPHIC_PARAMETERS.into(), half)]);
    for cipher in ["AES", "AES/CBC/PKCS5Padding"] {
        assert_eq!(chosen(&wanted(cipher, 128), vec![odd.clone()]), None);
    }
}

#[test]
fn a_key_without_attributes_has_its_own_error() {
    let silent = Candidate { id: "1".into(), attributes: Attributes::default() };
    let choice = choose(&cbc(), vec![silent], NOW);
    assert_eq!(choice.chosen, None);
    assert_eq!(choice.database.unwrap().failure, Some(Rejection::NoAlgorithmOrLength));
}

#[test]
fn an_ignored_filter_is_applied_and_the_difference_shown() {
    let mut wanted = cbc();
    wanted.namespace = Some("mine".into());
    let deactivated = Attribute::new(Tag::STATE.into(), State::DEACTIVATED.number());
    let keys = vec![
        key("other", vec![namespace_attribute("other"), activated(-900)]),
        key("none", vec![activated(-800)]),
        key("off", vec![namespace_attribute("mine"), deactivated, activated(-700)]),
        key("mine", vec![namespace_attribute("mine"), activated(-1)]),
    ];
    let choice = choose(&wanted, keys, NOW);
    assert_eq!(choice.chosen, Some("mine".into()));
    let database = choice.database.clone().unwrap();
    assert_eq!((database.id, database.failure), ("other".into(), None));
    assert!(!choice.agrees_with_the_database());
    assert_eq!(choice.verdicts[0].1, [Rejection::OtherNamespace(Some("other".into()))]);
    assert_eq!(choice.verdicts[1].1, [Rejection::OtherNamespace(None)]);
    assert_eq!(choice.verdicts[2].1, [Rejection::NotActive(State::DEACTIVATED)]);
}

#[test]
fn without_a_namespace_a_namespaced_key_may_be_used() {
    let choice = choose(&cbc(), vec![key("1", vec![namespace_attribute("ns")])], NOW);
    assert_eq!(choice.chosen, Some("1".into()));
    assert!(choice.agrees_with_the_database());
}

#[test]
fn a_key_that_may_only_encrypt_is_not_used() {
    let one_way = Attribute::new(Tag::CRYPTOGRAPHIC_USAGE_MASK.into(), usage::ENCRYPT);
    assert_eq!(chosen(&cbc(), vec![key("1", vec![one_way])]), None);
}

#[test]
fn when_nothing_is_located_the_database_creates_a_key() {
    let choice = choose(&cbc(), vec![], NOW);
    assert_eq!((choice.chosen.clone(), choice.database.clone()), (None, None));
    assert!(choice.agrees_with_the_database());
}
