//! When a checkpoint is due.

use std::time::Duration;

/// How much work of an SSTable may be lost by a kill. Whichever comes first makes a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "settings that callers make")]
pub struct Checkpoint {
    /// Bytes of the old Data.db that were written anew, or of the new one that were read back.
    pub bytes: u64,
    /// Time since the last one.
    pub every: Duration,
}

impl Default for Checkpoint {
    /// 1 GiB: a second of work or so, beside which two fsyncs and a hundred bytes of journal do not
    /// show. Half a minute: what an operator forgives on a slow disk or with a slow cipher.
    fn default() -> Self {
        Self { bytes: 1 << 30, every: Duration::from_secs(30) }
    }
}
