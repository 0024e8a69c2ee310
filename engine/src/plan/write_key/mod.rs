//! Which key of a KMIP server, or of the replicated provider, is written with.
//!
//! The database chooses by itself whenever it writes, so the right key for a re-encryption is the
//! one that it would choose (KMIP.md 1.2 to 1.5): with any other, the next flush would use
//! the old key.

pub(super) mod replicated;
mod rotation;

use rekey_kmip::client::Rest;
use rekey_kmip::client::choice::{Choice, KeyRequest, Rejection, barred};
use rekey_kmip::message::{Attributes, Timestamp, UniqueIdentifier};

use crate::keys::{KeyId, KmipServers};
use crate::options::{EncryptorOptions, ProviderOptions};
use crate::{Error, Result};

use rotation::Told;
pub use rotation::{Recorded, Usage};

/// How the key to write with is found.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum KeyWish<'a> {
    /// By its id.
    Named(&'a KeyId),
    /// By its id, although it is in this state, which forbids to encrypt with it.
    EvenIf(&'a KeyId, &'a str),
    /// The one that an unfinished run writes with.
    Resumed(&'a KeyId),
    /// As the database finds it.
    AsTheDatabase,
    /// That of a rotation, which is new to what is in use; made, if it is not there.
    New(&'a Usage),
}

impl<'a> KeyWish<'a> {
    /// The key, if it is named.
    pub(super) const fn id(self) -> Option<&'a KeyId> {
        match self {
            Self::Named(id) | Self::EvenIf(id, _) | Self::Resumed(id) => Some(id),
            Self::AsTheDatabase | Self::New(_) => None,
        }
    }
}

/// Why a key was taken.
#[derive(Debug, Clone)]
pub struct KeyChoice {
    /// The reason.
    pub reason: String,
    /// The key's state, as far as the server tells it: Active; Expired where its Protect Stop Date is
    /// past.
    pub state: Option<String>,
    /// Other keys that the server offered, and why each was not taken.
    pub others: Vec<(String, String)>,
    /// What the operator should know about it.
    pub warnings: Vec<Error>,
    /// Whether nobody named it: it follows from what the server has now.
    pub by_rule: bool,
    /// Whether a new key was asked for: said again, the same words mean this one.
    pub rotates: bool,
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
        return match wish.id() {
            Some(id) => Ok(Settled { id: Some(id.clone()), choice: None }),
            None => Err(Error::invalid(
                "a KMIP target needs the id of the key to write with, or the servers to ask",
            )
            .hint(
                "give the node's configuration with --config, so that the key is found as the \
                 database finds it; or name the key with --key-id",
            )),
        };
    };
    let request = key_request(options)?;
    let choice = servers.choose(group, &request);
    match wish {
        KeyWish::Named(id) => named((servers, group), (id, "named by the operator"), None, choice),
        KeyWish::EvenIf(id, state) => {
            named((servers, group), (id, "named by the operator"), Some(state), choice)
        }
        KeyWish::Resumed(id) => {
            named((servers, group), (id, "the unfinished run writes with it"), None, choice)
        }
        KeyWish::AsTheDatabase => {
            let mut settled = as_the_database(group, &request, &choice?)?;
            if let (Some(id), Some(choice)) = (&settled.id, &mut settled.choice) {
                choice.state = told(servers, group, id).as_ref().and_then(state_of);
            }
            Ok(settled)
        }
        KeyWish::New(usage) => {
            let choice = choice?;
            let asked = rotation::asked(group, &choice, usage);
            let told = Told::from(servers.describe(group, &asked)?);
            rotation::settle(group, &request, &choice, (usage, &told), Timestamp::now())
        }
    }
}

