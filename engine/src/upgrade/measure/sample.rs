//! Which parts of which SSTables are tried.

use std::collections::BTreeMap;
use std::ops::Range;

/// An SSTable of which parts may be tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// What it is and becomes: SSTables of a kind take the same time for a byte.
    pub(super) kind: String,
    /// Its length in ranges.
    pub(super) ranges: u64,
    /// Bytes of its Data.db.
    pub(super) bytes: u64,
}

/// Gives out parts, none twice: what was read before is read from memory.
#[derive(Debug)]
pub(super) struct Sampler {
    candidates: Vec<Candidate>,
    /// The first range of each that was not given out.
    next: Vec<u64>,
    /// The candidates of each kind, biggest first, with its part of all bytes in thousandths.
    kinds: Vec<(Vec<usize>, u64)>,
}

impl Sampler {
    pub(super) fn new(candidates: Vec<Candidate>) -> Self {
        let mut kinds: BTreeMap<&str, (Vec<usize>, u128)> = BTreeMap::new();
        let mut total = 0_u128;
        for (index, candidate) in candidates.iter().enumerate() {
            let kind = kinds.entry(&candidate.kind).or_default();
            kind.0.push(index);
            kind.1 = kind.1.saturating_add(u128::from(candidate.bytes));
            total = total.saturating_add(u128::from(candidate.bytes));
        }
        let part = |bytes: u128| {
            let part = bytes.saturating_mul(1000).checked_div(total).unwrap_or_default();
            u64::try_from(part).unwrap_or(1000)
        };
        let mut kinds: Vec<_> =
            kinds.into_values().map(|(indices, bytes)| (indices, part(bytes))).collect();
        let size = |index: &usize| candidates.get(*index).map_or(0, |candidate| candidate.bytes);
        for (indices, _) in &mut kinds {
            indices.sort_by_key(|index| std::cmp::Reverse(size(index)));
        }
        let next = vec![0; candidates.len()];
        Self { candidates, next, kinds }
    }

    /// About so many ranges of at most so many SSTables of each kind, each kind by its part of the
    /// whole; nothing when all was given out.
    pub(super) fn round(&mut self, ranges: u64, most: usize) -> Vec<(usize, Range<u64>)> {
        let mut parts = Vec::new();
        for (indices, part) in &self.kinds {
            let is_left = |index: &&usize| {
                let ranges = self.candidates.get(**index).map_or(0, |candidate| candidate.ranges);
                self.next.get(**index).is_some_and(|next| *next < ranges)
            };
            let left: Vec<usize> = indices.iter().filter(is_left).take(most).copied().collect();
            let wanted = ranges.saturating_mul(*part) / 1000;
            let count = u64::try_from(left.len()).unwrap_or(u64::MAX).max(1);
            let each = wanted.div_ceil(count).max(1);
            for index in left.iter().take(usize::try_from(wanted.max(1)).unwrap_or(most)) {
                let (Some(candidate), Some(next)) =
                    (self.candidates.get(*index), self.next.get_mut(*index))
                else {
                    continue;
                };
                let end = next.saturating_add(each).min(candidate.ranges);
                parts.push((*index, *next..end));
                *next = end;
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(kind: &str, ranges: u64) -> Candidate {
        Candidate { kind: kind.to_owned(), ranges, bytes: ranges << 20 }
    }

    #[test]
    fn each_kind_has_its_part_and_no_range_is_tried_twice() {
        let big = [candidate("a", 90), candidate("b", 25), candidate("a", 60), candidate("b", 25)];
        let mut sampler = Sampler::new(big.to_vec());
        let first = sampler.round(20, 8);
        assert_eq!(first, [(0, 0..8), (2, 0..8), (1, 0..3), (3, 0..3)]);
        let second = sampler.round(20, 1);
        assert_eq!(second, [(0, 8..23), (1, 3..8)]);
        let mut seen = vec![0; 4];
        for (index, range) in first.into_iter().chain(second) {
            seen[index] += range.end - range.start;
        }
        while let Some(parts) = Some(sampler.round(50, 8)).filter(|parts| !parts.is_empty()) {
            parts.into_iter().for_each(|(index, range)| seen[index] += range.end - range.start);
        }
        assert_eq!(seen, [90, 25, 60, 25], "everything once");
    }

    #[test]
    fn small_ones_are_tried_whole_and_no_more_than_asked_for() {
        let small = vec![candidate("a", 1); 1000];
        let mut sampler = Sampler::new(small);
        assert_eq!(sampler.round(10, 24).len(), 10);
        assert_eq!(sampler.round(100, 24).len(), 24);
        assert!(Sampler::new(vec![]).round(10, 4).is_empty());
        assert!(Sampler::new(vec![candidate("a", 0)]).round(10, 4).is_empty());
    }
}
