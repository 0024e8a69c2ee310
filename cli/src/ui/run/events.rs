//! A run as JSON lines while it works: a killed run leaves its record.

use std::time::{Duration, Instant};

use rekey_engine::event::{Event, Observer};
use serde_json::json;

use super::json::{Ended, sstable};
use super::pace::Pace;
use crate::ui::json::lines;
use crate::ui::loudness::is_quiet;

/// Prints what an observer sees.
#[derive(Debug)]
pub(super) struct Events {
    pace: Pace,
    ended: usize,
    of: usize,
}

impl Default for Events {
    fn default() -> Self {
        Self { pace: Pace::new(SAY_AGAIN, Instant::now(), 0), ended: 0, of: 0 }
    }
}

impl Observer for Events {
    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Started { sstables, bytes } => {
                self.of = sstables;
                self.pace = Pace::new(SAY_AGAIN, Instant::now(), bytes);
                if !is_quiet() {
                    lines([json!({"type": "started", "sstables": sstables, "bytes": bytes})]);
                }
            }
            Event::Advanced { bytes } => {
                let progress = self.pace.advance(bytes, Instant::now());
                let Some(progress) = progress.filter(|_| !is_quiet()) else { return };
                lines([json!({
                    "type": "progress",
                    "ended": self.ended,
                    "sstables": self.of,
                    "bytes_done": progress.done,
                    "bytes": progress.total,
                    "bytes_per_second": progress.rate,
                    "eta_seconds": progress.left.as_secs(),
                })]);
            }
            Event::SSTableEnded { table, data, bytes, new, error, chunks, copies, warnings } => {
                self.ended = self.ended.saturating_add(1);
                let how = match (error, new, chunks) {
                    (Some(error), ..) => Ended::Failed(error),
                    (None, Some(new), _) => Ended::Rewritten(new.to_owned()),
                    (None, None, Some(chunks)) => Ended::Verified(chunks),
                    (None, None, None) => Ended::Deleted,
                };
                lines([sstable(table, data, Some(bytes), how, copies, warnings)]);
            }
            _ => {}
        }
    }
}

const SAY_AGAIN: Duration = Duration::from_secs(1);
