//! Amounts by name, to be shown as bars.

/// Bars by name.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) heading: &'static str,
    /// What has names: `key`.
    pub(crate) of: &'static str,
    /// The parts of each bar.
    pub(crate) series: &'static [Series],
    /// The bars of each row, by name.
    pub(crate) bars: &'static [&'static str],
    pub(crate) columns: Columns,
    /// The largest first.
    pub(super) rows: Vec<Row>,
}

/// What is shown in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Columns {
    /// Each part of the only bar.
    Series,
    /// The sum of each bar.
    Bars,
}

/// A part of bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Series {
    Live,
    Archives,
    Rewritten,
    Unchanged,
    Left,
    Failed,
}

impl Series {
    /// In words.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Archives => "archives",
            Self::Rewritten => "rewritten",
            Self::Unchanged => "unchanged",
            Self::Left => "left for the next run",
            Self::Failed => "failed",
        }
    }
}

/// The bars of one name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// What else is to be said of it.
    pub(crate) note: Option<String>,
    pub(crate) bars: Vec<Bar>,
}

/// The amounts of a bar, one for each series.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bar(pub(crate) Vec<u64>);

impl Bar {
    /// All of it.
    pub(crate) fn sum(&self) -> u64 {
        self.0.iter().copied().fold(0, u64::saturating_add)
    }

    /// Adds another one, part by part.
    pub(crate) fn add(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        for (sum, more) in self.0.iter_mut().zip(&other.0) {
            *sum = sum.saturating_add(*more);
        }
    }
}

impl Row {
    fn largest(&self) -> u64 {
        self.bars.iter().map(Bar::sum).max().unwrap_or_default()
    }

    fn add(&mut self, other: &Self) {
        self.bars.resize(self.bars.len().max(other.bars.len()), Bar::default());
        for (sum, more) in self.bars.iter_mut().zip(&other.bars) {
            sum.add(more);
        }
    }
}

impl Chart {
    /// Sorts the rows.
    pub(crate) fn with(mut self, mut rows: Vec<Row>) -> Self {
        rows.sort_by(|a, b| b.largest().cmp(&a.largest()).then_with(|| a.name.cmp(&b.name)));
        self.rows = rows;
        self
    }

    /// A chart by key or table of what is live and what lies in archives.
    pub(crate) const fn of_places(heading: &'static str, of: &'static str) -> Self {
        Self {
            heading,
            of,
            series: &[Series::Live, Series::Archives],
            bars: &["bytes"],
            columns: Columns::Series,
            rows: vec![],
        }
    }

    /// How many names there are.
    pub(crate) const fn names(&self) -> usize {
        self.rows.len()
    }

    /// The first rows, at most so many and one more, and all others as one, if there are any.
    pub(crate) fn shown(&self, most: usize) -> (&[Row], Option<Row>) {
        // One that is left over takes no more room than the line that would say so.
        let is_all = self.rows.len() <= most.saturating_add(1);
        let most = if is_all { self.rows.len() } else { most };
        let (shown, rest) = self.rows.split_at_checked(most).unwrap_or((&self.rows, &[]));
        let others =
            (!rest.is_empty()).then(|| Self::summed(rest, format!("{} others", rest.len())));
        (shown, others)
    }

    /// The names of the numbers of a row.
    pub(crate) fn heads(&self) -> Vec<&'static str> {
        match self.columns {
            Columns::Series => self.series.iter().map(|series| series.name()).collect(),
            Columns::Bars => self.bars.to_vec(),
        }
    }

    /// The numbers of a row.
    pub(crate) fn amounts(&self, row: &Row) -> Vec<u64> {
        let bar = |number: usize| row.bars.get(number);
        match self.columns {
            Columns::Series => {
                let part = |number: usize| bar(0)?.0.get(number).copied();
                (0..self.series.len()).map(|number| part(number).unwrap_or_default()).collect()
            }
            Columns::Bars => {
                let sum = |number: usize| bar(number).map_or(0, Bar::sum);
                (0..self.bars.len()).map(sum).collect()
            }
        }
    }

    /// All rows as one.
    pub(crate) fn total(&self) -> Row {
        Self::summed(&self.rows, "all".to_owned())
    }

    /// The longest bar of some rows: what the others are measured by.
    pub(crate) fn scale<'r>(rows: impl IntoIterator<Item = &'r Row>) -> u64 {
        rows.into_iter().map(Row::largest).max().unwrap_or_default()
    }

    fn summed(rows: &[Row], name: String) -> Row {
        let mut sum = Row { name, ..Row::default() };
        rows.iter().for_each(|row| sum.add(row));
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(rows: u64) -> Chart {
        let row = |number: u64| Row {
            name: format!("{number:04}"),
            note: None,
            bars: vec![Bar(vec![number, 1])],
        };
        Chart::of_places("", "").with((0..rows).map(row).collect())
    }

    #[test]
    fn the_largest_come_first_and_the_rest_is_one_row() {
        for rows in [0, 1, 30, 31] {
            let chart = chart(rows);
            let (shown, others) = chart.shown(30);
            assert!(shown.len() == usize::try_from(rows).unwrap() && others.is_none());
        }
        let chart = chart(5000);
        let (shown, others) = chart.shown(30);
        let others = others.unwrap();
        assert_eq!((shown.len(), shown[0].name.as_str()), (30, "4999"));
        assert_eq!((others.name.as_str(), others.bars[0].0[1]), ("4970 others", 4970));
        assert_eq!(chart.total().bars, [Bar(vec![4999 * 2500, 5000])]);
        assert_eq!(Chart::scale(shown), 5000);
    }

    #[test]
    fn sums_do_not_wrap() {
        let row = || Row { bars: vec![Bar(vec![u64::MAX, u64::MAX])], ..Row::default() };
        let chart = Chart::of_places("", "").with(vec![row(), row()]);
        assert_eq!(chart.total().bars[0].sum(), u64::MAX);
    }
}
