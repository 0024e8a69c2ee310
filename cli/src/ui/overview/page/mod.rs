//! One self-contained page: no script, no other file, and everything that comes from a document escaped.

mod bars;
mod lists;
mod timeline;
mod words;

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use self::lists::{digests, directories, facts, missing, remarks, verdicts};
pub(super) use self::words::{amount, command};
use self::words::{clean, time};
use crate::overview::Overview;

/// The page of an overview; `sources` are the documents that it shows.
pub(crate) fn page(overview: &Overview, sources: &[String], now: Timestamp) -> String {
    let subject = overview.subject.as_deref().map(clean);
    let title = match &subject {
        Some(subject) => format!("{}: {subject}", overview.title),
        None => overview.title.to_owned(),
    };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (bars::patterns())
                header {
                    h1 { (overview.title) }
                    @if let Some(subject) = &subject { p class="subject" { (subject) } }
                    p class="quiet" {
                        @if let Some(at) = overview.time { (time(at)) }
                        @if let (Some(tool), true) = (&overview.tool, overview.time.is_some()) {
                            ", " (clean(tool))
                        }
                    }
                }
                main { (content(overview)) }
                (footer(overview, sources, now))
            }
        }
    };
    markup.into_string()
}

fn content(overview: &Overview) -> Markup {
    html! {
        (verdicts(overview))
        @for chart in &overview.charts { (bars::chart(chart)) }
        @if let Some(timeline) = &overview.timeline { (timeline::timeline(timeline)) }
        @for of in &overview.remarks { (remarks(of)) }
        (directories(&overview.directories))
        (missing(&overview.missing))
        (facts(&overview.facts))
    }
}

fn footer(overview: &Overview, sources: &[String], now: Timestamp) -> Markup {
    html! {
        footer {
            (digests(&overview.digests))
            section aria-labelledby="sources" {
                h2 id="sources" { "Shown from" }
                ul {
                    @for source in sources.iter().take(MOST) { li { code { (clean(source)) } } }
                    (more(sources.len(), "documents"))
                }
                p class="quiet" {
                    "Page made by sstablerekey " (env!("CARGO_PKG_VERSION")) ", " (time(now)) "."
                }
            }
        }
    }
}

/// The line that says how many are not shown.
fn more(all: usize, of: &str) -> Markup {
    let left = all.saturating_sub(MOST);
    html! {
        @if left > 0 { li class="more" { "and " (left) " other " (of) } }
    }
}

/// What is shown of many things.
const MOST: usize = 30;

/// Nothing is loaded, run or sent anywhere.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

const STYLE: &str = include_str!("style.css");
