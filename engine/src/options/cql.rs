//! The map literal of CQL, as far as option maps need it.
//!
//! ```text
//! statement = [ "ALTER" ("TABLE" / "MATERIALIZED VIEW") name ] [ "WITH" / "AND" ] [ "compression" "=" ] map [ ";" ]
//! map   = "{" [ pair *( "," pair ) ] "}"
//! pair  = text ":" ( text / number / boolean )
//! text  = "'" *( any character but "'" / "''" ) "'"
//! ```
//!
//! Numbers and booleans keep their spelling: the database uses the text of a literal, too.

use super::shown;

/// Why a text is not a map literal. Positions count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum CqlError {
    /// Something other than the grammar allows at this position.
    #[error("the option map has {found} at character {position}, where {expected} is expected")]
    Unexpected { expected: &'static str, found: Found, position: usize },
    /// A quote is never closed.
    #[error("the quoted text that starts at character {0} of the option map has no closing quote")]
    Unclosed(usize),
}

/// The text at the position of an error.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Found {
    #[error("its end")]
    End,
    #[error("{}", shown(.0))]
    Text(String),
}

/// Parses a whole map literal into its pairs, duplicates included; also if it was pasted with the
/// statement around it.
pub(super) fn parse_map(text: &str) -> Result<Vec<(String, String)>, CqlError> {
    let mut parser = Parser { text, rest: text };
    parser.statement()?;
    let mut pairs = Vec::new();
    parser.expect('{', "'{'")?;
    if !parser.eat('}') {
        loop {
            let name = parser.quoted("an option name in single quotes")?;
            parser.expect(':', "':'")?;
            pairs.push((name, parser.value()?));
            if parser.eat('}') {
                break;
            }
            parser.expect(',', "',' or '}'")?;
        }
    }
    let _may_end_so = parser.eat(';');
    parser.skip_space();
    if parser.rest.is_empty() { Ok(pairs) } else { Err(parser.unexpected("its end")) }
}

/// Writes a text as a CQL string.
pub(super) fn quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes a name of the schema: in double quotes where CQL would otherwise read another name.
pub(super) fn identifier(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'))
        && !RESERVED.contains(&name);
    if is_plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// Words that are not names without quotes. The list is longer than any one release's: quotes do no
/// harm.
const RESERVED: [&str; 60] = [
    "add",
    "allow",
    "alter",
    "and",
    "any",
    "apply",
    "asc",
    "authorize",
    "batch",
    "begin",
    "by",
    "columnfamily",
    "create",
    "default",
    "delete",
    "desc",
    "describe",
    "drop",
    "entries",
    "execute",
    "from",
    "full",
    "grant",
    "if",
    "in",
    "index",
    "infinity",
    "insert",
    "into",
    "is",
    "keyspace",
    "limit",
    "materialized",
    "modify",
    "nan",
    "norecursive",
    "not",
    "null",
    "of",
    "on",
    "or",
    "order",
    "primary",
    "rename",
    "replace",
    "revoke",
    "schema",
    "select",
    "set",
    "table",
    "to",
    "token",
    "truncate",
    "unlogged",
    "unset",
    "update",
    "use",
    "using",
    "view",
    "with",
];

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// The white space of CQL's lexer; other Unicode spaces are not.
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    fn eat(&mut self, c: char) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// What precedes the map in a statement.
    fn statement(&mut self) -> Result<(), CqlError> {
        if self.eat_word("alter") {
            if self.eat_word("materialized") {
                self.expect_word("view", "VIEW")?;
            } else {
                self.expect_word("table", "TABLE")?;
            }
            self.name()?;
            self.expect_word("with", "WITH")?;
        } else {
            // DESCRIBE prints one option a line, all but the first after AND.
            let _first = self.eat_word("with") || self.eat_word("and");
        }
        if self.eat_word("compression") {
            self.expect('=', "'='")?;
        }
        Ok(())
    }

    /// `table`, `keyspace.table`, either in double quotes or not.
    fn name(&mut self) -> Result<(), CqlError> {
        const EXPECTED: &str = "the name of a table";
        self.skip_space();
        let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"');
        let rest = self.rest.trim_start_matches(is_plain);
        if rest.len() == self.rest.len() {
            return Err(self.unexpected(EXPECTED));
        }
        self.rest = rest;
        Ok(())
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = self.word();
        if !found.eq_ignore_ascii_case(word) {
            return false;
        }
        self.rest = self.rest.strip_prefix(found).unwrap_or_default();
        true
    }

    fn expect_word(&mut self, word: &str, expected: &'static str) -> Result<(), CqlError> {
        if self.eat_word(word) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn expect(&mut self, c: char, expected: &'static str) -> Result<(), CqlError> {
        if self.eat(c) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    fn quoted(&mut self, expected: &'static str) -> Result<String, CqlError> {
        self.skip_space();
        let start = self.position();
        if !self.eat('\'') {
            return Err(self.unexpected(expected));
        }
        let mut value = String::new();
        loop {
            let (piece, rest) = self.rest.split_once('\'').ok_or(CqlError::Unclosed(start))?;
            value.push_str(piece);
            self.rest = rest;
            match rest.strip_prefix('\'') {
                Some(rest) => {
                    value.push('\'');
                    self.rest = rest;
                }
                None => return Ok(value),
            }
        }
    }

    fn value(&mut self) -> Result<String, CqlError> {
        const EXPECTED: &str = "a value (text in single quotes, a number, true or false)";
        self.skip_space();
        let word = self.word();
        if is_number(word) || is_boolean(word) {
            self.rest = self.rest.strip_prefix(word).unwrap_or_default();
            return Ok(word.to_owned());
        }
        self.quoted(EXPECTED)
    }

    /// The unquoted word that starts here; may be empty.
    fn word(&self) -> &'a str {
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '+' | '-');
        let end = self.rest.find(|c| !is_word(c)).unwrap_or(self.rest.len());
        self.rest.get(..end).unwrap_or_default()
    }

    fn position(&self) -> usize {
        self.text.chars().count().saturating_sub(self.rest.chars().count()).saturating_add(1)
    }

    fn unexpected(&self, expected: &'static str) -> CqlError {
        let found = match (self.word(), self.rest.chars().next()) {
            (_, None) => Found::End,
            ("", Some(c)) => Found::Text(c.to_string()),
            (word, Some(_)) => Found::Text(word.to_owned()),
        };
        CqlError::Unexpected { expected, found, position: self.position() }
    }
}

