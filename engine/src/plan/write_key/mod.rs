//! Which key of a KMIP server is written with.
//!
//! The database chooses by itself whenever it writes, so the right key for a re-encryption is the
//! one that it would choose (KMIP.md 1.2 to 1.5): with any other, the next flush goes on under
//! the old key.

use std::collections::BTreeSet;

use rekey_kmip::client::choice::{Choice, KeyRequest, Rejection};
use rekey_kmip::message::UniqueIdentifier;

use crate::keys::{KeyId, KeyRef, KmipServers};
use crate::options::{EncryptorOptions, ProviderOptions};
use crate::{Error, Result};

/// How the key to write with is found.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum KeyWish<'a> {
    /// By its id.
    Named(&'a KeyId),
    /// As the database finds it.
    AsTheDatabase,
    /// One that none of these keys is; made, if none waits on the server.
    New(&'a BTreeSet<KeyRef>),
}

/// Why a key was taken.
#[derive(Debug, Clone)]
pub struct KeyChoice {
    /// The reason.
    pub reason: String,
    /// Other keys that the server offered, and why each was not taken.
    pub others: Vec<(String, String)>,
    /// What the operator should know about it.
    pub warnings: Vec<Error>,
    /// Whether nobody named it: it follows from what the server has now.
    pub by_rule: bool,
}

/// What was settled.
#[derive(Debug)]
pub(super) struct Settled {
    /// The key; none if one is to be made.
    pub(super) id: Option<KeyId>,
    /// Why, if a server was asked.
    pub(super) choice: Option<KeyChoice>,
}

impl Settled {
    fn there(id: &UniqueIdentifier, choice: KeyChoice) -> Result<Self> {
        Ok(Self { id: Some(KeyId::new(id.as_str())?), choice: Some(choice) })
    }
}

/// Settles the key of a KMIP target.
///
/// # Errors
/// [`crate::ErrorKind::KeyUnavailable`] when the server has no fitting key or cannot be asked, and
/// [`crate::ErrorKind::Invalid`] when nothing can be settled without a word of the operator.
pub(super) fn settle(
    options: &EncryptorOptions,
    wish: KeyWish<'_>,
    servers: Option<&KmipServers>,
) -> Result<Settled> {
    let ProviderOptions::Kmip { host: group, .. } = options.provider() else {
        return Err(Error::invalid("the target key is on no KMIP server"));
    };
    let Some(servers) = servers else {
        return match wish {
            KeyWish::Named(id) => Ok(Settled { id: Some(id.clone()), choice: None }),
            _ => Err(Error::invalid(
                "a KMIP target needs the id of the key to write with, or the servers to ask",
            )
            .cure(
                "give the node's configuration with --config, so that the key is found as the \
                 database finds it; or name the key with --key-id",
            )),
        };
    };
    let request = key_request(options)?;
    let choice = servers.choose(group, &request);
    match wish {
        KeyWish::Named(id) => Ok(Settled { id: Some(id.clone()), choice: Some(named(id, choice)) }),
        KeyWish::AsTheDatabase => as_the_database(group, &request, &choice?),
        KeyWish::New(used) => new(group, &choice?, used),
    }
}

/// What the table's options ask of a key.
///
/// # Errors
/// [`crate::ErrorKind::Unsupported`] for a cipher that KMIP has no name for.
pub(super) fn key_request(options: &EncryptorOptions) -> Result<KeyRequest> {
    let unnamed = |error: rekey_kmip::client::choice::NoKmipName| {
        Error::unsupported(error.to_string()).cure(
            "use a cipher with PKCS5Padding of AES, DES, Blowfish or RC2, or a local key file",
        )
    };
    let (template, namespace) = match options.provider() {
        ProviderOptions::Kmip { template, namespace, .. } => (template.clone(), namespace.clone()),
        ProviderOptions::Local { .. } | ProviderOptions::Replicated { .. } => (None, None),
    };
    Ok(KeyRequest {
        cipher: options.transformation().text().parse().map_err(unnamed)?,
        strength: i32::try_from(options.strength()).unwrap_or(i32::MAX),
        namespace,
        template,
    })
}

/// The key that the operator named; a server that cannot say what the database would do, or says
/// that it would take another one, is worth a warning.
fn named(id: &KeyId, choice: Result<Choice>) -> KeyChoice {
    let mut explained = KeyChoice {
        reason: "named by the operator".to_owned(),
        others: vec![],
        warnings: vec![],
        by_rule: false,
    };
    match choice {
        Err(error) => explained.warnings.push(unknown_choice(error)),
        Ok(choice) => {
            explained.others = others(&choice, id.as_str());
            explained.warnings.extend(disagreement(&choice, id.as_str()));
        }
    }
    explained
}

fn as_the_database(group: &str, request: &KeyRequest, choice: &Choice) -> Result<Settled> {
    let Some(chosen) = &choice.chosen else { return Err(nothing_fits(group, request, choice)) };
    let fitting = fitting(choice).count();
    let reason = match fitting {
        1 => "the only key that the database finds for these options".to_owned(),
        n => format!(
            "the first of {n} keys that the database finds for these options (earliest Protect \
             Stop Date, then earliest Activation Date, then the server's own order)"
        ),
    };
    let warnings = disagreement(choice, chosen.as_str()).into_iter().collect();
    let others = others(choice, chosen.as_str());
    Settled::there(chosen, KeyChoice { reason, others, warnings, by_rule: true })
}

/// A key that no SSTable has been written with yet. Keys of a run that was cut short are not told
/// from keys that the node took up by itself: there the operator must say which.
fn new(group: &str, choice: &Choice, used: &BTreeSet<KeyRef>) -> Result<Settled> {
    let is_used = |id: &UniqueIdentifier| {
        used.iter().any(|key| match key {
            KeyRef::Kmip { group: of, id: used } => of == group && used.as_str() == id.as_str(),
            KeyRef::LocalFile { .. } | KeyRef::Replicated { .. } => false,
        })
    };
    let fits: Vec<_> = fitting(choice).collect();
    if let Some(waiting) = fits.iter().find(|id| !is_used(id)) {
        let explained = KeyChoice {
            reason: "the server has it and no SSTable uses it: none needs to be made".to_owned(),
            others: others(choice, waiting.as_str()),
            warnings: disagreement(choice, waiting.as_str()).into_iter().collect(),
            by_rule: false,
        };
        return Settled::there(waiting, explained);
    }
    if let (Some(last), true) = (fits.last(), used.len() > 1) {
        return Err(Error::invalid(
            "the data is under several keys already, and one of them may be the new key of a run \
             that was cut short",
        )
        .key(last)
        .cure(format!(
            "go on with that key: --key-id '{last}'; or name another one, made on the server"
        )));
    }
    let explained = KeyChoice {
        reason: "made by the run".to_owned(),
        others: others(choice, ""),
        warnings: disagreement(choice, "").into_iter().collect(),
        by_rule: false,
    };
    Ok(Settled { id: None, choice: Some(explained) })
}

/// What speaks against a key that was just made: the database must find it, and before all others.
pub(super) fn check_made(
    servers: &KmipServers,
    group: &str,
    request: &KeyRequest,
    id: &KeyId,
) -> Vec<Error> {
    match servers.choose(group, request) {
        Err(error) => vec![unknown_choice(error)],
        Ok(choice) if fitting(&choice).all(|fits| fits.as_str() != id.as_str()) => vec![
            Error::invalid(
                "the server does not offer the new key for these options, so the database will \
                 not find it, and make another one",
            )
            .key(id)
            .cure(
                "some servers forget the cipher's mode and padding: use a bare cipher name (AES) \
                 with them, or make the key on the server",
            ),
        ],
        Ok(choice) => disagreement(&choice, id.as_str()).into_iter().collect(),
    }
}

fn fitting(choice: &Choice) -> impl Iterator<Item = &UniqueIdentifier> {
    choice.verdicts.iter().filter(|(_, rejections)| rejections.is_empty()).map(|(id, _)| id)
}

fn others(choice: &Choice, but: &str) -> Vec<(String, String)> {
    choice
        .verdicts
        .iter()
        .filter(|(id, _)| id.as_str() != but)
        .map(|(id, rejections)| (id.to_string(), verdict(rejections)))
        .collect()
}

fn verdict(rejections: &[Rejection]) -> String {
    match rejections {
        [] => "fits, and comes later in the database's order".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// What the database would do instead.
fn disagreement(choice: &Choice, taken: &str) -> Option<Error> {
    let view = choice.database.as_ref()?;
    match &view.failure {
        Some(failure) => Some(
            Error::key_unavailable(format!(
                "the database takes this key first, which {failure}, and then fails to write"
            ))
            .key(&view.id)
            .cure(
                "expire or revoke it (keys expire, keys revoke), or give each cipher a \
                 key_namespace of its own, before the node starts",
            ),
        ),
        None if view.id.as_str() != taken => Some(goes_on_with(&view.id)),
        None => None,
    }
}

fn unknown_choice(error: Error) -> Error {
    Error::key_unavailable("it is not known which key the database would write with")
        .caused_by(error)
}

fn goes_on_with(key: &UniqueIdentifier) -> Error {
    Error::invalid("the database itself goes on writing with another key than the target's")
        .key(key)
        .cure("expire it (keys expire) or revoke it before the node starts")
}

fn nothing_fits(group: &str, request: &KeyRequest, choice: &Choice) -> Error {
    let namespace = match &request.namespace {
        Some(namespace) => format!(" in the namespace '{}'", namespace.escape_debug()),
        None => String::new(),
    };
    let offered = match choice.verdicts.len() {
        0 => String::new(),
        _ => {
            let shown: Vec<_> = choice
                .verdicts
                .iter()
                .take(MOST_SHOWN)
                .map(|(id, rejections)| format!("{id} {}", verdict(rejections)))
                .collect();
            let more = choice.verdicts.len().saturating_sub(shown.len());
            let more = if more > 0 { format!("; and {more} more") } else { String::new() };
            format!(": {}{more}", shown.join("; "))
        }
    };
    Error::key_unavailable(format!(
        "the servers of group '{}' have no active key for {} of {} bits{namespace}{offered}",
        group.escape_debug(),
        request.cipher,
        request.strength,
    ))
    .cure("make one: --create-key, or on the server; or name a key with --key-id")
}

/// Keys named in one error.
const MOST_SHOWN: usize = 10;

#[cfg(test)]
mod tests;
