//! From the options of tables to what their SSTables become.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::TargetRequest;
use super::settle::Settler;
use crate::options::{CompressionParams, CompressorClass, OptionMap};
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
            true => changed(options, self.changes),
            false => CompressionParams::from_cql_options(options),
        }
    }

    /// Whether the changes leave options as they are.
    pub(super) fn is_as_written(&self, options: &OptionMap) -> bool {
        let is_same =
            |new: CompressionParams| Ok(CompressionParams::from_cql_options(options)?.means(&new));
        // What cannot be understood becomes nothing else.
        !encrypts(options) || changed(options, self.changes).and_then(is_same).unwrap_or(true)
    }

    /// What tables with these options are written with, as far as they encrypt and are understood.
    pub(super) fn written(
        &self,
        options: &OptionMap,
        may_change: bool,
    ) -> Option<CompressionParams> {
        encrypts(options).then(|| self.params(options, may_change))?.ok()
    }
}

/// The options with what `--set` gives.
pub(super) fn changed(
    options: &OptionMap,
    changes: &[(String, String)],
) -> Result<CompressionParams> {
    let mut pairs: Vec<(&str, &str)> = options.iter().collect();
    for (name, value) in changes {
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
