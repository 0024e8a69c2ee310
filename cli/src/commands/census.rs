//! `census`: which keys encrypt what.

use rekey_engine::evidence::{Evidence, UnknownKind};
use rekey_engine::keys::KmipServers;
use rekey_engine::plan::Selection;
use rekey_engine::{Error, Result};

use super::look::Look;
use crate::args::CensusArgs;
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(crate) fn run(args: &CensusArgs) -> Result<Code> {
    let output = Output::new(args.data.json);
    let session = args.data.session()?;
    output.place(&session);
    let (selection, archives) = (args.data.selection(output)?, args.archives.archives());
    args.data.note_empty(output, &session, &selection);
    let servers = servers(args, output)?;
    let look = Look {
        session: &session,
        node: args.data.node.found.as_ref(),
        servers: servers.as_ref(),
        not_a_node: args.data.not_a_node,
        key_base: args.look.key_base.as_ref(),
        more: &args.look.dirs.by_role(),
        only: (selection != Selection::default()).then_some((&selection, archives)),
        threads: args.data.threads(),
    };
    let mut gathered = look.gather()?;
    output.notes(std::mem::take(&mut gathered.notes));
    output.notes(not_seen(&gathered.evidence));
    output.census(&gathered);
    // A census with unknown SSTables proves nothing about a key that it does not list.
    Ok(if gathered.unknown.is_empty() { exit_code::DONE } else { exit_code::SOME_FAILED })
}

/// What holds up no census of the rest, and a proof.
fn not_seen(evidence: &Evidence) -> Vec<String> {
    let kinds = [UnknownKind::NotLookedAt, UnknownKind::Unfinished];
    let unknown = evidence.unknowns.iter().filter(|unknown| kinds.contains(&unknown.kind));
    unknown
        .map(|unknown| match unknown.paths.first() {
            Some(path) => format!("not counted: {path}: {}", unknown.message),
            None => format!("not counted: {}", unknown.message),
        })
        .collect()
}

/// The states of keys are worth having, and what is counted needs no server: a file that nobody has named
/// may be wrong.
fn servers(args: &CensusArgs, output: Output) -> Result<Option<KmipServers>> {
    let found = args.data.node.found.as_ref().and_then(|node| node.installation().second.as_ref());
    let is_found = found.is_some_and(|second| Some(&second.value) == args.look.config.as_ref());
    match args.look.key_servers() {
        Err(error) if is_found => {
            note(&error, output);
            Ok(None)
        }
        servers => servers,
    }
}

fn note(error: &Error, output: Output) {
    output.note(&format!("the states of keys are not known: {}", error.chain()));
}
