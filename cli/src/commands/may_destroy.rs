//! `may-destroy`: whether nothing needs a key any more, and what is left to be done.

use std::collections::BTreeSet;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::thread::available_parallelism;
use std::time::SystemTime;

use rekey_engine::config::NodeConfig;
use rekey_engine::evidence::{
    Answer, Cluster, Evidence, KeyName, KeyQuery, MAX_REPORT, Relation, Verdict, Work, verdict,
};
use rekey_engine::io::{self, LeaseMode, LocalStorage, Storage as _};
use rekey_engine::keys::LocalKeyFiles;
use rekey_engine::upgrade::{KeyPlaces, Said, Session};
use rekey_engine::{Error, ErrorKind, Result};

use super::look::Look;
use crate::args::{LookArgs, MayDestroyArgs};
use crate::exit_code::{self, Code};
use crate::ui::{Output, Place};

pub(crate) fn run(args: &MayDestroyArgs) -> Result<Code> {
    let output = Output::new(args.json);
    let queries = args.keys.iter().map(|key| KeyQuery::parse(key)).collect::<Result<Vec<_>>>()?;
    if !args.merge.is_empty() {
        return merge(output, args, queries);
    }
    let said = Said { not_a_node: args.not_a_node, ..Said::default() };
    let storage = Box::new(LocalStorage);
    let session = Session::open_as_told(storage, &args.data_dirs, LeaseMode::Shared, true, said)?;
    output.place(&session);
    let servers = args.look.key_servers()?;
    let look = Look {
        session: &session,
        node: args.node.found.as_ref(),
        servers: servers.as_ref(),
        not_a_node: args.not_a_node,
        key_base: args.look.key_base.as_ref(),
        more: &args.look.dirs.by_role(),
        only: None,
        threads: args.threads.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN),
    };
    let gathered = look.gather()?;
    output.notes(gathered.notes);
    let (evidence, config) = (&gathered.evidence, servers.as_ref().map(|servers| servers.config()));
    let files = LocalKeyFiles::new(args.look.key_base.clone());
    let places = KeyPlaces { files: &files, config, are_here: !args.not_a_node };
    let settled = |query: KeyQuery| {
        let query = places.resolve(query, evidence)?;
        query.check([evidence])?;
        check_group(&query, evidence, config)?;
        Ok(query)
    };
    let queries = queries.into_iter().map(settled).collect::<Result<Vec<_>>>()?;
    if let Some(file) = &args.report {
        keep(evidence, file)?;
    }
    let all: Vec<_> = queries.iter().map(|query| verdict(query, evidence)).collect();
    output.verdicts(&all, &place(args));
    output.evidence(evidence, &all, args.report.as_deref());
    Ok(code_of(&all))
}

fn place(args: &MayDestroyArgs) -> Place {
    let LookArgs { config, servers, key_base, .. } = &args.look;
    Place::new(&args.data_dirs, args.not_a_node)
        .path("--conf", args.node.conf.as_ref())
        .path("--config", config.as_ref())
        .path("--key-base", key_base.as_ref())
        .servers(servers)
}

