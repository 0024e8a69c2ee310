//! Commit log segments and hints by the tests' own code, straight from FORMATS.md 4.1, 5 and 10: a
//! writer and a reader that share nothing with the engine's.

use super::beside::Key;
use super::{oracle, synthetic};

/// How sections and blocks are stored.
#[derive(Debug, Clone)]
pub(crate) enum Scheme {
    Clear,
    /// `LZ4Compressor`, not encrypted.
    Lz4,
    /// `EncryptingLZ4Compressor`; chunk after chunk takes the next key.
    Chain {
        parameters: Vec<(&'static str, String)>,
        keys: Vec<SchemeKey>,
    },
    /// Apache's `transparent_data_encryption_options`, with blocks of this many bytes.
    Apache {
        alias: String,
        key: Vec<u8>,
        iv: [u8; 16],
        block: usize,
    },
}

/// A key with its id, if chunks name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SchemeKey {
    pub(crate) id: Option<String>,
    pub(crate) bytes: Vec<u8>,
}

impl Scheme {
    /// A chain under a key file.
    pub(crate) fn local(file: &str, key: Vec<u8>) -> Self {
        let parameters = vec![
            ("cipher_algorithm", "AES/CBC/PKCS5Padding".to_owned()),
            ("secret_key_strength", (key.len() * 8).to_string()),
            ("key_provider", "LocalFileSystemKeyProviderFactory".to_owned()),
            ("secret_key_file", file.to_owned()),
        ];
        Self::Chain { parameters, keys: vec![SchemeKey { id: None, bytes: key }] }
    }

    /// A chain under keys of a KMIP group.
    pub(crate) fn kmip(group: &str, keys: &[(&str, Vec<u8>)]) -> Self {
        let parameters = vec![
            ("cipher_algorithm", "AES/CBC/PKCS5Padding".to_owned()),
            ("secret_key_strength", (keys[0].1.len() * 8).to_string()),
            ("key_provider", "KmipKeyProviderFactory".to_owned()),
            ("kmip_host", group.to_owned()),
        ];
        let keys = keys
            .iter()
            .map(|(id, bytes)| SchemeKey { id: Some((*id).to_owned()), bytes: bytes.clone() })
            .collect();
        Self::Chain { parameters, keys }
    }

    /// Apache's, with blocks of 64 KiB.
    pub(crate) fn apache(alias: &str, key: Vec<u8>) -> Self {
        Self::Apache { alias: alias.to_owned(), key, iv: *b"0123456789abcdef", block: 64 << 10 }
    }

    /// As json-simple writes it: with `\/`.
    fn parameters(parameters: &[(&str, String)]) -> String {
        let pairs: Vec<_> = parameters
            .iter()
            .map(|(name, value)| format!("\"{name}\":\"{}\"", value.replace('/', "\\/")))
            .collect();
        format!("{{{}}}", pairs.join(","))
    }

    fn segment_json(&self) -> String {
        match self {
            Self::Clear => "{}".to_owned(),
            Self::Lz4 => {
                r#"{"compressionClass":"LZ4Compressor","compressionParameters":{}}"#.to_owned()
            }
            Self::Chain { parameters, .. } => format!(
                r#"{{"compressionClass":"org.apache.cassandra.io.compress.EncryptingLZ4Compressor","compressionParameters":{}}}"#,
                Self::parameters(parameters)
            ),
            Self::Apache { alias, iv, .. } => format!(
                r#"{{"encCipher":"AES\/CBC\/PKCS5Padding","encIV":"{}","encKeyAlias":"{alias}"}}"#,
                hex(iv)
            ),
        }
    }

    fn hints_json(&self) -> String {
        match self {
            Self::Clear => "{}".to_owned(),
            Self::Lz4 => {
                r#"{"compression":{"parameters":{},"class_name":"LZ4Compressor"}}"#.to_owned()
            }
            Self::Chain { parameters, .. } => format!(
                r#"{{"compression":{{"parameters":{},"class_name":"org.apache.cassandra.io.compress.EncryptingLZ4Compressor"}}}}"#,
                Self::parameters(parameters)
            ),
            Self::Apache { alias, iv, .. } => format!(
                r#"{{"encryption":{{"encIV":"{}","encCipher":"AES\/CBC\/PKCS5Padding","encKeyAlias":"{alias}"}}}}"#,
                hex(iv)
            ),
        }
    }

