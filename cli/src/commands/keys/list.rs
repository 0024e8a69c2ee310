//! `keys list`: the keys of groups, as `dsetool managekmip list` shows them.

use rekey_engine::keys::KmipServers;
use rekey_engine::{Error, Result};
use rekey_kmip::client::{Listing, Rest};

use super::{no_groups, second_file};
use crate::args::ListArgs;
use crate::exit_code::{self, Code};
use crate::ui::{KeyRow, Output};

pub(super) fn run(args: &ListArgs) -> Result<Code> {
    let output = Output::new(args.json);
    let path = second_file(args.config.as_deref())?;
    let config = args.servers.config(path)?;
    let groups: Vec<String> = match &args.group {
        Some(name) => vec![config.kmip_group(name)?.name.clone()],
        None => config.kmip_groups().iter().map(|group| group.name.clone()).collect(),
    };
    if groups.is_empty() {
        return Err(no_groups(path));
    }
    let servers = KmipServers::new(config);
    let (mut failures, mut listed) = (Vec::new(), 0_usize);
    // One group that cannot be asked does not hide the others.
    for group in &groups {
        match list(output, &servers, group, args.namespace.as_deref()) {
            Ok(keys) => listed = listed.saturating_add(keys),
            Err(error) => failures.push(error),
        }
    }
    output.listed(args.group.as_deref(), listed);
    let (failed, all) = (failures.len(), groups.len());
    match failures.pop() {
        None => Ok(exit_code::DONE),
        Some(only) if all == 1 => Err(only),
        Some(last) => {
            for error in &failures {
                output.note(&error.chain());
            }
            let kind = last.kind();
            let what = format!("{failed} of {all} groups could not be listed");
            Err(Error::new(kind, what).hint("see the notes above").wrapping(last))
        }
    }
}

fn list(
    output: Output,
    servers: &KmipServers,
    group: &str,
    namespace: Option<&str>,
) -> Result<usize> {
    let rows = rows(servers, group, namespace);
    output.notes(servers.take_warnings());
    let Listing { found, rest } = rows?;
    output.keys(group, &found);
    match rest {
        Rest::Cut { .. } => {
            Err(Error::key_unavailable(format!("group '{}': {rest}", group.escape_debug()))
                .hint("raise the server's limit for one Locate, or list one --namespace at a time"))
        }
        Rest::Unknown(_) if !found.is_empty() => {
            output.note(&rest.to_string());
            Ok(found.len())
        }
        _ => Ok(found.len()),
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
