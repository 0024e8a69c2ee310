//! Sets of ranges.

use std::collections::BTreeMap;

/// A set of numbers, kept as runs of consecutive ones: the finished ranges of an SSTable have few
/// gaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RangeSet {
    /// First number of each run, and the number after its last.
    runs: BTreeMap<u64, u64>,
}

impl RangeSet {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { runs: BTreeMap::new() }
    }

    /// Adds `count` numbers from `first` on. Returns false and adds nothing when one of them is
    /// already in the set, or does not exist.
    pub fn insert(&mut self, first: u64, count: u64) -> bool {
        let Some(end) = first.checked_add(count).filter(|end| *end > first) else { return false };
        let before = self.runs.range(..end).next_back().map(|(start, end)| (*start, *end));
        if before.is_some_and(|(_, before_end)| before_end > first) {
            return false;
        }
        let start = match before {
            Some((start, before_end)) if before_end == first => start,
            _ => first,
        };
        let end = self.runs.remove(&end).unwrap_or(end);
        self.runs.insert(start, end);
        true
    }

    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|(start, end)| end.saturating_sub(*start)).sum()
    }

    /// The first number that is not in the set.
    #[must_use]
    pub fn first_missing(&self) -> u64 {
        self.runs.get(&0).copied().unwrap_or_default()
    }

    /// The number after the last one.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.runs.last_key_value().map_or(0, |(_, end)| *end)
    }

    /// The numbers below `end` that are not in the set.
    #[must_use]
    pub fn missing(&self, end: u64) -> Missing {
        let (mut gaps, mut next, mut count) = (Vec::new(), 0, 0_u64);
        for (start, stop) in self.runs.iter().map(|(a, b)| (*a, *b)).chain([(end, end)]) {
            let start = start.min(end);
            if start > next {
                gaps.push((count, next));
                count = count.saturating_add(start.saturating_sub(next));
            }
            next = next.max(stop);
        }
        Missing { gaps, count }
    }
}

/// The numbers that a set lacks, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Missing {
    /// How many missing numbers precede the gap, and its first number.
    gaps: Vec<(u64, u64)>,
    count: u64,
}

impl Missing {
    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The `index`th of them, which must exist.
    #[must_use]
    pub fn nth(&self, index: u64) -> u64 {
        let at = self.gaps.partition_point(|(before, _)| *before <= index);
        let gap = at.checked_sub(1).and_then(|at| self.gaps.get(at));
        gap.map_or(index, |(before, first)| first.saturating_add(index.saturating_sub(*before)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(runs in proptest::collection::vec((0_u64..40, 0_u64..6), 0..12)) {
            let (mut set, mut model) = (RangeSet::default(), BTreeSet::new());
            for (first, count) in runs {
                let numbers: Vec<u64> = (first..first + count).collect();
                let fits = count > 0 && numbers.iter().all(|number| !model.contains(number));
                prop_assert_eq!(set.insert(first, count), fits);
                if fits {
                    model.extend(numbers);
                }
                let missing: Vec<u64> = (0..50).filter(|number| !model.contains(number)).collect();
                let found = set.missing(50);
                let listed: Vec<u64> = (0..found.count()).map(|index| found.nth(index)).collect();
                prop_assert_eq!(&listed, &missing);
                prop_assert_eq!(set.first_missing(), missing[0]);
                prop_assert_eq!(set.count(), model.len() as u64);
                prop_assert_eq!(set.end(), model.last().map_or(0, |last| last + 1));
            }
        }
    }

    #[test]
    fn ranges_do_not_overflow() {
        let mut set = RangeSet::default();
        assert!(!set.insert(u64::MAX, 2));
        assert!(set.insert(u64::MAX - 1, 1));
        assert_eq!(set.missing(3).count(), 3);
    }
}
