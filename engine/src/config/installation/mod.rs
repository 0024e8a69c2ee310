//! Which installation of a database this machine has: its `cassandra.yaml`, the second file of DSE
//! and HCD, and its home.
//!
//! Searched are, in this order, and the first step that finds anything decides: what the operator
//! names, `CASSANDRA_CONF`, the homes of the environment, the usual folders ([`usual`]). A step that
//! finds several *different* installations is an error. Files are compared by what they are (device
//! and number), so that links, alternatives and bind mounts count once.
//!
//! A pod has its configuration in `/config`, which is copied over the image's own folder at each
//! start: then its files take the place of those, one by one, and both are one installation.

mod second;
mod usual;

use std::collections::BTreeSet;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::fact::{Fact, Origin};
use crate::error::{Error, Result};
use crate::io::privileged;

/// Where an installation may be, as the caller knows it. The engine reads no environment.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// What the operator names: `cassandra.yaml`, `hcd.yaml`, `dse.yaml`, or a directory with one.
    pub conf: Option<Fact<PathBuf>>,
    /// The `hcd.yaml` or `dse.yaml` that is taken in place of the one that is found.
    pub config: Option<Fact<PathBuf>>,
    /// `CASSANDRA_CONF`.
    pub cassandra_conf: Option<PathBuf>,
    /// `DSE_HOME`.
    pub dse_home: Option<PathBuf>,
    /// `HCD_HOME`.
    pub hcd_home: Option<PathBuf>,
    /// `CASSANDRA_HOME`.
    pub cassandra_home: Option<PathBuf>,
    /// What the usual folders are below: `/`.
    pub root: PathBuf,
}

/// How an installation is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// Apache's deb or rpm package: `/etc/cassandra`.
    ApachePackage,
    /// Apache's tarball, also in an image: `conf` below its home.
    ApacheTarball,
    /// DSE's package: `/etc/dse`.
    DsePackage,
    /// HCD's package: `/etc/hcd`.
    HcdPackage,
    /// A tarball or image of DSE or HCD: `resources/cassandra/conf` below its home.
    Resources,
    /// The volume of a pod: `/config`.
    Pod,
    /// None of these.
    Unknown,
}

/// An installation that was found.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Installation {
    /// How it is laid out.
    pub layout: Layout,
    /// Its `cassandra.yaml`, and why it is this one.
    pub cassandra_yaml: Fact<PathBuf>,
    /// Its `hcd.yaml` or `dse.yaml`.
    pub second: Option<Fact<PathBuf>>,
    /// The directory with its programs.
    pub home: Option<PathBuf>,
    /// Folders whose files start the node; a file in an earlier one hides its namesakes.
    pub(super) folders: Vec<PathBuf>,
}

impl Installation {
    /// Searches for the installation; `None` if there is none.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when there are several, or when what the
    /// operator or `CASSANDRA_CONF` names has no configuration;
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) when a place cannot be looked at.
    pub fn find(around: &Surroundings) -> Result<Option<Self>> {
        let Some(found) = candidates(around)? else { return Ok(None) };
        let (found, pod) = with_pod(found, around)?;
        let Some(found) = the_one(found)? else { return Ok(None) };
        Self::of(found, pod, around).map(Some)
    }

    fn of(found: Candidate, pod: Option<Candidate>, around: &Surroundings) -> Result<Self> {
        let Candidate { file, origin } = found;
        let place = usual::place_of(&file, &around.root)?;
        let mut folders: Vec<PathBuf> = file.parent().map(Path::to_owned).into_iter().collect();
        let mut second = match &around.config {
            Some(named) => Some(named.clone()),
            None => second::of(&file)?,
        };
        let mut cassandra_yaml = Fact::new(file, origin);
        if let Some(pod) = pod {
            let own = pod.file.parent().map(Path::to_owned).unwrap_or_default();
            if around.config.is_none() {
                second = second::of(&pod.file)?.or(second);
            }
            folders.insert(0, own);
            cassandra_yaml = Fact::new(pod.file, pod.origin);
        }
        Ok(Self { layout: place.layout, cassandra_yaml, second, home: place.home, folders })
    }

    /// The directory below which everything is that `cassandra.yaml` does not place, and the rule
    /// that says so.
    pub(super) fn storage_directory(&self, root: &Path) -> Option<Fact<PathBuf>> {
        match (self.layout, &self.home) {
            (Layout::ApacheTarball, Some(home)) => Some(Fact::new(
                // Whatever path the home was named by, a node has whole ones.
                std::path::absolute(home).unwrap_or_else(|_| home.clone()).join("data"),
                Origin::rule("not set: in data below the home of the tarball"),
            )),
            (Layout::DsePackage | Layout::Pod, _) => Some(Fact::new(
                root.join("var/lib/cassandra"),
                Origin::rule("not set: in /var/lib/cassandra"),
            )),
            _ => None,
        }
    }
}

/// A `cassandra.yaml` that may be the node's.
#[derive(Debug, Clone)]
struct Candidate {
    file: PathBuf,
    origin: Origin,
}