    /// A compressor's chunk.
    fn chunk(&self, number: usize, plain: &[u8]) -> Vec<u8> {
        match self {
            Self::Lz4 => lz4(plain),
            Self::Chain { keys, .. } => {
                let key = &keys[number % keys.len()];
                let inner = [&int(plain.len())[..], &lz4(plain)].concat();
                let seed = u8::try_from(number % 251).unwrap();
                [&int(inner.len())[..], &key.key().seal(&inner, seed)].concat()
            }
            Self::Clear | Self::Apache { .. } => panic!("not a compressor"),
        }
    }

    /// A block of Apache's encryption with its lengths.
    fn block(&self, plain: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let Self::Apache { key, iv, .. } = self else { panic!("not Apache's") };
        let inner = [&int(plain.len())[..], &lz4(plain)].concat();
        let sealed = synthetic::cbc(key, iv, &inner);
        ([int(sealed.len()), int(inner.len())].concat(), sealed)
    }

    fn open_chunk(&self, number: usize, stored: &[u8]) -> Vec<u8> {
        let inner = match self {
            Self::Lz4 => return unlz4(stored),
            Self::Chain { keys, .. } => {
                let key = &keys[number % keys.len()];
                let inner = key.key().open(&stored[4..]);
                assert_eq!(stored[..4], int(inner.len())[..], "the length before the Encryptor");
                inner
            }
            Self::Clear | Self::Apache { .. } => panic!("not a compressor"),
        };
        let plain = unlz4(&inner[4..]);
        assert_eq!(inner[..4], int(plain.len())[..], "the length before the compressor");
        plain
    }

    /// All blocks of a range.
    fn open_blocks(&self, mut rest: &[u8]) -> Vec<Vec<u8>> {
        let Self::Apache { key, iv, .. } = self else { panic!("not Apache's") };
        let mut blocks = Vec::new();
        while !rest.is_empty() {
            let (sealed, length) = (read_int(rest), read_int(&rest[4..]));
            let inner = oracle::cbc(key, iv, &rest[8..8 + sealed]);
            assert_eq!(inner.len(), length);
            let plain = unlz4(&inner[4..]);
            assert_eq!(inner[..4], int(plain.len())[..]);
            blocks.push(plain);
            rest = &rest[8 + sealed..];
        }
        blocks
    }
}

impl SchemeKey {
    fn key(&self) -> Key<'_> {
        Key { id: self.id.as_deref(), bytes: &self.bytes, cbc: true }
    }
}

/// A commit log segment to write.
#[derive(Debug, Clone)]
pub(crate) struct Segment {
    pub(crate) version: i32,
    pub(crate) id: i64,
    pub(crate) scheme: Scheme,
    /// The plaintext of each section.
    pub(crate) sections: Vec<Vec<u8>>,
}

/// What a reader finds in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Read {
    /// Bytes of the header.
    pub(crate) header: usize,
    pub(crate) json: String,
    /// The plaintext of each section or block.
    pub(crate) parts: Vec<Vec<u8>>,
    /// The logical position of the end of each section.
    pub(crate) positions: Vec<usize>,
    /// Where it ends, and the bytes behind that.
    pub(crate) tail: (usize, Vec<u8>),
}

impl Segment {
    pub(crate) fn new(id: i64, scheme: Scheme, sections: Vec<Vec<u8>>) -> Self {
        Self { version: 7, id, scheme, sections }
    }

    pub(crate) fn name(&self) -> String {
        format!("CommitLog-{}-{}.log", self.version, self.id)
    }

