//! The blocks of a PEM file. Text between them, such as the attributes that openssl prints, is
//! skipped.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::super::error::KeyStoreError;
use super::FORMAT;

/// A block, not yet decoded.
pub(super) struct Block<'a> {
    /// `CERTIFICATE` in `-----BEGIN CERTIFICATE-----`.
    pub(super) label: &'a str,
    /// The lines between.
    body: &'a [u8],
}

/// Finds the blocks.
pub(super) fn blocks(bytes: &[u8]) -> Result<Vec<Block<'_>>, KeyStoreError> {
    let mut blocks = Vec::new();
    let mut rest = bytes;
    while let Some((line, tail)) = next_line(rest) {
        rest = tail;
        let Some(label) = label(line, b"-----BEGIN ")? else { continue };
        let body = rest;
        loop {
            let Some((line, tail)) = next_line(rest) else {
                return Err(KeyStoreError::Truncated { format: FORMAT, inside: "last block" });
            };
            let length = body.len().saturating_sub(rest.len());
            rest = tail;
            if let Some(end) = self::label(line, b"-----END ")? {
                if end != label {
                    return Err(KeyStoreError::Damaged { format: FORMAT, part: "block's end" });
                }
                blocks.push(Block { label, body: body.get(..length).unwrap_or_default() });
                break;
            }
        }
    }
    Ok(blocks)
}

/// Takes a line, without its end.
fn next_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    if bytes.is_empty() {
        return None;
    }
    let end = bytes.iter().position(|&byte| byte == b'\n');
    let (line, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    Some((line.trim_ascii(), rest.get(1..).unwrap_or_default()))
}

fn label<'a>(line: &'a [u8], prefix: &[u8]) -> Result<Option<&'a str>, KeyStoreError> {
    let Some(rest) = line.strip_prefix(prefix) else { return Ok(None) };
    rest.strip_suffix(b"-----")
        .and_then(|label| std::str::from_utf8(label).ok())
        .map(Some)
        .ok_or(KeyStoreError::Damaged { format: FORMAT, part: "block's first or last line" })
}

impl Block<'_> {
    /// Whether the block is encrypted in OpenSSL's old way: `Proc-Type: 4,ENCRYPTED`.
    pub(super) fn has_headers(&self) -> bool {
        self.body.contains(&b':')
    }

    /// Decodes the Base64. The result is wiped, as it may be a key.
    pub(super) fn decode(&self, part: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        let mut text = Zeroizing::new(Vec::with_capacity(self.body.len()));
        text.extend(self.body.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let mut der = Zeroizing::new(vec![0; text.len()]);
        let length = STANDARD
            .decode_slice(&text, &mut der)
            .map_err(|_base64| KeyStoreError::Damaged { format: FORMAT, part })?;
        der.truncate(length);
        Ok(der)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str) -> Result<Vec<&str>, String> {
        blocks(text.as_bytes())
            .map(|blocks| blocks.iter().map(|block| block.label).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn blocks_are_found_between_any_text_and_line_ends() {
        let text = "Bag\n-----BEGIN A-----\r\nAAAA\r\n-----END A-----\r\n\n-----BEGIN B-----\n-----END B-----";
        assert_eq!(labels(text).unwrap(), ["A", "B"]);
        assert_eq!(*blocks(text.as_bytes()).unwrap()[0].decode("x").unwrap(), [0, 0, 0]);
    }

    #[test]
    fn cut_and_crossed_blocks_are_errors() {
        for (text, error) in [
            ("-----BEGIN A-----\nAAAA", "the PEM file is cut off: it ends inside its last block"),
            (
                "-----BEGIN A-----\n-----END B-----",
                "the PEM file is damaged: its block's end cannot be read",
            ),
            (
                "-----BEGIN A----",
                "the PEM file is damaged: its block's first or last line cannot be read",
            ),
        ] {
            assert_eq!(labels(text).unwrap_err(), error);
        }
        let text = b"-----BEGIN A-----\nA\n-----END A-----";
        assert!(blocks(text).unwrap()[0].decode("x").is_err());
    }
}
