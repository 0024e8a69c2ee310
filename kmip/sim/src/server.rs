//! The listening server.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rekey_kmip::message::{Operation, ProtocolVersion};
use rekey_kmip::transport::{Host, NameCheck, TlsSettings};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};

use crate::clock::Clock;
use crate::pki::{Credential, Pki, ServerCertificate};
use crate::script::{Door, Fault, Quirk};
use crate::shared::{Injection, Shared};
use crate::store::Store;
use crate::{connection, lock};

/// How a simulator starts.
#[derive(Debug)]
pub struct SimulatorSettings {
    /// Lasting differences.
    pub quirks: Vec<Quirk>,
    /// The kind of the server's certificate.
    pub certificate: ServerCertificate,
    /// What happens to a connection before TLS.
    pub door: Door,
    /// The versions that the server speaks.
    pub versions: Vec<ProtocolVersion>,
    /// Whether only TLS 1.2 is spoken.
    pub only_tls_1_2: bool,
    /// Whether the server wants client certificates of an authority other than the simulator's.
    /// Then the client that [`Simulator::tls_settings`] describes is refused.
    pub distrusts_client: bool,
    /// Whether a refused client is read to its end before the connection is closed. Otherwise a
    /// reset answers what it still sends.
    pub drains: bool,
    /// The port; 0 takes a free one.
    pub port: u16,
    /// A file that keeps the objects across restarts.
    pub file: Option<PathBuf>,
    /// The authority of another server, so that one client may talk to both.
    pub authority: Option<Arc<Pki>>,
}

impl Default for SimulatorSettings {
    fn default() -> Self {
        Self {
            quirks: Vec::new(),
            certificate: ServerCertificate::default(),
            door: Door::default(),
            versions: ProtocolVersion::SPOKEN.to_vec(),
            only_tls_1_2: false,
            distrusts_client: false,
            drains: true,
            port: 0,
            file: None,
            authority: None,
        }
    }
}

/// A running server. It ends when dropped.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    pki: Arc<Pki>,
    client: Credential,
    server_leaf: CertificateDer<'static>,
    acceptor: Option<JoinHandle<()>>,
}

impl Simulator {
    /// Starts with defaults.
    ///
    /// # Errors
    /// When no port is free or no certificate can be made.
    pub fn start() -> io::Result<Self> {
        Self::with(SimulatorSettings::default())
    }

    /// Starts with lasting differences.
    ///
    /// # Errors
    /// When no port is free or no certificate can be made.
    pub fn with_quirks(quirks: &[Quirk]) -> io::Result<Self> {
        Self::with(SimulatorSettings { quirks: quirks.to_vec(), ..SimulatorSettings::default() })
    }

    /// Starts.
    ///
    /// # Errors
    /// When no port is free, no certificate can be made, or the file does not hold objects.
    pub fn with(settings: SimulatorSettings) -> io::Result<Self> {
        let store = Store::open(Clock::default(), &settings.quirks, settings.file)?;
        let pki = match settings.authority {
            Some(pki) => pki,
            None => Arc::new(Pki::new("Simulator")?),
        };
        let server = pki.server(settings.certificate)?;
        let client = pki.client("rekey-client")?;
        let wanted = if settings.distrusts_client { Pki::new("Other")?.root() } else { pki.root() };
        let server_leaf = server.leaf().ok_or_else(|| io::Error::other("no certificate"))?;
        let tls = Arc::new(tls_config(server, wanted, settings.only_tls_1_2)?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, settings.port))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            store,
            versions: settings.versions,
            faults: Mutex::default(),
            counts: Mutex::default(),
            connections: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            door: settings.door,
            drains: settings.drains,
            tls,
        });
        let accepting = Arc::clone(&shared);
        let acceptor = thread::Builder::new()
            .name("kmip-sim".to_owned())
            .spawn(move || accept(&listener, &accepting))?;
        Ok(Self { shared, address, pki, client, server_leaf, acceptor: Some(acceptor) })
    }

    /// The objects.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// The clock that drives states.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.shared.store.clock
    }

    /// Where the server listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The server as a host named `localhost`.
    #[must_use]
    pub fn host(&self) -> Host {
        Host { name: "localhost".to_owned(), port: self.address.port() }
    }

    /// The authority that signed both sides' certificates.
    #[must_use]
    pub const fn pki(&self) -> &Arc<Pki> {
        &self.pki
    }

    /// The client's certificate and key.
    #[must_use]
    pub const fn client(&self) -> &Credential {
        &self.client
    }

    /// The server's own certificate, for pinning it.
    #[must_use]
    pub fn server_leaf(&self) -> CertificateDer<'static> {
        self.server_leaf.clone()
    }

    /// TLS settings that fit: the root is trusted, the client's certificate is given.
    #[must_use]
    pub fn tls_settings(&self) -> TlsSettings {
        TlsSettings {
            trusted: vec![self.pki.root()],
            identity: Some(self.client.identity()),
            verify_hostname: NameCheck::Full,
            protocol: None,
            cipher_suites: Vec::new(),
        }
    }

    /// Breaks the next message whose first operation is this one.
    pub fn fail_once(&self, operation: Operation, fault: Fault) {
        lock(&self.shared.faults).push(Injection { operation, fault, once: true });
    }

    /// Breaks every message whose first operation is this one.
    pub fn fail_always(&self, operation: Operation, fault: Fault) {
        lock(&self.shared.faults).push(Injection { operation, fault, once: false });
    }

    /// Forgets all faults.
    pub fn heal(&self) {
        lock(&self.shared.faults).clear();
    }

    /// How often the operation was requested, whatever its outcome.
    #[must_use]
    pub fn count(&self, operation: Operation) -> usize {
        lock(&self.shared.counts).get(&operation).copied().unwrap_or(0)
    }

    /// How many connections were accepted.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the acceptor. A failure means that it no longer listens, which is fine.
        drop(TcpStream::connect_timeout(&self.address, Duration::from_secs(1)));
        if let Some(acceptor) = self.acceptor.take() {
            drop(acceptor.join());
        }
    }
}

fn tls_config(
    server: Credential,
    client_root: CertificateDer<'static>,
    only_tls_1_2: bool,
) -> io::Result<ServerConfig> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(client_root).map_err(io::Error::other)?;
    let clients =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(io::Error::other)?;
    let versions = if only_tls_1_2 { &[&TLS12][..] } else { &[&TLS13, &TLS12] };
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(io::Error::other)?
        .with_client_cert_verifier(clients)
        .with_single_cert(server.chain, server.key)
        .map_err(io::Error::other)
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    let mut threads = Vec::new();
    for socket in listener.incoming() {
        if shared.stop.load(Ordering::Relaxed) {
            break;
        }
        let Ok(socket) = socket else { continue };
        shared.connections.fetch_add(1, Ordering::Relaxed);
        let shared = Arc::clone(shared);
        // An error on a connection ends that connection. Tests provoke such errors.
        threads.push(thread::spawn(move || drop(connection::serve(socket, &shared))));
    }
    for thread in threads {
        drop(thread.join());
    }
}
