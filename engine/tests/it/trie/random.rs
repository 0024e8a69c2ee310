//! Indices by the tests' own writer: any valid nodes, packed as no database does.

use super::{Encryption, Files, WHOLE, belongs, encrypt, relay, relay_clear};
use crate::kit::trie as own;
use crate::kit::trie::{Index, Partition, Rows};
use rekey_engine::trie::{Stored, Storing};

/// Numbers that look random: always the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }

    fn bytes(&mut self, count: u64) -> Vec<u8> {
        (0..count).map(|_| u8::try_from(self.roll(256)).unwrap()).collect()
    }
}

/// What an index has of each kind.
struct Shape {
    partitions: u64,
    /// One in so many partitions has a row index.
    indexed: u64,
    blocks: u64,
    /// Bytes of a key, at the most.
    key: u64,
    /// Bytes that all keys share.
    shared: usize,
}

/// The shortest prefixes by which sorted keys differ.
fn prefixes(keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let shared = |a: &[u8], b: &[u8]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    (0..keys.len())
        .map(|at| {
            let before = at.checked_sub(1).map(|before| shared(&keys[before], &keys[at]));
            let after = keys.get(at + 1).map(|after| shared(after, &keys[at]));
            let longest = before.into_iter().chain(after).max();
            keys[at][..longest.map_or(0, |longest| longest + 1)].to_vec()
        })
        .collect()
}

