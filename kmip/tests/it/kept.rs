//! A simulator with a file keeps its objects across a restart.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use rekey_kmip::client::choice::NAMESPACE;
use rekey_kmip::message::{
    Attribute, AttributeName, ResultReason, Revocation, RevocationReason, State,
};
use rekey_kmip_sim::{Simulator, SimulatorSettings};

use crate::{aes, client};

fn started(directory: &tempfile::TempDir) -> Simulator {
    let file = Some(directory.path().join("objects"));
    Simulator::with(SimulatorSettings { file, ..SimulatorSettings::default() }).unwrap()
}

#[test]
fn answered_changes_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let sim = started(&directory);
    let namespace = Attribute::new(AttributeName::custom(NAMESPACE), "a");
    let old = aes(&sim, vec![namespace]);
    let bytes = sim.store().key_bytes(&old).unwrap();
    let told = client(&sim).get_attributes(&old, vec![]).unwrap();
    // Only this writes what bypassed the protocol.
    sim.store().save().unwrap();
    drop(sim);

    let sim = started(&directory);
    assert_eq!(sim.store().key_bytes(&old), Some(bytes));
    let mut now = client(&sim);
    assert_eq!(now.get_attributes(&old, vec![]).unwrap(), told);
    let at = sim.clock().now();
    now.expire(&old, at).unwrap();
    let new = aes(&sim, vec![]);
    assert_ne!(new, old, "an id is given out twice");
    let reason = RevocationReason::SUPERSEDED;
    now.revoke(Revocation { id: old.clone(), reason, message: None, occurred: None }).unwrap();
    drop((now, sim));

    let sim = started(&directory);
    let mut now = client(&sim);
    let told = now.get_attributes(&old, vec![]).unwrap();
    assert_eq!((told.state(), told.protect_stop_date()), (Some(State::DEACTIVATED), Some(at)));
    now.destroy(&old).unwrap();
    drop((now, sim));

    let sim = started(&directory);
    assert!(sim.store().key_bytes(&old).is_none());
    assert!(sim.store().key_bytes(&new).is_some());
    let told = client(&sim).get_attributes(&old, vec![]).unwrap();
    assert_eq!(told.state(), Some(State::DESTROYED));
    let mode = std::fs::metadata(directory.path().join("objects")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_file_of_something_else_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("objects");
    File::create_new(&path).unwrap().write_all(b"something else").unwrap();
    let settings = SimulatorSettings { file: Some(path), ..SimulatorSettings::default() };
    Simulator::with(settings).unwrap_err();
}

#[test]
fn an_unwritten_change_is_not_answered_as_done() {
    let directory = tempfile::tempdir().unwrap();
    let file = Some(directory.path().join("nowhere/objects"));
    let sim = Simulator::with(SimulatorSettings { file, ..SimulatorSettings::default() }).unwrap();
    let id = aes(&sim, vec![]);
    assert!(sim.store().save().is_err());
    let error = client(&sim).expire(&id, sim.clock().now()).unwrap_err();
    assert_eq!(error.reason(), Some(ResultReason::GENERAL_FAILURE));
}
