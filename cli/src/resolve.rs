//! Turns syntax into sessions, targets and key sources.

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use jiff::ZonedDateTime;
use rekey_engine::config::{BesideTables, Node, NodeConfig};
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::journal::History;
use rekey_engine::keys::{
    KeyId, KeySources, KeyTable, KmipKeyFile, KmipServers, LocalKeyFiles, NodeKeystore,
    ReplicatedKeys,
};
use rekey_engine::options::OptionMap;
use rekey_engine::pipeline::Control;
use rekey_engine::plan::{Selection, Targets};
use rekey_engine::schema::{NodeKeyTables, Schema};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{
    self, Archives, KeyAsked, OwnOptions, PlanRequest, Said, Session, TargetOptions, TargetRequest,
};
use rekey_engine::{Error, Result};

use crate::args::{
    ArchiveArgs, DataArgs, Io, KeyArgs, Rate, ServerArgs, StoppedArgs, TargetArgs, UpgradeArgs,
    WatchArgs,
};
use crate::beside::Beside;
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
        self.threads.unwrap_or_else(all_cores)
    }
}

fn all_cores() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

impl UpgradeArgs {
    /// Worker threads: nodetool's `-j` counts SSTables at once, which is as many.
    pub(crate) fn threads(&self) -> NonZeroUsize {
        match self.jobs.map(NonZeroUsize::new) {
            Some(Some(jobs)) => jobs,
            Some(None) => all_cores(),
            None => self.data.threads(),
        }
    }

    /// What cannot be honoured is not ignored: more would be rewritten than was asked for.
    pub(crate) fn refuse_an_age(&self) -> Result<()> {
        match &self.max_timestamp {
            None => Ok(()),
            Some(_) => Err(Error::invalid(
                "-t/--max-timestamp: SSTables are not chosen by the time of their creation here",
            )
            .hint(
                "leave it out: an SSTable that is under its target already is left as it is; to \
                   do less at once, name tables, or use --stop-after or --deadline",
            )),
        }
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
    /// The places of keys. The table of the replicated provider is in the data directories; `flavor` is
    /// the product, if the operator says it.
    pub(crate) fn sources(&self, data: &DataArgs, flavor: Option<Flavor>) -> Result<KeySources> {
        let config = self.config.as_ref().map(|path| self.servers.config(path)).transpose()?;
        if config.is_none() && !self.servers.kmip_set.is_empty() {
            return Err(Error::invalid("--kmip-set is given, and no file with kmip_hosts")
                .hint("name the node's hcd.yaml or dse.yaml: --config FILE"));
        }
        let local = LocalKeyFiles::new(self.key_base.clone());
        let tables = NodeKeyTables::new(data.data_dirs.clone(), local.clone());
        let system_keys = config.as_ref().map(|config| config.system_key_directory().to_owned());
        let table = match flavor {
            Some(Flavor::Dse) => Some(KeyTable::Dse),
            Some(Flavor::ConvergedCore) => Some(KeyTable::Hcd),
            _ => None,
        };
        Ok(KeySources {
            local,
            exported: self.kmip_keys.as_ref().map(KmipKeyFile::open).transpose()?,
            replicated: Some(ReplicatedKeys::new(Box::new(tables), system_keys, table)),
            servers: config.map(KmipServers::new),
            keystore: keystore(data)?,
        })
    }
}

/// The key store of the node's `transparent_data_encryption_options`.
fn keystore(data: &DataArgs) -> Result<Option<NodeKeystore>> {
    let Some(node) = &data.node.found else { return Ok(None) };
    let says = BesideTables::read(&node.installation().cassandra_yaml.value)?;
    Ok(says.transparent.and_then(NodeKeystore::new))
}

impl TargetArgs {
    /// The flavor that the operator says; else that of the product that the configuration tells, or that
    /// ran last, which is shown. Copied data may be another product's.
    fn flavor(&self, data: &DataArgs, schema: &Schema, output: Output) -> Option<Flavor> {
        let node = data.node.found.as_ref();
        if let Some(node) = node {
            output.doubts(&node.warnings());
        }
        if self.flavor.is_some() || data.not_a_node {
            return self.flavor;
        }
        let starting = upgrade::starting(node.map_or(&[], Node::installed), schema.local());
        output.product(&starting);
        starting.flavor.map(|fact| fact.value)
    }

