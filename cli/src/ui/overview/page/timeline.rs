//! What happened when: a table whose rows have a bar at their time.

use std::time::Duration;

use jiff::Timestamp;
use maud::{Markup, html};

use super::words::{clean, segment, time};
use super::{MOST, more};
use crate::overview::{Span, Timeline};
use crate::ui::text::duration;

pub(super) fn timeline(of: &Timeline) -> Markup {
    let (parts, attempts): (Vec<&Span>, Vec<&Span>) =
        of.spans.iter().partition(|span| span.is_part);
    html! {
        section aria-labelledby="timeline" {
            h2 id="timeline" { "Time line" }
            p { "From " (time(of.began)) " to " (time(of.ended)) ", " (took(of.began, of.ended)) "." }
            (spans(of, &attempts, "attempt", "Attempts"))
            (spans(of, &parts, "table", "Tables, by when work on them began"))
        }
    }
}

fn spans(of: &Timeline, spans: &[&Span], head: &str, caption: &str) -> Markup {
    let has_days = of.began.strftime("%F").to_string() != of.ended.strftime("%F").to_string();
    html! {
        @if !spans.is_empty() {
            table {
                caption { (caption) }
                thead {
                    tr {
                        th scope="col" { (head) }
                        th scope="col" class="number" { "began (UTC)" }
                        th scope="col" class="number" { "took" }
                    }
                }
                @for span in spans.iter().take(MOST) { (line(of, span, has_days)) }
            }
            @if spans.len() > MOST { ul class="rest" { (more(spans.len(), &format!("{head}s"))) } }
        }
    }
}

fn line(of: &Timeline, span: &Span, has_days: bool) -> Markup {
    let whole = millis(of.began, of.ended);
    let (from, length) = (millis(of.began, span.began), millis(span.began, span.ended));
    let (x, width) = segment(from, length.max(1), whole);
    let took = took(span.began, span.ended);
    let label = format!("from {} on for {took}", span.began.strftime("%F %T UTC"));
    html! {
        tbody {
            tr {
                th scope="row" {
                    span class="name" { (clean(&span.name)) }
                    @if let Some(note) = &span.note { " " span class="note" { (clean(note)) } }
                }
                td class="number" {
                    @if has_days { (span.began.strftime("%m-%d")) " " }
                    (span.began.strftime("%H:%M:%S"))
                }
                td class="number" { (took) }
            }
            tr class="bars" {
                td colspan="3" {
                    svg class="bar" role="img" aria-label=(label) {
                        rect class="track" width="100%" height="100%" {}
                        rect class=(if span.is_part { "rewritten" } else { "live" }) x=(x) width=(width)
                            height="100%" {}
                    }
                }
            }
        }
    }
}

/// Milliseconds between two times; what ends before it begins takes none.
fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond().saturating_sub(from.as_millisecond())).unwrap_or_default()
}

fn took(from: Timestamp, to: Timestamp) -> String {
    duration(Duration::from_millis(millis(from, to)).as_secs_f64())
}
