//! Connecting and agreeing on a version (KMIP.md 14, rule 5).
//!
//! Discover Versions goes first, in a **1.1** header: a 2.x header is refused by servers of 1.x,
//! and 1.0 has no such operation. A server that refuses it speaks 1.0, does not allow the
//! operation, or speaks only 2.x. Query tells which: in 1.0, then in 2.x headers. A server that
//! closes the connection is tried once more, in 1.0.
//!
//! The exchange has a second use: it proves that the server accepts the client before a request is
//! sent that must not be repeated. Under TLS 1.3 a client certificate is refused only at this point
//! (KMIP.md 12).

use super::conversation::Conversation;
use super::{ClientSettings, batch};
use crate::message::{ProtocolVersion, QueryFunction, Refusal, Reply, Request, ResultReason};
use crate::transport::{Failure, Host, ProtocolFailure, TlsConnector};

/// Connects to a host and finds the best version that both speak.
pub(super) fn open(
    connector: &TlsConnector,
    host: &Host,
    settings: &ClientSettings,
) -> Result<Conversation, Failure> {
    let deadline = settings.timeouts.start();
    let connect = || {
        let connection = connector.connect(host, &deadline)?;
        Ok::<_, Failure>(Conversation::new(connection, ProtocolVersion::V1_1, deadline.clone()))
    };
    let mut session = connect()?;
    let limit = settings.longest_reply;
    let discover = Request::DiscoverVersions(settings.versions.clone());
    let refused = match ask(&mut session, discover, limit) {
        Ok(Ok(Reply::DiscoverVersions(offered))) => match best(&settings.versions, &offered) {
            Some(version) => {
                session.agree_on(version);
                return Ok(session);
            }
            None if offered.is_empty() => None,
            None => return Err(ProtocolFailure::NoCommonVersion(offered).into()),
        },
        Ok(Ok(_other)) => return Err(ProtocolFailure::NoAnswer.into()),
        Ok(Err(refusal)) => Some(about_the_version(refusal)?),
        // A server of 1.0 that does not know the operation or the version may close the connection.
        Err(failure) if failure.is_idle_close() => {
            return connect().ok().and_then(|session| of_1_0(session, settings)).ok_or(failure);
        }
        Err(failure) => return Err(failure),
    };
    for version in fallbacks(&settings.versions) {
        session.agree_on(version);
        let query = Request::Query(vec![QueryFunction::OPERATIONS]);
        match ask(&mut session, query, limit)? {
            Ok(_reply) => return Ok(session),
            Err(refusal) => about_the_version(refusal)?,
        };
    }
    let Some(refused) = refused else { return Err(ProtocolFailure::NoVersion.into()) };
    Err(match refused.reason {
        Some(ResultReason::PERMISSION_DENIED | ResultReason::NOT_AUTHORISED) => {
            ProtocolFailure::NotAllowed(refused.to_string()).into()
        }
        _ => ProtocolFailure::AllVersionsRefused(refused.to_string()).into(),
    })
}

/// The session in 1.0, if that is spoken on both sides.
fn of_1_0(mut session: Conversation, settings: &ClientSettings) -> Option<Conversation> {
    let version = Some(ProtocolVersion::V1_0).filter(|v| settings.versions.contains(v))?;
    session.agree_on(version);
    let query = Request::Query(vec![QueryFunction::OPERATIONS]);
    let answer = ask(&mut session, query, settings.longest_reply).ok()?;
    answer.is_ok().then_some(session)
}

/// Returns a refusal that another version may change. An unknown client is refused in every
/// version.
fn about_the_version(refusal: Refusal) -> Result<Refusal, ProtocolFailure> {
    match refusal.reason {
        Some(ResultReason::AUTHENTICATION_NOT_SUCCESSFUL) => {
            Err(ProtocolFailure::NotAuthenticated(refusal.to_string()))
        }
        _ => Ok(refusal),
    }
}

/// Versions to try blindly: 1.0, then 2.x from the lowest on.
fn fallbacks(spoken: &[ProtocolVersion]) -> Vec<ProtocolVersion> {
    let mut versions: Vec<_> = spoken
        .iter()
        .copied()
        .filter(|version| !version.has_discovery() || version.has_tagged_attributes())
        .collect();
    versions.sort();
    versions
}

/// The first of the client's versions that the server offers.
fn best(spoken: &[ProtocolVersion], offered: &[ProtocolVersion]) -> Option<ProtocolVersion> {
    spoken.iter().copied().find(|version| offered.contains(version))
}

fn ask(
    session: &mut Conversation,
    request: Request,
    limit: usize,
) -> Result<Result<Reply, Refusal>, Failure> {
    let requests = [request];
    let message = batch::encode(session.version(), None, &requests);
    let message = message.map_err(ProtocolFailure::from)?;
    let reply = session.exchange(&requests, message.as_slice(), limit)?;
    Ok(batch::answers(&requests, reply)?.into_one()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_order_wins_and_the_fallbacks_start_low() {
        let offered = [ProtocolVersion::V2_1, ProtocolVersion::V1_2, ProtocolVersion::V1_4];
        assert_eq!(best(&ProtocolVersion::SPOKEN, &offered), Some(ProtocolVersion::V1_4));
        assert_eq!(best(&ProtocolVersion::SPOKEN, &[ProtocolVersion { major: 3, minor: 0 }]), None);
        assert_eq!(
            fallbacks(&ProtocolVersion::SPOKEN),
            [ProtocolVersion::V1_0, ProtocolVersion::V2_0, ProtocolVersion::V2_1]
        );
    }
}