fn candidates(around: &Surroundings) -> Result<Option<Vec<Candidate>>> {
    if let Some(conf) = &around.conf {
        let found = named(&conf.value, &conf.origin)?;
        return Ok(Some(vec![found]));
    }
    if let Some(conf) = set(around.cassandra_conf.as_ref()) {
        let found = named(conf, &Origin::Variable("CASSANDRA_CONF"))?;
        return Ok(Some(vec![found]));
    }
    let mut found = Vec::new();
    for (home, name) in [
        (&around.dse_home, "DSE_HOME"),
        (&around.hcd_home, "HCD_HOME"),
        (&around.cassandra_home, "CASSANDRA_HOME"),
    ] {
        if let Some(home) = set(home.as_ref()) {
            let places = usual::IN_A_HOME.map(|place| home.join(place));
            add_those_there(&mut found, &places, &Origin::Variable(name))?;
        }
    }
    if found.is_empty() {
        let places = usual::FOLDERS.map(|folder| around.root.join(folder));
        add_those_there(&mut found, &places, &Origin::rule("a usual place"))?;
    }
    Ok((!found.is_empty()).then_some(found))
}

/// A variable that is set to nothing is not set.
fn set(variable: Option<&PathBuf>) -> Option<&PathBuf> {
    variable.filter(|path| !path.as_os_str().is_empty())
}

fn add_those_there(found: &mut Vec<Candidate>, folders: &[PathBuf], origin: &Origin) -> Result<()> {
    for folder in folders {
        let file = folder.join(CASSANDRA_YAML);
        if is_there(&file)? {
            found.push(Candidate { file, origin: origin.clone() });
        }
    }
    Ok(())
}

/// What the operator names has to be there.
fn named(path: &Path, origin: &Origin) -> Result<Candidate> {
    let candidate = |file| Candidate { file, origin: origin.clone() };
    let metadata = privileged(|| std::fs::metadata(path));
    let is_dir = match metadata {
        Ok(metadata) => metadata.is_dir(),
        Err(error) if is_absence(&error) => {
            return Err(Error::invalid(format!(
                "the configuration that {origin} names does not exist"
            ))
            .at(path)
            .hint("name the directory with cassandra.yaml, or the file itself"));
        }
        Err(error) => return Err(Error::io("cannot look at the configuration", path, error)),
    };
    let is_second = second::NAMES.iter().any(|name| path.ends_with(name));
    if !is_dir && !is_second {
        return Ok(candidate(path.to_owned()));
    }
    let from = if is_dir { Some(path) } else { path.parent() };
    let places = usual::FROM_A_NAMED_FOLDER.iter().chain(usual::IN_A_HOME.iter());
    for place in places {
        let file = from.unwrap_or(path).join(place).join(CASSANDRA_YAML);
        if is_there(&file)? {
            return Ok(candidate(file));
        }
    }
    Err(Error::invalid(format!("no cassandra.yaml is there, and {origin} names it"))
        .at(path)
        .hint("name the directory with cassandra.yaml, or the file itself"))
}

/// The volume of a pod, if what was found is the one folder of an image that it is copied to; that
/// folder is then all that is left of what was found. Beside a package or several images, `/config`
/// is an installation like any other.
fn with_pod(
    found: Vec<Candidate>,
    around: &Surroundings,
) -> Result<(Vec<Candidate>, Option<Candidate>)> {
    let file = around.root.join(usual::POD).join(CASSANDRA_YAML);
    if around.conf.is_some() || !is_there(&file)? {
        return Ok((found, None));
    }
    let own = identity(&file)?;
    let mut others = Vec::new();
    for candidate in &found {
        if identity(&candidate.file)? != own {
            others.push(candidate.clone());
        }
    }
    let others = distinct(others)?;
    let mut are_images = true;
    for candidate in &others {
        are_images &= usual::is_of_an_image(&candidate.file, &around.root)?;
    }
    match others.as_slice() {
        [image] if are_images => {
            let rule = format!("copied over {} at each start", image.file.display());
            let pod = Candidate { file, origin: Origin::rule(rule) };
            Ok((others, Some(pod)))
        }
        _ => Ok((found, None)),
    }
}

/// The only one, if they all are the same; the first name of it.
fn the_one(found: Vec<Candidate>) -> Result<Option<Candidate>> {
    let different = distinct(found)?;
    if different.len() > 1 {
        let names: Vec<_> =
            different.iter().map(|found| found.file.display().to_string()).collect();
        let what = format!("several installations are here: {}", names.join(", "));
        return Err(Error::invalid(what).hint("say which one it is: --conf FILE"));
    }
    Ok(different.into_iter().next())
}

fn distinct(found: Vec<Candidate>) -> Result<Vec<Candidate>> {
    let mut seen = BTreeSet::new();
    let mut different = Vec::new();
    for candidate in found {
        if seen.insert(identity(&candidate.file)?) {
            different.push(candidate);
        }
    }
    Ok(different)
}

/// What a file is, whatever its name.
fn identity(file: &Path) -> Result<(u64, u64)> {
    let metadata = privileged(|| std::fs::metadata(file));
    let metadata =
        metadata.map_err(|error| Error::io("cannot look at the configuration", file, error))?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Whether a file exists. What cannot be looked at is an error, and so is a link to nothing.
pub(super) fn is_there(file: &Path) -> Result<bool> {
    match privileged(|| std::fs::metadata(file)) {
        Ok(_) => Ok(true),
        Err(error) if is_absence(&error) => match privileged(|| std::fs::symlink_metadata(file)) {
            Ok(_) => Err(Error::invalid("a link to a file that does not exist")
                .at(file)
                .hint("mend the link, or name the configuration: --conf FILE")),
            Err(_absent) => Ok(false),
        },
        Err(error) => Err(Error::io("cannot look at the configuration", file, error)),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// A path without links; as it is where that cannot be told.
pub(super) fn resolved(path: &Path) -> PathBuf {
    privileged(|| std::fs::canonicalize(path)).unwrap_or_else(|_| path.to_owned())
}

const CASSANDRA_YAML: &str = "cassandra.yaml";
