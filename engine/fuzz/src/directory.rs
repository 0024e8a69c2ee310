//! A whole data directory with hostile files: counted, planned, re-encrypted and verified.
//!
//! ```text
//! input     [set][1: checksums are corrected] change*
//! change    [0][file][at, 2 bytes][length] bytes     overwrite     [1][file][length, 2 bytes]  cut off
//!           [2][file]                                remove        [3][file][file]             copy over
//!           [4][file][length] bytes                  append        [5][place][length] bytes    add a file
//! ```

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rekey_engine::ErrorKind;
use rekey_engine::event::NoObserver;
use rekey_engine::io::{LeaseMode, LocalStorage};
use rekey_engine::keys::{KeyId, KeySources, KmipKeyFile, LocalKeyFiles};
use rekey_engine::options::{CompressionParams, OptionMap};
use rekey_engine::plan::{Selection, Target, Targets};
use rekey_engine::sstable::Descriptor;
use rekey_engine::upgrade::{self, Archives, Outcome, PlanRequest, Report, Said, Session};

use super::set::Set;

/// Changes a set and runs everything that the program does.
pub fn run(bytes: &[u8]) {
    static SETS: OnceLock<Vec<Set>> = OnceLock::new();
    let Some(([set, corrected], changes)) = bytes.split_first_chunk::<2>() else { return };
    let sets = SETS.get_or_init(Set::all);
    let set = &sets[usize::from(*set) % sets.len()];
    let mut files = set.files.clone();
    let mut input = Input(changes);
    while input.change(&mut files).is_some() && files.len() < 64 {}
    if corrected & 1 == 1 {
        set.correct(&mut files);
    }
    let root = tempfile::tempdir().expect("a temporary directory");
    let place = Place::lay_out(root.path(), set, &files);
    place.census();
    place.verify();
    let report = place.upgrade();
    let Some(report) = report else { return };
    let verified = place.verify();
    let is_new = |outcome: &Outcome| matches!(outcome, Outcome::Rewritten { .. });
    let all_new = report.sstables.iter().all(|line| is_new(&line.outcome));
    assert!(all_new || !changes.is_empty(), "{report:?}");
    for line in &report.sstables {
        match &line.outcome {
            Outcome::Rewritten { new } => place.check_new(line.data.parent(), new, &verified),
            Outcome::Failed(error) => check(error),
            _ => {}
        }
    }
    // What is under the new key stays as it is.
    if let Some(again) = place.upgrade() {
        let is_new = |data: &Path| {
            report.sstables.iter().any(|line| match &line.outcome {
                Outcome::Rewritten { new } => {
                    named(data, new) && data.parent() == line.data.parent()
                }
                _ => false,
            })
        };
        for line in again.sstables.iter().filter(|line| is_new(&line.data)) {
            assert!(matches!(line.outcome, Outcome::Skipped(_)), "{line:?}");
        }
    }
}

/// What is left of the input.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> Option<usize> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(usize::from(*byte))
    }

    fn short(&mut self) -> Option<usize> {
        Some(self.byte()? << 8 | self.byte()?)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.byte()?.min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(bytes)
    }

    /// Reads a change and applies it; `None` at the end of the input.
    fn change(&mut self, files: &mut Vec<(PathBuf, Vec<u8>)>) -> Option<()> {
        let (kind, file) = (self.byte()? % 6, self.byte()?);
        let place = (!files.is_empty()).then(|| file % files.len());
        match (kind, place) {
            (0, Some(file)) => {
                let at = self.short()?;
                let (target, bytes) = (&mut files[file].1, self.bytes()?);
                let at = at.min(target.len());
                let end = (at + bytes.len()).min(target.len());
                target.splice(at..end, bytes.iter().copied());
            }
            (1, Some(file)) => files[file].1.truncate(self.short()?),
            (2, Some(file)) => drop(files.remove(file)),
            (3, Some(file)) => {
                let from = self.byte()? % files.len();
                files[file].1 = files[from].1.clone();
            }
            (4, Some(file)) => files[file].1.extend_from_slice(self.bytes()?),
            (5, _) => {
                let path = Path::new(PLACES[file % PLACES.len()]);
                let (name, content) = (self.bytes()?, self.bytes()?);
                // A name that leads elsewhere is not used.
                let name: String = String::from_utf8_lossy(name).replace(['/', '\0'], "");
                let path = if path.as_os_str().to_string_lossy().ends_with('/') {
                    if matches!(name.as_str(), "" | "." | "..") || name.len() > 200 {
                        return Some(());
                    }
                    path.join(name)
                } else {
                    path.to_owned()
                };
                files.retain(|(known, _)| *known != path);
                files.push((path, content.to_vec()));
            }
            _ => {}
        }
        Some(())
    }
}

/// Where files may be added: by a name of their own, and those that this program reads.
const PLACES: [&str; 9] = [
    "rk/t-5ab1e000000011f0800000000000000a/",
    "rk/t-5ab1e000000011f0800000000000000a/nb_txn_compaction_5ab1e000-0000-11f0-8000-00000000000a.log",
    "rk/t-5ab1e000000011f0800000000000000a/snapshots/s/",
    "rk/t-5ab1e000000011f0800000000000000a/backups/",
    ".sstablerekey/journal",
    ".sstablerekey/rotations",
    ".sstablerekey/run",
    ".sstablerekey/t/replacement",
    "rk/",
];

