//! A progress bar on a terminal; a line an SSTable elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use rekey_engine::event::{Event, Observer};

/// Draws what an observer sees.
#[derive(Debug)]
pub(super) struct Bars {
    bar: ProgressBar,
    terminal: bool,
    done: usize,
    of: usize,
}

impl Bars {
    pub(super) fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { bar: ProgressBar::hidden(), terminal, done: 0, of: 0 }
    }

    fn line(&self, line: &str) {
        if self.terminal {
            self.bar.println(line);
        } else {
            eprintln!("{line}");
        }
    }
}

impl Observer for Bars {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Started { sstables, bytes } => {
                self.of = *sstables;
                if self.terminal && *sstables > 0 {
                    self.bar = ProgressBar::new(*bytes).with_style(style());
                    self.bar.enable_steady_tick(std::time::Duration::from_millis(200));
                }
            }
            Event::SSTableBegan { table, .. } => self.bar.set_message((*table).to_owned()),
            Event::Advanced { bytes } => self.bar.inc(*bytes),
            Event::SSTableEnded { data, new, error, .. } => {
                self.done = self.done.saturating_add(1);
                let (n, of, path) = (self.done, self.of, data.display());
                let line = match (error, new) {
                    (Some(error), _) => format!("failed: {}", error.chain()),
                    (None, Some(new)) => format!("{path} -> {new}"),
                    (None, None) => format!("{path}: every chunk decrypts, all checksums hold"),
                };
                self.line(&format!("[{n}/{of}] {line}"));
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

fn style() -> ProgressStyle {
    ProgressStyle::with_template(
        "{bar:30} {percent:>3}% {binary_bytes}/{binary_total_bytes} \
         {binary_bytes_per_sec} eta {eta} {wide_msg}",
    )
    .unwrap_or_else(|_fixed_template| ProgressStyle::default_bar())
}
