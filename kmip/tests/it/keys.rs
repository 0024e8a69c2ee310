//! Finding and fetching keys as the engine does.

use std::time::Duration;

use rekey_kmip::client::choice::{KeyRequest, NAMESPACE};
use rekey_kmip::client::{Listing, Rest};
use rekey_kmip::message::{
    Attribute, AttributeName, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters,
    KeyMaterial, Locate, ObjectType, Operation, PaddingMethod, Registration, Revocation,
    RevocationReason, State, SymmetricKey, Timestamp,
};
use rekey_kmip::ttlv::Tag;
use rekey_kmip::{Error, message::ResultReason};
use rekey_kmip_sim::Simulator;

use crate::{aes, client};

fn wanted(cipher: &str, namespace: Option<&str>) -> KeyRequest {
    KeyRequest {
        cipher: cipher.parse().unwrap(),
        strength: 128,
        namespace: namespace.map(str::to_owned),
        template: None,
    }
}

fn cbc() -> Attribute {
    let parameters = CryptographicParameters {
        mode: Some(BlockCipherMode::CBC),
        padding: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    };
    Attribute::new(Tag::CRYPTOGRAPHIC_PARAMETERS.into(), parameters)
}

#[test]
fn a_key_is_fetched_in_one_message_whatever_its_state() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![cbc()]);
    let mut client = client(&sim);
    let key = client.fetch(&id).unwrap();
    assert_eq!(key.attributes.cipher().as_deref(), Some("AES/CBC/PKCS5"));
    assert_eq!((sim.count(Operation::GET), sim.count(Operation::GET_ATTRIBUTES)), (1, 1));
    for reason in [RevocationReason::SUPERSEDED, RevocationReason::KEY_COMPROMISE] {
        let id = id.clone();
        client.revoke(Revocation { id, reason, message: None, occurred: None }).unwrap();
        let again = client.fetch(&key.id).unwrap();
        assert_eq!(again.material.expose(), key.material.expose());
    }
    assert_eq!(client.fetch(&id).unwrap().attributes.state(), Some(State::COMPROMISED));
}

#[test]
fn a_missing_key_is_not_found_in_one_request() {
    let sim = Simulator::start().unwrap();
    let error = client(&sim).fetch(&"nope".into()).unwrap_err();
    assert!(error.is_not_found() && !error.is_retryable());
    assert_eq!(error.reason(), Some(ResultReason::ITEM_NOT_FOUND));
    assert_eq!(
        error.to_string(),
        "the key server refused Get of nope: Item Not Found (1): Could not locate object"
    );
    assert_eq!(sim.count(Operation::GET), 1);
}

#[test]
fn an_object_that_is_not_a_key_is_recognised() {
    let sim = Simulator::start().unwrap();
    let id = sim.store().add_secret_data();
    let error = client(&sim).fetch(&id).unwrap_err();
    assert!(matches!(error, Error::UnusableKey { what: "it is not a symmetric key", .. }));
}

#[test]
fn a_key_created_like_the_database_s_is_found_like_it() {
    let sim = Simulator::start().unwrap();
    let mut client = client(&sim);
    for (cipher, namespace) in
        [("AES/CBC/PKCS5Padding", None), ("AES", None), ("AES/CBC/PKCS5Padding", Some("ns"))]
    {
        let wanted = wanted(cipher, namespace);
        let before = client.choose(&wanted, sim.clock().now()).unwrap();
        assert_eq!((before.chosen, before.database), (None, None), "{cipher}");
        let id = client.create_active(wanted.new_key(Some("6.8.40"))).unwrap();
        let after = client.choose(&wanted, sim.clock().now()).unwrap();
        assert_eq!(after.chosen, Some(id), "{cipher}");
        assert!(after.agrees_with_the_database());
        sim.clock().advance(Duration::from_secs(10));
        if cipher == "AES/CBC/PKCS5Padding" && namespace.is_none() {
            // Destroyed before the namespaced one is created: without a filter it would be found
            // first.
            let id = after.chosen.unwrap();
            client.expire(&id, Timestamp::from_seconds(1)).unwrap();
        }
    }
}