    fn header(&self) -> Vec<u8> {
        let json = self.scheme.segment_json();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.version.to_be_bytes());
        crc.update(&long(self.id));
        crc.update(&int(json.len()));
        crc.update(json.as_bytes());
        let length = u16::try_from(json.len()).unwrap();
        let mut bytes = self.version.to_be_bytes().to_vec();
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(length.to_be_bytes());
        bytes.extend(json.as_bytes());
        bytes.extend(crc.finalize().to_be_bytes());
        bytes
    }

    /// The whole file.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.header();
        for (number, plain) in self.sections.iter().enumerate() {
            let content = match &self.scheme {
                Scheme::Clear => plain.clone(),
                Scheme::Lz4 | Scheme::Chain { .. } => {
                    [&int(plain.len())[..], &self.scheme.chunk(number, plain)].concat()
                }
                Scheme::Apache { block, .. } => {
                    let mut content = int(plain.len()).to_vec();
                    for piece in plain.chunks(*block) {
                        let (lengths, sealed) = self.scheme.block(piece);
                        content.extend(lengths);
                        content.extend(sealed);
                    }
                    content
                }
            };
            let at = bytes.len();
            bytes.extend(int(at + 8 + content.len()));
            bytes.extend(self.marker_crc(at));
            bytes.extend(content);
        }
        bytes
    }

    fn marker_crc(&self, at: usize) -> [u8; 4] {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&long(self.id));
        crc.update(&int(at));
        crc.finalize().to_be_bytes()
    }

    /// Reads a file of this version and id with the scheme's keys.
    pub(crate) fn read(&self, file: &[u8]) -> Read {
        assert_eq!(file[..4], self.version.to_be_bytes());
        assert_eq!(file[4..12], self.id.to_be_bytes());
        let length = usize::from(u16::from_be_bytes([file[12], file[13]]));
        let json = String::from_utf8(file[14..14 + length].to_vec()).unwrap();
        let mut crc = crc32fast::Hasher::new();
        crc.update(&file[..4]);
        crc.update(&long(self.id));
        crc.update(&int(length));
        crc.update(json.as_bytes());
        let header = 18 + length;
        assert_eq!(file[14 + length..header], crc.finalize().to_be_bytes());

        let (mut at, mut parts, mut positions, mut logical) = (header, vec![], vec![], header);
        while at + 8 <= file.len() && file[at..at + 8] != [0; 8] {
            assert_eq!(file[at + 4..at + 8], self.marker_crc(at), "the marker at {at}");
            let next = read_int(&file[at..]);
            if next > file.len() {
                break;
            }
            let content = &file[at + 8..next];
            let plain = match &self.scheme {
                Scheme::Clear => content.to_vec(),
                Scheme::Lz4 | Scheme::Chain { .. } => {
                    self.scheme.open_chunk(parts.len(), &content[4..])
                }
                Scheme::Apache { .. } => self.scheme.open_blocks(&content[4..]).concat(),
            };
            if !matches!(self.scheme, Scheme::Clear) {
                assert_eq!(read_int(content), plain.len());
            }
            logical += 8 + plain.len();
            parts.push(plain);
            positions.push(logical);
            at = next;
        }
        Read { header, json, parts, positions, tail: (at, file[at..].to_vec()) }
    }
}

/// Mutations as a log keeps them: size, its CRC, bytes, CRC of size and bytes.
pub(crate) fn mutations(bodies: &[Vec<u8>]) -> Vec<u8> {
    let mut plain = Vec::new();
    for body in bodies {
        let size = int(body.len());
        plain.extend(size);
        plain.extend(crc32fast::hash(&size).to_be_bytes());
        plain.extend(body);
        plain.extend(crc32fast::hash(&[&size[..], body].concat()).to_be_bytes());
    }
    plain
}

/// A hints file to write.
#[derive(Debug, Clone)]
pub(crate) struct Hints {
    pub(crate) host: u128,
    pub(crate) timestamp: i64,
    pub(crate) version: i32,
    pub(crate) scheme: Scheme,
    /// The plaintext of each block.
    pub(crate) blocks: Vec<Vec<u8>>,
}

impl Hints {
    pub(crate) fn new(timestamp: i64, scheme: Scheme, blocks: Vec<Vec<u8>>) -> Self {
        let host = 0x2e1c_6f4a_6f6c_4f06_9e0e_2a9e_4c1c_7d11;
        Self { host, timestamp, version: 2, scheme, blocks }
    }

    fn stem(&self) -> String {
        let host = format!("{:032x}", self.host);
        let parts = [&host[..8], &host[8..12], &host[12..16], &host[16..20], &host[20..]];
        format!("{}-{}-{}", parts.join("-"), self.timestamp, self.version)
    }

    pub(crate) fn name(&self) -> String {
        format!("{}.hints", self.stem())
    }

    pub(crate) fn checksum_name(&self) -> String {
        format!("{}.crc32", self.stem())
    }

