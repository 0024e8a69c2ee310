//! `schema`: what the node would write its next SSTables with.

use rekey_engine::upgrade::{self, Archives};
use rekey_engine::{Error, Result};

use crate::args::SchemaArgs;
use crate::exit_code::{self, Code};
use crate::resolve::Scope;
use crate::ui::Output;

pub(crate) fn run(args: &SchemaArgs) -> Result<Code> {
    let output = Output::new(args.data.json);
    let sources = args.keys.sources(&args.data, args.target.flavor)?;
    let session = args.data.session()?;
    output.place(&session);
    let selection = args.data.selection(output)?;
    let threads = args.data.threads();
    let schema = args.target.schema(&session, &sources, output)?;
    if !schema.is_found() {
        return Err(Error::invalid("there is no schema below the data directories").hint(
            "name the node's data directories, or give the schema as a file: --schema FILE",
        ));
    }
    let (archives, data) = (Archives::default(), &args.data);
    let selection = &selection;
    let scope = Scope { selection, archives, threads, data, tables: true, beside: None };
    let targets = args.target.targets(&session, (&sources, &schema), None, scope)?;
    let tables = upgrade::compare(&session, selection, &schema, &targets, threads)?;
    output.servers(&sources);
    output.schema(&schema, &tables, args.all);
    let is_open = tables.iter().any(|table| table.verdict.is_open());
    Ok(if is_open { exit_code::SOME_FAILED } else { exit_code::DONE })
}
