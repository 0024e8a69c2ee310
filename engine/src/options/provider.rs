//! Where the key comes from, according to the options.

use super::map::OF_THE_TABLE;
use super::meant::{did_you_mean, meant};
use super::{OptionMap, shown};
use crate::error::{Error, Result};

/// The options of the key provider (FORMATS.md 5.2, 5.4, KMIP.md 5.3).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderOptions {
    /// A KMIP server; each chunk names its key in a header.
    Kmip {
        /// The group of servers, as the node's configuration calls it.
        host: String,
        /// The template from which the server makes new keys.
        template: Option<String>,
        /// The namespace of new keys.
        namespace: Option<String>,
    },
    /// A key file on the node; chunks have no header.
    Local {
        /// The path as the options name it.
        secret_key_file: String,
    },
    /// The database's own table `dse_system.encrypted_keys`; each chunk names its key in a header,
    /// unless it was written before that table existed.
    Replicated {
        /// The name of the system key that the table's keys are encrypted with.
        system_key_file: String,
        /// The key file for chunks without a header.
        secret_key_file: String,
    },
}

impl ProviderOptions {
    /// Takes the provider from the options, and refuses those that are not its own.
    ///
    /// Class names are compared by what follows the last dot: the package differs between the
    /// products. Without a `key_provider`, DSE and older Converged Core use the replicated
    /// provider, and newer Converged Core fails (FORMATS.md 5.2). So an SSTable without one was
    /// written with the replicated provider.
    pub(super) fn from_options(options: &OptionMap) -> Result<Self> {
        if options.get("key_keyspace").is_some() {
            return Err(Error::invalid("option 'key_keyspace' does not exist").hint(
                "the option is called key_namespace; some editions of the vendor's manual \
                 print key_keyspace, which the database refuses",
            ));
        }
        let name = options
            .get("key_provider")
            .or_else(|| options.get("secret_key_provider_factory_class"))
            .unwrap_or(DEFAULT_PROVIDER);
        match name.rsplit('.').next().unwrap_or(name) {
            "LocalFileSystemKeyProvider" | "LocalFileSystemKeyProviderFactory" => {
                refuse_unknown(options, &["secret_key_file"])?;
                Ok(Self::Local { secret_key_file: secret_key_file(options)? })
            }
            "KmipKeyProviderFactory" => {
                refuse_unknown(options, &["kmip_host", "template_name", "key_namespace"])?;
                let owned = |name| options.get(name).map(str::to_owned);
                Ok(Self::Kmip {
                    host: kmip_host(options)?,
                    template: owned("template_name"),
                    namespace: owned("key_namespace"),
                })
            }
            DEFAULT_PROVIDER => {
                refuse_unknown(options, &["system_key_file", "secret_key_file"])?;
                let or = |name, default: &str| options.get(name).unwrap_or(default).to_owned();
                Ok(Self::Replicated {
                    system_key_file: or("system_key_file", DEFAULT_SYSTEM_KEY),
                    secret_key_file: or("secret_key_file", DEFAULT_KEY_FILE),
                })
            }
            simple => Err(Error::unsupported(format!("key provider {} is not known", shown(name)))
                .hint(did_you_mean(
                    meant(simple, PROVIDERS),
                    format_args!("use one of these: {}", PROVIDERS.join(", ")),
                ))),
        }
    }
}

fn secret_key_file(options: &OptionMap) -> Result<String> {
    match options.get("secret_key_file") {
        None | Some("") => Err(Error::invalid("option 'secret_key_file' is missing").hint(
            "the default depends on the product: /etc/dse/conf/data_encryption_keys in DSE, \
             /etc/cassandra/conf/data_encryption_keys in Converged Core; name the file that \
             the node uses",
        )),
        Some(file) => Ok(file.to_owned()),
    }
}

fn kmip_host(options: &OptionMap) -> Result<String> {
    match options.get("kmip_host") {
        None | Some("") => Err(Error::invalid("option 'kmip_host' is missing")
            .hint("name the group of KMIP servers that the node's configuration has")),
        Some(host) => Ok(host.to_owned()),
    }
}

/// The database fails to open an SSTable with an option that the class does not know.
fn refuse_unknown(options: &OptionMap, own: &[&str]) -> Result<()> {
    match options.iter().find(|(name, _)| !COMMON.contains(name) && !own.contains(name)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(Error::invalid(format!("option {} is unknown to this key provider", shown(name)))
                .hint(did_you_mean(
                    meant(name, COMMON.iter().chain(own).copied().chain(OF_THE_TABLE)),
                    format_args!(
                        "remove it: the database refuses it, too; known are {} and {}",
                        COMMON.join(", "),
                        own.join(", ")
                    ),
                )))
        }
    }
}

/// The options that do not belong to a provider.
const COMMON: [&str; 5] = [
    "cipher_algorithm",
    "secret_key_strength",
    "iv_length",
    "key_provider",
    "secret_key_provider_factory_class",
];

/// What DSE uses when the options name no provider.
const DEFAULT_PROVIDER: &str = "ReplicatedKeyProviderFactory";
/// DSE's own defaults; no other product has this provider.
const DEFAULT_SYSTEM_KEY: &str = "system_key";
const DEFAULT_KEY_FILE: &str = "/etc/dse/conf/data_encryption_keys";

const PROVIDERS: [&str; 3] =
    ["LocalFileSystemKeyProviderFactory", "KmipKeyProviderFactory", DEFAULT_PROVIDER];
