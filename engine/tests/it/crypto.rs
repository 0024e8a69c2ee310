//! The ciphers against the `cbc` crate, which handles one message at a time and one block after
//! the other: every kernel, in every shape that its loops can meet.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "helpers of tests")]

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use rekey_engine::crypto::{CipherKey, Kernel, Lane, Transformation, pad};

#[test]
fn every_length_comes_out_as_from_the_reference() {
    for key in keys() {
        for plain in (0..=200).chain([255, 256, 511, 4095, 4096, 4097, 16_384, 65_536, 262_144]) {
            check(&key, &[plain], 0);
        }
    }
}

#[test]
fn every_number_of_lanes_comes_out_as_from_the_reference() {
    for key in keys() {
        for lanes in (1..=70).chain([128, 129, 200]) {
            check(&key, &vec![100; lanes], 0);
        }
    }
}

#[test]
fn ragged_lanes_come_out_as_from_the_reference() {
    let mut random = Random(1);
    for key in keys() {
        check(&key, &[], 0);
        for round in 0..200 {
            let most = if round % 10 == 0 { 10_000 } else { 300 };
            let lanes: Vec<_> = (0..random.below(70)).map(|_| random.below(most)).collect();
            check(&key, &lanes, 0);
        }
    }
}

#[test]
fn every_alignment_comes_out_as_from_the_reference() {
    for key in keys() {
        for skew in 0..16 {
            check(&key, &[1000; 17], skew);
            check(&key, &[0, 16, 700, 0, 512, 64, 63, 65], skew);
        }
    }
}

/// Seals messages of these lengths side by side, compares with the reference, and opens them
/// again in place and across; every buffer starts `skew` bytes after an aligned one.
fn check(key: &Key, lengths: &[usize], skew: usize) {
    let transformation = key.cipher.transformation();
    let mut random = Random(lengths.len() as u64);
    let ivs: Vec<[u8; 16]> = lengths.iter().map(|_| random.block()).collect();
    let plain: Vec<Vec<u8>> = lengths.iter().map(|length| random.bytes(*length)).collect();

    let mut buffers: Vec<Vec<u8>> = plain
        .iter()
        .map(|plain| {
            let mut buffer = vec![0xee; skew];
            buffer.extend_from_slice(plain);
            buffer.resize(skew + transformation.ciphertext_length(plain.len()), 0);
            assert_eq!(pad(transformation, &mut buffer[skew..], plain.len()), buffer.len() - skew);
            buffer.extend_from_slice(&[0xee; 16]);
            buffer
        })
        .collect();
    let mut lanes: Vec<_> = buffers
        .iter_mut()
        .zip(&ivs)
        .map(|(buffer, iv)| {
            let end = buffer.len() - 16;
            Lane::new(*iv, &mut buffer[skew..end]).unwrap()
        })
        .collect();
    key.cipher.seal(&mut lanes);

    for ((buffer, iv), plain) in buffers.iter_mut().zip(&ivs).zip(&plain) {
        let end = buffer.len() - 16;
        assert!(buffer[..skew].iter().chain(&buffer[end..]).all(|byte| *byte == 0xee));
        let sealed = &mut buffer[skew..end];
        assert!(*sealed == key.reference(iv, plain), "{key:?} {lengths:?}");
        let mut across = vec![0; skew + sealed.len()];
        let opened = key.cipher.open_into(iv, sealed, &mut across[skew..]);
        assert_eq!(opened, Ok(plain.len()), "{key:?} {lengths:?}");
        assert!(across[skew..][..plain.len()] == **plain, "{key:?} {lengths:?}");
        assert_eq!(key.cipher.open(iv, sealed), Ok(plain.len()), "{key:?} {lengths:?}");
        assert!(sealed[..plain.len()] == **plain, "{key:?} {lengths:?}");
    }
}

/// A scheduled key beside its bytes.
struct Key {
    bytes: Vec<u8>,
    cipher: CipherKey,
}

impl Key {
    fn reference(&self, iv: &[u8; 16], plain: &[u8]) -> Vec<u8> {
        if self.cipher.transformation().iv_length() == 0 {
            // One block after the other, each a CBC message of its own from an IV of zeros.
            let full = [plain, &vec![0; 16][..]].concat();
            let mut sealed = full[..plain.len() / 16 * 16 + 16].to_vec();
            assert_eq!(pad(self.cipher.transformation(), &mut sealed, plain.len()), sealed.len());
            for block in sealed.chunks_mut(16) {
                let alone = self.one_shot(&[0; 16], block);
                block.copy_from_slice(&alone[..16]);
            }
            return sealed;
        }
        self.one_shot(iv, plain)
    }

    fn one_shot(&self, iv: &[u8; 16], plain: &[u8]) -> Vec<u8> {
        let mut out = vec![0; plain.len() + 16];
        let iv = iv.into();
        let sealed = match self.bytes.len() {
            16 => cbc::Encryptor::<aes::Aes128>::new(self.bytes[..].try_into().unwrap(), iv)
                .encrypt_padded_b2b::<Pkcs7>(plain, &mut out),
            24 => cbc::Encryptor::<aes::Aes192>::new(self.bytes[..].try_into().unwrap(), iv)
                .encrypt_padded_b2b::<Pkcs7>(plain, &mut out),
            _ => cbc::Encryptor::<aes::Aes256>::new(self.bytes[..].try_into().unwrap(), iv)
                .encrypt_padded_b2b::<Pkcs7>(plain, &mut out),
        };
        sealed.unwrap().to_vec()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bits, {:?}", self.bytes.len() * 8, self.cipher)
    }
}

/// A key of every size for every kernel of this machine in every mode.
fn keys() -> Vec<Key> {
    let mut keys = Vec::new();
    for text in ["AES/CBC/PKCS5Padding", "AES/ECB/PKCS5Padding"] {
        let transformation = Transformation::parse(text).unwrap();
        for kernel in Kernel::ALL.into_iter().filter(|kernel| kernel.is_available()) {
            for length in [16, 24, 32] {
                let bytes = Random(length as u64).bytes(length);
                let cipher = CipherKey::with_kernel(&transformation, &bytes, kernel).unwrap();
                if cipher.kernel() == kernel {
                    keys.push(Key { bytes, cipher });
                }
            }
        }
    }
    keys
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
