//! Trie indices by the tests' own code, straight from FORMATS.md 7.3 to 7.7: a reader and a writer
//! that share nothing with the engine's. Files are in clear, with or without holes; the writer packs
//! as no database does, in post-order, and takes any valid type of node.

use std::ops::Range;

/// One partition of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Partition {
    /// The way to it in the trie.
    pub(crate) path: Vec<u8>,
    pub(crate) hash: Option<u8>,
    /// Its position in Data.db.
    pub(crate) data: u64,
    pub(crate) rows: Option<Rows>,
}

/// The row index of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) key: Vec<u8>,
    pub(crate) deletion: Vec<u8>,
    pub(crate) count: u64,
    /// Path, bits, and bytes of each payload.
    pub(crate) blocks: Vec<(Vec<u8>, u8, Vec<u8>)>,
}

/// All that an index says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Index {
    pub(crate) partitions: Vec<Partition>,
    pub(crate) first_key: Vec<u8>,
    pub(crate) last_key: Vec<u8>,
    pub(crate) count: u64,
}

const PAGE: usize = 4096;

/// Pages in clear side by side, each with its hole, the last one cut after its content.
pub(crate) fn image(pages: &[Vec<u8>]) -> Vec<u8> {
    let mut image = Vec::new();
    for (number, page) in pages.iter().enumerate() {
        image.resize(number * PAGE, 0);
        image.extend_from_slice(page);
    }
    image
}

/// Fills the holes with what must never be read.
pub(crate) fn fill_holes(image: &mut [u8], usable: usize) {
    for page in image.chunks_mut(PAGE) {
        if let Some(hole) = page.get_mut(usable..) {
            hole.fill(0xa5);
        }
    }
}

// ---- reading

struct Reader<'a> {
    file: &'a [u8],
    usable: usize,
}

impl Reader<'_> {
    fn byte(&self, at: &mut usize) -> u8 {
        if *at % PAGE >= self.usable {
            *at = (*at / PAGE + 1) * PAGE;
        }
        let byte = self.file[*at];
        *at += 1;
        byte
    }

    fn bytes(&self, at: &mut usize, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.byte(at)).collect()
    }

    fn long(&self, at: &mut usize, count: usize) -> u64 {
        self.bytes(at, count).iter().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    fn key(&self, at: &mut usize) -> Vec<u8> {
        let length = usize::try_from(self.long(at, 2)).unwrap();
        self.bytes(at, length)
    }

    fn uvint(&self, at: &mut usize) -> u64 {
        let first = self.byte(at);
        let more = first.leading_ones();
        let head = if more >= 7 { 0 } else { u64::from(first) & ((1 << (7 - more)) - 1) };
        (0..more).fold(head, |value, _| value << 8 | u64::from(self.byte(at)))
    }

    /// Every payload of a trie, in order: path, bits, bytes.
    fn trie(&self, root: usize, length: impl Fn(u8) -> usize) -> Vec<(Vec<u8>, u8, Vec<u8>)> {
        let mut found = Vec::new();
        let mut waiting = vec![(root, 0, None)];
        let mut path: Vec<u8> = Vec::new();
        while let Some((node, depth, character)) = waiting.pop() {
            path.truncate(depth);
            path.extend(character);
            let (children, bits, end) = self.node(node);
            let payload = self.file[end..end + if bits > 0 { length(bits) } else { 0 }].to_vec();
            let last = end + payload.len() - 1;
            assert!(node / PAGE == last / PAGE && last % PAGE < self.usable, "a node crosses");
            if bits > 0 {
                found.push((path.clone(), bits, payload));
            }
            for (character, child) in children.into_iter().rev() {
                waiting.push((child, path.len(), Some(character)));
            }
        }
        found
    }

    /// Children, payload bits, and where the payload is.
    fn node(&self, at: usize) -> (Vec<(u8, usize)>, u8, usize) {
        let file = self.file;
        let (kind, low) = (file[at] >> 4, file[at] & 15);
        let number = |from: usize, bytes: usize| {
            file[from..from + bytes]
                .iter()
                .fold(0_usize, |value, byte| value << 8 | usize::from(*byte))
        };
        let packed = |from: usize, slot: usize| {
            let bit = slot * 12;
            let pair = number(from + bit / 8, 2);
            if bit.is_multiple_of(8) { pair >> 4 } else { pair & 0xfff }
        };
        let distances = |from: usize, count: usize, bits: usize| -> (Vec<usize>, usize) {
            match bits {
                12 => {
                    ((0..count).map(|slot| packed(from, slot)).collect(), (count * 3).div_ceil(2))
                }
                _ => {
                    let bytes = bits / 8;
                    (
                        (0..count).map(|slot| number(from + slot * bytes, bytes)).collect(),
                        count * bytes,
                    )
                }
            }
        };
        match kind {
            0 => (vec![], low, at + 1),
            1 => (vec![(file[at + 1], at - usize::from(low))], 0, at + 2),
            2 => (vec![(file[at + 1], at - number(at + 2, 1))], low, at + 3),
            3 => {
                let distance = usize::from(low) << 8 | number(at + 1, 1);
                (vec![(file[at + 2], at - distance)], 0, at + 3)
            }
            4 => (vec![(file[at + 1], at - number(at + 2, 2))], low, at + 4),
            5..=9 => {
                let count = number(at + 1, 1);
                let bits = [8, 12, 16, 24, 40][usize::from(kind) - 5];
                let (distances, length) = distances(at + 2 + count, count, bits);
                let characters = &file[at + 2..at + 2 + count];
                assert!(characters.is_sorted_by(|a, b| a < b));
                let children =
                    characters.iter().zip(distances).map(|(c, d)| (*c, at - d)).collect();
                (children, low, at + 2 + count + length)
            }
            _ => {
                let first = usize::from(file[at + 1]);
                let count = number(at + 2, 1) + 1;
                let bits = [12, 16, 24, 32, 40, 64][usize::from(kind) - 10];
                let (distances, length) = distances(at + 3, count, bits);
                assert!(distances[0] > 0 && distances[count - 1] > 0);
                let children = distances
                    .iter()
                    .enumerate()
                    .filter(|(_, distance)| **distance > 0)
                    .map(|(slot, distance)| (u8::try_from(first + slot).unwrap(), at - distance))
                    .collect();
                (children, low, at + 3 + length)
            }
        }
    }
}

