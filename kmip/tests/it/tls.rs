//! Certificates, names, versions and suites (KMIP.md 12), and the doctor's view of them.

use std::time::Duration;

use rekey_kmip::transport::{
    CertificateFailure, Failure, Host, Moment, NameCheck, SettingsError, Step, Timeouts,
    TlsConnector, TlsFailure, TlsSettings,
};
use rekey_kmip_sim::{Door, Pki, ServerCertificate, Simulator, SimulatorSettings};

use crate::{client, client_with, failure, hasty, settings, within};

fn showing(certificate: ServerCertificate) -> Simulator {
    Simulator::with(SimulatorSettings { certificate, ..SimulatorSettings::default() }).unwrap()
}

fn with_door(door: Door) -> Simulator {
    Simulator::with(SimulatorSettings { door, ..SimulatorSettings::default() }).unwrap()
}

fn refused(sim: &Simulator, tls: &TlsSettings) -> CertificateFailure {
    match failed(sim, tls) {
        Failure::Tls(TlsFailure::ServerCertificate(failure)) => failure,
        other => panic!("{other}"),
    }
}

fn failed(sim: &Simulator, tls: &TlsSettings) -> Failure {
    let mut client = client_with(tls, settings(vec![sim.host()]));
    within(Duration::from_secs(5), || failure(client.connect().unwrap_err()))
}

fn accepted(sim: &Simulator, tls: &TlsSettings) {
    client_with(tls, settings(vec![sim.host()])).query().unwrap();
}

#[test]
fn both_versions_shake_hands_and_show_it() {
    for (only_tls_1_2, protocol) in [(false, "TLSv1.3"), (true, "TLSv1.2")] {
        let settings = SimulatorSettings { only_tls_1_2, ..SimulatorSettings::default() };
        let sim = Simulator::with(settings).unwrap();
        let mut client = client(&sim);
        client.connect().unwrap();
        let facts = client.connection().unwrap();
        assert_eq!(facts.protocol, protocol);
        assert!(facts.cipher_suite.starts_with("TLS_") && facts.cipher_suite.contains("_GCM_"));
        assert!(facts.asked_for_client_certificate && !facts.pinned);
        let leaf = &facts.server_chain[0];
        assert_eq!(leaf.names, ["localhost", "127.0.0.1"]);
        assert_eq!(leaf.common_name.as_deref(), Some("localhost"));
        assert_eq!(leaf.issuer.as_deref(), Some("Simulator Root"));
        assert_eq!(leaf.not_after.to_string(), "2099-01-01T00:00:00Z");
        assert_eq!(leaf.version, 3);
    }
}

#[test]
fn an_address_is_checked_against_the_addresses() {
    let sim = showing(ServerCertificate::Good);
    let host = Host { name: "127.0.0.1".into(), port: sim.address().port() };
    client_with(&sim.tls_settings(), settings(vec![host])).query().unwrap();
}

#[test]
fn protocol_and_suites_are_honoured() {
    let sim = Simulator::start().unwrap();
    let mut tls = sim.tls_settings();
    tls.protocol = Some("TLSv1.2".into());
    tls.cipher_suites = vec!["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384".into()];
    let mut client = client_with(&tls, settings(vec![sim.host()]));
    client.connect().unwrap();
    let facts = client.connection().unwrap();
    assert_eq!(facts.protocol, "TLSv1.2");
    assert_eq!(facts.cipher_suite, tls.cipher_suites[0]);
}

#[test]
fn no_common_suite_is_reported() {
    let settings = SimulatorSettings { only_tls_1_2: true, ..SimulatorSettings::default() };
    let sim = Simulator::with(settings).unwrap();
    let mut tls = sim.tls_settings();
    tls.cipher_suites = vec!["TLS_AES_128_GCM_SHA256".into()];
    let failure = failed(&sim, &tls);
    assert!(matches!(failure, Failure::Tls(TlsFailure::NothingInCommon(_))), "{failure}");
}

#[test]
fn a_server_with_old_tls_only_is_explained() {
    for (alert, name) in [(40, "handshake_failure"), (70, "protocol_version")] {
        let sim = with_door(Door::Alert(alert));
        let failure = failed(&sim, &sim.tls_settings());
        assert!(
            matches!(&failure, Failure::Tls(TlsFailure::NothingInCommon(text)) if text.contains(name)),
            "{failure}"
        );
        let hint = failure.hint().unwrap();
        assert!(hint.contains("CBC suites") && hint.contains("--kmip-keys"), "{hint}");
    }
}

