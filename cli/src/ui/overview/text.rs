//! The overview on a terminal: about a screen.

use std::fmt::Write as _;

use super::Shown;
use crate::overview::{Chart, Overview, Reason, Remarks, Row, Step, Verdict};
use crate::ui::overview::page::{amount, command};
use crate::ui::paint::To;
use crate::ui::text::{align, table};
use crate::ui::wrap::prose;

pub(super) fn overview(overview: &Overview, shown: &Shown<'_>) -> String {
    let mut text = overview.title.to_lowercase();
    if let Some(subject) = &overview.subject {
        let _ = write!(text, ": {subject}");
    }
    text.push('\n');
    // Of one there is room for all that is to be done.
    let is_brief = overview.verdicts.len() > 1;
    for verdict in overview.verdicts.iter().take(MOST) {
        of_verdict(&mut text, verdict, is_brief);
    }
    more(&mut text, overview.verdicts.len(), "keys");
    if !overview.common.is_empty() {
        text.push_str("for every key:\n");
        of_reasons(&mut text, &overview.common, is_brief);
    }
    for chart in overview.charts.iter().filter(|chart| chart.names() > 0) {
        let _ = writeln!(text, "\n{}", bars(chart));
    }
    for remarks in &overview.remarks {
        of_remarks(&mut text, remarks);
    }
    for missing in overview.missing.iter().take(MOST) {
        let _ = writeln!(text, "no report: {missing}");
    }
    more(&mut text, overview.missing.len(), "nodes without a report");
    let mut text = prose(text, To::Out);
    for source in shown.sources {
        let _ = writeln!(text, "from: {}", source.display());
    }
    let reports = shown.reports.unwrap_or_default();
    let earlier = reports.iter().rev().filter(|report| !shown.sources.contains(report));
    for report in earlier.take(MOST) {
        let _ = writeln!(text, "earlier: {}", report.display());
    }
    more(&mut text, reports.len().saturating_sub(shown.sources.len()), "earlier reports");
    if let Some(page) = shown.page {
        let _ = writeln!(text, "page: {}", page.display());
    }
    text
}

fn of_verdict(text: &mut String, verdict: &Verdict, is_brief: bool) {
    let Verdict { of, word, meaning, reasons, .. } = verdict;
    let about: Vec<&str> = of
        .as_deref()
        .into_iter()
        .chain([meaning.as_str()])
        .filter(|part| !part.is_empty())
        .collect();
    let _ = writeln!(text, "{}: {}", word.to_lowercase(), about.join(", "));
    of_reasons(text, reasons, is_brief);
}

fn of_reasons(text: &mut String, reasons: &[Reason], is_brief: bool) {
    for reason in reasons.iter().take(MOST) {
        let _ = writeln!(text, "  {}", reason.what);
        for (number, step) in reason.steps.iter().take(MOST).filter(|_| !is_brief).enumerate() {
            let word = if reason.is_choice && number > 0 { "or " } else { "" };
            let lines = match step {
                Step::Own(commands) => commands.iter().map(|words| command(words)).collect(),
                Step::Typed(step) | Step::Sentence(step) => vec![step.clone()],
            };
            for line in lines {
                let _ = writeln!(text, "    {word}{line}");
            }
        }
        if !is_brief {
            more(text, reason.steps.len(), "steps");
        }
    }
    more(text, reasons.len(), "reasons");
}

fn bars(chart: &Chart) -> String {
    let heads = chart.heads();
    let mut header = vec![chart.of];
    header.extend(&heads);
    let mut lines = table(&header);
    let row = |row: &Row| {
        let amounts = chart.amounts(row).into_iter().map(amount);
        std::iter::once(row.name.clone()).chain(amounts).collect::<Vec<_>>()
    };
    let (shown, others) = chart.shown(MOST);
    for one in shown.iter().chain(&others) {
        lines.add_row(row(one));
    }
    let columns: Vec<usize> = (1..header.len()).collect();
    align(&mut lines, &columns);
    lines.to_string()
}

fn of_remarks(text: &mut String, of: &Remarks) {
    for remark in of.remarks.iter().take(MOST) {
        let _ = writeln!(text, "{}: {}", remark.word, remark.what);
        if let Some(cure) = &remark.cure {
            let _ = writeln!(text, "  hint: {cure}");
        }
    }
    let all = u64::try_from(of.remarks.len()).unwrap_or(u64::MAX).saturating_add(of.more);
    more(text, all, &of.heading.to_lowercase());
}

/// Says that not all are shown.
fn more<N: TryInto<u64>>(text: &mut String, all: N, of: &str) {
    let all = all.try_into().unwrap_or(u64::MAX);
    let left = all.saturating_sub(MOST_SHOWN);
    if left > 0 {
        let _ = writeln!(text, "and {left} more {of} (--html has them)");
    }
}

/// What is shown of many things.
const MOST: usize = 5;
const MOST_SHOWN: u64 = 5;
