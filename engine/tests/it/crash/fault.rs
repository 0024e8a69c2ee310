//! A storage that fails at an operation of the test's choice.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rekey_engine::io::{OutputFile, Storage};
use rekey_engine::{Error, Result};

use crate::kit::pass_on::pass_on;

/// What happens at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process is gone before the operation.
    DieBefore,
    /// It is gone after half of a write or a copy.
    DieWithin,
    /// It is gone after the operation.
    DieAfter,
    /// The operation fails with EIO and has done nothing.
    Eio,
    /// It fails with ENOSPC and has done nothing.
    Enospc,
    /// It writes half, then fails with ENOSPC.
    Short,
    /// It is done, but reported as failed with EIO.
    LateEio,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] = [
        Self::DieBefore,
        Self::DieWithin,
        Self::DieAfter,
        Self::Eio,
        Self::Enospc,
        Self::Short,
        Self::LateEio,
    ];

    /// Whether nothing happens after it.
    pub(crate) const fn is_death(self) -> bool {
        matches!(self, Self::DieBefore | Self::DieWithin | Self::DieAfter)
    }

    /// Whether it can happen to an operation: only bytes can be halved, and only what takes space
    /// fails for lack of it.
    pub(crate) fn fits(self, operation: &Operation) -> bool {
        match self {
            Self::DieWithin | Self::Short => operation.call.starts_with("write"),
            Self::Enospc => !matches!(operation.call, "remove_file" | "remove_directory"),
            _ => true,
        }
    }
}

/// An operation that changes something, as it is logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Operation {
    pub(crate) call: &'static str,
    pub(crate) path: PathBuf,
}

impl Operation {
    /// Whether a matrix should try it first: a swap, and the journal.
    pub(crate) fn is_core(&self) -> bool {
        self.is_swap() || self.path.ends_with("journal")
    }

    /// Whether it belongs to a swap: it touches a table directory, not the staging area.
    pub(crate) fn is_swap(&self) -> bool {
        !self.path.components().any(|part| part.as_os_str() == ".sstablerekey")
    }
}

/// The decorator. Clones share one count, one log and one death.
///
/// Every operation runs under one lock, so that no other operation is half done when the process
/// "dies". After a death every call fails, reads and the engine's own clean-up included.
#[derive(Debug, Clone)]
pub(crate) struct FaultStorage(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    inner: Box<dyn Storage>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    faults: Vec<(usize, Fault)>,
    failing_look: Option<usize>,
    looks: usize,
    log: Vec<Operation>,
    fired: usize,
    dead: bool,
}

impl FaultStorage {
    /// `faults` are counted from 1.
    pub(crate) fn new(inner: Box<dyn Storage>, faults: &[(usize, Fault)]) -> Self {
        let state = State { faults: faults.to_vec(), ..State::default() };
        Self(Arc::new(Shared { inner, state: Mutex::new(state) }))
    }

    /// Lets one look (a listing, a stat, a small read) fail with EIO, counted from 1.
    pub(crate) fn failing_look(inner: Box<dyn Storage>, at: usize) -> Self {
        let state = State { failing_look: Some(at), ..State::default() };
        Self(Arc::new(Shared { inner, state: Mutex::new(state) }))
    }

    /// How many looks there were.
    pub(crate) fn looks(&self) -> usize {
        self.0.state().looks
    }

    /// The operations so far.
    pub(crate) fn log(&self) -> Vec<Operation> {
        self.0.state().log.clone()
    }

    /// How many faults happened.
    pub(crate) fn fired(&self) -> usize {
        self.0.state().fired
    }

    fn look<T>(
        &self,
        _call: &'static str,
        path: &Path,
        read: impl FnOnce(&dyn Storage) -> Result<T>,
    ) -> Result<T> {
        self.0.look(path, || read(&*self.0.inner))
    }

