//! What was measured, and what it means for a run.

use std::fmt::Write as _;
use std::time::Duration;

use rekey_engine::upgrade::{Measured, Work};
use serde_json::{Value, json};

use super::text::{bytes, duration, span, sstables};
use super::{Output, json, output};

/// How long a run takes, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Estimate {
    pub(crate) measured: Measured,
    /// What is to be done.
    pub(crate) work: Work,
    /// How long that takes, with the planning before it.
    pub(crate) time: Duration,
    /// The maintenance window, if one was given.
    pub(crate) window: Option<Duration>,
}

impl Estimate {
    /// Whether the window is long enough; none without one.
    pub(crate) fn suffices(&self) -> Option<bool> {
        self.window.map(|window| self.time <= window)
    }
}

impl Output {
    /// How long a run would take, after its plan.
    pub(crate) fn estimate(self, estimate: &Estimate) {
        match self {
            Self::Text => output::out(&text(estimate)),
            Self::Json => {
                json::lines([line(estimate)]);
                if let Some(summary) = output::take_summary() {
                    output::keep_summary(with(summary, estimate));
                }
            }
        }
    }
}

fn text(estimate: &Estimate) -> String {
    let Estimate { measured, work, time, window } = *estimate;
    let mut text = format!(
        "measured: {}/s, each byte read, written and read back; {:.1} ms an SSTable\n\
         time: about {} for {}, {} in all\n",
        bytes(measured.bytes_per_second()),
        measured.per_sstable.as_secs_f64() * 1000.0,
        duration(time.as_secs_f64()),
        sstables(work.sstables),
        bytes(work.bytes),
    );
    let Some(window) = window else { return text };
    let _ = match time <= window {
        true => writeln!(text, "window: {}, which suffices", span(window)),
        false => writeln!(
            text,
            "warning: the window of {} is {} too short\n  hint: end each run by its window with \
             --deadline: the same command resumes it in the next",
            span(window),
            span(time.saturating_sub(window)),
        ),
    };
    text
}

fn line(estimate: &Estimate) -> Value {
    let Estimate { measured, work, time, window } = *estimate;
    json!({
        "type": "measure",
        "bytes_per_second": measured.bytes_per_second(),
        "seconds_per_sstable": measured.per_sstable.as_secs_f64(),
        "tried_bytes": measured.bytes,
        "sstables": work.sstables,
        "bytes": work.bytes,
        "seconds": time.as_secs_f64(),
        "window_seconds": window.map(|window| window.as_secs_f64()),
        "suffices": estimate.suffices(),
    })
}

#[expect(clippy::indexing_slicing, reason = "an index into a serde_json object adds the field")]
fn with(mut summary: Value, estimate: &Estimate) -> Value {
    summary["estimated_seconds"] = json!(estimate.time.as_secs_f64());
    summary["window_suffices"] = json!(estimate.suffices());
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_is_too_short_is_a_warning_with_a_hint() {
        let measured = Measured::new(100 << 20, 1, Duration::from_secs(1), Duration::ZERO);
        let work = Work { sstables: 8, bytes: 400 << 20 };
        let mut estimate =
            Estimate { measured, work, time: Duration::from_secs(7260), window: None };
        assert_eq!(estimate.suffices(), None);
        assert!(!text(&estimate).contains("window"));
        estimate.window = Some(Duration::from_secs(7260));
        assert!(text(&estimate).ends_with("window: 2 h 1 min, which suffices\n"));
        estimate.window = Some(Duration::from_secs(3600));
        let text = text(&estimate);
        assert!(text.contains("warning: the window of 1 h 0 min is 1 h 1 min too short\n  hint:"));
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
    }
}
