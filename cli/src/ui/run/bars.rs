//! A progress bar on a terminal; elsewhere a line each minute. Failures have lines, and with
//! `--verbose` every SSTable that is done.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use jiff::ZonedDateTime;
use rekey_engine::event::{Event, Observer};
use rekey_engine::{Error, ErrorKind};

use super::pace::{Pace, Progress};
use crate::ui::loudness::{Loudness, loudness};
use crate::ui::output::{err, shown};
use crate::ui::paint::To;
use crate::ui::text::{bytes as bytes_of, duration, span, sstables as count};

/// Draws what an observer sees.
#[derive(Debug)]
pub(super) struct Bars {
    work: &'static str,
    bar: ProgressBar,
    terminal: bool,
    loudness: Loudness,
    /// When work on the SSTables began that are open.
    open: BTreeMap<PathBuf, Instant>,
    ended: usize,
    of: usize,
    pace: Pace,
}

impl Bars {
    pub(super) fn new(work: &'static str) -> Self {
        let loudness = loudness();
        let terminal = loudness != Loudness::Quiet && std::io::stderr().is_terminal();
        let (bar, pace) = (ProgressBar::hidden(), Pace::new(SAY_AGAIN, Instant::now(), 0));
        Self { work, bar, terminal, loudness, open: BTreeMap::new(), ended: 0, of: 0, pace }
    }

    fn line(&self, line: &str) {
        if self.terminal {
            self.bar.println(shown(line, To::Err));
        } else {
            err(&format!("{line}\n"));
        }
    }

    fn started(&mut self, sstables: usize, total: u64) {
        self.of = sstables;
        self.pace = Pace::new(SAY_AGAIN, Instant::now(), total);
        if self.loudness != Loudness::Quiet {
            // A hidden bar prints nothing.
            err(&format!("{}, {} {}\n", count(sstables), bytes_of(total), self.work));
        }
        if self.terminal {
            self.bar = ProgressBar::new(total).with_style(style());
            // It draws itself as it moves: a thread for drawing may not be available.
            self.bar.tick();
        }
    }

    fn advanced(&mut self, bytes: u64) {
        self.bar.inc(bytes);
        let Some(now) = self.pace.advance(bytes, Instant::now()) else { return };
        let until = ends_at(&now);
        if self.terminal {
            self.bar.set_message(until);
        } else if self.loudness != Loudness::Quiet {
            let (done, total) = (bytes_of(now.done), bytes_of(now.total));
            let (rate, left) = (bytes_of(now.rate), span(now.left));
            self.line(&format!("{done} of {total}, {rate}/s, {left} left{until}"));
        }
    }

    /// What became of an SSTable, if that is shown.
    fn end_of(&mut self, ended: &Ended<'_>) -> Option<String> {
        let took = self.open.remove(ended.data).map(|began| began.elapsed());
        if ended.error.is_some_and(|error| error.kind() == ErrorKind::Interrupted) {
            return None;
        }
        self.ended = self.ended.saturating_add(1);
        let name = ended.data.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let name = format!("{} {}", ended.table, name.strip_suffix("-Data.db").unwrap_or(name));
        let line = match (ended.error, ended.new, self.loudness) {
            // At the end all causes are listed.
            (Some(_), _, Loudness::Quiet) => return None,
            (Some(error), ..) => format!("failed: {}", error.chain()),
            (None, _, Loudness::Quiet | Loudness::Usual) => return None,
            (None, Some(new), _) => format!("{name} -> {new}{}", pace(ended.bytes, took)),
            (None, None, _) => format!("{name}: verified{}", pace(ended.bytes, took)),
        };
        // The word that says how much it weighs comes first.
        Some(match ended.error {
            Some(_) => format!("{line} [{}/{}]", self.ended, self.of),
            None => format!("[{}/{}] {line}", self.ended, self.of),
        })
    }
}

impl Observer for Bars {
    fn event(&mut self, event: &Event<'_>) {
        match *event {
            Event::Started { sstables: 0, .. } => {}
            Event::Started { sstables, bytes } => self.started(sstables, bytes),
            Event::SSTableBegan { data, .. } if self.loudness == Loudness::Verbose => {
                self.open.insert(data.to_owned(), Instant::now());
            }
            Event::Advanced { bytes } => self.advanced(bytes),
            Event::SSTableEnded { table, data, bytes, new, error, .. } => {
                if let Some(line) = self.end_of(&Ended { table, data, bytes, new, error }) {
                    self.line(&line);
                }
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

/// An SSTable that is done, or has failed.
struct Ended<'e> {
    table: &'e str,
    data: &'e Path,
    bytes: u64,
    new: Option<&'e str>,
    error: Option<&'e Error>,
}

/// How long an SSTable took, and at what rate.
fn pace(bytes: u64, took: Option<Duration>) -> String {
    let Some(took) = took else { return String::new() };
    let rate = u128::from(bytes).saturating_mul(1000).checked_div(took.as_millis());
    let rate = rate.and_then(|rate| u64::try_from(rate).ok());
    let rate = rate.map_or_else(String::new, |rate| format!(", {}/s", bytes_of(rate)));
    format!(" ({}{rate})", duration(took.as_secs_f64()))
}

/// When it is over at that rate, by this machine's clock.
fn ends_at(now: &Progress) -> String {
    let end = ZonedDateTime::now().checked_add(now.left);
    end.map_or_else(|_in_ages| String::new(), |end| format!(", until {}", end.strftime("%H:%M")))
}

/// The bar comes last and takes the remaining room: on a narrow terminal it is omitted.
fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{percent:>3}% {binary_bytes}/{binary_total_bytes} {binary_bytes_per_sec} \
         {eta_precise} left{msg} {wide_bar}",
    )
    .unwrap_or_else(|_fixed_template| ProgressStyle::default_bar())
}

const SAY_AGAIN: Duration = Duration::from_secs(60);