/// A data directory, its keys and its target.
struct Place<'a> {
    root: &'a Path,
    set: &'a Set,
}

impl<'a> Place<'a> {
    fn lay_out(root: &'a Path, set: &'a Set, files: &[(PathBuf, Vec<u8>)]) -> Self {
        let data = root.join("data");
        fs::create_dir_all(data.join("rk/t-5ab1e000000011f0800000000000000a"))
            .expect("room for a directory");
        for (below, content) in files {
            let path = data.join(below);
            // A file that was added may be in the way.
            let parent = path.parent().expect("it lies below");
            if fs::create_dir_all(parent).is_ok() {
                let _in_the_way = fs::write(&path, content);
            }
        }
        Set::lay_out_keys(root);
        Self { root, set }
    }

    fn session(&self, mode: LeaseMode) -> Option<Session> {
        let said = Said { not_a_node: true, node_is_stopped: true };
        let data = [self.root.join("data")];
        let session = Session::open_as_told(Box::new(LocalStorage), &data, mode, false, said);
        session.map_err(|error| check(&error)).ok()
    }

    fn sources(&self) -> KeySources {
        KeySources {
            local: LocalKeyFiles::new(Some(self.root.to_owned())),
            exported: KmipKeyFile::open(self.root.join("exported")).ok(),
            ..KeySources::default()
        }
    }

    fn census(&self) {
        let Some(session) = self.session(LeaseMode::Shared) else { return };
        let (all, archives) = (Selection::default(), Archives::default());
        let census = upgrade::census(&session, &all, archives, ONE);
        census.map_or_else(|error| check(&error), drop);
    }

    fn verify(&self) -> Report {
        let Some(session) = self.session(LeaseMode::Shared) else { return Report::default() };
        let (all, archives, sources) = (Selection::default(), Archives::default(), self.sources());
        let report = upgrade::verify(&session, &all, archives, &sources, ONE, &mut NoObserver);
        let report = report.map_err(|error| check(&error)).unwrap_or_default();
        report.failures().for_each(check);
        report
    }

    /// A plan, and its run; `None` if it is refused as a whole.
    fn upgrade(&self) -> Option<Report> {
        let text = self.set.target.replace('@', &self.root.to_string_lossy());
        let options = OptionMap::parse_cql(&text).expect("a map of our own");
        let params = CompressionParams::from_cql_options(&options).expect("options of our own");
        let id = self.set.key_id.map(|id| KeyId::new(id).expect("an id of our own"));
        let target = Target::new(params, id).expect("a target of our own");
        // A table in clear is encrypted if it is named.
        let named = Selection { keyspace: Some("rk".to_owned()), tables: vec!["t".to_owned()] };
        let targets = Targets::one(target);
        let request = PlanRequest {
            selection: &named,
            archives: Archives::ALL,
            targets: &targets,
            flavor: Some(self.set.flavor),
            sources: &self.sources(),
            threads: ONE,
        };
        let session = self.session(LeaseMode::Exclusive)?;
        let _dry = upgrade::plan(&session, &request).map_err(|error| check(&error));
        let run = upgrade::prepare(&session, &request)
            .and_then(|prepared| prepared.run(ONE, &mut NoObserver));
        run.map_err(|error| check(&error)).map(|(_, report)| report).ok()
    }

    /// A verification of everything finds each new SSTable complete.
    fn check_new(&self, directory: Option<&Path>, new: &Descriptor, verified: &Report) {
        let lines = verified.sstables.iter();
        for line in lines.filter(|line| named(&line.data, new) && line.data.parent() == directory) {
            assert!(
                matches!(line.outcome, Outcome::Verified { .. } | Outcome::Skipped(_)),
                "{line:?}"
            );
        }
    }
}

fn named(data: &Path, descriptor: &Descriptor) -> bool {
    let name = data.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix("-Data.db") == Some(&descriptor.to_string())
}

/// A panic of a worker is an error of this kind, too.
fn check(error: &rekey_engine::Error) {
    assert!(error.kind() != ErrorKind::Internal, "{error:?}");
}

const ONE: NonZeroUsize = NonZeroUsize::MIN;

/// Every set as it is, and one of the changes to each of its files.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for set in 0..6 {
        seeds.push(vec![set, 0]);
        let changes: [&[u8]; 4] =
            [&[0, 0, 0, 9, 2, 0xff, 0xff], &[1, 0, 0, 40], &[2, 0], &[3, 0, 1]];
        for (file, change) in (set..).step_by(3).zip(changes) {
            let mut seed = [&[set, 1], change].concat();
            seed[3] = file;
            seeds.push(seed);
        }
        let log = b"ADD:[/x/nb-2-big-,0,0][0]\n";
        let head = [set, 0, 5, 1, 0, u8::try_from(log.len()).unwrap_or_default()];
        seeds.push([&head[..], log].concat());
    }
    seeds
}
