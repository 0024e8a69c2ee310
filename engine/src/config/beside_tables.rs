//! What `cassandra.yaml` says of the encryption of commit log and hints: the compression hooks with
//! their parameters, and `transparent_data_encryption_options` (FORMATS.md 10.3, 10.5).

use std::path::{Path, PathBuf};

use rekey_kmip::secret::Secret;

use super::NodeConfig;
use super::document::Document;
use super::yaml::{Mapping, Node, Value};
use crate::error::{Error, Result};
use crate::options::{CompressorClass, OptionMap};

/// How the node writes its next segments and hints, by both of its files.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct NextFiles {
    /// Class and options of its next segment: none where that is not known, empty where that is in clear.
    pub commit_log: Option<OptionMap>,
    /// The same of its next hints.
    pub hints: Option<OptionMap>,
    /// `transparent_data_encryption_options`, if they are there and on.
    pub transparent: Option<TransparentEncryption>,
}

impl NextFiles {
    /// By the configuration, as far as that was found: `system_info_encryption` sets the hooks, whatever the
    /// other file says.
    ///
    /// # Errors
    /// As [`BesideTables::read`], and of the second file.
    pub fn of(node: Option<&super::Node>, config: Option<&NodeConfig>) -> Result<Self> {
        let by_system = config.map(NodeConfig::system_tables).transpose()?;
        let by_system = by_system.filter(|options| !options.is_empty());
        let says = node.map(|node| BesideTables::read(&node.installation().cassandra_yaml.value));
        let says = says.transpose()?;
        let (mut commit_log, mut hints, mut transparent) = (by_system.clone(), by_system, None);
        if let Some(says) = says {
            commit_log = commit_log.or(Some(says.commit_log));
            hints = hints.or(Some(says.hints));
            transparent = says.transparent.filter(|says| says.enabled);
        }
        Ok(Self { commit_log, hints, transparent })
    }
}

/// What `cassandra.yaml` alone says of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct BesideTables {
    /// Class and parameters of `commitlog_compression`, if that class encrypts; else empty.
    pub commit_log: OptionMap,
    /// The same of `hints_compression`.
    pub hints: OptionMap,
    /// `transparent_data_encryption_options`, if they are there: files from before they were switched off
    /// are under their keys, too.
    pub transparent: Option<TransparentEncryption>,
}

/// `transparent_data_encryption_options`.
#[derive(Debug)]
#[non_exhaustive]
pub struct TransparentEncryption {
    /// `enabled`; default false.
    pub enabled: bool,
    /// `cipher`; default `AES/CBC/PKCS5Padding`.
    pub cipher: String,
    /// `key_alias`.
    pub key_alias: Option<String>,
    /// The parameter `keystore` of its key provider.
    pub keystore: Option<PathBuf>,
    /// The parameter `store_type`.
    pub store_type: Option<String>,
    /// The parameter `keystore_password`.
    pub keystore_password: Option<Secret>,
    /// The parameter `key_password`; that of the store, if it is empty.
    pub key_password: Option<Secret>,
}

impl BesideTables {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with the line when one of these settings does
    /// not have the form that the database wants; as
    /// [`NodeConfig::read`](super::NodeConfig::read) of the file. No value is in the error.
    pub fn read(cassandra_yaml: &Path) -> Result<Self> {
        Self::of(&Document::read(cassandra_yaml, "cassandra.yaml")?)
    }

    fn of(document: &Document) -> Result<Self> {
        let top = Reading { file: &document.file, pairs: document.pairs() };
        let transparent = match top.mapping("transparent_data_encryption_options")? {
            None => None,
            Some(section) => Some(TransparentEncryption::of(&section)?),
        };
        Ok(Self {
            commit_log: top.encrypting_class("commitlog_compression")?,
            hints: top.encrypting_class("hints_compression")?,
            transparent,
        })
    }
}

impl TransparentEncryption {
    fn of(section: &Reading<'_>) -> Result<Self> {
        let provider = section.first("key_provider")?;
        let parameters = provider.and_then(|(class, parameters)| {
            let simple = class.rsplit('.').next().unwrap_or(class);
            (simple == KEY_PROVIDER).then_some(parameters).flatten()
        });
        let text = |name: &'static str| match parameters {
            None => Ok(None),
            Some(pairs) => Reading { file: section.file, pairs }.text(name),
        };
        let secret =
            |name| text(name).map(|found| found.filter(|text| !text.is_empty()).map(Secret::new));
        Ok(Self {
            enabled: section.text("enabled")?.is_some_and(|text| {
                ["true", "yes", "on"].contains(&text.to_ascii_lowercase().as_str())
            }),
            cipher: section.text("cipher")?.unwrap_or_else(|| DEFAULT_CIPHER.to_owned()),
            key_alias: section.text("key_alias")?,
            keystore: text("keystore")?.map(PathBuf::from),
            store_type: text("store_type")?,
            keystore_password: secret("keystore_password")?,
            key_password: secret("key_password")?,
        })
    }
}

/// Pairs of the file.
#[derive(Clone, Copy)]
struct Reading<'a> {
    file: &'a Path,
    pairs: &'a Mapping,
}