#[test]
fn an_unknown_issuer_is_refused_by_name() {
    let sim = showing(ServerCertificate::Good);
    let mut tls = sim.tls_settings();
    tls.trusted = vec![Pki::new("Other").unwrap().root()];
    assert_eq!(
        refused(&sim, &tls),
        CertificateFailure::Untrusted { issuer: "Simulator Root".into() }
    );
}

#[test]
fn dates_are_checked() {
    let expired = showing(ServerCertificate::Expired);
    let failure = refused(&expired, &expired.tls_settings());
    assert_eq!(failure.to_string(), "it expired on 2021-01-01T00:00:00Z");
    let early = showing(ServerCertificate::NotYetValid);
    let failure = refused(&early, &early.tls_settings());
    assert_eq!(failure.to_string(), "it is not valid before 2090-01-01T00:00:00Z");
}

#[test]
fn another_name_is_refused_unless_names_are_off() {
    let sim = showing(ServerCertificate::OtherName);
    let mut tls = sim.tls_settings();
    for check in [NameCheck::Full, NameCheck::Cn] {
        tls.verify_hostname = check;
        let failure = refused(&sim, &tls);
        assert_eq!(failure.to_string(), "it is for kmip.example, not for localhost");
    }
    tls.verify_hostname = NameCheck::Off;
    accepted(&sim, &tls);
    // Off is about names only.
    tls.trusted = vec![Pki::new("Other").unwrap().root()];
    assert!(matches!(refused(&sim, &tls), CertificateFailure::Untrusted { .. }));
}

#[test]
fn a_common_name_counts_only_when_requested() {
    let sim = showing(ServerCertificate::CommonNameOnly);
    let mut tls = sim.tls_settings();
    let failure = failed(&sim, &tls);
    assert!(failure.to_string().ends_with("it is for no name at all, not for localhost"));
    assert!(failure.hint().unwrap().contains("--kmip-set GROUP.verify_hostname=cn"));
    tls.verify_hostname = NameCheck::Cn;
    accepted(&sim, &tls);
    let host = Host { name: "127.0.0.1".into(), port: sim.address().port() };
    let mut other = client_with(&tls, settings(vec![host]));
    assert!(other.connect().is_err(), "the common name is localhost, not the address");
}

#[test]
fn a_common_name_beside_other_names_does_not_count() {
    let sim = showing(ServerCertificate::CommonNameAndOtherName);
    let mut tls = sim.tls_settings();
    tls.verify_hostname = NameCheck::Cn;
    let failure = refused(&sim, &tls);
    assert_eq!(failure.to_string(), "it is for kmip.example, not for localhost");
}

#[test]
fn a_pinned_leaf_is_accepted_whatever_its_issuer_and_name() {
    for kind in
        [ServerCertificate::SelfSigned, ServerCertificate::OtherName, ServerCertificate::Good]
    {
        let sim = showing(kind);
        let mut tls = sim.tls_settings();
        tls.trusted = vec![sim.server_leaf()];
        let mut client = client_with(&tls, settings(vec![sim.host()]));
        client.connect().unwrap();
        assert!(client.connection().unwrap().pinned, "{kind:?}");
    }
}

#[test]
fn a_pinned_leaf_still_expires() {
    for kind in [ServerCertificate::SelfSignedExpired, ServerCertificate::Expired] {
        let sim = showing(kind);
        let mut tls = sim.tls_settings();
        tls.trusted = vec![sim.server_leaf()];
        assert!(matches!(refused(&sim, &tls), CertificateFailure::Expired { .. }), "{kind:?}");
    }
}

#[test]
fn an_unknown_self_signed_authority_is_refused() {
    let sim = showing(ServerCertificate::SelfSigned);
    let failure = refused(&sim, &sim.tls_settings());
    assert_eq!(failure, CertificateFailure::SelfSigned);
}

#[test]
fn an_untrusted_client_certificate_is_explained() {
    for only_tls_1_2 in [false, true] {
        let sim = Simulator::with(SimulatorSettings {
            distrusts_client: true,
            only_tls_1_2,
            ..SimulatorSettings::default()
        })
        .unwrap();
        let failure = failed(&sim, &sim.tls_settings());
        assert!(
            matches!(&failure, Failure::Tls(TlsFailure::ClientCertificateRefused(_))),
            "{failure}"
        );
        assert!(failure.hint().unwrap().contains("register the client's certificate"));
    }
}

