//! What is done of a pass over an SSTable, and what of that is not journalled yet.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

use crate::journal::{Checkpoint, Run};
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::input::OrderedCrc;
use crate::rewrite::lock::lock;

/// The result of a range.
#[derive(Debug, Clone)]
pub(in crate::rewrite) struct Note {
    /// CRC32 and bytes in the old file; `None` where only the new one is read.
    pub(in crate::rewrite) old: (crc32fast::Hasher, u64),
    /// The same in the new one.
    pub(in crate::rewrite) new: (crc32fast::Hasher, u64),
    /// Of its plaintext.
    pub(in crate::rewrite) digest: PlainDigest,
}

/// A run of ranges with their checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::rewrite) struct RunSums {
    pub(in crate::rewrite) run: Run,
    pub(in crate::rewrite) old_crc: u32,
    pub(in crate::rewrite) new_crc: u32,
}

/// Ranges that are to be journalled together.
#[derive(Debug)]
pub(in crate::rewrite) struct Batch {
    notes: BTreeMap<u64, Note>,
}

/// Shared by the pieces of a pass.
#[derive(Debug)]
pub(in crate::rewrite) struct Progress {
    state: Mutex<State>,
    checkpoint: Checkpoint,
}

#[derive(Debug)]
struct State {
    old_crc: OrderedCrc,
    new_crc: OrderedCrc,
    digest: PlainDigest,
    /// Made, and not yet written.
    held: BTreeMap<u64, Note>,
    /// Written, and not yet journalled.
    written: BTreeMap<u64, Note>,
    bytes: u64,
    since: Instant,
}

impl Progress {
    /// Nothing is done.
    pub(in crate::rewrite) fn new(seed: u64, checkpoint: Checkpoint) -> Self {
        let state = State {
            old_crc: OrderedCrc::default(),
            new_crc: OrderedCrc::default(),
            digest: PlainDigest::seeded(seed),
            held: BTreeMap::new(),
            written: BTreeMap::new(),
            bytes: 0,
            since: Instant::now(),
        };
        Self { state: Mutex::new(state), checkpoint }
    }

    /// Adds what an earlier run has done.
    pub(in crate::rewrite) fn restore(&self, sums: &RunSums) {
        let RunSums { run, old_crc, new_crc } = *sums;
        let hasher = crc32fast::Hasher::new_with_initial_len;
        let mut state = lock(&self.state);
        state.old_crc.add_run(run.first, run.count, hasher(old_crc, run.old_bytes));
        state.new_crc.add_run(run.first, run.count, hasher(new_crc, run.new_bytes));
    }

    /// Adds the digest of what an earlier run has done.
    pub(in crate::rewrite) fn restore_digest(&self, digest: &PlainDigest) {
        lock(&self.state).digest.merge(digest);
    }

    /// A range was built, and is about to be written.
    pub(in crate::rewrite) fn hold(&self, range: u64, note: Note) {
        lock(&self.state).held.insert(range, note);
    }

    /// Ranges that were held back have been written.
    pub(in crate::rewrite) fn written(&self, ranges: &[u64]) {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        for range in ranges {
            let Some(note) = state.held.remove(range) else { continue };
            state.old_crc.add_run(*range, 1, note.old.0.clone());
            state.new_crc.add_run(*range, 1, note.new.0.clone());
            state.digest.merge(&note.digest);
            state.bytes = state.bytes.saturating_add(note.old.1.max(note.new.1));
            state.written.insert(*range, note);
        }
    }

    /// Whether it is time for a checkpoint.
    pub(in crate::rewrite) fn is_due(&self) -> bool {
        let state = lock(&self.state);
        state.bytes > 0
            && (state.bytes >= self.checkpoint.bytes
                || state.since.elapsed() >= self.checkpoint.every)
    }

    /// Takes what was written: all of it, or what follows range `next` without a gap. What is
    /// written from now on belongs to the next checkpoint.
    pub(in crate::rewrite) fn take(&self, next: Option<u64>) -> Batch {
        let mut guard = lock(&self.state);
        let state = &mut *guard;
        (state.bytes, state.since) = (0, Instant::now());
        let all = std::mem::take(&mut state.written);
        let (mut notes, mut gaps, mut expected) = (BTreeMap::new(), 0, next);
        let mut all = all.into_iter();
        for (range, note) in all.by_ref() {
            let last = notes.last_key_value().map(|(last, _): (&u64, _)| *last);
            if last.and_then(|last| last.checked_add(1)) != Some(range) {
                gaps += 1;
            }
            if gaps > MOST_RUNS || expected.is_some_and(|expected| expected != range) {
                state.written.insert(range, note);
                break;
            }
            expected = expected.map(|expected| expected.saturating_add(1));
            notes.insert(range, note);
        }
        state.written.extend(all);
        Batch { notes }
    }

    /// Returns what could not be journalled.
    pub(in crate::rewrite) fn put_back(&self, batch: Batch) {
        let mut state = lock(&self.state);
        let bytes = batch.notes.values().map(|note| note.old.1.max(note.new.1));
        state.bytes = bytes.fold(state.bytes, u64::saturating_add);
        state.written.extend(batch.notes);
    }

