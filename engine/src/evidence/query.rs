//! Which key somebody asks about.

use std::fmt;

use super::path;
use super::{Evidence, KeyName, KeyUses};
use crate::crypto::Transformation;
use crate::keys::kmip_group_and_id;
use crate::options::escape;
use crate::{Error, Result};

/// A key, or all keys of a file, as an operator names them: as a census prints keys, with or without the
/// word in front.
///
/// ```
/// use rekey_engine::evidence::{KeyName, KeyQuery, KeyUses, Relation};
///
/// let key = KeyName::Kmip { group: "vault".to_owned(), id: "02-449".to_owned() };
/// let uses = KeyUses { key, also: vec![], is_unread: false, state: None, uses: vec![] };
/// for text in ["vault/02-449", "kmip vault/02-449"] {
///     assert_eq!(KeyQuery::parse(text)?.relation(&uses), Relation::Same);
/// }
/// assert_eq!(KeyQuery::parse("other/02-449")?.relation(&uses), Relation::Maybe);
/// assert_eq!(KeyQuery::parse("file vault/02-449")?.relation(&uses), Relation::Other);
/// # Ok::<_, rekey_engine::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyQuery {
    /// The word in front, if there is one.
    word: Option<&'static str>,
    name: String,
    /// The name as paths of a key file.
    files: Vec<FileName>,
}

/// How the key that somebody asks about and one that something is under go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::exhaustive_enums, reason = "an answer that callers act on")]
pub enum Relation {
    /// Another key.
    Other,
    /// Perhaps the same under another name: nobody can tell.
    Maybe,
    /// The same; or one that cannot be read without it.
    Same,
}

/// A name read as the path of a key file, and what may follow the path: `TRANSFORMATION:STRENGTH`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct FileName {
    path: String,
    rest: Option<String>,
}

