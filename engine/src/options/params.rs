//! The target of a run.

use super::map::number;
use super::meant::meant;
use super::{ChunkLength, ChunkScheme, CompressorClass, OptionMap, shown};
use crate::error::{Error, Result};

/// What a CQL `compression` map asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompressionParams {
    /// None for an uncompressed table.
    class: Option<CompressorClass>,
    chunk_length: Option<ChunkLength>,
    options: OptionMap,
    /// The whole map, as a table is altered with it.
    map: OptionMap,
    /// Whether `key_keyspace` was given for `key_namespace`.
    is_misspelt: bool,
}

impl CompressionParams {
    /// Reads the map of `WITH compression = {...}`.
    ///
    /// The class is called `class`, or `sstable_compression` in old schemas; the chunk length
    /// `chunk_length_in_kb` or `chunk_length_kb`. `crc_check_chance` is checked and dropped: it
    /// concerns only reading. `min_compress_ratio` may only be 0. No compression is an empty class,
    /// or `enabled` false.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for a value that the database refuses
    /// too, and for one that would make it write an encrypted table's chunks in clear;
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) for what only the database
    /// can do. The class's own options are for [`Self::scheme`].
    pub fn from_cql_options(map: &OptionMap) -> Result<Self> {
        let mut map = map.clone();
        let is_misspelt = correct_namespace(&mut map)?;
        let mut options = map.clone();
        let class = take_class(&mut options)?;
        let chunk_length = take_chunk_length(&mut options)?;
        check_ratio(options.remove("min_compress_ratio").as_deref(), class.as_ref())?;
        if options.remove("max_compressed_length").is_some() {
            return Err(Error::unsupported("option 'max_compressed_length' is not taken").hint(
                "leave it out: encrypted chunks are always stored encrypted, whatever their length",
            ));
        }
        if let Some(text) = options.remove("crc_check_chance") {
            let chance: f64 = number("crc_check_chance", &text)?;
            if !(0.0..=1.0).contains(&chance) {
                return Err(Error::invalid(format!(
                    "option 'crc_check_chance' is {}, which is not between 0 and 1",
                    shown(&text)
                ))
                .hint("leave it out: it is a table option and does not change an SSTable"));
            }
        }
        Ok(Self { class, chunk_length, options, map, is_misspelt })
    }

    /// What the operator should know about the map: an option is written under a name other than
    /// the given one.
    #[must_use]
    pub fn warning(&self) -> Option<Error> {
        self.is_misspelt.then(|| {
            Error::invalid("option 'key_keyspace' is taken for 'key_namespace'").hint(
                "alter the table with key_namespace: some editions of the vendor's manual print \
                 key_keyspace, which the database refuses",
            )
        })
    }

    /// The class that writes the chunks; `None` for an uncompressed table.
    #[must_use]
    pub const fn class(&self) -> Option<&CompressorClass> {
        self.class.as_ref()
    }

    /// The chunk length, if the map gives one; otherwise an SSTable keeps its own.
    #[must_use]
    pub const fn chunk_length(&self) -> Option<ChunkLength> {
        self.chunk_length
    }

    /// The class's own options, as CompressionInfo.db stores them (FORMATS.md 2.1, field 3).
    #[must_use]
    pub const fn options(&self) -> &OptionMap {
        &self.options
    }

    /// The whole map as given, for a statement that alters a table.
    #[must_use]
    pub const fn map(&self) -> &OptionMap {
        &self.map
    }

    /// Whether both ask for the same, in whatever words: a default left out, a package name.
    #[must_use]
    pub fn means(&self, other: &Self) -> bool {
        match (self.scheme(), other.scheme()) {
            (Ok(own), Ok(theirs)) => own == theirs && self.chunk_length == other.chunk_length,
            _ => self == other,
        }
    }

    /// What the class and its options do; `None` for an uncompressed table.
    ///
    /// # Errors
    /// As [`ChunkScheme::from_options`].
    pub fn scheme(&self) -> Result<Option<ChunkScheme>> {
        self.class.as_ref().map(|class| ChunkScheme::from_options(class, &self.options)).transpose()
    }
}

