//! The parts that statements have in common.

use super::lexer::{Kind, Lexer, Token, Wrong};
use crate::options::shown;

#[derive(Debug)]
pub(super) struct Parser<'a> {
    lexer: Lexer<'a>,
    peeked: Option<Token<'a>>,
    /// That of the last USE.
    pub(super) keyspace: Option<String>,
}

impl<'a> Parser<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { lexer: Lexer::new(text), peeked: None, keyspace: None }
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, Wrong> {
        match self.peeked.take() {
            Some(token) => Ok(token),
            None => self.lexer.next(),
        }
    }

    pub(super) fn peek(&mut self) -> Result<&Token<'a>, Wrong> {
        let token = self.next()?;
        Ok(self.peeked.insert(token))
    }

    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.lexer.slice(start, end)
    }

    /// Takes a keyword, if it comes next.
    pub(super) fn eat(&mut self, word: &str) -> Result<bool, Wrong> {
        let is_next = self.peek()?.is_word(word);
        if is_next {
            self.peeked = None;
        }
        Ok(is_next)
    }

    pub(super) fn expect(&mut self, word: &'static str) -> Result<(), Wrong> {
        let token = self.next()?;
        match token.is_word(word) {
            true => Ok(()),
            false => Err(self.unexpected(&token, word)),
        }
    }

    pub(super) fn if_not_exists(&mut self) -> Result<(), Wrong> {
        if self.eat("if")? {
            self.eat("not")?;
            self.expect("exists")?;
        }
        Ok(())
    }

    /// A name as the schema has it: in lower case, unless it is quoted.
    pub(super) fn name(&mut self) -> Result<String, Wrong> {
        let token = self.next()?;
        let name = match &token.kind {
            Kind::Word(word) => word.to_ascii_lowercase(),
            Kind::Name(name) => name.clone(),
            _ => return Err(self.unexpected(&token, "a name")),
        };
        match name.len() {
            1..=LONGEST_NAME => Ok(name),
            length => Err(Wrong { at: token.start, what: format!("a name of {length} bytes") }),
        }
    }

    /// `keyspace.name`, or a name in the keyspace of USE.
    pub(super) fn full_name(&mut self) -> Result<(String, String), Wrong> {
        let at = self.peek()?.start;
        let first = self.name()?;
        if self.peek()?.is_symbol('.') {
            self.peeked = None;
            return Ok((first, self.name()?));
        }
        match &self.keyspace {
            Some(keyspace) => Ok((keyspace.clone(), first)),
            None => Err(Wrong { at, what: format!("{} has no keyspace", shown(&first)) }),
        }
    }

    /// Passes over everything up to a keyword outside of brackets; false at the end of the statement.
    pub(super) fn skip_to_word(&mut self, word: &str) -> Result<bool, Wrong> {
        let mut open = Vec::new();
        loop {
            let token = self.next()?;
            match (&token.kind, open.last()) {
                (Kind::End, None) | (Kind::Symbol(';'), None) => {
                    // Asked again, it is the end again.
                    self.peeked = Some(Token { kind: Kind::Symbol(';'), ..token });
                    return Ok(false);
                }
                (Kind::End | Kind::Symbol(';'), Some(_)) => {
                    return Err(self.unexpected(&token, "a closing bracket"));
                }
                (Kind::Symbol('('), _) => open.push(')'),
                (Kind::Symbol('['), _) => open.push(']'),
                (Kind::Symbol('{'), _) => open.push('}'),
                (Kind::Symbol(symbol @ (')' | ']' | '}')), expected) => {
                    if expected != Some(symbol) {
                        return Err(self.unexpected(&token, "no such bracket"));
                    }
                    open.pop();
                }
                (Kind::Word(own), None) if own.eq_ignore_ascii_case(word) => return Ok(true),
                _ => {}
            }
            if open.len() > DEEPEST {
                return Err(Wrong {
                    at: token.start,
                    what: format!("over {DEEPEST} brackets are open"),
                });
            }
        }
    }

    pub(super) fn skip_statement(&mut self) -> Result<(), Wrong> {
        // No word is empty.
        self.skip_to_word("").map(drop)
    }

    /// The text in the brackets that come next.
    pub(super) fn bracketed(&mut self) -> Result<&'a str, Wrong> {
        let begin = self.next()?;
        if !begin.is_symbol('(') {
            return Err(self.unexpected(&begin, "'('"));
        }
        let mut depth = 1_usize;
        loop {
            let token = self.next()?;
            match token.kind {
                Kind::Symbol('(') => depth = depth.saturating_add(1),
                Kind::Symbol(')') => depth = depth.saturating_sub(1),
                Kind::End | Kind::Symbol(';') => return Err(self.unexpected(&token, "')'")),
                _ => {}
            }
            if depth == 0 {
                return Ok(self.slice(begin.end, token.start).trim());
            }
        }
    }

    pub(super) fn text(&mut self) -> Result<String, Wrong> {
        let token = self.next()?;
        match token.kind {
            Kind::Text(text) => Ok(text),
            _ => Err(self.unexpected(&token, "a text in single quotes")),
        }
    }

    /// An error at the next token, where something else is expected.
    pub(super) fn unexpected_here(&mut self, expected: &str) -> Result<Wrong, Wrong> {
        let token = self.peek()?.clone();
        Ok(self.unexpected(&token, expected))
    }

    /// An error at the next token.
    pub(super) fn wrong_here(&mut self, what: String) -> Wrong {
        let at = self.peek().map_or(0, |token| token.start);
        Wrong { at, what }
    }

    pub(super) fn unexpected(&self, token: &Token<'_>, expected: &str) -> Wrong {
        let found = match &token.kind {
            Kind::End => "the end".to_owned(),
            _ => shown(self.slice(token.start, token.end)).to_string(),
        };
        Wrong { at: token.start, what: format!("there is {found} where {expected} is expected") }
    }
}

/// Bytes; as of names in the tables of the schema.
const LONGEST_NAME: usize = 255;
/// Types of types of columns are nested some levels deep.
const DEEPEST: usize = 64;