    /// The file, and the text of its checksum.
    pub(crate) fn bytes(&self) -> (Vec<u8>, String) {
        let json = self.scheme.hints_json();
        let mut bytes = self.version.to_be_bytes().to_vec();
        bytes.extend(self.timestamp.to_be_bytes());
        bytes.extend(self.host.to_be_bytes());
        bytes.extend(int(json.len()));
        let (head, all) = self.crcs(json.as_bytes());
        bytes.extend(head.to_be_bytes());
        bytes.extend(json.as_bytes());
        bytes.extend(all.to_be_bytes());
        let mut checksum = crc32fast::Hasher::new();
        checksum.update(&bytes);
        for (number, plain) in self.blocks.iter().enumerate() {
            match &self.scheme {
                Scheme::Clear => {
                    bytes.extend(plain);
                    checksum.update(plain);
                }
                Scheme::Lz4 | Scheme::Chain { .. } => {
                    let chunk = self.scheme.chunk(number, plain);
                    let block = [&int(plain.len())[..], &int(chunk.len()), &chunk].concat();
                    bytes.extend(&block);
                    checksum.update(&block);
                }
                Scheme::Apache { .. } => {
                    let (lengths, sealed) = self.scheme.block(plain);
                    bytes.extend(lengths);
                    bytes.extend(&sealed);
                    // The lengths are not covered (FORMATS.md 10.3).
                    checksum.update(&sealed);
                }
            }
        }
        (bytes, format!("{:x}", checksum.finalize()))
    }

    fn crcs(&self, json: &[u8]) -> (u32, u32) {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&self.version.to_be_bytes());
        crc.update(&long(self.timestamp));
        let host = self.host.to_be_bytes();
        for half in [&host[..8], &host[8..]] {
            crc.update(&long(i64::from_be_bytes(half.try_into().unwrap())));
        }
        crc.update(&int(json.len()));
        let head = crc.clone().finalize();
        crc.update(json);
        (head, crc.finalize())
    }

    /// Reads a file of this host, timestamp and version with the scheme's keys.
    pub(crate) fn read(&self, file: &[u8]) -> Read {
        assert_eq!(file[..4], self.version.to_be_bytes());
        assert_eq!(file[4..12], self.timestamp.to_be_bytes());
        assert_eq!(file[12..28], self.host.to_be_bytes());
        let length = read_int(&file[28..]);
        let json = &file[36..36 + length];
        let (head, all) = self.crcs(json);
        assert_eq!(file[32..36], head.to_be_bytes());
        let header = 40 + length;
        assert_eq!(file[36 + length..header], all.to_be_bytes());
        let (mut at, mut parts) = (header, vec![]);
        while at + 8 <= file.len() {
            let (first, second) = (read_int(&file[at..]), read_int(&file[at + 4..]));
            let is_apache = matches!(self.scheme, Scheme::Apache { .. });
            let (plain, stored) = if is_apache { (second, first) } else { (first, second) };
            if (plain, stored) == (0, 0) || at + 8 + stored > file.len() {
                break;
            }
            let whole = &file[at..at + 8 + stored];
            if is_apache {
                parts.extend(self.scheme.open_blocks(whole));
            } else {
                let opened = self.scheme.open_chunk(parts.len(), &whole[8..]);
                assert_eq!(opened.len(), plain);
                parts.push(opened);
            }
            at += 8 + stored;
        }
        let json = String::from_utf8(json.to_vec()).unwrap();
        Read { header, json, parts, positions: vec![], tail: (at, file[at..].to_vec()) }
    }
}

fn lz4(plain: &[u8]) -> Vec<u8> {
    // With the length in front, as the database writes it: little-endian.
    lz4::block::compress(plain, None, true).unwrap()
}

fn unlz4(stored: &[u8]) -> Vec<u8> {
    lz4::block::decompress(stored, None).unwrap()
}

fn int(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_be_bytes()
}

/// As CRCs take a long: the low half first.
fn long(number: i64) -> [u8; 8] {
    let bytes = number.to_be_bytes();
    [&bytes[4..], &bytes[..4]].concat().try_into().unwrap()
}

fn read_int(bytes: &[u8]) -> usize {
    usize::try_from(u32::from_be_bytes(bytes[..4].try_into().unwrap())).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
