//! Some partitions of an index, to be looked up in another one.

use std::fmt;

use zeroize::Zeroizing;

use super::index::Step;

/// A partition that was taken.
pub struct Sampled {
    /// The way to it in the trie.
    pub path: Zeroizing<Vec<u8>>,
    /// Its position in Data.db.
    pub position: u64,
    /// The key in its entry, if it has one.
    pub key: Option<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Sampled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sampled").field("position", &self.position).finish_non_exhaustive()
    }
}

/// Takes partitions at even distances, however many come.
#[derive(Default)]
pub(super) struct Sampler {
    path: Zeroizing<Vec<u8>>,
    taken: Vec<Sampled>,
    seen: u64,
    /// Every so many-th is taken; doubled whenever there are too many.
    stride: u64,
    /// The number of the next one.
    next: u64,
}

impl Sampler {
    pub(super) fn step(&mut self, step: Step<'_>) {
        match step {
            Step::Down(character) => self.down(character),
            Step::Up => {
                self.path.pop();
            }
            Step::Data(_, position) => self.partition(position, None),
            Step::Leaf(character, _, position) => {
                self.down(character);
                self.partition(position, None);
                self.path.pop();
            }
            Step::Entry(_, entry) => self.partition(entry.data_position, Some(&entry.key)),
        }
    }

    fn partition(&mut self, position: u64, key: Option<&Zeroizing<Vec<u8>>>) {
        let number = self.seen;
        self.seen = self.seen.saturating_add(1);
        if number < self.next {
            return;
        }
        let (path, key) = (self.path.clone(), key.cloned());
        self.taken.push(Sampled { path, position, key });
        self.stride = self.stride.max(1);
        self.next = number.saturating_add(self.stride);
        if self.taken.len() >= MOST {
            // The next one is a multiple of the new stride, too, since so many is even.
            self.stride = self.stride.saturating_mul(2);
            let mut number = 0_usize;
            self.taken.retain(|_| {
                number = number.saturating_add(1);
                number % 2 == 1
            });
        }
    }

    pub(super) fn into_taken(self) -> Vec<Sampled> {
        self.taken
    }

    fn down(&mut self, character: u8) {
        if self.path.len() == self.path.capacity() {
            // So that no part of a key remains in a freed buffer.
            let mut longer = Vec::with_capacity(self.path.len().saturating_mul(2).max(64));
            longer.extend_from_slice(&self.path);
            self.path = Zeroizing::new(longer);
        }
        self.path.push(character);
    }
}

/// Partitions at the most, less one.
const MOST: usize = 32;
