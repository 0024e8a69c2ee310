//! `keys destroy`: only what nothing is under any more.

use rekey_engine::Result;
use rekey_engine::keys::KeyId;
use rekey_kmip::message::{State, UniqueIdentifier};

use crate::args::DestroyArgs;
use crate::exit_code::{self, Code};
use crate::ui::{self, Output};

pub(super) fn run(args: &DestroyArgs) -> Result<Code> {
    let output = Output::new(args.group.json);
    let servers = args.group.servers()?;
    let (id, group) = (&args.key.id, &args.group.group);
    KeyId::new(id.as_str())?;
    if !args.proof.allows(output, "destroyed", &servers, &args.group, id)? {
        return Ok(exit_code::IN_USE);
    }
    output.notes(args.proof.not_seen());
    args.key.confirm(
        output,
        &format!(
            "Key {} will be destroyed. Whatever is still under it, on any node, in any snapshot \
             or backup, is lost for good.",
            id.escape_debug()
        ),
    )?;
    let unique = UniqueIdentifier::new(id.as_str());
    let mut state = None;
    servers
        .with(group, |client| {
            client.destroy_key(&unique).inspect_err(|error| state = error.state())
        })
        .map_err(|error| match state {
            Some(State::ACTIVE) => error.hint(format!(
                "an active key cannot be destroyed: revoke it first: {}",
                ui::keys_command("revoke", &args.group, &args.proof, &args.key)
            )),
            _ => error,
        })?;
    output.notes(servers.take_warnings());
    output.done("destroyed", &servers, (group, id), "");
    Ok(exit_code::DONE)
}
