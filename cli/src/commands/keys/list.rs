//! `keys list`: the keys of a group, as `dsetool managekmip list` shows them.

use rekey_engine::keys::KmipServers;
use rekey_engine::{Error, Result};
use rekey_kmip::client::{Listing, Rest};

use crate::args::ListArgs;
use crate::exit_code::{self, Code};
use crate::ui::{KeyRow, Style};

pub(super) fn run(args: &ListArgs) -> Result<Code> {
    let style = Style::new(args.group.json);
    let servers = args.group.servers()?;
    let group = &args.group.group;
    let Listing { found, rest } = rows(&servers, group, args.namespace.as_deref())?;
    style.notes(servers.warnings());
    style.keys(group, &found);
    match rest {
        Rest::Cut { .. } => {
            Err(Error::key_unavailable(format!("group '{}': {rest}", group.escape_debug()))
                .cure("raise the server's limit for one Locate, or list one --namespace at a time"))
        }
        Rest::Unknown(_) if !found.is_empty() => {
            style.note(&rest.to_string());
            Ok(exit_code::DONE)
        }
        _ => Ok(exit_code::DONE),
    }
}

/// The keys of a group, in the order of their activation.
pub(crate) fn rows(
    servers: &KmipServers,
    group: &str,
    namespace: Option<&str>,
) -> Result<Listing<KeyRow>> {
    let Listing { found, rest } = servers.with(group, |client| client.list(namespace))?;
    let mut rows: Vec<_> = found.into_iter().map(KeyRow::from).collect();
    rows.sort_by(|a, b| a.activated.cmp(&b.activated).then_with(|| a.id.cmp(&b.id)));
    Ok(Listing { found: rows, rest })
}
