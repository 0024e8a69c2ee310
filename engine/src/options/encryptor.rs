//! The options of class `Encryptor`.

use super::map::number;
use super::{OptionMap, ProviderOptions};
use crate::crypto::{Padding, Transformation, TransformationError};
use crate::error::{Error, Result};

/// The meaning of the options of class `Encryptor`, with defaults filled in (FORMATS.md 5.2, 5.3).
///
/// Two maps that differ only in spelling (a default left out, a package name) are equal here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EncryptorOptions {
    transformation: Transformation,
    strength: u32,
    iv_length: usize,
    provider: ProviderOptions,
}

impl EncryptorOptions {
    /// Whether its keys have ids, by which one may be named: not those of a key file.
    #[must_use]
    pub const fn has_key_ids(&self) -> bool {
        !matches!(self.provider, ProviderOptions::Local { .. })
    }

    /// Whether the database finds the key of both at the same place by the same attributes.
    #[must_use]
    pub fn shares_key_with(&self, other: &Self) -> bool {
        let is_same_place = match (&self.provider, &other.provider) {
            (
                ProviderOptions::Kmip { host, namespace, .. },
                ProviderOptions::Kmip { host: other, namespace: other_namespace, .. },
            ) => (host, namespace) == (other, other_namespace),
            (own, other) => own == other,
        };
        is_same_place
            && self.strength == other.strength
            && self.transformation.text() == other.transformation.text()
    }

    /// Reads the options as CompressionInfo.db or [`CompressionParams`](super::CompressionParams)
    /// has them: without the class and the chunk length.
    ///
    /// Without an option, the cipher is `AES/CBC/PKCS5Padding`, the strength 128 bits and the IV
    /// length automatic (-1). Another IV length must be a multiple of 4, and the cipher's own if
    /// the mode has an IV; 0 and other negative numbers are refused, since no known writer produces
    /// them.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an option that is missing,
    /// unknown or malformed; [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for a
    /// cipher or a key provider that this release does not handle, or no provider at all.
    pub fn from_options(options: &OptionMap) -> Result<Self> {
        let provider = ProviderOptions::from_options(options)?;
        let transformation =
            Transformation::parse(options.get("cipher_algorithm").unwrap_or(DEFAULT_CIPHER))?;
        let strength = match options.get("secret_key_strength") {
            None => DEFAULT_STRENGTH,
            Some(text) => number("secret_key_strength", text)?,
        };
        transformation.key_length(strength)?;
        refuse_keys_that_cannot_be_told_apart(&transformation, &provider)?;
        let iv_length = match options.get("iv_length") {
            None => transformation.iv_length(),
            Some(text) => effective_iv_length(number("iv_length", text)?, &transformation)?,
        };
        Ok(Self { transformation, strength, iv_length, provider })
    }

    /// The cipher, which keeps its spelling: local keys are looked up by it.
    #[must_use]
    pub const fn transformation(&self) -> &Transformation {
        &self.transformation
    }

    /// The key's strength in bits; the cipher has such keys.
    #[must_use]
    pub const fn strength(&self) -> u32 {
        self.strength
    }

    /// Bytes of the IV in each chunk; 0 if the mode has none.
    #[must_use]
    pub const fn iv_length(&self) -> usize {
        self.iv_length
    }

    /// Where the key comes from.
    #[must_use]
    pub const fn provider(&self) -> &ProviderOptions {
        &self.provider
    }
}

/// Without padding every key opens every chunk, so a header that names the wrong key of its group
/// (FORMATS.md 5.5) would go unnoticed. KMIP has no name for Java's `NoPadding`, and the database
/// finds no key there either (KMIP.md 4); the replicated provider would find one.
fn refuse_keys_that_cannot_be_told_apart(
    transformation: &Transformation,
    provider: &ProviderOptions,
) -> Result<()> {
    match (transformation.padding(), provider) {
        (Padding::None, ProviderOptions::Kmip { .. }) => Err(Error::invalid(format!(
            "cipher '{transformation}' has no padding, and the database itself gets no keys for \
             such ciphers from KMIP servers"
        ))
        .hint("use a cipher with PKCS5Padding, or a local key file")),
        (Padding::None, ProviderOptions::Replicated { .. }) => Err(Error::unsupported(format!(
            "cipher '{transformation}' has no padding, so a chunk whose header names the wrong one \
             of the database's keys would go unnoticed"
        ))
        .hint("use a node-side upgrade for this table")),
        _ => Ok(()),
    }
}

