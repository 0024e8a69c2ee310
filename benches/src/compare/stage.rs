//! The engine's writing stage by itself.
//!
//! A [`Rewrite`] is run as `upgradesstables` runs it, from the first chunk to the staged SSTable
//! being complete and opened again, and then left: what follows in the tool, reading back and
//! swapping in, is left out, since a copy does neither.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rekey_benches::{KEYSPACE, Site, TABLE};
use rekey_engine::io::{Entry, FileId, FileStat, LeaseMode, LocalStorage, OutputFile, Storage};
use rekey_engine::journal::{self, Journal};
use rekey_engine::pipeline::{self, Control, Limits, Next, Scratch, Step, Task};
use rekey_engine::plan::{Inspector, Plan, Selection};
use rekey_engine::rewrite::{RANGE_BYTES, Rewrite, RewriteJob, STAGE_REWRITE};
use rekey_engine::txn::Flavor;
use rekey_engine::upgrade::{self, PlanRequest, Session};
use rekey_engine::{Error, ErrorKind};

use super::noise::{Meter, Sample};
use super::{Result, files};

/// What becomes of fsync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// As in the tool.
    Synced,
    /// None: the storage that the stage writes to leaves out fsync and the hints that belong to
    /// it. The tool has no such switch.
    Unsynced,
}

impl Durability {
    /// What to write to.
    pub(super) const fn storage(self) -> &'static dyn Storage {
        match self {
            Self::Synced => &LocalStorage,
            Self::Unsynced => &Unsynced,
        }
    }
}

/// A site that is planned for the second of its forms.
#[derive(Debug)]
pub(super) struct Staging {
    session: Session,
    plan: Plan,
    bytes: u64,
    inputs: Vec<PathBuf>,
    removal: Removal,
}

/// When the stage removes what it wrote, which a copy does not do at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Removal {
    /// When all has been timed.
    Afterwards,
    /// With each SSTable, for thousands of them must not stay open until the last one has ended. It is timed.
    AtOnce,
}

impl Staging {
    pub(super) fn new(site: &Site) -> Result<Self> {
        let session =
            Session::open(Box::new(LocalStorage), &[site.data()], LeaseMode::Exclusive, true)?;
        let [_, target] = site.targets();
        let request = PlanRequest {
            archives: upgrade::Archives::default(),
            // Tables that are named are rewritten even if they are not encrypted.
            selection: &Selection {
                keyspace: Some(KEYSPACE.to_owned()),
                tables: vec![TABLE.to_owned()],
            },
            target,
            flavor: Some(Flavor::Apache4),
            sources: site.sources(),
            threads: all_threads(),
        };
        let plan = upgrade::plan(&session, &request)?;
        if let Some(refused) =
            plan.sstables.len().checked_sub(plan.rewrites().count()).filter(|n| *n > 0)
        {
            return Err(format!(
                "{refused} SSTables would not be rewritten: {:?}",
                plan.sstables.first()
            )
            .into());
        }
        let bytes = plan.rewrites().map(|(_, facts, _)| facts.plain_bytes()).sum();
        let inputs = files::files_of(&site.table())?;
        Ok(Self { session, plan, bytes, inputs, removal: Removal::Afterwards })
    }

    /// The same with [`Removal::AtOnce`].
    pub(super) fn removing_at_once(self) -> Self {
        Self { removal: Removal::AtOnce, ..self }
    }

    /// Bytes of plaintext.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Times the stage, its inputs in memory and nothing left to write back, and removes what it wrote.
    pub(super) fn run(
        &self,
        meter: &Meter,
        threads: NonZeroUsize,
        durability: Durability,
    ) -> Result<Sample> {
        let storage = durability.storage();
        let state = tempfile::tempdir()?;
        let about = journal::Session { tool: "compare".to_owned(), sstables: 0, bytes: self.bytes };
        let journal = Journal::start(
            storage,
            state.path(),
            about,
            journal::Site::new(self.session.data_dirs())?,
            vec![],
        )?;
        let job = RewriteJob {
            storage,
            inspector: Inspector::new(storage, self.session.lease(), true),
            target: &self.plan.target,
            ring: &self.plan.ring,
            flavor: Flavor::Apache4,
            journal: &journal,
            checkpoint: self.session.checkpoint(),
            range_bytes: RANGE_BYTES,
        };
        let tasks = self
            .plan
            .rewrites()
            .map(|(planned, facts, new)| WritingOnly {
                rewrite: Rewrite::new(job, planned, facts, new, None),
                removal: self.removal,
            })
            .collect::<Vec<_>>();
        let mut failure = None;
        let beside = self.session.data_dirs().first().ok_or("a session has a data directory")?;
        files::settle(beside)?;
        files::warm(&self.inputs)?;
        let sample = meter.time_writing(beside, self.bytes, || {
            pipeline::run(&tasks, Limits { threads }, &Control::default(), |_, step| {
                if let Step::Ended(Err(error)) = step {
                    failure = Some(error);
                }
            });
            Ok(())
        });
        if self.removal == Removal::Afterwards {
            tasks.iter().for_each(WritingOnly::remove);
        }
        match failure {
            Some(error) => Err(error.into()),
            None => sample,
        }
    }
}

