//! The beginning: a staging directory with an empty Data.db, or what an earlier run has left.

use std::sync::{Arc, Mutex};

use super::Writing;
use super::sink::{Side, Sink};
use crate::codec::ChunkSealer;
use crate::journal::{Pass, State};
use crate::plan::target_codec;
use crate::rewrite::digest::PlainDigest;
use crate::rewrite::input::{Layout, open_chunks};
use crate::rewrite::resume::{Envelope, Ledger, Progress, Resumed};
use crate::rewrite::sstable::Rewrite;
use crate::rewrite::staging::StagingArea;
use crate::rewrite::successor::Successor;
use crate::sstable::{CRC_CHUNK_LENGTH, Component};
use crate::{Error, Result};

impl<'a> Rewrite<'a> {
    /// Opens the old SSTable and starts the new one.
    pub(in crate::rewrite) fn open(&self) -> Result<Writing<'a>> {
        let source = open_chunks(self.facts, self.job.inspector, self.job.ring)?;
        let (sealer, _) = target_codec(self.job.target, self.job.ring)?;
        let layout = Layout::new(self.facts, self.job.target, &source, self.job.range_bytes);
        let resumed = self.fitting(&layout, &sealer)?;
        let seed = match resumed {
            Some(resumed) => resumed.seed,
            None => PlainDigest::new()?.seed(),
        };
        let envelope = Envelope::new(self.job.target, self.job.ring)?;
        let (ledger, staged);
        if let Some(resumed) = resumed {
            ledger = Ledger::resume(self.job.journal, envelope, seed, resumed.number);
            staged = Ok(StagingArea::left(resumed.directory().to_owned()));
        } else {
            ledger = Ledger::begin(self.job.journal, envelope, seed, self.facts);
            let path = self.planned.staging_path();
            staged = StagingArea::create(self.job.storage, &self.planned.data_dir, path);
        }
        let staging = staged.inspect_err(|why| self.give_up(&ledger, None, why))?;
        let opened = match resumed {
            Some(resumed) => self.reopen_sink(&staging, &layout, &sealer, resumed),
            None => self.create_sink(&staging, &layout, &sealer),
        };
        let sink = opened.inspect_err(|why| self.give_up(&ledger, Some(&staging), why))?;
        let written = Progress::new(seed, self.job.checkpoint);
        let read_back = Progress::new(seed, self.job.checkpoint);
        if let Some(resumed) = resumed {
            resumed.restore(Pass::Write, &written);
            resumed.restore(Pass::ReadBack, &read_back);
        }
        let done = resumed.map(|resumed| resumed.written.clone()).unwrap_or_default();
        let read_before = resumed.map(|resumed| resumed.read_back.clone()).unwrap_or_default();
        let resumed = resumed.map_or(State::Begun, |resumed| resumed.state);
        Ok(Writing {
            source,
            sealer,
            sink,
            turn: Mutex::new((!layout.is_fixed).then(|| done.first_missing())),
            todo: done.missing(layout.ranges.count()),
            successor: Arc::new(Successor {
                staging,
                ledger,
                layout,
                seed,
                resumed,
                written,
                read_back,
                read_before,
            }),
        })
    }

    /// What an earlier run has left, if it matches the journal; otherwise it is removed.
    fn fitting(&self, layout: &Layout, sealer: &ChunkSealer) -> Result<Option<&Resumed>> {
        let Some(resumed) = &self.resumed else { return Ok(None) };
        let (side, _) = self.side_of(layout)?;
        let beside = (&side, &self.side());
        let Some(why) = resumed.misfit(self.job.storage, layout, sealer, beside)? else {
            return Ok(Some(resumed));
        };
        let staging = StagingArea::left(resumed.directory().to_owned());
        let error = Error::corrupt(format!(
            "what an earlier run has staged is not what its journal says ({why}), and the SSTable \
             starts over"
        ))
        .at(staging.path());
        self.note(|so_far| {
            so_far.warnings.push(error);
            so_far.is_kept = false;
        });
        if self.job.storage.list(staging.path()).is_ok() {
            staging.remove(self.job.storage)?;
        }
        Ok(None)
    }

    /// The file beside Data.db, and its head.
    fn side_of(&self, layout: &Layout) -> Result<(Side, Vec<u8>)> {
        let Some(header) = &layout.header else {
            return Ok((Side::Crcs, CRC_CHUNK_LENGTH.bytes().to_be_bytes().to_vec()));
        };
        let head = header.encode(self.facts.version)?;
        Ok((Side::Offsets(u64::try_from(head.len()).unwrap_or(u64::MAX)), head))
    }

    fn create_sink(
        &self,
        staging: &StagingArea,
        layout: &Layout,
        sealer: &ChunkSealer,
    ) -> Result<Sink> {
        let data = self.create_staged(staging, &Component::Data)?;
        let side_file = self.create_staged(staging, &self.side())?;
        let (side, head) =
            self.side_of(layout).map_err(|error| error.at(staging.file(&self.side())))?;
        side_file.write_at(&head, 0)?;
        if !layout.is_fixed {
            return Ok(Sink::ordered(data, side, side_file, 0, 0));
        }
        let (length, record) = layout.fixed_lengths(sealer);
        data.reserve(length)?;
        Ok(Sink::fixed(data, side, side_file, record))
    }

    /// Opens what an earlier run has written, and removes what it had not journalled.
    fn reopen_sink(
        &self,
        staging: &StagingArea,
        layout: &Layout,
        sealer: &ChunkSealer,
        resumed: &Resumed,
    ) -> Result<Sink> {
        let (side, _) = self.side_of(layout)?;
        let data = self.job.storage.reopen(&staging.file(&Component::Data))?;
        let side_file = self.job.storage.reopen(&staging.file(&self.side()))?;
        let (length, record) = layout.fixed_lengths(sealer);
        if resumed.state < State::Sealed {
            // The fsync of a checkpoint covers only the content.
            data.copy_attributes(&self.like(&Component::Data))?;
            side_file.copy_attributes(&self.like(&self.side()))?;
            staging.keep_only(self.job.storage, &[Component::Data, self.side()])?;
            if layout.is_fixed {
                data.reserve(length)?;
            } else {
                let chunk = layout.ranges.new_chunks(resumed.written.first_missing()).start;
                data.set_length(resumed.offset())?;
                side_file.set_length(side.place(chunk))?;
            }
        }
        if layout.is_fixed {
            return Ok(Sink::fixed(data, side, side_file, record));
        }
        let (next, offset) = (resumed.written.first_missing(), resumed.offset());
        Ok(Sink::ordered(data, side, side_file, next, offset))
    }
}