/// Sorted, different, and none the beginning of another one.
fn keys(dice: &mut Dice, count: u64, longest: u64, shared: usize) -> Vec<Vec<u8>> {
    let head = dice.bytes(shared as u64);
    let mut keys: Vec<Vec<u8>> = (0..count)
        .map(|number| {
            let length = dice.roll(longest) + 1;
            // Some branch widely, some not at all.
            let few = u8::try_from(dice.roll(255) + 1).unwrap();
            let own = dice.bytes(length).into_iter().map(|byte| byte % few);
            let end = number.to_be_bytes();
            head.iter().copied().chain(own).chain([0xff]).chain(end).collect()
        })
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

fn index(seed: u64, shape: &Shape) -> (Index, u64) {
    let mut dice = Dice(seed);
    let keys = keys(&mut dice, shape.partitions, shape.key, shape.shared);
    let mut data = 0;
    let mut partitions = Vec::new();
    for (key, path) in keys.iter().zip(prefixes(&keys)) {
        let own_key: Vec<u8> = key.iter().copied().take(65_535).collect();
        let indexed = shape.indexed > 0 && dice.roll(shape.indexed) == 0;
        let hash = (dice.roll(20) > 0).then(|| u8::try_from(dice.roll(256)).unwrap());
        let mut end = dice.roll(5000) + 20;
        let rows = indexed.then(|| {
            let separators = self::keys(&mut dice, shape.blocks, 40, 3);
            let paths = prefixes(&separators);
            let mut offset = dice.roll(200);
            let (bits, payload) = own::block(offset, None);
            let mut blocks = vec![(vec![], bits, payload)];
            for path in paths.into_iter().filter(|path| !path.is_empty()) {
                offset += dice.roll(70_000) + 1;
                let deletion = (dice.roll(4) == 0).then(|| dice.bytes(12).try_into().unwrap());
                let (bits, payload) = own::block(offset, deletion);
                blocks.push((path, bits, payload));
            }
            end = offset + 1;
            let mut deletion = dice.bytes(12);
            deletion[0] &= 0x7f;
            let deletion = if dice.roll(2) == 0 { vec![0x80] } else { deletion };
            Rows { key: own_key, deletion, count: blocks.len() as u64 - 1, blocks }
        });
        partitions.push(Partition { path, hash, data, rows });
        data += end;
    }
    let cut = |key: &[u8]| key.iter().copied().take(65_535).collect::<Vec<u8>>();
    let index = Index {
        count: partitions.len() as u64,
        first_key: cut(&keys[0]),
        last_key: cut(&keys[keys.len() - 1]),
        partitions,
    };
    (index, data)
}

fn shapes() -> Vec<Shape> {
    let shape = |partitions, indexed, blocks, key, shared| Shape {
        partitions,
        indexed,
        blocks,
        key,
        shared,
    };
    vec![
        shape(1, 0, 0, 3, 0),
        shape(1, 1, 2, 30, 0),
        shape(2, 1, 1, 5, 2),
        shape(300, 3, 20, 12, 0),
        shape(5000, 0, 0, 8, 0),
        shape(3000, 50, 300, 60, 1),
        shape(40, 2, 2000, 20, 9000),
        // Keys of about a page, and longer than some.
        shape(60, 1, 3, 4000, 0),
        shape(30, 1, 3, 10, 3780),
        shape(12, 1, 40, 60_000, 30),
    ]
}

#[test]
fn any_index_goes_through_every_geometry_and_stays_the_same() {
    for (seed, shape) in (1..).zip(shapes()) {
        let (index, data) = index(seed, &shape);
        let (partitions, rows) = own::write(&index, WHOLE);
        let written = Files { partitions, rows };
        assert!(own::read(&written.partitions, &written.rows, WHOLE) == index, "no test");
        // 4096 -> 3823 -> 3807 -> 4063 -> 4096
        let plain = relay_clear(&written, WHOLE, WHOLE, belongs(data)).unwrap();
        assert!(own::read(&plain.partitions, &plain.rows, WHOLE) == index);
        let mut files = encrypt(&written, 3823, belongs(data)).unwrap();
        let mut from = Encryption::of(3823);
        for usable in [3807, 4063] {
            let to = Encryption::of(usable);
            let stored = Stored::Encrypted(&from.opener);
            let storing = (Storing::Encrypted(&to.sealer), Stored::Encrypted(&to.opener));
            files = relay(&files, stored, storing, belongs(data)).unwrap().0;
            let opened = to.open(&files);
            let last = opened.partitions.len() % WHOLE;
            assert_eq!(last, usable, "the footer is at the end of the usable bytes");
            let read = own::read(&opened.partitions, &opened.rows, usable);
            assert!(read == index, "seed {seed}, {usable}");
            from = to;
        }
        let stored = Stored::Encrypted(&from.opener);
        let back = relay(&files, stored, (Storing::CLEAR, Stored::CLEAR), belongs(data)).unwrap().0;
        assert!(back == plain, "seed {seed}: the same bytes, whatever was between");
    }
}

/// Clear pages with holes: what the tests' own writer makes of them, and what the engine does.
#[test]
fn pages_with_holes_are_read_from_any_writer() {
    for (seed, shape) in (100..).zip(shapes()) {
        let (index, data) = index(seed, &shape);
        for usable in [2070, 3000, 3807, 4095] {
            let (mut partitions, mut rows) = own::write(&index, usable);
            own::fill_holes(&mut partitions, usable);
            own::fill_holes(&mut rows, usable);
            let files = Files { partitions, rows };
            assert!(own::read(&files.partitions, &files.rows, usable) == index, "no test");
            let again = relay_clear(&files, usable, usable, belongs(data)).unwrap();
            assert!(own::read(&again.partitions, &again.rows, usable) == index, "{seed}");
            let whole = relay_clear(&files, usable, WHOLE, belongs(data)).unwrap();
            assert!(own::read(&whole.partitions, &whole.rows, WHOLE) == index, "{seed}");
        }
    }
}

/// Older readers skip a key that crosses a hole by its length alone, and go wrong (FORMATS.md 7.8).
#[test]
fn no_key_crosses_a_hole_that_need_not() {
    let mut crossing = 0;
    for (seed, shape) in (200..).zip(shapes()) {
        let (index, data) = index(seed, &shape);
        let (partitions, rows) = own::write(&index, WHOLE);
        let written = Files { partitions, rows };
        for usable in [3807, 3823, 4063] {
            let opened =
                Encryption::of(usable).open(&encrypt(&written, usable, belongs(data)).unwrap());
            for (start, length) in own::keys(&opened.partitions, &opened.rows, usable) {
                assert!(start % WHOLE < usable, "a position in a hole");
                let crosses = start % WHOLE + length > usable;
                assert!(!crosses || length > usable, "seed {seed}, {usable}");
                crossing += usize::from(crosses);
            }
        }
    }
    assert!(crossing > 0, "keys longer than a page do");
}
