//! Inputs for the benchmarks: SSTables of any size, made with the engine's own codec.

#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekey_engine::codec::{ChunkLengths, ChunkSealer};
use rekey_engine::crypto::{CipherKey, IvSource};
use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::keys::{KeyProvider as _, KeyRef, LocalKeyFiles};
use rekey_engine::options::{ChunkLength, CompressionParams, OptionMap};
use rekey_engine::plan::Target;
use rekey_engine::sstable::{Component, Descriptor, format_digest};
use rekey_engine::{Error, Result};

/// A data directory with one table, and two keys to go to and fro between.
#[derive(Debug)]
pub struct Site {
    root: PathBuf,
    keys: LocalKeyFiles,
    targets: [Target; 2],
}

impl Site {
    /// Makes the directories and the keys below `root`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn new(root: &Path) -> Result<Self> {
        for directory in ["data", "data/bench", TABLE] {
            LocalStorage.create_directory(&root.join(directory))?;
        }
        let keys = LocalKeyFiles::new(None);
        let targets = [target(&root.join("key-a"))?, target(&root.join("key-b"))?];
        for target in &targets {
            keys.create(key_of(target)?, root)?;
        }
        Ok(Self { root: root.to_owned(), keys, targets })
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The two targets; SSTables begin under the first.
    #[must_use]
    pub const fn targets(&self) -> &[Target; 2] {
        &self.targets
    }

    /// Writes an SSTable of `length` plaintext bytes in chunks of `chunk_length`.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_sstable(&self, id: u32, length: u64, chunk_length: ChunkLength) -> Result<()> {
        let [target, _] = &self.targets;
        let sealer = ChunkSealer::new(&target.key_header(), Arc::new(self.key(target)?), false);
        let descriptor = Descriptor::parse(&format!("nb-{id}-big"))
            .ok_or_else(|| Error::invalid("not a descriptor"))?;
        let path = |component: &Component| descriptor.path(&self.root.join(TABLE), component);
        let chunk = u64::from(chunk_length.bytes());
        let header = target
            .header(chunk_length, length.div_ceil(chunk), length)
            .ok_or_else(|| Error::invalid("an uncompressed target"))?;
        let version = descriptor.version().ok_or_else(|| Error::invalid("not a version"))?;
        let mut info = header.encode(version)?;
        let data = LocalStorage.create(&path(&Component::Data))?;
        let (mut at, mut crc) = (0_u64, crc32fast::Hasher::new());
        let (mut ivs, mut image) = (IvSource::from_os()?, Vec::new());
        for number in 0..header.chunk_count {
            let plain = header.plain_length(number);
            info.extend_from_slice(&at.to_be_bytes());
            image.clear();
            image.resize(sealer.record_length(plain), FILL);
            let lengths = [ChunkLengths { plain, payload: plain }];
            crc.combine(&sealer.seal(&mut image, &lengths, &mut ivs)?.crc);
            data.write_at(&image, at)?;
            at = at.saturating_add(u64::try_from(image.len()).unwrap_or(u64::MAX));
        }
        let small = |component: Component, bytes: &[u8]| {
            LocalStorage.create(&path(&component))?.write_at(bytes, 0)
        };
        small(Component::CompressionInfo, &info)?;
        small(Component::Digest, format_digest(crc.finalize()).as_bytes())?;
        // The first partition key, with its length, as Data.db begins with it.
        small(Component::Index, &[FILL; 2 + 0x3333])?;
        for component in [Component::Statistics, Component::Filter] {
            small(component, b"not looked at")?;
        }
        small(Component::Toc, TOC.as_bytes())
    }

    fn key(&self, target: &Target) -> Result<CipherKey> {
        let secret = self.keys.read_key(key_of(target)?)?;
        let options = target.encryptor().ok_or_else(|| Error::invalid("a target in clear"))?;
        CipherKey::new(options.transformation(), secret.expose())
            .map_err(|error| Error::invalid(error.to_string()))
    }
}

fn key_of(target: &Target) -> Result<&KeyRef> {
    target.key().ok_or_else(|| Error::invalid("a target in clear"))
}

fn target(key_file: &Path) -> Result<Target> {
    let map = OptionMap::from_pairs([
        ("class", "Encryptor"),
        ("cipher_algorithm", "AES/CBC/PKCS5Padding"),
        ("secret_key_strength", "256"),
        ("key_provider", "LocalFileSystemKeyProviderFactory"),
        ("secret_key_file", &key_file.display().to_string()),
    ])?;
    Target::new(CompressionParams::from_cql_options(&map)?, None)
}

/// Every byte of the plaintext.
const FILL: u8 = 0x33;
const TABLE: &str = "data/bench/t-00000000000000000000000000000001";
const TOC: &str =
    "Data.db\nCompressionInfo.db\nDigest.crc32\nIndex.db\nStatistics.db\nFilter.db\nTOC.txt\n";