/// What the table's options ask of a key.
///
/// # Errors
/// [`crate::ErrorKind::Unsupported`] for a cipher that KMIP has no name for.
pub(super) fn key_request(options: &EncryptorOptions) -> Result<KeyRequest> {
    let unnamed = |error: rekey_kmip::client::choice::NoKmipName| {
        Error::unsupported(error.to_string()).hint(
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

/// The key that somebody named; a server that cannot say what the database would do, or says that it
/// would take another one, is worth a warning. Its bytes may come from elsewhere: a server that does
/// not know it, or does not answer, is no reason to refuse it here.
fn named(
    (servers, group): (&KmipServers, &str),
    (id, reason): (&KeyId, &str),
    even_if: Option<&str>,
    choice: Result<Choice>,
) -> Result<Settled> {
    let mut explained = KeyChoice {
        reason: reason.to_owned(),
        state: None,
        others: vec![],
        warnings: vec![],
        by_rule: false,
        rotates: false,
    };
    match choice {
        Err(error) => explained.warnings.push(unknown_choice(error)),
        Ok(choice) => {
            explained.others = others(&choice, id.as_str());
            explained.warnings.extend(warnings(&choice, id.as_str()));
        }
    }
    if let Some(attributes) = told(servers, group, id) {
        explained.state = state_of(&attributes);
        explained.warnings.extend(check_state(id, &attributes, even_if)?);
    }
    Ok(Settled { id: Some(id.clone()), choice: Some(explained) })
}

/// What the server tells of a key, if it does.
fn told(servers: &KmipServers, group: &str, id: &KeyId) -> Option<Attributes> {
    let objects = servers.describe(group, &[UniqueIdentifier::new(id.as_str())]).ok()?;
    objects.into_iter().next()?.attributes.ok()
}

/// Refuses a key with which nothing may be encrypted, unless the operator knows that it is so.
fn check_state(
    id: &KeyId,
    attributes: &Attributes,
    even_if: Option<&str>,
) -> Result<Option<Error>> {
    let refused = |what: String| Error::key_unavailable(what).key(id);
    let Some(bar) = barred(attributes, Timestamp::now()) else {
        return match even_if {
            None => Ok(None),
            Some(said) => Err(Error::invalid(format!(
                "--even-if says {said}, and the target key may encrypt"
            ))
            .key(id)
            .hint("leave --even-if out")),
        };
    };
    let fact = format!("nothing may be encrypted with the target key: it {bar}");
    let state = state_of(attributes).unwrap_or_default();
    match even_if {
        Some(said) if said.eq_ignore_ascii_case(&state) => Ok(Some(refused(fact))),
        Some(said) => Err(refused(fact).hint(format!("--even-if says {said}, and it is {state}"))),
        None if state.starts_with("Destroyed") => {
            Err(refused(fact).hint("name another key, or have one made (--create-key)"))
        }
        None => Err(refused(fact).hint(format!(
            "name a key that may encrypt, or have one made (--create-key); if it has to be this one, \
             say that you know its state: --even-if '{state}'"
        ))),
    }
}

/// The state by its name; a key whose Protect Stop Date is past is Expired, whatever its state.
fn state_of(attributes: &Attributes) -> Option<String> {
    match barred(attributes, Timestamp::now()) {
        Some(Rejection::Expired(_)) => Some("Expired".to_owned()),
        _ => attributes.state().map(|state| state.to_string()),
    }
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
    let warnings = warnings(choice, chosen.as_str());
    let others = others(choice, chosen.as_str());
    let (state, by_rule, rotates) = (None, true, false);
    Settled::there(chosen, KeyChoice { reason, state, others, warnings, by_rule, rotates })
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
            .hint(
                "some servers forget the cipher's mode and padding: use a bare cipher name (AES) \
                 with them, or make the key on the server",
            ),
        ],
        Ok(choice) => warnings(&choice, id.as_str()),
    }
}

/// What the operator should know of what the database would do.
fn warnings(choice: &Choice, taken: &str) -> Vec<Error> {
    disagreement(choice, taken).into_iter().chain(unseen(choice)).collect()
}

/// What the database does not get to see when it asks for its keys.
fn unseen(choice: &Choice) -> Option<Error> {
    let Rest::Cut { listed, of } = choice.rest else { return None };
    Some(
        Error::key_unavailable(format!(
            "the database asks for its keys once, and the server gives it {listed} of {of}: it \
             chooses among those"
        ))
        .hint("raise the server's limit for one Locate, or give each purpose a key_namespace of its own"),
    )
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
            .hint(
                "give each cipher a key_namespace of its own; or expire that key (keys expire) before \
                 the node starts, if nothing is to be written with it any more",
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
    Error::invalid("the database itself keeps writing with another key than the target's")
        .key(key)
        .hint(format!(
            "if the target's key is to take its place, expire it before the node starts (keys \
             expire); else write with it: --key-id '{key}'"
        ))
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
    .hint("make one: --create-key, or on the server; or name a key with --key-id")
}

/// Keys named in one error.
const MOST_SHOWN: usize = 10;

#[cfg(test)]
mod tests;
