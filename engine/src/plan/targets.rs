//! What the SSTables of each table are to become.
//!
//! A map of options that somebody gives is one target for all. The options of the schema are those of a
//! table; where it has no row for one, those of its SSTables count (see [`crate::upgrade::targets()`]).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::facts::Facts;
use super::target::Target;
use crate::keys::{KeyCreation, KeyRef, KeySources};
use crate::options::OptionMap;
use crate::sstable::TableDir;
use crate::{Error, Result};

/// What an SSTable is to become.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Aim {
    /// This.
    Target(Arc<Target>),
    /// Its table is written in clear. One in clear stays as it is; an encrypted one is refused, for this
    /// reason.
    InClear(Error),
    /// It is not known, for this reason.
    Unknown(Error),
}

/// The targets of a run.
#[derive(Debug, Clone)]
pub struct Targets {
    /// Each once.
    distinct: Vec<Arc<Target>>,
    by: By,
    longest_id: usize,
    longest_old_id: Option<usize>,
    /// What the operator should know of how they were settled.
    warnings: Vec<Error>,
}

#[derive(Debug, Clone)]
enum By {
    /// The first is for all.
    One,
    Table {
        rows: BTreeMap<TableKey, Row>,
        /// By the options that SSTables of tables without a row have.
        own: BTreeMap<String, Place>,
    },
}

/// What a table with a row in the schema gets.
#[derive(Debug, Clone)]
struct Row {
    place: Place,
    /// Whether that is what the row says: else the node would write its next SSTable otherwise.
    is_as_written: bool,
}

/// The same as [`Aim`], with the place of a target in the list.
#[derive(Debug, Clone)]
enum Place {
    At(usize),
    InClear(Error),
    Unknown(Error),
}

/// A table: its keyspace, its name and the digits of its directory. Its indices have its options.
type TableKey = (String, String, Option<String>);

impl Targets {
    /// The same for all tables.
    #[must_use]
    pub fn one(target: Target) -> Self {
        let longest_id = target.longest_id();
        Self { distinct: vec![Arc::new(target)], ..Self::by(By::One, longest_id) }
    }

    /// None yet: one for each table is to be added. `longest_id` is the site's limit for key ids in
    /// bytes.
    #[must_use]
    pub(crate) const fn by_table(longest_id: usize) -> Self {
        Self::by(By::Table { rows: BTreeMap::new(), own: BTreeMap::new() }, longest_id)
    }

    const fn by(by: By, longest_id: usize) -> Self {
        Self { distinct: vec![], by, longest_id, longest_old_id: None, warnings: vec![] }
    }

    /// For SSTables that were written when the site's limit was another one.
    #[must_use]
    pub fn from_key_ids_up_to(self, longest_old_id: Option<usize>) -> Self {
        Self { longest_old_id, ..self }
    }

    /// Says what the SSTables of a table are to become, and whether the node writes its next one so.
    pub(crate) fn add_table(&mut self, table: &TableDir, aim: Aim, is_as_written: bool) {
        let place = self.place(aim);
        if let By::Table { rows, .. } = &mut self.by {
            rows.insert(key(table), Row { place, is_as_written });
        }
    }

    /// Says what SSTables with these options are to become, where their table has none.
    pub(crate) fn add_own(&mut self, options: &OptionMap, aim: Aim) {
        let place = self.place(aim);
        if let By::Table { own, .. } = &mut self.by {
            own.insert(options.to_cql(), place);
        }
    }

    pub(crate) fn warn(&mut self, warning: Error) {
        self.warnings.push(warning);
    }

    /// What the operator should know of how they were settled.
    #[must_use]
    pub fn warnings(&self) -> &[Error] {
        &self.warnings
    }

    /// What was said with [`Self::add_own`].
    pub(crate) fn aim_of_own(&self, options: &OptionMap) -> Option<Aim> {
        match &self.by {
            By::One => None,
            By::Table { own, .. } => own.get(&options.to_cql()).map(|place| self.aim_at(place)),
        }
    }

    fn place(&mut self, aim: Aim) -> Place {
        match aim {
            Aim::Target(target) => {
                let known = self.distinct.iter().position(|known| Arc::ptr_eq(known, &target));
                Place::At(known.unwrap_or_else(|| {
                    self.distinct.push(target);
                    self.distinct.len().saturating_sub(1)
                }))
            }
            Aim::InClear(error) => Place::InClear(error),
            Aim::Unknown(error) => Place::Unknown(error),
        }
    }

