//! What has no bars: verdicts, facts, findings, directories, nodes, digests.

use maud::{Markup, html};

use super::words::{clean, command, time};
use super::{MOST, more};
use crate::overview::{
    Directory, Fact, Overview, Reason, Remark, Remarks, Step, Tone, Value, Verdict,
};

pub(super) fn verdicts(of: &Overview) -> Markup {
    html! {
        section aria-labelledby="verdict" {
            h2 id="verdict" { @if of.verdicts.len() > 1 { "Verdicts" } @else { "Verdict" } }
            @if of.verdicts.len() > 1 { (tally(&of.verdicts)) }
            @for one in of.verdicts.iter().take(MOST) { (verdict(one)) }
            @if of.verdicts.len() > MOST { ul class="rest" { (more(of.verdicts.len(), "keys")) } }
            @if !of.common.is_empty() {
                div class="verdict" {
                    h3 { "For every key" }
                    (reasons(&of.common))
                }
            }
        }
    }
}

/// How many there are of each word.
fn tally(of: &[Verdict]) -> Markup {
    let mut words: Vec<(&str, usize)> = Vec::new();
    for verdict in of {
        match words.iter_mut().find(|(word, _)| *word == verdict.word) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => words.push((verdict.word, 1)),
        }
    }
    let words: Vec<String> = words.iter().map(|(word, count)| format!("{word}: {count}")).collect();
    html! { p { (words.join(", ")) } }
}

fn verdict(of: &Verdict) -> Markup {
    let (class, sign) = tone(of.tone);
    html! {
        div class={ "verdict " (class) } {
            div class="head" {
                @if let Some(key) = &of.of { h3 { (clean(key)) } }
                p class="word" { span class="sign" aria-hidden="true" { (sign) } " " (of.word) }
                @if !of.meaning.is_empty() { p { (clean(&of.meaning)) } }
            }
            (reasons(&of.reasons))
        }
    }
}

fn reasons(of: &[Reason]) -> Markup {
    html! {
        @if !of.is_empty() {
            ol class="reasons" {
                @for reason in of.iter().take(MOST) {
                    li {
                        (clean(&reason.what))
                        (places(&reason.places))
                        @if !reason.steps.is_empty() {
                            ul class="steps" {
                                @for (number, one) in reason.steps.iter().take(MOST).enumerate() {
                                    @let is_other = reason.is_choice && number > 0;
                                    li { @if is_other { span class="or" { "or" } } (step(one)) }
                                }
                                (more(reason.steps.len(), "steps"))
                            }
                        }
                    }
                }
                (more(of.len(), "reasons"))
            }
        }
    }
}

fn step(of: &Step) -> Markup {
    html! {
        @match of {
            Step::Own(commands) => code {
                @for (number, words) in commands.iter().take(MOST).enumerate() {
                    @if number > 0 { "\n" }
                    (clean(&command(words)))
                }
                @if commands.len() > MOST {
                    "\n# and " (commands.len().saturating_sub(MOST)) " more"
                }
            },
            Step::Typed(typed) => code { (clean(typed)) },
            Step::Sentence(sentence) => (clean(sentence)),
        }
    }
}

fn places(of: &[String]) -> Markup {
    html! {
        @if !of.is_empty() {
            ul class="places" {
                @for place in of.iter().take(MOST_PLACES) { li { code { (clean(place)) } } }
                @if of.len() > MOST_PLACES {
                    li class="more" { "and " (of.len().saturating_sub(MOST_PLACES)) " others" }
                }
            }
        }
    }
}

pub(super) fn facts(of: &[Fact]) -> Markup {
    html! {
        @if !of.is_empty() {
            section aria-labelledby="facts" {
                h2 id="facts" { "Who, when, with what" }
                (definitions(of))
            }
        }
    }
}

pub(super) fn digests(of: &[Fact]) -> Markup {
    html! {
        @if !of.is_empty() {
            section aria-labelledby="digests" {
                h2 id="digests" { "Digests" }
                p { "SHA-256 of the list of files in each directory: two looks with one digest saw the same." }
                (definitions(of))
            }
        }
    }
}

fn definitions(of: &[Fact]) -> Markup {
    html! {
        dl {
            @for fact in of.iter().take(MOST_FACTS) {
                div {
                    dt { (clean(&fact.name)) }
                    dd {
                        @match &fact.value {
                            Value::Text(text) => (clean(text)),
                            Value::Time(at) => (time(*at)),
                            Value::Words(words) => code { (clean(&command(words))) },
                        }
                    }
                }
            }
        }
        @if of.len() > MOST_FACTS {
            p class="more" { "and " (of.len().saturating_sub(MOST_FACTS)) " others" }
        }
    }
}

pub(super) fn remarks(of: &Remarks) -> Markup {
    let id = of.heading.to_lowercase();
    let shown = of.remarks.len().min(MOST);
    let all = u64::try_from(of.remarks.len()).unwrap_or(u64::MAX).saturating_add(of.more);
    let left = all.saturating_sub(u64::try_from(shown).unwrap_or(u64::MAX));
    html! {
        @if !of.remarks.is_empty() {
            section aria-labelledby=(id) {
                h2 id=(id) { (of.heading) " (" (all) ")" }
                ul class="remarks" {
                    @for one in of.remarks.iter().take(MOST) { (remark(one)) }
                    @if left > 0 { li class="more" { "and " (left) " others" } }
                }
            }
        }
    }
}

fn remark(of: &Remark) -> Markup {
    let (class, sign) = tone(of.tone);
    html! {
        li class=(class) {
            span class="tag" { span class="sign" aria-hidden="true" { (sign) } " " (clean(&of.word)) }
            " " (clean(&of.what))
            (places(&of.places))
            @if let Some(cure) = &of.cure { p class="cure" { "→ " (clean(cure)) } }
        }
    }
}

pub(super) fn directories(of: &[Directory]) -> Markup {
    html! {
        @if !of.is_empty() {
            section aria-labelledby="directories" {
                h2 id="directories" { "Directories looked at (" (of.len()) ")" }
                ul class="remarks" {
                    @for directory in of.iter().take(MOST_FACTS) {
                        li {
                            code { (clean(&directory.path)) }
                            p class="quiet" {
                                (clean(&directory.about.join(" · ")))
                                @if !directory.found.is_empty() { br; (clean(&directory.found)) }
                            }
                        }
                    }
                    @if of.len() > MOST_FACTS {
                        li class="more" { "and " (of.len().saturating_sub(MOST_FACTS)) " others" }
                    }
                }
            }
        }
    }
}

pub(super) fn missing(of: &[String]) -> Markup {
    html! {
        @if !of.is_empty() {
            section aria-labelledby="missing" {
                h2 id="missing" { "Nodes of the ring without a report (" (of.len()) ")" }
                ul class="remarks" {
                    @for node in of.iter().take(MOST_FACTS) {
                        li class="unknown" {
                            span class="tag" { span class="sign" aria-hidden="true" { "?" } " no report" }
                            " " (clean(node))
                        }
                    }
                    @if of.len() > MOST_FACTS {
                        li class="more" { "and " (of.len().saturating_sub(MOST_FACTS)) " others" }
                    }
                }
            }
        }
    }
}

/// The class, and a sign that tells the same without colour.
const fn tone(of: Tone) -> (&'static str, &'static str) {
    match of {
        Tone::Good => ("good", "✓"),
        Tone::Open => ("open", "▷"),
        Tone::Unknown => ("unknown", "?"),
        Tone::Bad => ("bad", "✗"),
    }
}

const MOST_PLACES: usize = 10;
const MOST_FACTS: usize = 100;
