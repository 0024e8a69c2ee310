//! The words of CQL.
//!
//! ```text
//! word = letters, digits, "_"                        name = '"' ... '"'   with "" for a quote
//! text = "'" ... "'" with '' for a quote, or "$$" ... "$$"
//! between them: white space, "--" or "//" to the end of a line, "/*" ... "*/"
//! ```

/// What is wrong, and at which byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) what: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    /// Unquoted: a keyword, a name in any case, a number.
    Word(&'a str),
    /// A name in double quotes.
    Name(String),
    /// A text in single quotes or between dollars.
    Text(String),
    Symbol(char),
    End,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind<'a>,
    /// The bytes that it has.
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token<'_> {
    pub(super) fn is_word(&self, word: &str) -> bool {
        matches!(self.kind, Kind::Word(own) if own.eq_ignore_ascii_case(word))
    }

    pub(super) fn is_symbol(&self, symbol: char) -> bool {
        self.kind == Kind::Symbol(symbol)
    }
}

#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, rest: text }
    }

    /// The text between two places.
    pub(super) fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, Wrong> {
        self.skip()?;
        let start = self.at();
        let kind = match self.rest.chars().next() {
            None => Kind::End,
            Some('\'') => Kind::Text(self.quoted('\'', "text")?),
            Some('"') => Kind::Name(self.quoted('"', "name")?),
            Some('$') if self.rest.starts_with(DOLLARS) => {
                let rest = self.rest.strip_prefix(DOLLARS).unwrap_or_default();
                Kind::Text(self.until(rest, DOLLARS, "text between $$")?.to_owned())
            }
            Some(first) if is_word(first) => {
                let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
                let (word, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
                self.rest = rest;
                Kind::Word(word)
            }
            Some(symbol) => {
                self.rest = self.rest.strip_prefix(symbol).unwrap_or_default();
                Kind::Symbol(symbol)
            }
        };
        Ok(Token { kind, start, end: self.at() })
    }

    const fn at(&self) -> usize {
        self.text.len().saturating_sub(self.rest.len())
    }

    fn skip(&mut self) -> Result<(), Wrong> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("--") || self.rest.starts_with("//") {
                self.rest = self.rest.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(rest) = self.rest.strip_prefix("/*") {
                self.until(rest, "*/", "comment")?;
            } else {
                return Ok(());
            }
        }
    }

    /// What comes before an end, after which the rest begins.
    fn until(&mut self, rest: &'a str, end: &str, what: &str) -> Result<&'a str, Wrong> {
        let (inside, rest) = rest.split_once(end).ok_or_else(|| self.unclosed(what))?;
        self.rest = rest;
        Ok(inside)
    }

    /// A quote inside is doubled.
    fn quoted(&mut self, quote: char, what: &str) -> Result<String, Wrong> {
        let mut value = String::new();
        let mut rest = self.rest.strip_prefix(quote).unwrap_or_default();
        loop {
            let (piece, after) = rest.split_once(quote).ok_or_else(|| self.unclosed(what))?;
            value.push_str(piece);
            let Some(more) = after.strip_prefix(quote) else {
                self.rest = after;
                return Ok(value);
            };
            value.push(quote);
            rest = more;
        }
    }

    fn unclosed(&self, what: &str) -> Wrong {
        Wrong { at: self.at(), what: format!("the {what} that begins here does not end") }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

const DOLLARS: &str = "$$";

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Result<Vec<Kind<'_>>, Wrong> {
        let (mut lexer, mut all) = (Lexer::new(text), vec![]);
        loop {
            match lexer.next()?.kind {
                Kind::End => return Ok(all),
                kind => all.push(kind),
            }
        }
    }

    #[test]
    fn words_names_and_texts_are_told_apart() {
        let text = "a1.\"B \"\"c\"\"\" = 'it''s' $$x;'$$ -- no\n// no\n/* no; '*/ {-2}";
        let name = Kind::Name("B \"c\"".to_owned());
        let texts = [Kind::Text("it's".to_owned()), Kind::Text("x;'".to_owned())];
        let [one, other] = texts;
        let symbol = Kind::Symbol;
        let expected = [
            Kind::Word("a1"),
            symbol('.'),
            name,
            symbol('='),
            one,
            other,
            symbol('{'),
            symbol('-'),
        ];
        assert_eq!(all(text).unwrap(), [&expected[..], &[Kind::Word("2"), symbol('}')]].concat());
        assert_eq!(all(" -- the end").unwrap(), []);
    }

    #[test]
    fn what_does_not_end_is_refused_where_it_begins() {
        for (text, at) in [("a 'b''", 2), ("\"", 0), ("a /* b", 2), ("  $$ $", 2)] {
            assert_eq!(all(text).unwrap_err().at, at, "{text}");
        }
    }
}
