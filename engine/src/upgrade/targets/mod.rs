//! `targets`: what SSTables are to become, and with which keys.
//!
//! One map of options may be given for all that is selected. Without it each table keeps the options of
//! its own, with single ones changed, as a node does that upgrades its SSTables.

mod aims;
mod named;
mod own;
mod settle;
mod system;

pub use own::OwnOptions;
pub(super) use own::is_of_the_node;
pub use settle::KeyAsked;
pub(super) use system::system_targets;

use std::num::NonZeroUsize;
use std::path::Path;

use self::settle::Settler;
use super::request::SystemRequest;
use super::session::Session;
use crate::journal::History;
use crate::keys::KeySources;
use crate::options::{ChunkScheme, CompressionParams, OptionMap, ProviderOptions};
use crate::plan::{Archives, Selection, Target, Targets};
use crate::{Error, Result};

/// What is asked of the targets.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "a request that callers make")]
pub struct TargetRequest<'a> {
    /// The tables.
    pub selection: &'a Selection,
    /// Which archives of them are re-encrypted, too.
    pub archives: Archives,
    /// The options.
    pub options: TargetOptions<'a>,
    /// The keys.
    pub key: KeyAsked<'a>,
    /// Whether what is encrypted may be written in clear.
    pub may_decrypt: bool,
    /// The site's limit for key ids in bytes.
    pub longest_id: usize,
    /// Where keys come from.
    pub sources: &'a KeySources,
    /// Worker threads.
    pub threads: NonZeroUsize,
    /// Whether tables are selected.
    pub tables: bool,
    /// Which files beside them are.
    pub beside: Option<SystemRequest<'a>>,
}

/// With which options SSTables are written.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "a request that callers make")]
pub enum TargetOptions<'a> {
    /// All with these.
    Map(&'a OptionMap),
    /// Those of each table with its own.
    Own(OwnOptions<'a>),
}

/// Settles the targets. `unfinished` is the run that would be resumed: its keys are used again, since the
/// database's rules could choose otherwise now.
///
/// # Errors
/// What concerns all tables: options that mean nothing, a key that cannot be had. What concerns one table
/// is in the [`Aim`](crate::plan::Aim) of its SSTables.
pub fn targets(
    session: &Session,
    unfinished: Option<&History>,
    request: &TargetRequest<'_>,
) -> Result<Targets> {
    let mut settler = Settler::new(session, unfinished, request);
    match request.options {
        TargetOptions::Map(map) => one(&mut settler, map, request.may_decrypt).map(Targets::one),
        TargetOptions::Own(own) => own::targets(&mut settler, session, own, request),
    }
}

/// Refuses a relative path, unless the node itself has it.
fn check_key_file(file: &str) -> Result<()> {
    if Path::new(file).is_absolute() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "secret_key_file '{file}' is a relative path, which the node would look for, or make, below \
         its own working directory"
    ))
    .hint("name the key file by its absolute path"))
}

/// The same for the key file in options.
fn check_params(params: &CompressionParams) -> Result<()> {
    if let Some(encryptor) = params.scheme()?.as_ref().and_then(ChunkScheme::encryptor)
        && let ProviderOptions::Local { secret_key_file } = encryptor.provider()
    {
        check_key_file(secret_key_file)?;
    }
    Ok(())
}

fn one(settler: &mut Settler<'_>, map: &OptionMap, may_decrypt: bool) -> Result<Target> {
    // Whatever is wrong with the map, the map has to be corrected.
    let of_options = |error: Error| Error::invalid("the options of --compression").wrapping(error);
    let params = CompressionParams::from_cql_options(map).map_err(of_options)?;
    params.scheme().map_err(of_options)?;
    check_params(&params)?;
    let target = settler.settle(params)?;
    match (target.encryptor(), may_decrypt) {
        (None, false) => Err(Error::invalid(
            "the options of --compression do not encrypt: everything would be in clear",
        )
        .hint("if that is what you want, say so: --decrypt")),
        (Some(_), true) => {
            Err(Error::invalid("--decrypt is given, and the options of --compression encrypt")
                .hint("leave --decrypt out, or name a class that does not encrypt"))
        }
        _ => Ok(target),
    }
}
