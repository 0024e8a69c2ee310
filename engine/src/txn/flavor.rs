//! Which product's node will read the log: the products write paths differently, and a wrong form
//! passes their checks silently and leaves both SSTables live (FORMATS.md 0.1 trap 5).

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::sstable::{SSTableId, Version};
use crate::{Error, Result};

/// A family of products with the same transaction logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Flavor {
    /// Apache Cassandra 3.0 and 3.11.
    Apache3,
    /// Apache Cassandra 4.0 and every later version.
    Apache4,
    /// The open Converged Core, which DataStax HCD is built on.
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

    /// Settles the flavor of a node from what its directories hold and what the operator says.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] when nothing tells, or when the files contradict `given`.
    pub fn settle<'a>(
        given: Option<Self>,
        found: impl IntoIterator<Item = (&'static Version, &'a SSTableId)>,
    ) -> Result<Self> {
        let (mut core_only, mut not_apache_3) = (false, false);
        for (version, id) in found {
            // Only Converged Core writes the c versions and ULIDs.
            core_only |= version.converged_core_only || matches!(id, SSTableId::Ulid(_));
            not_apache_3 |= !version.apache_3 || !matches!(id, SSTableId::Sequence(_));
        }
        match given {
            None if core_only => Ok(Self::ConvergedCore),
            None => Err(Error::invalid(
                "the SSTables do not tell which product's node will start on them, and with a \
                 transaction log in another product's form it would load old and new SSTables",
            )
            .cure(
                "say it with --flavor: apache-3 (Cassandra 3.x), apache-4 (Cassandra 4.0 and \
                 later), converged-core (HCD), dse (DSE 6)",
            )),
            Some(Self::ConvergedCore) => Ok(Self::ConvergedCore),
            Some(other) if core_only => Err(Error::invalid(format!(
                "--flavor {other} cannot be right: only Converged Core writes such SSTables"
            ))
            .cure("use --flavor converged-core")),
            Some(Self::Apache3) if not_apache_3 => Err(Error::invalid(
                "--flavor apache-3 cannot be right: Cassandra 3.x cannot read these SSTables",
            )
            .cure("use the flavor of the product that runs on this node")),
            Some(other) => Ok(other),
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
        [Self::Apache3, Self::Apache4, Self::ConvergedCore, Self::Dse]
            .into_iter()
            .find(|flavor| flavor.name() == text)
            .ok_or_else(|| Error::invalid(format!("there is no flavor '{text}'")))
    }
}

impl PathForm {
    /// Names an SSTable (`nb-1-big`) of a canonical directory.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unsupported`] when the directory's name cannot stand in a log.
    pub fn write(self, directory: &Path, sstable: &str) -> Result<String> {
        let directory = directory
            .to_str()
            .filter(|text| !text.contains([',', '\n', '\r']))
            .ok_or_else(|| {
                Error::unsupported(
                    "a transaction log cannot name this directory (comma, line end or not UTF-8)",
                )
                .at(directory)
                .cure("reach the data through a path without such characters")
            })?;
        Ok(match self {
            Self::Bare => format!("{directory}/{sstable}"),
            Self::Dashed => format!("{directory}/{sstable}-"),
            Self::Uri => {
                format!("file://{}/{sstable}-", utf8_percent_encode(directory, JAVA_PATH))
            }
        })
    }

    /// Takes a path of a log apart, whatever its form: directory and SSTable.
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

/// What `java.nio.file.Path.toUri` leaves as it is: RFC 2396 unreserved characters, `:@&=+$,;`
/// and the slash.
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
    use crate::sstable::Format;

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
    fn the_files_decide_where_they_can_and_are_believed_where_they_contradict() {
        let v = |letters, format| Version::find(letters, format).unwrap();
        let (one, ulid) =
            (SSTableId::Sequence(1), SSTableId::parse("01GK4SZ4T1V7D5SVXB9XS0F1W2").unwrap());
        let nb = [(v("nb", Format::Big), &one)];
        let me = [(v("me", Format::Big), &one)];
        let cc = [(v("nb", Format::Big), &one), (v("cc", Format::Bti), &one)];
        let nb_ulid = [(v("nb", Format::Big), &ulid)];
        let settle = |given, found: &[(&'static Version, &SSTableId)]| {
            Flavor::settle(given, found.iter().copied())
        };
        assert!(settle(None, &nb).is_err());
        assert!(settle(None, &me).is_err(), "a 4.x node may hold SSTables of 3.x");
        assert_eq!(settle(None, &cc).unwrap(), Flavor::ConvergedCore);
        assert_eq!(settle(None, &nb_ulid).unwrap(), Flavor::ConvergedCore);
        assert_eq!(settle(Some(Flavor::Apache4), &me).unwrap(), Flavor::Apache4);
        assert_eq!(settle(Some(Flavor::Apache3), &me).unwrap(), Flavor::Apache3);
        assert!(settle(Some(Flavor::Apache3), &nb).is_err());
        assert!(settle(Some(Flavor::Apache4), &cc).is_err());
    }
}