    /// The CRC32 of the whole old file and of the whole new one, if all ranges are done.
    pub(in crate::rewrite) fn crcs(&self, ranges: u64) -> (Option<u32>, Option<u32>) {
        let state = lock(&self.state);
        (state.old_crc.value(ranges), state.new_crc.value(ranges))
    }

    /// The digest of all that is done.
    pub(in crate::rewrite) fn digest(&self) -> PlainDigest {
        lock(&self.state).digest
    }
}

impl Batch {
    /// Whether it is empty.
    pub(in crate::rewrite) fn is_empty(&self) -> bool {
        self.notes.is_empty()
    }

    /// The range after the last one.
    pub(in crate::rewrite) fn end(&self) -> Option<u64> {
        self.notes.last_key_value().map(|(last, _)| last.saturating_add(1))
    }

    /// Neighbours joined, and the digest of all.
    pub(in crate::rewrite) fn sums(&self, seed: u64) -> (Vec<RunSums>, PlainDigest) {
        let mut digest = PlainDigest::seeded(seed);
        let mut runs: Vec<(Run, crc32fast::Hasher, crc32fast::Hasher)> = Vec::new();
        for (range, note) in &self.notes {
            digest.merge(&note.digest);
            if let Some((run, old, new)) = runs.last_mut()
                && run.first.saturating_add(run.count) == *range
            {
                run.count = run.count.saturating_add(1);
                run.old_bytes = run.old_bytes.saturating_add(note.old.1);
                run.new_bytes = run.new_bytes.saturating_add(note.new.1);
                old.combine(&note.old.0);
                new.combine(&note.new.0);
                continue;
            }
            let (old_bytes, new_bytes) = (note.old.1, note.new.1);
            let run = Run { first: *range, count: 1, old_bytes, new_bytes };
            runs.push((run, note.old.0.clone(), note.new.0.clone()));
        }
        let sums = runs.into_iter().map(|(run, old, new)| RunSums {
            run,
            old_crc: old.finalize(),
            new_crc: new.finalize(),
        });
        (sums.collect(), digest)
    }
}

/// This many fit a record; more wait for the next.
const MOST_RUNS: usize = 1000;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn note(bytes: &[u8]) -> Note {
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(bytes);
        let mut digest = PlainDigest::seeded(7);
        digest.add(u64::from(bytes[0]), bytes);
        let length = bytes.len() as u64;
        Note { old: (hasher.clone(), length), new: (hasher, length), digest }
    }

    fn progress(bytes: u64) -> Progress {
        Progress::new(7, Checkpoint { bytes, every: Duration::from_secs(3600) })
    }

    fn finish(progress: &Progress, range: u64) {
        progress.hold(range, note(&[u8::try_from(range).unwrap(); 5]));
        progress.written(&[range]);
    }

    fn runs(batch: &Batch) -> Vec<(u64, u64)> {
        batch.sums(7).0.iter().map(|sums| (sums.run.first, sums.run.count)).collect()
    }

    #[test]
    fn only_written_ranges_are_taken_and_once() {
        let progress = progress(10);
        progress.hold(3, note(&[3; 5]));
        assert!(!progress.is_due());
        finish(&progress, 1);
        finish(&progress, 0);
        assert!(progress.is_due());
        let batch = progress.take(None);
        assert_eq!(runs(&batch), [(0, 2)]);
        assert!(!progress.is_due() && progress.take(None).is_empty());
        progress.written(&[3]);
        assert_eq!(runs(&progress.take(None)), [(3, 1)]);
        progress.put_back(batch);
        assert!(progress.is_due());
        assert_eq!(runs(&progress.take(None)), [(0, 2)]);
    }

    #[test]
    fn in_order_only_ranges_before_a_gap_are_taken() {
        let progress = progress(1);
        for range in [1, 2, 4] {
            finish(&progress, range);
        }
        assert!(progress.take(Some(0)).is_empty());
        finish(&progress, 0);
        let batch = progress.take(Some(0));
        assert_eq!((runs(&batch), batch.end()), (vec![(0, 3)], Some(3)));
        finish(&progress, 3);
        assert_eq!(runs(&progress.take(Some(3))), [(3, 2)]);
    }

    #[test]
    fn many_gaps_are_left_for_the_next_record() {
        let progress = progress(1);
        for range in (0..250).step_by(2) {
            finish(&progress, range);
        }
        // All of it fits; a record of this many runs is far below the longest.
        assert_eq!(runs(&progress.take(None)).len(), 125);
        const { assert!(MOST_RUNS * 41 < 60_000) }
    }

    #[test]
    fn restored_work_counts_as_done() {
        let first = progress(1);
        for range in [0, 1, 3] {
            finish(&first, range);
        }
        let (sums, digest) = first.take(None).sums(7);
        let second = progress(1);
        sums.iter().for_each(|sums| second.restore(sums));
        second.restore_digest(&digest);
        assert_eq!(second.crcs(4), (None, None));
        finish(&second, 2);
        finish(&first, 2);
        assert!(first.crcs(4).0.is_some());
        assert_eq!((second.crcs(4), second.digest()), (first.crcs(4), first.digest()));
        assert_eq!(runs(&second.take(None)), [(2, 1)]);
    }
}
