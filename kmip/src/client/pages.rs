//! Lists that are longer than one answer of Locate.
//!
//! A server may cut the list at its own limit without saying so. Only an empty page, or a count of
//! all matches, shows that a list is complete. So the next page is requested where the last one
//! ended, whatever its length, until one is empty. A server that cannot continue repeats itself or
//! refuses; then [`Rest`] says what is known of the objects that are not in the list.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, Instant};

use super::Client;
use crate::error::{Error, Result};
use crate::message::{Attribute, Locate, Located, ResultReason, UniqueIdentifier};
use crate::transport::{Failure, ProtocolFailure, Step};

/// What is known of objects that match and are not in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Rest {
    /// There are none.
    #[default]
    None,
    /// The server has more and does not give them.
    Cut {
        /// Objects that it returned.
        listed: usize,
        /// Objects that match, by its own count.
        of: usize,
    },
    /// Whether there are any is unknown, for this reason.
    Unknown(&'static str),
}

/// Objects that a server was asked for, and what is known of those that it did not return.
#[derive(Debug)]
#[expect(clippy::exhaustive_structs, reason = "taken apart by callers")]
pub struct Listing<T> {
    /// The objects, each once, in the server's order.
    pub found: Vec<T>,
    /// The others.
    pub rest: Rest,
}

/// All pages of an answer.
pub(super) struct Pages {
    pub(super) ids: Vec<UniqueIdentifier>,
    /// How many of them the first page had.
    pub(super) first: usize,
    pub(super) rest: Rest,
}

impl Client {
    /// Locates objects page by page where the version has pages, all at once elsewhere. Each id
    /// comes once, in the server's order.
    ///
    /// # Errors
    /// [`Error::Refused`], or what the connection does.
    pub fn locate_all(&mut self, attributes: &[Attribute]) -> Result<Listing<UniqueIdentifier>> {
        let pages = self.pages(attributes, Some(PAGE))?;
        Ok(Listing { found: pages.ids, rest: pages.rest })
    }

    /// The same with a limit, or none, for the first page.
    pub(super) fn pages(&mut self, attributes: &[Attribute], first: Option<i32>) -> Result<Pages> {
        let budget = self.budget();
        let mut seen = HashSet::new();
        let mut pages = Pages { ids: Vec::new(), first: 0, rest: Rest::None };
        let (mut received, mut told) = (0_usize, None::<usize>);
        for page in 0..MOST_PAGES {
            let may_go_on = self.connect()?.has_offset();
            let (located, may_go_on) = match page {
                0 => self.first_page(attributes, first.filter(|_| may_go_on))?,
                _ if !may_go_on => (None, false),
                _ => (self.next_page(attributes, received)?, true),
            };
            let Some(located) = located else {
                pages.rest = rest(&pages.ids, told, REFUSES);
                return Ok(pages);
            };
            let total = located.total.and_then(|total| usize::try_from(total).ok());
            told = told.max(total);
            received = received.saturating_add(located.ids.len());
            let (before, is_empty) = (pages.ids.len(), located.ids.is_empty());
            pages.ids.extend(located.ids.into_iter().filter(|id| seen.insert(id.clone())));
            budget.check(pages.ids.len(), 0).map_err(|failure| self.gave_up(failure))?;
            if page == 0 {
                pages.first = pages.ids.len();
            }
            let repeats = pages.ids.len() == before;
            // Some servers count their page instead of all matches, so a first page that is as long
            // as the count proves nothing.
            let is_whole = page > 0 && told == Some(pages.ids.len());
            if is_empty {
                // Nothing after the end proves that the list is complete, unless a count says
                // otherwise.
                pages.rest = rest(&pages.ids, told.or(Some(0)), REPEATS);
                return Ok(pages);
            }
            if repeats || is_whole || !may_go_on {
                pages.rest = rest(&pages.ids, told, if repeats { REPEATS } else { NO_PAGES });
                return Ok(pages);
            }
        }
        Err(self.gave_up(ProtocolFailure::TooLong("2,000 pages").into()))
    }

    /// The first page, and whether there may be others. A server may refuse Maximum Items rather
    /// than the question.
    fn first_page(
        &mut self,
        attributes: &[Attribute],
        maximum: Option<i32>,
    ) -> Result<(Option<Located>, bool)> {
        let locate = |maximum| Locate { attributes: attributes.to_vec(), maximum, offset: None };
        match self.locate(locate(maximum)) {
            Err(error) if maximum.is_some() && is_about_the_form(&error) => {
                Ok((Some(self.locate(locate(None))?), false))
            }
            located => Ok((Some(located?), self.connect()?.has_offset())),
        }
    }

