//! Turns syntax into sessions, targets and key sources.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::ZonedDateTime;
use rekey_engine::config::NodeConfig;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::journal::History;
use rekey_engine::keys::{KeyId, KeySources, KmipKeyFile, KmipServers, LocalKeyFiles};
use rekey_engine::options::{ChunkScheme, CompressionParams, OptionMap, ProviderOptions};
use rekey_engine::pipeline::Control;
use rekey_engine::plan::{KeyWish, Selection, Target, Usage};
use rekey_engine::upgrade::{self, Archives, Said, Session};
use rekey_engine::{Error, Result};

use crate::args::{
    ArchiveArgs, DataArgs, Io, KeyArgs, Rate, ServerArgs, StoppedArgs, TargetArgs, WatchArgs,
};
use crate::names;
use crate::ui::Output;

impl DataArgs {
    /// A session for reading files.
    pub(crate) fn session(&self) -> Result<Session> {
        self.session_if_stopped(LeaseMode::Shared, StoppedArgs { node_is_stopped: false })
    }

    pub(crate) fn session_if_stopped(
        &self,
        mode: LeaseMode,
        StoppedArgs { node_is_stopped }: StoppedArgs,
    ) -> Result<Session> {
        let said = Said { not_a_node: self.not_a_node, node_is_stopped };
        let (storage, is_mapped) = (Box::new(LocalStorage), self.io == Io::Map);
        Session::open_as_told(storage, &self.data_dirs, mode, is_mapped, said)
    }

    /// The named tables; reports which table an alias was taken for.
    pub(crate) fn selection(&self, output: Output) -> Result<Selection> {
        let (selection, notes) = names::selection(self.keyspace.as_deref(), &self.tables)?;
        output.notes(notes);
        Ok(selection)
    }

    /// Says where there is nothing to do: what is named exists, and is empty.
    pub(crate) fn note_empty(&self, output: Output, session: &Session, selection: &Selection) {
        let empty = upgrade::without_sstables(session, selection).into_iter();
        let note = |name| format!("{name} has a directory, and no SSTable that a node would load");
        output.notes(empty.map(note).collect());
    }

    pub(crate) fn threads(&self) -> NonZeroUsize {
        self.threads
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN)
    }
}

impl ArchiveArgs {
    pub(crate) const fn archives(self) -> Archives {
        Archives { snapshots: self.snapshots, backups: self.backups }
    }
}

impl WatchArgs {
    /// What the arguments ask of a run from its beginning.
    pub(crate) fn control(&self) -> Arc<Control> {
        let control = Control::default();
        if let Some(deadline) = self.deadline {
            control.end_by(Instant::now() + deadline.left(&ZonedDateTime::now()));
        }
        if let Some(sstables) = self.stop_after {
            control.at_most(sstables);
        }
        control.limit(self.rate.and_then(Rate::bytes));
        Arc::new(control)
    }
}

impl ServerArgs {
    /// The node's configuration, with what is set beside it.
    pub(crate) fn config(&self, path: &Path) -> Result<NodeConfig> {
        let mut config = NodeConfig::read(path)?;
        config.set(&self.kmip_set)?;
        Ok(config)
    }

    /// The same options, as words of a command.
    pub(crate) fn words(&self) -> impl Iterator<Item = OsString> {
        self.kmip_set.iter().flat_map(|setting| ["--kmip-set".into(), setting.to_string().into()])
    }
}

impl KeyArgs {
    pub(crate) fn sources(&self) -> Result<KeySources> {
        let servers = self.config.as_ref().map(|path| self.servers.config(path)).transpose()?;
        Ok(KeySources {
            local: LocalKeyFiles::new(self.key_base.clone()),
            exported: self.kmip_keys.as_ref().map(KmipKeyFile::open).transpose()?,
            servers: servers.map(KmipServers::new),
        })
    }
}

impl TargetArgs {
    /// The target of SSTables. The key of an unfinished run is used again, unless a key is named:
    /// applying the database's rules again would choose the key that its SSTables are already
    /// under, and refuse them as being under the old key.
    pub(crate) fn target(
        &self,
        sources: &KeySources,
        session: &Session,
        unfinished: Option<&History>,
        threads: NonZeroUsize,
    ) -> Result<Target> {
        let of_options = |error: Error| {
            // Whatever is wrong with the map, the map has to be corrected.
            Error::invalid("the options of --compression").wrapping(error)
        };
        let map = OptionMap::parse_cql(&self.compression).map_err(of_options)?;
        let params = CompressionParams::from_cql_options(&map).map_err(of_options)?;
        let named = self.key_id.clone().map(KeyId::new).transpose()?;
        let scheme = params.scheme().map_err(of_options)?;
        let on_server = scheme
            .as_ref()
            .and_then(ChunkScheme::encryptor)
            .filter(|options| matches!(options.provider(), ProviderOptions::Kmip { .. }));
        let recorded = match on_server {
            Some(options) => upgrade::recorded_key(session, options)?,
            None => None,
        };
        // For a rotation with nothing staged, its record knows more: whether the key is still
        // usable.
        let is_resumed =
            |history: &&History| on_server.is_some() && !(self.create_key && history.is_at_rest());
        let resumed = unfinished
            .filter(is_resumed)
            .and_then(|unfinished| upgrade::resumed_key(unfinished, &params));
        let is_open = on_server.is_some() && named.is_none() && resumed.is_none();
        let usage = match self.create_key && is_open {
            true => Usage { recorded: recorded.clone(), ..upgrade::usage(session, threads)? },
            false => Usage::default(),
        };
        let wish = match (&named, &self.even_if, &resumed) {
            (Some(id), None, _) => KeyWish::Named(id),
            (Some(id), Some(state), _) => KeyWish::EvenIf(id, state),
            (None, _, Some(id)) => KeyWish::Resumed(id),
            _ if self.create_key => KeyWish::New(&usage),
            _ => KeyWish::AsTheDatabase,
        };
        let mut target = Target::find(params, wish, sources, self.max_key_id_length)?;
        if let Some(recorded) = &recorded {
            target.recall(recorded);
        }
        match (target.encryptor(), self.decrypt) {
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
}
