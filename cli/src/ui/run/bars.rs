//! A progress bar on a terminal; elsewhere a line for each SSTable, and one each minute.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use rekey_engine::ErrorKind;
use rekey_engine::event::{Event, Observer};

use super::pace::Pace;
use crate::ui::output::{err, plain};
use crate::ui::text::{bytes as bytes_of, span, sstables as count};

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
        let (bar, pace) = (ProgressBar::hidden(), Pace::new(SAY_AGAIN, Instant::now(), 0));
        Self { work, bar, terminal, ended: 0, of: 0, pace }
    }

    fn line(&self, line: &str) {
        if self.terminal {
            self.bar.println(plain(line));
        } else {
            err(&format!("{line}\n"));
        }
    }
}

impl Observer for Bars {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { sstables: 0, .. } => {}
            Event::Started { sstables, bytes: total } => {
                self.of = *sstables;
                self.pace = Pace::new(SAY_AGAIN, Instant::now(), *total);
                // A hidden bar prints nothing.
                err(&format!("{}, {} {}\n", count(*sstables), bytes_of(*total), self.work));
                if self.terminal {
                    self.bar = ProgressBar::new(*total).with_style(style());
                    // It draws itself as it moves: a thread for drawing may not be available.
                    self.bar.tick();
                }
            }
            Event::Advanced { bytes } => {
                self.bar.inc(*bytes);
                if let Some(now) = self.pace.advance(*bytes, Instant::now())
                    && !self.terminal
                {
                    let (done, total) = (bytes_of(now.done), bytes_of(now.total));
                    let (rate, left) = (bytes_of(now.rate), span(now.left));
                    self.line(&format!("{done} of {total}, {rate}/s, {left} left"));
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

/// The bar comes last and takes the remaining room: on a narrow terminal it is omitted.
fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{percent:>3}% {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} \
         {eta_precise} left {wide_bar}",
    )
    .unwrap_or_else(|_fixed_template| ProgressStyle::default_bar())
}

const SAY_AGAIN: Duration = Duration::from_secs(60);
