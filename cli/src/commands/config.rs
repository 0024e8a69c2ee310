//! `config`: what the node's configuration says.

use rekey_engine::upgrade::starting;
use rekey_engine::{Error, Result};

use crate::args::ConfigArgs;
use crate::exit_code::{self, Code};
use crate::ui::Output;

pub(crate) fn run(args: &ConfigArgs) -> Result<Code> {
    let node = args.node.found.as_ref().ok_or_else(|| {
        Error::invalid("no configuration was looked for").hint("name it: --conf FILE")
    })?;
    Output::new(args.json).config(node, &starting(node.installed(), None));
    Ok(exit_code::DONE)
}
