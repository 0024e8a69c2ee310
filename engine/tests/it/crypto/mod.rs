//! The ciphers, each test with every kernel of the machine forced in turn.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

mod differential;
mod known_answers;
mod refusals;

use aes::cipher::array::Array;
use aes::cipher::block_padding::{NoPadding, Padding as _, Pkcs7};
use aes::cipher::consts::U16;
use aes::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use rekey_engine::crypto::{CipherKey, Kernel, Transformation, pad};

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
        let (key, iv) = (&self.bytes[..], &iv[..]);
        let sealed = match key.len() {
            16 => cbc::Encryptor::<aes::Aes128>::new_from_slices(key, iv)
                .unwrap()
                .encrypt_padded_b2b::<Pkcs7>(plain, &mut out),
            24 => cbc::Encryptor::<aes::Aes192>::new_from_slices(key, iv)
                .unwrap()
                .encrypt_padded_b2b::<Pkcs7>(plain, &mut out),
            _ => cbc::Encryptor::<aes::Aes256>::new_from_slices(key, iv)
                .unwrap()
                .encrypt_padded_b2b::<Pkcs7>(plain, &mut out),
        };
        sealed.unwrap().to_vec()
    }

    /// Decrypts by the reference; `None` when it refuses. ECB is CBC with the chain taken out
    /// again.
    fn reference_open(&self, iv: &[u8; 16], sealed: &[u8]) -> Option<Vec<u8>> {
        let ecb = self.cipher.transformation().iv_length() == 0;
        let mut data = sealed.to_vec();
        let (key, iv) = (&self.bytes[..], if ecb { &[0; 16] } else { &iv[..] });
        match key.len() {
            16 => cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv)
                .unwrap()
                .decrypt_padded::<NoPadding>(&mut data),
            24 => cbc::Decryptor::<aes::Aes192>::new_from_slices(key, iv)
                .unwrap()
                .decrypt_padded::<NoPadding>(&mut data),
            _ => cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv)
                .unwrap()
                .decrypt_padded::<NoPadding>(&mut data),
        }
        .ok()?;
        if ecb {
            for (byte, chained) in data[16..].iter_mut().zip(sealed) {
                *byte ^= chained;
            }
        }
        let (blocks, _) = Array::<u8, U16>::slice_as_chunks(&data);
        Pkcs7::unpad_blocks(blocks).ok().map(<[u8]>::to_vec)
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
