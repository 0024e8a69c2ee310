//! What the node's own configuration says, each fact with its origin.
//!
//! A value comes from a system property in the files that start the node, if the database takes it
//! from there; else from `cassandra.yaml`; else by the rule of the product's form (`storagedir`).
//! Where none of these can be told, nothing is guessed: the entry has the error, which says what to
//! give by hand.

mod doubts;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::document::Document;
use super::fact::Fact;
use super::installation::{Installation, Layout, Surroundings, is_there, resolved};
use super::product::{self, Installed};
use super::settings::{Entry, Form, Setting};
use super::words::{ALLOWED, SETTINGS, Words};
use super::{archiving, second};
use crate::error::{Error, Result};

/// The configuration of the node that this machine has.
#[derive(Debug, Clone)]
pub struct Node {
    installation: Installation,
    entries: Vec<Entry>,
    installed: Vec<Fact<Installed>>,
}

impl Node {
    /// Searches for the installation and reads its files. `None` if there is none.
    ///
    /// # Errors
    /// Those of [`Installation::find`]; and [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) or
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when one of its files cannot be read. A single value
    /// that is wrong is an error of its [`Entry`] only.
    pub fn find(around: &Surroundings) -> Result<Option<Self>> {
        let Some(mut installation) = Installation::find(around)? else { return Ok(None) };
        let words = Words::read(&starters(&installation, &around.root)?)?;
        // What the operator names is the file, whatever the node's scripts say.
        let is_told = around
            .conf
            .as_ref()
            .is_some_and(|conf| conf.value == installation.cassandra_yaml.value);
        if !is_told && let Some(file) = other_file(&words, &installation)? {
            installation.cassandra_yaml = file;
        }
        let document = Document::read(&installation.cassandra_yaml.value, "cassandra.yaml")?;
        let mut entries = cassandra(&document, &words, &installation, &around.root);
        let beside = installation.cassandra_yaml.value.with_file_name(ARCHIVING);
        entries.extend(archiving::read(&beside)?);
        if let Some(second) = &installation.second {
            entries
                .extend(second::entries(&Document::read(&second.value, "hcd.yaml or dse.yaml")?));
        }
        let installed = product::installed(&installation)?;
        Ok(Some(Self { installation, entries, installed }))
    }

    /// Where it is, and why it is this one.
    #[must_use]
    pub const fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Everything that was read, in a fixed order. A name that both files have comes twice.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What is known for a setting: of several files, what the first has that sets it.
    #[must_use]
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        let mut named = self.entries.iter().filter(|entry| entry.name == name);
        let is_set = |entry: &&Entry| !entry.values.as_ref().is_ok_and(Vec::is_empty);
        named.clone().find(is_set).or_else(|| named.next())
    }

    /// What tells the product that will start, the most trustworthy first.
    #[must_use]
    pub fn installed(&self) -> &[Fact<Installed>] {
        &self.installed
    }

    /// Every data directory: of tables, of the local system keyspaces, of tiers.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when one of them cannot be told.
    pub fn data_directories(&self) -> Result<Vec<Fact<PathBuf>>> {
        let mut found: Vec<Fact<PathBuf>> = Vec::new();
        for name in DATA {
            for entry in self.entries.iter().filter(|entry| entry.name == name) {
                found.extend(entry.paths()?);
            }
        }
        // The local system keyspaces may be named a second time.
        let mut seen = BTreeSet::new();
        found.retain(|found| seen.insert(resolved(&found.value)));
        if let Some(relative) = found.iter().find(|found| found.value.is_relative()) {
            let what = format!(
                "a data directory has a relative path, and where the node starts cannot be told ({})",
                relative.origin
            );
            return Err(Error::invalid(what)
                .at(&relative.value)
                .hint("name the data directories: --data-dir DIR, once for each"));
        }
        Ok(found)
    }
}

/// The data directories that a `cassandra.yaml` names itself, without any rule.
pub(super) fn named_directories(cassandra_yaml: &Path) -> Result<Vec<Fact<PathBuf>>> {
    let document = Document::read(cassandra_yaml, "cassandra.yaml")?;
    let mut found = Vec::new();
    for setting in CASSANDRA.iter().filter(|setting| DATA.contains(&setting.name)) {
        found.extend(setting.in_file(&document).paths()?);
    }
    Ok(found)
}

/// The files that set system properties, in the order in which they are read at a start.
fn starters(installation: &Installation, root: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in STARTERS {
        files.extend(in_folders(installation, name)?);
    }
    if let Some(second) = &installation.second {
        files.extend(["hcd-env.sh", "dse-env.sh"].map(|name| second.value.with_file_name(name)));
    }
    // Only the services of packages read these.
    let defaults: &[&str] = match installation.layout {
        Layout::ApachePackage => &["etc/default/cassandra", "etc/sysconfig/cassandra"],
        Layout::DsePackage => &["etc/default/dse"],
        Layout::HcdPackage => &["etc/default/hcd"],
        _ => &[],
    };
    files.extend(defaults.iter().map(|file| root.join(file)));
    Ok(files)
}

