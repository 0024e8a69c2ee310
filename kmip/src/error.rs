//! The crate's error: who refused or failed, and what the operator can do.
//!
//! An error never contains key bytes or passwords. Of a server's texts it contains only the Result
//! Message and the names in its certificate, shortened and made safe to print.

use std::fmt;

use crate::message::{MessageError, Operation, Refusal, ResultReason, State, UniqueIdentifier};
use crate::transport::{CREDENTIAL, Failure, Host, SettingsError};

/// Shorthand used throughout the crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a key server did not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The settings can never work.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The request cannot be expressed in the server's version of KMIP, or is too long.
    #[error("the request cannot be sent: {0}")]
    Request(#[source] MessageError),
    /// Every host failed; each one's failure is kept.
    #[error("no key server could be used: {}", each(.0))]
    AllHostsFailed(Vec<HostFailure>),
    /// The server answered with a refusal.
    #[error("the key server refused {operation}{}: {refusal}", of(.id.as_ref()))]
    Refused {
        /// What was asked.
        operation: Operation,
        /// About which object.
        id: Option<UniqueIdentifier>,
        /// The answer.
        refusal: Refusal,
    },
    /// The server refused a request about a key, whose state is or may be the reason.
    #[error("{}", of_state(*.operation, .id, *.state, .refusal))]
    OutOfState {
        /// What was asked.
        operation: Operation,
        /// The key.
        id: UniqueIdentifier,
        /// Its state.
        state: State,
        /// The answer.
        refusal: Refusal,
    },
    /// A key was created, but it is not active, or that is unknown.
    #[error("the server made the key {id}, and did not activate it: {cause}")]
    NotActivated {
        /// The key.
        id: UniqueIdentifier,
        /// What became of Activate.
        cause: Box<Self>,
    },
    /// A request that changes something was sent, and no answer came: it may or may not have
    /// been done. It was not sent again.
    #[error("{operation} was sent to {failure}; whether it was done is not known")]
    OutcomeUnknown {
        /// What was asked.
        operation: Operation,
        /// What happened then.
        failure: HostFailure,
    },
    /// The object exists but is not a usable key.
    #[error("the object {id} cannot be used: {what}")]
    UnusableKey {
        /// The object.
        id: UniqueIdentifier,
        /// Why.
        what: &'static str,
    },
}

/// One host's failure.
#[derive(Debug)]
pub struct HostFailure {
    /// The host.
    pub host: Host,
    /// What went wrong.
    pub failure: Failure,
}

impl Error {
    /// Whether the same request may succeed later, or on another host, without a change of
    /// settings. Only `client::retry` decides what is done then.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::AllHostsFailed(failures) => {
                failures.iter().any(|failed| failed.failure.is_retryable())
            }
            _ => false,
        }
    }

    /// Whether the server says that the object does not exist (any more).
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.reason().is_some_and(ResultReason::is_not_found)
    }

    /// The state of the key, if it is why the server refused.
    #[must_use]
    pub const fn state(&self) -> Option<State> {
        match self {
            Self::OutOfState { state, .. } => Some(*state),
            _ => None,
        }
    }

    /// The server's reason, if it answered.
    #[must_use]
    pub const fn reason(&self) -> Option<ResultReason> {
        match self {
            Self::Refused { refusal, .. } | Self::OutOfState { refusal, .. } => refusal.reason,
            _ => None,
        }
    }

    /// What the operator can do, if that is known: the first hint of the hosts, or what a
    /// server's reason calls for.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::AllHostsFailed(failures) => {
                failures.iter().find_map(|failed| failed.failure.hint())
            }
            Self::OutcomeUnknown { operation, .. } => Some(unknown_hint(*operation)),
            Self::NotActivated { .. } => Some(TAKEN_UP),
            Self::OutOfState { operation, state, .. } => state_hint(*operation, *state),
            Self::Refused { operation, refusal, .. } => refusal_hint(*operation, refusal),
            _ => None,
        }
    }
}

impl Failure {
    /// Whether another attempt may succeed. It may after anything that the network or a busy host
    /// does; it cannot after a refused certificate, or with a peer that does not speak the
    /// protocol.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Resolve(_) | Self::Io { .. } | Self::TimedOut { .. } | Self::Ended { .. } => true,
            Self::Tls(_) | Self::Protocol(_) => false,
        }
    }
}

