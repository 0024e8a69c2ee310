//! Which product's node will read the log. The products write paths differently, and a wrong form
//! passes their checks silently and leaves both SSTables live (FORMATS.md 0.1 trap 5).

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::options::{did_you_mean, meant, shown};
use crate::sstable::Products;
use crate::{Error, Result};

/// A family of products with the same transaction logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flavor {
    /// Apache Cassandra 3.0 and 3.11.
    Apache3,
    /// Apache Cassandra 4.0 and every later version.
    Apache4,
    /// The open-source Converged Core, which DataStax HCD is built on.
    ConvergedCore,
    /// DataStax Enterprise 6.x.
    Dse,
}

/// How an SSTable is named in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PathForm {
    /// `/dir/nb-1-big`
    Bare,
    /// `/dir/nb-1-big-`
    Dashed,
    /// `file:///dir/nb-1-big-`
    Uri,
}

/// What REMOVE's time is compared with at a node's start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MtimeRule {
    /// In whole seconds: the files can stay as they are.
    Seconds,
    /// In milliseconds, or in whole seconds on an old JVM: the files are set to a whole second.
    WholeSecond,
}

impl Flavor {
    /// The text of the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apache3 => "apache-3",
            Self::Apache4 => "apache-4",
            Self::ConvergedCore => "converged-core",
            Self::Dse => "dse",
        }
    }

    /// The form of paths.
    #[must_use]
    pub const fn path_form(self) -> PathForm {
        match self {
            Self::Apache3 => PathForm::Bare,
            Self::Apache4 | Self::Dse => PathForm::Dashed,
            Self::ConvergedCore => PathForm::Uri,
        }
    }

    /// How times are compared.
    #[must_use]
    pub const fn mtime_rule(self) -> MtimeRule {
        match self {
            Self::Apache3 | Self::Dse => MtimeRule::WholeSecond,
            Self::Apache4 | Self::ConvergedCore => MtimeRule::Seconds,
        }
    }

    /// Determines the flavor of a node from the products that may have the files in its data
    /// directories, and from the operator's choice.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when it is unknown, or when the files contradict `given`.
    pub fn settle(given: Option<Self>, possible: Products) -> Result<Self> {
        let candidates: Vec<Self> =
            Self::EVERY.into_iter().filter(|flavor| flavor.is_in(possible)).collect();
        match (given, candidates.as_slice()) {
            (Some(given), _) if given.is_in(possible) => Ok(given),
            (Some(given), _) => Err(Error::invalid(format!(
                "the flavor {given} cannot be right: no such node can have written or read all the \
                 SSTables in these data directories"
            ))
            .hint("say the flavor of the product that starts on this node: --flavor")),
            (None, [only]) => Ok(*only),
            (None, _) => Err(Error::invalid(
                "the SSTables do not tell which product's node will start on them, and with a \
                 transaction log in another product's form it would load old and new SSTables",
            )
            .hint(
                "say it with --flavor: apache-3 (Cassandra 3.x), apache-4 (Cassandra 4.0 and \
                 later), converged-core (HCD), dse (DSE 6)",
            )),
        }
    }

    const EVERY: [Self; 4] = [Self::Apache3, Self::Apache4, Self::ConvergedCore, Self::Dse];

    const fn is_in(self, products: Products) -> bool {
        match self {
            Self::Apache3 => products.apache_3,
            Self::Apache4 => products.apache_4,
            Self::ConvergedCore => products.converged_core,
            Self::Dse => products.dse,
        }
    }
}

impl fmt::Display for Flavor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Flavor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let word = text.to_ascii_lowercase().replace(['_', ' '], "-");
        if let Some(flavor) = Self::EVERY.into_iter().find(|flavor| flavor.name() == word) {
            return Ok(flavor);
        }
        by_version(&word).ok_or_else(|| {
            let every = Self::EVERY.map(Self::name);
            let hint = did_you_mean(
                meant(&word, every),
                format_args!("use one of these: {}", every.join(", ")),
            );
            Error::invalid(format!("there is no flavor {}; {hint}", shown(text)))
        })
    }
}

/// A product by its common names, with or without its version: `hcd`, `cassandra-4.1`, `dse6`.
/// Cassandra needs one, since it has two flavors.
fn by_version(word: &str) -> Option<Flavor> {
    let end = word.find(|c: char| c.is_ascii_digit()).unwrap_or(word.len());
    let (product, version) = word.split_at(end);
    if !version.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'x')) {
        return None;
    }
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    match (product.trim_end_matches('-'), major) {
        ("apache" | "cassandra" | "apache-cassandra" | "c*" | "oss", Some(3)) => {
            Some(Flavor::Apache3)
        }
        ("apache" | "cassandra" | "apache-cassandra" | "c*" | "oss", Some(4 | 5)) => {
            Some(Flavor::Apache4)
        }
        ("dse", None | Some(6)) => Some(Flavor::Dse),
        ("hcd" | "converged-core" | "cc", None | Some(1)) => Some(Flavor::ConvergedCore),
        _ => None,
    }
}

