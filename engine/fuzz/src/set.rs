//! Small SSTables that databases wrote, in memory, to be laid out repeatedly.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rekey_engine::txn::Flavor;

use super::scratch::testdata;
use super::statistics;

/// A keyspace with one table.
#[derive(Debug)]
pub(crate) struct Set {
    /// Who wrote it.
    pub(crate) flavor: Flavor,
    /// Its target; `@` is the directory with the keys.
    pub(crate) target: &'static str,
    /// The key of the target on a server.
    pub(crate) key_id: Option<&'static str>,
    /// Paths below the data directory, sorted.
    pub(crate) files: Vec<(PathBuf, Vec<u8>)>,
}

impl Set {
    /// One of each form of Data.db and the files beside it.
    pub(crate) fn all() -> Vec<Self> {
        let of = |name, flavor, target, key_id, ids: &[&str]| {
            let files = collect(&testdata().join("fixtures").join(name), ids);
            Self { flavor, target, key_id, files }
        };
        // All but the second are of one chunk.
        let small = &["3", "4"];
        vec![
            of("oa-rc2-ecb-40-16k", Flavor::Apache4, LOCAL, None, small),
            of("oa-encrypting-lz4", Flavor::Apache4, CHAIN, None, &["2"]),
            of("plain-nb", Flavor::Apache4, LOCAL, None, small),
            of("da-kmip-a", Flavor::Apache4, KMIP, Some("02-450"), small),
            of("bb-local-cbc", Flavor::Dse, LOCAL, None, small),
            of("cc-kmip-cbc", Flavor::ConvergedCore, KMIP, Some("02-450"), small),
        ]
    }

    /// The keys of all sets, and those of the targets.
    pub(crate) fn lay_out_keys(root: &Path) {
        let from = testdata().join("fixtures/keys");
        fs::create_dir(root.join("keys")).expect("room for a directory");
        for name in ["rc2-ecb-40", "aes-cbc-256", "aes-cbc-128"] {
            let content = fs::read(from.join(name)).expect("a committed key");
            secret(&root.join("keys").join(name), &content);
        }
        let key = "Wlpa".repeat(10) + "Wlo=";
        secret(&root.join("new"), format!("AES/CBC/PKCS5Padding:256:{key}\n").as_bytes());
        secret(&root.join("exported"), EXPORTED.as_bytes());
    }

    /// Corrects checksums that cover single pieces of a file.
    pub(crate) fn correct(&self, files: &mut [(PathBuf, Vec<u8>)]) {
        for (path, file) in files {
            let whole = self.files.iter().find(|(own, _)| own == path);
            let length = whole.map_or(0, |(_, content)| content.len());
            let name = path.to_string_lossy();
            if name.ends_with("-Statistics.db") {
                statistics::correct(file);
            } else if name.ends_with("-Partitions.db") || name.ends_with("-Rows.db") {
                super::page::correct(file);
            }
            for (start, end) in chunks(path, &self.files, length) {
                if let Some(chunk) = file.get(start..end) {
                    let crc = crc32fast::hash(chunk);
                    statistics::put(file, end, crc);
                }
            }
        }
    }
}

/// The places of the chunks of a Data.db by its CompressionInfo.db, without their checksums.
fn chunks(path: &Path, files: &[(PathBuf, Vec<u8>)], length: usize) -> Vec<(usize, usize)> {
    let Some(info) = path.to_str().and_then(|name| name.strip_suffix("Data.db")) else {
        return vec![];
    };
    let info = PathBuf::from(format!("{info}CompressionInfo.db"));
    let Some((_, table)) = files.iter().find(|(path, _)| *path == info) else { return vec![] };
    // Offsets are the end of the file, and the first of them is 0.
    let (_, offsets) = table.as_rchunks::<8>();
    let mut bounds = vec![length];
    for raw in offsets.iter().rev() {
        let offset = usize::try_from(u64::from_be_bytes(*raw)).unwrap_or(usize::MAX);
        bounds.insert(0, offset);
        if offset == 0 || offset >= length {
            break;
        }
    }
    bounds.windows(2).map(|pair| (pair[0], pair[1].saturating_sub(4))).collect()
}

fn collect(data: &Path, ids: &[&str]) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = fs::read_dir(data.join(TABLE)).expect("a committed set");
    let mut files: Vec<_> = entries
        .map(|entry| entry.expect("an entry of a committed set").file_name())
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.split('-').nth(1).is_some_and(|id| ids.contains(&id)))
        .map(|name| Path::new(TABLE).join(name))
        .map(|below| (below.clone(), fs::read(data.join(below)).expect("a committed file")))
        .collect();
    files.sort();
    files
}

fn secret(path: &Path, content: &[u8]) {
    fs::write(path, content).expect("room for a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).expect("a file of our own");
}

const TABLE: &str = "rk/t-5ab1e000000011f0800000000000000a";

const LOCAL: &str = "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
     'secret_key_strength': 256, 'key_provider': 'LocalFileSystemKeyProviderFactory', \
     'secret_key_file': '@/new'}";
const CHAIN: &str = "{'class': 'EncryptingDeflateCompressor', 'cipher_algorithm': \
     'AES/CBC/PKCS5Padding', 'secret_key_strength': 256, 'key_provider': \
     'LocalFileSystemKeyProviderFactory', 'secret_key_file': '@/new'}";
const KMIP: &str = "{'class': 'Encryptor', 'cipher_algorithm': 'AES/CBC/PKCS5Padding', \
     'secret_key_strength': 256, 'key_provider': 'KmipKeyProviderFactory', 'kmip_host': 'kmip1'}";

const EXPORTED: &str = "\
    02-449 = 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n\
    0eb2277e-0acc-4adb-9241-1dd84dde691c = \
    f0e0d0c0b0a090807060504030201000f1e1d1c1b1a191817161514131211101\n\
    02-450 = 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n";