/// Judges by the reports of several nodes.
fn merge(output: Output, args: &MayDestroyArgs, queries: Vec<KeyQuery>) -> Result<Code> {
    let mut reports = Vec::new();
    for path in &args.merge {
        let bytes = LocalStorage.read(path, MAX_REPORT).map_err(|error| match error.kind() {
            ErrorKind::Corrupt => error.hint("it is longer than any report"),
            _ => error,
        })?;
        reports.push((path.display().to_string(), Evidence::parse(&bytes, path)?));
    }
    let cluster = Cluster::of(reports, SystemTime::now().into())?;
    let left_out = cluster.left_out().iter();
    output.notes(
        left_out.map(|of| format!("{} does not count: {} is later", of.name, of.by)).collect(),
    );
    let known = || cluster.nodes().iter().map(|(_, evidence)| evidence);
    let queries: Vec<_> = queries.into_iter().map(|query| query.also(without_links)).collect();
    for query in &queries {
        query.check(known())?;
    }
    let queries: BTreeSet<KeyQuery> = match queries.is_empty() {
        false => queries.into_iter().collect(),
        true => known()
            .flat_map(|evidence| &evidence.keys)
            .map(|uses| KeyQuery::exactly(&uses.key))
            .collect(),
    };
    let all: Vec<Verdict> = queries.iter().map(|query| cluster.verdict(query)).collect();
    output.notes(all.iter().filter(|of| !is_named(of)).map(not_named).collect());
    output.verdicts(&all, &Place::default());
    output.cluster(&cluster, &all);
    // Without a key there is nothing to answer but whether all was seen.
    let is_clear = known().all(|evidence| evidence.unknowns.is_empty());
    let complete = match cluster.missing().is_empty() && is_clear {
        true => exit_code::DONE,
        false => exit_code::SOME_FAILED,
    };
    Ok(if all.is_empty() { complete } else { code_of(&all) })
}

/// Where a path leads on this machine, in case it is one of the nodes.
fn without_links(path: &str) -> Option<String> {
    Some(fs::canonicalize(path).ok()?.to_str()?.to_owned())
}

/// Whether some report has a key that may be the one asked about.
fn is_named(verdict: &Verdict) -> bool {
    !verdict.keys.is_empty() || verdict.reasons.iter().any(|reason| reason.work == Work::Namesake)
}

fn not_named(verdict: &Verdict) -> String {
    format!("no report names {}: a name that is not spelled right looks the same", verdict.query)
}

/// A group that nobody knows is a name that was not spelled right: that nothing is under it says nothing.
/// Without a word in front it may be a path, or a key of the replicated provider.
fn check_group(query: &KeyQuery, evidence: &Evidence, config: Option<&NodeConfig>) -> Result<()> {
    let Some((group, _)) = query.in_group() else { return Ok(()) };
    if evidence.keys.iter().any(|of| query.relation(of) != Relation::Other) {
        return Ok(());
    }
    let Some(config) = config else { return check_word(query) };
    let known = config.kmip_group(group).map(drop);
    if known.is_ok() {
        return Ok(());
    }
    let is_system_key = evidence.keys.iter().any(|of| match &of.key {
        KeyName::Replicated { system_key: name, .. } | KeyName::SystemKey { name } => name == group,
        _ => false,
    });
    let may_be_other = !query.has_word() && (is_system_key || Path::new(query.name()).exists());
    match may_be_other {
        true => Ok(()),
        false if query.has_word() => known,
        false if config.kmip_groups().is_empty() => check_word(query),
        false => known.map_err(|error| error.hint(SAY_WHAT)),
    }
}

/// Without servers it may be the path of a file that is not there.
fn check_word(query: &KeyQuery) -> Result<()> {
    if query.has_word() || query.paths().any(|path| Path::new(path).exists()) {
        return Ok(());
    }
    let fact = "nothing is under a key of that name, which is neither a file nor in a known group";
    Err(Error::invalid(fact).key(query.name()).hint(SAY_WHAT))
}

const SAY_WHAT: &str =
    "say what it is: 'kmip GROUP/ID', 'file PATH' or 'replicated SYSTEM_KEY/UUID'";

/// Writes the evidence, durably, and over nothing.
fn keep(evidence: &Evidence, file: &Path) -> Result<()> {
    io::write_new(&LocalStorage, file, &evidence.to_json()?).map_err(|error| {
        let hint = "name a file that is not there yet, in a directory of the user who runs this";
        if error.kind() == ErrorKind::NoSpace { error } else { error.hint(hint) }
    })
}

fn code_of(verdicts: &[Verdict]) -> Code {
    let worst = verdicts.iter().map(|verdict| verdict.answer).max().unwrap_or(Answer::Yes);
    exit_code::of_answer(worst)
}
