//! Measuring on a machine that others use, too: in rounds, with an eye on who else is busy.

pub(crate) mod noise;
pub(crate) mod outcome;
pub(crate) mod rounds;

mod clock;
mod neighbours;
