//! A file system of a size of the test's choice.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekey_engine::io::{LocalStorage, OutputFile, Storage};
use rekey_engine::{Error, Result};

use super::pass_on::{Local as _, pass_on};

/// Bytes of a block. A file takes whole ones, a directory of this program one.
pub(crate) const BLOCK: u64 = 4096;

/// Counts the blocks of each file and refuses what does not fit. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct SmallDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: u64,
    least_free: u64,
    /// What the disk reports, if not the truth: as if another process took the rest at that moment.
    says: Option<u64>,
    /// Bytes of each file that was written here, by its inode; hard links have one.
    taken: BTreeMap<u64, u64>,
    refused: Vec<PathBuf>,
}

impl SmallDisk {
    /// With this many free bytes.
    pub(crate) fn with(free: u64) -> Self {
        let (taken, refused) = (BTreeMap::new(), vec![]);
        Self(Arc::new(Mutex::new(State { free, least_free: free, says: None, taken, refused })))
    }

    /// The same, and it reports more.
    pub(crate) fn that_lies(free: u64) -> Self {
        let disk = Self::with(free);
        disk.state().says = Some(u64::MAX);
        disk
    }

    /// What was not written because the disk was full.
    pub(crate) fn refused(&self) -> Vec<PathBuf> {
        self.state().refused.clone()
    }

    /// Free bytes when there were the fewest.
    pub(crate) fn least_free(&self) -> u64 {
        self.state().least_free
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take(&mut self, bytes: u64, path: &Path) -> Result<()> {
        let Some(free) = self.free.checked_sub(bytes) else {
            self.refused.push(path.to_owned());
            let full = std::io::ErrorKind::StorageFull;
            return Err(Error::io("cannot write to a full disk", path, full.into()));
        };
        self.free = free;
        self.least_free = self.least_free.min(free);
        Ok(())
    }

    /// A file will have this many bytes.
    fn grow(&mut self, path: &Path, inode: u64, length: u64) -> Result<()> {
        let (has, wants) = (self.taken(inode), length.next_multiple_of(BLOCK));
        if wants > has {
            self.take(wants - has, path)?;
            self.taken.insert(inode, wants);
        }
        Ok(())
    }

    fn shrink(&mut self, inode: u64, length: u64) {
        let (has, wants) = (self.taken(inode), length.next_multiple_of(BLOCK));
        if wants < has {
            self.free += has - wants;
            self.taken.insert(inode, wants);
        }
    }

    /// Frees what a file takes when its last name is removed.
    fn losing_its_name(
        &mut self,
        path: &Path,
        carry_out: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let metadata = fs::metadata(path).ok().filter(|metadata| metadata.nlink() == 1);
        carry_out()?;
        if let Some(metadata) = metadata {
            // One that was there before takes what it has.
            let bytes = metadata.len().next_multiple_of(BLOCK);
            self.free += self.taken.remove(&metadata.ino()).unwrap_or(bytes);
        }
        Ok(())
    }

    fn taken(&self, inode: u64) -> u64 {
        self.taken.get(&inode).copied().unwrap_or_default()
    }
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

impl Storage for SmallDisk {
    pass_on!(local: list, stat, identity, read, read_own, link_or_copy, set_modified);
    pass_on!(local: sync_file, rename, sync_directory, file_system);

    fn create(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let mut state = self.state();
        let inner = LocalStorage.create(path)?;
        let inode = inode(path);
        state.taken.insert(inode, 0);
        Ok(Box::new(SmallFile { disk: self.clone(), path: path.to_owned(), inode, inner }))
    }

    fn reopen(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let inner = LocalStorage.reopen(path)?;
        let (path, inode) = (path.to_owned(), inode(path));
        Ok(Box::new(SmallFile { disk: self.clone(), path, inode, inner }))
    }

    fn replace(&self, from: &Path, to: &Path) -> Result<()> {
        self.state().losing_its_name(to, || LocalStorage.replace(from, to))
    }

    fn remove_file(&self, path: &Path) -> Result<()> {
        self.state().losing_its_name(path, || LocalStorage.remove_file(path))
    }

    fn create_directory(&self, path: &Path, like: Option<&Path>) -> Result<()> {
        let mut state = self.state();
        if !path.is_dir() {
            state.take(BLOCK, path)?;
        }
        LocalStorage.create_directory(path, like)
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        let mut state = self.state();
        LocalStorage.remove_directory(path)?;
        state.free += BLOCK;
        Ok(())
    }

    fn free_space(&self, _path: &Path) -> Result<u64> {
        let state = self.state();
        Ok(state.says.unwrap_or(state.free))
    }

    fn allocated(&self, path: &Path) -> Result<u64> {
        let metadata = fs::metadata(path).ok().filter(|metadata| metadata.nlink() == 1);
        Ok(metadata.map_or(0, |metadata| self.state().taken(metadata.ino())))
    }
}

#[derive(Debug)]
struct SmallFile {
    disk: SmallDisk,
    path: PathBuf,
    inode: u64,
    inner: Box<dyn OutputFile>,
}

impl OutputFile for SmallFile {
    fn reserve(&self, length: u64) -> Result<()> {
        self.disk.state().grow(&self.path, self.inode, length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        let end = offset + u64::try_from(bytes.len()).unwrap();
        self.disk.state().grow(&self.path, self.inode, end)?;
        self.inner.write_at(bytes, offset)
    }

    fn write_durably_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.write_at(bytes, offset)
    }

    fn sync(&self) -> Result<()> {
        self.inner.sync()
    }

    fn sync_data(&self) -> Result<()> {
        self.inner.sync_data()
    }

    fn set_length(&self, length: u64) -> Result<()> {
        self.disk.state().shrink(self.inode, length);
        self.inner.set_length(length)
    }

    fn copy_attributes(&self, like: &Path) -> Result<()> {
        self.inner.copy_attributes(like)
    }

    fn forget_cached(&self) {
        self.inner.forget_cached();
    }
}
