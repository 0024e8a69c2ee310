//! Files beside the tables: commit log segments, hints, saved caches.

mod inspection;
mod node;
mod properties;
mod rewriting;

pub(crate) use node::{Files, Node};

use super::kit::system::{Hints, Scheme, Segment, mutations};

/// Sections of some mutations each.
pub(crate) fn sections(count: usize) -> Vec<Vec<u8>> {
    let body = |section: usize, number: usize| {
        format!("section {section}, mutation {number} ").repeat(1 + number % 5).into_bytes()
    };
    (0..count)
        .map(|section| {
            let bodies: Vec<_> = (0..20 + section).map(|number| body(section, number)).collect();
            mutations(&bodies)
        })
        .collect()
}

pub(crate) fn segment(scheme: Scheme) -> Segment {
    Segment::new(1_700_000_000_001, scheme, sections(4))
}

pub(crate) fn hints(scheme: Scheme) -> Hints {
    Hints::new(1_700_000_000_002, scheme, sections(3))
}
