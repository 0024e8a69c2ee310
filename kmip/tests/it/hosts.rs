//! Several hosts (KMIP.md 5.1).

use std::net::TcpListener;
use std::time::Duration;

use rekey_kmip::Error;
use rekey_kmip::client::choice::KeyRequest;
use rekey_kmip::message::Operation;
use rekey_kmip::transport::{Failure, Host, Step};
use rekey_kmip_sim::{Door, Fault, Simulator, SimulatorSettings};

use crate::{aes, client_with, settings, within};

/// A port without a listener.
fn no_listener() -> Host {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    Host { name: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() }
}

#[test]
fn a_dead_host_is_passed_over_and_the_live_one_kept() {
    let sim = Simulator::start().unwrap();
    let id = aes(&sim, vec![]);
    let mut client = client_with(&sim.tls_settings(), settings(vec![no_listener(), sim.host()]));
    client.fetch(&id).unwrap();
    assert_eq!(client.host(), Some(&sim.host()));
    let said: Vec<_> = client.take_detours().iter().map(ToString::to_string).collect();
    let [said] = said.as_slice() else { panic!("{said:?}") };
    let start = format!("{} answers; passed over: 127.0.0.1:", sim.host());
    assert!(said.starts_with(&start) && said.contains(": cannot connect: "), "{said}");
    client.disconnect();
    client.fetch(&id).unwrap();
    assert_eq!((sim.connections(), client.take_detours().len()), (2, 0), "it stays there");
}

#[test]
fn the_first_host_that_answers_is_the_only_one_contacted() {
    let (one, two) = (Simulator::start().unwrap(), Simulator::start().unwrap());
    let mut client = client_with(&one.tls_settings(), settings(vec![one.host(), two.host()]));
    client.query().unwrap();
    assert_eq!((one.connections(), two.connections()), (1, 0));
}

#[test]
fn a_host_that_breaks_while_reading_is_passed_over() {
    let (one, two) = (Simulator::start().unwrap(), Simulator::start().unwrap());
    for sim in [&one, &two] {
        aes(sim, vec![]);
    }
    let id = "02-001".into();
    let mut tls = one.tls_settings();
    tls.trusted.push(two.pki().root());
    tls.identity = Some(two.client().identity());
    let two_only = SimulatorSettings { door: Door::Slammed, ..SimulatorSettings::default() };
    let slammed = Simulator::with(two_only).unwrap();
    let mut client = client_with(&tls, settings(vec![slammed.host(), one.host(), two.host()]));
    // `one` does not know the certificate, `slammed` closes: `two` answers, and stays.
    let key = client.fetch(&id).unwrap();
    assert_eq!(key.material.expose(), &two.store().key_bytes(&id).unwrap()[..]);
    assert_eq!(client.host(), Some(&two.host()));
    assert_eq!(one.count(Operation::GET), 0);
    // Now `two` breaks: the order wraps around, and every failure is kept.
    two.fail_always(Operation::GET, Fault::CloseMidReply);
    let Error::AllHostsFailed(failures) = client.fetch(&id).unwrap_err() else { panic!() };
    let hosts: Vec<_> = failures.iter().map(|failed| failed.host.port).collect();
    assert_eq!(hosts, [two.host().port, slammed.host().port, one.host().port]);
}

#[test]
fn every_host_s_failure_is_shown() {
    let (one, two) = (no_listener(), no_listener());
    let sim = Simulator::start().unwrap();
    let nowhere = Host { name: "no-such-host.invalid".into(), port: 5696 };
    let hosts = vec![one.clone(), two.clone(), nowhere];
    let mut client = client_with(&sim.tls_settings(), settings(hosts));
    let error = within(Duration::from_secs(10), || client.connect().unwrap_err());
    assert!(error.is_retryable());
    let text = error.to_string();
    assert!(text.contains(&one.to_string()) && text.contains(&two.to_string()), "{text}");
    assert!(text.contains("no-such-host.invalid:5696: "), "{text}");
    let Error::AllHostsFailed(failures) = error else { panic!() };
    assert!(matches!(failures[0].failure, Failure::Io { step: Step::Connect, .. }));
}

#[test]
fn a_change_is_not_repeated_on_another_host() {
    let (one, two) = (Simulator::start().unwrap(), Simulator::start().unwrap());
    let mut client = client_with(&one.tls_settings(), settings(vec![one.host(), two.host()]));
    one.fail_always(Operation::CREATE, Fault::DoneButNoReply);
    let wanted = KeyRequest {
        cipher: "AES".parse().unwrap(),
        strength: 128,
        namespace: None,
        template: None,
    };
    let error = client.create(wanted.new_key(None)).unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown { .. }));
    assert_eq!((one.store().len(), two.connections()), (1, 0));
}

#[test]
fn a_change_uses_the_next_host_if_the_first_is_unreachable() {
    let sim = Simulator::start().unwrap();
    let mut client = client_with(&sim.tls_settings(), settings(vec![no_listener(), sim.host()]));
    let wanted = KeyRequest {
        cipher: "AES".parse().unwrap(),
        strength: 128,
        namespace: None,
        template: None,
    };
    client.create_active(wanted.new_key(None)).unwrap();
    assert_eq!(sim.store().len(), 1);
}

#[test]
fn an_empty_list_of_hosts_is_an_error() {
    let sim = Simulator::start().unwrap();
    let connector = rekey_kmip::transport::TlsConnector::new(&sim.tls_settings()).unwrap();
    let error = rekey_kmip::client::Client::new(connector, settings(vec![])).unwrap_err();
    assert_eq!(error.to_string(), "the group has no hosts");
}
