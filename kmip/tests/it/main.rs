//! The client against the simulator, on loopback.
//!
//! Every fault and quirk of the simulator has a test here that asserts the exact outcome, and that
//! it comes in time.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod admin;
mod certificates;
mod faults;
mod fuzz;
mod hosts;
mod kept;
mod keys;
mod pages;
mod quirks;
mod tls;
mod versions;

use std::time::{Duration, Instant};

use rekey_kmip::Error;
use rekey_kmip::client::{Client, ClientSettings};
use rekey_kmip::message::{Attribute, CryptographicAlgorithm, UniqueIdentifier};
use rekey_kmip::transport::{Failure, Host, Timeouts, TlsConnector, TlsSettings};
use rekey_kmip_sim::Simulator;

/// Short enough for tests, long enough for a loaded machine.
const TIMEOUT: Duration = Duration::from_millis(1500);

fn settings(hosts: Vec<Host>) -> ClientSettings {
    let mut settings = ClientSettings::new(hosts);
    settings.timeouts = Timeouts { connect: TIMEOUT, read: TIMEOUT, total: Duration::from_secs(6) };
    settings
}

fn client(sim: &Simulator) -> Client {
    client_with(&sim.tls_settings(), settings(vec![sim.host()]))
}

fn client_with(tls: &TlsSettings, settings: ClientSettings) -> Client {
    Client::new(TlsConnector::new(tls).unwrap(), settings).unwrap()
}

/// A client whose reads give up soon.
fn hasty(sim: &Simulator, read: u64, total: u64) -> Client {
    let mut settings = settings(vec![sim.host()]);
    settings.timeouts.read = Duration::from_millis(read);
    settings.timeouts.total = Duration::from_millis(total);
    client_with(&sim.tls_settings(), settings)
}

fn aes(sim: &Simulator, attributes: Vec<Attribute>) -> UniqueIdentifier {
    sim.store().add_key(CryptographicAlgorithm::AES, 128, attributes).unwrap()
}

/// The only failure of the only host.
fn failure(error: Error) -> Failure {
    match error {
        Error::AllHostsFailed(mut failures) if failures.len() == 1 => failures.remove(0).failure,
        other => panic!("{other}"),
    }
}

/// Runs something that must end in time.
fn within<T>(limit: Duration, run: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let value = run();
    assert!(started.elapsed() < limit, "took {:?}", started.elapsed());
    value
}
