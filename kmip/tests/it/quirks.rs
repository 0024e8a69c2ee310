//! Servers that differ, each as a real one does (KMIP.md 13, 14).

use std::time::Duration;

use rekey_kmip::Error;
use rekey_kmip::client::choice::{KeyRequest, NAMESPACE, Rejection};
use rekey_kmip::message::{
    Attribute, AttributeName, CryptographicAlgorithm, Operation, ResultReason, Revocation,
    RevocationReason, State,
};
use rekey_kmip_sim::{Quirk, Simulator};

use crate::{aes, client};

fn wanted(cipher: &str, namespace: Option<&str>) -> KeyRequest {
    KeyRequest {
        cipher: cipher.parse().unwrap(),
        strength: 128,
        namespace: namespace.map(str::to_owned),
        template: None,
    }
}

fn namespace(name: &str) -> Attribute {
    Attribute::new(AttributeName::custom(NAMESPACE), name)
}

fn revoke(sim: &Simulator, id: &str, reason: RevocationReason) {
    client(sim)
        .revoke(Revocation { id: id.into(), reason, message: None, occurred: None })
        .unwrap();
}

#[test]
fn ignored_filters_are_applied_here() {
    let sim = Simulator::with_quirks(&[Quirk::IgnoresLocateFilters]).unwrap();
    sim.store().add_key(CryptographicAlgorithm::DES, 56, vec![]).unwrap();
    let off = aes(&sim, vec![]);
    revoke(&sim, off.as_str(), RevocationReason::SUPERSEDED);
    sim.store().add_secret_data();
    sim.clock().advance(Duration::from_secs(10));
    let good = aes(&sim, vec![]);
    let choice = client(&sim).choose(&wanted("AES", None), sim.clock().now()).unwrap();
    assert_eq!(choice.chosen, Some(good));
    assert_eq!(choice.verdicts.len(), 4);
    assert!(!choice.agrees_with_the_database());
    let database = choice.database.unwrap();
    assert_eq!(database.failure, Some(Rejection::OtherCipher("DES".into())));
    assert_eq!(client(&sim).list(None).unwrap().found.len(), 3, "the secret data is dropped");
}

#[test]
fn an_ignored_namespace_is_applied_here() {
    let sim = Simulator::with_quirks(&[Quirk::IgnoresCustomFilters]).unwrap();
    let other = aes(&sim, vec![namespace("other")]);
    sim.clock().advance(Duration::from_secs(10));
    let mine = aes(&sim, vec![namespace("mine")]);
    let choice = client(&sim).choose(&wanted("AES", Some("mine")), sim.clock().now()).unwrap();
    assert_eq!(choice.chosen, Some(mine.clone()));
    assert_eq!(choice.database.unwrap().id, other);
    let listed = client(&sim).list(Some("mine")).unwrap().found;
    assert_eq!(listed.iter().map(|row| &row.id).collect::<Vec<_>>(), [&mine]);
}

#[test]
fn a_refused_deactivated_key_is_explained() {
    let sim = Simulator::with_quirks(&[Quirk::RefusesGetOfDeactivated]).unwrap();
    let (off, leaked) = (aes(&sim, vec![]), aes(&sim, vec![]));
    revoke(&sim, off.as_str(), RevocationReason::SUPERSEDED);
    revoke(&sim, leaked.as_str(), RevocationReason::KEY_COMPROMISE);
    let error = client(&sim).fetch(&off).unwrap_err();
    assert_eq!(error.reason().map(ResultReason::number), Some(67));
    assert!(error.to_string().ends_with("Wrong Key Lifecycle State (67): DENIED"), "{error}");
    assert!(error.to_string().contains("which is Deactivated: "), "{error}");
    assert!(error.hint().unwrap().starts_with("reactivate the key"));
    assert!(!error.is_not_found());
    client(&sim).fetch(&leaked).unwrap();
}

#[test]
fn des_listed_as_aes_still_comes_with_its_own_block() {
    let sim = Simulator::with_quirks(&[Quirk::ListsDesAsAes]).unwrap();
    let id = sim.store().add_key(CryptographicAlgorithm::DES, 56, vec![]).unwrap();
    let key = client(&sim).fetch(&id).unwrap();
    assert_eq!(key.attributes.algorithm(), Some(CryptographicAlgorithm::AES));
    assert_eq!(key.block_algorithm, Some(CryptographicAlgorithm::DES));
    assert_eq!(key.material.expose().len(), 8);
}

#[test]
fn dropped_parameters_leave_bare_names_only() {
    let sim = Simulator::with_quirks(&[Quirk::DropsCryptographicParameters]).unwrap();
    let mut client = client(&sim);
    let cbc = wanted("AES/CBC/PKCS5Padding", None);
    let id = client.create_active(cbc.new_key(None)).unwrap();
    let choice = client.choose(&cbc, sim.clock().now()).unwrap();
    assert_eq!(choice.chosen, None, "Locate honours a filter that nothing can match");
    let bare = client.choose(&wanted("AES", None), sim.clock().now()).unwrap();
    assert_eq!(bare.chosen, Some(id.clone()));
    sim.store().set_quirk(Quirk::IgnoresLocateFilters, true);
    let choice = client.choose(&cbc, sim.clock().now()).unwrap();
    assert_eq!(choice.verdicts, [(id, vec![Rejection::OtherCipher("AES".into())])]);
}

