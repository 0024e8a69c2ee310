//! Storages over another one: what they do with a call is written once, and not for each method.

use std::path::Path;

use rekey_engine::Result;
use rekey_engine::io::{LocalStorage, Storage};

/// For methods that the local file system has as they are.
pub(crate) trait Local: Storage {
    fn local<T>(
        &self,
        _call: &'static str,
        _path: &Path,
        carry_out: impl FnOnce(&LocalStorage) -> Result<T>,
    ) -> Result<T> {
        carry_out(&LocalStorage)
    }
}

impl<S: Storage> Local for S {}

/// Writes these methods of `Storage`. Each hands its name, its path (the one that changes, of two) and
/// the call itself, which takes the storage below, to a method of the type.
macro_rules! pass_on {
    ($to:ident: $($method:ident),+ $(,)?) => { $(pass_on!(@$method $to);)+ };
    (@list $to:ident) => {
        fn list(&self, directory: &Path) -> Result<Vec<rekey_engine::io::Entry>> {
            self.$to("list", directory, |below| below.list(directory))
        }
    };
    (@stat $to:ident) => {
        fn stat(&self, path: &Path) -> Result<Option<rekey_engine::io::FileStat>> {
            self.$to("stat", path, |below| below.stat(path))
        }
    };
    (@identity $to:ident) => {
        fn identity(&self, path: &Path) -> Result<Option<rekey_engine::io::FileId>> {
            self.$to("identity", path, |below| below.identity(path))
        }
    };
    (@read $to:ident) => {
        fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
            self.$to("read", path, |below| below.read(path, limit))
        }
    };
    (@read_own $to:ident) => {
        fn read_own(&self, path: &Path, limit: u64) -> Result<Vec<u8>> {
            self.$to("read_own", path, |below| below.read_own(path, limit))
        }
    };
    (@link_or_copy $to:ident) => {
        fn link_or_copy(&self, from: &Path, to: &Path) -> Result<()> {
            self.$to("link", to, |below| below.link_or_copy(from, to))
        }
    };
    (@set_modified $to:ident) => {
        fn set_modified(&self, path: &Path, time: std::time::SystemTime) -> Result<()> {
            self.$to("set_modified", path, |below| below.set_modified(path, time))
        }
    };
    (@sync_file $to:ident) => {
        fn sync_file(&self, path: &Path) -> Result<()> {
            self.$to("sync_file", path, |below| below.sync_file(path))
        }
    };
    (@rename $to:ident) => {
        fn rename(&self, from: &Path, to: &Path) -> Result<()> {
            self.$to("rename", to, |below| below.rename(from, to))
        }
    };
    (@replace $to:ident) => {
        fn replace(&self, from: &Path, to: &Path) -> Result<()> {
            self.$to("replace", to, |below| below.replace(from, to))
        }
    };
    (@remove_file $to:ident) => {
        fn remove_file(&self, path: &Path) -> Result<()> {
            self.$to("remove_file", path, |below| below.remove_file(path))
        }
    };
    (@create_directory $to:ident) => {
        fn create_directory(&self, path: &Path, like: Option<&Path>) -> Result<()> {
            self.$to("create_directory", path, |below| below.create_directory(path, like))
        }
    };
    (@remove_directory $to:ident) => {
        fn remove_directory(&self, path: &Path) -> Result<()> {
            self.$to("remove_directory", path, |below| below.remove_directory(path))
        }
    };
    (@sync_directory $to:ident) => {
        fn sync_directory(&self, path: &Path) -> Result<()> {
            self.$to("sync_directory", path, |below| below.sync_directory(path))
        }
    };
    (@free_space $to:ident) => {
        fn free_space(&self, path: &Path) -> Result<u64> {
            self.$to("free_space", path, |below| below.free_space(path))
        }
    };
    (@file_system $to:ident) => {
        fn file_system(&self, path: &Path) -> Result<u64> {
            self.$to("file_system", path, |below| below.file_system(path))
        }
    };
    (@allocated $to:ident) => {
        fn allocated(&self, path: &Path) -> Result<u64> {
            self.$to("allocated", path, |below| below.allocated(path))
        }
    };
}

pub(crate) use pass_on;
