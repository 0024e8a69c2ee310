//! Storages for tests: one that makes nothing durable, and one that fails when it is told to.

use std::fmt;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekey_engine::io::{Entry, LocalStorage, OutputFile, Standing, Storage};
use rekey_engine::{Error, Result};

use super::pass_on::{Local as _, pass_on};

/// A step that changes the file system, or frees or measures space.
pub(crate) struct Op<'a> {
    /// Counted from 0 over all such steps.
    pub(crate) number: usize,
    pub(crate) name: &'static str,
    pub(crate) path: &'a Path,
}

impl Op<'_> {
    /// Whether the step takes space on the disk.
    pub(crate) fn takes_space(&self) -> bool {
        matches!(self.name, "create" | "reserve" | "write" | "link" | "create_directory")
    }
}

type Rule = dyn Fn(&Op<'_>) -> Option<io::ErrorKind> + Send + Sync;
type Look = dyn Fn(&Path, &mut Standing) + Send + Sync;

/// The local file system without fsync, which asks a rule before each step that changes
/// something. A step that the rule fails is not done.
#[derive(Clone)]
pub(crate) struct TestStorage {
    rule: Arc<Rule>,
    steps: Arc<AtomicUsize>,
    look: Arc<Look>,
    /// Files whose names end so are copies, and no links: as from another mount.
    copied: Option<&'static str>,
}

impl TestStorage {
    /// Never fails.
    pub(crate) fn quick() -> Self {
        Self::failing(|_| None)
    }

    pub(crate) fn failing(
        rule: impl Fn(&Op<'_>) -> Option<io::ErrorKind> + Send + Sync + 'static,
    ) -> Self {
        Self {
            rule: Arc::new(rule),
            steps: Arc::default(),
            look: Arc::new(|_, _| {}),
            copied: None,
        }
    }

    /// The same, and files and directories have other properties than in reality.
    pub(crate) fn seeing(look: impl Fn(&Path, &mut Standing) + Send + Sync + 'static) -> Self {
        Self { look: Arc::new(look), ..Self::quick() }
    }

    pub(crate) fn copying(self, ending: &'static str) -> Self {
        Self { copied: Some(ending), ..self }
    }

    /// Steps so far.
    pub(crate) fn steps(&self) -> usize {
        self.steps.load(Ordering::SeqCst)
    }

    pub(crate) fn boxed(&self) -> Box<dyn Storage> {
        Box::new(self.clone())
    }

    fn asked<T>(
        &self,
        call: &'static str,
        path: &Path,
        carry_out: impl FnOnce(&LocalStorage) -> Result<T>,
    ) -> Result<T> {
        self.ask(call, path)?;
        carry_out(&LocalStorage)
    }

    fn ask(&self, name: &'static str, path: &Path) -> Result<()> {
        let number = self.steps.fetch_add(1, Ordering::SeqCst);
        match (self.rule)(&Op { number, name, path }) {
            None => Ok(()),
            Some(kind) => Err(Error::io("a step that was made to fail", path, kind.into())),
        }
    }
}

impl fmt::Debug for TestStorage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestStorage")
    }
}

impl Storage for TestStorage {
    pass_on!(local: stat, identity, read, read_own, free_space, file_system, allocated);
    pass_on!(asked: set_modified, rename, replace, remove_file, create_directory, remove_directory);

    fn list(&self, directory: &Path) -> Result<Vec<Entry>> {
        if let Some(kind) = (self.rule)(&Op { number: usize::MAX, name: "list", path: directory }) {
            return Err(Error::io("cannot list the directory", directory, kind.into()));
        }
        LocalStorage.list(directory)
    }

    fn create(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        self.ask("create", path)?;
        let file = LocalStorage.create(path)?;
        Ok(Box::new(TestFile { storage: self.clone(), path: path.to_owned(), file }))
    }

    fn reopen(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let file = LocalStorage.reopen(path)?;
        Ok(Box::new(TestFile { storage: self.clone(), path: path.to_owned(), file }))
    }

    fn link_or_copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.ask("link", to)?;
        if self.copied.is_some_and(|ending| to.to_str().unwrap().ends_with(ending)) {
            return std::fs::copy(from, to)
                .map(|_| ())
                .map_err(|e| Error::io("cannot copy", to, e));
        }
        LocalStorage.link_or_copy(from, to)
    }

    fn sync_file(&self, path: &Path) -> Result<()> {
        self.ask("sync_file", path)
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.ask("sync_directory", path)
    }

    fn standing(&self, path: &Path) -> Result<Option<Standing>> {
        let mut standing = LocalStorage.standing(path)?;
        if let Some(standing) = &mut standing {
            (self.look)(path, standing);
        }
        Ok(standing)
    }
}

#[derive(Debug)]
struct TestFile {
    storage: TestStorage,
    path: std::path::PathBuf,
    file: Box<dyn OutputFile>,
}

impl OutputFile for TestFile {
    fn reserve(&self, _length: u64) -> Result<()> {
        self.storage.ask("reserve", &self.path)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.storage.ask("write", &self.path)?;
        self.file.write_at(bytes, offset)
    }

    fn write_durably_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.write_at(bytes, offset)
    }

    fn sync(&self) -> Result<()> {
        self.storage.ask("sync", &self.path)
    }

    fn sync_data(&self) -> Result<()> {
        self.storage.ask("sync_data", &self.path)
    }

    fn set_length(&self, length: u64) -> Result<()> {
        self.storage.ask("set_length", &self.path)?;
        self.file.set_length(length)
    }

    fn copy_attributes(&self, like: &Path) -> Result<()> {
        self.storage.ask("copy_attributes", &self.path)?;
        self.file.copy_attributes(like)
    }

    fn forget_cached(&self) {}
}
