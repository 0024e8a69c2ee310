//! From the options of tables to what their SSTables become.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TargetRequest;
use super::settle::{KeyAsked, Settler};
use crate::options::{CompressionParams, CompressorClass, EncryptorOptions, OptionMap};
use crate::plan::Aim;
use crate::{Error, Result};

/// Settles what tables with certain options become.
pub(super) struct Aims<'s, 'a> {
    settler: &'s mut Settler<'a>,
    /// What `--set` gives.
    changes: &'a [(String, String)],
    request: &'s TargetRequest<'a>,
    /// By their text, and whether they may be changed.
    known: BTreeMap<(String, bool), Aim>,
}

impl<'s, 'a> Aims<'s, 'a> {
    pub(super) const fn new(
        settler: &'s mut Settler<'a>,
        changes: &'a [(String, String)],
        request: &'s TargetRequest<'a>,
    ) -> Self {
        Self { settler, changes, request, known: BTreeMap::new() }
    }

    /// What tables with these options become. Each is settled once: a server is asked for it.
    pub(super) fn of(&mut self, options: &OptionMap, may_change: bool) -> Aim {
        let name = (options.to_cql(), may_change);
        if let Some(known) = self.known.get(&name) {
            return known.clone();
        }
        let aim = self.settle(options, may_change);
        self.known.insert(name, aim.clone());
        aim
    }

    fn settle(&mut self, options: &OptionMap, may_change: bool) -> Aim {
        let settled = match encrypts(options) {
            true => self.params(options, may_change).and_then(|params| self.settler.settle(params)),
            false if self.request.may_decrypt => CompressionParams::from_cql_options(options)
                .and_then(|params| self.settler.settle_in_clear(params)),
            false => return Aim::InClear(in_clear(options)),
        };
        match settled {
            Ok(target) => Aim::Target(Arc::new(target)),
            Err(error) => Aim::Unknown(error),
        }
    }

    fn params(&self, options: &OptionMap, may_change: bool) -> Result<CompressionParams> {
        match may_change {
            true => self.changed(options),
            false => CompressionParams::from_cql_options(options),
        }
    }

    /// The options with the changes.
    fn changed(&self, options: &OptionMap) -> Result<CompressionParams> {
        let mut pairs: Vec<(&str, &str)> = options.iter().collect();
        for (name, value) in self.changes {
            let place = pairs.iter_mut().find(|(own, _)| is_same_option(own, name));
            match place {
                Some(pair) => *pair = (name, value),
                None => pairs.push((name, value)),
            }
        }
        let changed = CompressionParams::from_cql_options(&OptionMap::from_pairs(pairs)?)?;
        let is_own_fine =
            || CompressionParams::from_cql_options(options).is_ok_and(|own| own.scheme().is_ok());
        match changed.scheme() {
            Err(error) if is_own_fine() => {
                Err(Error::invalid("what --set gives does not fit the other options of its table")
                    .caused_by(error)
                    .hint("name the tables that the change is for"))
            }
            _ => Ok(changed),
        }
    }

    /// Whether the changes leave options as they are.
    pub(super) fn is_as_written(&self, options: &OptionMap) -> bool {
        let is_same =
            |new: CompressionParams| Ok(CompressionParams::from_cql_options(options)?.means(&new));
        // What cannot be understood becomes nothing else.
        !encrypts(options) || self.changed(options).and_then(is_same).unwrap_or(true)
    }

    /// Whether one key id can be meant: all targets with keys that have ids find theirs at one place.
    pub(super) fn check_key<'m>(
        &self,
        all: impl Iterator<Item = (&'m OptionMap, bool)>,
    ) -> Result<()> {
        let KeyAsked::Named(..) = self.request.key else { return Ok(()) };
        let mut first: Option<EncryptorOptions> = None;
        for (options, may_change) in all.filter(|(options, _)| encrypts(options)) {
            let scheme = self.params(options, may_change).and_then(|params| params.scheme());
            let Ok(Some(scheme)) = scheme else { continue };
            let Some(options) = scheme.encryptor().filter(|options| options.has_key_ids()) else {
                continue;
            };
            match &first {
                Some(first) if !first.shares_key_with(options) => {
                    return Err(Error::invalid(
                        "one key id is given, and the selected tables have keys of several groups, \
                         ciphers or lengths",
                    )
                    .hint("run the command once for each of them, and name its tables"));
                }
                Some(_) => {}
                None => first = Some(options.clone()),
            }
        }
        match first {
            Some(_) => Ok(()),
            None => Err(Error::invalid(
                "a key id is given, and no selected table has a key that has an id",
            )
            .hint("leave --key-id out; a local key file is changed by --set secret_key_file=FILE")),
        }
    }
}

fn encrypts(options: &OptionMap) -> bool {
    let is_on = options.get("enabled").is_none_or(|on| !on.eq_ignore_ascii_case("false"));
    let class = options.get("class").or_else(|| options.get("sstable_compression"));
    is_on && class.is_some_and(|class| CompressorClass::parse(class).encrypts())
}

/// The chunk length has two names.
fn is_same_option(one: &str, other: &str) -> bool {
    let of_chunks = ["chunk_length_in_kb", "chunk_length_kb"];
    one == other || of_chunks.contains(&one) && of_chunks.contains(&other)
}

/// Why an encrypted SSTable cannot become what these options say.
fn in_clear(options: &OptionMap) -> Error {
    let understood =
        CompressionParams::from_cql_options(options).and_then(|params| params.scheme());
    if let (Err(error), false) = (understood, options.is_empty()) {
        return Error::unsupported("the options that the schema has for its table").wrapping(error);
    }
    Error::invalid("it is encrypted, and its table is written in clear by the schema")
        .hint("alter the table; or give the options with --compression; or allow it: --decrypt")
}