fn take_class(options: &mut OptionMap) -> Result<Option<CompressorClass>> {
    let mut is_enabled = true;
    if let Some(enabled) = options.remove("enabled") {
        is_enabled = !enabled.eq_ignore_ascii_case("false");
        if is_enabled && !enabled.eq_ignore_ascii_case("true") {
            return Err(Error::invalid(format!(
                "option 'enabled' is {}, which is neither true nor false",
                shown(&enabled)
            ))
            .hint("leave 'enabled' out, or set it to true"));
        }
    }
    let name = one_of(options, "class", "sstable_compression")?;
    match (name, is_enabled) {
        (Some(name), true) if !name.is_empty() => Ok(Some(CompressorClass::parse(&name))),
        (None, true) => {
            let mut names = options.iter().map(|(name, _)| name);
            let misspelt = names.find(|name| meant(name, ["class"]).is_some());
            let hint = match misspelt {
                Some(name) => format!("did you write {} for 'class'?", shown(name)),
                None => "add 'class': 'Encryptor'".to_owned(),
            };
            Err(Error::invalid("option 'class' is missing").hint(hint))
        }
        (None | Some(_), _) => match options.iter().next() {
            None => Ok(None),
            Some((name, _)) => Err(Error::invalid(format!(
                "option {} is given for a table without compression",
                shown(name)
            ))
            .hint("give 'enabled': false alone, or a class")),
        },
    }
}

/// Corrects the name of an option, in its place, where a manual prints a wrong one (KMIP.md 5.3).
fn correct_namespace(options: &mut OptionMap) -> Result<bool> {
    let Some(value) = options.get("key_keyspace").map(str::to_owned) else { return Ok(false) };
    if options.get("key_namespace").is_some() {
        return Err(Error::invalid("'key_keyspace' and 'key_namespace' are the same option")
            .hint("give 'key_namespace' only"));
    }
    let renamed = options.iter().map(|(name, own)| match name {
        "key_keyspace" => ("key_namespace", value.as_str()),
        other => (other, own),
    });
    *options = OptionMap::from_pairs(renamed)?;
    Ok(true)
}

fn take_chunk_length(options: &mut OptionMap) -> Result<Option<ChunkLength>> {
    let Some(text) = one_of(options, "chunk_length_in_kb", "chunk_length_kb")? else {
        return Ok(None);
    };
    let kib: i32 = number("chunk_length_in_kb", &text)?;
    match kib.checked_mul(1024) {
        Some(bytes) => Ok(Some(ChunkLength::try_from(bytes)?)),
        None => Err(Error::invalid(format!("option 'chunk_length_in_kb' is {kib}: out of range"))
            .hint("use a power of two from 1 to 16384")),
    }
}

/// With a ratio, the database stores each chunk that did not shrink enough uncompressed and in
/// clear, and an encrypted chunk never shrinks (FORMATS.md 2.3).
fn check_ratio(text: Option<&str>, class: Option<&CompressorClass>) -> Result<()> {
    let Some(text) = text else { return Ok(()) };
    let ratio: f64 = number("min_compress_ratio", text)?;
    if ratio == 0.0 {
        return Ok(());
    }
    let text = shown(text);
    let error = if ratio.is_nan() || ratio < 0.0 {
        Error::invalid(format!("option 'min_compress_ratio' is {text}, which is not a ratio"))
    } else if class.is_some_and(CompressorClass::encrypts) {
        Error::invalid(format!(
            "option 'min_compress_ratio' is {text}: with it the database stores the chunks of an \
             encrypted table in clear, since encrypted chunks are longer than their plaintext"
        ))
    } else {
        Error::unsupported(format!("option 'min_compress_ratio' is {text}; only 0 is handled"))
    };
    Err(error.hint("leave 'min_compress_ratio' out, here and in the table's schema"))
}

