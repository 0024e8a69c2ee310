//! The lines of the result.

use super::rounds::Figures;

/// A line of the table: something against something else.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// What was measured.
    pub(super) what: String,
    /// What it is compared with.
    pub(super) against: String,
    /// The figures of the comparison.
    pub(super) figures: Figures,
    /// What they are to reach.
    pub(super) goal: Goal,
    /// Both sides by themselves, in words.
    pub(super) rates: String,
}

/// What a row is to reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Goal {
    /// A ratio of at least so much; better, of so much.
    AtLeast { demand: f64, stretch: f64 },
    /// Nothing: for comparison.
    None,
}

/// How a row stands to its goal, by its median.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Stretch,
    Met,
    /// The best round alone meets the demand.
    BestOnly,
    NotMet,
    NoGoal,
}

impl Row {
    pub(super) fn verdict(&self) -> Verdict {
        let (demand, stretch) = match self.goal {
            Goal::AtLeast { demand, stretch } => (demand, stretch),
            Goal::None => return Verdict::NoGoal,
        };
        let Figures { best, median, .. } = self.figures;
        match (median >= stretch, median >= demand, best >= demand) {
            (true, _, _) => Verdict::Stretch,
            (_, true, _) => Verdict::Met,
            (_, _, true) => Verdict::BestOnly,
            _ => Verdict::NotMet,
        }
    }

    /// Demand and stretch as the table shows them.
    pub(super) fn goals(&self) -> (String, String) {
        match self.goal {
            Goal::AtLeast { demand, stretch } => (number(demand), number(stretch)),
            Goal::None => (String::new(), String::new()),
        }
    }
}

impl Verdict {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Stretch => "stretch met",
            Self::Met => "met",
            Self::BestOnly => "**not met** (best round only)",
            Self::NotMet => "**not met**",
            Self::NoGoal => "",
        }
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

fn number(goal: f64) -> String {
    format!("{goal}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(best: f64, median: f64, goal: Goal) -> Row {
        Row {
            what: String::new(),
            against: String::new(),
            figures: Figures { best, median, clean: 3, rounds: 3 },
            goal,
            rates: String::new(),
        }
    }

    #[test]
    fn the_median_decides() {
        let goal = Goal::AtLeast { demand: 1.2, stretch: 1.45 };
        assert_eq!(row(1.6, 1.5, goal).verdict(), Verdict::Stretch);
        assert_eq!(row(1.6, 1.2, goal).verdict(), Verdict::Met);
        assert_eq!(row(1.3, 1.1, goal).verdict(), Verdict::BestOnly);
        assert_eq!(row(1.1, 1.0, goal).verdict(), Verdict::NotMet);
        assert_eq!(row(1.1, f64::NAN, goal).verdict(), Verdict::NotMet);
    }
}
