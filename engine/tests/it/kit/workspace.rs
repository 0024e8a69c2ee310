//! A temporary data directory with copies of committed SSTables.

use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rekey_engine::config::NodeConfig;
use rekey_engine::event::NoObserver;
use rekey_engine::io::{LeaseMode, LocalStorage, Storage};
use rekey_engine::journal::Checkpoint;
use rekey_engine::keys::{KeyId, KeySources, KmipKeyFile, KmipServers, LocalKeyFiles};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{Plan, Selection, Target, Targets};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, Archives, PlanRequest, Prepared, Report, Said, Session};

/// A data directory of its own, and the keys beside it.
pub(crate) struct Workspace {
    pub(crate) root: tempfile::TempDir,
    pub(crate) flavor: Option<Flavor>,
    /// The site's limit for key ids when the SSTables were written, if it was another one.
    pub(crate) longest_old_id: Option<usize>,
    pub(crate) kmip_keys: Option<PathBuf>,
    /// The text of a node's configuration.
    pub(crate) node_config: Option<String>,
    pub(crate) mapped: bool,
    pub(crate) threads: NonZeroUsize,
    /// Data directories beside `data/`.
    pub(crate) more_data: Vec<PathBuf>,
    /// When checkpoints are made, and bytes of a range, if not as usual.
    pub(crate) stepped: Option<(Checkpoint, u32)>,
    pub(crate) state_dir: Option<PathBuf>,
    /// What is re-encrypted beside live SSTables.
    pub(crate) archives: Archives,
    /// The tables of a run.
    pub(crate) selection: Selection,
}

impl Workspace {
    /// Copies a folder of `testdata/` as data directory, and the test keys.
    pub(crate) fn copy_of(set: &str) -> Self {
        Self::copy_in(&std::env::temp_dir(), set)
    }

    /// The same in a directory below `parent`, with a blank in its name.
    pub(crate) fn copy_in(parent: &Path, set: &str) -> Self {
        let root = tempfile::Builder::new().prefix("rekey test-").tempdir_in(parent).unwrap();
        copy_tree(&testdata().join(set), &root.path().join("data"));
        let sets = testdata().join(set);
        copy_tree(&sets.parent().unwrap().join("keys"), &root.path().join("keys"));
        for key in files(&root.path().join("keys")) {
            let path = root.path().join("keys").join(key);
            fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        }
        Self {
            root,
            flavor: Some(Flavor::Apache4),
            longest_old_id: None,
            kmip_keys: None,
            node_config: None,
            mapped: true,
            threads: threads(2),
            more_data: vec![],
            stepped: None,
            state_dir: None,
            archives: Archives::default(),
            selection: Selection::default(),
        }
    }

    /// An empty data directory.
    pub(crate) fn empty() -> Self {
        Self::empty_in("")
    }

    /// One in a directory whose name begins so.
    pub(crate) fn empty_in(prefix: &str) -> Self {
        let root = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
        fs::create_dir(root.path().join("data")).unwrap();
        Self {
            root,
            flavor: Some(Flavor::Apache4),
            longest_old_id: None,
            kmip_keys: None,
            node_config: None,
            mapped: true,
            threads: threads(2),
            more_data: vec![],
            stepped: None,
            state_dir: None,
            archives: Archives::default(),
            selection: Selection::default(),
        }
    }

    /// Ranges of one chunk, and a checkpoint after each.
    pub(crate) fn step(&mut self) {
        let every = Duration::from_secs(3600);
        self.stepped = Some((Checkpoint { bytes: 1, every }, 1));
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    /// The first directory that holds SSTables.
    pub(crate) fn table(&self) -> PathBuf {
        let keyspace = only_directory(&self.data());
        only_directory(&keyspace)
    }

    /// Files in the table directory, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        files(&self.table())
    }

