//! Encrypted components beside Data.db: the pages of Partitions.db and Rows.db, the bodies of
//! Statistics.db.
//!
//! Three sets of real SSTables whose `plain/` says what must come out, and pages and bodies by the
//! tests' own writer.

mod damage;
mod fixtures;
mod geometry;
mod several_keys;
mod stopped;
mod upgrade;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekey_engine::codec::{ChunkOpener, ChunkSealer, PageGeometry, PageOpener, PageSealer};
use rekey_engine::crypto::{CipherKey, IvSource, Transformation};
use rekey_engine::keys::{HeaderKind, KeyHeader, KeyId};

use crate::kit::beside::{Key, PAGE};
use crate::kit::workspace::{files, testdata};

pub(super) const OLD_KMIP: (&str, &str) =
    ("02-449", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
pub(super) const OTHER_KMIP: (&str, &str) = (
    "0eb2277e-0acc-4adb-9241-1dd84dde691c",
    "f0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101",
);

/// A set of SSTables with encrypted components.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) cipher: &'static str,
    /// The id of the key, if chunks name one.
    pub(crate) id: Option<&'static str>,
    /// Usable bytes of a page.
    pub(crate) usable: usize,
}

pub(crate) const SETS: [Set; 3] = [
    Set { name: "cc-kmip-cbc", cipher: "AES/CBC/PKCS5Padding", id: Some(OLD_KMIP.0), usable: 3807 },
    Set {
        name: "cc-kmip-ecb",
        cipher: "AES/ECB/PKCS5Padding",
        id: Some(OTHER_KMIP.0),
        usable: 3823,
    },
    Set { name: "bb-local-cbc", cipher: "AES/CBC/PKCS5Padding", id: None, usable: 4063 },
];

impl Set {
    pub(crate) fn key_bytes(&self) -> Vec<u8> {
        match self.id {
            Some(id) if id == OLD_KMIP.0 => hex(OLD_KMIP.1),
            Some(_) => hex(OTHER_KMIP.1),
            None => crate::kit::oracle::key_file(&testdata().join("fixtures/keys/aes-cbc-256")),
        }
    }

    /// The files of a kind, encrypted, each with what must come out of it.
    pub(crate) fn files(&self, ending: &str) -> Vec<(PathBuf, PathBuf)> {
        let root = testdata().join("fixtures").join(self.name);
        let mut pairs = Vec::new();
        for table in files(&root.join("rk")) {
            for name in files(&root.join("rk").join(&table)) {
                if name.ends_with(ending) {
                    let plain = match ending {
                        "Statistics.db" => name.clone(),
                        _ => format!("{name}.pages"),
                    };
                    pairs.push((
                        root.join("rk").join(&table).join(&name),
                        root.join("plain").join(&table).join(plain),
                    ));
                }
            }
        }
        assert_eq!(pairs.len(), 8, "{}", self.name);
        pairs
    }

    pub(crate) fn codec(&self, id: Option<&str>, key: &[u8]) -> Codec {
        Codec::new(self.cipher, id, key)
    }

    /// For the tests' own reader.
    pub(super) fn own<'a>(&self, id: Option<&'a str>, bytes: &'a [u8]) -> Key<'a> {
        Key { id, bytes, cbc: self.cipher.contains("/CBC/") }
    }
}

/// The engine's codecs under one key.
pub(crate) struct Codec {
    cipher: Transformation,
    key: Arc<CipherKey>,
    id: Option<KeyId>,
}

impl Codec {
    pub(crate) fn new(cipher: &str, id: Option<&str>, key: &[u8]) -> Self {
        let cipher = Transformation::parse(cipher).unwrap();
        let key = Arc::new(CipherKey::new(&cipher, key).unwrap());
        Self { cipher, key, id: id.map(|id| KeyId::new(id).unwrap()) }
    }

    pub(crate) fn geometry(&self, longest: usize) -> PageGeometry {
        let header = if self.id.is_some() { HeaderKind::Kmip } else { HeaderKind::None };
        PageGeometry::new(&self.cipher, self.cipher.iv_length(), header, longest)
    }

    pub(crate) fn chunks(&self) -> ChunkOpener {
        match &self.id {
            None => ChunkOpener::with_key(Arc::clone(&self.key)),
            Some(id) => ChunkOpener::with_ids(
                self.cipher.clone(),
                BTreeMap::from([(id.clone(), Arc::clone(&self.key))]),
            ),
        }
    }

    pub(crate) fn sealer(&self) -> ChunkSealer {
        let header = self.id.clone().map_or(KeyHeader::None, KeyHeader::Kmip);
        ChunkSealer::new(&header, Arc::clone(&self.key), false)
    }

    pub(crate) fn pages(&self) -> PageOpener {
        PageOpener::new(self.chunks(), self.geometry(256))
    }

    pub(super) fn seal_pages(&self, plains: &[Vec<u8>]) -> Vec<u8> {
        let sealer = PageSealer::new(self.sealer(), self.geometry(256)).unwrap();
        let mut image = vec![0x55; plains.len() * PAGE];
        for (page, plain) in image.chunks_mut(PAGE).zip(plains) {
            page[sealer.prefix_length()..][..plain.len()].copy_from_slice(plain);
        }
        let lengths: Vec<_> = plains.iter().map(Vec::len).collect();
        sealer.seal(&mut image, &lengths, &mut IvSource::from_os().unwrap()).unwrap();
        image
    }
}

pub(crate) fn open_pages(file: &[u8], opener: &PageOpener) -> Vec<Vec<u8>> {
    let mut out = [0; PAGE];
    file.chunks(PAGE)
        .map(|page| {
            let (length, _) = opener.open(page, &mut out).unwrap();
            out[..length].to_vec()
        })
        .collect()
}

pub(super) fn hex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

pub(super) fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}
