//! What the KMIP client and the key stores say, as the engine's own error.

use std::fmt;
use std::io;

use rekey_kmip::HostFailure;
use rekey_kmip::keystore::KeyStoreError;
use rekey_kmip::transport::{Failure, SettingsError};

use crate::error::{Error, ErrorKind};

/// [`ErrorKind::KeyUnavailable`], with every host's own reason in the chain and the client's
/// advice as the cure. [`ErrorKind::Invalid`] for settings that can never work,
/// [`ErrorKind::Unsupported`] for what the server's version of KMIP cannot express, and
/// [`ErrorKind::Io`] or [`ErrorKind::Interrupted`] when it was this host that failed.
impl From<rekey_kmip::Error> for Error {
    fn from(error: rekey_kmip::Error) -> Self {
        use rekey_kmip::Error as Kmip;

        let advice = error.advice();
        let mapped = match error {
            Kmip::Settings(settings) => return Self::from(settings),
            Kmip::Request(_) => Self::unsupported(error.to_string()),
            Kmip::AllHostsFailed(failures) => {
                let mapped = Self::new(kind(&failures), "no key server could be used");
                if failures.is_empty() { mapped } else { mapped.caused_by(Hosts(failures)) }
            }
            Kmip::Refused { id: Some(ref id), .. } | Kmip::UnusableKey { ref id, .. } => {
                Self::key_unavailable(error.to_string()).key(id)
            }
            other => Self::key_unavailable(other.to_string()),
        };
        match advice {
            Some(advice) => mapped.cure(advice),
            None => mapped,
        }
    }
}

/// [`ErrorKind::Invalid`]: settings that can never work.
impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        let cure = match error {
            SettingsError::EmptyTruststore | SettingsError::UnusableTruststore => {
                "import the certificate of the key server's authority into the truststore"
            }
            SettingsError::Identity(_) => {
                "put the client's private key and its own certificate into the key store"
            }
            SettingsError::Protocol(_) => "leave `protocol` out, or set TLSv1.2 or TLSv1.3",
            SettingsError::NoSuiteLeft { .. } => {
                "leave `cipher_suites` out, or add one that this client has"
            }
            SettingsError::NoHosts => "list the group's key servers: hosts: name, name:port",
            _ => "correct the kmip_hosts group in the configuration file",
        };
        Self::invalid(error.to_string()).cure(cure)
    }
}

/// [`ErrorKind::Invalid`], with the cure that the store's reader knows.
impl From<KeyStoreError> for Error {
    fn from(error: KeyStoreError) -> Self {
        Self::invalid(error.to_string()).cure(error.cure())
    }
}

/// Whose fault it is that no host answered.
fn kind(failures: &[HostFailure]) -> ErrorKind {
    let all = |is: fn(&io::Error) -> bool| {
        !failures.is_empty()
            && failures
                .iter()
                .all(|host| matches!(&host.failure, Failure::Io { error, .. } if is(error)))
    };
    if all(|error| error.kind() == io::ErrorKind::Interrupted) {
        ErrorKind::Interrupted
    } else if all(is_of_this_host) {
        ErrorKind::Io
    } else {
        ErrorKind::KeyUnavailable
    }
}

/// Whether this host, and not the network or the server, ran out of something.
fn is_of_this_host(error: &io::Error) -> bool {
    use rustix::io::Errno;

    let errno = Errno::from_io_error(error);
    errno.is_some_and(|errno| {
        [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::NOBUFS].contains(&errno)
    })
}

/// All hosts with their reasons.
#[derive(Debug)]
struct Hosts(Vec<HostFailure>);

impl fmt::Display for Hosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, host) in self.0.iter().enumerate() {
            write!(f, "{}{host}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Hosts {}
