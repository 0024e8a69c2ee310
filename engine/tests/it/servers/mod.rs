//! Keys that lie on KMIP servers: from the node's configuration over a real connection to
//! re-encrypted SSTables, and the errors when something on that path is wrong.

mod census;
mod choice;
mod faults;
mod mislabelled;
mod new_key;
mod rekey;
mod target;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rekey_engine::event::NoObserver;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::{DATABASE_KEY_ID_LIMIT, KeyId, KeyRef, KeySources};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{KeyWish, Plan, Selection, Severity, Target, Targets};
use rekey_engine::upgrade::{self, Outcome, PlanRequest, Report, Session};
use rekey_engine::{Error, Result};
use rekey_kmip::message::{
    Attribute, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, PaddingMethod,
    Timestamp, UniqueIdentifier,
};
use rekey_kmip::ttlv::Tag;
use rekey_kmip_sim::{Quirk, Simulator, SimulatorSettings};

use crate::kit::synthetic::{Provider, Recipe, table_in};
use crate::kit::{Workspace, plaintext, stored_key_ids};

/// The group that synthetic SSTables name.
const GROUP: &str = "kmip1";
const CBC: &str = "AES/CBC/PKCS5Padding";
const YEAR: i64 = 365 * 86_400;

/// A node whose keys lie on a simulated server.
struct Site {
    sim: Simulator,
    workspace: Workspace,
}

impl Site {
    fn new() -> Self {
        Self::with(SimulatorSettings::default())
    }

    fn quirky(quirks: &[Quirk]) -> Self {
        Self::with(SimulatorSettings { quirks: quirks.to_vec(), ..SimulatorSettings::default() })
    }

    fn with(settings: SimulatorSettings) -> Self {
        let sim = Simulator::with(settings).unwrap();
        let mut workspace = Workspace::empty();
        let config = sim.node_config(GROUP, workspace.root.path()).unwrap();
        workspace.node_config = Some(config.replace("timeout: 5000", "timeout: 20000"));
        Self { sim, workspace }
    }

    /// Waits no longer than this for bytes.
    fn hasty(mut self, millis: u64) -> Self {
        self.configure("timeout: 20000", &format!("timeout: {millis}"));
        self
    }

    fn configure(&mut self, old: &str, new: &str) {
        let config = self.workspace.node_config.as_mut().unwrap();
        assert!(config.contains(old), "{config}");
        *config = config.replace(old, new);
    }

    /// Keeps a key on the server, active for so many years.
    fn key(&self, id: &str, years: i64, more: Vec<Attribute>) {
        keep(&self.sim, id, years, more);
    }

    /// Writes an SSTable whose chunks are under these keys in turn.
    fn sstable(&self, generation: &str, ids: &[&str]) -> String {
        recipe(generation, ids).write(&table_in(&self.workspace.data()), &plain(generation))
    }

