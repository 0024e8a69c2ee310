//! What the new SSTable is made of.

use std::path::Path;

use crate::Result;
use crate::journal::Replacement;
use crate::plan::{Fate, PlannedSSTable};
use crate::rewrite::input::Layout;
use crate::rewrite::sstable::Rewrite;
use crate::rewrite::staging::StagingArea;
use crate::sstable::{Component, TOC_LIMIT, format_toc, parse_toc};
use crate::txn::Flavor;

impl Rewrite<'_> {
    /// Components that are carried over: as they are, or re-encrypted.
    fn carried_over(&self) -> impl Iterator<Item = &Component> {
        let components = self.facts.sstable.components.iter();
        components.filter(|component| !component.is_rewritten() && !self.is_left_out(component))
    }

    fn is_left_out(&self, component: &Component) -> bool {
        self.facts.fate(component, self.job.target) == Fate::LeftOut
    }

    /// The file beside Data.db with the offsets of its chunks, or their checksums.
    pub(in crate::rewrite) fn side(&self) -> Component {
        match self.job.target.is_compressed() {
            true => Component::CompressionInfo,
            false => Component::Crc,
        }
    }

    /// All components of the new SSTable, TOC last: an SSTable with a TOC is complete.
    fn components(&self) -> Vec<Component> {
        let mut components = vec![Component::Data, self.side(), Component::Digest];
        components.extend(self.carried_over().cloned());
        components.push(Component::Toc);
        components
    }

    /// Those of them that are staged: in a snapshot or a backup, kept components stay where they
    /// are.
    pub(in crate::rewrite) fn staged(&self) -> Vec<Component> {
        let mut components = self.components();
        components.retain(|component| self.planned.is_live || !self.is_kept_as_it_is(component));
        components
    }

    fn is_kept_as_it_is(&self, component: &Component) -> bool {
        self.facts.fate(component, self.job.target) == Fate::Kept
    }

    /// What happens to the copies in snapshots and backups, if there are any. A copy without a TOC
    /// gets none: the new TOC lists the components of the SSTable that was examined.
    pub(in crate::rewrite) fn replacement(&self) -> Option<Replacement> {
        let PlannedSSTable { copies, shared, data_dir, .. } = self.planned;
        if copies.is_empty() {
            return None;
        }
        let mut put = self.components();
        put.retain(|component| {
            !self.is_kept_as_it_is(component)
                && (*component != Component::Toc || self.facts.sstable.has(component))
        });
        let old = shared.iter().map(|(component, _)| component);
        let dropped = old.filter(|component| !put.contains(component)).cloned().collect();
        let below = |directory: &Path| directory.strip_prefix(data_dir).ok().map(Path::to_owned);
        let copies = copies.iter().filter_map(|copy| {
            below(&copy.directory).map(|directory| (directory, copy.descriptor.clone()))
        });
        Some(Replacement { put, dropped, copies: copies.collect() })
    }

    /// The components that the SSTable has, whatever the old list says: a node uses the files, but
    /// its offline tools and Converged Core's indices use the list. So a component that only an
    /// index knows is listed if it was listed before and exists, here or in a copy that gets the
    /// same list.
    pub(in crate::rewrite) fn toc(&self) -> Result<String> {
        let has = self.components();
        if !self.facts.sstable.has(&Component::Toc) {
            return Ok(format_toc(&has));
        }
        let path = self.facts.sstable.path(&Component::Toc);
        let bytes = self.job.storage.read(&path, TOC_LIMIT)?;
        let old = parse_toc(&String::from_utf8_lossy(&bytes));
        let is_custom = |component: &Component| matches!(component, Component::Other(_));
        let in_a_copy = |component: &Component| {
            is_custom(component)
                && !self.is_left_out(component)
                && self.planned.copies.iter().any(|copy| copy.has(component))
        };
        let mut listed: Vec<Component> = Vec::new();
        for component in old {
            if !listed.contains(&component) && (has.contains(&component) || in_a_copy(&component)) {
                listed.push(component);
            }
        }
        for component in has {
            if !listed.contains(&component) && !is_custom(&component) {
                listed.push(component);
            }
        }
        Ok(format_toc(&listed))
    }

    /// Stored bytes by plaintext, when the compressor changes: -1 for an uncompressed SSTable, and
    /// with the chunks' CRCs in Converged Core and DSE only (FORMATS.md 8.2).
    #[expect(clippy::cast_precision_loss, reason = "a ratio is an estimate")]
    pub(in crate::rewrite) fn new_compression_ratio(
        &self,
        layout: &Layout,
        staging: &StagingArea,
    ) -> Result<Option<f64>> {
        let target = self.job.target;
        if !self.facts.gets_new_ratio(target) {
            return Ok(None);
        }
        if !target.is_compressed() {
            return Ok(Some(-1.0));
        }
        let stored = self.job.storage.stat(&staging.file(&Component::Data))?;
        let stored = stored.map_or(0, |stat| stat.length);
        let crcs = match self.job.flavor {
            Flavor::Apache3 | Flavor::Apache4 => layout.new.count.saturating_mul(4),
            Flavor::ConvergedCore | Flavor::Dse => 0,
        };
        let plain = layout.plain_length.max(1);
        Ok(Some(stored.saturating_sub(crcs) as f64 / plain as f64))
    }
}