impl<'a> Reading<'a> {
    fn node(&self, name: &str) -> Result<Option<&'a Node>> {
        let found = self.pairs.get(name).map_err(|line| self.wrong(name, line, "comes twice"))?;
        Ok(found.filter(|node| !node.is_null()))
    }

    fn text(&self, name: &str) -> Result<Option<String>> {
        let Some(node) = self.node(name)? else { return Ok(None) };
        match node.text() {
            Some(text) if text.len() <= MAX_TEXT => Ok(Some(text.to_owned())),
            _ => Err(self.wrong(name, node.line, "must be a short text")),
        }
    }

    fn mapping(&self, name: &str) -> Result<Option<Self>> {
        match self.node(name)? {
            None => Ok(None),
            Some(Node { value: Value::Mapping(pairs), .. }) => {
                Ok(Some(Self { file: self.file, pairs }))
            }
            Some(node) => Err(self.wrong(name, node.line, "must be a mapping of names to values")),
        }
    }

    /// The class of a setting, the first of a list, with its parameters.
    fn first(&self, name: &str) -> Result<Option<(&'a str, Option<&'a Mapping>)>> {
        let Some(node) = self.node(name)? else { return Ok(None) };
        let item = match &node.value {
            Value::Sequence(items) => items.first().map(|item| &**item),
            _ => Some(node),
        };
        let pairs = match item.map(|item| &item.value) {
            None => return Ok(None),
            Some(Value::Scalar(Some(class))) => return Ok(Some((class, None))),
            Some(Value::Mapping(pairs)) => pairs,
            Some(_) => return Err(self.wrong(name, node.line, "must have a class_name")),
        };
        let inner = Reading { file: self.file, pairs };
        let class = inner.node("class_name")?.and_then(Node::text);
        let class = class.ok_or_else(|| self.wrong(name, node.line, "must have a class_name"))?;
        let parameters = match inner.node("parameters")?.map(|node| &node.value) {
            Some(Value::Mapping(pairs)) => Some(pairs),
            Some(Value::Sequence(items)) => match items.first().map(|item| &item.value) {
                Some(Value::Mapping(pairs)) => Some(pairs),
                _ => None,
            },
            _ => None,
        };
        Ok(Some((class, parameters)))
    }

    fn encrypting_class(&self, name: &str) -> Result<OptionMap> {
        let Some((class, parameters)) = self.first(name)? else { return Ok(OptionMap::default()) };
        if !CompressorClass::parse(class).encrypts() {
            return Ok(OptionMap::default());
        }
        let mut pairs = vec![("class".to_owned(), class.to_owned())];
        for (name, line, node) in parameters.into_iter().flat_map(Mapping::iter) {
            let text = node.text().filter(|text| text.len() <= MAX_TEXT);
            let text = text.ok_or_else(|| self.wrong(name, line, "must be a short text"))?;
            pairs.push((name.to_owned(), text.to_owned()));
        }
        Ok(OptionMap::from_pairs(pairs)?)
    }

    fn wrong(&self, name: &str, line: usize, what: &str) -> Error {
        Error::invalid(format!("line {line}: {name} {what}"))
            .at(self.file)
            .hint("correct that line of the file")
    }
}

/// The key provider that Apache has.
const KEY_PROVIDER: &str = "JKSKeyProvider";

const DEFAULT_CIPHER: &str = "AES/CBC/PKCS5Padding";

/// Bytes of a value.
const MAX_TEXT: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<BesideTables> {
        BesideTables::of(&Document::parse(text, Path::new("c.yaml"), "cassandra.yaml")?)
    }

    #[test]
    fn hooks_that_encrypt_are_read_with_their_parameters() {
        let found = read(
            "commitlog_compression:\n- class_name: EncryptingLZ4Compressor\n  parameters:\n  - \
             {secret_key_file: /k, secret_key_strength: 256}\nhints_compression:\n  - class_name: \
             LZ4Compressor\n",
        )
        .unwrap();
        assert_eq!(
            found.commit_log.to_cql(),
            "{'class': 'EncryptingLZ4Compressor', 'secret_key_file': '/k', 'secret_key_strength': \
             '256'}"
        );
        assert!(found.hints.is_empty() && found.transparent.is_none());
        for nothing in ["", "commitlog_compression:\n", "commitlog_compression: []\n"] {
            assert!(read(nothing).unwrap().commit_log.is_empty(), "{nothing}");
        }
        assert!(read("commitlog_compression: [[x]]\n").is_err());
    }

    #[test]
    fn apache_s_options_are_read_and_not_shown() {
        let found = read(
            "transparent_data_encryption_options:\n    enabled: true\n    chunk_length_kb: 64\n    \
             cipher: AES/CBC/PKCS5Padding\n    key_alias: testing:1\n    key_provider:\n      - \
             class_name: org.apache.cassandra.security.JKSKeyProvider\n        parameters:\n          - \
             keystore: conf/.keystore\n            keystore_password: cassandra\n            \
             store_type: JCEKS\n            key_password: ''\n",
        )
        .unwrap();
        let found = found.transparent.unwrap();
        assert!(found.enabled);
        assert_eq!(found.key_alias.as_deref(), Some("testing:1"));
        assert_eq!(found.keystore.as_deref(), Some(Path::new("conf/.keystore")));
        assert_eq!(found.store_type.as_deref(), Some("JCEKS"));
        assert_eq!(found.keystore_password.as_ref().unwrap().expose(), "cassandra");
        assert!(found.key_password.is_none());
        assert!(!format!("{found:?}").contains("\"cassandra\""), "{found:?}");
    }
}
