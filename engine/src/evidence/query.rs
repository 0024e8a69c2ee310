//! Which key somebody asks about.

use std::fmt;

use super::{Evidence, KeyName};
use crate::options::escape;
use crate::{Error, Result};

/// A key, or all keys of a file, as an operator names them: as a census prints keys, with or without the
/// word in front.
///
/// ```
/// use rekey_engine::evidence::{KeyName, KeyQuery};
///
/// let key = KeyName::Kmip { group: "vault".to_owned(), id: "02-449".to_owned() };
/// for text in ["vault/02-449", "kmip vault/02-449"] {
///     assert!(KeyQuery::parse(text)?.is(&key));
/// }
/// assert!(!KeyQuery::parse("file vault/02-449")?.is(&key));
/// # Ok::<_, rekey_engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyQuery {
    /// The word in front, if there is one.
    word: Option<&'static str>,
    name: String,
}

impl KeyQuery {
    /// Reads `GROUP/ID` of a KMIP server, `SYSTEM_KEY/UUID` of the replicated provider, the path of a key
    /// file, alone or with a blank and `TRANSFORMATION:STRENGTH`, `keystore ALIAS`, or `system NAME`.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`] for an empty name.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let (word, name) = WORDS
            .into_iter()
            .find_map(|word| Some((Some(word), text.strip_prefix(word)?.strip_prefix(' ')?)))
            .unwrap_or((None, text));
        let name = name.trim().to_owned();
        match name.is_empty() {
            true => Err(Error::invalid("the name of a key is empty").hint(FORMS)),
            false => Ok(Self { word, name }),
        }
    }

    /// The query that means this key only.
    #[must_use]
    pub fn exactly(key: &KeyName) -> Self {
        let (word, name) = key.parts();
        Self { word: Some(word), name }
    }

    /// The name as it was given, without the word in front.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The group and the id, if it may be a key of a KMIP server.
    #[must_use]
    pub fn in_group(&self) -> Option<(&str, &str)> {
        let may_be = self.word.is_none_or(|word| word == "kmip") && !self.is_path();
        self.name.split_once('/').filter(|_| may_be)
    }

    /// Whether a key is meant.
    #[must_use]
    pub fn is(&self, key: &KeyName) -> bool {
        let (word, name) = key.parts();
        if self.word.is_some_and(|own| own != word) {
            return false;
        }
        match key {
            KeyName::LocalFile { file, .. } => name == self.name || *file == self.name,
            // Case means nothing in a UUID, and keystores differ in what it means in an alias.
            KeyName::Replicated { .. } | KeyName::Keystore { .. } => {
                name.eq_ignore_ascii_case(&self.name)
            }
            KeyName::Kmip { .. } | KeyName::SystemKey { .. } => name == self.name,
        }
    }

    /// Checks that the name has the form of a key's. A word alone may be an alias, a system key, or an id
    /// whose group was forgotten: it is only taken if something is under such a key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`].
    pub fn check<'a>(&self, evidence: impl IntoIterator<Item = &'a Evidence>) -> Result<()> {
        if self.word.is_some() || self.name.contains('/') {
            return Ok(());
        }
        let mut meant = Vec::new();
        for key in evidence.into_iter().flat_map(|evidence| &evidence.keys).map(|uses| &uses.key) {
            if self.is(key) {
                return Ok(());
            }
            if let KeyName::Kmip { id, .. } | KeyName::Replicated { id, .. } = key
                && *id == self.name
            {
                meant.push(key.parts().1);
            }
        }
        let error = Error::invalid("not the whole name of a key").key(&self.name);
        Err(match meant.first() {
            Some(meant) => error.hint(format!("did you mean {meant}?")),
            None => error.hint(FORMS),
        })
    }

    fn is_path(&self) -> bool {
        self.name.starts_with(['/', '.'])
    }
}

/// As it can be given again.
impl fmt::Display for KeyQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(word) = self.word {
            write!(f, "{word} ")?;
        }
        escape(f, &self.name)
    }
}

