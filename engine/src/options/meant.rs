//! The name that was probably meant.

use std::fmt::Display;

/// The candidate closest to a word, if one is close enough.
pub(crate) fn meant<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&lower, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= CLOSE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// A hint that begins with what was probably meant.
pub(crate) fn did_you_mean(meant: Option<impl Display>, hint: impl Display) -> String {
    match meant {
        Some(name) => format!("did you mean '{name}'? {hint}"),
        None => hint.to_string(),
    }
}

/// A slip: one or two letters of a word, or its case.
const CLOSE: f64 = 0.85;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_close_and_another_word_is_not() {
        let classes = ["Encryptor", "LZ4Compressor", "ZstdCompressor", "SnappyCompressor"];
        let of = |word| meant(word, classes);
        for word in ["encryptor", "Encrypter", "Encyptor", "ENCRYPTOR"] {
            assert_eq!(of(word), Some("Encryptor"), "{word}");
        }
        assert_eq!(of("Lz4Compresor"), Some("LZ4Compressor"));
        assert_eq!(of("ZSTDCompressor"), Some("ZstdCompressor"));
        for word in ["", "x", "AES", "com.example.Foo"] {
            assert_eq!(of(word), None, "{word}");
        }
        assert_eq!(did_you_mean(of("encryptor"), "or so"), "did you mean 'Encryptor'? or so");
        assert_eq!(did_you_mean(of("x"), "or so"), "or so");
    }
}