    /// The objects after this offset; `None` if the server refuses to say.
    fn next_page(&mut self, attributes: &[Attribute], received: usize) -> Result<Option<Located>> {
        let locate = Locate {
            attributes: attributes.to_vec(),
            maximum: Some(PAGE),
            offset: i32::try_from(received).ok(),
        };
        match self.locate(locate) {
            Ok(located) => Ok(Some(located)),
            Err(Error::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Starts the limits of a listing: each reply is bounded, and so is their sum.
    pub(super) fn budget(&self) -> Budget {
        Budget {
            started: Instant::now(),
            limit: self.settings.timeouts.total.saturating_mul(LISTING),
        }
    }

    pub(super) fn gave_up(&mut self, failure: Failure) -> Error {
        let failed = self.failed(self.active, failure);
        self.disconnect();
        Error::AllHostsFailed(vec![failed])
    }
}

/// What is left, by the server's own count where it has one.
const fn rest(ids: &[UniqueIdentifier], told: Option<usize>, why: &'static str) -> Rest {
    let listed = ids.len();
    match told {
        Some(of) if of > listed => Rest::Cut { listed, of },
        Some(_) => Rest::None,
        None => Rest::Unknown(why),
    }
}

/// The server may refuse Maximum Items rather than the question.
fn is_about_the_form(error: &Error) -> bool {
    matches!(
        error.reason(),
        Some(
            ResultReason::INVALID_MESSAGE
                | ResultReason::INVALID_FIELD
                | ResultReason::FEATURE_NOT_SUPPORTED
                | ResultReason::UNKNOWN_TAG
        )
    )
}

impl<T> Listing<T> {
    /// The same list with other items.
    pub(super) fn map<U>(self, change: impl FnOnce(Vec<T>) -> Vec<U>) -> Listing<U> {
        Listing { found: change(self.found), rest: self.rest }
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("the list is whole"),
            Self::Cut { listed, of } => write!(
                f,
                "the list is not whole: the server gives {listed} of {of} objects, and no more when \
                 it is asked for what follows"
            ),
            Self::Unknown(why) => write!(f, "the list may not be whole: {why}"),
        }
    }
}

/// The limits of a whole listing.
pub(super) struct Budget {
    started: Instant,
    limit: Duration,
}

impl Budget {
    pub(super) fn check(&self, objects: usize, weight: usize) -> Result<(), Failure> {
        if objects > MOST_OBJECTS {
            return Err(ProtocolFailure::TooLong("100,000 objects").into());
        }
        if weight > MOST_BYTES {
            return Err(ProtocolFailure::TooLong("64 MiB of attributes").into());
        }
        if self.started.elapsed() > self.limit {
            let step = Step::Receive;
            return Err(Failure::TimedOut { step, after: self.limit, total: true });
        }
        Ok(())
    }
}

/// Ids asked for at a time.
const PAGE: i32 = 1000;

/// A hundred thousand objects, fifty at a time; a server that gives fewer is hostile.
const MOST_PAGES: u32 = 2000;

/// A hundred thousand keys in a group are a mistake, or an attack.
const MOST_OBJECTS: usize = 100_000;

/// The most memory that a listing takes.
const MOST_BYTES: usize = 64 << 20;

/// A listing may take this many times as long as one attempt: five minutes by default.
const LISTING: u32 = 30;

const REPEATS: &str = "the server repeats itself when it is asked for what follows, and does not say \
                       how many objects there are";
const REFUSES: &str = "the server refuses to say what follows, and how many objects there are";
const NO_PAGES: &str = "the server knows no pages, and does not say how many objects there are";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_bounded_in_objects_bytes_and_time() {
        let budget = Budget { started: Instant::now(), limit: Duration::from_secs(60) };
        assert!(budget.check(MOST_OBJECTS, MOST_BYTES).is_ok());
        let too_long = |result: Result<(), Failure>| {
            matches!(result, Err(Failure::Protocol(ProtocolFailure::TooLong(_))))
        };
        assert!(too_long(budget.check(MOST_OBJECTS + 1, 0)));
        assert!(too_long(budget.check(0, MOST_BYTES + 1)));
        let spent = Budget { limit: Duration::ZERO, ..budget };
        assert!(matches!(spent.check(0, 0), Err(Failure::TimedOut { total: true, .. })));
    }
}
