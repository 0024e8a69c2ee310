//! What the demo plays with: bundled SSTables, and a key server on the loopback interface.

use std::path::Path;

use include_dir::{Dir, DirEntry, include_dir};
use rekey_engine::config::NodeConfig;
use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::keys::{KeyId, KeyProvider as _, KeyRef, KmipKeyFile, KmipServers};
use rekey_engine::{Error, ErrorKind, Result};
use rekey_kmip::message::{
    Attribute, AttributeValue, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters,
    PaddingMethod, Timestamp, UniqueIdentifier,
};
use rekey_kmip::ttlv::Tag;
use rekey_kmip_sim::Simulator;
use zeroize::Zeroizing;

static SSTABLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../testdata/sstables");

/// Set and the keyspace that it becomes.
const SETS: [(&str, &str); 3] = [
    ("oa-aes-cbc-256-16k-kmip", "orders"),
    ("da-aes-cbc-256-16k", "customers"),
    ("oa-aes-ecb-128-16k", "archive"),
];

/// The group of the bundled set's options.
pub(super) const GROUP: &str = "group";

/// The key that the bundled set was written with.
pub(super) const OLD_KEY: &str = "02-449";

/// Unpacks the tables to `data/` and their local keys to `keys/`.
pub(super) fn tables(root: &Path) -> Result<()> {
    let data = root.join("data");
    LocalStorage.create_directory(&data)?;
    for (set, keyspace) in SETS {
        let from = SSTABLES.get_dir(format!("{set}/rk")).ok_or_else(|| missing(set))?;
        unpack(from, &data.join(keyspace))?;
    }
    unpack(SSTABLES.get_dir("keys").ok_or_else(|| missing("keys"))?, &root.join("keys"))
}

/// Starts a key server that has the old key, and the node's configuration for it.
pub(super) fn server(root: &Path) -> Result<(Simulator, KmipServers)> {
    let failed = |error| Error::io("cannot start the key server", root, error);
    let simulator = Simulator::start().map_err(failed)?;
    let exported = KmipKeyFile::open(root.join("keys/kmip-keys"))?;
    let id = KeyId::new(OLD_KEY)?;
    let key = exported.read_key(&KeyRef::Kmip { group: GROUP.to_owned(), id })?;
    let parameters = CryptographicParameters {
        mode: Some(BlockCipherMode::CBC),
        padding: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    };
    let years_ago = Timestamp::from_seconds(Timestamp::now().seconds() - TWO_YEARS);
    simulator.store().keep_key(
        &UniqueIdentifier::new(OLD_KEY),
        CryptographicAlgorithm::AES,
        Zeroizing::new(key.expose().to_vec()),
        vec![
            Attribute::new(
                Tag::CRYPTOGRAPHIC_PARAMETERS.into(),
                AttributeValue::Parameters(parameters),
            ),
            Attribute::new(Tag::INITIAL_DATE.into(), years_ago),
            Attribute::new(Tag::ACTIVATION_DATE.into(), years_ago),
        ],
    );
    let yaml = simulator.node_config(GROUP, root).map_err(failed)?;
    let config = NodeConfig::parse(&yaml, root.join("hcd.yaml"))?;
    Ok((simulator, KmipServers::new(config)))
}

fn unpack(from: &Dir<'_>, to: &Path) -> Result<()> {
    LocalStorage.create_directory(to)?;
    for entry in from.entries() {
        let name = entry.path().file_name().unwrap_or_default();
        match entry {
            DirEntry::Dir(dir) => unpack(dir, &to.join(name))?,
            DirEntry::File(file) => {
                let copy = LocalStorage.create(&to.join(name))?;
                copy.write_at(file.contents(), 0)?;
            }
        }
    }
    Ok(())
}

fn missing(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the bundled SSTables lack {what}"))
}

const TWO_YEARS: i64 = 2 * 365 * 86_400;
