//! Whether nothing is under a key any more, before it is revoked or destroyed.
//!
//! What could not be looked at counts as under the key: a census over too little would prove
//! nothing.

use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;

use rekey_engine::config::NamedDirectory;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::{KeyId, KeyRef, KmipServers};
use rekey_engine::plan::{KeyCensus, Selection};
use rekey_engine::upgrade::{self, Archives, Said, Session};
use rekey_engine::{Error, Result};

use crate::args::ProofArgs;
use crate::ui::Output;

impl ProofArgs {
    /// Whether a key may be `done`, such as destroyed; and says why not, or what is lost by it.
    pub(super) fn allows(
        &self,
        output: Output,
        done: &'static str,
        servers: &KmipServers,
        (group, id): (&str, &str),
    ) -> Result<bool> {
        if self.data_dirs.is_empty() {
            return Ok(self.force);
        }
        let census = match self.look(output, servers) {
            Ok(census) => census,
            Err(error) if self.force => {
                output.note(&format!("nobody has looked: {}", error.chain()));
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        let key = KeyRef::Kmip { group: group.to_owned(), id: KeyId::new(id)? };
        let mut in_use = output.in_use(done, &key, &census, self.force);
        for other in other_names(servers, group, id, &census) {
            in_use |= output.in_use(done, other, &census, self.force);
        }
        Ok(!in_use || self.force)
    }

    /// What a census of SSTables cannot see, if there was one, and what else may be under the key.
    pub(super) fn beside_sstables(&self, servers: &KmipServers, group: &str) -> Vec<String> {
        let census = "a census reads the names of keys in chunk headers, and the database may have \
                      written the wrong name into some (verify finds those); other nodes' data and \
                      copies elsewhere are not looked at";
        let was_there_one = !self.data_dirs.is_empty();
        let mut notes: Vec<_> = was_there_one.then(|| census.to_owned()).into_iter().collect();
        let system = servers.config().system_info_encryption();
        if system.enabled && system.uses_kmip() && system.kmip_host.as_deref() == Some(group) {
            notes.push(format!(
                "system_info_encryption uses group '{group}': commit log, hints and saved caches \
                 may be under this key; drain the node, and let hints be delivered, first"
            ));
        }
        notes
    }

    /// Everything below the data directories, snapshots and backups included.
    fn look(&self, output: Output, servers: &KmipServers) -> Result<KeyCensus> {
        let said = Said { not_a_node: self.not_a_node, ..Said::default() };
        let storage = Box::new(LocalStorage);
        let session =
            Session::open_as_told(storage, &self.data_dirs, LeaseMode::Shared, true, said)?;
        output.place(&session);
        let threads = available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let mut census = upgrade::census(&session, &Selection::default(), Archives::ALL, threads)?;
        match servers.config().data_directories() {
            Ok(named) => census.unknown.extend(named.iter().filter_map(|n| left_out(&session, n))),
            Err(error) => census.add_unknown(error),
        }
        Ok(census)
    }
}

/// Says of a directory that the node's configuration names that nobody has looked at it.
fn left_out(session: &Session, named: &NamedDirectory) -> Option<Error> {
    let given = session.data_dirs();
    let error = Error::invalid("a data directory of the node that was not given")
        .at(&named.path)
        .hint(format!(
            "it is named in {}, line {}: give it with --data-dir, too",
            named.file.display(),
            named.line
        ));
    if named.path.is_relative() {
        let is_given = |directory: &Path| directory.ends_with(&named.path);
        return (!given.iter().any(|directory| is_given(directory))).then_some(error);
    }
    let both = [given, std::slice::from_ref(&named.path)].concat();
    match upgrade::canonical(&both) {
        Ok(all) => (all.len() > given.len()).then_some(error),
        Err(cause) => Some(error.caused_by(cause)),
    }
}

/// Keys of the same id in other groups that may be this very key: SSTables name a group and not a
/// server, and two groups may have a server in common. Of a group that the configuration does not
/// know nobody can tell.
fn other_names<'a>(
    servers: &KmipServers,
    group: &str,
    id: &str,
    census: &'a KeyCensus,
) -> Vec<&'a KeyRef> {
    let config = servers.config();
    let hosts = |name: &str| config.kmip_group(name).map(|group| group.hosts.as_slice());
    let own = hosts(group).unwrap_or_default();
    let may_be_the_same = |name: &str| {
        name != group && hosts(name).map_or(true, |hosts| hosts.iter().any(|h| own.contains(h)))
    };
    let keys = census.keys.keys();
    keys.filter(|key| match key {
        KeyRef::Kmip { group, id: other } => other.as_str() == id && may_be_the_same(group),
        _ => false,
    })
    .collect()
}
