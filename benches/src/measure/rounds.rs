//! Cases that take turns, and the ratios of each turn.

#![expect(clippy::print_stderr, reason = "each measurement is a line while the table is far")]

use std::fmt;

use super::noise::{Meter, Sample};
use super::outcome::Result;

/// Something to measure, again and again.
pub(crate) struct Case<'a> {
    name: String,
    run: Measure<'a>,
}

type Measure<'a> = Box<dyn FnMut(&Meter) -> Result<Sample> + 'a>;

impl<'a> Case<'a> {
    /// `run` makes everything ready, times the one part that counts with the meter, and clears up.
    pub(crate) fn new(
        name: impl Into<String>,
        run: impl FnMut(&Meter) -> Result<Sample> + 'a,
    ) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

impl fmt::Debug for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What the cases gave, round by round.
#[derive(Debug)]
pub(crate) struct Series {
    rounds: Vec<Vec<Sample>>,
}

/// The median of some figures, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
    /// Rounds that others did not disturb.
    pub(crate) clean: usize,
    /// All rounds.
    pub(crate) rounds: usize,
}

/// Lets the cases take turns for so many rounds. A measurement that others disturbed is repeated
/// once.
pub(crate) fn take_turns(
    meter: &Meter,
    rounds: usize,
    title: &str,
    cases: &mut [Case<'_>],
) -> Result<Series> {
    let mut series = Series { rounds: vec![] };
    for round in 1..=rounds {
        let mut samples = Vec::with_capacity(cases.len());
        for case in &mut *cases {
            let mut sample = (case.run)(meter)?;
            if !sample.is_clean() {
                let again = (case.run)(meter)?;
                if again.others < sample.others {
                    sample = again;
                }
            }
            eprintln!(
                "  {title} {round}/{rounds}  {:44} {:9.4}  {:8.3} s  {:4.2} cores  others {:4.1} %",
                case.name,
                sample.value,
                sample.seconds,
                sample.cores,
                sample.others * 100.0,
            );
            samples.push(sample);
        }
        series.rounds.push(samples);
    }
    Ok(series)
}

impl Series {
    /// The values of a case.
    pub(crate) fn values(&self, case: usize) -> Figures {
        self.figures(&[case], |round| round.get(case).map(|sample| sample.value))
    }

    /// One case as a multiple of another, in the same round.
    pub(crate) fn ratio(&self, case: usize, to: usize) -> Figures {
        self.figures(&[case, to], |round| Some(round.get(case)?.value / round.get(to)?.value))
    }

    /// One case as a multiple of what two others make one after the other, in the same round.
    pub(crate) fn ratio_to_sum(&self, case: usize, [first, second]: [usize; 2]) -> Figures {
        self.figures(&[case, first, second], |round| {
            let value = |case: usize| round.get(case).map(|sample| sample.value);
            Some(value(case)? * (1.0 / value(first)? + 1.0 / value(second)?))
        })
    }

    /// The cores that a case kept busy, at the median.
    pub(crate) fn cores(&self, case: usize) -> f64 {
        self.figures(&[case], |round| round.get(case).map(|sample| sample.cores)).median
    }

    /// The seconds that a case took.
    pub(crate) fn seconds(&self, case: usize) -> Figures {
        self.figures(&[case], |round| round.get(case).map(|sample| sample.seconds))
    }

    /// Takes the rounds that are clean for the cases that count; where there are too few, all of them.
    fn figures(&self, cases: &[usize], value: impl Fn(&[Sample]) -> Option<f64>) -> Figures {
        let is_clean = |round: &&Vec<Sample>| {
            cases.iter().all(|case| round.get(*case).is_some_and(|sample| sample.is_clean()))
        };
        let clean = self.rounds.iter().filter(is_clean).count();
        let enough = clean >= self.rounds.len().min(ENOUGH);
        let values =
            self.rounds.iter().filter(|round| !enough || is_clean(round)).filter_map(|r| value(r));
        Figures { clean, rounds: self.rounds.len(), ..Figures::of(values.collect()) }
    }
}

impl Figures {
    /// Of values that other processes do not change.
    pub(crate) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            median: median(&values),
            lowest: values.first().copied().unwrap_or(f64::NAN),
            highest: values.last().copied().unwrap_or(f64::NAN),
            clean: values.len(),
            rounds: values.len(),
        }
    }
}

