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
    /// No more than so much of a unit; better, of so much.
    AtMost { demand: f64, stretch: f64, unit: &'static str },
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
    /// A row that could not be measured here.
    pub(super) fn left_out(what: &str, why: &str) -> Self {
        Self {
            what: what.to_owned(),
            against: String::new(),
            figures: Figures::lowest(vec![]),
            goal: Goal::None,
            rates: format!("left out: {why}"),
        }
    }

    /// How far it is beyond its demand, 1 being just there; none without a goal or a figure.
    pub(super) fn of_demand(&self) -> Option<f64> {
        let median = self.figures.median;
        let factor = match self.goal {
            Goal::AtLeast { demand, .. } => median / demand,
            Goal::AtMost { demand, .. } => demand / median,
            Goal::None => return None,
        };
        factor.is_finite().then_some(factor)
    }

    /// The stretch goal as a multiple of the demand.
    pub(super) fn stretch_of_demand(&self) -> Option<f64> {
        match self.goal {
            Goal::AtLeast { demand, stretch } => Some(stretch / demand),
            Goal::AtMost { demand, stretch, .. } => Some(demand / stretch),
            Goal::None => None,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let Figures { best, median, .. } = self.figures;
        let reached = match self.goal {
            Goal::AtLeast { demand, stretch } => {
                (median >= stretch, median >= demand, best >= demand)
            }
            Goal::AtMost { demand, stretch, .. } => {
                (median <= stretch, median <= demand, best <= demand)
            }
            Goal::None => return Verdict::NoGoal,
        };
        match reached {
            (true, _, _) => Verdict::Stretch,
            (_, true, _) => Verdict::Met,
            (_, _, true) => Verdict::BestOnly,
            _ => Verdict::NotMet,
        }
    }

    /// Demand and stretch as the table shows them.
    pub(super) fn goals(&self) -> (String, String) {
        match self.goal {
            Goal::AtLeast { demand, stretch } => (demand.to_string(), stretch.to_string()),
            Goal::AtMost { demand, stretch, unit } => {
                (format!("at most {demand} {unit}"), format!("{stretch} {unit}"))
            }
            Goal::None => (String::new(), String::new()),
        }
    }

    /// Best and median as the table shows them.
    pub(super) fn shown(&self) -> (String, String) {
        let Figures { best, median, .. } = self.figures;
        match self.goal {
            _ if self.figures.rounds == 0 => (String::new(), String::new()),
            Goal::AtMost { unit, .. } => {
                (format!("{} {unit}", digits(best)), format!("{} {unit}", digits(median)))
            }
            Goal::AtLeast { .. } | Goal::None => (digits(best), digits(median)),
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

        let goal = Goal::AtMost { demand: 30.0, stretch: 5.0, unit: "s" };
        assert_eq!(row(4.0, 5.0, goal).verdict(), Verdict::Stretch);
        assert_eq!(row(4.0, 6.0, goal).verdict(), Verdict::Met);
        assert_eq!(row(29.0, 31.0, goal).verdict(), Verdict::BestOnly);
        assert_eq!(row(31.0, 32.0, goal).verdict(), Verdict::NotMet);
        assert_eq!(row(31.0, f64::NAN, goal).verdict(), Verdict::NotMet);
    }

    #[test]
    fn a_row_is_so_far_beyond_its_demand() {
        let ratio = row(9.0, 3.0, Goal::AtLeast { demand: 1.5, stretch: 2.25 });
        assert_eq!((ratio.of_demand(), ratio.stretch_of_demand()), (Some(2.0), Some(1.5)));
        let time = row(9.0, 10.0, Goal::AtMost { demand: 30.0, stretch: 5.0, unit: "s" });
        assert_eq!((time.of_demand(), time.stretch_of_demand()), (Some(3.0), Some(6.0)));
        let none = Row::left_out("the database", "there is no java");
        assert_eq!((none.of_demand(), none.verdict()), (None, Verdict::NoGoal));
        assert_eq!(none.shown(), (String::new(), String::new()));
    }

    #[test]
    fn times_and_bytes_are_shown_with_their_unit() {
        let of_time = row(3.25, 4.0, Goal::AtMost { demand: 30.0, stretch: 5.0, unit: "s" });
        assert_eq!(of_time.goals(), ("at most 30 s".to_owned(), "5 s".to_owned()));
        assert_eq!(of_time.shown(), ("3.25 s".to_owned(), "4.00 s".to_owned()));
        let ratio = row(1.5, 1.25, Goal::AtLeast { demand: 0.5, stretch: 1.0 });
        assert_eq!(ratio.goals(), ("0.5".to_owned(), "1".to_owned()));
        assert_eq!(ratio.shown(), ("1.50".to_owned(), "1.25".to_owned()));
    }
}
