//! The ciphers, each test with every kernel of the machine forced in turn.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

mod differential;
mod fixtures;
mod jce;
mod known_answers;
mod reference;
mod refusals;

use rekey_engine::crypto::{Algorithm, CipherKey, Kernel, Mode, Padding, Transformation};

use self::reference::Reference;

/// A scheduled key beside its bytes.
struct Key {
    bytes: Vec<u8>,
    cipher: CipherKey,
}

impl Key {
    fn reference(&self) -> Reference<'_> {
        Reference { transformation: self.cipher.transformation(), key: &self.bytes }
    }

    /// The part of an IV that a chunk of this cipher has.
    fn iv<'a>(&self, iv: &'a [u8; 16]) -> &'a [u8] {
        &iv[..self.cipher.transformation().iv_length()]
    }

    fn is_padded(&self) -> bool {
        self.cipher.transformation().padding() != Padding::None
    }

    /// Whether a test may be slow: the other ciphers are a hundred times slower, and use the same
    /// code.
    fn is_fast(&self) -> bool {
        self.cipher.transformation().algorithm() == Algorithm::Aes
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bits, {:?}", self.bytes.len() * 8, self.cipher)
    }
}

/// Lengths of the keys that represent all of an algorithm.
const LENGTHS: [(Algorithm, &[usize]); 5] = [
    (Algorithm::Aes, &[16, 24, 32]),
    (Algorithm::Blowfish, &[4, 16, 56]),
    (Algorithm::Des, &[8]),
    (Algorithm::DesEde, &[24]),
    (Algorithm::Rc2, &[5, 16]),
];

/// Keys of every algorithm for every kernel of this machine in every mode and padding.
fn keys() -> Vec<Key> {
    let mut keys = Vec::new();
    for (algorithm, lengths) in LENGTHS {
        for (mode, padding) in modes() {
            let text = format!("{}/{}/{}", algorithm.name(), mode.name(), padding.name());
            let transformation = Transformation::parse(&text).unwrap();
            for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
                for length in lengths {
                    let bytes = Random(*length as u64).bytes(*length);
                    let cipher = CipherKey::with_kernel(&transformation, &bytes, kernel).unwrap();
                    if cipher.kernel() == kernel {
                        keys.push(Key { bytes, cipher });
                    }
                }
            }
        }
    }
    keys
}

/// The modes, each with the paddings that it can have.
fn modes() -> impl Iterator<Item = (Mode, Padding)> {
    let all = Mode::ALL.into_iter().flat_map(|mode| Padding::ALL.map(|padding| (mode, padding)));
    all.filter(|(mode, padding)| *padding == Padding::Pkcs5 || mode.is_stream())
}

/// SplitMix64: the same bytes in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap()
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            (0..length.div_ceil(8)).flat_map(|_| self.next().to_le_bytes()).collect();
        bytes.truncate(length);
        bytes
    }

    fn block(&mut self) -> [u8; 16] {
        self.bytes(16).try_into().unwrap()
    }
}
