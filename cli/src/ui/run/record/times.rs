//! When each SSTable was worked on.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rekey_engine::event::{Event, Observer};

/// When each SSTable was worked on, by its Data.db.
#[derive(Debug, Default)]
pub(crate) struct Times(BTreeMap<PathBuf, Span>);

/// From one time to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
}

impl Span {
    /// From the beginning of the earlier one to the end of the later one.
    pub(super) fn and(self, other: Self) -> Self {
        Self { began: self.began.min(other.began), ended: self.ended.max(other.ended) }
    }
}

impl Times {
    /// Notes the times of what an observer is told.
    pub(crate) fn note(&mut self, observer: Box<dyn Observer>) -> impl Observer {
        Noting { times: self, observer }
    }

    pub(super) fn of(&self, data: &Path) -> Option<Span> {
        self.0.get(data).copied()
    }
}

struct Noting<'t> {
    times: &'t mut Times,
    observer: Box<dyn Observer>,
}

impl Observer for Noting<'_> {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::SSTableBegan { data, .. } | Event::SSTableEnded { data, .. } = *event {
            let now = Timestamp::now();
            let span = Span { began: now, ended: now };
            let times = &mut self.times.0;
            times.entry(data.to_owned()).and_modify(|so_far| so_far.ended = now).or_insert(span);
        }
        self.observer.event(event);
    }
}
