//! From what trials took to what a run takes.

use std::time::Duration;

use crate::plan::{Plan, PlannedRewrite};

/// What trials have shown of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Measured {
    /// Bytes of Data.db that went through, written and read back.
    pub bytes: u64,
    /// How long that took, without [`Self::per_sstable`].
    pub took: Duration,
    /// What each SSTable costs by being one: files made, synced, renamed and removed.
    pub per_sstable: Duration,
}

/// What a run has to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "sums that callers may make")]
pub struct Work {
    /// SSTables to rewrite, and copies in snapshots and backups to replace.
    pub sstables: u64,
    /// Bytes of the Data.db of those SSTables.
    pub bytes: u64,
}

impl Work {
    /// That of a plan; what is skipped or refused costs nothing.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let mut work = Self::default();
        for PlannedRewrite { sstable, facts, .. } in plan.rewrites() {
            let copies = u64::try_from(sstable.copies.len()).unwrap_or(u64::MAX);
            work.sstables = work.sstables.saturating_add(1).saturating_add(copies);
            work.bytes = work.bytes.saturating_add(facts.data_bytes);
        }
        work
    }
}

impl Measured {
    /// Of trials of parts of so many SSTables, which took so long with all that each costs by being one.
    #[must_use]
    pub fn new(bytes: u64, trials: u64, took: Duration, per_sstable: Duration) -> Self {
        let apart = per_sstable.saturating_mul(u32::try_from(trials).unwrap_or(u32::MAX));
        // They overlap; most of the time is that of bytes, or nobody can tell.
        let took = took.saturating_sub(apart).max(took / LEAST_PART);
        Self { bytes, took, per_sstable }
    }

    /// Bytes of Data.db a second, each written once and read back once.
    #[must_use]
    pub fn bytes_per_second(&self) -> u64 {
        let nanos = self.took.as_nanos().max(1);
        let rate = u128::from(self.bytes).saturating_mul(1_000_000_000) / nanos;
        u64::try_from(rate).unwrap_or(u64::MAX).max(1)
    }

    /// How long that work takes.
    #[must_use]
    pub fn time_for(&self, work: Work) -> Duration {
        let nanos = self.took.as_nanos().saturating_mul(u128::from(work.bytes));
        let nanos = nanos / u128::from(self.bytes.max(1));
        let of_bytes = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        let files = self.per_sstable.as_nanos().saturating_mul(u128::from(work.sstables));
        of_bytes.saturating_add(Duration::from_nanos(u64::try_from(files).unwrap_or(u64::MAX)))
    }
}

/// At least so small a part of the time of trials is that of bytes.
const LEAST_PART: u32 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_is_that_of_bytes_and_of_sstables() {
        let measured = Measured::new(400 * MIB, 10, seconds(5), Duration::from_millis(100));
        assert_eq!(measured.took, seconds(4));
        assert_eq!(measured.bytes_per_second(), 100 * MIB);
        let of = |sstables, bytes| measured.time_for(Work { sstables, bytes });
        assert_eq!(of(0, 0), Duration::ZERO);
        assert_eq!(of(0, 6000 * MIB), seconds(60));
        assert_eq!(of(10_000, 0), seconds(1000), "many small ones");
        assert_eq!(of(20, 200 * MIB), seconds(4));
    }

    #[test]
    fn an_unlikely_measurement_still_gives_a_time() {
        let files_alone = Measured::new(MIB, 100, seconds(4), seconds(1));
        assert_eq!(files_alone.took, seconds(1), "a part is always that of bytes");
        let nothing = Measured::new(0, 0, Duration::ZERO, Duration::ZERO);
        assert_eq!(nothing.bytes_per_second(), 1);
        let most = Work { sstables: u64::MAX, bytes: u64::MAX };
        assert_eq!(nothing.time_for(most), Duration::ZERO);
        assert!(files_alone.time_for(most) > seconds(1 << 33));
    }
}