    fn change(
        &self,
        call: &'static str,
        path: &Path,
        whole: impl FnOnce(&dyn Storage) -> Result<()>,
    ) -> Result<()> {
        self.0.simple(call, path, || whole(&*self.0.inner))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation and carries it out, or not. `half` is what a torn one leaves.
    fn carry_out<T>(
        &self,
        call: &'static str,
        path: &Path,
        whole: impl FnOnce() -> Result<T>,
        half: impl FnOnce() -> Result<()>,
    ) -> Result<T> {
        let mut state = self.state();
        if state.dead {
            return Err(dead(path));
        }
        state.log.push(Operation { call, path: path.to_owned() });
        let number = state.log.len();
        let fault = state.faults.iter().find(|(at, _)| *at == number).map(|(_, fault)| *fault);
        let Some(fault) = fault else { return whole() };
        state.fired += 1;
        state.dead = fault.is_death();
        match fault {
            Fault::DieBefore => Err(dead(path)),
            Fault::DieWithin => half().and(Err(dead(path))),
            Fault::DieAfter => whole().and(Err(dead(path))),
            Fault::Eio => Err(os_error(path, EIO)),
            Fault::Enospc => Err(os_error(path, ENOSPC)),
            Fault::Short => half().and(Err(os_error(path, ENOSPC))),
            Fault::LateEio => whole().and(Err(os_error(path, EIO))),
        }
    }

    fn simple(
        &self,
        call: &'static str,
        path: &Path,
        whole: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        self.carry_out(call, path, whole, || Ok(()))
    }

    fn look<T>(&self, path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
        let mut state = self.state();
        if state.dead {
            return Err(dead(path));
        }
        state.looks += 1;
        if state.failing_look == Some(state.looks) {
            state.fired += 1;
            return Err(os_error(path, EIO));
        }
        drop(state);
        read()
    }
}

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

fn os_error(path: &Path, code: i32) -> Error {
    Error::io("told to fail", path, std::io::Error::from_raw_os_error(code))
}

fn dead(path: &Path) -> Error {
    Error::io("the process is dead", path, std::io::Error::other("killed"))
}

impl Storage for FaultStorage {
    pass_on!(look: list, stat, identity, read, read_own, free_space, file_system, allocated);
    pass_on!(change: link_or_copy, set_modified, sync_file, rename, replace, remove_file);
    pass_on!(change: create_directory, remove_directory, sync_directory);

    fn create(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let inner = self.0.carry_out("create", path, || self.0.inner.create(path), || Ok(()))?;
        Ok(Box::new(FaultFile { shared: Arc::clone(&self.0), path: path.to_owned(), inner }))
    }

    fn reopen(&self, path: &Path) -> Result<Box<dyn OutputFile>> {
        let inner = self.0.look(path, || self.0.inner.reopen(path))?;
        Ok(Box::new(FaultFile { shared: Arc::clone(&self.0), path: path.to_owned(), inner }))
    }
}

#[derive(Debug)]
struct FaultFile {
    shared: Arc<Shared>,
    path: PathBuf,
    inner: Box<dyn OutputFile>,
}

impl OutputFile for FaultFile {
    fn reserve(&self, length: u64) -> Result<()> {
        self.shared.simple("reserve", &self.path, || self.inner.reserve(length))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.shared.carry_out(
            "write_at",
            &self.path,
            || self.inner.write_at(bytes, offset),
            || self.inner.write_at(&bytes[..bytes.len() / 2], offset),
        )
    }

    fn write_durably_at(&self, bytes: &[u8], offset: u64) -> Result<()> {
        self.shared.carry_out(
            "write_durably_at",
            &self.path,
            || self.inner.write_durably_at(bytes, offset),
            || self.inner.write_at(&bytes[..bytes.len() / 2], offset),
        )
    }

    fn copy_attributes(&self, like: &Path) -> Result<()> {
        self.shared.simple("copy_attributes", &self.path, || self.inner.copy_attributes(like))
    }

    fn forget_cached(&self) {
        self.inner.forget_cached();
    }

    fn sync(&self) -> Result<()> {
        self.shared.simple("sync", &self.path, || self.inner.sync())
    }

    fn sync_data(&self) -> Result<()> {
        self.shared.simple("sync_data", &self.path, || self.inner.sync_data())
    }

    fn set_length(&self, length: u64) -> Result<()> {
        self.shared.simple("set_length", &self.path, || self.inner.set_length(length))
    }
}