/// What [`KeyName`] prints in front.
const WORDS: [&str; 5] = ["kmip", "file", "replicated", "keystore", "system"];

const FORMS: &str = "name it as census prints it: GROUP/ID of a KMIP server, SYSTEM_KEY/UUID of the \
                     replicated provider, the path of a key file, 'keystore ALIAS', or 'system NAME'";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(strength: u32) -> KeyName {
        KeyName::LocalFile {
            file: "keys/old".to_owned(),
            transformation: "AES/CBC/PKCS5Padding".to_owned(),
            strength,
        }
    }

    fn query(text: &str) -> KeyQuery {
        KeyQuery::parse(text).unwrap()
    }

    #[test]
    fn a_key_file_means_all_its_keys_or_one() {
        for text in ["keys/old", "file keys/old"] {
            assert!(query(text).is(&file(128)) && query(text).is(&file(256)), "{text}");
        }
        for text in ["keys/old AES/CBC/PKCS5Padding:128", "file keys/old AES/CBC/PKCS5Padding:128"]
        {
            assert!(query(text).is(&file(128)) && !query(text).is(&file(256)), "{text}");
        }
        assert!(!query("kmip keys/old").is(&file(128)));
        assert!(!query("keys/ol").is(&file(128)));
    }

    #[test]
    fn what_is_printed_means_the_key() {
        let id = "5ab1e000-0000-11f0-8000-00000000000a".to_owned();
        let keys = [
            file(128),
            KeyName::Kmip { group: "g".to_owned(), id: "a/b c".to_owned() },
            KeyName::Replicated { system_key: "s".to_owned(), id },
            KeyName::Keystore { alias: "tde".to_owned() },
            KeyName::SystemKey { name: "system_key".to_owned() },
        ];
        for key in &keys {
            let matches = |query: KeyQuery| keys.iter().filter(|key| query.is(key)).count();
            assert!(query(&key.to_string()).is(key), "{key}");
            assert_eq!(matches(query(&key.to_string())), 1, "{key}");
            assert_eq!(matches(KeyQuery::exactly(key)), 1, "{key}");
            assert_eq!(query(&query(&key.to_string()).to_string()), query(&key.to_string()));
        }
        assert!(query("s/5AB1E000-0000-11F0-8000-00000000000A").is(&keys[2]));
        assert!(query("TDE").is(&keys[3]));
    }

    #[test]
    fn only_two_parts_are_a_group_and_an_id() {
        assert_eq!(query("g/a/b").in_group(), Some(("g", "a/b")));
        assert_eq!(query("kmip g/a").in_group(), Some(("g", "a")));
        for other in ["/etc/keys", "./keys/a", "file g/a", "replicated g/a", "word"] {
            assert_eq!(query(other).in_group(), None, "{other}");
        }
    }

    #[test]
    fn a_word_alone_is_a_key_only_if_there_is_one() {
        let mut evidence = super::super::sample::evidence();
        let key = KeyName::Kmip { group: "g".to_owned(), id: "02-449".to_owned() };
        evidence.keys = vec![super::super::KeyUses { key, state: None, uses: vec![] }];
        let error = query("02-449").check([&evidence]).unwrap_err();
        assert_eq!(error.hint_text(), Some("did you mean g/02-449?"));
        let error = query("tde").check([&evidence]).unwrap_err();
        assert!(error.hint_text().unwrap().contains("keystore ALIAS"), "{error}");
        for fine in ["keystore tde", "system tde", "g/unknown", "/etc/keys"] {
            query(fine).check([&evidence]).unwrap();
        }
        evidence.keys[0].key = KeyName::Keystore { alias: "tde".to_owned() };
        query("tde").check([&evidence]).unwrap();
        assert!(KeyQuery::parse("").is_err() && KeyQuery::parse(" ").is_err());
        // The word in front without a name is a name.
        assert!(query("kmip ").check([&evidence]).is_err());
    }
}