/// The file of this name that the node sees.
fn in_folders(installation: &Installation, name: &str) -> Result<Option<PathBuf>> {
    for file in installation.folders.iter().map(|folder| folder.join(name)) {
        if is_there(&file)? {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

/// The file that `-Dcassandra.config` names in place of the one beside.
fn other_file(words: &Words, installation: &Installation) -> Result<Option<Fact<PathBuf>>> {
    let Some(word) = words.value("cassandra.config")? else { return Ok(None) };
    let unknown = |what: &'static str| {
        Error::invalid(format!("-Dcassandra.config={} {what} ({})", word.value, word.origin))
            .hint("name the cassandra.yaml that the node reads: --conf FILE")
    };
    let path = match word.value.strip_prefix("file:") {
        Some(path) => {
            let path = path.strip_prefix("//").unwrap_or(path);
            let path = percent_encoding::percent_decode_str(path).decode_utf8();
            let path = path.map_err(|_not_text| unknown("is not a path"))?;
            if !path.starts_with('/') {
                return Err(unknown("is on another machine"));
            }
            PathBuf::from(path.into_owned())
        }
        None if word.value.contains(':') => return Err(unknown("is not on this machine")),
        // A name in the class path, of which the folder of the configuration is the first.
        None => in_folders(installation, &word.value)?
            .ok_or_else(|| unknown("is not with the configuration"))?,
    };
    Ok(Some(Fact::new(path, word.origin)))
}

fn cassandra(
    document: &Document,
    words: &Words,
    installation: &Installation,
    root: &Path,
) -> Vec<Entry> {
    let storage = match words.value("cassandra.storagedir") {
        Ok(Some(word)) => Ok(Some(word.map(PathBuf::from))),
        Ok(None) => Ok(installation.storage_directory(root)),
        Err(error) => Err(error),
    };
    CASSANDRA
        .iter()
        .map(|setting| {
            let entry = over_the_file(*setting, document, words);
            let is_unset = entry.values.as_ref().is_ok_and(Vec::is_empty);
            match BELOW_STORAGE.iter().find(|(name, _)| *name == setting.name && is_unset) {
                Some((name, folder)) => {
                    Entry { name, values: below_storage(name, folder, &storage, document) }
                }
                None => entry,
            }
        })
        .collect()
}

/// A system property for a setting comes before the file, where the database is told to look at it.
fn over_the_file(setting: Setting, document: &Document, words: &Words) -> Entry {
    let word = words.value(&format!("{SETTINGS}{}", setting.name));
    if matches!(word, Ok(None)) {
        return setting.in_file(document);
    }
    let is_allowed = words
        .value(ALLOWED)
        .map(|allowed| allowed.is_some_and(|allowed| allowed.value.eq_ignore_ascii_case("true")));
    match (is_allowed, word) {
        (Ok(true), Ok(Some(word))) => setting.in_word(&word, &document.file),
        (Ok(_), Ok(_)) | (Ok(false), Err(_)) => setting.in_file(document),
        (Ok(true), Err(error)) | (Err(error), _) => {
            Entry { name: setting.name, values: Err(error) }
        }
    }
}

fn below_storage(
    name: &str,
    folder: &str,
    storage: &Result<Option<Fact<PathBuf>>>,
    document: &Document,
) -> Result<Vec<Fact<String>>> {
    let Some(storage) = storage.clone()? else {
        return Err(Error::invalid(format!(
            "{name} is not set, and where the node puts it then cannot be told"
        ))
        .at(&document.file)
        .hint(match DATA.contains(&name) {
            true => "name the data directories: --data-dir DIR, once for each".to_owned(),
            false => format!("set {name} in this file to the directory that the node has for it"),
        }));
    };
    Ok(vec![storage.map(|storage| storage.join(folder).display().to_string())])
}

/// The settings that name data directories.
pub(super) const DATA: [&str; 3] =
    ["data_file_directories", "local_system_data_file_directory", second::TIERS];

const CASSANDRA: [Setting; 22] = [
    Setting::new("cluster_name", Form::Text),
    Setting::new("data_file_directories", Form::Texts),
    Setting::new("local_system_data_file_directory", Form::Text),
    Setting::new("commitlog_directory", Form::Text),
    Setting::new("hints_directory", Form::Text),
    Setting::new("saved_caches_directory", Form::Text),
    Setting::new("cdc_enabled", Form::Flag),
    Setting::new("cdc_raw_directory", Form::Text),
    Setting::new("commitlog_compression", Form::Classes),
    Setting::new("hints_compression", Form::Classes),
    Setting::new("transparent_data_encryption_options.enabled", Form::Flag),
    Setting::new("flush_compression", Form::Text),
    Setting::new("disk_failure_policy", Form::Text),
    Setting::new("auto_snapshot", Form::Flag),
    Setting::new("incremental_backups", Form::Flag),
    Setting::new("snapshot_before_compaction", Form::Flag),
    Setting::new("storage_compatibility_mode", Form::Text),
    Setting::new("uuid_sstable_identifiers_enabled", Form::Flag),
    Setting::new("sstable.selected_format", Form::Text),
    Setting::new("system_key_directory", Form::Text),
    Setting::new("audit_logging_options.audit_logs_dir", Form::Text),
    Setting::new("full_query_logging_options.log_dir", Form::Text),
];

/// What is below the storage directory if it is not set.
const BELOW_STORAGE: [(&str, &str); 5] = [
    ("data_file_directories", "data"),
    ("commitlog_directory", "commitlog"),
    ("hints_directory", "hints"),
    ("saved_caches_directory", "saved_caches"),
    ("cdc_raw_directory", "cdc_raw"),
];

/// Beside `cassandra.yaml`.
const ARCHIVING: &str = "commitlog_archiving.properties";
const STARTERS: [&str; 7] = [
    "jvm.options",
    "jvm-server.options",
    "jvm8-server.options",
    "jvm11-server.options",
    "jvm17-server.options",
    "jvm21-server.options",
    "cassandra-env.sh",
];

#[cfg(test)]
mod tests;
