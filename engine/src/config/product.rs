//! Which product is installed, as its files show: it is the one that will start.

use std::io;
use std::path::{Path, PathBuf};

use super::fact::{Fact, Origin};
use super::installation::{Installation, is_there};
use crate::error::{Error, Result};
use crate::io::privileged;

/// A product that may start on the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Product {
    /// Apache Cassandra.
    Apache,
    /// DataStax Enterprise.
    Dse,
    /// DataStax HCD, which is built on the Converged Core.
    Hcd,
}

/// A product, and its version if that is known, such as `5.0.5`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Installed {
    /// The product.
    pub product: Product,
    /// Its version.
    pub version: Option<String>,
}

impl Product {
    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apache => "Apache Cassandra",
            Self::Dse => "DSE",
            Self::Hcd => "HCD",
        }
    }
}

impl Installed {
    /// A product, with its version if that is known.
    #[must_use]
    pub const fn new(product: Product, version: Option<String>) -> Self {
        Self { product, version }
    }

    /// The first number of the version.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        major(self.version.as_deref()?)
    }
}

/// The first number of a version.
pub(crate) fn major(version: &str) -> Option<u32> {
    version.split(['.', '-']).next()?.parse().ok()
}

impl std::fmt::Display for Installed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.product.name())?;
        match &self.version {
            Some(version) => write!(f, " {version}"),
            None => Ok(()),
        }
    }
}

/// Everything that tells a product, the most trustworthy first: the second file of the
/// configuration, then what is installed.
pub(super) fn installed(installation: &Installation) -> Result<Vec<Fact<Installed>>> {
    let mut found = Vec::new();
    let mut add = |product, version, path: PathBuf| {
        found.push(Fact::new(Installed { product, version }, Origin::Presence(path)));
    };
    if let Some(second) = &installation.second {
        let file = second.value.clone();
        match file.file_name().and_then(|name| name.to_str()) {
            Some("hcd.yaml") => add(Product::Hcd, None, file),
            Some("dse.yaml") => add(Product::Dse, None, file),
            _ => {}
        }
    }
    let Some(home) = &installation.home else { return Ok(found) };
    for (branch, product) in [("resources/hcd", Product::Hcd), ("resources/dse", Product::Dse)] {
        let branch = home.join(branch);
        if is_there(&branch)? {
            add(product, None, branch);
        }
    }
    for folder in [home.clone(), home.join("lib")] {
        for (version, jar) in jars(&folder)? {
            add(Product::Apache, Some(version), jar);
        }
    }
    Ok(found)
}

/// Cassandra's own jars in a folder, with their versions.
fn jars(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let failed = |error| Error::io("cannot list the installation", folder, error);
    let entries = match privileged(|| std::fs::read_dir(folder)) {
        Ok(entries) => entries,
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(vec![]);
        }
        Err(error) => return Err(failed(error)),
    };
    let mut found = Vec::new();
    for entry in entries.take(MAX_ENTRIES) {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        if let Some(version) = name.to_str().and_then(version_of) {
            found.push((version.to_owned(), entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// `apache-cassandra-5.0.5.jar`, and not `apache-cassandra-clientutil-3.0.jar`.
fn version_of(jar: &str) -> Option<&str> {
    let version = jar.strip_prefix("apache-cassandra-")?.strip_suffix(".jar")?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit())
        && version.len() <= 64
        && version.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '~'));
    is_version.then_some(version)
}

/// Entries of a folder that are looked at; Cassandra's has some hundred jars.
const MAX_ENTRIES: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jar_of_cassandra_has_its_version() {
        assert_eq!(version_of("apache-cassandra-5.0.5.jar"), Some("5.0.5"));
        assert_eq!(version_of("apache-cassandra-5.1-SNAPSHOT.jar"), Some("5.1-SNAPSHOT"));
        for other in [
            "apache-cassandra-clientutil-3.0.30.jar",
            "apache-cassandra-.jar",
            "cassandra-driver-core-3.11.0-shaded.jar",
            "apache-cassandra-5.0.5.jar.bak",
        ] {
            assert_eq!(version_of(other), None, "{other}");
        }
    }
}
