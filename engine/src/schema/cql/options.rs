//! What follows WITH.

use super::lexer::{Kind, Wrong};
use super::parser::Parser;
use crate::options::OptionMap;

/// The options that are read here; of all others only the end is found.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) compression: Option<OptionMap>,
    pub(super) durable_writes: Option<bool>,
    /// The digits of `ID`.
    pub(super) id: Option<String>,
    /// `OPTIONS` of an index.
    pub(super) of_index: Option<OptionMap>,
    pub(super) replication: Option<OptionMap>,
}

impl Parser<'_> {
    /// Reads up to the end of the statement, with the options if there is a WITH.
    pub(super) fn options(&mut self) -> Result<Options, Wrong> {
        let mut options = Options::default();
        let mut has_more = self.skip_to_word("with")?;
        while has_more {
            let token = self.next()?;
            let name = match &token.kind {
                Kind::Word(word) => word.to_ascii_lowercase(),
                _ => return Err(self.unexpected(&token, "the name of an option")),
            };
            match name.as_str() {
                "compression" => options.compression = Some(self.map()?),
                "durable_writes" => {
                    self.equals()?;
                    options.durable_writes = Some(self.next()?.is_word("true"));
                }
                "id" => options.id = Some(self.uuid()?),
                "options" => options.of_index = Some(self.map()?),
                "replication" => options.replication = Some(self.map()?),
                _ => {}
            }
            has_more = self.skip_to_word("and")?;
        }
        Ok(options)
    }

    fn equals(&mut self) -> Result<(), Wrong> {
        let token = self.next()?;
        match token.is_symbol('=') {
            true => Ok(()),
            false => Err(self.unexpected(&token, "'='")),
        }
    }

    /// A map literal, as the parser of option maps reads it.
    fn map(&mut self) -> Result<OptionMap, Wrong> {
        self.equals()?;
        let begin = self.next()?;
        if !begin.is_symbol('{') {
            return Err(self.unexpected(&begin, "a map in braces"));
        }
        let mut end = begin.end;
        loop {
            let token = self.next()?;
            end = end.max(token.end);
            match token.kind {
                Kind::Symbol('}') => break,
                Kind::End => return Err(self.unexpected(&token, "the end of the map, '}'")),
                _ => {}
            }
        }
        OptionMap::parse_cql(self.slice(begin.start, end))
            .map_err(|error| Wrong { at: begin.start, what: error.to_string() })
    }

    /// As it is printed, without quotes, or in some.
    fn uuid(&mut self) -> Result<String, Wrong> {
        self.equals()?;
        let begin = self.next()?;
        let text = match &begin.kind {
            Kind::Text(text) => text.clone(),
            _ => {
                let mut end = begin.end;
                while let Kind::Word(_) | Kind::Symbol('-') = self.peek()?.kind {
                    if self.peek()?.start != end {
                        break;
                    }
                    end = self.next()?.end;
                }
                self.slice(begin.start, end).to_owned()
            }
        };
        match uuid::Uuid::parse_str(&text) {
            Ok(id) => Ok(id.simple().to_string()),
            Err(_no_uuid) => Err(self.unexpected(&begin, "a UUID")),
        }
    }
}