/// A rewrite that ends where its writing ends.
#[derive(Debug)]
struct WritingOnly<'a> {
    rewrite: Rewrite<'a>,
    removal: Removal,
}

impl WritingOnly<'_> {
    fn remove(&self) {
        self.rewrite.abandon(&Error::new(ErrorKind::Internal, "measured"));
    }
}

impl Task for WritingOnly<'_> {
    fn bytes(&self) -> u64 {
        self.rewrite.bytes()
    }

    fn work(&self) -> u64 {
        self.rewrite.work()
    }

    fn begin(&self) -> rekey_engine::Result<Next> {
        self.rewrite.begin()
    }

    fn piece(&self, stage: u32, piece: u64, scratch: &mut Scratch) -> rekey_engine::Result<u64> {
        self.rewrite.piece(stage, piece, scratch)
    }

    fn end(&self, stage: u32) -> rekey_engine::Result<Next> {
        let next = self.rewrite.end(stage)?;
        if stage != STAGE_REWRITE {
            return Ok(next);
        }
        if self.removal == Removal::AtOnce {
            self.remove();
        }
        Ok(Next::Done)
    }

    fn abandon(&self, why: &Error) {
        self.rewrite.abandon(why);
    }
}

/// The local file system without fsync.
#[derive(Debug)]
struct Unsynced;

#[derive(Debug)]
struct UnsyncedFile(Box<dyn OutputFile>);

impl OutputFile for UnsyncedFile {
    fn reserve(&self, length: u64) -> rekey_engine::Result<()> {
        self.0.reserve(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> rekey_engine::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn write_durably_at(&self, bytes: &[u8], offset: u64) -> rekey_engine::Result<()> {
        self.0.write_at(bytes, offset)
    }

    fn set_length(&self, length: u64) -> rekey_engine::Result<()> {
        self.0.set_length(length)
    }

    fn sync(&self) -> rekey_engine::Result<()> {
        Ok(())
    }

    fn sync_data(&self) -> rekey_engine::Result<()> {
        Ok(())
    }

    fn copy_attributes(&self, like: &Path) -> rekey_engine::Result<()> {
        self.0.copy_attributes(like)
    }

    // It would start writing back what is dirty.
    fn forget_cached(&self) {}
}

impl Storage for Unsynced {
    fn list(&self, directory: &Path) -> rekey_engine::Result<Vec<Entry>> {
        LocalStorage.list(directory)
    }

    fn stat(&self, path: &Path) -> rekey_engine::Result<Option<FileStat>> {
        LocalStorage.stat(path)
    }

    fn identity(&self, path: &Path) -> rekey_engine::Result<Option<FileId>> {
        LocalStorage.identity(path)
    }

    fn read(&self, path: &Path, limit: u64) -> rekey_engine::Result<Vec<u8>> {
        LocalStorage.read(path, limit)
    }

    fn read_own(&self, path: &Path, limit: u64) -> rekey_engine::Result<Vec<u8>> {
        LocalStorage.read_own(path, limit)
    }

    fn create(&self, path: &Path) -> rekey_engine::Result<Box<dyn OutputFile>> {
        Ok(Box::new(UnsyncedFile(LocalStorage.create(path)?)))
    }

    fn reopen(&self, path: &Path) -> rekey_engine::Result<Box<dyn OutputFile>> {
        Ok(Box::new(UnsyncedFile(LocalStorage.reopen(path)?)))
    }

    fn link_or_copy(&self, from: &Path, to: &Path) -> rekey_engine::Result<()> {
        LocalStorage.link_or_copy(from, to)
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> rekey_engine::Result<()> {
        LocalStorage.set_modified(path, time)
    }

    fn sync_file(&self, _path: &Path) -> rekey_engine::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> rekey_engine::Result<()> {
        LocalStorage.rename(from, to)
    }

    fn replace(&self, from: &Path, to: &Path) -> rekey_engine::Result<()> {
        LocalStorage.replace(from, to)
    }

    fn remove_file(&self, path: &Path) -> rekey_engine::Result<()> {
        LocalStorage.remove_file(path)
    }

    fn create_directory(&self, path: &Path, like: Option<&Path>) -> rekey_engine::Result<()> {
        LocalStorage.create_directory(path, like)
    }

    fn remove_directory(&self, path: &Path) -> rekey_engine::Result<()> {
        LocalStorage.remove_directory(path)
    }

    fn sync_directory(&self, _path: &Path) -> rekey_engine::Result<()> {
        Ok(())
    }

    fn free_space(&self, path: &Path) -> rekey_engine::Result<u64> {
        LocalStorage.free_space(path)
    }

    fn file_system(&self, path: &Path) -> rekey_engine::Result<u64> {
        LocalStorage.file_system(path)
    }

    fn allocated(&self, path: &Path) -> rekey_engine::Result<u64> {
        LocalStorage.allocated(path)
    }
}

/// As many threads as the machine has cores.
pub(super) fn all_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}
