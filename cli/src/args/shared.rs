//! Arguments that several verbs share.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use rekey_engine::config::OwnSetting;
use rekey_engine::journal::Checkpoint;
use rekey_engine::keys::DATABASE_KEY_ID_LIMIT;
use rekey_engine::txn::Flavor;

/// Which files.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct DataArgs {
    /// A data directory of the node (the one that holds keyspaces); repeat it for several
    #[arg(long = "data-dir", value_name = "DIR", required = true)]
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
    #[arg(long, value_name = "N")]
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
    #[arg(long = "as", value_name = "USER")]
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
    #[arg(long, value_name = "GROUP.KEY=VALUE", requires = "config")]
    pub(crate) kmip_set: Vec<OwnSetting>,
}

/// Where keys come from.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct KeyArgs {
    /// The node's hcd.yaml or dse.yaml: its kmip_hosts say where KMIP keys are
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) servers: ServerArgs,

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
    /// The new compression options, as in CQL: "{'class': 'Encryptor', ...}", or a whole ALTER TABLE
    #[arg(long, value_name = "MAP", required = true)]
    pub(crate) compression: String,

    /// Allow a --compression that writes what is encrypted in clear
    #[arg(long, conflicts_with_all = ["key_id", "create_key"])]
    pub(crate) decrypt: bool,

    /// The id of the key to write with, on its KMIP server or in dse_system.encrypted_keys; without
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

    /// The product that runs on the node, where its files do not tell: apache-3 (Cassandra 3.x),
    /// apache-4 (Cassandra 4.0 and later), converged-core (HCD), dse (DSE 6); or a name with a version,
    /// as cassandra-5.0, hcd
    #[arg(long, value_name = "FLAVOR")]
    pub(crate) flavor: Option<Flavor>,
}

/// Where an unfinished run is.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StateArgs {
    /// A data directory of the node; all that the run was begun with
    #[arg(long = "data-dir", value_name = "DIR", required = true)]
    pub(crate) data_dirs: Vec<PathBuf>,

    /// Where the run keeps its journal, if it was begun with that
    #[arg(long, value_name = "DIR")]
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
