//! `keys`: what operators do with the keys of KMIP servers.

mod confirm;
mod destroy;
mod expire;
mod list;
mod proof;
mod revoke;
mod test;

use std::path::Path;

use rekey_engine::keys::KmipServers;
use rekey_engine::{Error, Result};

#[cfg(feature = "demo")]
pub(crate) use list::rows;

use crate::args::{GroupArgs, KeysCommand};
use crate::exit_code::Code;

pub(crate) fn run(command: &KeysCommand) -> Result<Code> {
    match command {
        KeysCommand::List(args) => list::run(args),
        KeysCommand::Test(args) => test::run(args),
        KeysCommand::Expire(args) => expire::run(args),
        KeysCommand::Revoke(args) => revoke::run(args),
        KeysCommand::Destroy(args) => destroy::run(args),
    }
}

/// A configuration of something else, or of a node that uses no key servers.
fn no_groups(config: &Path) -> Error {
    Error::invalid("the configuration has no kmip_hosts")
        .at(config)
        .hint("give the hcd.yaml or dse.yaml that the node uses")
}

/// The file with kmip_hosts, which is given or found.
fn second_file(config: Option<&Path>) -> Result<&Path> {
    config.ok_or_else(|| {
        Error::invalid("no hcd.yaml or dse.yaml is known").hint("name it: --config FILE")
    })
}

impl GroupArgs {
    /// The servers of the configuration, the group being one of its own.
    fn servers(&self) -> Result<KmipServers> {
        let config = self.servers.config(second_file(self.config.as_deref())?)?;
        config.kmip_group(&self.group)?;
        Ok(KmipServers::new(config))
    }
}
