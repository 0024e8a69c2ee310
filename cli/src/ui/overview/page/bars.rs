//! Charts: a table whose rows have bars. The numbers are text, so that nothing depends on seeing a bar or
//! its colour, and the bars are SVG, which printers do not leave out as they do backgrounds.

use maud::{Markup, html};

use super::MOST;
use super::words::{amount, clean, segment};
use crate::overview::{Bar, Chart, Row, Series};

pub(super) fn chart(chart: &Chart) -> Markup {
    let (shown, others) = chart.shown(MOST);
    let scale = Chart::scale(shown.iter().chain(&others));
    let id = chart.of;
    let heads = chart.heads();
    html! {
        @if chart.names() > 0 {
            section aria-labelledby=(id) {
                h2 id=(id) { (chart.heading) }
                (legend(chart.series))
                table {
                    caption { (chart.names()) " in all, the largest first" }
                    thead {
                        tr {
                            th scope="col" { (chart.of) }
                            @for head in &heads { th scope="col" class="number" { (head) } }
                        }
                    }
                    @for row in shown.iter().chain(&others) { (line(chart, row, scale)) }
                    tfoot {
                        @let total = chart.total();
                        tr {
                            th scope="row" { "all" }
                            @for value in chart.amounts(&total) { td class="number" { (amount(value)) } }
                        }
                    }
                }
            }
        }
    }
}

fn line(chart: &Chart, row: &Row, scale: u64) -> Markup {
    let amounts = chart.amounts(row);
    let columns = amounts.len().saturating_add(1);
    html! {
        tbody {
            tr {
                th scope="row" {
                    span class="name" { (clean(&row.name)) }
                    @if let Some(note) = &row.note { " " span class="note" { (clean(note)) } }
                }
                @for value in amounts { td class="number" { (amount(value)) } }
            }
            tr class="bars" {
                td colspan=(columns) {
                    @for (of, values) in chart.bars.iter().zip(&row.bars) {
                        div class="labelled" {
                            @if chart.bars.len() > 1 { span class="quiet" aria-hidden="true" { (of) } }
                            (bar(of, chart.series, values, scale))
                        }
                    }
                }
            }
        }
    }
}

fn bar(of: &str, series: &[Series], values: &Bar, scale: u64) -> Markup {
    let mut left = 0_u64;
    let parts =
        series.iter().zip(&values.0).filter(|(_, value)| **value > 0).map(|(series, value)| {
            let from = left;
            left = left.saturating_add(*value);
            (*series, from, *value)
        });
    let parts: Vec<(Series, u64, u64)> = parts.collect();
    let label =
        parts.iter().map(|(series, _, value)| format!("{} {}", series.name(), amount(*value)));
    let label = match parts.is_empty() {
        true => "nothing".to_owned(),
        false => label.collect::<Vec<_>>().join(", "),
    };
    let label = format!("{of}: {label}");
    html! {
        svg class="bar" role="img" aria-label=(label) {
            rect class="track" width="100%" height="100%" {}
            @for (series, from, value) in &parts {
                @let (x, width) = segment(*from, *value, scale);
                rect class=(class(*series)) x=(x) width=(width) height="100%" {}
            }
        }
    }
}

fn legend(series: &[Series]) -> Markup {
    html! {
        ul class="legend" aria-label="what the bars show" {
            @for one in series {
                li {
                    svg class="swatch" aria-hidden="true" {
                        rect class=(class(*one)) width="100%" height="100%" {}
                    }
                    (one.name())
                }
            }
        }
    }
}

/// Its colour and pattern, in the style sheet.
const fn class(series: Series) -> &'static str {
    match series {
        Series::Live => "live",
        Series::Archives => "archives",
        Series::Rewritten => "rewritten",
        Series::Unchanged => "unchanged",
        Series::Left => "left",
        Series::Failed => "failed",
    }
}

/// Patterns beside colours, for who does not see these, or prints in black.
pub(super) fn patterns() -> Markup {
    html! {
        svg class="patterns" aria-hidden="true" width="0" height="0" {
            defs {
                pattern id="stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect class="ground-archives" width="6" height="6" {}
                    rect class="ink" width="2" height="6" {}
                }
                pattern id="cross" width="6" height="6" patternUnits="userSpaceOnUse" {
                    rect class="ground-failed" width="6" height="6" {}
                    rect class="ink" width="6" height="1.5" {}
                    rect class="ink" width="1.5" height="6" {}
                }
                pattern id="dots" width="5" height="5" patternUnits="userSpaceOnUse" {
                    rect class="ground-left" width="5" height="5" {}
                    rect class="ink" width="2" height="2" {}
                }
            }
        }
    }
}
