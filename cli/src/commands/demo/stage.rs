//! What the demo plays with: bundled SSTables, and a key server on the loopback interface.

use std::path::Path;

use include_dir::{Dir, DirEntry, include_dir};
use rekey_engine::config::NodeConfig;
use rekey_engine::io::{LocalStorage, Storage as _};
use rekey_engine::keys::{KeyId, KeyProvider as _, KeyRef, KmipKeyFile, KmipServers};
use rekey_engine::{Error, Result};
use rekey_kmip::message::{
    Attribute, AttributeValue, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters,
    PaddingMethod, Timestamp, UniqueIdentifier,
};
use rekey_kmip::ttlv::Tag;
use rekey_kmip_sim::{Simulator, SimulatorSettings};
use zeroize::Zeroizing;

use super::failure::missing;
use super::files::{remove, replace, write};
use super::large;

static SSTABLES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../testdata/sstables");

/// Set and the keyspace that it becomes.
const SETS: [(&str, &str); 3] = [
    ("oa-aes-cbc-256-16k-kmip", "orders"),
    ("da-aes-cbc-256-16k", "customers"),
    ("oa-aes-ecb-128-16k", "archive"),
];

/// The set whose chunks fill the large table, and the keyspace of that.
const LARGE: (&str, &str) = ("oa-aes-ecb-128-16k", "history");

/// The group of the bundled set's options.
pub(super) const GROUP: &str = "group";

/// The key that the bundled set was written with.
pub(super) const OLD_KEY: &str = "02-449";

/// Unpacks the tables to `data/` and their local keys to `keys/`, durably; one more that is large,
/// if it is wanted.
pub(super) fn tables(node: &Path, with_large: bool) -> Result<()> {
    let data = node.join("data");
    LocalStorage.create_directory(&data, None)?;
    for (set, keyspace) in SETS {
        unpack(bundled(&format!("{set}/rk"))?, &data.join(keyspace))?;
    }
    if with_large {
        let (set, keyspace) = LARGE;
        let keyspace = data.join(keyspace);
        LocalStorage.create_directory(&keyspace, None)?;
        for table in bundled(&format!("{set}/rk"))?.dirs() {
            let name = table.path().file_name().unwrap_or_default();
            large::table(table, &keyspace.join(name))?;
        }
    }
    unpack(bundled("keys")?, &node.join("keys"))
}

fn bundled(what: &str) -> Result<&'static Dir<'static>> {
    SSTABLES.get_dir(what).ok_or_else(|| missing(what))
}

/// Starts a key server that has the old key, or has again what it had when it was killed, and
/// writes the node's configuration for it.
pub(super) fn server(node: &Path) -> Result<(Simulator, KmipServers)> {
    let failed = |error| Error::io("cannot start the key server", node, error);
    let settings =
        SimulatorSettings { file: Some(node.join(OBJECTS)), ..SimulatorSettings::default() };
    let simulator = Simulator::with(settings).map_err(failed)?;
    if simulator.store().is_empty() {
        keep_old_key(node, &simulator)?;
        simulator.store().save().map_err(failed)?;
    }
    let yaml = simulator.node_config(GROUP, node).map_err(failed)?;
    let path = node.join(CONFIG);
    replace(&path, yaml.as_bytes())?;
    Ok((simulator, KmipServers::new(NodeConfig::parse(&yaml, path)?)))
}

fn keep_old_key(node: &Path, simulator: &Simulator) -> Result<()> {
    let exported = KmipKeyFile::open(node.join("keys").join(KMIP_KEYS))?;
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
    Ok(())
}

/// Writes down a key of the server, so that what is kept of the demo can be read without it.
pub(super) fn export(node: &Path, simulator: &Simulator, key: &KeyId) -> Result<()> {
    let bytes = simulator.store().key_bytes(&UniqueIdentifier::new(key.as_str()));
    let bytes = bytes.ok_or_else(|| missing("the new key"))?;
    let mut line = Zeroizing::new(format!("{key} = "));
    for byte in bytes.iter() {
        line.push_str(&Zeroizing::new(format!("{byte:02x}")));
    }
    line.push('\n');
    replace(&node.join(KMIP_KEYS), line.as_bytes())
}

/// Removes what only a running key server has a use for.
pub(super) fn forget_server(node: &Path) -> Result<()> {
    [OBJECTS, CONFIG, "client.pem", "trust.pem"]
        .iter()
        .try_for_each(|name| remove(&node.join(name)))
}

/// Removes all local key files. Those that are gone already are no error.
pub(super) fn forget_local_keys(node: &Path) -> Result<()> {
    let keys = node.join("keys");
    for entry in LocalStorage.list(&keys)? {
        LocalStorage.remove_file(&keys.join(entry.name))?;
    }
    LocalStorage.sync_directory(&keys)
}

/// Whether a local key file is left.
pub(super) fn has_local_keys(node: &Path) -> Result<bool> {
    Ok(!LocalStorage.list(&node.join("keys"))?.is_empty())
}

fn unpack(from: &Dir<'_>, to: &Path) -> Result<()> {
    LocalStorage.create_directory(to, None)?;
    for entry in from.entries() {
        let name = entry.path().file_name().unwrap_or_default();
        match entry {
            DirEntry::Dir(dir) => unpack(dir, &to.join(name))?,
            DirEntry::File(file) => write(&to.join(name), file.contents())?,
        }
    }
    LocalStorage.sync_directory(to)
}

const TWO_YEARS: i64 = 2 * 365 * 86_400;
const OBJECTS: &str = "key-server";
const CONFIG: &str = "hcd.yaml";
pub(super) const KMIP_KEYS: &str = "kmip-keys";
