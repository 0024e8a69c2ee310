//! From a configuration text to a key that is fetched from the simulator over mutual TLS.

mod refused;
mod stores;

use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rekey_engine::config::NodeConfig;
use rekey_engine::crypto::{CipherKey, IvSource, Lane, Transformation, pad};
use rekey_engine::keys::kmip::{GroupClient, connect};
use rekey_engine::{Error, ErrorKind};
use rekey_kmip::message::{
    Attribute, BlockCipherMode, CryptographicAlgorithm, CryptographicParameters, PaddingMethod,
};
use rekey_kmip::ttlv::Tag;
use rekey_kmip_sim::{Simulator, SimulatorSettings};

const PASSWORD: &str = "changeit";
const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const CBC: &str = "AES/CBC/PKCS5Padding";

/// The password under the key: an IV, then what `openssl enc -aes-128-cbc -K .. -iv ..` gives.
const BY_OPENSSL: &str = "8PHy8/T19vf4+fr7/P3+/ypJXErwmoRiFBJK+K0iiXg=";

/// A simulator with a directory of stores that fit it, `node.*` and `trust.*`.
struct Site {
    directory: tempfile::TempDir,
    sim: Simulator,
}

impl Site {
    fn new() -> Self {
        Self::with(SimulatorSettings::default())
    }

    fn with(settings: SimulatorSettings) -> Self {
        let site = Self {
            directory: tempfile::tempdir().unwrap(),
            sim: Simulator::with(settings).unwrap(),
        };
        let client = site.sim.client();
        let (leaf, key) = (client.leaf().unwrap(), client.key.secret_der());
        let root = site.sim.pki().root();
        site.file("node.pem", &stores::pem(&leaf, Some(key)));
        site.file("trust.pem", &stores::pem(&root, None));
        site.file("node.jks", &stores::jks(&leaf, Some(key), PASSWORD));
        site.file("trust.jks", &stores::jks(&root, None, PASSWORD));
        site.file("node.p12", &stores::pkcs12(&leaf, Some(key), PASSWORD));
        site.file("trust.p12", &stores::pkcs12(&root, None, PASSWORD));
        site.file("system_key", format!("{CBC}:128:{}\n", STANDARD.encode(KEY)).as_bytes());
        site.file("password", b"changeit\n");
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// A group of this simulator; `DIR` in the lines is the directory.
    fn group(&self, name: &str, lines: &[&str]) -> String {
        let mut text = format!("  {name}:\n    hosts: {}\n    timeout: 5000\n", self.sim.host());
        for line in lines {
            text.push_str("    ");
            text.push_str(&line.replace("DIR", self.directory.path().to_str().unwrap()));
            text.push('\n');
        }
        text
    }

    fn config(&self, top: &str, groups: &[String]) -> NodeConfig {
        let directory = self.directory.path().display();
        let text =
            format!("system_key_directory: {directory}\n{top}\nkmip_hosts:\n{}", groups.concat());
        NodeConfig::parse(&text, "/etc/hcd.yaml").unwrap()
    }

    fn vault(&self, top: &str, lines: &[&str]) -> NodeConfig {
        self.config(top, &[self.group("vault", lines)])
    }

    /// Fetches a new key and compares it with the simulator's.
    fn fetches(&self, made: &mut GroupClient) {
        let id = self.sim.store().add_key(CryptographicAlgorithm::AES, 128, Vec::new()).unwrap();
        let key = made.client.fetch(&id).unwrap();
        assert_eq!(key.material.expose(), &**self.sim.store().key_bytes(&id).unwrap());
        assert!(made.client.connection().unwrap().asked_for_client_certificate);
    }
}

/// Both stores of a kind, and both passwords by these lines.
fn lines(kind: &str, keystore: &str, truststore: &str) -> Vec<String> {
    vec![
        format!("keystore_path: DIR/node.{kind}"),
        format!("truststore_path: DIR/trust.{kind}"),
        keystore.to_owned(),
        truststore.to_owned(),
    ]
}

fn borrowed(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

fn error(config: &NodeConfig) -> Error {
    connect(config, "vault").map(|_| ()).unwrap_err()
}

/// The password as the engine's own cipher encrypts it.
fn sealed(cipher: &str, key: &[u8], plain: &str) -> String {
    let transformation = Transformation::parse(cipher).unwrap();
    let iv = IvSource::from_os().unwrap().next_iv();
    let mut data = plain.as_bytes().to_vec();
    data.resize(transformation.ciphertext_length(plain.len()), 0);
    assert_eq!(pad(&transformation, &mut data, plain.len()), data.len());
    let key = CipherKey::new(&transformation, key).unwrap();
    key.seal(&mut [Lane::new(iv, &mut data)]).unwrap();
    STANDARD.encode([&iv[..transformation.iv_length()], &data].concat())
}

#[test]
fn every_kind_of_store_and_password_leads_to_a_key() {
    let site = Site::new();
    let own = sealed(CBC, &KEY, PASSWORD);
    for kind in ["pem", "jks", "p12"] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"changeit\n").unwrap();
        drop(writer);
        let number = reader.as_raw_fd();
        for (keystore, truststore, more) in [
            (
                "keystore_password: changeit".to_owned(),
                "truststore_password: changeit".to_owned(),
                "",
            ),
            (
                "keystore_password_file: DIR/password".to_owned(),
                "truststore_password_file: DIR/password".to_owned(),
                "",
            ),
            (
                format!("keystore_password_descriptor: {number}"),
                format!("truststore_password_descriptor: {number}"),
                "",
            ),
            (
                format!("keystore_password: {own}"),
                format!("truststore_password: {BY_OPENSSL}"),
                "password_encryption_key_name: system_key",
            ),
            // A file is in clear whatever the group says.
            (
                format!("keystore_password: {BY_OPENSSL}"),
                "truststore_password_file: DIR/password".to_owned(),
                "password_encryption_key_name: system_key",
            ),
        ] {
            let mut lines = lines(kind, &keystore, &truststore);
            lines.push(more.to_owned());
            let config = site.vault("", &borrowed(&lines));
            let is_said = |warning: &String| warning.contains(" is a setting of this program");
            assert!(config.warnings().iter().all(is_said), "{:?}", config.warnings());
            let mut made = connect(&config, "vault").unwrap();
            assert_eq!(made.warnings, [""; 0], "{lines:?}");
            site.fetches(&mut made);
            // And again: a pipe is empty by now.
            drop(connect(&config, "vault").unwrap());
        }
    }
}