impl FileName {
    /// Whether the key of a cipher is meant, where the file is.
    fn to_cipher(&self, transformation: &str, strength: u32) -> Relation {
        let Some(rest) = &self.rest else { return Relation::Same };
        let (of, bits) =
            rest.split_once(':').map_or((&**rest, None), |(of, bits)| (of, Some(bits)));
        let is_cipher = of.eq_ignore_ascii_case(transformation);
        let bits: Option<Option<u32>> = bits.map(|bits| bits.parse().ok());
        match bits {
            None | Some(None) if is_cipher => Relation::Same,
            Some(Some(bits)) if is_cipher && bits == strength => Relation::Same,
            // Another key of the same file.
            Some(Some(_)) if is_cipher || Transformation::parse(of).is_ok() => Relation::Other,
            None if Transformation::parse(of).is_ok() => Relation::Other,
            _ => Relation::Maybe,
        }
    }
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
            false => Ok(Self::of(word, name)),
        }
    }

    fn of(word: Option<&'static str>, name: String) -> Self {
        // Which of both it is the keys tell: a path may have blanks.
        let whole = FileName { path: name.clone(), rest: None };
        let parts = name.rsplit_once(' ').map(|(path, rest)| FileName {
            path: path.trim_end().to_owned(),
            rest: Some(rest.to_owned()),
        });
        let may_be = word.is_none_or(|word| matches!(word, "file" | "system"));
        let files = std::iter::once(whole).chain(parts).filter(|_| may_be).collect();
        Self { word, name, files }
    }

    /// The query that means this key only.
    #[must_use]
    pub fn exactly(key: &KeyName) -> Self {
        let (word, name) = key.parts();
        Self::of(Some(word), name)
    }

    /// Adds other names of the key files that it may mean, such as where a link leads.
    #[must_use]
    pub fn also(mut self, other: impl Fn(&str) -> Option<String>) -> Self {
        let new = self.files.iter().filter_map(|file| {
            let path = other(&file.path).filter(|path| *path != file.path)?;
            Some(FileName { path, rest: file.rest.clone() })
        });
        let new: Vec<_> = new.collect();
        self.files.extend(new);
        self
    }

    /// Adds the name of a file that has the key of its own file, too: all that file's keys, or the one of a
    /// cipher.
    #[must_use]
    pub fn and_in(mut self, own: &str, path: &str, cipher: Option<(&str, u32)>) -> Self {
        let in_words = |(transformation, strength): (&str, u32)| {
            let doubtful = self.files.iter().find(|file| {
                file.path == own && file.to_cipher(transformation, strength) == Relation::Maybe
            });
            let rest = doubtful.and_then(|file| file.rest.clone());
            rest.unwrap_or_else(|| format!("{transformation}:{strength}"))
        };
        let rest = cipher.map(in_words);
        self.files.push(FileName { path: path.to_owned(), rest });
        self
    }

    /// The paths of key files that it may mean.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }

    /// Whether of a file that it may mean it means the key of that cipher.
    #[must_use]
    pub fn takes(&self, path: &str, transformation: &str, strength: u32) -> bool {
        let of_path = self.files.iter().filter(|file| file.path == path);
        let mut ciphers = of_path.map(|file| file.to_cipher(transformation, strength));
        ciphers.any(|relation| relation != Relation::Other)
    }

    /// Whether it says that it is a system key.
    #[must_use]
    pub fn is_system_key(&self) -> bool {
        self.word == Some("system")
    }

    /// Whether it can only be the path of a key file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        self.word == Some("file") || self.word.is_none() && self.is_path()
    }

    /// The name as it was given, without the word in front.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The group and the id, if it may be a key of a KMIP server.
    #[must_use]
    pub fn in_group(&self) -> Option<(&str, &str)> {
        let may_be = self.may_be("kmip") && !self.is_path();
        let (group, id) = self.name.split_once('/').filter(|_| may_be)?;
        Some((group.trim(), id.trim()))
    }

    /// Whether it says by a word in front what kind of key it is.
    #[must_use]
    pub const fn has_word(&self) -> bool {
        self.word.is_some()
    }

    /// How it goes together with a key that something is under.
    #[must_use]
    pub fn relation(&self, uses: &KeyUses) -> Relation {
        match &uses.key {
            KeyName::Kmip { group, id } => self.to_kmip((group, id)),
            KeyName::LocalFile { file, transformation, strength } => {
                let paths = std::iter::once(file).chain(&uses.also);
                let cipher = (transformation.as_str(), *strength);
                let by_path = paths.map(|path| self.to_file(path, cipher)).max();
                let unread = uses.is_unread.then(|| self.to_unread(Some(cipher)));
                by_path.max(unread).unwrap_or(Relation::Other)
            }
            KeyName::Replicated { system_key, id } => {
                let own = if self.may_be("replicated") {
                    self.to_pair((system_key, id))
                } else {
                    Relation::Other
                };
                own.max(self.to_system_key(system_key, &[]))
            }
            // Keystores differ in what case means in an alias.
            KeyName::Keystore { alias } => match self.may_be("keystore") {
                true if alias.trim().eq_ignore_ascii_case(&self.name) => Relation::Same,
                _ => Relation::Other,
            },
            KeyName::SystemKey { name } => {
                let unread = uses.is_unread.then(|| self.to_unread(None));
                self.to_system_key(name, &uses.also).max(unread.unwrap_or(Relation::Other))
            }
        }
    }

    fn to_kmip(&self, key: (&str, &str)) -> Relation {
        if self.may_be("kmip") { self.to_pair(key) } else { Relation::Other }
    }

    /// Group and id, or system key and id. Case means nothing in a UUID; ids of one server may differ by it.
    fn to_pair(&self, (first, id): (&str, &str)) -> Relation {
        if self.name == format!("{first}/{id}") {
            return Relation::Same;
        }
        let Some((own, other)) = self.name.split_once('/') else { return Relation::Other };
        let (own, other) = (own.trim(), other.trim());
        match other.eq_ignore_ascii_case(id.trim()) {
            false => Relation::Other,
            true if own == first.trim() && (other == id.trim() || is_uuid(id)) => Relation::Same,
            true => Relation::Maybe,
        }
    }

    /// A system key is a file, or on a server; what it encrypts needs it.
    fn to_system_key(&self, name: &str, also: &[String]) -> Relation {
        if let Some(key) = kmip_group_and_id(name) {
            return self.to_kmip(key);
        }
        if self.may_be("system") && self.name == name {
            return Relation::Same;
        }
        let to_file = |file: &FileName| {
            let is_it = also.iter().any(|own| path::is_same(own, &file.path));
            match (is_it, path::ends_with(&file.path, name)) {
                (true, _) => Relation::Same,
                (false, true) => Relation::Maybe,
                (false, false) => Relation::Other,
            }
        };
        self.files.iter().map(to_file).max().unwrap_or(Relation::Other)
    }

    fn to_file(&self, file: &str, (transformation, strength): (&str, u32)) -> Relation {
        let to_file = |own: &FileName| {
            let by_path = match path::is_same(&own.path, file) {
                true => Relation::Same,
                false if path::may_be_same(&own.path, file) => Relation::Maybe,
                // A system key's name says nothing of its directory.
                false if self.word == Some("system") && path::ends_with(file, &own.path) => {
                    Relation::Maybe
                }
                false => Relation::Other,
            };
            by_path.min(own.to_cipher(transformation, strength))
        };
        self.files.iter().map(to_file).max().unwrap_or(Relation::Other)
    }

    /// A key whose own file cannot be read may be in any other.
    fn to_unread(&self, cipher: Option<(&str, u32)>) -> Relation {
        let is_whole = |file: &&FileName| self.is_file() || file.path.starts_with('/');
        let to_cipher = |file: &FileName| match cipher {
            Some((transformation, strength)) => file.to_cipher(transformation, strength),
            None => Relation::Same,
        };
        let relations = self.files.iter().filter(is_whole).map(to_cipher);
        relations.max().unwrap_or(Relation::Other).min(Relation::Maybe)
    }

    /// Checks that the name has the form of a key's. A word alone may be an alias, a system key, or an id
    /// whose group was forgotten: it is only taken if something is under such a key.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`].
    pub fn check<'a>(&self, evidence: impl IntoIterator<Item = &'a Evidence>) -> Result<()> {
        if self.has_word() || self.name.contains('/') {
            return Ok(());
        }
        let mut meant = Vec::new();
        for uses in evidence.into_iter().flat_map(|evidence| &evidence.keys) {
            if self.relation(uses) == Relation::Same {
                return Ok(());
            }
            if let KeyName::Kmip { id, .. } | KeyName::Replicated { id, .. } = &uses.key
                && *id == self.name
            {
                meant.push(uses.key.parts().1);
            }
        }
        let error = Error::invalid("not the whole name of a key").key(&self.name);
        Err(match meant.first() {
            Some(meant) => error.hint(format!("did you mean {meant}?")),
            None => error.hint(FORMS),
        })
    }

    fn may_be(&self, word: &str) -> bool {
        self.word.is_none_or(|own| own == word)
    }

    fn is_path(&self) -> bool {
        self.name.starts_with(['/', '.'])
    }
}