/// Removes an option that also has an old name.
fn one_of(options: &mut OptionMap, name: &str, old_name: &str) -> Result<Option<String>> {
    match (options.remove(name), options.remove(old_name)) {
        (Some(_), Some(_)) => {
            Err(Error::invalid(format!("options '{name}' and '{old_name}' are the same option"))
                .hint(format!("give '{name}' only")))
        }
        (value, old_value) => Ok(value.or(old_value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn params(text: &str) -> Result<CompressionParams> {
        CompressionParams::from_cql_options(&OptionMap::parse_cql(text)?)
    }

    #[test]
    fn options_not_stored_in_compression_info_are_removed() {
        let params = params(
            "{'secret_key_file': '/k', 'class': 'org.apache.cassandra.io.compress.Encryptor', \
             'chunk_length_in_kb': 64, 'enabled': true, 'min_compress_ratio': 0.0, \
             'crc_check_chance': '0.5', 'key_provider': 'LocalFileSystemKeyProviderFactory'}",
        )
        .unwrap();
        assert_eq!(params.class(), Some(&CompressorClass::Encryptor));
        assert_eq!(params.chunk_length(), Some(ChunkLength::try_from(65_536).unwrap()));
        assert_eq!(
            params.options().to_cql(),
            "{'secret_key_file': '/k', 'key_provider': 'LocalFileSystemKeyProviderFactory'}"
        );
        assert_eq!(params.scheme().unwrap().unwrap().encryptor().unwrap().strength(), 128);
    }

    #[test]
    fn old_names_are_understood() {
        let params =
            params("{'sstable_compression': 'LZ4Compressor', 'chunk_length_kb': '4'}").unwrap();
        assert_eq!(params.class().unwrap().simple_name(), "LZ4Compressor");
        assert_eq!(params.chunk_length().unwrap().bytes(), 4096);
        assert!(params.options().is_empty());
        assert!(params.scheme().unwrap().unwrap().encryptor().is_none());
    }

    #[test]
    fn no_compression_means_no_class() {
        for map in
            ["{'class': ''}", "{'enabled': false}", "{'class': 'LZ4Compressor', 'enabled': false}"]
        {
            let params = params(map).unwrap();
            assert_eq!((params.class(), params.scheme().unwrap()), (None, None), "{map}");
        }
    }

    #[test]
    fn a_misprint_of_the_manual_is_corrected_and_reported() {
        let map = |name: &str| {
            params(&format!(
                "{{'class': 'Encryptor', '{name}': 'mine', 'kmip_host': 'g', \
                 'key_provider': 'KmipKeyProviderFactory'}}"
            ))
        };
        let (wrong, right) = (map("key_keyspace").unwrap(), map("key_namespace").unwrap());
        assert_eq!(wrong.options().to_cql(), right.options().to_cql());
        assert_eq!(wrong.scheme().unwrap(), right.scheme().unwrap());
        assert!(wrong.warning().unwrap().to_string().contains("'key_keyspace'"));
        assert!(right.warning().is_none());
        let both = "{'class': 'Encryptor', 'key_keyspace': 'a', 'key_namespace': 'a'}";
        assert_eq!(params(both).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn without_a_chunk_length_there_is_none() {
        assert_eq!(params("{'class': 'Encryptor'}").unwrap().chunk_length(), None);
    }

    #[test]
    fn refusals_name_the_option_and_the_hint() {
        use ErrorKind::{Invalid, Unsupported};
        for (options, kind, part) in [
            ("{}", Invalid, "'class' is missing"),
            ("{'class': 'Encryptor', 'sstable_compression': 'E'}", Invalid, "the same option"),
            ("{'enabled': 'false', 'compression_level': 1}", Invalid, "without compression"),
            ("{'class': 'Encryptor', 'enabled': 'yes'}", Invalid, "'enabled' is 'yes'"),
            (
                "{'class': 'Encryptor', 'chunk_length_in_kb': 4, 'chunk_length_kb': 4}",
                Invalid,
                "'chunk_length_in_kb' and 'chunk_length_kb' are the same option",
            ),
            ("{'class': 'E', 'chunk_length_in_kb': 'x'}", Invalid, "'chunk_length_in_kb' is 'x'"),
            ("{'class': 'E', 'chunk_length_in_kb': 1.5}", Invalid, "'chunk_length_in_kb' is '1.5'"),
            ("{'class': 'E', 'chunk_length_in_kb': 0}", Invalid, "0 bytes is not positive"),
            ("{'class': 'E', 'chunk_length_in_kb': -4}", Invalid, "is not positive"),
            ("{'class': 'E', 'chunk_length_in_kb': -2147483648}", Invalid, "out of range"),
            ("{'class': 'E', 'chunk_length_in_kb': 63}", Invalid, "is not a power of two"),
            ("{'class': 'E', 'chunk_length_in_kb': 32768}", Unsupported, "16 MiB"),
            ("{'class': 'E', 'chunk_length_in_kb': 2147483647}", Invalid, "out of range"),
            ("{'class': 'Encryptor', 'min_compress_ratio': 1.1}", Invalid, "in clear"),
            ("{'class': 'Encryptor', 'min_compress_ratio': '0.5'}", Invalid, "in clear"),
            ("{'class': 'EncryptingLZ4Compressor', 'min_compress_ratio': 2}", Invalid, "in clear"),
            ("{'class': 'LZ4Compressor', 'min_compress_ratio': 2}", Unsupported, "only 0"),
            ("{'class': 'Encryptor', 'min_compress_ratio': -1}", Invalid, "not a ratio"),
            ("{'class': 'Encryptor', 'min_compress_ratio': 'NaN'}", Invalid, "not a ratio"),
            ("{'class': 'Encryptor', 'min_compress_ratio': 'x'}", Invalid, "min_compress_ratio"),
            (
                "{'class': 'Encryptor', 'max_compressed_length': 2147483647}",
                Unsupported,
                "'max_compressed_length'",
            ),
            ("{'class': 'Encryptor', 'crc_check_chance': 2}", Invalid, "'crc_check_chance' is '2'"),
            ("{'class': 'Encryptor', 'crc_check_chance': 'NaN'}", Invalid, "'crc_check_chance'"),
        ] {
            let error = params(options).unwrap_err();
            assert_eq!(error.kind(), kind, "{options}");
            assert!(error.to_string().contains(part), "{options}: {error}");
            assert!(error.hint_text().is_some(), "{options}");
        }
    }
}
