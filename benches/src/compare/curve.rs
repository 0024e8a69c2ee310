//! How a rate changes with something else.

use std::fmt::Write as _;

use super::row::digits;

/// A rate against one thing that is changed, everything else being the same.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    /// What is measured.
    pub(super) what: String,
    /// What is changed.
    pub(super) against: String,
    pub(super) points: Vec<Point>,
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Point {
    /// The thing that is changed.
    pub(super) at: String,
    /// GB/s.
    pub(super) rate: f64,
    /// Nanoseconds of CPU time for each byte.
    pub(super) cost: f64,
    /// MiB beyond mapped files, where that was looked at.
    pub(super) memory: Option<f64>,
}

impl Curve {
    pub(super) fn markdown(&self) -> String {
        let has_memory = self.points.iter().any(|point| point.memory.is_some());
        let (head, line) = if has_memory { (" own memory |", "---|") } else { ("", "") };
        let mut text = format!(
            "{}:\n\n| {} | GB/s | CPU ns/byte |{head}\n|---|---|---|{line}\n",
            self.what, self.against
        );
        for point in &self.points {
            let memory = match point.memory {
                Some(memory) => format!(" {} MiB |", digits(memory)),
                None => String::new(),
            };
            let (rate, cost) = (digits(point.rate), digits(point.cost));
            let _to_memory = writeln!(text, "| {} | {rate} | {cost} |{memory}", point.at);
        }
        text
    }
}
