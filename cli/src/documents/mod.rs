//! Reads the documents that this program has written: foreign bytes, for they may come from other machines
//! and pass through many hands.

mod census;
mod fields;
mod run;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rekey_engine::evidence::{Cluster, Evidence};
use rekey_engine::io::Storage;
use rekey_engine::{Error, Result};
use serde::Deserialize;

pub(crate) use census::{Census, KeyRow};
pub(crate) use fields::Moment;
pub(crate) use run::{Attempt, Bytes, Fault, Outcomes, RunReport, Sum};

/// A document, or several that are shown as one.
#[derive(Debug)]
pub(crate) enum Document {
    /// What `census --json` prints.
    Census(Census),
    /// What `may-destroy --report` has written on some nodes.
    Evidence(Cluster),
    /// What a run leaves.
    Run(Box<RunReport>),
}

impl Document {
    /// The name of its kind.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Census(_) => "census",
            Self::Evidence(_) => "evidence",
            Self::Run(_) => "run",
        }
    }

    /// Reads one, or the evidence of several nodes.
    ///
    /// # Errors
    /// [`rekey_engine::ErrorKind::Io`], [`rekey_engine::ErrorKind::Invalid`] for what is none, with the
    /// line, and for several of other kinds, [`rekey_engine::ErrorKind::Unsupported`] for one of a newer
    /// version.
    pub(crate) fn read(storage: &dyn Storage, paths: &[PathBuf]) -> Result<Self> {
        let mut evidence = Vec::new();
        for path in paths {
            match One::read(storage, path)? {
                One::Evidence(one) => evidence.push((path.display().to_string(), *one)),
                _ if paths.len() > 1 => {
                    return Err(Error::invalid(
                        "of several documents each must be a report of may-destroy",
                    )
                    .at(path)
                    .hint(
                        "show this one alone; what may-destroy --report has written on the \
                               nodes of a cluster is shown together",
                    ));
                }
                One::Census(census) => return Ok(Self::Census(census)),
                One::Run(report) => return Ok(Self::Run(report)),
            }
        }
        Cluster::of(evidence, SystemTime::now().into()).map(Self::Evidence)
    }
}

/// What one file holds.
#[derive(Debug)]
enum One {
    Census(Census),
    Evidence(Box<Evidence>),
    Run(Box<RunReport>),
}

impl One {
    fn read(storage: &dyn Storage, path: &Path) -> Result<Self> {
        match storage.stat(path)? {
            None => return Err(Error::invalid("there is no such file").at(path).hint(DOCUMENTS)),
            Some(stat) if stat.length > LONGEST => {
                let what = format!("longer than any document: {} bytes", stat.length);
                return Err(Error::invalid(what).at(path).hint(DOCUMENTS));
            }
            Some(_) => {}
        }
        Self::parse(&storage.read(path, LONGEST)?, path)
    }

    fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let marks = first(bytes).map_err(|error| foreign("no JSON object", error, path))?;
        match marks {
            Marks { report_version: Some(version), .. } => {
                is_known(version, path)?;
                let report = serde_json::from_slice(bytes);
                let report = report.map_err(|error| foreign("no report of a run", error, path))?;
                Ok(Self::Run(Box::new(report)))
            }
            Marks { line: Some(_), .. } => Census::parse(bytes, path).map(Self::Census),
            Marks { format: Some(_), .. } => {
                Evidence::parse(bytes, path).map(|evidence| Self::Evidence(Box::new(evidence)))
            }
            _ => Err(Error::invalid("no document of this program: nothing says what it is")
                .at(path)
                .hint(DOCUMENTS)),
        }
    }
}

/// What tells documents apart.
#[derive(Debug, Deserialize)]
struct Marks {
    report_version: Option<u32>,
    #[serde(rename = "type")]
    line: Option<String>,
    format: Option<u32>,
}

/// Of the first object.
fn first(bytes: &[u8]) -> serde_json::Result<Marks> {
    let mut objects = serde_json::Deserializer::from_slice(bytes).into_iter::<Marks>();
    objects.next().unwrap_or_else(|| serde_json::from_slice(b""))
}

/// Refuses what a newer release means differently.
fn is_known(version: u32, path: &Path) -> Result<()> {
    if version == VERSION {
        return Ok(());
    }
    let what = format!("a document of version {version}, and this release reads version {VERSION}");
    Err(Error::unsupported(what).at(path).hint("show it with the release that has written it"))
}

/// Of what is not as it should be; `error` has line and column.
fn foreign(what: &'static str, error: serde_json::Error, path: &Path) -> Error {
    Error::invalid(what).at(path).caused_by(error).hint(DOCUMENTS)
}

/// Of the report of a run and of the lines of a census: each has had one version so far.
const VERSION: u32 = 1;

/// No document of a node is longer: that of a run has some 400 bytes for each SSTable.
const LONGEST: u64 = 256 << 20;

const DOCUMENTS: &str = "name a report of a run (.sstablerekey/reports below a data directory, or --report DIR of \
                         upgradesstables), what census --json has printed, or what may-destroy --report \
                         has written";

#[cfg(test)]
mod tests;
