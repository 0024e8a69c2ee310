//! Random files.

use proptest::prelude::*;
use rekey_engine::io::LocalStorage;

use super::{Files, Node};
use crate::kit::system::{Hints, Segment, mutations};
use crate::properties::config;

proptest! {
    #![proptest_config(config(24))]

    /// Whatever the sections hold, and however long they are, a node reads the same at the same
    /// positions.
    #[test]
    fn random_sections_and_blocks_read_the_same(
        sections in prop::collection::vec(
            prop::collection::vec(prop::collection::vec(any::<u8>(), 0..2000), 1..6),
            1..6,
        ),
    ) {
        let node = Node::new();
        let parts: Vec<_> = sections.iter().map(|bodies| mutations(bodies)).collect();
        let files = Files {
            segments: vec![Segment::new(1_700_000_000_001, node.old(), parts.clone())],
            hints: vec![Hints::new(1_700_000_000_002, node.old(), parts)],
        };
        node.put(&files);
        let report = node.run(Box::new(LocalStorage)).unwrap();
        prop_assert_eq!(report.failures().count(), 0);
        prop_assert_eq!(node.check_finished(&files), Ok(()));
    }
}