    /// Every file of the table directory with its content.
    pub(crate) fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let table = self.table();
        self.files().into_iter().map(|f| (f.clone(), fs::read(table.join(&f)).unwrap())).collect()
    }

    /// Writes a file of KMIP keys and uses it from now on.
    pub(crate) fn give_kmip_keys(&mut self, lines: &str) {
        let path = self.root.path().join("kmip.keys");
        write_secret(&path, lines);
        self.kmip_keys = Some(path);
    }

    pub(crate) fn sources(&self) -> KeySources {
        KeySources {
            local: LocalKeyFiles::new(Some(self.root.path().to_owned())),
            exported: self.kmip_keys.as_ref().map(|path| KmipKeyFile::open(path).unwrap()),
            servers: self
                .node_config
                .as_ref()
                .map(|yaml| KmipServers::new(NodeConfig::parse(yaml, "hcd.yaml").unwrap())),
            ..KeySources::default()
        }
    }

    pub(crate) fn session(&self, mode: LeaseMode) -> rekey_engine::Result<Session> {
        self.session_on(Box::new(LocalStorage), mode)
    }

    pub(crate) fn session_on(
        &self,
        storage: Box<dyn Storage>,
        mode: LeaseMode,
    ) -> rekey_engine::Result<Session> {
        let mut data_dirs = vec![self.data()];
        data_dirs.extend(self.more_data.iter().cloned());
        // Its sets are copies, without a node's own keyspaces.
        let said = Said { not_a_node: true, ..Said::default() };
        let session = Session::open_as_told(storage, &data_dirs, mode, self.mapped, said)?
            .with_state_dir(self.state_dir.clone());
        // A checkpoint after every piece or never: what a run does must not depend on its duration.
        Ok(match self.stepped {
            Some((checkpoint, bytes)) => session
                .with_checkpoint(checkpoint)
                .with_range_bytes(bytes)
                .with_progress_every(Duration::ZERO),
            None => session.with_progress_every(Duration::MAX),
        })
    }

    pub(crate) fn plan_on(&self, session: &Session, target: &Target) -> rekey_engine::Result<Plan> {
        self.plan_with(session, &self.selection, target)
    }

    /// Plans some tables only.
    pub(crate) fn plan_of(
        &self,
        selection: &Selection,
        target: &Target,
    ) -> rekey_engine::Result<Plan> {
        self.plan_with(&self.session(LeaseMode::Shared)?, selection, target)
    }

    fn plan_with(
        &self,
        session: &Session,
        selection: &Selection,
        target: &Target,
    ) -> rekey_engine::Result<Plan> {
        let targets = self.targets(target);
        upgrade::plan(session, &self.request(selection, &targets, &self.sources()))
    }

    fn targets(&self, target: &Target) -> Targets {
        Targets::one(target.clone()).from_key_ids_up_to(self.longest_old_id)
    }

    fn request<'a>(
        &self,
        selection: &'a Selection,
        targets: &'a Targets,
        sources: &'a KeySources,
    ) -> PlanRequest<'a> {
        PlanRequest {
            selection,
            archives: self.archives,
            targets,
            flavor: self.flavor,
            sources,
            threads: self.threads,
        }
    }

    pub(crate) fn plan(&self, target: &Target) -> rekey_engine::Result<Plan> {
        self.plan_on(&self.session(LeaseMode::Shared)?, target)
    }

    /// Prepare and run: the whole command.
    pub(crate) fn upgrade(&self, target: &Target) -> rekey_engine::Result<Report> {
        self.upgrade_on(Box::new(LocalStorage), target)
    }

    pub(crate) fn upgrade_on(
        &self,
        storage: Box<dyn Storage>,
        target: &Target,
    ) -> rekey_engine::Result<Report> {
        let session = self.session_on(storage, LeaseMode::Exclusive)?;
        self.run_on(&session, &self.selection, target, &self.sources())
    }

    /// The same of some tables, in a session.
    pub(crate) fn run_on(
        &self,
        session: &Session,
        selection: &Selection,
        target: &Target,
        sources: &KeySources,
    ) -> rekey_engine::Result<Report> {
        let prepared = self.prepare_on(session, selection, target, sources)?;
        Ok(prepared.run(self.threads, &mut NoObserver)?.1)
    }

    /// All that comes before the run.
    pub(crate) fn prepare_on<'s>(
        &self,
        session: &'s Session,
        selection: &Selection,
        target: &Target,
        sources: &KeySources,
    ) -> rekey_engine::Result<Prepared<'s>> {
        let targets = self.targets(target);
        upgrade::prepare(session, &self.request(selection, &targets, sources))
    }

    pub(crate) fn verify(&self) -> Report {
        let session = self.session(LeaseMode::Shared).unwrap();
        upgrade::verify(
            &session,
            &Selection::default(),
            Archives::default(),
            &self.sources(),
            self.threads,
            &mut NoObserver,
        )
        .unwrap()
    }

    /// Makes a key file with a fixed key and returns the target that uses it.
    pub(crate) fn new_key(&self, name: &str, cipher: &str, bits: usize) -> Target {
        let line = format!("{cipher}:{bits}:{}\n", base64_of(&vec![0x5a; bits / 8]));
        let path = self.root.path().join(name);
        write_secret(&path, &line);
        local_target(path.to_str().unwrap(), cipher, bits)
    }
}

pub(crate) fn local_target(file: &str, cipher: &str, bits: usize) -> Target {
    target(
        &format!(
            "{{'class': 'Encryptor', 'cipher_algorithm': '{cipher}', \
             'secret_key_strength': {bits}, \
             'key_provider': 'LocalFileSystemKeyProviderFactory', 'secret_key_file': '{file}'}}"
        ),
        None,
    )
}

pub(crate) fn target(cql: &str, key_id: Option<&str>) -> Target {
    let params = CompressionParams::from_cql_options(&OptionMap::parse_cql(cql).unwrap()).unwrap();
    Target::new(params, key_id.map(|id| KeyId::new(id).unwrap())).unwrap()
}

pub(crate) fn threads(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

pub(crate) fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata")
}

/// Whether nothing of a run is left below a data directory but its mark.
pub(crate) fn is_at_rest(data_dir: &Path) -> bool {
    left(data_dir).is_empty()
}

/// What is left of a run below a data directory, beside its mark.
pub(crate) fn left(data_dir: &Path) -> Vec<String> {
    let state = data_dir.join(".sstablerekey");
    let mut left = if state.exists() { files(&state) } else { vec![] };
    left.retain(|name| name != "rewritten");
    left
}

pub(crate) fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub(crate) fn write_secret(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

fn only_directory(path: &Path) -> PathBuf {
    let mut directories: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() && !path.ends_with(".sstablerekey"))
        .collect();
    directories.sort();
    directories.remove(0)
}

pub(crate) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
