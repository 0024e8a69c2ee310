//! Arguments that several verbs share.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use rekey_engine::config::{Node, OwnSetting};
use rekey_engine::journal::Checkpoint;
use rekey_engine::keys::DATABASE_KEY_ID_LIMIT;
use rekey_engine::txn::Flavor;

/// Which node.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct NodeArgs {
    /// The node's cassandra.yaml, or a directory with it; without it, $CASSANDRA_CONF, the homes
    /// ($DSE_HOME, $HCD_HOME, $CASSANDRA_HOME), and the usual folders of each product
    #[arg(long, value_name = "PATH", env = "SSTABLEREKEY_CONF", hide_env_values = true)]
    pub(crate) conf: Option<PathBuf>,

    /// The configuration that was found, if one was looked for.
    #[arg(skip)]
    pub(crate) found: Option<Node>,
}

/// Which files.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,

    /// A data directory of the node (the one that holds keyspaces); repeat it for several. Without
    /// it, $SSTABLEREKEY_DATA_DIR (with colons between several), and those of the configuration
    #[arg(long = "data-dir", value_name = "DIR")]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// The data directories hold copied or restored data: no system keyspace has to be there
    #[arg(long)]
    pub(crate) not_a_node: bool,

    #[command(flatten)]
    pub(crate) user: UserArgs,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,

    /// How files are read
    #[arg(long, value_enum, default_value_t = Io::Map)]
    pub(crate) io: Io,

    /// Worker threads; all cores without it
    #[arg(
        long, value_name = "N", env = "SSTABLEREKEY_THREADS", hide_env_values = true,
        value_parser = threads
    )]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Keyspace, or one of its tables as KEYSPACE.TABLE; all of them without it
    pub(crate) keyspace: Option<String>,

    /// Tables of the keyspace; all of them without it
    pub(crate) tables: Vec<String>,
}

/// As whom.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct UserArgs {
    /// Started as root: work as this user; without it, as the user whom the data belongs to
    #[arg(long = "as", value_name = "USER", env = "SSTABLEREKEY_AS", hide_env_values = true)]
    pub(crate) user: Option<String>,
}

/// What nobody can see of the node.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct StoppedArgs {
    /// The node is stopped, though not every process here can be looked into: go by that
    #[arg(long)]
    pub(crate) node_is_stopped: bool,
}

/// Which archives, beside what a node would load.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct ArchiveArgs {
    /// Snapshots, too
    #[arg(long)]
    pub(crate) snapshots: bool,

    /// Incremental backups, too
    #[arg(long)]
    pub(crate) backups: bool,
}

/// Which files beside the tables.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct SystemArgs {
    /// Only these: tables, the commit log, hints; repeat it for several. Without it all of them, and of
    /// the files beside the tables those of the node's configuration, unless tables are named
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) only: Vec<Only>,

    #[command(flatten)]
    pub(crate) dirs: BesideArgs,
}

/// Directories that the node's configuration does not name.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct BesideArgs {
    /// A directory with segments of the commit log, such as an archive, beside those of the configuration;
    /// repeat it for several. Without it, $SSTABLEREKEY_COMMITLOG_DIR, with colons between several
    #[arg(long = "commitlog-dir", value_name = "DIR")]
    pub(crate) commitlog_dirs: Vec<PathBuf>,

    /// A directory with hints, beside the one of the configuration; repeat it for several. Without it,
    /// $SSTABLEREKEY_HINTS_DIR, with colons between several
    #[arg(long = "hints-dir", value_name = "DIR")]
    pub(crate) hints_dirs: Vec<PathBuf>,
}

/// What a command works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    /// SSTables
    Tables,
    /// Hints for other hosts
    Hints,
    /// Segments of the commit log, of CDC, and of archives
    Commitlog,
}

/// How files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Io {
    /// Memory maps: fastest
    Map,
    /// Positional reads: a disk error is an error, never a signal
    Read,
}

/// What the node's configuration does not say of its key servers.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ServerArgs {
    /// A setting of this program for a group of kmip_hosts, which the node's own file may not have:
    /// verify_hostname (full, cn, off), keystore_alias, or keystore_password, truststore_password,
    /// keystore_key_password with _file or _descriptor
    #[arg(long, value_name = "GROUP.KEY=VALUE")]
    pub(crate) kmip_set: Vec<OwnSetting>,
}

/// Where keys come from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KeyArgs {
    /// The node's hcd.yaml or dse.yaml: its kmip_hosts say where KMIP keys are, its
    /// system_key_directory what decrypts those of the replicated provider. Without it, the one of the
    /// configuration that is found
    #[arg(long, value_name = "FILE", env = "SSTABLEREKEY_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) servers: ServerArgs,

    /// A file with keys of KMIP servers or of the replicated provider (encrypted_keys), one line
    /// 'id = hex' each, mode 0600
    #[arg(long, value_name = "FILE", env = "SSTABLEREKEY_KMIP_KEYS", hide_env_values = true)]
    pub(crate) kmip_keys: Option<PathBuf>,

    /// Where relative paths of local key files start; the working directory without it
    #[arg(long, value_name = "DIR", env = "SSTABLEREKEY_KEY_BASE", hide_env_values = true)]
    pub(crate) key_base: Option<PathBuf>,
}