#[test]
fn without_add_attribute_expiring_is_refused_clearly() {
    let sim = Simulator::with_quirks(&[Quirk::NoAddAttribute]).unwrap();
    let id = aes(&sim, vec![]);
    let mut client = client(&sim);
    let missing = client.query().unwrap().missing_for_the_database();
    assert_eq!(missing, ["operation Add Attribute"]);
    let error = client.expire(&id, sim.clock().now()).unwrap_err();
    assert!(matches!(&error, Error::Refused { operation: Operation::ADD_ATTRIBUTE, .. }));
    assert_eq!(
        error.hint(),
        Some(
            "this key server keeps no Protect Stop Date for its keys: revoke the key instead, or expire \
             it by the server's own tools"
        )
    );
}

#[test]
fn without_custom_attributes_creating_is_refused_clearly() {
    let sim = Simulator::with_quirks(&[Quirk::NoCustomAttributes]).unwrap();
    let mut client = client(&sim);
    let wanted = wanted("AES", Some("ns"));
    let error = client.create_active(wanted.new_key(None)).unwrap_err();
    assert_eq!(error.reason(), Some(ResultReason::INVALID_FIELD));
    assert!(sim.store().is_empty());
    let plain = KeyRequest { namespace: None, ..wanted };
    client.create_active(plain.new_key(None)).unwrap();
}

#[test]
fn without_dates_the_state_and_the_creation_are_still_told() {
    let sim = Simulator::with_quirks(&[Quirk::NoDates]).unwrap();
    let id = aes(&sim, vec![]);
    let attributes = client(&sim).get_attributes(&id, vec![]).unwrap();
    assert_eq!(attributes.state(), Some(State::ACTIVE));
    assert_eq!((attributes.activation_date(), attributes.protect_stop_date()), (None, None));
    assert!(attributes.creation_date().is_some());
    let choice = client(&sim).choose(&wanted("AES", None), sim.clock().now()).unwrap();
    assert_eq!(choice.chosen, Some(id));
}

#[test]
fn without_batches_requests_are_sent_one_by_one() {
    let sim = Simulator::with_quirks(&[Quirk::NoBatches]).unwrap();
    let ids: Vec<_> = (0..40).map(|_| aes(&sim, vec![])).collect();
    let mut client = client(&sim);
    let key = client.fetch(&ids[0]).unwrap();
    assert_eq!(key.material.expose(), &sim.store().key_bytes(&ids[0]).unwrap()[..]);
    assert_eq!(sim.count(Operation::GET), 2);
    let rows = client.attributes_of(&ids).unwrap();
    assert!(rows.len() == 40 && rows.iter().all(|row| row.attributes.is_ok()));
    assert_eq!(sim.connections(), 1);
}

#[test]
fn answers_without_ids_are_matched_by_order() {
    let sim = Simulator::with_quirks(&[Quirk::NoBatchIds]).unwrap();
    let ids: Vec<_> = (0..3).map(|_| aes(&sim, vec![])).collect();
    let mut client = client(&sim);
    client.fetch(&ids[1]).unwrap();
    let rows = client.attributes_of(&ids).unwrap();
    assert!(rows.iter().zip(&ids).all(|(row, id)| {
        let told = row.attributes.as_ref().unwrap();
        row.id == *id && told.as_slice()[0].value == id.as_str().into()
    }));
}

#[test]
fn a_wrapped_key_is_not_usable() {
    let sim = Simulator::with_quirks(&[Quirk::WrapsKeys]).unwrap();
    let id = aes(&sim, vec![]);
    let error = client(&sim).fetch(&id).unwrap_err();
    assert!(matches!(error, Error::UnusableKey { what: "the server wrapped the key", .. }));
}

#[test]
fn one_object_that_cannot_be_seen_does_not_spoil_the_others() {
    let sim = Simulator::start().unwrap();
    let ids = vec![aes(&sim, vec![]), "hidden".into(), aes(&sim, vec![])];
    let rows = client(&sim).attributes_of(&ids).unwrap();
    assert!(rows[0].attributes.is_ok() && rows[2].attributes.is_ok());
    let refusal = rows[1].attributes.as_ref().unwrap_err();
    assert_eq!(refusal.reason, Some(ResultReason::ITEM_NOT_FOUND));
}

/// Servers give the same answer for a client without the right to a key and for a key that no
/// client may have.
#[test]
fn a_denied_key_out_of_use_is_explained_by_its_state() {
    let sim = Simulator::with_quirks(&[Quirk::DeniesGetOfDeactivated]).unwrap();
    let id = aes(&sim, vec![]);
    revoke(&sim, id.as_str(), RevocationReason::SUPERSEDED);
    let error = client(&sim).fetch(&id).unwrap_err();
    assert!(matches!(&error, Error::OutOfState { state: State::DEACTIVATED, .. }), "{error}");
    assert!(error.to_string().contains("which is Deactivated: "), "{error}");
    assert!(error.hint().unwrap().starts_with("reactivate the key"));
}

#[test]
fn a_key_without_its_bytes_is_unusable_and_not_malformed() {
    let sim = Simulator::with_quirks(&[Quirk::KeepsKeyBytes]).unwrap();
    let id = aes(&sim, vec![]);
    let error = client(&sim).fetch(&id).unwrap_err();
    assert!(matches!(&error, Error::UnusableKey { .. }), "{error}");
    assert!(error.to_string().contains("without its bytes"), "{error}");
}

#[test]
fn type_0_and_an_id_in_another_case_are_understood() {
    let sim = Simulator::with_quirks(&[Quirk::TypesAreZero, Quirk::UpperCaseIds]).unwrap();
    sim.store().keep_key(
        &"0b5c-id".into(),
        CryptographicAlgorithm::AES,
        vec![7; 16].into(),
        vec![],
    );
    let key = client(&sim).fetch(&"0b5c-id".into()).unwrap();
    assert_eq!((key.id.as_str(), key.material.expose()), ("0b5c-id", &[7; 16][..]));
    assert_eq!(client(&sim).list(None).unwrap().found.len(), 1);
}