fn signed(bytes: &[u8]) -> i64 {
    let start = if bytes[0] >= 0x80 { -1 } else { 0 };
    bytes.iter().fold(start, |value, byte| value << 8 | i64::from(*byte))
}

/// Reads an index in clear.
pub(crate) fn read(partitions: &[u8], rows: &[u8], usable: usize) -> Index {
    let file = Reader { file: partitions, usable };
    let mut at = partitions.len() - 24;
    let [position, count, root] = [0; 3].map(|_| file.long(&mut at, 8));
    let mut position = usize::try_from(position).unwrap();
    let (first_key, last_key) = (file.key(&mut position), file.key(&mut position));
    let rows = Reader { file: rows, usable };
    let length = |bits: u8| usize::from(if bits < 8 { bits } else { bits - 6 });
    let all = file.trie(usize::try_from(root).unwrap(), length);
    let partitions = all
        .into_iter()
        .map(|(path, bits, payload)| {
            let (hash, place) = match bits {
                8.. => (Some(payload[0]), signed(&payload[1..])),
                _ => (None, signed(&payload)),
            };
            if place < 0 {
                return Partition { path, hash, data: u64::try_from(!place).unwrap(), rows: None };
            }
            let mut at = usize::try_from(place).unwrap();
            let key = rows.key(&mut at);
            let base = at;
            let data = rows.uvint(&mut at);
            let zigzag = rows.uvint(&mut at);
            let back = i64::try_from(zigzag >> 1).unwrap() ^ -i64::try_from(zigzag & 1).unwrap();
            let root = usize::try_from(i64::try_from(base).unwrap() + back).unwrap();
            let count = rows.uvint(&mut at);
            let mut deletion = vec![rows.byte(&mut at)];
            if deletion != [0x80] {
                deletion.extend(rows.bytes(&mut at, 11));
            }
            let length = |bits: u8| usize::from(bits & 7) + if bits & 8 > 0 { 12 } else { 0 };
            let blocks = rows.trie(root, length);
            Partition { path, hash, data, rows: Some(Rows { key, deletion, count, blocks }) }
        })
        .collect();
    Index { partitions, first_key, last_key, count }
}

// ---- writing

struct Writer {
    file: Vec<u8>,
    usable: usize,
    /// Turns what type of node is taken.
    turn: usize,
}

impl Writer {
    fn close(&mut self) {
        if !self.file.len().is_multiple_of(PAGE) {
            self.file.resize(self.file.len().div_ceil(PAGE) * PAGE, 0);
        }
    }

    fn left(&mut self) -> usize {
        if self.file.len() % PAGE >= self.usable {
            self.close();
        }
        self.usable - self.file.len() % PAGE
    }

