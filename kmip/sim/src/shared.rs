//! What the server and its connections share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex};

use rekey_kmip::message::{Operation, ProtocolVersion};
use rustls::ServerConfig;

use crate::lock;
use crate::script::{Door, Fault};
use crate::store::Store;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) versions: Vec<ProtocolVersion>,
    pub(crate) faults: Mutex<Vec<Injection>>,
    pub(crate) counts: Mutex<HashMap<Operation, usize>>,
    pub(crate) connections: AtomicUsize,
    pub(crate) stop: AtomicBool,
    pub(crate) door: Door,
    pub(crate) drains: bool,
    pub(crate) tls: Arc<ServerConfig>,
}

/// A fault that waits for its operation.
#[derive(Debug)]
pub(crate) struct Injection {
    pub(crate) operation: Operation,
    pub(crate) fault: Fault,
    pub(crate) once: bool,
}

impl Shared {
    /// The fault that waits for this operation, if any.
    pub(crate) fn fault(&self, operation: Operation) -> Option<Fault> {
        let mut faults = lock(&self.faults);
        let at = faults.iter().position(|injection| injection.operation == operation)?;
        if faults.get(at).is_some_and(|injection| injection.once) {
            return Some(faults.remove(at).fault);
        }
        faults.get(at).map(|injection| injection.fault.clone())
    }
}
