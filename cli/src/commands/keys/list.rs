//! `keys list`: the keys of a group, as `dsetool managekmip list` shows them.

use rekey_engine::Result;
use rekey_engine::keys::KmipServers;

use crate::args::ListArgs;
use crate::exit_code::{self, Code};
use crate::ui::{KeyRow, Style};

pub(super) fn run(args: &ListArgs) -> Result<Code> {
    let style = Style::new(args.group.json);
    let servers = args.group.servers()?;
    let rows = rows(&servers, &args.group.group, args.namespace.as_deref())?;
    style.notes(servers.warnings());
    style.keys(&args.group.group, &rows);
    Ok(exit_code::DONE)
}

/// The keys of a group, in the order of their activation.
pub(crate) fn rows(
    servers: &KmipServers,
    group: &str,
    namespace: Option<&str>,
) -> Result<Vec<KeyRow>> {
    let objects = servers.with(group, |client| client.list(namespace))?;
    let mut rows: Vec<_> = objects.into_iter().map(KeyRow::from).collect();
    rows.sort_by(|a, b| a.activated.cmp(&b.activated).then_with(|| a.id.cmp(&b.id)));
    Ok(rows)
}
