//! Errors of the KMIP client and the key stores as the engine's own error.

use std::fmt;
use std::io;

use rekey_kmip::HostFailure;
use rekey_kmip::keystore::KeyStoreError;
use rekey_kmip::transport::{Failure, SettingsError};

use crate::config::label;
use crate::error::{Error, ErrorKind};

/// [`ErrorKind::KeyUnavailable`], with every host's own reason in the chain and the client's
/// hint as the hint. [`ErrorKind::Invalid`] for settings that can never work,
/// [`ErrorKind::Unsupported`] for what the server's version of KMIP cannot express, and
/// [`ErrorKind::Io`] or [`ErrorKind::Interrupted`] when it was this host that failed.
impl From<rekey_kmip::Error> for Error {
    fn from(error: rekey_kmip::Error) -> Self {
        use rekey_kmip::Error as Kmip;

        let hint = error.hint();
        let mapped = match error {
            Kmip::Settings(settings) => return Self::from(settings),
            Kmip::Request(_) => Self::unsupported(error.to_string()),
            Kmip::AllHostsFailed(failures) => {
                let mapped = Self::new(kind(&failures), "no key server could be used");
                if failures.is_empty() { mapped } else { mapped.caused_by(Hosts(failures)) }
            }
            Kmip::Refused { id: Some(ref id), .. }
            | Kmip::OutOfState { ref id, .. }
            | Kmip::NotActivated { ref id, .. }
            | Kmip::UnusableKey { ref id, .. } => Self::key_unavailable(error.to_string()).key(id),
            other => Self::key_unavailable(other.to_string()),
        };
        match hint {
            Some(hint) => mapped.hint(hint),
            None => mapped,
        }
    }
}

/// [`ErrorKind::Invalid`]: settings that can never work.
impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        let hint = match error {
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
        Self::invalid(error.to_string()).hint(hint)
    }
}

/// [`ErrorKind::Invalid`], with the hint of the store's reader.
impl From<KeyStoreError> for Error {
    fn from(error: KeyStoreError) -> Self {
        Self::invalid(error.to_string()).hint(error.hint())
    }
}

/// An error with the group's name in its hint, where the client, which does not know it, writes
/// `GROUP`.
pub(super) fn with_group(group: &str, error: Error) -> Error {
    let hint = error.hint_text().map(|hint| hint.replace("GROUP.", &format!("{}.", label(group))));
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The error kind when no host answered.
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

#[cfg(test)]
mod tests {
    use rekey_kmip::message::{Operation, Refusal, ResultReason, ResultStatus, UniqueIdentifier};
    use rekey_kmip::transport::{Awaited, End, Host, Moment, Step};

    use super::*;

    fn host(name: &str, failure: Failure) -> HostFailure {
        HostFailure { host: Host { name: name.to_owned(), port: 5696 }, failure }
    }

    fn connect(error: io::Error) -> Failure {
        Failure::Io { step: Step::Connect, error }
    }

    #[test]
    fn every_host_is_in_the_chain_once_with_its_reason() {
        let awaited = Awaited {
            operation: Operation::DISCOVER_VERSIONS,
            operations: 1,
            is_first: true,
            asked_for_certificate: true,
            received: 0,
        };
        let closed = Failure::Ended { how: End::Closed, at: Moment::Reply(awaited) };
        let error = Error::from(rekey_kmip::Error::AllHostsFailed(vec![
            host("kmip1", closed),
            host("kmip2", connect(io::ErrorKind::ConnectionRefused.into())),
        ]));
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        assert_eq!(
            error.chain(),
            "no key server could be used: kmip1:5696: end of stream after 0 bytes of the reply \
             to Discover Versions; kmip2:5696: cannot connect: connection refused"
        );
        assert!(error.hint_text().unwrap().contains("does not trust the client's certificate"));
    }

    #[test]
    fn this_host_s_own_troubles_have_their_own_kinds() {
        let kind = |failures| Error::from(rekey_kmip::Error::AllHostsFailed(failures)).kind();
        let full = || connect(rustix::io::Errno::MFILE.into());
        let interrupted = || connect(io::ErrorKind::Interrupted.into());
        let refused = || connect(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(kind(vec![host("a", full()), host("b", full())]), ErrorKind::Io);
        assert_eq!(kind(vec![host("a", interrupted())]), ErrorKind::Interrupted);
        assert_eq!(kind(vec![host("a", full()), host("b", refused())]), ErrorKind::KeyUnavailable);
        assert_eq!(kind(Vec::new()), ErrorKind::KeyUnavailable);
    }

    #[test]
    fn a_refusal_names_the_key_and_its_hint() {
        let error = Error::from(rekey_kmip::Error::Refused {
            operation: Operation::GET,
            id: Some(UniqueIdentifier::new("02-449")),
            refusal: Refusal {
                status: ResultStatus::OPERATION_FAILED,
                reason: Some(ResultReason::ITEM_NOT_FOUND),
                message: None,
            },
        });
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        assert_eq!(error.key_name(), Some("02-449"));
        assert!(error.hint_text().unwrap().starts_with("check the id"));
    }

    #[test]
    fn errors_in_settings_and_stores_are_invalid() {
        let error = Error::from(rekey_kmip::Error::Settings(SettingsError::NoHosts));
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Invalid, "the group has no hosts")
        );
        assert!(error.hint_text().is_some());
        let error = Error::from(KeyStoreError::Pkcs11);
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.hint_text(), Some(KeyStoreError::Pkcs11.hint()));
    }
}