#[test]
fn with_whole_file_encryption_the_value_decides() {
    let site = Site::new();
    let own = sealed("AES", &KEY, PASSWORD);
    site.file("bare", format!("AES:128:{}", STANDARD.encode(KEY)).as_bytes());
    for (top, keystore, truststore) in [
        // The vendor wants these passwords in clear even so.
        ("config_encryption_active: true", PASSWORD, PASSWORD),
        ("config_encryption_active: true", BY_OPENSSL, PASSWORD),
        ("config_encryption_active: true\nconfig_encryption_key_name: bare", PASSWORD, &own),
        ("config_encryption_active: true\nconfig_encryption_key_name: gone", PASSWORD, PASSWORD),
        (
            "config_encryption_active: true\nconfig_encryption_key_name: kmip://vault/1",
            PASSWORD,
            PASSWORD,
        ),
    ] {
        let lines = lines(
            "jks",
            &format!("keystore_password: {keystore}"),
            &format!("truststore_password: {truststore}"),
        );
        let config = site.vault(top, &borrowed(&lines));
        site.fetches(&mut connect(&config, "vault").unwrap());
    }
    // In clear, since the key is reached through these very stores, but in the form of a
    // ciphertext.
    let client = site.sim.client();
    let store = stores::jks(&client.leaf().unwrap(), Some(client.key.secret_der()), BY_OPENSSL);
    site.file("node.jks", &store);
    let trust = "truststore_password: changeit";
    let lines = lines("jks", &format!("keystore_password: {BY_OPENSSL}"), trust);
    let vault = "config_encryption_active: true\nconfig_encryption_key_name: kmip://vault/1";
    site.fetches(&mut connect(&site.vault(vault, &borrowed(&lines)), "vault").unwrap());

    let site = Site::new();
    // Not active: the value is the password itself, and a wrong one.
    let wrong = error(&site.vault("", &borrowed(&lines)));
    assert!(wrong.chain().contains("wrong password for the JKS key store"), "{wrong:?}");
    let gone = "config_encryption_active: true\nconfig_encryption_key_name: gone";
    let missing = error(&site.vault(gone, &borrowed(&lines)));
    assert_eq!(missing.kind(), ErrorKind::KeyUnavailable);
    assert!(missing.chain().contains("the system key is missing"), "{missing:?}");
}

