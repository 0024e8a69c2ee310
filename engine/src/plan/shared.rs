//! What many SSTables say in the same words, kept once: a table of 100,000 of them has one set of
//! options, and a plan holds the facts of all.

use std::sync::{Arc, Mutex};

use super::facts::{Facts, Shape};
use crate::options::{ChunkScheme, OptionMap};

/// Options that were met, as text and as what they mean.
#[derive(Debug, Default)]
pub(super) struct Shared {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    options: Vec<OptionMap>,
    schemes: Vec<Arc<ChunkScheme>>,
}

impl Shared {
    /// Lets an SSTable's facts refer to what others have said before it.
    pub(super) fn share(&self, mut facts: Facts) -> Facts {
        // Without it they only take more room.
        let Ok(mut known) = self.known.lock() else { return facts };
        if let Some(header) = &mut facts.header {
            one_of(&mut known.options, &mut header.options);
        }
        if let Shape::Chunked { scheme, .. } = &mut facts.shape {
            one_of(&mut known.schemes, scheme);
        }
        facts
    }
}

fn one_of<T: Clone + PartialEq>(known: &mut Vec<T>, value: &mut T) {
    match known.iter().find(|other| *other == value) {
        Some(same) => *value = same.clone(),
        None if known.len() < MOST => known.push(value.clone()),
        None => {}
    }
}

/// More options than a site has: one for each table and each change of them.
const MOST: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_equal_is_kept_once_and_what_is_not_is_kept_as_it_is() {
        let text = |value: &str| Arc::new(value.to_owned());
        let mut known = Vec::new();
        let (mut first, mut again, mut other) = (text("a"), text("a"), text("b"));
        for value in [&mut first, &mut again, &mut other] {
            one_of(&mut known, value);
        }
        assert!(Arc::ptr_eq(&first, &again));
        assert_eq!((again.as_str(), other.as_str(), known.len()), ("a", "b", 2));
        for number in 0..2 * MOST {
            one_of(&mut known, &mut text(&number.to_string()));
        }
        assert_eq!(known.len(), MOST);
    }
}
