//! The keys of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::KeyRef;
use crate::crypto::{CipherKey, Transformation};

/// Every key that a run needs, scheduled and fixed before the pipeline starts: nothing can be
/// added, so the pipeline never waits for a provider. Made by `collect`.
///
/// A key of a KMIP server may serve tables with different transformations, and is scheduled for
/// each; so a key is found by its name and the transformation's spelling.
#[derive(Debug, Default)]
pub struct KeyRing {
    keys: BTreeMap<KeyRef, BTreeMap<String, Arc<CipherKey>>>,
}

impl KeyRing {
    /// The key of this name, scheduled for this transformation.
    #[must_use]
    pub fn get(&self, key: &KeyRef, transformation: &Transformation) -> Option<&Arc<CipherKey>> {
        self.keys.get(key)?.get(transformation.text())
    }

    /// The other keys of the same group for the same transformation, in order: to be tried
    /// when a chunk does not decrypt under the key that its header names (FORMATS.md 5.5).
    ///
    /// A local key has no siblings: only the options name it.
    pub fn siblings<'a>(
        &'a self,
        key: &'a KeyRef,
        transformation: &'a Transformation,
    ) -> impl Iterator<Item = (&'a KeyRef, &'a Arc<CipherKey>)> {
        let group = key.in_group().map(|(group, _)| group);
        self.keys.iter().filter_map(move |(other, scheduled)| {
            let same = group.is_some() && other.in_group().map(|(group, _)| group) == group;
            (same && other != key).then_some((other, scheduled.get(transformation.text())?))
        })
    }

    /// The names of the keys, in order.
    #[must_use]
    pub fn names(&self) -> impl ExactSizeIterator<Item = &KeyRef> {
        self.keys.keys()
    }
}

impl FromIterator<(KeyRef, CipherKey)> for KeyRing {
    /// Of keys with the same name and transformation, the last one stays.
    fn from_iter<I: IntoIterator<Item = (KeyRef, CipherKey)>>(keys: I) -> Self {
        let mut ring = Self::default();
        for (name, key) in keys {
            let transformation = key.transformation().text().to_owned();
            ring.keys.entry(name).or_default().insert(transformation, Arc::new(key));
        }
        ring
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyId;

    fn kmip(group: &str, id: &str) -> KeyRef {
        KeyRef::Kmip { group: group.to_owned(), id: KeyId::new(id).unwrap() }
    }

    fn local(file: &str) -> KeyRef {
        KeyRef::LocalFile { file: file.to_owned(), transformation: "AES".to_owned(), strength: 128 }
    }

    fn parse(text: &str) -> Transformation {
        Transformation::parse(text).unwrap()
    }

    fn ring(keys: &[(KeyRef, &str)]) -> KeyRing {
        let scheduled = |text| CipherKey::new(&parse(text), &[7; 16]).unwrap();
        keys.iter().map(|(name, text)| (name.clone(), scheduled(text))).collect()
    }

    #[test]
    fn a_key_is_found_by_name_and_transformation() {
        let (cbc, ecb) = ("AES/CBC/PKCS5Padding", "AES/ECB/PKCS5Padding");
        let ring = ring(&[(kmip("g", "1"), cbc), (kmip("g", "1"), ecb), (local("k"), "AES")]);
        for text in [cbc, ecb] {
            let key = ring.get(&kmip("g", "1"), &parse(text)).unwrap();
            assert_eq!(key.transformation().text(), text);
        }
        assert!(ring.get(&kmip("g", "1"), &parse("AES")).is_none());
        assert!(ring.get(&kmip("h", "1"), &parse(cbc)).is_none());
        assert!(ring.get(&local("k"), &parse("AES")).is_some());
        assert_eq!(ring.names().collect::<Vec<_>>(), [&kmip("g", "1"), &local("k")]);
    }

    #[test]
    fn siblings_are_of_the_same_group_and_transformation() {
        let cbc = "AES/CBC/PKCS5Padding";
        let ring = ring(&[
            (kmip("g", "1"), cbc),
            (kmip("g", "2"), cbc),
            (kmip("g", "3"), "AES"),
            (kmip("g", "4"), cbc),
            (kmip("h", "5"), cbc),
            (local("k"), "AES"),
            (local("l"), "AES"),
        ]);
        let (named, cbc) = (kmip("g", "2"), parse(cbc));
        let siblings: Vec<_> = ring.siblings(&named, &cbc).map(|(name, _)| name).collect();
        assert_eq!(siblings, [&kmip("g", "1"), &kmip("g", "4")]);
        assert_eq!(ring.siblings(&local("k"), &parse("AES")).count(), 0);
    }

    #[test]
    fn debug_shows_names_only() {
        let text = format!("{:?}", ring(&[(kmip("g", "1"), "AES")]));
        assert!(text.contains("id: KeyId(\"1\")") && !text.contains("[7"), "{text}");
    }
}
