//! What the mode crates make of a message, one at a time and one block after the other.

use aes::cipher::array::Array;
use aes::cipher::block_padding::{Padding as _, Pkcs7};
use aes::cipher::consts::{U8, U16};
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _,
    BlockSizeUser, InnerIvInit as _, KeyInit,
};
use ofb::OfbCore;
use rekey_engine::crypto::{Algorithm, Mode, Padding, Transformation};

/// A transformation with the bytes of a key.
pub(super) struct Reference<'a> {
    pub(super) transformation: &'a Transformation,
    pub(super) key: &'a [u8],
}

enum Direction {
    Seal,
    Open,
}

impl Reference<'_> {
    /// Pads and encrypts.
    pub(super) fn seal(&self, iv: &[u8; 16], plain: &[u8]) -> Vec<u8> {
        let mut data = plain.to_vec();
        if self.transformation.padding() == Padding::Pkcs5 {
            let count = self.block() - plain.len() % self.block();
            data.resize(plain.len() + count, u8::try_from(count).unwrap());
        }
        self.run(iv, &mut data, &Direction::Seal);
        data
    }

    /// Decrypts; none when the length or the padding is wrong.
    pub(super) fn open(&self, iv: &[u8; 16], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut data = sealed.to_vec();
        if self.transformation.padding() == Padding::None {
            self.run(iv, &mut data, &Direction::Open);
            return Some(data);
        }
        if data.is_empty() || !data.len().is_multiple_of(self.block()) {
            return None;
        }
        self.run(iv, &mut data, &Direction::Open);
        let plain = match self.block() {
            8 => Pkcs7::unpad_blocks(Array::<u8, U8>::slice_as_chunks(&data).0),
            _ => Pkcs7::unpad_blocks(Array::<u8, U16>::slice_as_chunks(&data).0),
        };
        plain.ok().map(<[u8]>::to_vec)
    }

    fn block(&self) -> usize {
        if self.transformation.algorithm() == Algorithm::Aes { 16 } else { 8 }
    }

    fn run(&self, iv: &[u8; 16], data: &mut [u8], direction: &Direction) {
        let iv = &iv[..self.block()];
        let mode = self.transformation.mode();
        match (self.transformation.algorithm(), self.key.len()) {
            (Algorithm::Aes, 16) => run::<aes::Aes128>(self.key, mode, iv, data, direction),
            (Algorithm::Aes, 24) => run::<aes::Aes192>(self.key, mode, iv, data, direction),
            (Algorithm::Aes, _) => run::<aes::Aes256>(self.key, mode, iv, data, direction),
            (Algorithm::Blowfish, _) => {
                run::<blowfish::Blowfish>(self.key, mode, iv, data, direction);
            }
            (Algorithm::Des, _) => run::<des::Des>(self.key, mode, iv, data, direction),
            (Algorithm::DesEde, _) => run::<des::TdesEde3>(self.key, mode, iv, data, direction),
            (Algorithm::Rc2, _) => run::<rc2::Rc2>(self.key, mode, iv, data, direction),
            (other, _) => panic!("no reference for {other:?}"),
        }
    }
}

fn run<C>(key: &[u8], mode: Mode, iv: &[u8], data: &mut [u8], direction: &Direction)
where
    C: BlockCipherEncrypt + BlockCipherDecrypt + BlockSizeUser + KeyInit,
{
    let cipher = C::new_from_slice(key).unwrap();
    let iv: &Array<u8, C::BlockSize> = iv.try_into().unwrap();
    let seal = matches!(direction, Direction::Seal);
    if mode == Mode::Ofb {
        // The start of a keystream is the keystream of a start.
        let mut whole = data.to_vec();
        whole.resize(data.len().next_multiple_of(iv.len()), 0);
        let (blocks, _) = Array::slice_as_chunks_mut(&mut whole);
        OfbCore::inner_iv_init(cipher, iv).encrypt_blocks(blocks);
        data.copy_from_slice(&whole[..data.len()]);
        return;
    }
    if mode == Mode::Cfb {
        if seal {
            cfb_mode::Encryptor::inner_iv_init(cipher, iv).encrypt(data);
        } else {
            cfb_mode::Decryptor::inner_iv_init(cipher, iv).decrypt(data);
        }
        return;
    }
    let (blocks, rest) = Array::slice_as_chunks_mut(data);
    assert!(rest.is_empty());
    match (mode, seal) {
        (Mode::Cbc, true) => cbc::Encryptor::inner_iv_init(cipher, iv).encrypt_blocks(blocks),
        (Mode::Cbc, false) => cbc::Decryptor::inner_iv_init(cipher, iv).decrypt_blocks(blocks),
        (Mode::Pcbc, true) => pcbc::Encryptor::inner_iv_init(cipher, iv).encrypt_blocks(blocks),
        (Mode::Pcbc, false) => pcbc::Decryptor::inner_iv_init(cipher, iv).decrypt_blocks(blocks),
        (_, true) => blocks.iter_mut().for_each(|block| cipher.encrypt_block(block)),
        (_, false) => blocks.iter_mut().for_each(|block| cipher.decrypt_block(block)),
    }
}
