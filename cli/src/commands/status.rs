//! `status`: how far an unfinished run is. Takes no lease, so it may look while the run works.

use rekey_engine::Result;
use rekey_engine::io::LocalStorage;
use rekey_engine::upgrade;

use crate::args::StateArgs;
use crate::exit_code::{self, Code};
use crate::ui::Style;

pub(crate) fn run(args: &StateArgs) -> Result<Code> {
    let data_dirs = upgrade::canonical(&args.data_dirs)?;
    let status = upgrade::status(&LocalStorage, &data_dirs, args.state_dir.as_deref())?;
    Style::new(args.json).status(status.as_ref());
    Ok(exit_code::DONE)
}
