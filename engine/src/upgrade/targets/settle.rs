//! From options to a target with its key.

use std::num::NonZeroUsize;

use crate::Result;
use crate::journal::History;
use crate::keys::{KeyId, KeySources};
use crate::options::{ChunkScheme, CompressionParams, EncryptorOptions, ProviderOptions};
use crate::plan::{KeyWish, Target, Usage};
use crate::upgrade::resumable::resumed_key;
use crate::upgrade::rotations::{recorded_key, usage};
use crate::upgrade::session::Session;

use super::{TargetOptions, TargetRequest};

/// Which key is asked for.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::exhaustive_enums, reason = "a request that callers make")]
pub enum KeyAsked<'a> {
    /// The one that the database would write with.
    AsTheDatabase,
    /// By its id; and the state that forbids to encrypt with it, where the operator knows that.
    Named(&'a KeyId, Option<&'a str>),
    /// A new one.
    New,
}

/// Settles targets.
#[derive(Debug)]
pub(super) struct Settler<'a> {
    session: &'a Session,
    unfinished: Option<&'a History>,
    key: KeyAsked<'a>,
    sources: &'a KeySources,
    longest_id: usize,
    threads: NonZeroUsize,
    /// Whether each table has options of its own.
    is_own: bool,
    /// Which keys are in use: all headers are read for it, once.
    usage: Option<Usage>,
    /// Which keys are in use where that does not matter.
    no_usage: Usage,
}

impl<'a> Settler<'a> {
    pub(super) fn new(
        session: &'a Session,
        unfinished: Option<&'a History>,
        request: &TargetRequest<'a>,
    ) -> Self {
        let TargetRequest { key, sources, longest_id, threads, .. } = *request;
        Self {
            session,
            unfinished,
            key,
            sources,
            longest_id,
            threads,
            is_own: matches!(request.options, TargetOptions::Own(_)),
            usage: None,
            no_usage: Usage::default(),
        }
    }

    /// The target with these options. The key of an unfinished run is used again, unless a key is named:
    /// applying the database's rules again would choose the key that its SSTables are already under, and
    /// refuse them as being under the old key.
    pub(super) fn settle(&mut self, params: CompressionParams) -> Result<Target> {
        let scheme = params.scheme()?;
        let on_server = scheme
            .as_ref()
            .and_then(ChunkScheme::encryptor)
            .filter(|options| matches!(options.provider(), ProviderOptions::Kmip { .. }));
        let recorded = match on_server {
            Some(options) => recorded_key(self.session, options)?,
            None => None,
        };
        let resumed = on_server.and_then(|_| self.resumed(&params));
        let is_rotated = matches!(self.key, KeyAsked::New) && resumed.is_none();
        if is_rotated && on_server.is_some() {
            let known = match self.usage.take() {
                Some(known) => known,
                None => usage(self.session, self.threads)?,
            };
            self.usage = Some(Usage { recorded: recorded.clone(), ..known });
        }
        let in_use = on_server.and(self.usage.as_ref()).unwrap_or(&self.no_usage);
        let wish = match (self.key_for(scheme.as_ref()), &resumed) {
            (KeyAsked::Named(id, None), _) => KeyWish::Named(id),
            (KeyAsked::Named(id, Some(state)), _) => KeyWish::EvenIf(id, state),
            (_, Some(id)) => KeyWish::Resumed(id),
            (KeyAsked::New, None) => KeyWish::New(in_use),
            (KeyAsked::AsTheDatabase, None) => KeyWish::AsTheDatabase,
        };
        let mut target = Target::find(params, wish, self.sources, self.longest_id)?;
        if let Some(recorded) = &recorded {
            target.recall(recorded);
        }
        Ok(target)
    }

    /// A target in clear, whatever key is asked for: that is for others.
    pub(super) fn settle_in_clear(&self, params: CompressionParams) -> Result<Target> {
        Target::find(params, KeyWish::AsTheDatabase, self.sources, self.longest_id)
    }

    /// The key of the unfinished run. For a rotation with nothing staged, its record knows more: whether
    /// the key is still usable.
    fn resumed(&self, params: &CompressionParams) -> Option<KeyId> {
        let history = self.unfinished?;
        match matches!(self.key, KeyAsked::New) && history.is_at_rest() {
            true => None,
            false => resumed_key(history, params),
        }
    }

    /// The key that is asked for, as far as it can be of these options: where each table has options of
    /// its own, an id is only for those that have keys with ids.
    fn key_for(&self, scheme: Option<&ChunkScheme>) -> KeyAsked<'a> {
        match self.key {
            KeyAsked::Named(..)
                if self.is_own
                    && !scheme
                        .and_then(ChunkScheme::encryptor)
                        .is_some_and(EncryptorOptions::has_key_ids) =>
            {
                KeyAsked::AsTheDatabase
            }
            key => key,
        }
    }
}