    /// The node's schema; where --compression says what is to be done, a schema that cannot be read is
    /// none.
    pub(crate) fn schema(
        &self,
        session: &Session,
        sources: &KeySources,
        output: Output,
    ) -> Result<Schema> {
        if let Some(file) = &self.schema {
            return upgrade::schema_of_file(session, sources, file);
        }
        match upgrade::schema(session, sources) {
            Err(error) if self.compression.is_some() => {
                output.note(&format!("the node's schema is not used: {}", error.chain()));
                Ok(Schema::default())
            }
            result => result,
        }
    }

    /// The schema, the product and the targets of a plan.
    pub(crate) fn settle(
        &self,
        session: &Session,
        sources: &KeySources,
        unfinished: Option<&History>,
        scope: Scope<'_>,
        output: Output,
    ) -> Result<Settled> {
        let schema = self.schema(session, sources, output)?;
        let flavor = self.flavor(scope.data, &schema, output);
        let targets = self.targets(session, (sources, &schema), unfinished, scope)?;
        Ok(Settled { schema, flavor, targets })
    }

    /// What SSTables are to become.
    pub(crate) fn targets(
        &self,
        session: &Session,
        (sources, schema): (&KeySources, &Schema),
        unfinished: Option<&History>,
        scope: Scope<'_>,
    ) -> Result<Targets> {
        let ask = |request: &TargetRequest<'_>| upgrade::targets(session, unfinished, request);
        let targets = self.ask((sources, schema), scope, ask)?;
        Ok(targets.from_key_ids_up_to(self.old_max_key_id_length))
    }

    /// Makes of the arguments what is asked of targets.
    pub(crate) fn ask<T>(
        &self,
        (sources, schema): (&KeySources, &Schema),
        scope: Scope<'_>,
        then: impl FnOnce(&TargetRequest<'_>) -> Result<T>,
    ) -> Result<T> {
        let named = self.key_id.clone().map(KeyId::new).transpose()?;
        let key = match (&named, self.create_key) {
            (Some(id), _) => KeyAsked::Named(id, self.even_if.as_deref()),
            (None, true) => KeyAsked::New,
            (None, false) => KeyAsked::AsTheDatabase,
        };
        let request = |options| TargetRequest {
            selection: scope.selection,
            archives: scope.archives,
            options,
            key,
            may_decrypt: self.decrypt,
            longest_id: self.max_key_id_length,
            sources,
            threads: scope.threads,
            tables: scope.tables,
            beside: scope.beside.map(Beside::request),
        };
        if let Some(map) = &self.compression {
            let map = OptionMap::parse_cql(map)
                .map_err(|error| Error::invalid("the options of --compression").wrapping(error))?;
            return then(&request(TargetOptions::Map(&map)));
        }
        let pairs = self.changes.iter().map(|change| (change.option.clone(), change.value.clone()));
        let changes: Vec<(String, String)> = pairs.collect();
        // A node without a second file encrypts none of its own tables.
        let nothing = || {
            let node = scope.data.node.found.as_ref();
            let is_known = node.is_some_and(|node| node.installation().second.is_none());
            is_known.then(OptionMap::default)
        };
        let config = sources.servers.as_ref().map(KmipServers::config);
        let system = config.map(NodeConfig::system_tables).transpose()?.or_else(nothing);
        let own = OwnOptions { schema, changes: &changes, system: system.as_ref() };
        then(&request(TargetOptions::Own(own)))
    }
}

/// What a plan is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) selection: &'a Selection,
    pub(crate) archives: Archives,
    pub(crate) threads: NonZeroUsize,
    pub(crate) data: &'a DataArgs,
    pub(crate) tables: bool,
    pub(crate) beside: Option<&'a Beside>,
}

/// What comes before a plan.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) schema: Schema,
    pub(crate) flavor: Option<Flavor>,
    pub(crate) targets: Targets,
}

impl Settled {
    /// What a plan is made of.
    pub(crate) const fn request<'a>(
        &'a self,
        scope: Scope<'a>,
        sources: &'a KeySources,
    ) -> PlanRequest<'a> {
        PlanRequest {
            selection: scope.selection,
            archives: scope.archives,
            targets: &self.targets,
            flavor: self.flavor,
            sources,
            threads: scope.threads,
        }
    }
}
