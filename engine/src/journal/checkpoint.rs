//! When a checkpoint is due.

use std::time::Duration;

/// How much work on an SSTable a kill may lose. Whichever limit is reached first causes a
/// checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "settings that callers make")]
pub struct Checkpoint {
    /// Bytes of the old Data.db that were rewritten, or of the new one that were read back.
    pub bytes: u64,
    /// Time since the last one.
    pub every: Duration,
}

impl Default for Checkpoint {
    /// 1 GiB is about a second of work, compared with which two fsyncs and a hundred bytes of
    /// journal are negligible. Half a minute is an acceptable loss on a slow disk or with a slow
    /// cipher.
    fn default() -> Self {
        Self { bytes: 1 << 30, every: Duration::from_secs(30) }
    }
}
