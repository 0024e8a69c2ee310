//! A data directory with one table, and two forms to go to and fro between.

mod links;
pub(crate) mod sparse;

use std::path::{Path, PathBuf};

use rekey_engine::codec::{ChunkLengths, ChunkSealer};
use rekey_engine::compress::{Codec, CodecContext};
use rekey_engine::crypto::{CipherKey, IvSource};
use rekey_engine::io::{LocalStorage, OutputFile, Storage as _};
use rekey_engine::keys::{
    KeyProvider as _, KeyRef, KeyRing, KeySources, KmipKeyFile, LocalKeyFiles,
};
use rekey_engine::options::ChunkLength;
use rekey_engine::plan::{Target, target_codec};
use rekey_engine::sstable::{CRC_CHUNK_LENGTH, Component, Descriptor, format_digest};
use rekey_engine::{Error, Result};

use crate::form::Form;
use crate::plaintext::Plaintext;

/// A data directory with one table, and two forms to go to and fro between.
#[derive(Debug)]
pub struct Site {
    root: PathBuf,
    forms: [Form; 2],
    targets: [Target; 2],
    sources: KeySources,
    ring: KeyRing,
    plaintext: Plaintext,
}

impl Site {
    /// Makes the directories and the keys below `root`: AES-256 in CBC mode under two keys.
    ///
    /// # Errors
    /// What the file system says.
    pub fn new(root: &Path) -> Result<Self> {
        Self::with(root, [Form::AES_256_CBC; 2], Plaintext::fill())
    }

    /// The same with other forms and another content.
    ///
    /// # Errors
    /// What the file system says, and what is wrong with the forms.
    pub fn with(root: &Path, forms: [Form; 2], plaintext: Plaintext) -> Result<Self> {
        let keyspace = root.join("data").join(KEYSPACE);
        for directory in [&root.join("data"), &keyspace, &table_directory(root)] {
            LocalStorage.create_directory(directory, None)?;
        }
        let [first, second] = forms;
        let target = |form: Form, name: &str| form.target(&root.join(name), &key_id(name));
        let targets = [target(first, "a")?, target(second, "b")?];
        let sources = make_keys(root, &forms, &targets)?;
        let ring = ring(&targets, &sources)?;
        Ok(Self { root: root.to_owned(), forms, targets, sources, ring, plaintext })
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// The directory of the table.
    #[must_use]
    pub fn table(&self) -> PathBuf {
        table_directory(&self.root)
    }

    /// The two targets; SSTables begin as the first.
    #[must_use]
    pub const fn targets(&self) -> &[Target; 2] {
        &self.targets
    }

    /// The arguments of a command that makes the first form of the second, or the other way
    /// round.
    #[must_use]
    pub fn arguments(&self, to_second: bool) -> Vec<String> {
        let [first, second] = &self.forms;
        let (form, name) = if to_second { (second, "b") } else { (first, "a") };
        let pairs = form.options(&self.root.join(name));
        let pairs: Vec<_> =
            pairs.iter().map(|(name, value)| format!("'{name}': '{value}'")).collect();
        let mut arguments = vec!["--compression".to_owned(), format!("{{{}}}", pairs.join(", "))];
        if !form.is_encrypted() {
            arguments.push("--decrypt".to_owned());
        }
        if form.has_kmip_key() {
            arguments.extend(["--key-id".to_owned(), key_id(name)]);
        }
        if self.sources.exported.is_some() {
            let file = self.root.join(KMIP_KEYS).display().to_string();
            arguments.extend(["--kmip-keys".to_owned(), file]);
        }
        arguments
    }

    /// Writes an SSTable of `length` plaintext bytes in chunks of `chunk_length`; uncompressed
    /// ones are cut as the database does it.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_sstable(&self, id: u32, length: u64, chunk_length: ChunkLength) -> Result<()> {
        let [target, _] = &self.targets;
        let (sealer, _) = target_codec(target, &self.ring)?;
        let descriptor = descriptor(id)?;
        let data = LocalStorage.create(&descriptor.path(&self.table(), &Component::Data))?;
        let chunk_length = if target.is_compressed() { chunk_length } else { CRC_CHUNK_LENGTH };
        let step = u64::from(chunk_length.bytes());
        let written = self.write_chunks(&sealer, target.codec(), data.as_ref(), length, step)?;
        self.write_others(&descriptor, length, chunk_length, written)
    }