impl PathForm {
    /// Names an SSTable (`nb-1-big`) of a canonical directory.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] when the directory's name cannot be written in a log.
    pub fn write(self, directory: &Path, sstable: &str) -> Result<String> {
        let directory = directory
            .to_str()
            .filter(|text| !text.contains([',', '\n', '\r']))
            .ok_or_else(|| {
                Error::unsupported(
                    "a transaction log cannot name this directory (comma, line end or not UTF-8)",
                )
                .at(directory)
                .hint("reach the data through a path without such characters")
            })?;
        Ok(match self {
            Self::Bare => format!("{directory}/{sstable}"),
            Self::Dashed => format!("{directory}/{sstable}-"),
            Self::Uri => {
                format!("file://{}/{sstable}-", utf8_percent_encode(directory, JAVA_PATH))
            }
        })
    }

    /// Splits a path of a log in any form into directory and SSTable.
    #[must_use]
    pub fn read(path: &str) -> Option<(Self, String, String)> {
        let (form, plain) = match path.strip_prefix("file://") {
            Some(encoded) => {
                let decoded = percent_encoding::percent_decode_str(encoded).decode_utf8().ok()?;
                (Self::Uri, decoded.into_owned())
            }
            None if path.ends_with('-') => (Self::Dashed, path.to_owned()),
            None => (Self::Bare, path.to_owned()),
        };
        let (directory, name) = plain.rsplit_once('/')?;
        let sstable = match form {
            Self::Bare => name,
            Self::Dashed | Self::Uri => name.strip_suffix('-')?,
        };
        Some((form, directory.to_owned(), sstable.to_owned()))
    }
}

/// The characters that `java.nio.file.Path.toUri` leaves unchanged: RFC 2396 unreserved characters,
/// `:@&=+$,;` and the slash.
const JAVA_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b':')
    .remove(b'@')
    .remove(b'&')
    .remove(b'=')
    .remove(b'+')
    .remove(b'$')
    .remove(b',')
    .remove(b';')
    .remove(b'/');

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sstable::{Format, SSTableId, Version};

    #[test]
    fn products_are_known_by_their_common_names() {
        for (words, flavor) in [
            (
                &["apache-3", "cassandra-3", "cassandra-3.11", "Apache3", "c*3.0"][..],
                Flavor::Apache3,
            ),
            (&["apache-4", "apache-5", "cassandra-4.1", "cassandra5.0"], Flavor::Apache4),
            (&["converged-core", "hcd", "HCD", "hcd-1.2", "converged_core"], Flavor::ConvergedCore),
            (&["dse", "dse6", "dse-6.8", "DSE 6.9"], Flavor::Dse),
        ] {
            for word in words {
                assert_eq!(word.parse::<Flavor>().unwrap(), flavor, "{word}");
            }
        }
        for word in
            ["", "cassandra", "apache", "dse-5.1", "apache-2", "apache-4-beta", "scylla", "4"]
        {
            let error = word.parse::<Flavor>().unwrap_err().to_string();
            assert!(error.contains("use one of these: apache-3, apache-4"), "{error}");
        }
        let error = "convergedcore".parse::<Flavor>().unwrap_err().to_string();
        assert!(error.contains("did you mean 'converged-core'?"), "{error}");
    }

    #[test]
    fn each_form_reads_back() {
        let directory = Path::new("/var/lib/my data/ks/t-1");
        for (form, expected) in [
            (PathForm::Bare, "/var/lib/my data/ks/t-1/nb-1-big"),
            (PathForm::Dashed, "/var/lib/my data/ks/t-1/nb-1-big-"),
            (PathForm::Uri, "file:///var/lib/my%20data/ks/t-1/nb-1-big-"),
        ] {
            let text = form.write(directory, "nb-1-big").unwrap();
            assert_eq!(text, expected);
            assert_eq!(
                PathForm::read(&text),
                Some((form, "/var/lib/my data/ks/t-1".into(), "nb-1-big".into()))
            );
        }
        assert!(PathForm::Dashed.write(Path::new("/a,b"), "nb-1-big").is_err());
    }

    #[test]
    fn files_decide_the_flavor_and_contradictions_are_refused() {
        let v = |letters, format| Version::find(letters, format).unwrap().products;
        let (nb, me) = (v("nb", Format::Big), v("me", Format::Big));
        let cc = nb.and(v("cc", Format::Bti));
        let id = |text| Products::of_id(&SSTableId::parse(text).unwrap());
        let (ulid, uuid) = (id("01GK4SZ4T1V7D5SVXB9XS0F1W2"), id("3gm8_0t1d_01zr42s6tfz6mplgh7"));
        let settle = Flavor::settle;
        assert!(settle(None, nb).is_err());
        assert!(settle(None, me).is_err(), "a 4.x node may hold SSTables of 3.x");
        assert_eq!(settle(None, cc).unwrap(), Flavor::ConvergedCore);
        assert_eq!(settle(None, nb.and(ulid)).unwrap(), Flavor::ConvergedCore);
        assert_eq!(settle(Some(Flavor::Apache4), me).unwrap(), Flavor::Apache4);
        assert_eq!(settle(Some(Flavor::Apache3), me).unwrap(), Flavor::Apache3);
        assert_eq!(settle(Some(Flavor::Dse), me).unwrap(), Flavor::Dse);
        for (given, possible) in [
            (Flavor::Apache3, nb),
            (Flavor::Dse, nb),
            (Flavor::Apache4, cc),
            (Flavor::Apache4, v("bb", Format::Bti)),
            (Flavor::Apache3, me.and(uuid)),
            (Flavor::Dse, me.and(uuid)),
        ] {
            assert!(settle(Some(given), possible).is_err(), "{given}");
        }
    }
}
