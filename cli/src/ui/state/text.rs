//! An unfinished run in words.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use indicatif::HumanDuration;
use rekey_engine::journal::{History, State};
use rekey_engine::upgrade::Status;

use crate::ui::text::{align, bytes, table};

pub(in crate::ui) fn status(status: Option<&Status>) -> String {
    let Some(status) = status else {
        return "no run is unfinished: the last one has ended, or none was begun\n".to_owned();
    };
    let mut text = String::new();
    let mut rows = table(&["sstable", "bytes", "state", "durable", "read back", "new"]);
    for one in &status.sstables {
        rows.add_row([
            one.data.display().to_string(),
            bytes(one.bytes),
            one.state.name().to_owned(),
            percent(one.durable, one.bytes),
            percent(one.read_back, one.bytes),
            one.new.clone().unwrap_or_default(),
        ]);
    }
    align(&mut rows, &[1, 3, 4]);
    let _ = writeln!(text, "{rows}\n");
    for failed in &status.sstables {
        if let Some(why) = &failed.why {
            let _ = writeln!(text, "{}: failed: {why}", failed.data.display());
        }
    }
    let total = status.total;
    let _ = writeln!(
        text,
        "{} SSTables, {}: {} durable, {} read back; {} sealed, {} swapped, {} failed",
        total.sstables,
        bytes(total.bytes),
        percent(total.durable, total.bytes),
        percent(total.read_back, total.bytes),
        total.sealed,
        total.swapped,
        total.failed,
    );
    if total.copies > 0 {
        let _ = writeln!(text, "{} copies in snapshots and backups replaced", total.copies);
    }
    for (name, what) in &status.plan {
        if name.starts_with("target") && name != "target key id" {
            let _ = writeln!(text, "{name}: {}", what.escape_debug());
        }
    }
    let _ = writeln!(text, "journal: {}", status.state_dir.join("journal").display());
    pace(&mut text, status);
    text
}

fn pace(text: &mut String, status: &Status) {
    let age = SystemTime::now().duration_since(status.last).unwrap_or_default();
    let ago = HumanDuration(Duration::from_secs(age.as_secs()));
    match &status.worker {
        Some(worker) => {
            let _ = writeln!(text, "process {} works on it; it was heard of {ago} ago", worker.pid);
        }
        None => {
            let _ = writeln!(
                text,
                "nobody works on it, since {ago}: upgradesstables with the same arguments goes on \
                 with it, abandon undoes what it has begun"
            );
        }
    }
    if let (Some(rate), Some(eta)) = (status.rate, status.eta) {
        // It was estimated when the run was heard of last, and has gone on since.
        let left = if status.worker.is_some() { eta.saturating_sub(age) } else { eta };
        let left = HumanDuration(Duration::from_secs(left.as_secs()));
        let _ = writeln!(text, "{}/s (written and read back), {left} left", bytes(rate));
    }
}

pub(in crate::ui) fn resuming(history: &History) -> String {
    let swapped = history.sstables.values().filter(|entry| entry.state == State::Swapped).count();
    format!(
        "going on with an unfinished run: {swapped} SSTables are in their places, {} are partly done",
        history.resumable().count()
    )
}

pub(in crate::ui) fn abandoned(had_journal: bool) -> String {
    let what = match had_journal {
        true => {
            "the unfinished run is abandoned: what was staged is gone, each SSTable is wholly old or \
             wholly new\n"
        }
        false => "no run was unfinished; nothing that was staged is left\n",
    };
    what.to_owned()
}

fn percent(part: u64, whole: u64) -> String {
    let percent = u128::from(part).saturating_mul(100).checked_div(u128::from(whole));
    format!("{}%", percent.unwrap_or(100))
}
