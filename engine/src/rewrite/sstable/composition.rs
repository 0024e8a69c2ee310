//! What the new SSTable is made of.

use super::{Rewrite, Work};
use crate::Result;
use crate::rewrite::staging::StagingArea;
use crate::sstable::{Component, TOC_LIMIT, format_toc, parse_toc};
use crate::txn::Flavor;

impl Rewrite<'_> {
    /// Components that go on. Another kind of digest of the old Data.db is left out: it would be
    /// wrong for the new one; and so is an index that may be under the old key.
    pub(super) fn carried_over(&self) -> impl Iterator<Item = &Component> {
        let components = self.facts.sstable.components.iter();
        components.filter(|component| !component.is_rewritten() && !self.is_left_out(component))
    }

    fn is_left_out(&self, component: &Component) -> bool {
        component.is_foreign_digest() || component.is_dse_index() && self.facts.shape.is_encrypted()
    }

    /// The file beside Data.db that says where its chunks lie, or their checksums.
    pub(super) fn side(&self) -> Component {
        match self.job.target.is_compressed() {
            true => Component::CompressionInfo,
            false => Component::Crc,
        }
    }

    /// All components of the new SSTable, TOC last: what has a TOC is complete.
    pub(super) fn components(&self) -> Vec<Component> {
        let mut components = vec![Component::Data, self.side(), Component::Digest];
        components.extend(self.carried_over().cloned());
        components.push(Component::Toc);
        components
    }

    /// The old list, less what was left out, and more what was added.
    pub(super) fn toc(&self) -> Result<String> {
        let mut listed = match self.facts.sstable.has(&Component::Toc) {
            true => {
                let path = self.facts.sstable.path(&Component::Toc);
                let bytes = self.job.storage.read(&path, TOC_LIMIT)?;
                parse_toc(&String::from_utf8_lossy(&bytes))
            }
            false => self.components(),
        };
        let sides = [Component::CompressionInfo, Component::Crc];
        listed.retain(|component| !self.is_left_out(component) && !sides.contains(component));
        for component in [self.side(), Component::Digest, Component::Toc] {
            if !listed.contains(&component) {
                listed.push(component);
            }
        }
        Ok(format_toc(&listed))
    }

    /// Stored bytes by plaintext, when the compressor changes: -1 for an uncompressed SSTable, and
    /// with the chunks' CRCs in Converged Core and DSE only (FORMATS.md 8.2).
    #[expect(clippy::cast_precision_loss, reason = "a ratio is an estimate")]
    pub(super) fn new_compression_ratio(
        &self,
        work: &Work,
        staging: &StagingArea,
    ) -> Result<Option<f64>> {
        let target = self.job.target;
        if target.codec() == self.facts.shape.codec()
            && target.is_compressed() == self.facts.header.is_some()
        {
            return Ok(None);
        }
        if !target.is_compressed() {
            return Ok(Some(-1.0));
        }
        let stored = self.job.storage.stat(&staging.file(&Component::Data))?;
        let stored = stored.map_or(0, |stat| stat.length);
        let crcs = match self.job.flavor {
            Flavor::Apache3 | Flavor::Apache4 => work.layout.new.count.saturating_mul(4),
            _ => 0,
        };
        let plain = work.source.data_length().max(1);
        Ok(Some(stored.saturating_sub(crcs) as f64 / plain as f64))
    }
}
