//! `status`: how far an unfinished run is. Takes no lease, so it may look while the run works.

use rekey_engine::Result;
use rekey_engine::io::LocalStorage;
use rekey_engine::upgrade;

use crate::args::StatusArgs;
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(crate) fn run(args: &StatusArgs) -> Result<Code> {
    let of = &args.of;
    let data_dirs = upgrade::canonical(&of.data_dirs)?;
    let status = upgrade::status(&LocalStorage, &data_dirs, of.state_dir.as_deref())?;
    if status.is_none() {
        // That there is no run means something only where one would be.
        upgrade::check_data_dirs(&LocalStorage, &data_dirs, of.not_a_node)?;
    }
    Output::new(of.json).status(status.as_ref(), args.all);
    Ok(exit_code::DONE)
}
