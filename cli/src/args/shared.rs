//! Arguments that several verbs share.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::ValueEnum;
use rekey_engine::keys::DATABASE_KEY_ID_LIMIT;
use rekey_engine::txn::Flavor;

/// Which files.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataArgs {
    /// A data directory of the node (the one that holds keyspaces); repeat it for several
    #[arg(long = "data-dir", value_name = "DIR", required = true)]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// How files are read
    #[arg(long, value_enum, default_value_t = Io::Map)]
    pub(crate) io: Io,

    /// Worker threads; all cores without it
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Keyspace; all of them without it
    pub(crate) keyspace: Option<String>,

    /// Tables of the keyspace; all of them without it
    pub(crate) tables: Vec<String>,
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Io {
    /// Memory maps: fastest
    Map,
    /// Positional reads: a disk error is an error, never a signal
    Read,
}

/// Where keys come from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KeyArgs {
    /// The node's hcd.yaml or dse.yaml: its kmip_hosts say where KMIP keys are
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    /// A file with keys of KMIP servers or of the replicated provider (dse_system.encrypted_keys),
    /// one line 'id = hex' each, mode 0600
    #[arg(long, value_name = "FILE")]
    pub(crate) kmip_keys: Option<PathBuf>,

    /// Where relative paths of local key files start; the working directory without it
    #[arg(long, value_name = "DIR")]
    pub(crate) key_base: Option<PathBuf>,
}

/// What SSTables are to become.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TargetArgs {
    /// The new compression options, as in CQL: "{'class': 'Encryptor', ...}"
    #[arg(long, value_name = "MAP", required = true)]
    pub(crate) compression: String,

    /// Allow a --compression that writes what is encrypted in clear
    #[arg(long, conflicts_with_all = ["key_id", "create_key"])]
    pub(crate) decrypt: bool,

    /// The id of the key to write with, on its KMIP server or in dse_system.encrypted_keys; without
    /// it, the key that the database would choose
    #[arg(long, value_name = "ID")]
    pub(crate) key_id: Option<String>,

    /// Write with a key that no SSTable is under yet, and make it if there is none
    #[arg(long, conflicts_with = "key_id")]
    pub(crate) create_key: bool,

    /// The node's limit for the length of KMIP key ids (system property
    /// com.datastax.bdp.cassandra.crypto.KmipKeyProvider.maxKeyLength)
    #[arg(long, value_name = "BYTES", default_value_t = DATABASE_KEY_ID_LIMIT)]
    pub(crate) max_key_id_length: usize,

    /// The product that runs on the node, where its files do not tell: apache-3 (Cassandra 3.x),
    /// apache-4 (Cassandra 4.0 and later), converged-core (HCD), dse (DSE 6)
    #[arg(long, value_name = "FLAVOR")]
    pub(crate) flavor: Option<Flavor>,
}
