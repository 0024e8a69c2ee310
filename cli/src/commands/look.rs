//! Looks at everything on a node that may need a key: for `census`, `may-destroy`, `keys revoke` and
//! `keys destroy`, which all judge by the same evidence.

use std::fs;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use rekey_engine::config::Node;
use rekey_engine::evidence::Role;
use rekey_engine::keys::{KeySources, KmipServers, LocalKeyFiles};
use rekey_engine::plan::Selection;
use rekey_engine::upgrade::{self, Archives, EvidenceRequest, Gathered, Session};
use rekey_engine::{Error, Result};

use crate::args::LookArgs;

/// What to look at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look<'a> {
    pub(crate) session: &'a Session,
    /// The node's configuration, if it was found.
    pub(crate) node: Option<&'a Node>,
    /// The servers of its second file, if it has one.
    pub(crate) servers: Option<&'a KmipServers>,
    pub(crate) not_a_node: bool,
    pub(crate) key_base: Option<&'a PathBuf>,
    /// Directories that were named.
    pub(crate) more: &'a [(Role, PathBuf, &'static str)],
    /// Some tables only.
    pub(crate) only: Option<(&'a Selection, Archives)>,
    pub(crate) threads: NonZeroUsize,
}

impl Look<'_> {
    pub(crate) fn gather(self) -> Result<Gathered> {
        let files = || LocalKeyFiles::new(self.key_base.cloned());
        let sources = KeySources { local: files(), ..KeySources::default() };
        let key_files = files();
        let (host, temporary) = (host(), PathBuf::from(TEMPORARY));
        let request = EvidenceRequest {
            tool: concat!("sstablerekey ", env!("CARGO_PKG_VERSION")),
            host: host.as_deref(),
            node: self.node,
            config: self.servers.map(KmipServers::config),
            servers: self.servers,
            keys: &sources,
            key_files: &key_files,
            more: self.more,
            temporary: self.node.map(|_| &temporary),
            not_a_node: self.not_a_node,
            only: self.only,
            threads: self.threads,
        };
        upgrade::gather(self.session, &request)
    }
}

impl LookArgs {
    /// The servers of the node's second file, if there is one.
    pub(crate) fn key_servers(&self) -> Result<Option<KmipServers>> {
        if self.config.is_none() && !self.servers.kmip_set.is_empty() {
            return Err(Error::invalid("--kmip-set is given, and no file with kmip_hosts")
                .hint("name the node's hcd.yaml or dse.yaml: --config FILE"));
        }
        let config = self.config.as_ref().map(|path| self.servers.config(path)).transpose()?;
        Ok(config.map(KmipServers::new))
    }
}

/// The name of this machine.
fn host() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned()).filter(|name| !name.is_empty())
}

/// Where a JVM puts temporary files, unless it is told otherwise.
const TEMPORARY: &str = "/tmp";