impl fmt::Display for HostFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.host, self.failure)
    }
}

fn refusal_hint(operation: Operation, refusal: &Refusal) -> Option<&'static str> {
    Some(match (operation, refusal.reason?) {
        (Operation::GET, ResultReason::WRONG_KEY_LIFECYCLE_STATE) => OUT_OF_USE,
        (
            Operation::ADD_ATTRIBUTE,
            ResultReason::OPERATION_NOT_SUPPORTED
            | ResultReason::INVALID_MESSAGE
            | ResultReason::INVALID_FIELD
            | ResultReason::FEATURE_NOT_SUPPORTED,
        ) => {
            "this key server keeps no Protect Stop Date for its keys: revoke the key instead, or expire \
             it by the server's own tools"
        }
        (Operation::MODIFY_ATTRIBUTE, ResultReason::PERMISSION_DENIED) => {
            "a Protect Stop Date that is reached stays (KMIP 1.4, 3.26): the key may have expired already"
        }
        (_, ResultReason::PERMISSION_DENIED | ResultReason::NOT_AUTHORISED) => {
            "grant the client's certificate this operation on the key server"
        }
        (_, ResultReason::AUTHENTICATION_NOT_SUCCESSFUL) => CREDENTIAL,
        (_, ResultReason::OPERATION_NOT_SUPPORTED) => {
            "this key server does not offer the operation: use its own tools"
        }
        (Operation::CREATE, reason) if reason.is_not_found() => {
            "the server does not know the template: check template_name in the table's options"
        }
        (_, reason) if reason.is_not_found() => {
            "check the id, and that the client's certificate may see the key"
        }
        _ => return None,
    })
}

fn of_state(
    operation: Operation,
    id: &UniqueIdentifier,
    state: State,
    refusal: &Refusal,
) -> String {
    match operation {
        Operation::GET => {
            format!("the key server does not give out the key {id}, which is {state}: {refusal}")
        }
        _ => format!("the key server refused {operation} of {id}, which is {state}: {refusal}"),
    }
}

fn state_hint(operation: Operation, state: State) -> Option<&'static str> {
    let is_destroyed = matches!(state, State::DESTROYED | State::DESTROYED_COMPROMISED);
    Some(match (operation, state) {
        (Operation::GET, State::PRE_ACTIVE) => "activate the key on the key server",
        (Operation::GET, _) if is_destroyed => {
            "restore the key on the key server from its backup: without it, what is under it is lost"
        }
        (Operation::GET, _) => OUT_OF_USE,
        (Operation::DESTROY, State::ACTIVE) => "an active key cannot be destroyed: revoke it first",
        (_, _) if is_destroyed => "the key is destroyed already: nothing is left to do",
        (Operation::REVOKE, State::PRE_ACTIVE) => "the key was never active: destroy it instead",
        (Operation::REVOKE, _) => "the key is revoked already",
        (
            Operation::ADD_ATTRIBUTE | Operation::MODIFY_ATTRIBUTE | Operation::SET_ATTRIBUTE,
            State::DEACTIVATED | State::COMPROMISED,
        ) => {
            "the key is revoked: nothing is encrypted with it any more, so nothing is left to expire"
        }
        _ => return None,
    })
}

fn unknown_hint(operation: Operation) -> &'static str {
    match operation {
        Operation::CREATE | Operation::REGISTER | Operation::ACTIVATE => TAKEN_UP,
        _ => {
            "look at the key's state and dates (sstablerekey keys list) before you try again: it may \
             have been done"
        }
    }
}

/// For a key that a server has and does not return.
const OUT_OF_USE: &str = "reactivate the key on the key server, or let it give out keys that are out of \
     use, until the SSTables are re-encrypted; a backup of the key serves, too (--kmip-keys)";

/// For a key that was created and is not active, or may have been created.
const TAKEN_UP: &str = "run the same command again: a key that was made for it and is not active yet is \
     activated and used, and no other is made";

fn of(id: Option<&UniqueIdentifier>) -> String {
    id.map_or_else(String::new, |id| format!(" of {id}"))
}

pub(crate) fn each(failures: &[HostFailure]) -> String {
    let shown: Vec<_> = failures.iter().map(ToString::to_string).collect();
    shown.join("; ")
}