/// The middle of sorted values.
fn median(sorted: &[f64]) -> f64 {
    let middle = |i: usize| sorted.get(i).copied().unwrap_or(f64::NAN);
    let half = sorted.len() / 2;
    match sorted.len() % 2 {
        0 => f64::midpoint(middle(half.wrapping_sub(1)), middle(half)),
        _ => middle(half),
    }
}

/// Clean rounds that a median can be made of.
const ENOUGH: usize = 3;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn round(values: &[f64], others: f64) -> Vec<Sample> {
        let sample = |value: &f64| Sample { value: *value, seconds: 1.0, cores: 1.0, others };
        values.iter().map(sample).collect()
    }

    #[test]
    fn a_measurement_that_others_disturbed_is_repeated_once() {
        let mut others = [0.5, 0.3, 0.0, 0.3, 0.5, 0.0].into_iter();
        let measure = |_: &Meter| Ok(round(&[1.0], others.next().unwrap())[0]);
        let meter = Meter::new(Duration::ZERO).unwrap();
        let series = take_turns(&meter, 3, "", &mut [Case::new("", measure)]).unwrap();
        let kept: Vec<f64> = series.rounds.iter().map(|round| round[0].others).collect();
        assert_eq!((kept, others.next()), (vec![0.3, 0.0, 0.3], Some(0.0)));
    }

    #[test]
    fn ratios_are_of_the_same_round_and_disturbed_rounds_do_not_count() {
        let mut series = Series {
            rounds: vec![
                round(&[2.0, 1.0], 0.0),
                round(&[9.0, 1.0], 0.5),
                round(&[6.0, 2.0], 0.0),
                round(&[1.0, 1.0], 0.0),
            ],
        };
        let ratio = series.ratio(0, 1);
        assert_eq!((ratio.highest, ratio.median, ratio.clean, ratio.rounds), (3.0, 2.0, 3, 4));
        series.rounds.pop();
        let ratio = series.ratio(0, 1);
        assert_eq!((ratio.highest, ratio.median, ratio.clean, ratio.rounds), (9.0, 3.0, 2, 3));
    }

    #[test]
    fn a_case_that_does_not_count_does_not_spoil_a_round() {
        let mut of_three = round(&[6.0, 2.0, 1.0], 0.0);
        of_three[2].others = 0.5;
        let series = Series { rounds: vec![of_three] };
        assert_eq!((series.ratio(0, 1).clean, series.ratio(0, 2).clean), (1, 0));
        assert_eq!((series.values(1).clean, series.values(2).clean), (1, 0));
    }

    #[test]
    fn two_cases_one_after_the_other_take_the_sum_of_their_times() {
        let series = Series { rounds: vec![round(&[2.0, 2.0, 1.5], 0.0)] };
        assert_eq!(series.ratio_to_sum(2, [0, 1]).median, 1.5);
    }

    #[test]
    fn figures_know_how_far_they_lie_apart() {
        let mut series = Series { rounds: vec![round(&[1.0], 0.0), round(&[1.0], 0.0)] };
        for (round, seconds) in series.rounds.iter_mut().zip([3.0, 5.0]) {
            round[0].seconds = seconds;
        }
        let figures = series.seconds(0);
        assert_eq!((figures.lowest, figures.median, figures.clean), (3.0, 4.0, 2));
        let figures = Figures::of(vec![9.0, 7.0, 8.0]);
        assert_eq!((figures.lowest, figures.median, figures.highest), (7.0, 8.0, 9.0));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between() {
        assert_eq!(median(&[1.0, 2.0, 4.0, 9.0]), 3.0);
        assert_eq!(median(&[5.0]), 5.0);
        assert!(median(&[]).is_nan());
    }
}
