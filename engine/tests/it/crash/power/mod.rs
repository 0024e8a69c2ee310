//! A storage that can lose power: it works on a real directory and tracks what of it is durable.
//!
//! It is harsher than common file systems. A name is durable only when its directory was synced, a
//! file's content, time and mode only when the file was; the two have nothing to do with each
//! other. Names of one directory appear and disappear independently, and a rename may show in both
//! places or in neither. It guarantees only what POSIX guarantees and the engine relies on: fsync
//! works.
//!
//! Which of the storage's calls sync by themselves, and what they sync, follows the documentation
//! of the trait: a copy is completely durable, a set time is durable by itself, and attributes wait
//! for the file's fsync.

mod debris;
mod model;
mod tests;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use rekey_engine::io::{LocalStorage, OutputFile, Storage};
use rekey_engine::{Error, Result};

pub(crate) use debris::Habit;
use model::Model;

use crate::kit::pass_on::{Local as _, pass_on};

/// When the power fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// At which operation, counted from 1.
    pub(crate) at: usize,
    /// Not before it but within it: done, and not synced where it syncs by itself.
    pub(crate) within: bool,
}

/// The storage. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct PowerLoss(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    model: Model,
    cut: Option<Cut>,
    count: usize,
    out: bool,
}

/// How an operation ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Power {
    /// To its end.
    On,
    /// It is done, and the power fails before it is synced.
    Failing,
}