    /// What an SSTable of a table is to become.
    #[must_use]
    pub fn aim(&self, table: &TableDir, facts: &Facts) -> Aim {
        let own = || self.aim_of_own(&facts.options()?);
        match self.aim_of_table(table).or_else(own) {
            Some(aim) => aim,
            None if facts.shape.may_be_encrypted() => Aim::Unknown(changed()),
            // Nobody wants it to be anything.
            None => Aim::InClear(changed()),
        }
    }

    /// What the next SSTable of a table is to become; none where the schema does not say it.
    #[must_use]
    pub fn aim_of_table(&self, table: &TableDir) -> Option<Aim> {
        match &self.by {
            By::One => Some(self.aim_at(&Place::At(0))),
            By::Table { rows, .. } => rows.get(&key(table)).map(|row| self.aim_at(&row.place)),
        }
    }

    fn aim_at(&self, place: &Place) -> Aim {
        match place {
            Place::At(place) => self
                .distinct
                .get(*place)
                .map_or_else(|| Aim::Unknown(changed()), |target| Aim::Target(Arc::clone(target))),
            Place::InClear(error) => Aim::InClear(error.clone()),
            Place::Unknown(error) => Aim::Unknown(error.clone()),
        }
    }

    /// Whether one is given for all that is selected. Else each table has its own, and what cannot be
    /// settled for one does not concern the others.
    #[must_use]
    pub const fn is_one(&self) -> bool {
        matches!(self.by, By::One)
    }

    /// Whether the node is known to write the next SSTable of a table with the options of its target, or
    /// to write no more of it.
    #[must_use]
    pub(crate) fn is_as_written(&self, keyspace: &str, table: &str) -> bool {
        match &self.by {
            By::One => false,
            By::Table { rows, .. } => rows
                .iter()
                .filter(|((of, name, _), _)| of == keyspace && name == table)
                .all(|(_, row)| row.is_as_written),
        }
    }

    /// Each target once.
    #[must_use]
    pub fn distinct(&self) -> &[Arc<Target>] {
        &self.distinct
    }

    /// The tables whose target is settled, by name and id, and that.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (String, &Target)> {
        let rows = match &self.by {
            By::One => None,
            By::Table { rows, .. } => Some(rows),
        };
        rows.into_iter().flatten().filter_map(|((keyspace, table, id), row)| {
            let Place::At(place) = &row.place else { return None };
            let id = id.as_ref().map_or_else(String::new, |id| format!("-{id}"));
            Some((format!("{keyspace}.{table}{id}"), self.distinct.get(*place)?.as_ref()))
        })
    }

    /// The site's limit for the length of key ids in bytes.
    #[must_use]
    pub const fn longest_id(&self) -> usize {
        self.longest_id
    }

    /// That limit when the SSTables were written, if it was another one.
    #[must_use]
    pub const fn longest_old_id(&self) -> Option<usize> {
        self.longest_old_id
    }

    /// Whether the run makes a key that is not there.
    #[must_use]
    pub fn may_be_made(&self) -> bool {
        self.distinct.iter().any(|target| target.may_be_made())
    }

    /// Makes the keys that are to be made: see [`Target::make_key`]. Targets whose keys the database
    /// would find by the same attributes share one.
    ///
    /// # Errors
    /// As [`Target::make_key`]; those before it are made then.
    pub fn make_keys(
        &mut self,
        sources: &KeySources,
        like: &Path,
    ) -> Result<Vec<(KeyRef, KeyCreation)>> {
        let mut made = Vec::new();
        for next in 0..self.distinct.len() {
            let (done, rest) = self.distinct.split_at_mut(next);
            let Some(target) = rest.first_mut().filter(|target| target.may_be_made()) else {
                continue;
            };
            let target = Arc::make_mut(target);
            if let Some(same) = done.iter().find(|done| done.shares_key_with(target)) {
                target.take_key_of(same);
                continue;
            }
            let how = target.make_key(sources, like)?;
            made.extend(target.key().map(|key| (key.clone(), how)));
        }
        Ok(made)
    }
}

fn key(table: &TableDir) -> TableKey {
    (table.keyspace.clone(), table.table.clone(), table.table_id.clone())
}

fn changed() -> Error {
    Error::invalid("it was not there, or had other options, when the targets were settled")
        .hint("run the same command again")
}
