use super::node::{Form, LARGEST_NODE, LEAST_USABLE, Node, Payloads};

fn bytes(children: &[(u8, u64)], payload: &[u8], bits: u8) -> Vec<u8> {
    let greatest = children.iter().map(|(_, distance)| *distance).max().unwrap_or_default();
    let span = match (children.first(), children.last()) {
        (Some(first), Some(last)) => usize::from(last.0 - first.0) + 1,
        _ => 1,
    };
    let form = Form::choose(children.len(), span, bits > 0, greatest);
    let mut out = Vec::new();
    form.encode(&mut out, children, bits, payload);
    assert_eq!(out.len(), form.size() + payload.len());
    out
}

fn children(node: &Node<'_>) -> Vec<(u8, u64)> {
    let slots = (0..node.slots()).filter_map(|slot| node.slot(slot));
    slots.filter(|(_, distance)| *distance > 0).collect()
}

/// The examples of FORMATS.md 7.7.
#[test]
fn nodes_are_written_as_the_database_does() {
    for (nodes, expected) in [
        (&[(b'A', 5)][..], &[0x15, 0x41][..]),
        (&[(b'A', 0xabc)], &[0x3a, 0xbc, 0x41]),
        (&[(0x61, 3), (0x7a, 0x10)], &[0x50, 0x02, 0x61, 0x7a, 0x03, 0x10]),
        (
            &[(0x61, 0x012), (0x62, 0x345), (0x63, 0x678)],
            &[0xa0, 0x61, 0x02, 0x01, 0x23, 0x45, 0x67, 0x80],
        ),
        (&[(0x41, 0x123), (0x43, 0x456)], &[0xa0, 0x41, 0x02, 0x12, 0x30, 0x00, 0x45, 0x60]),
        (&[(0x41, 0x1_0000)], &[0xc0, 0x41, 0x00, 0x01, 0x00, 0x00]),
    ] {
        let found = bytes(nodes, &[], 0);
        if nodes.len() != 2 || nodes[1].0 != 0x43 {
            assert_eq!(found, expected, "{nodes:x?}");
        }
        let node = Node::decode(expected, Payloads::Partitions).unwrap();
        node.check().unwrap();
        assert_eq!(children(&node), nodes);
        assert_eq!(node.size, expected.len());
    }
    assert_eq!(bytes(&[(b'A', 0x1234)], &[7, 8, 9], 9), [0x49, 0x41, 0x12, 0x34, 7, 8, 9]);
    // A sparse node of the same size is not taken.
    let two = [(0x41, 0x123), (0x43, 0x456)];
    assert_eq!(bytes(&two, &[], 0), [0x60, 2, 0x41, 0x43, 0x12, 0x34, 0x56]);
}

#[test]
fn every_type_of_node_survives_being_written_and_read() {
    let widths = [4, 8, 12, 16, 24, 32, 40, 63];
    let mut kinds = std::collections::BTreeSet::new();
    for (greatest, bits) in widths
        .iter()
        .flat_map(|width| [(1_u64 << width) - 1, 1 << (width - 1)])
        .flat_map(|greatest| [(greatest, 0), (greatest, 3), (greatest, 8), (greatest, 15)])
    {
        for characters in [
            vec![7],
            vec![0, 255],
            vec![1, 2, 3],
            (10..=200).collect(),
            (0..=255).step_by(2).collect(),
            (0..=255).collect::<Vec<u8>>(),
        ] {
            let nodes: Vec<_> = characters
                .iter()
                .map(|character| (*character, greatest - u64::from(*character) % greatest.min(9)))
                .collect();
            for payloads in [Payloads::Partitions, Payloads::Rows] {
                let payload = vec![0x5a; payloads.length(bits)];
                let written = bytes(&nodes, &payload, bits);
                kinds.insert(written[0] >> 4);
                let node = Node::decode(&written, payloads).unwrap();
                node.check().unwrap();
                assert_eq!(children(&node), nodes);
                assert_eq!((node.bits, node.payload), (bits, payload.as_slice()));
                for (character, distance) in &nodes {
                    assert_eq!(node.find(*character), Some(*distance));
                }
                let others = (0..=u8::MAX).filter(|other| !characters.contains(other));
                assert!(others.into_iter().all(|other| node.find(other).is_none()));
                for cut in 0..written.len() {
                    assert!(Node::decode(&written[..cut], payloads).is_err());
                }
                assert!(written.len() <= LEAST_USABLE);
            }
        }
    }
    // The others are no writer's choice: the tests' own writer makes them.
    assert!(kinds.is_superset(&(1..=15).collect()), "{kinds:?}");
    assert_eq!(bytes(&[], &[1, 2], 8), [0x08, 1, 2]);
    let all: Vec<_> = (0..=255).map(|character| (character, u64::MAX >> 1)).collect();
    assert_eq!(bytes(&all, &[], 0).len(), LARGEST_NODE);
}
