//! `demo`: a whole key rotation on bundled SSTables that a real Cassandra wrote, with a key server
//! of its own.

mod stage;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Instant;

use rekey_engine::io::{LeaseMode, LocalStorage, Storage as _};
use rekey_engine::keys::{
    DATABASE_KEY_ID_LIMIT, KeyId, KeyRef, KeySources, KmipServers, LocalKeyFiles,
};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{KeyCensus, KeyWish, Selection, Target};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives, PlanRequest, Session};
use rekey_engine::{Error, ErrorKind, Result};
use rekey_kmip::message::{Revocation, RevocationReason, Timestamp, UniqueIdentifier};

use self::stage::{GROUP, OLD_KEY};
use super::keys::rows;
use crate::args::DemoArgs;
use crate::exit_code::{self, Code};
use crate::ui::{self, Style};

pub(crate) fn run(args: &DemoArgs) -> Result<Code> {
    let io = |error| Error::io("cannot make a temporary directory", std::env::temp_dir(), error);
    let mut root = tempfile::Builder::new().prefix("sstablerekey-demo-").tempdir().map_err(io)?;
    root.disable_cleanup(args.keep);
    let code = story(root.path())?;
    if args.keep {
        ui::say(&format!("\nThe files are in {}", root.path().display()));
    }
    Ok(code)
}

fn story(root: &Path) -> Result<Code> {
    let style = Style::Text;
    let started = Instant::now();
    stage::tables(root)?;
    let (_running, servers) = stage::server(root)?;
    let local = LocalKeyFiles::new(Some(root.to_owned()));
    let sources = KeySources { local, exported: None, servers: Some(servers) };
    let servers = sources.servers.as_ref().ok_or_else(unproved)?;
    let selection = Selection::default();
    let data = [root.join("data")];
    let session = Session::open(Box::new(LocalStorage), &data, LeaseMode::Exclusive, true)?;
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let census = || upgrade::census(&session, &selection, Archives::ALL, threads);

    ui::say(
        "Three encrypted tables, written by Apache Cassandra 5.0, lie on a stopped node: one under\n\
         a key of a KMIP server, two under keys in local files.",
    );
    ui::say("\n1. census: which keys are in use?\n");
    let before = census()?;
    style.census(&before);

    ui::say("\n2. keys expire: the database shall not encrypt with the old key any more.\n");
    servers.with(GROUP, |client| client.expire(&OLD_KEY.into(), a_second_ago()))?;
    style.keys(GROUP, &rows(servers, GROUP, None)?);

    ui::say("\n3. plan --create-key: a new key is made, one that the database will choose, too.\n");
    let used: BTreeSet<_> = before.keys.keys().cloned().collect();
    let mut target = Target::find(params()?, KeyWish::New(&used), &sources, DATABASE_KEY_ID_LIMIT)?;
    target.make_key(&sources, root)?;
    let target = Target::find(params()?, KeyWish::AsTheDatabase, &sources, DATABASE_KEY_ID_LIMIT)?;
    let request = PlanRequest {
        selection: &selection,
        archives: Archives::default(),
        target: &target,
        flavor: Some(Flavor::Apache4),
        sources: &sources,
        threads,
    };
    let plan = upgrade::plan(&session, &request)?;
    style.plan(&plan);

    ui::say(
        "\n4. upgradesstables: re-encrypt, read back with the new key only, swap by transaction \
         log.\n",
    );
    let report = upgrade::run(&session, &plan, threads, style.observer().as_mut())?;
    style.report(&report, started.elapsed().as_secs_f64());

    ui::say("\n5. census: is the old key still in use?\n");
    let after = census()?;
    style.census(&after);
    prove(&after, &target)?;

    ui::say("\n6. keys revoke, keys destroy: the old keys go, on the server and on disk.\n");
    destroy(style, servers, &after)?;
    for old in before.keys.keys() {
        forget(root, old)?;
    }
    style.keys(GROUP, &rows(servers, GROUP, None)?);

    ui::say("\n7. verify: every chunk, now that nothing but the new key is left.\n");
    let verified =
        upgrade::verify(&session, &selection, &sources, threads, style.observer().as_mut())?;
    style.report(&verified, started.elapsed().as_secs_f64());

    if [&report, &verified].iter().any(|report| report.failures().next().is_some()) {
        return Err(unproved());
    }
    ui::say(
        "\nProved: every chunk is under the new key and no other, the plaintext is byte for byte\n\
         what it was, and nothing needs the old keys: they are gone, and everything still reads.",
    );
    Ok(exit_code::DONE)
}

fn params() -> Result<CompressionParams> {
    CompressionParams::from_cql_options(&OptionMap::from_pairs([
        ("class", "Encryptor"),
        ("cipher_algorithm", "AES/CBC/PKCS5Padding"),
        ("secret_key_strength", "256"),
        ("key_provider", "KmipKeyProviderFactory"),
        ("kmip_host", GROUP),
    ])?)
}

/// A date of this very second would still count as not reached.
fn a_second_ago() -> Timestamp {
    Timestamp::from_seconds(Timestamp::now().seconds().saturating_sub(1))
}

fn prove(after: &KeyCensus, target: &Target) -> Result<()> {
    let is_new = |key| Some(key) == target.key();
    let only_new = after.keys.len() == 1 && after.keys.keys().all(is_new);
    if only_new && after.unknown.is_empty() { Ok(()) } else { Err(unproved()) }
}

/// As `keys destroy` does it: not while a census finds the key in use.
fn destroy(style: Style, servers: &KmipServers, census: &KeyCensus) -> Result<()> {
    let key = KeyRef::Kmip { group: GROUP.to_owned(), id: KeyId::new(OLD_KEY)? };
    if style.in_use(&key, census, false) {
        return Err(unproved());
    }
    let id = UniqueIdentifier::new(OLD_KEY);
    let revocation = Revocation {
        id: id.clone(),
        reason: RevocationReason::SUPERSEDED,
        message: None,
        occurred: None,
    };
    servers.with(GROUP, |client| client.revoke(revocation))?;
    style.done("revoked", GROUP, OLD_KEY, "");
    servers.with(GROUP, |client| client.destroy(&id))?;
    style.done("destroyed", GROUP, OLD_KEY, "");
    Ok(())
}

/// Removes a local key file.
fn forget(root: &Path, key: &KeyRef) -> Result<()> {
    let KeyRef::LocalFile { file, .. } = key else { return Ok(()) };
    let path = root.join(file);
    match LocalStorage.stat(&path)? {
        Some(_) => LocalStorage.remove_file(&path),
        None => Ok(()),
    }
}

fn unproved() -> Error {
    Error::new(ErrorKind::Mismatch, "the demo did not prove what it should")
}