    /// Writes an SSTable under the local key `old-key`.
    fn local_sstable(&self, recipe: &Recipe, generation: &str) {
        recipe.write(&table_in(&self.workspace.data()), &plain(generation));
        let path = self.workspace.root.path().join("old-key");
        fs::write(&path, recipe.key_line()).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn sources(&self) -> KeySources {
        self.workspace.sources()
    }

    /// Finds the target with the server's help, at the database's limit for ids.
    fn find(&self, sources: &KeySources, wish: KeyWish<'_>) -> Result<Target> {
        Target::find(cbc(""), wish, sources, DATABASE_KEY_ID_LIMIT)
    }

    fn plan(&self, sources: &KeySources, target: &Target) -> Plan {
        let session = self.workspace.session(LeaseMode::Shared).unwrap();
        self.plan_on(&session, sources, target)
    }

    fn plan_on(&self, session: &Session, sources: &KeySources, target: &Target) -> Plan {
        let targets = Targets::one(target.clone());
        let request = PlanRequest {
            archives: upgrade::Archives::default(),
            selection: &Selection::default(),
            targets: &targets,
            flavor: self.workspace.flavor,
            sources,
            threads: self.workspace.threads,
        };
        upgrade::plan(session, &request).unwrap()
    }

    fn upgrade(&self, sources: &KeySources, target: &Target) -> Result<Report> {
        let session = self.workspace.session(LeaseMode::Exclusive).unwrap();
        self.workspace.run_on(&session, &Selection::default(), target, sources)
    }

    /// Finds the key of that name and rewrites everything with it.
    fn upgrade_to(&self, id: &str) -> Result<Report> {
        let sources = self.sources();
        let target = self.find(&sources, KeyWish::Named(&key_id(id)))?;
        self.upgrade(&sources, &target)
    }

    /// The SSTables of the table, as paths up to the component.
    fn prefixes(&self) -> Vec<String> {
        let table = table_in(&self.workspace.data());
        let mut names = crate::kit::workspace::files(&table);
        names.retain(|name| name.ends_with("-Data.db"));
        names
            .iter()
            .map(|name| table.join(name.trim_end_matches("Data.db")).display().to_string())
            .collect()
    }

    /// Every SSTable has all its chunks under this key, and the plaintexts are those of these
    /// generations.
    fn assert_all_under(&self, id: &str, generations: &[&str]) {
        let mut found = BTreeSet::new();
        for prefix in self.prefixes() {
            assert_eq!(stored_key_ids(&prefix), BTreeSet::from([id.to_owned()]), "{prefix}");
            found.insert(plaintext(&prefix, true, |id| self.bytes_of(id.unwrap())));
        }
        assert_eq!(found, generations.iter().map(|one| plain(one)).collect());
    }

    /// The bytes of a key on the server.
    fn bytes_of(&self, id: &str) -> Vec<u8> {
        self.sim.store().key_bytes(&UniqueIdentifier::new(id)).unwrap().to_vec()
    }

    fn contents(&self) -> Vec<(String, Vec<u8>)> {
        self.workspace.contents()
    }
}

/// Keeps a key of 128 bits for [`CBC`] on a server. Attributes that are given replace others.
fn keep(sim: &Simulator, id: &str, years: i64, more: Vec<Attribute>) {
    let mut attributes = vec![parameters(BlockCipherMode::CBC), ago(Tag::ACTIVATION_DATE, years)];
    attributes.retain(|own| more.iter().all(|given| given.name != own.name));
    attributes.extend(more);
    let key = bytes(id).to_vec().into();
    sim.store().keep_key(&id.into(), CryptographicAlgorithm::AES, key, attributes);
}

/// What the tests take for the bytes of a key.
fn bytes(id: &str) -> [u8; 16] {
    let seed = crc32fast::hash(id.as_bytes());
    std::array::from_fn(|i| {
        seed.rotate_left(u32::try_from(i).unwrap() * 7).to_be_bytes()[0] ^ u8::try_from(i).unwrap()
    })
}

fn parameters(mode: BlockCipherMode) -> Attribute {
    let parameters = CryptographicParameters {
        mode: Some(mode),
        padding: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    };
    Attribute::new(Tag::CRYPTOGRAPHIC_PARAMETERS.into(), parameters)
}

/// A date so many years ago; in the future for a negative number.
fn ago(tag: Tag, years: i64) -> Attribute {
    let seconds = Timestamp::now().seconds() - years * YEAR;
    Attribute::new(tag.into(), Timestamp::from_seconds(seconds))
}

fn key_id(id: &str) -> KeyId {
    KeyId::new(id).unwrap()
}

fn kmip(id: &str) -> KeyRef {
    KeyRef::Kmip { group: GROUP.to_owned(), id: key_id(id) }
}

/// Options of the group with [`CBC`] and 128 bits; `more` goes into the map.
fn cbc(more: &str) -> CompressionParams {
    params(CBC, 128, more)
}

fn params(cipher: &str, bits: u32, more: &str) -> CompressionParams {
    let cql = format!(
        "{{'class': 'Encryptor', 'cipher_algorithm': '{cipher}', 'secret_key_strength': {bits}, \
         'key_provider': 'KmipKeyProviderFactory', 'kmip_host': '{GROUP}'{more}}}"
    );
    CompressionParams::from_cql_options(&OptionMap::parse_cql(&cql).unwrap()).unwrap()
}

/// An SSTable of five chunks, the last one short.
fn recipe(generation: &str, ids: &[&str]) -> Recipe {
    let mut recipe = Recipe::local("oa", generation, "", vec![]);
    let keys = ids.iter().map(|&id| (id.to_owned(), bytes(id).to_vec())).collect();
    recipe.provider = Provider::Kmip { keys };
    recipe
}

fn plain(generation: &str) -> Vec<u8> {
    let mut plain = format!("\0\x04key{generation}").into_bytes();
    plain.resize(4 * 4096 + 25, b'.');
    plain
}

/// The findings, each with the names of the SSTables that it concerns.
fn findings(plan: &Plan) -> Vec<(Severity, String, Vec<String>)> {
    let name = |data: &String| data.rsplit('/').next().unwrap().to_owned();
    let findings = plan.findings.iter();
    findings.map(|f| (f.severity, f.error.chain(), f.sstables.iter().map(name).collect())).collect()
}

fn rewritten(report: &Report) -> usize {
    let done = |outcome: &Outcome| matches!(outcome, Outcome::Rewritten { .. });
    report.sstables.iter().filter(|line| done(&line.outcome)).count()
}

fn failures(report: &Report) -> Vec<String> {
    report.failures().map(Error::chain).collect()
}

/// Runs something that must come to an end.
fn in_time<T: Send + 'static>(run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    let thread = thread::spawn(move || done.send(run()));
    match result.recv_timeout(Duration::from_secs(60)) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            std::panic::resume_unwind(thread.join().unwrap_err())
        }
    }
}