/// Whether an id is a UUID, which no other key has on any server.
pub(super) fn is_uuid(id: &str) -> bool {
    let shape: Vec<usize> = id.trim().split('-').map(str::len).collect();
    shape == [8, 4, 4, 4, 12] && id.trim().chars().all(|c| c == '-' || c.is_ascii_hexdigit())
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

    fn uses(key: &KeyName, also: &[&str]) -> KeyUses {
        let also = also.iter().map(|path| (*path).to_owned()).collect();
        KeyUses { key: key.clone(), also, is_unread: false, state: None, uses: vec![] }
    }

    fn relation(text: &str, key: &KeyName, also: &[&str]) -> Relation {
        query(text).relation(&uses(key, also))
    }

    fn is(query: &KeyQuery, key: &KeyName) -> bool {
        query.relation(&uses(key, &[])) == Relation::Same
    }

    #[test]
    fn a_key_file_means_all_its_keys_or_one() {
        for text in ["keys/old", "file keys/old"] {
            assert!(is(&query(text), &file(128)) && is(&query(text), &file(256)), "{text}");
        }
        for text in ["keys/old AES/CBC/PKCS5Padding:128", "file keys/old AES/CBC/PKCS5Padding:128"]
        {
            assert!(is(&query(text), &file(128)) && !is(&query(text), &file(256)), "{text}");
        }
        assert!(!is(&query("kmip keys/old"), &file(128)));
        assert!(!is(&query("keys/ol"), &file(128)));
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
            let matches = |query: KeyQuery| keys.iter().filter(|key| is(&query, key)).count();
            assert!(is(&query(&key.to_string()), key), "{key}");
            assert_eq!(matches(query(&key.to_string())), 1, "{key}");
            assert_eq!(matches(KeyQuery::exactly(key)), 1, "{key}");
            assert_eq!(query(&query(&key.to_string()).to_string()), query(&key.to_string()));
        }
        assert!(is(&query("s/5AB1E000-0000-11F0-8000-00000000000A"), &keys[2]));
        assert!(is(&query("TDE"), &keys[3]));
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
        evidence.keys = vec![uses(&key, &[])];
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

    #[test]
    fn a_key_file_is_found_under_every_spelling_of_its_path() {
        let also = &["/srv/keys/old"];
        for text in [
            "keys//old",
            "./keys/old",
            "keys/../keys/old",
            "/srv/keys/old",
            "file /srv/./keys/old",
            "keys/old aes/cbc/pkcs5padding:256",
            "keys/old  AES/CBC/PKCS5Padding:256",
            "keys/old AES/CBC/PKCS5Padding",
        ] {
            assert_eq!(relation(text, &file(256), also), Relation::Same, "{text}");
        }
        // Where the directory cannot be told, or the cipher is not spelt right.
        for (text, also) in [
            ("/etc/dse/keys/old", &[][..]),
            ("old", &[]),
            ("../keys/old", &[]),
            ("keys/old AES/CBC:x", &[]),
            ("system old", &[]),
        ] {
            assert_eq!(relation(text, &file(256), also), Relation::Maybe, "{text}");
        }
        for text in
            ["/etc/keys/older", "keys/old/er", "keys/new", "keys/old AES/ECB/PKCS5Padding:256"]
        {
            assert_eq!(relation(text, &file(256), &[]), Relation::Other, "{text}");
        }
        // Two whole paths tell.
        let whole = KeyName::LocalFile {
            file: "/a/secret".to_owned(),
            transformation: "DES".to_owned(),
            strength: 56,
        };
        assert_eq!(relation("/b/secret", &whole, &[]), Relation::Other);
        let link = query("l").also(|path| (path == "l").then(|| "/a/secret".to_owned()));
        assert_eq!(link.relation(&uses(&whole, &[])), Relation::Same);
    }

    #[test]
    fn a_key_whose_file_is_not_there_may_be_in_any_other() {
        let unread = |key: KeyName| KeyUses { is_unread: true, ..uses(&key, &[]) };
        let system = unread(KeyName::SystemKey { name: "sk".to_owned() });
        let own = unread(file(256));
        for text in ["/moved/key", "file moved", "./key AES/CBC/PKCS5Padding:256"] {
            assert_eq!(query(text).relation(&own), Relation::Maybe, "{text}");
        }
        assert_eq!(query("/moved/key").relation(&system), Relation::Maybe);
        for text in ["kmip vault/02-449", "vault/02-449"] {
            assert_eq!(query(text).relation(&own), Relation::Other, "{text}");
        }
        let server = unread(KeyName::Kmip { group: "g".to_owned(), id: "1".to_owned() });
        assert_eq!(query("/moved/key").relation(&server), Relation::Other);
    }

    #[test]
    fn a_copy_of_a_key_has_its_name_too() {
        let cipher = Some(("AES/CBC/PKCS5Padding", 256));
        let copy = query("/copy AES/CBC/PKCS5Padding:256").and_in("/copy", "keys/old", cipher);
        let doubtful = query("/copy AES/CBC:x").and_in("/copy", "keys/old", cipher);
        assert_eq!(doubtful.relation(&uses(&file(256), &[])), Relation::Maybe);
        assert!(is(&copy, &file(256)) && !is(&copy, &file(128)));
        assert!(copy.takes("/copy", "AES/CBC/PKCS5Padding", 256));
        assert!(!copy.takes("/copy", "AES/CBC/PKCS5Padding", 128));
        assert!(!copy.takes("/other", "AES/CBC/PKCS5Padding", 256));
    }

    #[test]
    fn the_same_id_in_another_group_may_be_the_same_key() {
        let id = "0eb2277e-0acc-4adb-9241-1dd84dde691c";
        let key = |id: &str| KeyName::Kmip { group: "g".to_owned(), id: id.to_owned() };
        for text in [format!("g/{}", id.to_uppercase()), format!("kmip g/ {id}")] {
            assert_eq!(relation(&text, &key(id), &[]), Relation::Same, "{text}");
        }
        for text in [format!("G/{id}"), format!("other/{id}")] {
            assert_eq!(relation(&text, &key(id), &[]), Relation::Maybe, "{text}");
        }
        assert_eq!(relation("g/ABC", &key("abc"), &[]), Relation::Maybe);
        assert_eq!(relation("g/02-450", &key("02-449"), &[]), Relation::Other);
    }

    #[test]
    fn what_a_system_key_encrypts_needs_it() {
        let row = KeyName::Replicated { system_key: "sk".to_owned(), id: "x".to_owned() };
        let own = KeyName::SystemKey { name: "sk".to_owned() };
        for key in [&row, &own] {
            for text in ["system sk", "sk"] {
                assert_eq!(relation(text, key, &[]), Relation::Same, "{text} {key}");
            }
            assert_eq!(relation("/conf/sk", key, &[]), Relation::Maybe, "{key}");
            assert_eq!(relation("replicated sk/y", key, &[]), Relation::Other, "{key}");
        }
        assert_eq!(relation("/conf/sk", &own, &["/conf/sk"]), Relation::Same);
        let server = KeyName::Replicated { system_key: "kmip_g/7".to_owned(), id: "x".to_owned() };
        assert_eq!(relation("kmip g/8", &server, &[]), Relation::Other);
    }
}
