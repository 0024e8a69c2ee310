//! The options as text, in their order.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::ser::{Serialize, Serializer};

use super::{cql, shown};
use crate::error::{Error, Result};

/// An option is given twice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("option {} is given twice", shown(.0))]
pub struct DuplicateOption(
    /// The option's name.
    pub String,
);

impl From<DuplicateOption> for Error {
    fn from(error: DuplicateOption) -> Self {
        Self::invalid(error.to_string()).hint("give each option once")
    }
}

/// Pairs of option name and value with unique names, in the order in which they were written.
///
/// The order means nothing to the database, but CompressionInfo.db has one (FORMATS.md 2.1, field
/// 3), and a file that is carried over keeps it. Serializes as a JSON object in that order. Clones
/// share one text until one of them is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionMap(Arc<Vec<(String, String)>>);

impl OptionMap {
    /// Parses a CQL map literal, such as `{'class': 'Encryptor', 'chunk_length_in_kb': 64}`.
    ///
    /// Names are single-quoted texts (`''` is a quote inside); values are such texts, numbers,
    /// `true` or `false`, and keep their spelling. White space is ignored.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) with the position of the character
    /// that does not fit and what was expected there, or with the option that is given twice.
    pub fn parse_cql(text: &str) -> Result<Self> {
        let pairs = cql::parse_map(text).map_err(|error| {
            Error::invalid(error.to_string()).hint(
                "write the options as in CQL, for example \
                 {'class': 'Encryptor', 'key_provider': 'KmipKeyProviderFactory', \
                 'kmip_host': 'group', 'secret_key_strength': 256}",
            )
        })?;
        Ok(Self::from_pairs(pairs)?)
    }

    /// Takes pairs in their order.
    ///
    /// # Errors
    /// [`DuplicateOption`] when a name comes twice.
    pub fn from_pairs<K, V>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, DuplicateOption>
    where
        K: Into<String>,
        V: Into<String>,
    {
        let pairs: Vec<(String, String)> =
            pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let mut seen = BTreeSet::new();
        match pairs.iter().find(|(name, _)| !seen.insert(name.as_str())) {
            Some((name, _)) => Err(DuplicateOption(name.clone())),
            None => Ok(Self(Arc::new(pairs))),
        }
    }

    /// The value of an option.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(candidate, _)| *candidate == name).map(|(_, value)| value)
    }

    /// Removes an option and returns its value; the others keep their order.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(candidate, _)| candidate == name)?;
        Some(Arc::make_mut(&mut self.0).remove(index).1)
    }

    /// The pairs in their order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + '_ {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many options there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no option.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The map as a CQL literal with every value quoted; [`Self::parse_cql`] reads it back.
    ///
    /// The text is literal, for a CQL shell: what a hostile file put in it is not escaped.
    #[must_use]
    pub fn to_cql(&self) -> String {
        self.to_string()
    }
}

/// Parses an option's value as a number of the option's type.
pub(super) fn number<T: FromStr>(name: &str, text: &str) -> Result<T> {
    text.parse().map_err(|_not_a_number| {
        Error::invalid(format!("option '{name}' is {}, which is not such a number", shown(text)))
            .hint(format!("give '{name}' a number, or leave it out for the default"))
    })
}

/// The statement that gives a table, or a materialized view, these options.
pub(crate) fn alter(is_view: bool, keyspace: &str, table: &str, options: &OptionMap) -> String {
    let kind = if is_view { "MATERIALIZED VIEW" } else { "TABLE" };
    let (keyspace, table) = (cql::identifier(keyspace), cql::identifier(table));
    format!("ALTER {kind} {keyspace}.{table} WITH compression = {options};")
}

impl fmt::Display for OptionMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (index, (name, value)) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}: {}", cql::quote(name), cql::quote(value))?;
        }
        f.write_str("}")
    }
}

impl Serialize for OptionMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// The options that do not belong to a class.
pub(super) const OF_THE_TABLE: [&str; 5] =
    ["class", "chunk_length_in_kb", "crc_check_chance", "enabled", "min_compress_ratio"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn order_is_kept_and_lookups_are_exact() {
        let mut map = OptionMap::from_pairs([("b", "1"), ("a", "2"), ("c", "3")]).unwrap();
        assert_eq!((map.get("a"), map.get("A"), map.len()), (Some("2"), None, 3));
        assert_eq!(map.to_cql(), "{'b': '1', 'a': '2', 'c': '3'}");
        assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"b":"1","a":"2","c":"3"}"#);
        assert_eq!(map.remove("a").as_deref(), Some("2"));
        assert_eq!(map.remove("a"), None);
        assert_eq!(map.iter().collect::<Vec<_>>(), [("b", "1"), ("c", "3")]);
    }

    #[test]
    fn a_duplicate_is_refused_by_name() {
        assert_eq!(
            OptionMap::from_pairs([("a", "1"), ("a", "1")]),
            Err(DuplicateOption("a".to_owned()))
        );
        let error = OptionMap::parse_cql("{'a': 1, 'a': 2}").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.to_string(), "option 'a' is given twice");
        assert!(error.hint_text().is_some());
    }

    #[test]
    fn a_syntax_error_shows_an_example() {
        let error = OptionMap::parse_cql("class=Encryptor").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.to_string().contains("character 1"), "{error}");
        assert!(error.hint_text().unwrap().contains("{'class': 'Encryptor'"));
    }

    proptest! {
        #[test]
        fn parse_undoes_print(
            pairs in proptest::collection::btree_map(".{0,12}|[a' ]{0,4}", ".{0,20}|[' ]{0,4}", 0..8)
        ) {
            let map = OptionMap::from_pairs(pairs).unwrap();
            prop_assert_eq!(OptionMap::parse_cql(&map.to_cql()).unwrap(), map);
        }

        #[test]
        fn arbitrary_text_never_panics(text in "(?s).{0,60}|[{}':, 0-9a-z.-]{0,40}") {
            if let Ok(map) = OptionMap::parse_cql(&text) {
                prop_assert_eq!(OptionMap::parse_cql(&map.to_cql()).unwrap(), map);
            }
        }
    }
}
