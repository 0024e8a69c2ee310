//! What a tool does that takes one chunk after the other: check its CRC, decrypt it and encrypt it
//! with the `cbc` crate, ask the system for an IV, write it. A few threads, each with a part of the
//! file.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, BlockModeEncrypt as _, KeyIvInit as _};
use rekey_benches::Site;
use rekey_engine::io::{LocalStorage, Storage as _};

use super::Result;
use super::noise::{Meter, Sample};

/// Rewrites the Data.db of a site of one SSTable with chunks of 64 KiB under AES-256-CBC, and
/// removes the result. The keys are any: nothing looks at the plaintext but the padding, so the
/// old one is the site's own.
pub(super) fn run(
    meter: &Meter,
    site: &Site,
    scratch: &Path,
    bytes: u64,
    threads: u64,
) -> Result<Sample> {
    let from = File::open(site.table().join("nb-1-big-Data.db"))?;
    let path = scratch.join("naive");
    let key: [u8; 32] = site.key(0)?.as_slice().try_into()?;
    let length = from.metadata()?.len();
    let chunks = length.div_ceil(RECORD);
    let sample = meter.time_writing(scratch, bytes, || {
        let to = OpenOptions::new().write(true).create_new(true).open(&path)?;
        let each = chunks.div_ceil(threads);
        std::thread::scope(|scope| {
            let parts: Vec<_> = (0..threads)
                .map(|part| {
                    let (from, to) = (&from, &to);
                    let range = part * each..((part + 1) * each).min(chunks);
                    scope.spawn(move || {
                        range.into_iter().try_for_each(|chunk| {
                            rewrite_chunk(from, to, chunk * RECORD, length, &key)
                        })
                    })
                })
                .collect();
            parts.into_iter().try_for_each(|part| part.join().map_err(|_panic| "a panic")?)
        })
        .map_err(Into::into)
    });
    LocalStorage.remove_file(&path)?;
    sample
}

fn rewrite_chunk(
    from: &File,
    to: &File,
    offset: u64,
    length: u64,
    key: &[u8; 32],
) -> std::result::Result<(), String> {
    let record = usize::try_from(RECORD.min(length - offset)).map_err(|e| e.to_string())?;
    let mut chunk = vec![0; record];
    from.read_exact_at(&mut chunk, offset).map_err(|e| e.to_string())?;
    let (stored, crc) = chunk.split_last_chunk_mut::<4>().ok_or("a short chunk")?;
    if crc32fast::hash(stored) != u32::from_be_bytes(*crc) {
        return Err("a wrong checksum".to_owned());
    }
    let (iv, text) = stored.split_first_chunk_mut::<16>().ok_or("a short chunk")?;
    let opened = cbc::Decryptor::<aes::Aes256>::new(key.into(), (&*iv).into());
    let plain = opened.decrypt_padded::<Pkcs7>(text).map_err(|e| e.to_string())?.len();
    getrandom::fill(iv).map_err(|e| e.to_string())?;
    let sealer = cbc::Encryptor::<aes::Aes256>::new(&[0x42; 32].into(), (&*iv).into());
    sealer.encrypt_padded::<Pkcs7>(text, plain).map_err(|e| e.to_string())?;
    *crc = crc32fast::hash(stored).to_be_bytes();
    to.write_all_at(&chunk, offset).map_err(|e| e.to_string())
}

/// Bytes of a chunk of 64 KiB: IV, ciphertext, CRC.
const RECORD: u64 = 16 + (64 << 10) + 16 + 4;
