//! An unfinished run in words.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rekey_engine::journal::{Ending, History, State};
use rekey_engine::sstable::TableDir;
use rekey_engine::upgrade::{SSTableStatus, Status};

use crate::ui::text::{align, bytes, span, sstables, table};

/// A screen of it: the SSTables in work, those that failed, sums. With `all`, every SSTable that was
/// begun.
pub(super) fn status(status: Option<&Status>, all: bool) -> String {
    let Some(status) = status else {
        return "no run is unfinished: the last one has ended, or none was begun\n".to_owned();
    };
    let mut text = String::new();
    let most = if all { usize::MAX } else { MOST };
    let is_in_work = |one: &&SSTableStatus| !matches!(one.state, State::Swapped | State::Failed);
    let shown: Vec<_> = status.sstables.iter().filter(|one| all || is_in_work(one)).collect();
    if !shown.is_empty() {
        let mut rows = table(&["sstable", "bytes", "state", "written", "read back"]);
        for one in shown.iter().take(most) {
            rows.add_row([
                name(&one.data),
                bytes(one.bytes),
                one.state.name().to_owned(),
                percent(one.durable, one.bytes),
                percent(one.read_back, one.bytes),
            ]);
        }
        align(&mut rows, &[1, 3, 4]);
        let _ = writeln!(text, "{rows}");
        more(&mut text, shown.len(), most);
        text.push('\n');
    }
    let failed: Vec<_> =
        status.sstables.iter().filter_map(|one| Some((one, one.why.as_ref()?))).collect();
    for (one, why) in failed.iter().take(most) {
        let _ = writeln!(text, "{}: failed: {why}", one.data.display());
    }
    more(&mut text, failed.len(), most);
    sums(&mut text, status);
    pace(&mut text, status);
    text
}

fn more(text: &mut String, all: usize, shown: usize) {
    let more = all.saturating_sub(shown);
    if more > 0 {
        let _ = writeln!(text, "and {more} more (--all)");
    }
}

fn sums(text: &mut String, status: &Status) {
    let total = status.total;
    let _ = writeln!(
        text,
        "{}: {} swapped in, {} failed, {} left",
        sstables(total.sstables),
        total.swapped,
        total.failed,
        left(status),
    );
    if total.copies > 0 {
        let _ = writeln!(text, "{} copies in snapshots and backups replaced", total.copies);
    }
    let passes =
        [("written", total.written, total.durable), ("read back", total.checked, total.read_back)];
    for (what, done, durable) in passes {
        let (of, percent) = (bytes(total.bytes), percent(done, total.bytes));
        let _ = write!(text, "{what:<10} {} of {of}, {percent}", bytes(done));
        let _ = match done == durable {
            true => writeln!(text),
            false => writeln!(text, " (a kill would leave {})", bytes(durable)),
        };
    }
    for (name, what) in &status.plan {
        if name == "target options" || name == "target key" {
            let what: String = what.chars().filter(|c| !c.is_control()).collect();
            let _ = writeln!(text, "{name}: {what}");
        }
    }
    let _ = writeln!(text, "journal: {}", status.state_dir.join("journal").display());
}

fn left(status: &Status) -> u64 {
    status.total.sstables.saturating_sub(status.total.swapped).saturating_sub(status.total.failed)
}

/// How the last process has ended.
fn ending(status: &Status) -> String {
    let left = left(status);
    match status.ending {
        Some(Ending::Limit) => {
            let swapped = sstables(status.swapped_then);
            format!("stopped after {swapped} (--stop-after); {left} left")
        }
        Some(Ending::Deadline) => format!("ended by its deadline; {left} left"),
        Some(Ending::Asked) => format!("stopped on request; {left} left"),
        Some(_) => "ended with failures".to_owned(),
        None => "cut off".to_owned(),
    }
}

fn pace(text: &mut String, status: &Status) {
    let age = SystemTime::now().duration_since(status.last).unwrap_or_default();
    if let (Some(rate), Some(eta)) = (status.rate, status.eta) {
        // It was estimated at the run's last record.
        let left = if status.worker.is_some() { eta.saturating_sub(age) } else { eta };
        let _ = writeln!(text, "{}/s written and read back, {} left", bytes(rate), span(left));
    }
    let age = span(Duration::from_secs(age.as_secs()));
    let _ = match &status.worker {
        Some(worker) => {
            writeln!(text, "process {} works on it; this is how far it was {age} ago", worker.pid)
        }
        None => writeln!(
            text,
            "{}; nobody has worked on it for {age}: upgradesstables with the same arguments resumes it, \
             abandon undoes what it has begun",
            ending(status)
        ),
    };
}

/// `keyspace.table nb-1-big`; or its path, if it has no such name.
fn name(data: &Path) -> String {
    let of = |path: &Path| path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let parts = || {
        let directory = data.parent()?;
        let own = of(directory)?;
        let (table, index) = match own.strip_prefix('.') {
            Some(index) => (directory.parent()?, Some(index)),
            None => (directory, None),
        };
        let found = TableDir::new(Path::new(""), &of(table.parent()?)?, &of(table)?);
        let found = index.map_or_else(|| found.clone(), |index| found.index(index));
        Some(format!("{found} {}", of(data)?.strip_suffix("-Data.db")?))
    };
    parts().unwrap_or_else(|| data.display().to_string())
}

pub(super) fn resuming(history: &History) -> String {
    let swapped = history.sstables.values().filter(|entry| entry.state == State::Swapped).count();
    format!(
        "resuming an unfinished run; SSTables in their places: {swapped}, partly done: {}",
        history.resumable().count()
    )
}

pub(super) fn abandoned(had_journal: bool) -> String {
    let what = match had_journal {
        true => {
            "the unfinished run is abandoned: what was staged is gone, each SSTable is wholly old or \
             wholly new\n"
        }
        false => "no run was unfinished; nothing that was staged is left in the data directories\n",
    };
    what.to_owned()
}

fn percent(part: u64, whole: u64) -> String {
    let percent = u128::from(part).saturating_mul(100).checked_div(u128::from(whole));
    format!("{}%", percent.unwrap_or(100))
}

/// SSTables that are shown one by one, unless all are requested.
const MOST: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_sstable_is_named_by_its_table() {
        let table = "/data/ks/t-5ab1e000000011f0800000000000000a";
        assert_eq!(name(Path::new(&format!("{table}/nb-1-big-Data.db"))), "ks.t nb-1-big");
        assert_eq!(
            name(Path::new(&format!("{table}/.by_n/oa-2-big-Data.db"))),
            "ks.t.by_n oa-2-big"
        );
        assert_eq!(name(Path::new("/strange")), "/strange");
    }
}
