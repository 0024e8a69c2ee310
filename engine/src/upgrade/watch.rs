//! An observer is told what the pipeline does.

use std::path::Path;

use crate::event::{Event, Observer};
use crate::pipeline::Step;
use crate::plan::Facts;
use crate::{Error, ErrorKind, Result};

/// The outcome of an SSTable that the run did not get to.
fn left() -> Error {
    Error::new(ErrorKind::Interrupted, "it was not begun before the run ended")
        .hint("run the same command again: it does what is left")
}

/// Tells an observer what a step means, and hands on the end of a task, which the report tells of.
pub(super) fn watch<S>(
    observer: &mut dyn Observer,
    table: &str,
    facts: &Facts,
    step: Step<'_, S>,
) -> Option<Result<()>> {
    watch_file(observer, table, &facts.data_path(), step)
}

/// The same of any file; a word for its kind stands in place of a table.
pub(super) fn watch_file<S>(
    observer: &mut dyn Observer,
    table: &str,
    data: &Path,
    step: Step<'_, S>,
) -> Option<Result<()>> {
    match step {
        Step::Began => {
            observer.event(&Event::SSTableBegan { table, data });
            None
        }
        Step::Advanced { bytes, .. } => {
            observer.event(&Event::Advanced { bytes });
            None
        }
        Step::Left => Some(Err(left())),
        Step::Ended(result) => Some(result),
    }
}