/// What SSTables are to become.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct TargetArgs {
    /// The new compression options of all that is selected, as in CQL: "{'class': 'Encryptor', ...}",
    /// or a whole ALTER TABLE. Without it each table keeps its own, as the node's schema has them
    #[arg(long, value_name = "MAP")]
    pub(crate) compression: Option<String>,

    /// Change one option of each encrypted table's own, as in secret_key_file=/etc/keys/new or
    /// kmip_host=group; repeat it for several
    #[arg(long = "set", value_name = "OPTION=VALUE", conflicts_with = "compression")]
    pub(crate) changes: Vec<Change>,

    /// Take the schema from this file (DESCRIBE SCHEMA, or the schema.cql of a snapshot) and not from
    /// the node's own tables
    #[arg(long, value_name = "FILE", conflicts_with = "compression")]
    pub(crate) schema: Option<PathBuf>,

    /// Allow to write in clear what is encrypted
    #[arg(long, conflicts_with_all = ["key_id", "create_key"])]
    pub(crate) decrypt: bool,

    /// The id of the key to write with, on its KMIP server or in the table encrypted_keys; without
    /// it, the key that the database would choose
    #[arg(long, value_name = "ID")]
    pub(crate) key_id: Option<String>,

    /// Write with --key-id although the key's state forbids to encrypt with it: name the state
    /// (Deactivated, Compromised, Pre-Active, Expired)
    #[arg(long, value_name = "STATE", requires = "key_id")]
    pub(crate) even_if: Option<String>,

    /// Rotate: write with a key that is younger than every key in use, and make it if there is none.
    /// Said again for the same options it means the same key, until that is expired or revoked
    #[arg(long, conflicts_with = "key_id")]
    pub(crate) create_key: bool,

    /// The node's limit for the length of KMIP key ids (system property
    /// com.datastax.bdp.cassandra.crypto.KmipKeyProvider.maxKeyLength)
    #[arg(long, value_name = "BYTES", default_value_t = DATABASE_KEY_ID_LIMIT)]
    pub(crate) max_key_id_length: usize,

    /// That limit when the SSTables were written, if it was another one: encrypted trie indices are laid out
    /// anew for the new one
    #[arg(long, value_name = "BYTES")]
    pub(crate) old_max_key_id_length: Option<usize>,

    /// The product that starts on the data, where neither its configuration nor its files tell: apache-3 (Cassandra 3.x),
    /// apache-4 (Cassandra 4.0 and later), converged-core (HCD), dse (DSE 6); or a name with a version,
    /// as cassandra-5.0, hcd
    #[arg(long, value_name = "FLAVOR", env = "SSTABLEREKEY_FLAVOR", hide_env_values = true)]
    pub(crate) flavor: Option<Flavor>,
}

/// Where an unfinished run is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StateArgs {
    #[command(flatten)]
    pub(crate) node: NodeArgs,

    /// A data directory of the node; all that the run was begun with. Without it,
    /// $SSTABLEREKEY_DATA_DIR, and those of the configuration
    #[arg(long = "data-dir", value_name = "DIR")]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// Where the run keeps its journal, if it was begun with that
    #[arg(long, value_name = "DIR", env = "SSTABLEREKEY_STATE_DIR", hide_env_values = true)]
    pub(crate) state_dir: Option<PathBuf>,

    /// The data directories hold copied or restored data: no system keyspace has to be there
    #[arg(long)]
    pub(crate) not_a_node: bool,

    #[command(flatten)]
    pub(crate) user: UserArgs,

    /// Print JSON lines instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

/// One option of a table, and its new value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) option: String,
    pub(crate) value: String,
}

impl FromStr for Change {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((option, value)) if !option.trim().is_empty() => {
                Ok(Self { option: option.trim().to_owned(), value: value.trim().to_owned() })
            }
            _ => Err(format!("'{text}' is not OPTION=VALUE")),
        }
    }
}

/// When checkpoints are made: `256`, `10s`, or both with a comma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckpointArg(pub(crate) Checkpoint);

impl FromStr for CheckpointArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut checkpoint = Checkpoint::default();
        for part in text.split(',') {
            let (number, is_time) = match part.strip_suffix('s') {
                Some(number) => (number, true),
                None => (part, false),
            };
            let number: u64 = number.trim().parse().map_err(|_not_a_number| {
                format!("'{part}' is neither MiB (256) nor seconds (10s)")
            })?;
            match (is_time, number) {
                (_, 0) => return Err("the distance between checkpoints cannot be 0".to_owned()),
                (true, seconds) => checkpoint.every = Duration::from_secs(seconds),
                (false, mib) => checkpoint.bytes = mib.saturating_mul(1 << 20),
            }
        }
        Ok(Self(checkpoint))
    }
}

/// Threads: each has its buffers, and more than there are cores gain nothing.
pub(super) fn threads(text: &str) -> Result<NonZeroUsize, String> {
    NonZeroUsize::new(jobs(text)?).ok_or_else(|| "it is 1 at the least".to_owned())
}

/// As nodetool has it: 0 stands for all cores.
pub(super) fn jobs(text: &str) -> Result<usize, String> {
    match text.parse::<usize>() {
        Ok(number) if number <= MOST_THREADS => Ok(number),
        Ok(_) => Err(format!("it is {MOST_THREADS} at the most; leave it out for all cores")),
        Err(_) => Err("it is not a number of threads".to_owned()),
    }
}

/// More than any node has cores.
const MOST_THREADS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(u64, u64), String> {
        let CheckpointArg(checkpoint) = text.parse()?;
        Ok((checkpoint.bytes >> 20, checkpoint.every.as_secs()))
    }

    #[test]
    fn checkpoints_are_mib_seconds_or_both() {
        assert_eq!(parsed("256"), Ok((256, 30)));
        assert_eq!(parsed("10s"), Ok((1024, 10)));
        assert_eq!(parsed("64,5s"), Ok((64, 5)));
        assert_eq!(parsed("1024,30s"), Ok((1024, 30)));
        assert_eq!("1024,30s".parse(), Ok(CheckpointArg(Checkpoint::default())));
        for wrong in ["", "0", "0s", "1m", "-1", "1,,2s", "x"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }
}