impl PowerLoss {
    /// Everything below `root`, canonical, is durable now.
    pub(crate) fn new(root: &Path, cut: Option<Cut>) -> Self {
        let state = State { model: Model::of(root), cut, count: 0, out: false };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The power fails at an operation counted from now: another process works on what the first
    /// one left in the cache, synced or not.
    pub(crate) fn arm(&self, cut: Cut) {
        let mut state = self.state();
        state.cut = Some(Cut { at: state.count + cut.at, ..cut });
    }

    /// Operations so far.
    pub(crate) fn count(&self) -> usize {
        self.state().count
    }

    /// Whether the power has failed.
    pub(crate) fn is_out(&self) -> bool {
        self.state().out
    }

    /// Replaces the directory by what is left of it. It must not be in use any more.
    pub(crate) fn crash(&self, habit: Habit) {
        let mut state = self.state();
        state.out = true;
        debris::leave(&state.model, habit);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn operate<T>(
        &self,
        path: &Path,
        work: impl FnOnce(&mut Model, Power) -> Result<T>,
    ) -> Result<T> {
        let mut state = self.state();
        if state.out {
            return Err(out(path));
        }
        state.count += 1;
        let Some(cut) = state.cut.filter(|cut| cut.at == state.count) else {
            return work(&mut state.model, Power::On);
        };
        state.out = true;
        if cut.within {
            work(&mut state.model, Power::Failing)?;
        }
        Err(out(path))
    }
}

fn out(path: &Path) -> Error {
    Error::io("the power is out", path, std::io::Error::other("no power"))
}

impl Storage for PowerLoss {
    pass_on!(local: list, stat, identity, read, read_own, free_space, file_system, allocated);

    fn create(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let (inner, inode) = self.operate(path, |model, _| {
            let inner = LocalStorage.create(path)?;
            Ok((inner, model.create_file(path)))
        })?;
        Ok(Box::new(PowerFile { storage: self.clone(), path: path.to_owned(), inode, inner }))
    }

    fn reopen(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let state = self.state();
        if state.out {
            return Err(out(path));
        }
        let inner = LocalStorage.reopen(path)?;
        let inode = state.model.inode(path);
        Ok(Box::new(PowerFile { storage: self.clone(), path: path.to_owned(), inode, inner }))
    }

    fn link_or_copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.operate(to, |model, _| {
            LocalStorage.link_or_copy(from, to)?;
            model.link(from, to);
            Ok(())
        })
    }

    fn set_modified(&self, path: &Path, time: SystemTime) -> Result<()> {
        self.operate(path, |model, power| {
            LocalStorage.set_modified(path, time)?;
            let inode = model.file(path);
            inode.live.modified = time;
            if power == Power::On {
                inode.durable.modified = time;
            }
            Ok(())
        })
    }

    fn sync_file(&self, path: &Path) -> Result<()> {
        self.operate(path, |model, power| {
            LocalStorage.sync_file(path)?;
            if power == Power::On {
                model.file(path).sync();
            }
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.operate(to, |model, _| {
            LocalStorage.rename(from, to)?;
            model.rename(from, to);
            Ok(())
        })
    }

    fn replace(&self, from: &Path, to: &Path) -> Result<()> {
        self.operate(to, |model, _| {
            LocalStorage.replace(from, to)?;
            model.rename(from, to);
            Ok(())
        })
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.operate(path, |model, _| {
            LocalStorage.remove_file(path)?;
            model.remove(path);
            Ok(())
        })
    }

    fn create_directory(&self, path: &Path, like: Option<&Path>) -> Result<()> {
        self.operate(path, |model, _| {
            LocalStorage.create_directory(path, like)?;
            model.create_directory(path);
            Ok(())
        })
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        self.operate(path, |model, _| {
            LocalStorage.remove_directory(path)?;
            model.remove(path);
            Ok(())
        })
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.operate(path, |model, power| {
            LocalStorage.sync_directory(path)?;
            if power == Power::On {
                model.sync_directory(path);
            }
            Ok(())
        })
    }
}

fn put(content: &mut Vec<u8>, bytes: &[u8], offset: u64) {
    let start = usize::try_from(offset).unwrap();
    let end = start + bytes.len();
    content.resize(content.len().max(end), 0);
    content[start..end].copy_from_slice(bytes);
}

/// An open file keeps its inode, whatever becomes of its name.
#[derive(Debug)]
struct PowerFile {
    storage: PowerLoss,
    path: PathBuf,
    inode: usize,
    inner: Box<dyn OutputFile>,
}

impl OutputFile for PowerFile {
    fn reserve(&self, length: u64) -> Result<()> {
        self.storage.operate(&self.path, |model, _| {
            self.inner.reserve(length)?;
            let bytes = &mut model.inodes[self.inode].live.bytes;
            let length = usize::try_from(length).unwrap().max(bytes.len());
            bytes.resize(length, 0);
            Ok(())
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.storage.operate(&self.path, |model, _| {
            self.inner.write_at(bytes, offset)?;
            let live = &mut model.inodes[self.inode].live;
            put(&mut live.bytes, bytes, offset);
            live.modified = SystemTime::now();
            Ok(())
        })
    }

    /// Just these bytes are durable, and not what was written before.
    fn write_durably_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.storage.operate(&self.path, |model, power| {
            self.inner.write_durably_at(bytes, offset)?;
            let inode = &mut model.inodes[self.inode];
            put(&mut inode.live.bytes, bytes, offset);
            inode.live.modified = SystemTime::now();
            if power == Power::On {
                put(&mut inode.durable.bytes, bytes, offset);
            }
            Ok(())
        })
    }

    fn copy_attributes(&self, like: &Path) -> Result<()> {
        self.storage.operate(&self.path, |model, _| {
            self.inner.copy_attributes(like)?;
            model.inodes[self.inode].live.mode = model.file(like).live.mode;
            Ok(())
        })
    }

    fn forget_cached(&self) {
        self.inner.forget_cached();
    }

    /// Time and mode wait for the whole fsync.
    fn sync_data(&self) -> Result<()> {
        self.storage.operate(&self.path, |model, power| {
            self.inner.sync_data()?;
            if power == Power::On {
                let inode = &mut model.inodes[self.inode];
                inode.durable.bytes = inode.live.bytes.clone();
            }
            Ok(())
        })
    }

    fn set_length(&self, length: u64) -> Result<()> {
        self.storage.operate(&self.path, |model, _| {
            self.inner.set_length(length)?;
            let live = &mut model.inodes[self.inode].live;
            live.bytes.resize(usize::try_from(length).unwrap(), 0);
            Ok(())
        })
    }

    fn sync(&self) -> Result<()> {
        self.storage.operate(&self.path, |model, power| {
            self.inner.sync()?;
            if power == Power::On {
                model.inodes[self.inode].sync();
            }
            Ok(())
        })
    }
}
