//! A progress bar on a terminal; elsewhere a line an SSTable, and one a minute.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rekey_engine::ErrorKind;
use rekey_engine::event::{Event, Observer};

use super::text::{bytes, span};

/// Draws what an observer sees.
#[derive(Debug)]
pub(super) struct Bars {
    work: &'static str,
    bar: ProgressBar,
    terminal: bool,
    ended: usize,
    of: usize,
    pace: Pace,
}

impl Bars {
    pub(super) fn new(work: &'static str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let (bar, pace) = (ProgressBar::hidden(), Pace::new(Instant::now(), 0));
        Self { work, bar, terminal, ended: 0, of: 0, pace }
    }

    fn line(&self, line: &str) {
        if self.terminal {
            self.bar.println(line);
        } else {
            super::err(&format!("{line}\n"));
        }
    }
}

impl Observer for Bars {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { sstables: 0, .. } => {}
            Event::Started { sstables, bytes: total } => {
                self.of = *sstables;
                self.pace = Pace::new(Instant::now(), *total);
                // A hidden bar prints nothing.
                super::err(&format!("{sstables} SSTables, {} {}\n", bytes(*total), self.work));
                if self.terminal {
                    self.bar = ProgressBar::new(*total).with_style(style());
                    self.bar.enable_steady_tick(Duration::from_millis(200));
                }
            }
            Event::Advanced { bytes } => {
                self.bar.inc(*bytes);
                if let Some(line) = self.pace.advance(*bytes, Instant::now())
                    && !self.terminal
                {
                    self.line(&line);
                }
            }
            Event::SSTableEnded { error: Some(error), .. }
                if error.kind() == ErrorKind::Interrupted => {}
            Event::SSTableEnded { table, data, new, error, .. } => {
                self.ended = self.ended.saturating_add(1);
                let name = data.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let name = name.strip_suffix("-Data.db").unwrap_or(name);
                let line = match (error, new) {
                    (Some(error), _) => format!("failed: {}", error.chain()),
                    (None, Some(new)) => format!("{table} {name} -> {new}"),
                    (None, None) => format!("{table} {name}: verified"),
                };
                self.line(&format!("[{}/{}] {line}", self.ended, self.of));
            }
            _ => {}
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What is said from time to time where there is no bar.
#[derive(Debug)]
struct Pace {
    began: Instant,
    said: Instant,
    done: u64,
    total: u64,
}

impl Pace {
    const fn new(now: Instant, total: u64) -> Self {
        Self { began: now, said: now, done: 0, total }
    }

    /// Counts bytes, and says how far it is if it is time for that.
    fn advance(&mut self, more: u64, now: Instant) -> Option<String> {
        self.done = self.done.saturating_add(more);
        if now.duration_since(self.said) < SAY_AGAIN {
            return None;
        }
        self.said = now;
        let seconds = now.duration_since(self.began).as_secs().max(1);
        let rate = (self.done / seconds).max(1);
        let left = Duration::from_secs(self.total.saturating_sub(self.done) / rate);
        let (done, total) = (bytes(self.done), bytes(self.total));
        Some(format!("{done} of {total}, {}/s, {} left", bytes(rate), span(left)))
    }
}

/// The bar comes last and takes the room that is left: on a narrow terminal it is what goes.
fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{percent:>3}% {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} \
         {eta_precise} left {wide_bar}",
    )
    .unwrap_or_else(|_fixed_template| ProgressStyle::default_bar())
}

const SAY_AGAIN: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_is_said_once_a_minute() {
        let began = Instant::now();
        let mut pace = Pace::new(began, 600 << 20);
        let mut at = |seconds| pace.advance(10 << 20, began + Duration::from_secs(seconds));
        assert_eq!(at(1), None);
        assert_eq!(at(59), None);
        assert_eq!(at(60).unwrap(), "30.00 MiB of 600.00 MiB, 512.00 KiB/s, 19 min 0 s left");
        assert_eq!(at(119), None);
        assert!(at(120).is_some());
    }
}