fn is_boolean(word: &str) -> bool {
    word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false")
}

/// CQL's integers and floats: `-? digits [ . digits? ] [ (e|E) (+|-)? digits ]`.
fn is_number(word: &str) -> bool {
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (mantissa, exponent) = match word.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (word, None),
    };
    let mantissa = mantissa.strip_prefix('-').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && all_digits(digits)
    });
    !whole.is_empty() && all_digits(whole) && all_digits(fraction) && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        parse_map(text).unwrap()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn maps_are_read_as_operators_write_them() {
        assert_eq!(pairs("{}"), []);
        assert_eq!(pairs(" { \n\t} \r\n"), []);
        assert_eq!(
            pairs("{'class':'Encryptor' , 'chunk_length_in_kb' : 64,\n 'enabled': TRUE}"),
            [pair("class", "Encryptor"), pair("chunk_length_in_kb", "64"), pair("enabled", "TRUE")]
        );
        assert_eq!(
            pairs("{'': '', 'it''s': '''', 'd': '{:,}'}"),
            [pair("", ""), pair("it's", "'"), pair("d", "{:,}")]
        );
    }

    #[test]
    fn a_map_may_be_pasted_with_its_statement() {
        for text in [
            "{'class': 'E'};",
            "{'class': 'E'} ; ",
            "compression = {'class': 'E'}",
            "WITH compression = {'class': 'E'};",
            "    AND compression={'class': 'E'}",
            "ALTER TABLE ks.t WITH compression = {'class': 'E'};",
            "alter table\n\"My Ks\".t with COMPRESSION = {'class': 'E'}",
            "ALTER MATERIALIZED VIEW ks.\"V\" WITH compression = {'class': 'E'}",
        ] {
            // A name with a space is not a table's name.
            match text.contains("My Ks") {
                true => assert!(parse_map(text).is_err(), "{text}"),
                false => assert_eq!(pairs(text), [pair("class", "E")], "{text}"),
            }
        }
        for (text, expected) in [
            ("ALTER TABLE WITH compression = {}", "where WITH is expected"),
            ("ALTER ks.t WITH compression = {}", "at character 7, where TABLE is expected"),
            ("WITH compression {}", "has '{' at character 18, where '=' is expected"),
            ("WITH caching = {}", "where '{' is expected"),
            ("{};;", "has ';' at character 4, where its end is expected"),
            ("{} AND gc_grace_seconds = 1", "has 'AND' at character 4, where its end is expected"),
        ] {
            let error = parse_map(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn names_are_quoted_where_cql_would_read_another_one() {
        assert_eq!(identifier("shop_2"), "shop_2");
        for name in ["Shop", "2nd", "order", "a b", "_x", ""] {
            assert_eq!(identifier(name), format!("\"{name}\""));
        }
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn numbers_keep_their_spelling() {
        for number in ["0", "-1", "007", "1.", "1.10", "-2.5e-3", "1E9", "9e+2"] {
            assert_eq!(pairs(&format!("{{'n': {number}}}")), [pair("n", number)]);
        }
        for not in ["+1", ".5", "1e", "-", "1.2.3", "0x10", "--1", "e5", "1_000", "٣", "NaN"] {
            assert!(parse_map(&format!("{{'n': {not}}}")).is_err(), "{not}");
        }
    }

    #[test]
    fn an_error_names_the_position_and_what_was_expected() {
        for (text, expected) in [
            ("", "has its end at character 1, where '{' is expected"),
            ("class", "has 'class' at character 1, where '{' is expected"),
            ("{", "has its end at character 2, where an option name in single quotes"),
            ("{class: 'x'}", "has 'class' at character 2, where an option name in single quotes"),
            ("{\"class\": 'x'}", "has '\"' at character 2, where an option name in single quotes"),
            ("{'é' 'x'}", "has ''' at character 6, where ':' is expected"),
            ("{'class': Encryptor}", "has 'Encryptor' at character 11, where a value (text in"),
            ("{'class': }", "has '}' at character 11, where a value (text in"),
            ("{'a': null}", "has 'null' at character 7, where a value (text in"),
            ("{'a': 1 'b': 2}", "has ''' at character 9, where ',' or '}' is expected"),
            ("{'a': 1,}", "has '}' at character 9, where an option name in single quotes"),
            ("{'a': 1}, {}", "has ',' at character 9, where its end is expected"),
            ("{'a': 1", "has its end at character 8, where ',' or '}' is expected"),
            ("{'a': 'x}", "the quoted text that starts at character 7 of the option map"),
            ("{'a", "the quoted text that starts at character 2 of the option map"),
            ("{'a': 1}\u{1b}", "has '\\u{1b}' at character 9, where its end is expected"),
        ] {
            let message = parse_map(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
