//! Expire, revoke, destroy.

use std::time::Duration;

use rekey_kmip::Error;
use rekey_kmip::message::{
    Attribute, Operation, ProtocolVersion, ResultReason, Revocation, RevocationReason, State,
    UniqueIdentifier,
};
use rekey_kmip::ttlv::Tag;
use rekey_kmip_sim::{Fault, Simulator, SimulatorSettings};

use crate::{aes, client};

fn revocation(id: &UniqueIdentifier, reason: RevocationReason) -> Revocation {
    Revocation { id: id.clone(), reason, message: Some("test".into()), occurred: None }
}

#[test]
fn a_date_is_added_then_modified_until_it_is_reached() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    let mut client = client(&sim);
    let soon = sim.clock().now().plus(Duration::from_secs(50));
    let later = soon.plus(Duration::from_secs(50));
    assert_eq!(client.expire(&id, later).unwrap(), None);
    assert_eq!(client.expire(&id, soon).unwrap(), Some(later));
    assert_eq!(
        (sim.count(Operation::ADD_ATTRIBUTE), sim.count(Operation::MODIFY_ATTRIBUTE)),
        (1, 1)
    );
    sim.clock().advance(Duration::from_secs(60));
    let error = client.expire(&id, later).unwrap_err();
    assert_eq!(error.reason(), Some(ResultReason::PERMISSION_DENIED));
    assert_eq!(client.fetch(&id).unwrap().attributes.protect_stop_date(), Some(soon));
}

#[test]
fn in_2_x_the_date_is_set() {
    let settings =
        SimulatorSettings { versions: vec![ProtocolVersion::V2_1], ..SimulatorSettings::default() };
    let sim = Simulator::with(settings).unwrap();
    let id = aes(&sim, vec![]);
    let mut client = client(&sim);
    let soon = sim.clock().now().plus(Duration::from_secs(50));
    assert_eq!(client.expire(&id, soon).unwrap(), None);
    assert_eq!(client.expire(&id, soon).unwrap(), Some(soon));
    assert_eq!(sim.count(Operation::SET_ATTRIBUTE), 2);
    let repeated =
        client.add_attribute(&id, Attribute::new(Tag::PROTECT_STOP_DATE.into(), soon)).unwrap_err();
    assert_eq!(repeated.reason(), Some(ResultReason::ATTRIBUTE_SINGLE_VALUED));
}

#[test]
fn the_life_of_a_key_ends_in_order() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    let mut client = client(&sim);
    let error = client.destroy_key(&id).unwrap_err();
    assert_eq!(error.reason(), Some(ResultReason::PERMISSION_DENIED));
    assert_eq!(error.state(), Some(State::ACTIVE));
    assert_eq!(error.hint(), Some("an active key cannot be destroyed: revoke it first"));
    client.revoke(revocation(&id, RevocationReason::SUPERSEDED)).unwrap();
    let state = |client: &mut rekey_kmip::client::Client| {
        client.get_attributes(&id, vec![]).unwrap().state()
    };
    assert_eq!(state(&mut client), Some(State::DEACTIVATED));
    let again = client.revoke_key(revocation(&id, RevocationReason::SUPERSEDED)).unwrap_err();
    assert_eq!(again.reason(), Some(ResultReason::ILLEGAL_OPERATION));
    assert_eq!(again.hint(), Some("the key is revoked already"));
    client.destroy_key(&id).unwrap();
    assert_eq!(state(&mut client), Some(State::DESTROYED));
    let gone = client.fetch(&id).unwrap_err();
    assert!(matches!(gone, Error::Refused { .. }) && gone.is_not_found());
    // A server may still know the object, and may only say that the operation is not permitted.
    sim.fail_always(Operation::DESTROY, Fault::Refuse(0x0c, "it is gone".into()));
    let twice = client.destroy_key(&id).unwrap_err();
    assert_eq!(twice.hint(), Some("the key is destroyed already: nothing is left to do"));
    assert_eq!(client.list(None).unwrap().found.len(), 0);
    assert!(sim.store().key_bytes(&id).is_none());
}

#[test]
fn a_compromised_key_is_destroyed_as_such() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    let mut client = client(&sim);
    client.revoke(revocation(&id, RevocationReason::KEY_COMPROMISE)).unwrap();
    client.destroy(&id).unwrap();
    let attributes = client.get_attributes(&id, vec![]).unwrap();
    assert_eq!(attributes.state(), Some(State::DESTROYED_COMPROMISED));
}

#[test]
fn dates_drive_the_state() {
    let sim = Simulator::start().unwrap();
    let now = sim.clock().now();
    let at = |tag: Tag, seconds| Attribute::new(tag.into(), now.plus(Duration::from_secs(seconds)));
    let id = aes(&sim, vec![at(Tag::ACTIVATION_DATE, 100), at(Tag::DEACTIVATION_DATE, 200)]);
    let mut client = client(&sim);
    for state in [State::PRE_ACTIVE, State::ACTIVE, State::DEACTIVATED] {
        assert_eq!(client.get_attributes(&id, vec![]).unwrap().state(), Some(state));
        sim.clock().advance(Duration::from_secs(100));
    }
    let error = client.activate(&id).unwrap_err();
    assert_eq!(error.reason(), Some(ResultReason::PERMISSION_DENIED));
}