fn effective_iv_length(asked: i32, transformation: &Transformation) -> Result<usize> {
    let own = transformation.iv_length();
    if asked == AUTOMATIC {
        return Ok(own);
    }
    let refuse = |why: String| {
        Error::invalid(format!("option 'iv_length' is {asked}, {why}"))
            .hint("leave 'iv_length' out, or set it to -1: the cipher's own length")
    };
    let asked = match usize::try_from(asked) {
        Ok(asked) if asked > 0 && asked.is_multiple_of(4) => asked,
        _ => return Err(refuse("which is not a positive multiple of 4".to_owned())),
    };
    if own > 0 && asked != own {
        return Err(refuse(format!(
            "but {transformation} takes an IV of {own} bytes: the database could not have written \
             such chunks"
        )));
    }
    Ok(own)
}

impl From<TransformationError> for Error {
    fn from(error: TransformationError) -> Self {
        let text = error.to_string();
        match error {
            TransformationError::Unsupported(_) => Self::unsupported(text)
                .hint("use AES/CBC/PKCS5Padding, or a node-side upgrade for this table"),
            TransformationError::Strength { .. } => Self::invalid(text)
                .hint("set 'secret_key_strength' to a key length of the cipher, in bits"),
            TransformationError::KeyLength { .. } => {
                Self::invalid(text).hint("give the key that belongs to the cipher")
            }
            _ => Self::invalid(text).hint("set 'cipher_algorithm' to AES/CBC/PKCS5Padding"),
        }
    }
}

const DEFAULT_CIPHER: &str = "AES/CBC/PKCS5Padding";
const DEFAULT_STRENGTH: u32 = 128;

