//! The JSON in the headers: an object whose members keep their order and their spelling.
//!
//! A header is written again with one member changed, and may not become longer. So what is not
//! changed stays as it is, letter for letter.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::options::OptionMap;

/// The members of an object, in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Members<'a>(Vec<(String, &'a RawValue)>);

/// Why a header's JSON is not what a node writes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum JsonError {
    /// It is not an object whose members have different names.
    #[error("the JSON of its header is not an object with one value for each name")]
    Malformed,
    /// A member does not have the form that the database gives it.
    #[error("'{0}' in the JSON of its header is not what the database writes there")]
    Member(&'static str),
}

impl<'a> Members<'a> {
    /// Parses an object.
    pub(super) fn parse(json: &'a [u8]) -> Result<Self, JsonError> {
        let text = str::from_utf8(json).map_err(|_not_text| JsonError::Malformed)?;
        let members: Self =
            serde_json::from_str(text).map_err(|_no_detail| JsonError::Malformed)?;
        let mut names: Vec<_> = members.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        let twice = names.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
        if twice { Err(JsonError::Malformed) } else { Ok(members) }
    }

    /// The value of a member as it is written; none if it is null.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.0.iter().find(|(candidate, _)| candidate == name)?;
        Some(value.get()).filter(|text| *text != "null")
    }

    /// A member that is a text.
    pub(super) fn text(&self, name: &'static str) -> Result<Option<String>, JsonError> {
        let wrong = |_no_detail| JsonError::Member(name);
        self.get(name).map(serde_json::from_str).transpose().map_err(wrong)
    }

    /// A member that is an object.
    pub(super) fn object(&self, name: &'static str) -> Result<Option<Self>, JsonError> {
        let wrong = |_no_detail| JsonError::Member(name);
        self.get(name).map(|text| Self::parse(text.as_bytes())).transpose().map_err(wrong)
    }

    /// The members as options: texts, and numbers and truth values, which a configuration file may
    /// have without quotes.
    pub(super) fn options(&self, name: &'static str) -> Result<OptionMap, JsonError> {
        let wrong = || JsonError::Member(name);
        let mut pairs = Vec::with_capacity(self.0.len());
        for (key, value) in &self.0 {
            let text = match serde_json::from_str(value.get()).map_err(|_no_detail| wrong())? {
                serde_json::Value::String(text) => text,
                serde_json::Value::Number(_) | serde_json::Value::Bool(_) => value.get().to_owned(),
                _ => return Err(wrong()),
            };
            pairs.push((key.clone(), text));
        }
        OptionMap::from_pairs(pairs).map_err(|_twice| wrong())
    }

    /// The object with other values, given as JSON, for some of its members; the others stay as
    /// they are written.
    pub(super) fn with(&self, changed: &[(&str, String)]) -> String {
        let mut text = String::from("{");
        for (index, (name, value)) in self.0.iter().enumerate() {
            let other = changed.iter().find(|(candidate, _)| candidate == name);
            let value = other.map_or_else(|| value.get(), |(_, value)| value.as_str());
            let separator = if index == 0 { "" } else { "," };
            text.push_str(separator);
            text.push_str(&quoted(name));
            text.push(':');
            text.push_str(value);
        }
        text.push('}');
        text
    }
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Options as a JSON object of texts.
pub(super) fn object(options: &OptionMap) -> String {
    let members: Vec<_> =
        options.iter().map(|(name, value)| format!("{}:{}", quoted(name), quoted(value))).collect();
    format!("{{{}}}", members.join(","))
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_spelling() {
        let text = r#" { "b" : "x\/y" ,"a":{"k": 1, "l":true},"c":null } "#;
        let members = Members::parse(text.as_bytes()).unwrap();
        assert_eq!(members.text("b").unwrap().as_deref(), Some("x/y"));
        assert_eq!((members.get("c"), members.get("d")), (None, None));
        let options = members.object("a").unwrap().unwrap().options("a").unwrap();
        assert_eq!(options.iter().collect::<Vec<_>>(), [("k", "1"), ("l", "true")]);
        assert_eq!(
            members.with(&[("a", object(&options)), ("z", quoted("n"))]),
            r#"{"b":"x\/y","a":{"k":"1","l":"true"},"c":null}"#
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "[]", "null", "{", r#"{"a":1,"a":2}"#, r#"{"a":}"#, "{} {}", "\u{0}"] {
            assert_eq!(
                Members::parse(text.as_bytes()).unwrap_err(),
                JsonError::Malformed,
                "{text}"
            );
        }
        assert!(Members::parse(b"{\"\xff\":1}").is_err());
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        let _no_overflow = Members::parse(deep.as_bytes());
        let members = Members::parse(br#"{"a":1,"b":[1],"c":{"d":{}}}"#).unwrap();
        assert_eq!(members.text("a"), Err(JsonError::Member("a")));
        assert_eq!(members.object("b").unwrap_err(), JsonError::Member("b"));
        let inner = members.object("c").unwrap().unwrap();
        assert_eq!(inner.options("c").unwrap_err(), JsonError::Member("c"));
    }
}
