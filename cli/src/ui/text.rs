//! Results as text.

use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{CellAlignment, LineStyle, Table, TableStyle};
use indicatif::BinaryBytes;
use rekey_engine::evidence::Directory;
use rekey_engine::txn::Verdict;
use rekey_engine::{Error, ErrorKind};

use super::paint::To;
use super::wrap::prose;

/// An error and its hint.
pub(super) fn error(error: &Error) -> String {
    let mut text = format!("error: {}\n", error.chain());
    if let Some(hint) = error.hint_text() {
        let _ = writeln!(text, "hint: {hint}");
    }
    prose(text, To::Err)
}

pub(super) fn hint(text: &mut String, error: &Error) {
    if let Some(hint) = error.hint_text().filter(|_| error.kind() != ErrorKind::Internal) {
        let _ = writeln!(text, "  hint: {hint}");
    }
}

pub(super) fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::RollForward => "the interrupted swap is finished".to_owned(),
        Verdict::RollBack => "the interrupted swap is undone".to_owned(),
        Verdict::Refuse(reason) => format!("cannot be finished or undone ({reason})"),
        _ => String::new(),
    }
}

pub(super) fn duration(seconds: f64) -> String {
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if duration.as_secs() >= 60 => span(duration),
        _ => format!("{seconds:.1} s"),
    }
}

/// A span of time in its two largest units, which is as precise as an estimate can be.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let (days, hours) = (seconds / 86_400, seconds / 3600 % 24);
    let (minutes, seconds) = (seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// A number of SSTables, in words.
pub(crate) fn sstables<N: TryInto<u64>>(count: N) -> String {
    match count.try_into() {
        Ok(1) => "1 SSTable".to_owned(),
        Ok(count) => format!("{count} SSTables"),
        Err(_beyond) => "countless SSTables".to_owned(),
    }
}

/// A number of files, in words.
pub(super) fn files(count: u64) -> String {
    match count {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    }
}

/// A line for a directory that was looked at.
pub(super) fn looked_at(directory: &Directory) -> String {
    let Directory { path, role, files: count, bytes: size, .. } = directory;
    format!("looked at: {path} ({}), {}, {}\n", role.name(), files(*count), bytes(*size))
}

pub(super) fn bytes(count: u64) -> String {
    BinaryBytes(count).to_string()
}

pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    let line = LineStyle::new('─', '─', '─', '─');
    table.load_style(TableStyle::new().header_separator(line)).set_header(header.iter().copied());
    table
}

pub(super) fn align(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_has_the_two_largest_units() {
        let of = |seconds| span(Duration::from_secs(seconds));
        assert_eq!(of(0), "0 s");
        assert_eq!(of(59), "59 s");
        assert_eq!(of(725), "12 min 5 s");
        assert_eq!(of(6600), "1 h 50 min");
        assert_eq!(of(90_000), "1 d 1 h");
        assert_eq!(duration(1.25), "1.2 s");
        assert_eq!(duration(61.9), "1 min 1 s");
    }
}
