//! Writes encrypted SSTables independently, straight from FORMATS.md 1, 2, 3, 5 and KMIP.md 3, with
//! the one-shot functions of the `cbc` crate: any plaintext, any chunk length, any key ids.

use std::fs;
use std::path::{Path, PathBuf};

use aes::cipher::block_padding::{NoPadding, Pkcs7};
use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use md5::{Digest as _, Md5};

use super::beside;

/// Where the key of a synthetic SSTable comes from.
#[derive(Debug, Clone)]
pub(crate) enum Provider {
    /// A local key file, named as the options name it.
    Local { file: String, key: Vec<u8> },
    /// Ids of a KMIP group; chunk after chunk takes the next one.
    Kmip { keys: Vec<(String, Vec<u8>)> },
    /// UUIDs of the database's own table, or no header; chunk after chunk takes the next one.
    Replicated { keys: Vec<(Option<[u8; 16]>, Vec<u8>)> },
}

/// Everything that decides the bytes of an SSTable, but its plaintext.
#[derive(Debug, Clone)]
pub(crate) struct Recipe {
    /// `nb`, `oa`, ... for BIG; `da` for BTI.
    pub(crate) version: &'static str,
    pub(crate) id: String,
    pub(crate) cipher: &'static str,
    pub(crate) provider: Provider,
    pub(crate) chunk_length: usize,
    /// Appends the empty chunk of FORMATS.md 2.2.
    pub(crate) empty_chunk: bool,
    /// Seeds the IVs.
    pub(crate) seed: u8,
}

impl Recipe {
    /// CBC under a local key, 4 KiB chunks.
    pub(crate) fn local(version: &'static str, id: &str, file: &str, key: Vec<u8>) -> Self {
        Self {
            version,
            id: id.to_owned(),
            cipher: "AES/CBC/PKCS5Padding",
            provider: Provider::Local { file: file.to_owned(), key },
            chunk_length: 4096,
            empty_chunk: false,
            seed: 1,
        }
    }

    fn is_bti(&self) -> bool {
        self.version == "da"
    }

    /// `nb-1-big`
    pub(crate) fn name(&self) -> String {
        format!("{}-{}-{}", self.version, self.id, if self.is_bti() { "bti" } else { "big" })
    }

    pub(crate) fn has_max_length(&self) -> bool {
        !self.version.starts_with('m')
    }

    /// The line of a key file that the options ask for.
    pub(crate) fn key_line(&self) -> String {
        use base64::Engine as _;
        let Provider::Local { key, .. } = &self.provider else { return String::new() };
        let text = base64::engine::general_purpose::STANDARD.encode(key);
        format!("{}:{}:{text}\n", self.cipher, key.len() * 8)
    }

    /// The key for a chunk, with its id if it has one.
    pub(crate) fn key(&self, chunk: usize) -> (Option<&str>, &[u8]) {
        match &self.provider {
            Provider::Local { key, .. } => (None, key),
            Provider::Replicated { keys } => (None, &keys[chunk % keys.len()].1),
            Provider::Kmip { keys } => {
                let (id, key) = &keys[chunk % keys.len()];
                (Some(id), key)
            }
        }
    }

    pub(crate) fn options(&self) -> Vec<(&'static str, String)> {
        let bits = self.key(0).1.len() * 8;
        let mut options = vec![
            ("cipher_algorithm", self.cipher.to_owned()),
            ("secret_key_strength", bits.to_string()),
        ];
        match &self.provider {
            Provider::Local { file, .. } => options.extend([
                ("key_provider", "LocalFileSystemKeyProviderFactory".to_owned()),
                ("secret_key_file", file.clone()),
            ]),
            Provider::Kmip { .. } => options.extend([
                ("key_provider", "KmipKeyProviderFactory".to_owned()),
                ("kmip_host", "kmip1".to_owned()),
            ]),
            Provider::Replicated { .. } => options.extend([
                ("key_provider", "ReplicatedKeyProviderFactory".to_owned()),
                ("system_key_file", "system_key_1".to_owned()),
                ("secret_key_file", "keys/before".to_owned()),
            ]),
        }
        options
    }

    /// The stored bytes of each chunk, without CRCs.
    pub(crate) fn chunks(&self, plain: &[u8]) -> Vec<Vec<u8>> {
        let mut pieces: Vec<&[u8]> = plain.chunks(self.chunk_length).collect();
        if self.empty_chunk {
            pieces.push(&[]);
        }
        pieces.iter().enumerate().map(|(i, piece)| self.chunk(i, piece)).collect()
    }

    fn chunk(&self, number: usize, plain: &[u8]) -> Vec<u8> {
        let (_, key) = self.key(number);
        let mut stored = self.header(number);
        if self.cipher.contains("/CBC/") {
            let mut iv = [self.seed; 16];
            iv[..8].copy_from_slice(&number.to_be_bytes());
            stored.extend(iv);
            stored.extend(cbc(key, &iv, plain));
        } else {
            stored.extend(ecb(key, plain));
        }
        stored
    }

    /// FORMATS.md 5.4
    fn header(&self, chunk: usize) -> Vec<u8> {
        let mut header = vec![0];
        match &self.provider {
            Provider::Local { .. } => header.clear(),
            Provider::Kmip { keys } => {
                let (id, _) = &keys[chunk % keys.len()];
                header.extend(u32::try_from(id.len()).unwrap().to_be_bytes());
                header.extend(id.as_bytes());
            }
            Provider::Replicated { keys } => match keys[chunk % keys.len()].0 {
                Some(uuid) => {
                    header.extend(uuid);
                    header.extend(Md5::digest(uuid));
                }
                None => header.clear(),
            },
        }
        header
    }