    /// Writes everything but Data.db.
    fn write_others(
        &self,
        descriptor: &Descriptor,
        length: u64,
        chunk_length: ChunkLength,
        written: Written,
    ) -> Result<()> {
        let [target, _] = &self.targets;
        let version = descriptor.version().ok_or_else(|| Error::invalid("not a version"))?;
        let small = |component: Component, bytes: &[u8]| {
            LocalStorage.create(&descriptor.path(&self.table(), &component))?.write_at(bytes, 0)
        };
        let chunks = length.div_ceil(u64::from(chunk_length.bytes()));
        let (component, mut side) = match target.header(chunk_length, chunks, length) {
            Some(header) => (Component::CompressionInfo, header.encode(version)?),
            None => (Component::Crc, chunk_length.bytes().to_be_bytes().to_vec()),
        };
        let is_compressed = component == Component::CompressionInfo;
        side.extend(match is_compressed {
            true => written.offsets.iter().flat_map(|offset| offset.to_be_bytes()).collect(),
            false => written.crcs.iter().flat_map(|crc| crc.to_be_bytes()).collect::<Vec<_>>(),
        });
        let toc = TOC.replace("CompressionInfo.db", &component.to_string());
        small(component, &side)?;
        small(Component::Digest, format_digest(written.crc.finalize()).as_bytes())?;
        small(Component::Index, self.plaintext.first_key())?;
        for component in [Component::Statistics, Component::Filter] {
            small(component, b"not looked at")?;
        }
        small(Component::Toc, toc.as_bytes())
    }

    fn write_chunks(
        &self,
        sealer: &ChunkSealer,
        codec: Option<Codec>,
        data: &dyn OutputFile,
        length: u64,
        step: u64,
    ) -> Result<Written> {
        let mut written = Written::default();
        let (mut ivs, mut context) = (IvSource::from_os()?, CodecContext::default());
        let (mut image, mut chunks) = (Vec::new(), Vec::new());
        let (mut place, mut at) = (0_u64, 0_u64);
        while place < length {
            let (mut filled, from) = (0_usize, at);
            chunks.clear();
            while place < length && filled < IMAGE {
                let plain = usize::try_from(step.min(length - place)).unwrap_or_default();
                let text = self.plaintext.at(place, plain);
                let most = codec.map_or(plain, |codec| codec.max_compressed_length(plain));
                image.resize(image.len().max(filled + sealer.record_length(most)), 0);
                let room = image.get_mut(filled + sealer.prefix_length()..).unwrap_or_default();
                let payload = match codec {
                    Some(codec) => codec.compress(text, room, &mut context)?,
                    None => {
                        room.iter_mut().zip(text).for_each(|(to, byte)| *to = *byte);
                        plain
                    }
                };
                written.offsets.push(at);
                chunks.push(ChunkLengths { plain, payload });
                let record = sealer.record_length(payload);
                filled += record;
                at += u64::try_from(record).unwrap_or_default();
                place += step;
            }
            let image = image.get_mut(..filled).unwrap_or_default();
            let sealed = sealer.seal(image, &chunks, &mut ivs)?;
            written.crc.combine(&sealed.crc);
            written.crcs.extend(sealed.chunk_crcs);
            data.write_at(image, from)?;
        }
        Ok(written)
    }
}

#[derive(Debug, Default)]
struct Written {
    crc: crc32fast::Hasher,
    crcs: Vec<u32>,
    offsets: Vec<u64>,
}

/// Key files, and one file with the keys of a KMIP server.
fn make_keys(root: &Path, forms: &[Form; 2], targets: &[Target; 2]) -> Result<KeySources> {
    let mut sources = KeySources { local: LocalKeyFiles::new(None), ..KeySources::default() };
    let mut lines = String::new();
    for ((form, target), digit) in forms.iter().zip(targets).zip(["1f", "e2"]) {
        match target.key() {
            Some(KeyRef::Kmip { id, .. }) => {
                lines.push_str(&format!("{id} = {}\n", digit.repeat(form.key_length())));
            }
            Some(key) => {
                sources.local.create(key, root)?;
            }
            None => {}
        }
    }
    if !lines.is_empty() {
        let path = root.join(KMIP_KEYS);
        LocalStorage.create(&path)?.write_at(lines.as_bytes(), 0)?;
        sources.exported = Some(KmipKeyFile::open(path)?);
    }
    Ok(sources)
}

fn ring(targets: &[Target; 2], sources: &KeySources) -> Result<KeyRing> {
    let keys = targets.iter().filter_map(|target| target.key().zip(target.encryptor()));
    keys.map(|(key, options)| {
        let secret = sources.read_key(key)?;
        Ok((key.clone(), CipherKey::new(options.transformation(), secret.expose())?))
    })
    .collect()
}

fn descriptor(id: u32) -> Result<Descriptor> {
    Descriptor::parse(&format!("nb-{id}-big")).ok_or_else(|| Error::invalid("not a descriptor"))
}

fn table_directory(root: &Path) -> PathBuf {
    let name = format!("{TABLE}-00000000000000000000000000000001");
    root.join("data").join(KEYSPACE).join(name)
}

/// An id as long as those that servers give: 36 bytes.
fn key_id(name: &str) -> String {
    format!("6b1f0c6e-0000-4000-8000-00000000000{name}")
}

/// The keyspace of every site.
pub const KEYSPACE: &str = "bench";
/// Its table.
pub const TABLE: &str = "t";

/// Bytes that are sealed and written at once.
const IMAGE: usize = 2 << 20;
const KMIP_KEYS: &str = "kmip-keys";
const TOC: &str =
    "Data.db\nCompressionInfo.db\nDigest.crc32\nIndex.db\nStatistics.db\nFilter.db\nTOC.txt\n";
