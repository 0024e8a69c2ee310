//! A run.

use jiff::Timestamp;

use super::{
    Bar, Chart, Columns, Directory, Fact, Overview, Reason, Remark, Remarks, Row, Series, Span,
    Step, Timeline, Tone, Value, Verdict, count,
};
use crate::documents::{Attempt, Bytes, Fault, Outcomes, RunReport, Sum};
use crate::exit_code::{self, Code};

pub(super) fn overview(report: RunReport) -> Overview {
    let (facts, verdict) = (facts(&report), verdict(&report));
    let charts = vec![by_key(&report), by_table(&report)];
    let timeline = Some(timeline(&report));
    let directory = |path: &String| Directory {
        path: path.clone(),
        about: vec!["data".to_owned()],
        found: String::new(),
    };
    Overview {
        title: "Re-encryption run",
        subject: subject(&report),
        time: Some(report.began.0),
        tool: Some(report.tool.clone()),
        facts,
        verdicts: vec![verdict],
        charts,
        timeline,
        directories: report.data_directories.iter().map(directory).collect(),
        remarks: remarks(report),
        ..Overview::default()
    }
}

/// The node, as far as it says who it is.
fn subject(report: &RunReport) -> Option<String> {
    let node = report.node.as_ref()?;
    let host = node.host_id.as_ref().map(|id| format!("node {id}"));
    let cluster = node.cluster.as_ref().map(|name| format!("cluster {name}"));
    let parts: Vec<String> = host.into_iter().chain(cluster).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn facts(report: &RunReport) -> Vec<Fact> {
    let node = report.node.as_ref();
    let place = node
        .and_then(|node| Some(format!("{}, {}", node.data_center.as_ref()?, node.rack.as_ref()?)));
    let targets = report.targets.iter().map(|target| match (&target.key, &target.state) {
        (Some(key), Some(state)) => format!("{key} ({state})"),
        (Some(key), None) => key.to_string(),
        (None, _) => "nothing: in clear".to_owned(),
    });
    let targets = targets.map(|key| Fact::new("encrypted under", key));
    let some = [
        Some(Fact::at("ended", report.ended.0)),
        Some(Fact::new("attempt", report.attempt.to_string())),
        Fact::some("run", report.run.as_ref()),
        Fact::some("data center, rack", place),
        Fact::some("product", report.flavor.as_ref()),
        Fact::some("release", node.and_then(|node| node.release_version.as_ref())),
        Fact::some("as user", report.user.as_ref()),
        Some(Fact { name: "command".to_owned(), value: Value::Words(report.arguments.clone()) }),
        Fact::some("started in", report.directory.as_ref()),
    ];
    some.into_iter().flatten().chain(targets).collect()
}

fn verdict(report: &RunReport) -> Verdict {
    let counts = &report.counts;
    let sstables = |number, what| match number {
        0 => None,
        number => Some(format!("{} {what}", count(number, "SSTable", "SSTables"))),
    };
    let copies = match counts.copies {
        0 => None,
        copies => Some(count(copies, "copy in archives replaced", "copies in archives replaced")),
    };
    let parts = [
        sstables(counts.rewritten, "rewritten"),
        copies,
        sstables(counts.skipped, "unchanged"),
        sstables(counts.failed, "failed"),
        sstables(counts.left, "left for the next run"),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let status = report.exit_status;
    let (tone, word) = word(status);
    let what = if parts.is_empty() { "no SSTables".to_owned() } else { parts.join(", ") };
    let again = |number, what: &str| Reason {
        what: format!("{} {what}", count(number, "SSTable", "SSTables")),
        places: report.directory.iter().cloned().collect(),
        steps: vec![Step::Own(vec![report.arguments.clone()])],
        is_choice: false,
    };
    let failed = (counts.failed > 0).then(|| {
        again(counts.failed, "failed: mend the causes below, and run the same command again")
    });
    let left = (tone == Tone::Open)
        .then(|| again(counts.left, "left for the next run: the same command resumes it"));
    let reasons = failed.into_iter().chain(left).chain(alterations(report)).collect();
    Verdict { of: None, tone, word, meaning: format!("{what} (exit status {status})"), reasons }
}

/// What an exit status means.
fn word(status: u8) -> (Tone, &'static str) {
    let of = |code: Code| code.number();
    let words = [
        (exit_code::DONE, Tone::Good, "Done"),
        (exit_code::SOME_FAILED, Tone::Bad, "Some failed"),
        (exit_code::BUSY, Tone::Bad, "Data in use"),
        (exit_code::KEY_UNAVAILABLE, Tone::Bad, "Key missing"),
        (exit_code::NO_SPACE, Tone::Bad, "No space"),
        (exit_code::MISMATCH, Tone::Bad, "Mismatch"),
        (exit_code::STOPPED, Tone::Open, "Stopped"),
        (exit_code::INTERRUPTED, Tone::Open, "Interrupted"),
    ];
    let known = words.into_iter().find(|(code, ..)| of(*code) == status);
    known.map_or((Tone::Bad, "Failed"), |(_, tone, word)| (tone, word))
}

fn alterations(report: &RunReport) -> Option<Reason> {
    let steps: Vec<Step> = report
        .alterations
        .iter()
        .map(|of| match &of.statement {
            Some(statement) => Step::Typed(statement.clone()),
            None => Step::Sentence(format!(
                "{}: its options come from system_info_encryption in hcd.yaml or dse.yaml, which must \
                 say the same",
                of.table
            )),
        })
        .collect();
    let what = "alter these tables, or the node keeps writing with their old options".to_owned();
    (!steps.is_empty()).then_some(Reason { what, places: vec![], steps, is_choice: false })
}

fn by_key(report: &RunReport) -> Chart {
    let chart = Chart {
        bars: &["before", "after"],
        columns: Columns::Bars,
        ..Chart::of_places("Bytes by key", "key")
    };
    let bar = |bytes: &Bytes| Bar(vec![bytes.live, bytes.archived]);
    let state = |key| {
        let target = report.targets.iter().find(|target| target.key.as_ref() == Some(key))?;
        Some(target.state.clone().unwrap_or_else(|| "the target".to_owned()))
    };
    let rows = report.keys.iter().map(|under| Row {
        name: under.key.as_ref().map_or_else(|| "in clear".to_owned(), ToString::to_string),
        note: under.key.as_ref().and_then(state),
        bars: vec![bar(&under.before), bar(&under.after)],
    });
    chart.with(rows.collect())
}

fn by_table(report: &RunReport) -> Chart {
    let chart = Chart {
        series: &[Series::Rewritten, Series::Unchanged, Series::Left, Series::Failed],
        bars: &["bytes"],
        columns: Columns::Bars,
        ..Chart::of_places("Bytes by table", "table")
    };
    let row = |(name, of): (&String, &Outcomes)| {
        let parts = [&of.rewritten, &of.skipped, &of.left, &of.failed];
        let sstables = parts.iter().map(|sum| sum.sstables).fold(0, u64::saturating_add);
        let failed = |Sum { sstables, .. }: &Sum| match sstables {
            0 => String::new(),
            number => format!(", {number} failed"),
        };
        Row {
            name: name.clone(),
            note: Some(count(sstables, "SSTable", "SSTables") + &failed(&of.failed)),
            bars: vec![Bar(parts.iter().map(|sum| sum.bytes).collect())],
        }
    };
    chart.with(report.tables.iter().map(row).collect())
}

fn timeline(report: &RunReport) -> Timeline {
    let earlier = (1_u64..).zip(&report.earlier_attempts).filter_map(|(number, attempt)| {
        let Attempt { began, ended, why } = attempt;
        Some(Span {
            name: format!("attempt {number}"),
            note: Some(ending(why.as_deref()).to_owned()),
            began: began.as_ref()?.0,
            ended: ended.as_ref()?.0,
            is_part: false,
        })
    });
    let mut spans: Vec<Span> = earlier.collect();
    spans.push(Span {
        name: format!("attempt {}", report.attempt),
        note: None,
        began: report.began.0,
        ended: report.ended.0,
        is_part: false,
    });
    let tables = report.tables.iter().filter_map(|(name, of)| {
        let (began, ended) = (of.began?.0, of.ended?.0);
        Some(Span { name: name.clone(), note: None, began, ended, is_part: true })
    });
    let mut tables: Vec<Span> = tables.collect();
    tables.sort_by(|a, b| (a.began, &a.name).cmp(&(b.began, &b.name)));
    spans.extend(tables);
    let bounds = |of: fn(&Span) -> Timestamp| spans.iter().map(of);
    let began = bounds(|span| span.began).min().unwrap_or(report.began.0);
    let ended = bounds(|span| span.ended).max().unwrap_or(report.ended.0);
    Timeline { began, ended, spans }
}

/// Why an attempt left work.
fn ending(why: Option<&str>) -> &'static str {
    match why {
        Some("asked") => "asked to end",
        Some("deadline") => "ended by its deadline",
        Some("stop_after") => "ended by its limit of SSTables",
        Some("failures") => "SSTables failed",
        Some(_) => "ended",
        None => "killed",
    }
}

fn remarks(report: RunReport) -> Vec<Remarks> {
    let RunReport { failed, findings, warnings, .. } = report;
    let failures = failed
        .first
        .into_iter()
        .map(|(table, fault)| Remark { places: vec![table], ..remark(Tone::Bad, "failed", fault) });
    let findings = findings.into_iter().map(|mut fault| {
        let severity = fault.severity.take().unwrap_or_default();
        let tone = if severity == "warning" { Tone::Unknown } else { Tone::Bad };
        remark(tone, severity, fault)
    });
    let warnings = warnings.into_iter().map(|fault| remark(Tone::Unknown, "warning", fault));
    vec![
        Remarks { heading: "Failures", remarks: failures.collect(), more: failed.more },
        Remarks { heading: "Findings", remarks: findings.chain(warnings).collect(), more: 0 },
    ]
}

fn remark(tone: Tone, word: impl Into<String>, Fault { message, cure, .. }: Fault) -> Remark {
    Remark { tone, word: word.into(), what: message, places: vec![], cure }
}
