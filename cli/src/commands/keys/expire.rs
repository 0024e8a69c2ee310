//! `keys expire`: sets the Protect Stop Date.

use rekey_engine::{Error, Result};
use rekey_kmip::message::{NotADate, Timestamp, UniqueIdentifier};

use crate::args::ExpireArgs;
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(super) fn run(args: &ExpireArgs) -> Result<Code> {
    let output = Output::new(args.group.json);
    let at = match &args.date {
        None => Timestamp::now(),
        Some(text) => text.parse().map_err(|error: NotADate| {
            Error::invalid("the date is not understood")
                .caused_by(error)
                .hint("write it as 2026-04-13 or 2026-04-13T20:05:00Z; leave it out for now")
        })?,
    };
    let servers = args.group.servers()?;
    let (id, group) = (&args.key.id, &args.group.group);
    args.key.confirm(
        output,
        &format!(
            "From {at} on, the database will not encrypt with key {} any more.",
            id.escape_debug()
        ),
    )?;
    let key = UniqueIdentifier::new(id.as_str());
    let before = servers.with(group, |client| client.expire(&key, at)).map_err(|error| {
        Error::new(error.kind(), "the key's Protect Stop Date could not be set").wrapping(error)
    })?;
    output.notes(servers.take_warnings());
    let was = before.map_or_else(String::new, |date| format!(" (it was {date})"));
    let what = if at > Timestamp::now() { "expiring" } else { "expired" };
    output.done(what, &servers, (group, id), &format!("Protect Stop Date {at}{was}"));
    output.note(
        "running nodes keep using the key for up to key_cache_millis (5 minutes by default); it \
         still decrypts",
    );
    Ok(exit_code::DONE)
}
