//! What stands in the SSTables.

use std::fmt::Write as _;

/// The plaintext of an SSTable: the same block over and over. No chunk is longer than the block,
/// so no compressor sees that.
#[derive(Debug, Clone)]
pub struct Plaintext {
    block: Vec<u8>,
    key_length: usize,
}

impl Plaintext {
    /// One byte, over and over. A cipher does not care.
    #[must_use]
    pub fn fill() -> Self {
        // Two bytes of this value are the length of the first partition key.
        Self { block: vec![FILL; BLOCK], key_length: 2 + 0x3333 }
    }

    /// Rows of JSON with ids, names, times and amounts, as a compressor may meet them: LZ4 makes
    /// them a little less than half as long.
    #[must_use]
    pub fn rows() -> Self {
        let mut text = String::with_capacity(BLOCK + 512);
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut time = 1_700_000_000_000_u64;
        while text.len() < BLOCK {
            time = time.saturating_add(random.below(90_000));
            let (id, amount) = (random.next(), random.below(1_000_000));
            let _to_memory = writeln!(
                text,
                r#"{{"id":"{id:016x}","ts":{time},"customer":"{} {}","city":"{}","status":"{}","amount":{}.{:02},"note":"{} {} {}"}}"#,
                random.of(FIRST),
                random.of(LAST),
                random.of(CITIES),
                random.of(STATES),
                amount / 100,
                amount % 100,
                random.of(WORDS),
                random.of(WORDS),
                random.of(WORDS),
            );
        }
        let mut block = text.into_bytes();
        block.truncate(BLOCK);
        let key = [0, 16].into_iter().chain(*b"bench-0000000001");
        for (to, from) in block.iter_mut().zip(key) {
            *to = from;
        }
        Self { block, key_length: 18 }
    }

    /// The bytes from a place on, up to the end of a block.
    pub(super) fn at(&self, place: u64, length: usize) -> &[u8] {
        let block = u64::try_from(self.block.len()).unwrap_or(u64::MAX).max(1);
        let start = usize::try_from(place % block).unwrap_or_default();
        self.block.get(start..start.saturating_add(length)).unwrap_or_default()
    }

    /// A piece of the text for measuring compressors alone.
    pub fn chunks(&self, length: usize) -> std::slice::ChunksExact<'_, u8> {
        self.block.chunks_exact(length.max(1))
    }

    /// The first partition key, with its length, as the index begins with it.
    pub(super) fn first_key(&self) -> &[u8] {
        self.block.get(..self.key_length).unwrap_or_default()
    }
}

/// Xorshift: inputs are the same in every run.
struct Random(u64);

impl Random {
    const fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    const fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn of(&mut self, words: &'static [&'static str]) -> &'static str {
        let place = self.below(u64::try_from(words.len()).unwrap_or(1).max(1));
        usize::try_from(place).ok().and_then(|place| words.get(place)).copied().unwrap_or_default()
    }
}

const FILL: u8 = 0x33;
/// As long as the longest chunk, or a multiple of any.
const BLOCK: usize = 16 << 20;

const FIRST: &[&str] = &[
    "Anna", "Bruno", "Carla", "David", "Elena", "Felix", "Greta", "Henri", "Irene", "Jonas",
    "Klara", "Louis", "Marta", "Nils", "Olga", "Paul",
];
const LAST: &[&str] = &[
    "Abel", "Berg", "Costa", "Dahl", "Egger", "Fischer", "Gruber", "Huber", "Ivers", "Jansen",
    "Keller", "Lang", "Meier", "Novak", "Olsen", "Peters", "Quist", "Rossi", "Sommer", "Toth",
];
const CITIES: &[&str] =
    &["Bern", "Graz", "Kiel", "Lyon", "Oslo", "Porto", "Riga", "Turin", "Utrecht", "Vienna"];
const STATES: &[&str] = &["open", "paid", "sent", "returned", "cancelled"];
const WORDS: &[&str] = &[
    "delivery",
    "before",
    "noon",
    "second",
    "floor",
    "left",
    "with",
    "neighbour",
    "invoice",
    "by",
    "mail",
    "gift",
    "wrapped",
    "fragile",
    "call",
    "ahead",
    "return",
    "label",
    "inside",
    "weekend",
    "only",
    "urgent",
    "regular",
    "customer",
    "discount",
    "applied",
];