/// A server of TLS 1.3 refuses a client when the client considers the handshake done, and may have
/// closed before the first request is sent: then sending fails, and the reason still lies unread.
#[test]
fn an_untrusted_client_learns_why_even_if_it_sends_late() {
    let sim = Simulator::with(SimulatorSettings {
        distrusts_client: true,
        drains: false,
        ..SimulatorSettings::default()
    })
    .unwrap();
    let connector = TlsConnector::new(&sim.tls_settings()).unwrap();
    let deadline = Timeouts::default().start();
    let mut stream = connector.connect(&sim.host(), &deadline).unwrap().stream;
    std::thread::sleep(Duration::from_millis(100));
    let failure = (0..50)
        .find_map(|_| stream.send(&[0; 20_000], &deadline).err())
        .expect("the server has closed");
    assert!(
        matches!(&failure, Failure::Tls(TlsFailure::ClientCertificateRefused("unknown_ca"))),
        "{failure}"
    );
}

#[test]
fn a_missing_client_certificate_is_explained() {
    for only_tls_1_2 in [false, true] {
        let settings = SimulatorSettings { only_tls_1_2, ..SimulatorSettings::default() };
        let sim = Simulator::with(settings).unwrap();
        let mut tls = sim.tls_settings();
        tls.identity = None;
        let failure = failed(&sim, &tls);
        assert!(
            matches!(&failure, Failure::Tls(TlsFailure::NoClientCertificate(_))),
            "{only_tls_1_2}: {failure}"
        );
        assert!(failure.hint().unwrap().contains("keystore_path"));
    }
}

#[test]
fn a_plain_port_is_recognised() {
    let sim = with_door(Door::PlainText);
    let failure = failed(&sim, &sim.tls_settings());
    assert!(matches!(failure, Failure::Tls(TlsFailure::NotTls)), "{failure}");
}

#[test]
fn an_immediate_close_is_a_failed_handshake() {
    let sim = with_door(Door::Slammed);
    let failure = failed(&sim, &sim.tls_settings());
    assert!(matches!(failure, Failure::Ended { at: Moment::Hello, .. }), "{failure}");
    assert!(failure.hint().unwrap().contains("firewall"), "no word of certificates");
}

#[test]
fn a_silent_server_times_out() {
    let sim = with_door(Door::Silent);
    let mut client = hasty(&sim, 300, 1000);
    let failure = within(Duration::from_secs(3), || failure(client.connect().unwrap_err()));
    assert!(matches!(failure, Failure::TimedOut { step: Step::Handshake, total: false, .. }));
    assert!(failure.hint().unwrap().starts_with("is it a TLS port?"));
}

#[test]
fn settings_that_cannot_work_are_refused_at_once() {
    let sim = Simulator::start().unwrap();
    let refused = |change: &dyn Fn(&mut TlsSettings)| {
        let mut tls = sim.tls_settings();
        change(&mut tls);
        TlsConnector::new(&tls).unwrap_err()
    };
    assert_eq!(refused(&|tls| tls.trusted.clear()), SettingsError::EmptyTruststore);
    assert_eq!(
        refused(&|tls| tls.trusted = vec![vec![1, 2, 3].into()]),
        SettingsError::UnusableTruststore
    );
    let other = sim.pki().client("other").unwrap();
    assert!(matches!(
        refused(&|tls| tls.identity.as_mut().unwrap().key = other.key.clone_key()),
        SettingsError::Identity(_)
    ));
    assert!(matches!(
        refused(&|tls| tls.protocol = Some("TLSv1.1".into())),
        SettingsError::Protocol(_)
    ));
}

#[test]
fn the_doctor_sees_each_host_on_its_own() {
    let good = Simulator::start().unwrap();
    let bad = showing(ServerCertificate::Expired);
    let client = client_with(&good.tls_settings(), settings(vec![good.host(), bad.host()]));
    let probe = client.probe(&client.hosts()[0]).unwrap();
    assert_eq!(probe.connection.protocol, "TLSv1.3");
    assert_eq!(probe.features.unwrap().missing_for_the_database(), Vec::<String>::new());
    assert!(probe.clock_skew.is_some());
    let failed = client.probe(&client.hosts()[1]).unwrap_err();
    assert_eq!(failed.host, bad.host());
    assert!(matches!(failed.failure, Failure::Tls(TlsFailure::ServerCertificate(_))));
}
