//! Version negotiation (KMIP.md 14, rule 5).

use rekey_kmip::message::{Operation, ProtocolVersion};
use rekey_kmip::transport::{Failure, ProtocolFailure};
use rekey_kmip_sim::{Quirk, Simulator, SimulatorSettings};

use crate::{aes, client, client_with, failure, settings};

fn speaking(versions: &[ProtocolVersion], quirks: &[Quirk]) -> Simulator {
    Simulator::with(SimulatorSettings {
        versions: versions.to_vec(),
        quirks: quirks.to_vec(),
        ..SimulatorSettings::default()
    })
    .unwrap()
}

#[test]
fn each_version_is_found_and_serves_a_key() {
    for version in ProtocolVersion::SPOKEN {
        let sim = speaking(&[version], &[]);
        let id = aes(&sim, vec![]);
        let mut client = client(&sim);
        assert_eq!(client.connect().unwrap(), version);
        let key = client.fetch(&id).unwrap();
        assert_eq!(key.material.expose(), &sim.store().key_bytes(&id).unwrap()[..], "{version}");
        assert_eq!(key.attributes.length(), Some(128), "{version}");
    }
}

#[test]
fn the_database_s_dialect_comes_before_2_x() {
    let sim = speaking(&[ProtocolVersion::V2_1, ProtocolVersion::V1_2], &[]);
    assert_eq!(client(&sim).connect().unwrap(), ProtocolVersion::V1_2);
    let mut settings = settings(vec![sim.host()]);
    settings.versions = vec![ProtocolVersion::V2_1, ProtocolVersion::V1_2];
    let mut other = client_with(&sim.tls_settings(), settings);
    assert_eq!(other.connect().unwrap(), ProtocolVersion::V2_1);
}

#[test]
fn a_server_without_discovery_is_1_0_or_2_x() {
    let sim = speaking(&[ProtocolVersion::V1_0, ProtocolVersion::V1_4], &[Quirk::NoDiscovery]);
    assert_eq!(client(&sim).connect().unwrap(), ProtocolVersion::V1_0);
    let sim = speaking(&[ProtocolVersion::V2_0], &[Quirk::NoDiscovery]);
    assert_eq!(client(&sim).connect().unwrap(), ProtocolVersion::V2_0);
    assert_eq!(sim.count(Operation::DISCOVER_VERSIONS), 1);
    assert_eq!(sim.count(Operation::QUERY), 2);
}

#[test]
fn no_common_version_is_reported() {
    let other = ProtocolVersion { major: 1, minor: 9 };
    let sim = speaking(&[other], &[]);
    let failure = |sim| failure(client(sim).connect().unwrap_err());
    // Asked for those that this client speaks, it lists none.
    assert!(matches!(failure(&sim), Failure::Protocol(ProtocolFailure::NoVersion)));
    let sim = speaking(&[other], &[Quirk::NoDiscovery]);
    assert!(matches!(failure(&sim), Failure::Protocol(ProtocolFailure::AllVersionsRefused(_))));
}
