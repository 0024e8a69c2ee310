//! The lines of the result.

use crate::measure::rounds::{Figures, Series};

/// A line of the table: something against something else.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// What was measured.
    pub(super) what: String,
    /// What it is compared with: what bounds it, if anything.
    pub(super) against: &'static str,
    /// The figures of the comparison.
    pub(super) figures: Figures,
    /// What they are to reach.
    pub(super) goal: Goal,
    /// Both sides by themselves, in words.
    pub(super) rates: String,
}

/// What a row is to reach, by its median.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    /// A ratio of at least so much.
    AtLeast(f64),
    /// No more than so much of a unit.
    AtMost(f64, &'static str),
    /// Nothing: for comparison.
    None,
}

impl Row {
    /// One case of a series against another, whose values are GB/s.
    pub(super) fn of_rates(
        series: &Series,
        (case, to): (usize, usize),
        what: &str,
        against: &'static str,
        goal: Goal,
    ) -> Self {
        let rates = format!(
            "{} GB/s on {:.1} cores against {} GB/s",
            digits(series.values(case).median),
            series.cores(case),
            digits(series.values(to).median),
        );
        Self { what: what.to_owned(), against, figures: series.ratio(case, to), goal, rates }
    }

    /// A row that could not be measured here.
    pub(super) fn left_out(what: &str, why: &str) -> Self {
        Self {
            what: what.to_owned(),
            against: "",
            figures: Figures::of(vec![]),
            goal: Goal::None,
            rates: format!("left out: {why}"),
        }
    }

    fn verdict(&self) -> &'static str {
        let median = self.figures.median;
        let is_met = match self.goal {
            Goal::AtLeast(demand) => median >= demand,
            Goal::AtMost(demand, _) => median <= demand,
            Goal::None => return "",
        };
        if is_met { "met" } else { "**not met**" }
    }

    /// The row as a line of [`HEAD`]'s table.
    pub(super) fn markdown(&self) -> String {
        let (demand, unit) = match self.goal {
            Goal::AtLeast(demand) => (demand.to_string(), ""),
            Goal::AtMost(demand, unit) => (format!("at most {demand} {unit}"), unit),
            Goal::None => (String::new(), ""),
        };
        let Figures { median, lowest, highest, clean, rounds } = self.figures;
        let (median, spread) = match rounds {
            0 => (String::new(), String::new()),
            _ => (
                format!("{} {unit}", digits(median)).trim_end().to_owned(),
                format!("{} to {}", digits(lowest), digits(highest)),
            ),
        };
        format!(
            "| {} | {} | {demand} | {median} | {spread} | {} | {clean}/{rounds} | {} |",
            self.what,
            self.against,
            self.verdict(),
            self.rates,
        )
    }
}

/// Three significant digits, or all before the point.
pub(super) fn digits(figure: f64) -> String {
    let size = figure.abs();
    let places = match size {
        _ if size >= 100.0 => 0,
        _ if size >= 10.0 => 1,
        _ if size >= 0.1 => 2,
        _ => 4,
    };
    format!("{figure:.places$}")
}

/// The columns of the table.
pub(super) const HEAD: &str = "\
| what | against | demand | median | lowest to highest | verdict | clean rounds | rates |
|---|---|---|---|---|---|---|---|";

#[cfg(test)]
mod tests {
    use super::*;

    fn row(figures: Vec<f64>, goal: Goal) -> Row {
        let (what, rates) = ("a".to_owned(), "c".to_owned());
        Row { what, against: "b", figures: Figures::of(figures), goal, rates }
    }

    #[test]
    fn the_median_decides() {
        let goal = Goal::AtLeast(1.2);
        assert_eq!(row(vec![1.1, 1.2, 9.0], goal).verdict(), "met");
        assert_eq!(row(vec![1.1, 1.1, 9.0], goal).verdict(), "**not met**");
        assert_eq!(row(vec![], goal).verdict(), "**not met**");
        let goal = Goal::AtMost(30.0, "s");
        assert_eq!(row(vec![4.0, 30.0, 31.0], goal).verdict(), "met");
        assert_eq!(row(vec![4.0, 31.0, 31.0], goal).verdict(), "**not met**");
        assert_eq!(row(vec![], goal).verdict(), "**not met**");
    }

    #[test]
    fn a_row_is_a_line() {
        let of_time = row(vec![3.25, 4.0, 5.0], Goal::AtMost(30.0, "s"));
        let line = "| a | b | at most 30 s | 4.00 s | 3.25 to 5.00 | met | 3/3 | c |";
        assert_eq!(of_time.markdown(), line);
        let ratio = row(vec![1.5], Goal::AtLeast(0.5));
        assert_eq!(ratio.markdown(), "| a | b | 0.5 | 1.50 | 1.50 to 1.50 | met | 1/1 | c |");
        let none = Row::left_out("a", "there is no java");
        assert_eq!(none.markdown(), "| a |  |  |  |  |  | 0/0 | left out: there is no java |");
    }
}