fn cbc() -> Vec<Attribute> {
    let parameters = CryptographicParameters {
        mode: Some(BlockCipherMode::CBC),
        padding: Some(PaddingMethod::PKCS5),
        ..CryptographicParameters::default()
    };
    vec![Attribute::new(Tag::CRYPTOGRAPHIC_PARAMETERS.into(), parameters)]
}

#[test]
fn a_system_key_may_be_on_a_key_server() {
    let site = Site::new();
    for (attributes, cipher) in [(cbc(), CBC), (Vec::new(), "AES")] {
        let id = site.sim.store().add_key(CryptographicAlgorithm::AES, 128, attributes).unwrap();
        let key = site.sim.store().key_bytes(&id).unwrap();
        let value = sealed(cipher, &key, PASSWORD);
        let encrypted = lines(
            "p12",
            &format!("keystore_password: {value}"),
            &format!("truststore_password: {value}"),
        );
        let name = format!("password_encryption_key_name: kmip://keys/{}", id.as_str());
        let clear = lines("jks", "keystore_password: changeit", "truststore_password: changeit");
        let mut encrypted = borrowed(&encrypted);
        encrypted.push(&name);
        let groups = [site.group("vault", &encrypted), site.group("keys", &borrowed(&clear))];
        let before = site.sim.count(rekey_kmip::message::Operation::GET);
        let mut made = connect(&site.config("", &groups), "vault").unwrap();
        let fetched = site.sim.count(rekey_kmip::message::Operation::GET) - before;
        assert_eq!(fetched, 1, "one reading serves both stores");
        site.fetches(&mut made);

        // The same key for the whole file; its own group is in clear.
        let top = format!(
            "config_encryption_active: true\nconfig_encryption_key_name: kmip://keys/{}",
            id.as_str()
        );
        encrypted.pop();
        let groups = [site.group("vault", &encrypted), site.group("keys", &borrowed(&clear))];
        site.fetches(&mut connect(&site.config(&top, &groups), "vault").unwrap());
    }
}

#[test]
fn groups_that_need_each_other_are_reported() {
    let site = Site::new();
    let encrypted = |key: &str| {
        let mut lines = lines("jks", &format!("keystore_password: {BY_OPENSSL}"), "");
        lines.push(format!("password_encryption_key_name: {key}"));
        lines
    };
    for (vault, chain) in
        [("kmip://vault/1", "vault -> vault"), ("kmip://other/1", "vault -> other -> vault")]
    {
        let groups = [
            site.group("vault", &borrowed(&encrypted(vault))),
            site.group("other", &borrowed(&encrypted("kmip://vault/1"))),
        ];
        let error = error(&site.config("", &groups));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.chain().contains(chain), "{error:?}");
        assert!(error.hint_text().unwrap().contains("keystore_password_file"), "{error:?}");
    }
    assert_eq!(site.sim.connections(), 0);
    let clear = lines("jks", "keystore_password: changeit", "truststore_password: changeit");
    let half = CryptographicParameters {
        mode: Some(BlockCipherMode::CBC),
        ..CryptographicParameters::default()
    };
    let half = vec![Attribute::new(Tag::CRYPTOGRAPHIC_PARAMETERS.into(), half)];
    let half = site.sim.store().add_key(CryptographicAlgorithm::AES, 128, half).unwrap();
    for (id, part) in
        [("gone", "refused Get of gone"), (half.as_str(), "does not say which cipher")]
    {
        let name = format!("kmip://keys/{id}");
        let groups = [
            site.group("vault", &borrowed(&encrypted(&name))),
            site.group("keys", &borrowed(&clear)),
        ];
        let error = error(&site.config("", &groups));
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        let place = format!("keystore_path: cannot fetch the system key (key {name}): ");
        assert!(error.chain().contains(&place) && error.chain().contains(part), "{error:?}");
    }
    for (name, part) in [
        ("kmip://nowhere/1", "no group nowhere"),
        ("kmip://vault", "'kmip://vault' is not of the form kmip://group/id"),
        ("kmip:///1", "is not of the form"),
    ] {
        let groups = [site.group("vault", &borrowed(&encrypted(name)))];
        let error = error(&site.config("", &groups));
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.chain().contains(part), "{error:?}");
    }
}