    /// CompressionInfo.db for chunks of these stored lengths.
    pub(crate) fn compression_info(&self, stored: &[usize], data_length: usize) -> Vec<u8> {
        let mut info = Vec::new();
        put_utf(&mut info, "Encryptor");
        let options = self.options();
        put_i32(&mut info, options.len());
        for (key, value) in options {
            put_utf(&mut info, key);
            put_utf(&mut info, &value);
        }
        put_i32(&mut info, self.chunk_length);
        if self.has_max_length() {
            info.extend(0x7fff_ffff_u32.to_be_bytes());
        }
        info.extend(data_length.to_be_bytes());
        put_i32(&mut info, stored.len());
        let mut offset = 0_usize;
        for length in stored {
            info.extend(offset.to_be_bytes());
            offset += length + 4;
        }
        info
    }

    /// The part of an index that the engine reads: the first key.
    pub(crate) fn index(&self, plain: &[u8]) -> Vec<u8> {
        if self.is_bti() { partitions(plain) } else { first_key(plain) }
    }

    /// Writes all components into a table directory and returns the path up to the component.
    pub(crate) fn write(&self, table: &Path, plain: &[u8]) -> String {
        self.write_chunks(table, plain, &self.chunks(plain))
    }

    /// The same with stored chunks of the caller's own.
    pub(crate) fn write_chunks(&self, table: &Path, plain: &[u8], chunks: &[Vec<u8>]) -> String {
        fs::create_dir_all(table).unwrap();
        let prefix = format!("{}-", table.join(self.name()).display());
        let mut data = Vec::new();
        for chunk in chunks {
            data.extend(chunk);
            data.extend(crc32fast::hash(chunk).to_be_bytes());
        }
        let lengths: Vec<usize> = chunks.iter().map(Vec::len).collect();
        let info = self.compression_info(&lengths, plain.len());
        let mut files: Vec<(&str, Vec<u8>)> = vec![
            ("Data.db", data.clone()),
            ("CompressionInfo.db", info),
            ("Digest.crc32", crc32fast::hash(&data).to_string().into_bytes()),
            ("Statistics.db", beside::statistics(&[(0, beside::validation())])),
            ("Filter.db", b"filter".to_vec()),
        ];
        if self.is_bti() {
            files.extend([("Partitions.db", self.index(plain)), ("Rows.db", Vec::new())]);
        } else {
            files.extend([("Index.db", self.index(plain)), ("Summary.db", b"summary".to_vec())]);
        }
        let mut toc: String = files.iter().map(|(name, _)| format!("{name}\n")).collect();
        toc.push_str("TOC.txt\n");
        files.push(("TOC.txt", toc.into_bytes()));
        for (name, bytes) in files {
            fs::write(format!("{prefix}{name}"), bytes).unwrap();
        }
        prefix
    }
}

/// The table directory of synthetic tests below a data directory.
pub(crate) fn table_in(data: &Path) -> PathBuf {
    data.join("ks/t-5ab1e000000011f0800000000000000a")
}

/// What the plaintext starts with, taken for a partition key with its length; a key that is longer
/// than the plaintext continues beyond it.
fn first_key(plain: &[u8]) -> Vec<u8> {
    let length = match plain {
        [high, low, ..] => 2 + usize::from(*high) * 256 + usize::from(*low),
        [high] => 2 + usize::from(*high) * 256,
        [] => 2,
    };
    let mut key = plain[..length.min(plain.len())].to_vec();
    key.resize(length, 0);
    key
}

/// The tail of a Partitions.db (FORMATS.md 7.3): the first key, its position, a count, a root.
fn partitions(plain: &[u8]) -> Vec<u8> {
    let mut bytes = b"trie".to_vec();
    bytes.extend(first_key(plain));
    for long in [4_u64, 1, 0] {
        bytes.extend(long.to_be_bytes());
    }
    bytes
}

fn put_utf(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
    bytes.extend(text.as_bytes());
}

fn put_i32(bytes: &mut Vec<u8>, value: usize) {
    bytes.extend(i32::try_from(value).unwrap().to_be_bytes());
}

pub(crate) fn cbc(key: &[u8], iv: &[u8], plain: &[u8]) -> Vec<u8> {
    match key.len() {
        16 => cbc::Encryptor::<aes::Aes128>::new_from_slices(key, iv)
            .unwrap()
            .encrypt_padded_vec::<Pkcs7>(plain),
        24 => cbc::Encryptor::<aes::Aes192>::new_from_slices(key, iv)
            .unwrap()
            .encrypt_padded_vec::<Pkcs7>(plain),
        _ => cbc::Encryptor::<aes::Aes256>::new_from_slices(key, iv)
            .unwrap()
            .encrypt_padded_vec::<Pkcs7>(plain),
    }
}

/// Each block is a CBC message of its own with a zero IV.
pub(crate) fn ecb(key: &[u8], plain: &[u8]) -> Vec<u8> {
    let pad = 16 - plain.len() % 16;
    let mut padded = plain.to_vec();
    padded.extend(std::iter::repeat_n(u8::try_from(pad).unwrap(), pad));
    let zero = [0; 16];
    padded
        .chunks(16)
        .flat_map(|block| match key.len() {
            16 => cbc::Encryptor::<aes::Aes128>::new_from_slices(key, &zero)
                .unwrap()
                .encrypt_padded_vec::<NoPadding>(block),
            24 => cbc::Encryptor::<aes::Aes192>::new_from_slices(key, &zero)
                .unwrap()
                .encrypt_padded_vec::<NoPadding>(block),
            _ => cbc::Encryptor::<aes::Aes256>::new_from_slices(key, &zero)
                .unwrap()
                .encrypt_padded_vec::<NoPadding>(block),
        })
        .collect()
}