    fn stream(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.left();
            self.file.push(*byte);
        }
    }

    fn trie(&mut self, leaves: &[(Vec<u8>, u8, Vec<u8>)]) -> usize {
        self.branch(leaves, 0..leaves.len(), 0)
    }

    /// The branch of leaves that share so many characters.
    fn branch(
        &mut self,
        leaves: &[(Vec<u8>, u8, Vec<u8>)],
        range: Range<usize>,
        depth: usize,
    ) -> usize {
        // A chain is no recursion.
        let own = &leaves[range.clone()];
        let (first, last) = (&own[0].0, &own[own.len() - 1].0);
        let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
        // A leaf on the way would be the first.
        let branching = shared.min(first.len()).max(depth);
        let mut rest = range;
        let mut payload = None;
        if own[0].0.len() == branching {
            payload = Some((own[0].1, own[0].2.clone()));
            rest.start += 1;
        }
        let mut children = Vec::new();
        while rest.start < rest.end {
            let character = leaves[rest.start].0[branching];
            let end = (rest.start..rest.end)
                .find(|place| leaves[*place].0[branching] != character)
                .unwrap_or(rest.end);
            children.push((character, self.branch(leaves, rest.start..end, branching + 1)));
            rest.start = end;
        }
        let mut node = self.node(&children, payload);
        for character in own[0].0[depth..branching].iter().rev() {
            node = self.node(&[(*character, node)], None);
        }
        node
    }

    fn node(&mut self, children: &[(u8, usize)], payload: Option<(u8, Vec<u8>)>) -> usize {
        self.turn += 1;
        let (bits, payload) = payload.unwrap_or_default();
        loop {
            self.left();
            let at = self.file.len();
            let node = encode(at, children, bits, &payload, self.turn);
            if node.len() <= self.left() {
                self.file.extend(node);
                return at;
            }
            self.close();
        }
    }
}

/// A node of one of the types that hold it.
fn encode(at: usize, children: &[(u8, usize)], bits: u8, payload: &[u8], turn: usize) -> Vec<u8> {
    let distances: Vec<usize> = children.iter().map(|(_, child)| at - child).collect();
    let greatest = distances.iter().max().copied().unwrap_or_default();
    let mut forms: Vec<Vec<u8>> = Vec::new();
    let number = |value: usize, bytes: usize| value.to_be_bytes()[8 - bytes..].to_vec();
    let packed = |values: &[usize]| -> Vec<u8> {
        let mut digits: Vec<usize> =
            values.iter().flat_map(|value| [value >> 8, value >> 4 & 15, value & 15]).collect();
        if digits.len() % 2 == 1 {
            digits.push(0);
        }
        digits.chunks(2).map(|pair| u8::try_from(pair[0] << 4 | pair[1]).unwrap()).collect()
    };
    let all = |values: &[usize], bits: usize| match bits {
        12 => packed(values),
        _ => values.iter().flat_map(|value| number(*value, bits / 8)).collect(),
    };
    if children.is_empty() {
        forms.push(vec![bits]);
    }
    if let ([(character, _)], [distance]) = (children, distances.as_slice()) {
        let distance = *distance;
        if bits == 0 && distance < 16 {
            forms.push(vec![0x10 | u8::try_from(distance).unwrap(), *character]);
        }
        if distance < 1 << 8 {
            forms.push([vec![0x20 | bits, *character], number(distance, 1)].concat());
        }
        if bits == 0 && distance < 1 << 12 {
            let [high, low] = [distance >> 8, distance & 255].map(|b| u8::try_from(b).unwrap());
            forms.push(vec![0x30 | high, low, *character]);
        }
        if distance < 1 << 16 {
            forms.push([vec![0x40 | bits, *character], number(distance, 2)].concat());
        }
    }
    if !children.is_empty() && children.len() < 256 {
        for (kind, width) in (5..).zip([8, 12, 16, 24, 40]) {
            if greatest < 1 << width {
                let count = u8::try_from(children.len()).unwrap();
                let mut node = vec![kind << 4 | bits, count];
                node.extend(children.iter().map(|(character, _)| *character));
                node.extend(all(&distances, width));
                forms.push(node);
            }
        }
    }
    if let (Some((first, _)), Some((last, _))) = (children.first(), children.last()) {
        let mut span = vec![0; usize::from(last - first) + 1];
        for ((character, _), distance) in children.iter().zip(&distances) {
            span[usize::from(character - first)] = *distance;
        }
        for (kind, width) in (10..).zip([12, 16, 24, 32, 40, 64]) {
            if width == 64 || greatest < 1 << width {
                let mut node = vec![kind << 4 | bits, *first, last - first];
                node.extend(all(&span, width));
                forms.push(node);
            }
        }
    }
    // Mostly a small one: pages would hold little else.
    forms.sort_by_key(Vec::len);
    let few = if turn.is_multiple_of(7) { forms.len() } else { forms.len().min(2) };
    let mut node = forms.swap_remove(turn % few);
    node.extend_from_slice(payload);
    node
}