/// The IV length that means the cipher's own.
const AUTOMATIC: i32 = -1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    const FACTORY: &str = "org.apache.cassandra.crypto.LocalFileSystemKeyProviderFactory";

    fn typed(pairs: &[(&str, &str)]) -> Result<EncryptorOptions> {
        EncryptorOptions::from_options(&OptionMap::from_pairs(pairs.iter().copied())?)
    }

    fn local(pairs: &[(&str, &str)]) -> Result<EncryptorOptions> {
        let base = [("key_provider", FACTORY), ("secret_key_file", "keys/k")];
        typed(&[&base[..], pairs].concat())
    }

    /// The option maps of real SSTables (shared fixtures `*-aes-*`, `*-kmip-*`).
    #[test]
    fn options_of_real_files() {
        let options = typed(&[
            ("cipher_algorithm", "AES/CBC/PKCS5Padding"),
            ("secret_key_strength", "256"),
            ("key_provider", FACTORY),
            ("secret_key_file", "keys/aes-cbc-256"),
        ])
        .unwrap();
        assert_eq!(options.transformation().text(), "AES/CBC/PKCS5Padding");
        assert_eq!((options.strength(), options.iv_length()), (256, 16));
        let file = "keys/aes-cbc-256".to_owned();
        assert_eq!(options.provider(), &ProviderOptions::Local { secret_key_file: file });

        let options = typed(&[
            ("cipher_algorithm", "AES/ECB/PKCS5Padding"),
            ("secret_key_strength", "256"),
            ("key_provider", "KmipKeyProviderFactory"),
            ("kmip_host", "kmip1"),
            ("key_namespace", "a"),
        ])
        .unwrap();
        assert_eq!(options.iv_length(), 0);
        assert_eq!(
            options.provider(),
            &ProviderOptions::Kmip {
                host: "kmip1".to_owned(),
                template: None,
                namespace: Some("a".to_owned())
            }
        );

        let bare = local(&[("cipher_algorithm", "AES"), ("secret_key_strength", "192")]).unwrap();
        assert_eq!((bare.transformation().text(), bare.iv_length()), ("AES", 0));

        for (cipher, strength, iv_length) in [
            ("DES/CBC/PKCS5Padding", "56", 8),
            ("DESede/CBC/PKCS5Padding", "112", 8),
            ("DESede/CBC/PKCS5Padding", "168", 8),
            ("Blowfish/CBC/PKCS5Padding", "128", 8),
            ("Blowfish/ECB/PKCS5Padding", "448", 0),
            ("RC2/CBC/PKCS5Padding", "128", 8),
            ("RC2/ECB/PKCS5Padding", "40", 0),
            ("AES/OFB/NoPadding", "128", 16),
        ] {
            let pairs = [("cipher_algorithm", cipher), ("secret_key_strength", strength)];
            let options = local(&pairs).unwrap();
            assert_eq!((options.transformation().text(), options.iv_length()), (cipher, iv_length));
            assert_eq!(options.strength().to_string(), strength);
        }
    }

    #[test]
    fn defaults_are_the_database_s() {
        let options = local(&[]).unwrap();
        assert_eq!(options.transformation().text(), "AES/CBC/PKCS5Padding");
        assert_eq!((options.strength(), options.iv_length()), (128, 16));
        let spelled = local(&[
            ("iv_length", "-1"),
            ("secret_key_strength", "128"),
            ("cipher_algorithm", "AES/CBC/PKCS5Padding"),
        ]);
        assert_eq!(spelled.unwrap(), options);
    }

    #[test]
    fn providers_are_known_by_the_last_part_of_their_name() {
        for name in [
            "LocalFileSystemKeyProvider",
            "LocalFileSystemKeyProviderFactory",
            "com.datastax.bdp.cassandra.crypto.LocalFileSystemKeyProviderFactory",
        ] {
            for option in ["key_provider", "secret_key_provider_factory_class"] {
                let options = typed(&[(option, name), ("secret_key_file", "k")]).unwrap();
                assert!(matches!(options.provider(), ProviderOptions::Local { .. }), "{name}");
            }
        }
        let both = typed(&[
            ("secret_key_provider_factory_class", "ReplicatedKeyProviderFactory"),
            ("key_provider", "com.datastax.bdp.cassandra.crypto.KmipKeyProviderFactory"),
            ("kmip_host", "g"),
            ("template_name", "t"),
        ]);
        assert!(matches!(
            both.unwrap().provider(),
            ProviderOptions::Kmip { template: Some(template), .. } if template == "t"
        ));
    }

    #[test]
    fn an_iv_length_must_be_one_that_the_database_can_use() {
        assert_eq!(local(&[("iv_length", "16")]).unwrap().iv_length(), 16);
        let ecb = ("cipher_algorithm", "AES/ECB/PKCS5Padding");
        for ignored in ["-1", "4", "8", "16"] {
            assert_eq!(local(&[ecb, ("iv_length", ignored)]).unwrap().iv_length(), 0);
        }
        for bad in ["0", "-2", "-16", "3", "18", "x", "", "2147483648"] {
            for cipher in [ecb, ("cipher_algorithm", "AES/CBC/PKCS5Padding")] {
                let error = local(&[cipher, ("iv_length", bad)]).unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Invalid);
                assert!(error.to_string().contains("'iv_length'"), "{bad}: {error}");
            }
        }
        let des = [("cipher_algorithm", "DES/PCBC/PKCS5Padding"), ("secret_key_strength", "56")];
        for good in ["-1", "8"] {
            let options = local(&[&des[..], &[("iv_length", good)]].concat()).unwrap();
            assert_eq!(options.iv_length(), 8);
        }
        let error = local(&[&des[..], &[("iv_length", "16")]].concat()).unwrap_err();
        assert!(error.to_string().contains("takes an IV of 8 bytes"), "{error}");
        for other in ["4", "8", "12", "20"] {
            let error = local(&[("iv_length", other)]).unwrap_err();
            assert!(error.to_string().contains("takes an IV of 16 bytes"), "{error}");
        }
    }

    /// FORMATS.md 5.2: what DSE uses when no option names a provider.
    #[test]
    fn without_a_provider_the_keys_are_in_the_database() {
        let own = |system: &str, secret: &str| ProviderOptions::Replicated {
            system_key_file: system.to_owned(),
            secret_key_file: secret.to_owned(),
        };
        let defaults = own("system_key", "/etc/dse/conf/data_encryption_keys");
        assert_eq!(typed(&[]).unwrap().provider(), &defaults);
        let long = "com.datastax.bdp.cassandra.crypto.ReplicatedKeyProviderFactory";
        assert_eq!(typed(&[("key_provider", long)]).unwrap().provider(), &defaults);
        let given = [("system_key_file", "s"), ("secret_key_file", "k")];
        assert_eq!(typed(&given).unwrap().provider(), &own("s", "k"));
    }

    #[test]
    fn refusals_name_the_option_and_the_hint() {
        use ErrorKind::{Invalid, Unsupported};
        let local = ("key_provider", "LocalFileSystemKeyProviderFactory");
        let kmip = ("key_provider", "KmipKeyProviderFactory");
        let file = ("secret_key_file", "k");
        refused(&[("key_provider", "x.Mine"), file], Unsupported, "provider 'x.Mine'", "use one");
        let replicated = ("key_provider", "ReplicatedKeyProviderFactory");
        refused(&[replicated, ("kmip_host", "g")], Invalid, "'kmip_host'", "system_key_file");
        let bare = ("cipher_algorithm", "AES/OFB/NoPadding");
        refused(&[replicated, bare], Unsupported, "has no padding", "node-side");

        refused(&[local], Invalid, "'secret_key_file' is missing", "/etc/dse/conf/");
        refused(&[local], Invalid, "'secret_key_file' is missing", "/etc/cassandra/conf/");
        refused(&[local, ("secret_key_file", "")], Invalid, "'secret_key_file' is missing", "name");
        for unknown in ["kmip_host", "system_key_file", "Cipher_Algorithm", "class", "template"] {
            let part = format!("option '{unknown}'");
            refused(&[local, file, (unknown, "x")], Invalid, &part, "the database refuses it, too");
        }
        refused(&[local, file, ("a\u{1b}", "s")], Invalid, "'a\\u{1b}'", "remove");

        let host = ("kmip_host", "g");
        refused(&[kmip], Invalid, "'kmip_host' is missing", "group");
        refused(&[kmip, ("kmip_host", "")], Invalid, "'kmip_host' is missing", "group");
        refused(&[kmip, host, file], Invalid, "option 'secret_key_file'", "remove");
        for bare in ["AES/CFB/NoPadding", "AES/OFB/NoPadding"] {
            let cipher = ("cipher_algorithm", bare);
            refused(&[kmip, host, cipher], Invalid, "has no padding", "PKCS5Padding");
            refused(&[kmip, host, cipher], Invalid, bare, "local key file");
            assert!(typed(&[local, file, cipher]).is_ok());
        }
        let padded = ("cipher_algorithm", "AES/OFB/PKCS5Padding");
        assert!(typed(&[kmip, host, padded]).is_ok());
        let misprint = ("key_keyspace", "n");
        refused(&[kmip, host, misprint], Invalid, "'key_keyspace'", "is called key_namespace");

        let cipher = |name| [local, file, ("cipher_algorithm", name)];
        refused(&cipher(""), Invalid, "cipher ''", "cipher_algorithm");
        for unreadable in ["AES/GCM/NoPadding", "DES/CFB8/NoPadding", "AES/CBC/NoPadding"] {
            refused(&cipher(unreadable), Invalid, "by the database itself", "AES/CBC");
            refused(&cipher(unreadable), Invalid, unreadable, "AES/CBC");
        }
        refused(&cipher("aes/CBC/PKCS5Padding"), Invalid, "an IV of 8 bytes", "AES/CBC");
        refused(&cipher("Serpent"), Unsupported, "cipher 'Serpent'", "node-side");
        // The default strength is that of AES for every cipher.
        for default in ["DES", "DESede/CBC/PKCS5Padding"] {
            refused(&cipher(default), Invalid, "no 128-bit keys", "secret_key_strength");
        }
        let strength = |bits| [local, file, ("secret_key_strength", bits)];
        refused(&strength("512"), Invalid, "no 512-bit keys", "secret_key_strength");
        for not_a_number in ["-128", "128 ", "", "4294967296"] {
            refused(&strength(not_a_number), Invalid, "'secret_key_strength' is", "number");
        }
    }

    fn refused(pairs: &[(&str, &str)], kind: ErrorKind, part: &str, hint: &str) {
        let error = typed(pairs).unwrap_err();
        assert_eq!(error.kind(), kind, "{pairs:?}");
        assert!(error.to_string().contains(part), "{pairs:?}: {error}");
        assert!(error.hint_text().unwrap().contains(hint), "{pairs:?}: {:?}", error.hint_text());
    }
}
