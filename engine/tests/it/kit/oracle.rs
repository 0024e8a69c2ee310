//! Reads encrypted SSTables independently, sharing no code with the engine's reader: one chunk at a
//! time, with the one-shot functions of the `cbc` crate, straight from FORMATS.md 2 and 5.

use std::collections::BTreeSet;
use std::path::Path;

use aes::cipher::{BlockModeDecrypt as _, KeyIvInit as _, block_padding::Pkcs7};

/// The stored chunks of an SSTable, CRCs verified, with their plaintext lengths.
pub(crate) struct Chunks {
    pub(crate) options: Vec<(String, String)>,
    pub(crate) chunks: Vec<(Vec<u8>, usize)>,
}

/// `prefix` is the path up to the component: `.../oa-2-big-`.
pub(crate) fn chunks(prefix: &str, has_max_length: bool) -> Chunks {
    let info = std::fs::read(format!("{prefix}CompressionInfo.db")).unwrap();
    let data = std::fs::read(format!("{prefix}Data.db")).unwrap();
    let mut at = 0;
    let int = |at: &mut usize, n: usize| {
        let value = info[*at..*at + n].iter().fold(0_u64, |v, b| v << 8 | u64::from(*b));
        *at += n;
        usize::try_from(value).unwrap()
    };
    let text = |at: &mut usize| {
        let n = int(at, 2);
        let text = String::from_utf8(info[*at..*at + n].to_vec()).unwrap();
        *at += n;
        text
    };
    assert_eq!(text(&mut at), "Encryptor");
    let options = (0..int(&mut at, 4)).map(|_| (text(&mut at), text(&mut at))).collect();
    let chunk_length = int(&mut at, 4);
    if has_max_length {
        assert_eq!(int(&mut at, 4), 0x7fff_ffff, "chunks could be stored in clear");
    }
    let length = int(&mut at, 8);
    let mut offsets: Vec<usize> = (0..int(&mut at, 4)).map(|_| int(&mut at, 8)).collect();
    assert_eq!(at, info.len());
    offsets.push(data.len());
    let chunks = offsets
        .windows(2)
        .enumerate()
        .map(|(i, pair)| {
            let (stored, crc) = data[pair[0]..pair[1]].split_at(pair[1] - pair[0] - 4);
            assert_eq!(crc, crc32fast::hash(stored).to_be_bytes(), "CRC of chunk {i}");
            // An empty chunk may follow the last one (FORMATS.md 2.2).
            (stored.to_vec(), chunk_length.min(length.saturating_sub(i * chunk_length)))
        })
        .collect();
    let digest = std::fs::read_to_string(format!("{prefix}Digest.crc32")).unwrap();
    assert_eq!(digest, crc32fast::hash(&data).to_string());
    Chunks { options, chunks }
}

/// The whole plaintext of an SSTable. `key` gives the bytes for a chunk's key id, if it has one.
pub(crate) fn plaintext(
    prefix: &str,
    has_max_length: bool,
    key: impl Fn(Option<&str>) -> Vec<u8>,
) -> Vec<u8> {
    let Chunks { options, chunks } = chunks(prefix, has_max_length);
    let option = |name: &str| options.iter().find(|(k, _)| k == name).map(|(_, v)| v.as_str());
    let has_header = option("key_provider").unwrap().ends_with("KmipKeyProviderFactory");
    let has_iv = option("cipher_algorithm").is_none_or(|cipher| cipher.contains("/CBC/"));
    let mut plain = Vec::new();
    for (stored, length) in chunks {
        let (id, rest) = if has_header {
            let n = usize::try_from(u32::from_be_bytes(stored[1..5].try_into().unwrap())).unwrap();
            (Some(std::str::from_utf8(&stored[5..5 + n]).unwrap()), &stored[5 + n..])
        } else {
            (None, stored.as_slice())
        };
        let key = key(id);
        let opened = if has_iv { cbc(&key, &rest[..16], &rest[16..]) } else { ecb(&key, rest) };
        assert_eq!(opened.len(), length);
        plain.extend(opened);
    }
    plain
}

/// The key ids in the headers of an SSTable.
pub(crate) fn stored_key_ids(prefix: &str) -> BTreeSet<String> {
    let chunks = chunks(prefix, true).chunks;
    let id = |stored: &[u8]| {
        let n = usize::try_from(u32::from_be_bytes(stored[1..5].try_into().unwrap())).unwrap();
        String::from_utf8(stored[5..5 + n].to_vec()).unwrap()
    };
    chunks.iter().map(|(stored, _)| id(stored)).collect()
}

/// The key of a line `transformation:strength:base64` in a key file.
pub(crate) fn key_file(path: &Path) -> Vec<u8> {
    use base64::Engine as _;
    let text = std::fs::read_to_string(path).unwrap();
    let encoded = text.lines().last().unwrap().rsplit(':').next().unwrap();
    base64::engine::general_purpose::STANDARD.decode(encoded).unwrap()
}

pub(crate) fn cbc(key: &[u8], iv: &[u8], data: &[u8]) -> Vec<u8> {
    match key.len() {
        16 => cbc::Decryptor::<aes::Aes128>::new_from_slices(key, iv)
            .unwrap()
            .decrypt_padded_vec::<Pkcs7>(data)
            .unwrap(),
        24 => cbc::Decryptor::<aes::Aes192>::new_from_slices(key, iv)
            .unwrap()
            .decrypt_padded_vec::<Pkcs7>(data)
            .unwrap(),
        _ => cbc::Decryptor::<aes::Aes256>::new_from_slices(key, iv)
            .unwrap()
            .decrypt_padded_vec::<Pkcs7>(data)
            .unwrap(),
    }
}

/// Each block is a CBC message of its own with a zero IV.
pub(crate) fn ecb(key: &[u8], data: &[u8]) -> Vec<u8> {
    use aes::cipher::block_padding::NoPadding;
    let zero = [0_u8; 16];
    let mut plain: Vec<u8> = data
        .chunks(16)
        .flat_map(|block| match key.len() {
            16 => cbc::Decryptor::<aes::Aes128>::new_from_slices(key, &zero)
                .unwrap()
                .decrypt_padded_vec::<NoPadding>(block)
                .unwrap(),
            24 => cbc::Decryptor::<aes::Aes192>::new_from_slices(key, &zero)
                .unwrap()
                .decrypt_padded_vec::<NoPadding>(block)
                .unwrap(),
            _ => cbc::Decryptor::<aes::Aes256>::new_from_slices(key, &zero)
                .unwrap()
                .decrypt_padded_vec::<NoPadding>(block)
                .unwrap(),
        })
        .collect();
    let pad = usize::from(*plain.last().unwrap());
    plain.truncate(plain.len() - pad);
    plain
}