fn sized(value: i64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let skipped = (0..7).take_while(|at| signed(&bytes[at + 1..]) == value).count();
    bytes[skipped..].to_vec()
}

/// The payload of a block.
pub(crate) fn block(offset: u64, deletion: Option<[u8; 12]>) -> (u8, Vec<u8>) {
    let mut payload = sized(i64::try_from(offset).unwrap());
    let bits = u8::try_from(payload.len()).unwrap() | if deletion.is_some() { 8 } else { 0 };
    payload.extend(deletion.into_iter().flatten());
    (bits, payload)
}

fn uvint(value: u64) -> Vec<u8> {
    for more in 0..8_u32 {
        if value < 1 << (7 * (more + 1)) {
            let bytes = value.to_be_bytes();
            let mut out = bytes[8 - 1 - usize::try_from(more).unwrap()..].to_vec();
            out[0] |= !(0xff_u8.checked_shr(more).unwrap_or_default());
            return out;
        }
    }
    [&[0xff], &value.to_be_bytes()[..]].concat()
}

/// The two files of an index, in clear.
pub(crate) fn write(index: &Index, usable: usize) -> (Vec<u8>, Vec<u8>) {
    let mut rows = Writer { file: vec![], usable, turn: 0 };
    let mut leaves = Vec::new();
    for partition in &index.partitions {
        let place = match &partition.rows {
            None => !i64::try_from(partition.data).unwrap(),
            Some(Rows { key, deletion, count, blocks }) => {
                let root = rows.trie(blocks);
                rows.left();
                let position = rows.file.len();
                rows.stream(&u16::try_from(key.len()).unwrap().to_be_bytes());
                rows.stream(key);
                // Where the hole begins, if the key ends there.
                let base = rows.file.len();
                rows.stream(&uvint(partition.data));
                let back = i64::try_from(root).unwrap() - i64::try_from(base).unwrap();
                rows.stream(&uvint(u64::try_from((back << 1) ^ (back >> 63)).unwrap()));
                rows.stream(&uvint(*count));
                rows.stream(deletion);
                i64::try_from(position).unwrap()
            }
        };
        let place = sized(place);
        let size = u8::try_from(place.len()).unwrap();
        let (bits, payload) = match partition.hash {
            Some(hash) => (size + 7, [vec![hash], place].concat()),
            None => (size, place),
        };
        leaves.push((partition.path.clone(), bits, payload));
    }
    let mut partitions = Writer { file: vec![], usable, turn: 1 };
    let root = partitions.trie(&leaves);
    partitions.left();
    let position = partitions.file.len();
    for key in [&index.first_key, &index.last_key] {
        partitions.stream(&u16::try_from(key.len()).unwrap().to_be_bytes());
        partitions.stream(key);
    }
    let footer = [u64::try_from(position).unwrap(), index.count, u64::try_from(root).unwrap()];
    let footer: Vec<u8> = footer.iter().flat_map(|long| long.to_be_bytes()).collect();
    if usable < PAGE {
        if partitions.left() < footer.len() {
            partitions.close();
        }
        let filling = partitions.left() - footer.len();
        partitions.stream(&vec![0; filling]);
    }
    partitions.stream(&footer);
    (partitions.file, rows.file)
}

/// Where each key begins, with its bytes and those of its length: of the entries in Rows.db; and the
/// first and the last one in Partitions.db as one, if a page holds both.
pub(crate) fn keys(partitions: &[u8], rows: &[u8], usable: usize) -> Vec<(usize, usize)> {
    let file = Reader { file: partitions, usable };
    let mut at = partitions.len() - 24;
    let [position, _, root] = [0; 3].map(|_| usize::try_from(file.long(&mut at, 8)).unwrap());
    let index = read(partitions, rows, usable);
    let (first, last) = (index.first_key.len() + 2, index.last_key.len() + 2);
    let both = if first + last <= usable { first + last } else { first };
    let length = |bits: u8| usize::from(if bits < 8 { bits } else { bits - 6 });
    let mut keys = vec![(position, both)];
    for (partition, (_, bits, payload)) in index.partitions.iter().zip(file.trie(root, length)) {
        if let Some(rows) = &partition.rows {
            let place = signed(if bits < 8 { &payload } else { &payload[1..] });
            keys.push((usize::try_from(place).unwrap(), rows.key.len() + 2));
        }
    }
    keys
}
