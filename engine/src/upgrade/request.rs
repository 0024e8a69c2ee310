//! What is asked for.

use std::num::NonZeroUsize;

use crate::keys::KeySources;
use crate::plan::{Archives, Selection, Target};
use crate::txn::Flavor;

/// What a plan is made of.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The tables.
    pub selection: &'a Selection,
    /// Which archives of them are re-encrypted, too.
    pub archives: Archives,
    /// What every SSTable is to become.
    pub target: &'a Target,
    /// The product, if the operator says it.
    pub flavor: Option<Flavor>,
    /// Where keys come from.
    pub sources: &'a KeySources,
    /// Worker threads of the planning, and of the run to come.
    pub threads: NonZeroUsize,
}