/// Stores that keytool and openssl made. The simulator does not trust them, so a refused handshake
/// proves that they were presented.
#[test]
fn real_stores_open() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/keystores");
    let real = real.to_str().unwrap();
    let site = Site::new();
    for (node, more) in [
        ("ec.jks", "keystore_type: jks"),
        ("rsa.jks", ""),
        ("genkey.jks", ""),
        ("java17-ec.p12", "keystore_type: PKCS12"),
        ("java8-rsa.p12", ""),
        ("openssl3-rsa.p12", ""),
        ("pem-ec-enc.pem", ""),
        ("mixed.jks", "keystore_alias: node"),
    ] {
        let keystore = format!("keystore_path: {real}/{node}");
        let trust = ["truststore_path: DIR/trust.jks", "truststore_password: changeit"];
        let config = site.vault(
            "",
            &[&[keystore.as_str(), "keystore_password: changeit", more], &trust[..]].concat(),
        );
        let mut made = connect(&config, "vault").unwrap();
        assert_eq!(made.warnings, [""; 0], "{node}");
        let error = Error::from(made.client.fetch(&"1".into()).unwrap_err());
        assert_eq!(error.kind(), ErrorKind::KeyUnavailable);
        assert!(error.chain().contains("the server refused the client's certificate"), "{error:?}");
    }
    for trust in ["trust.jks", "trust-java17.p12", "trust-java8.p12", "pem-trust.pem"] {
        let trust = format!("truststore_path: {real}/{trust}");
        let config = site
            .vault("", &["keystore_path: DIR/node.pem", &trust, "truststore_password: changeit"]);
        let mut made = connect(&config, "vault").unwrap();
        assert_eq!(made.warnings, [""; 0], "{trust}");
        let error = Error::from(made.client.fetch(&"1".into()).unwrap_err());
        assert!(error.chain().contains("is in the truststore"), "{error:?}");
    }
}

#[test]
fn keys_with_own_passwords_and_stores_with_several_keys_open() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/keystores");
    let real = real.to_str().unwrap();
    let site = Site::new();
    let keys = |node: &str, more: &[&str]| {
        let keystore = format!("keystore_path: {real}/{node}");
        let trust = ["truststore_path: DIR/trust.pem"];
        site.vault("", &[&[keystore.as_str()], more, &trust[..]].concat())
    };
    let key_file = "keystore_key_password_file: DIR/password";
    connect(&keys("keypass.jks", &["keystore_password: storepass2", key_file]), "vault").unwrap();
    let key = "keystore_key_password: keypass2";
    connect(&keys("java17-keypass.p12", &["keystore_password: changeit", key]), "vault").unwrap();
    let wrong = error(&keys("keypass.jks", &["keystore_password: storepass2"]));
    assert!(wrong.chain().contains("has another password"), "{wrong:?}");
    let several = error(&keys("java17-two.p12", &["keystore_password: changeit"]));
    assert!(several.chain().contains("the key store holds several keys"), "{several:?}");
    let none = error(&keys("ec.jks", &["keystore_password: changeit", "keystore_alias: other"]));
    assert!(none.chain().contains("has no key \"other\"; it holds \"node\""), "{none:?}");
    let unicode = ["keystore_password: pässwörd€"];
    connect(&keys("unicode.jks", &unicode), "vault").unwrap();
}
