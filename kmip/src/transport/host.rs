//! Hosts, as `kmip_hosts.<group>.hosts` lists them.

use std::fmt;
use std::str::FromStr;

/// KMIP's registered port.
pub const DEFAULT_PORT: u16 = 5696;

/// A host name or IPv4 address, and a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host {
    /// The name, as the certificate must show it.
    pub name: String,
    /// The port.
    pub port: u16,
}

/// The text is not a list of hosts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HostError {
    /// No host at all.
    #[error("the list of hosts is empty")]
    Empty,
    /// An entry that is not a name and a port.
    #[error(
        "{0:?} is not a host: write name or name:port (a raw IPv6 address does not work in the database either)"
    )]
    NotAHost(String),
}

impl Host {
    /// Reads a list as the database does (KMIP.md 5.1): split at commas, trimmed, empty entries
    /// skipped.
    ///
    /// # Errors
    /// [`HostError`] for an entry that is not a host, or for an empty list.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, HostError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        let hosts = entries.map(str::parse).collect::<Result<Vec<Self>, _>>()?;
        if hosts.is_empty() { Err(HostError::Empty) } else { Ok(hosts) }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        let refused = || HostError::NotAHost(text.to_owned());
        let (name, port) = match text.split_once(':') {
            None => (text, DEFAULT_PORT),
            Some((name, port)) => (name, port.parse().map_err(|_not_a_port| refused())?),
        };
        if name.is_empty() || name.contains(char::is_whitespace) || port == 0 {
            return Err(refused());
        }
        Ok(Self { name: name.to_owned(), port })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_as_the_database_reads_them() {
        let hosts = Host::parse_list(" kmip1 , , 10.0.0.2:9999,").unwrap();
        let shown: Vec<_> = hosts.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["kmip1:5696", "10.0.0.2:9999"]);
        assert_eq!(Host::parse_list(" , "), Err(HostError::Empty));
        for text in ["::1", "a:b", "a:70000", ":5696", "a:0", "a b"] {
            assert_eq!(Host::parse_list(text), Err(HostError::NotAHost(text.into())), "{text}");
        }
    }
}
