//! SSTables are inspected on all cores.

use std::num::NonZeroUsize;
use std::sync::Arc;

use rayon::prelude::*;

use super::session::Session;
use crate::Result;
use crate::pipeline::Workers;
use crate::plan::{Facts, Inspector};
use crate::txn::LiveSSTable;

/// What was to be inspected, and what came of it.
type Inspected<T> = (T, Arc<LiveSSTable>, Result<Facts>);

/// Inspects SSTables, each of which has a name.
pub(super) fn inspect_all<T: Send>(
    session: &Session,
    sstables: Vec<(T, Arc<LiveSSTable>)>,
    threads: NonZeroUsize,
) -> Result<Vec<Inspected<T>>> {
    let inspector = Inspector::new(session.storage(), session.lease(), session.is_mapped());
    Ok(Workers::start(threads).install(|| {
        sstables
            .into_par_iter()
            .map(|(name, sstable)| {
                let facts = inspector.inspect(Arc::clone(&sstable));
                (name, sstable, facts)
            })
            .collect()
    }))
}
