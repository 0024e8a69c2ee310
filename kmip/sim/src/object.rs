//! A kept object: attributes, key bytes, and a state that follows from dates.

use rekey_kmip::message::{
    Attribute, AttributeName, AttributeValue, Attributes, CryptographicAlgorithm,
    CryptographicParameters, ObjectType, State, Timestamp, UniqueIdentifier,
};
use rekey_kmip::ttlv::Tag;
use zeroize::Zeroizing;

/// An object; its State is never stored.
#[derive(Debug)]
pub(crate) struct Object {
    pub(crate) id: UniqueIdentifier,
    pub(crate) kind: ObjectType,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) key: Key,
}

/// Key bytes; gone once the object is destroyed.
pub(crate) struct Key(pub(crate) Option<Zeroizing<Vec<u8>>>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(redacted)")
    }
}

impl Object {
    /// KMIP 1.4, 3.22: destroyed and compromised come first, then the dates.
    pub(crate) fn state(&self, now: Timestamp) -> State {
        let reached = |tag| self.date(tag).is_some_and(|date| date <= now);
        match (reached(Tag::DESTROY_DATE), reached(Tag::COMPROMISE_DATE)) {
            (true, true) => State::DESTROYED_COMPROMISED,
            (true, false) => State::DESTROYED,
            (false, true) => State::COMPROMISED,
            _ if reached(Tag::DEACTIVATION_DATE) => State::DEACTIVATED,
            _ if reached(Tag::ACTIVATION_DATE) => State::ACTIVE,
            _ => State::PRE_ACTIVE,
        }
    }

    /// Every attribute at that moment.
    pub(crate) fn attributes(&self, now: Timestamp) -> Attributes {
        let own = [
            Attribute::new(Tag::UNIQUE_IDENTIFIER.into(), self.id.as_str()),
            Attribute::new(Tag::OBJECT_TYPE.into(), self.kind.number()),
            Attribute::new(Tag::STATE.into(), self.state(now).number()),
        ];
        own.into_iter().chain(self.attributes.iter().cloned()).collect()
    }

    pub(crate) fn date(&self, tag: Tag) -> Option<Timestamp> {
        self.attributes.iter().find_map(|attribute| match attribute.value {
            AttributeValue::Date(date) if attribute.name == tag.into() => Some(date),
            _ => None,
        })
    }

    pub(crate) fn has(&self, name: &AttributeName) -> bool {
        self.attributes.iter().any(|attribute| attribute.name == *name)
    }

    /// Replaces an attribute, or adds it.
    pub(crate) fn set(&mut self, attribute: Attribute) {
        self.attributes.retain(|own| own.name != attribute.name);
        self.attributes.push(attribute);
    }

    pub(crate) fn set_date(&mut self, tag: Tag, date: Timestamp) {
        self.set(Attribute::new(tag.into(), date));
    }

    /// Whether the object is what Locate asks for. Two dates of one name are a range.
    pub(crate) fn matches(&self, filter: &[Attribute], now: Timestamp) -> bool {
        let own = self.attributes(now);
        filter.iter().all(|wanted| {
            let same = |other: &&Attribute| other.name == wanted.name;
            if let AttributeValue::Date(_) = wanted.value
                && filter.iter().filter(same).count() == 2
            {
                let dates: Vec<_> = filter.iter().filter(same).filter_map(date_of).collect();
                let (from, to) = (dates.iter().min(), dates.iter().max());
                return own.as_slice().iter().filter(same).filter_map(date_of).any(|date| {
                    from.is_none_or(|from| *from <= date) && to.is_none_or(|to| date <= *to)
                });
            }
            own.as_slice().iter().filter(same).any(|own| fits(&own.value, &wanted.value))
        })
    }
}

fn date_of(attribute: &Attribute) -> Option<Timestamp> {
    match attribute.value {
        AttributeValue::Date(date) => Some(date),
        _ => None,
    }
}

/// Values fit when they are equal; parameters fit when each wanted field is.
fn fits(own: &AttributeValue, wanted: &AttributeValue) -> bool {
    match (own, wanted) {
        (AttributeValue::Parameters(own), AttributeValue::Parameters(wanted)) => {
            let CryptographicParameters { mode, padding, .. } = wanted;
            (mode.is_none() || own.mode == *mode) && (padding.is_none() || own.padding == *padding)
        }
        _ => own == wanted,
    }
}

/// How many bytes a key of that algorithm and length has; nothing for a pair that no server
/// makes. 3DES counts with and without parity bits, DES too (KMIP.md 14, rule 3).
pub(crate) fn key_bytes(algorithm: CryptographicAlgorithm, bits: i32) -> Option<usize> {
    match (algorithm, bits) {
        (CryptographicAlgorithm::DES, 56 | 64) => Some(8),
        (CryptographicAlgorithm::TRIPLE_DES, 112 | 128) => Some(16),
        (CryptographicAlgorithm::TRIPLE_DES, 168 | 192) => Some(24),
        (CryptographicAlgorithm::AES, 128 | 192 | 256) => usize::try_from(bits / 8).ok(),
        (CryptographicAlgorithm::BLOWFISH, 32..=448) | (CryptographicAlgorithm::RC2, 40..=1024)
            if bits % 8 == 0 =>
        {
            usize::try_from(bits / 8).ok()
        }
        _ => None,
    }
}
