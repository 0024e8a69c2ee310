//! `demo`: the main job on bundled SSTables that a real Cassandra wrote.

use std::path::Path;
use std::time::Instant;

use include_dir::{Dir, DirEntry, include_dir};
use rekey_engine::io::{LeaseMode, LocalStorage, Storage as _};
use rekey_engine::keys::LocalKeyFiles;
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{KeySources, Selection, Target};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, PlanRequest, Session};
use rekey_engine::{Error, ErrorKind, Result};

use crate::args::DemoArgs;
use crate::exit_code::{self, Code};
use crate::ui::{self, Style};

static SSTABLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../testdata/sstables");

/// Set and the keyspace that it becomes.
const SETS: [(&str, &str); 3] = [
    ("oa-aes-cbc-256-64k", "orders"),
    ("da-aes-cbc-256-16k", "customers"),
    ("oa-aes-ecb-128-16k", "archive"),
];

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
    let data = root.join("data");
    LocalStorage.create_directory(&data)?;
    for (set, keyspace) in SETS {
        let from = SSTABLES.get_dir(format!("{set}/rk")).ok_or_else(|| missing(set))?;
        unpack(from, &data.join(keyspace))?;
    }
    unpack(SSTABLES.get_dir("keys").ok_or_else(|| missing("keys"))?, &root.join("keys"))?;
    let sources = KeySources { local: LocalKeyFiles::new(Some(root.to_owned())), kmip: None };
    let selection = Selection::default();
    let target = target(&root.join("keys/new-key"))?;
    let session = Session::open(Box::new(LocalStorage), &[data], LeaseMode::Exclusive, true)?;
    let threads = std::thread::available_parallelism().unwrap_or(std::num::NonZeroUsize::MIN);

    ui::say("Three encrypted tables, written by Apache Cassandra 5.0, lie on a stopped node.");
    ui::say("\n1. The census: which keys are in use?\n");
    let before = upgrade::census(&session, &selection, threads)?;
    style.census(&before);

    ui::say("2. A new key is made, and the plan says what would be done:\n");
    sources.local.create(target.key(), root)?;
    let request = PlanRequest {
        selection: &selection,
        target: &target,
        flavor: Some(Flavor::Apache4),
        sources: &sources,
        threads,
        create_key: false,
    };
    let plan = upgrade::plan(&session, &request)?;
    style.plan(&plan);

    ui::say("\n3. Re-encrypt, read back with the new key only, swap by transaction log:\n");
    let report = upgrade::run(&session, &plan, threads, style.observer().as_mut())?;
    style.report(&report, started.elapsed().as_secs_f64());

    ui::say("\n4. The old keys are destroyed, and every chunk is verified:\n");
    for old in before.keys.keys() {
        destroy(root, old)?;
    }
    let verified =
        upgrade::verify(&session, &selection, &sources, threads, style.observer().as_mut())?;
    style.report(&verified, started.elapsed().as_secs_f64());

    ui::say("\n5. The census again:\n");
    let after = upgrade::census(&session, &selection, threads)?;
    style.census(&after);

    let only_new = after.keys.len() == 1 && after.keys.contains_key(target.key());
    let all_done = [&report, &verified].iter().all(|report| report.failures().next().is_none());
    if !(only_new && all_done && after.unknown.is_empty()) {
        return Err(Error::new(ErrorKind::Mismatch, "the demo did not prove what it should"));
    }
    ui::say(
        "Proved: every chunk is under the new key and no other, the plaintext is byte for byte\n\
         what it was, and nothing needs the old keys: they are gone, and everything still reads.",
    );
    Ok(exit_code::DONE)
}

fn target(key_file: &Path) -> Result<Target> {
    let map = OptionMap::from_pairs([
        ("class", "Encryptor"),
        ("cipher_algorithm", "AES/CBC/PKCS5Padding"),
        ("secret_key_strength", "256"),
        ("key_provider", "LocalFileSystemKeyProviderFactory"),
        ("secret_key_file", &key_file.display().to_string()),
    ])?;
    Target::new(CompressionParams::from_cql_options(&map)?, None)
}

fn destroy(root: &Path, key: &rekey_engine::keys::KeyRef) -> Result<()> {
    match key {
        rekey_engine::keys::KeyRef::LocalFile { file, .. } => {
            let path = root.join(file);
            match LocalStorage.stat(&path)? {
                Some(_) => LocalStorage.remove_file(&path),
                None => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

fn unpack(from: &Dir<'_>, to: &Path) -> Result<()> {
    LocalStorage.create_directory(to)?;
    for entry in from.entries() {
        let name = entry.path().file_name().unwrap_or_default();
        match entry {
            DirEntry::Dir(dir) => unpack(dir, &to.join(name))?,
            DirEntry::File(file) => {
                let copy = LocalStorage.create(&to.join(name))?;
                copy.write_at(file.contents(), 0)?;
            }
        }
    }
    Ok(())
}

fn missing(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the bundled SSTables lack {what}"))
}