#[test]
fn the_choice_changes_when_the_old_key_expires_and_not_before() {
    let sim = Simulator::start().unwrap();
    let mut client = client(&sim);
    let wanted = wanted("AES/CBC/PKCS5Padding", None);
    let old = client.create_active(wanted.new_key(None)).unwrap();
    sim.clock().advance(Duration::from_secs(100));
    let new = client.create_active(wanted.new_key(None)).unwrap();
    let now = sim.clock().now();
    assert_eq!(client.choose(&wanted, now).unwrap().chosen, Some(old.clone()));
    assert_eq!(client.expire(&old, now).unwrap(), None);
    let later = now.plus(Duration::from_secs(1));
    assert_eq!(client.choose(&wanted, later).unwrap().chosen, Some(new));
    assert_eq!(client.fetch(&old).unwrap().attributes.state(), Some(State::ACTIVE));
}

#[test]
fn a_listing_has_every_key_once_and_survives_other_objects() {
    let sim = Simulator::start().unwrap();
    sim.store().add_secret_data();
    let ids: Vec<_> = (0..70).map(|_| aes(&sim, vec![])).collect();
    let space = Attribute::new(AttributeName::custom(NAMESPACE), "ns");
    let mine = aes(&sim, vec![space]);
    let mut client = client(&sim);
    let Listing { found: all, rest } = client.list(None).unwrap();
    assert_eq!((all.len(), rest), (71, Rest::None));
    assert!(ids.iter().zip(&all).all(|(id, row)| *id == row.id && row.attributes.is_ok()));
    let one = client.list(Some("ns")).unwrap().found;
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].id, mine);
}

#[test]
fn every_listed_cipher_comes_with_the_right_number_of_bytes() {
    let sim = Simulator::start().unwrap();
    let mut client = client(&sim);
    for (algorithm, bits, bytes) in [
        (CryptographicAlgorithm::AES, 128, 16),
        (CryptographicAlgorithm::AES, 192, 24),
        (CryptographicAlgorithm::AES, 256, 32),
        (CryptographicAlgorithm::DES, 56, 8),
        (CryptographicAlgorithm::TRIPLE_DES, 112, 16),
        (CryptographicAlgorithm::TRIPLE_DES, 168, 24),
        (CryptographicAlgorithm::BLOWFISH, 32, 4),
        (CryptographicAlgorithm::BLOWFISH, 448, 56),
        (CryptographicAlgorithm::RC2, 40, 5),
        (CryptographicAlgorithm::RC2, 128, 16),
    ] {
        let id = sim.store().add_key(algorithm, bits, vec![]).unwrap();
        let key = client.fetch(&id).unwrap();
        assert_eq!(key.material.expose().len(), bytes, "{algorithm} {bits}");
        assert_eq!(key.attributes.algorithm(), Some(algorithm));
        assert_eq!(key.attributes.length(), Some(bits));
    }
}

#[test]
fn a_registered_key_comes_back() {
    let sim = Simulator::start().unwrap();
    let mut client = client(&sim);
    let material = KeyMaterial::new(vec![7; 16].into());
    let key = SymmetricKey::raw(material, CryptographicAlgorithm::BLOWFISH, 128);
    let id = client.register(Registration { attributes: vec![cbc()], key }).unwrap();
    client.activate(&id).unwrap();
    let fetched = client.fetch(&id).unwrap();
    assert_eq!(fetched.material.expose(), [7; 16]);
    assert_eq!(fetched.block_algorithm, Some(CryptographicAlgorithm::BLOWFISH));
    assert_eq!(fetched.attributes.cipher().as_deref(), Some("Blowfish/CBC/PKCS5"));
}

#[test]
fn plain_operations_answer() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    let mut client = client(&sim);
    let features = client.query().unwrap();
    assert_eq!(features.missing_for_the_database(), Vec::<String>::new());
    let names = client.get_attribute_list(&id).unwrap();
    assert!(names.contains(&Tag::STATE.into()));
    let one = client.get_attributes(&id, vec![Tag::STATE.into()]).unwrap();
    assert_eq!((one.as_slice().len(), one.state()), (1, Some(State::ACTIVE)));
    let kind = ObjectType::SECRET_DATA.number();
    let attributes = vec![Attribute::new(Tag::OBJECT_TYPE.into(), kind)];
    let none = client.locate(Locate { attributes, ..Locate::default() }).unwrap();
    assert_eq!((none.ids.len(), none.total), (0, Some(0)));
    assert!(client.clock_skew().unwrap().abs() <= 1);
    sim.clock().advance(Duration::from_secs(500));
    client.query().unwrap();
    assert!((499..=501).contains(&client.clock_skew().unwrap()));
}
