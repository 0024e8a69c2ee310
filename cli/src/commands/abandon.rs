//! `abandon`: undoes what an unfinished run has begun.

use rekey_engine::Result;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::upgrade::{self, Said, Session};

use crate::args::AbandonArgs;
use crate::beside::beside_of;
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(crate) fn run(args: &AbandonArgs) -> Result<Code> {
    let of = &args.of;
    let output = Output::new(of.json);
    let node_is_stopped = args.stopped.node_is_stopped;
    let said = Said { not_a_node: of.not_a_node, node_is_stopped };
    let (storage, mode) = (Box::new(LocalStorage), LeaseMode::Exclusive);
    let session = Session::open_as_told(storage, &of.data_dirs, mode, true, said)?
        .with_state_dir(of.state_dir.clone());
    let done = upgrade::abandon(&session)?;
    output.recovered(&done.recovered);
    // What could be neither finished nor undone stays.
    if let Some(error) = done.recovered.stuck.into_iter().next() {
        return Err(error);
    }
    let node = of.node.found.as_ref().filter(|_| !of.not_a_node);
    upgrade::abandon_beside(&session, &beside_of(node, &of.data_dirs))?;
    output.abandoned(done.had_journal);
    Ok(exit_code::DONE)
}
