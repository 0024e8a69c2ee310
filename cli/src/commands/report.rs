//! `report`: what a run, a census or evidence comes to, in words or as a page.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rekey_engine::io::{LocalStorage, Storage as _, write_new, write_over};
use rekey_engine::upgrade;
use rekey_engine::{Error, Result};

use crate::args::ReportArgs;
use crate::documents::Document;
use crate::exit_code::{self, Code};
use crate::overview::Overview;
use crate::ui::{Output, Shown, page};

pub(crate) fn run(args: &ReportArgs) -> Result<Code> {
    let output = Output::new(args.of.json);
    let reports = if args.sources.is_empty() { Some(reports(args)?) } else { None };
    let sources: &[PathBuf] = match &reports {
        Some(reports) => reports.last().map_or(&[], std::slice::from_ref),
        None => &args.sources,
    };
    let document = Document::read(&LocalStorage, sources)?;
    let kind = document.kind();
    let overview = Overview::of(document);
    if let Some(file) = &args.html {
        let names: Vec<String> =
            sources.iter().map(|source| source.display().to_string()).collect();
        let page = page(&overview, &names, Timestamp::now());
        keep(file, page.as_bytes(), args.force)?;
    }
    let shown = Shown { kind, sources, reports: reports.as_deref(), page: args.html.as_deref() };
    output.overview(&overview, &shown);
    Ok(exit_code::DONE)
}

/// The reports of runs on this node; there must be one.
fn reports(args: &ReportArgs) -> Result<Vec<PathBuf>> {
    let of = &args.of;
    let data_dirs = upgrade::canonical(&of.data_dirs)?;
    let reports = upgrade::reports(&LocalStorage, &data_dirs, of.state_dir.as_deref())?;
    if reports.is_empty() {
        // That there is none means something only where one would be.
        upgrade::check_data_dirs(&LocalStorage, &data_dirs, of.not_a_node)?;
        return Err(Error::invalid("no run has left a report here")
            .at(data_dirs.first().cloned().unwrap_or_default())
            .hint(
                "name a document: the file of a run with --report DIR, of census --json, or of \
                 may-destroy --report",
            ));
    }
    Ok(reports)
}

fn keep(file: &Path, page: &[u8], may_replace: bool) -> Result<()> {
    let is_taken = LocalStorage.identity(file)?.is_some();
    if is_taken && !may_replace {
        return Err(Error::invalid("there is something of this name already")
            .at(file)
            .hint("name another file, or --force to replace this one"));
    }
    let write = if may_replace { write_over } else { write_new };
    write(&LocalStorage, file, page).map_err(|error| {
        let hint = "name a file in a directory of the user who runs this";
        if error.hint_text().is_some() { error } else { error.hint(hint) }
    })
}
