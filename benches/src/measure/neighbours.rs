//! Who else is on a core, where `/proc` does not tell: it may be a thread of a core whose other thread is
//! another machine's. A kernel that keeps all units of the core busy loses a third to that; one that
//! waits for its own results, as a cipher with one block at a time does, hardly notices.

use std::cell::Cell;
use std::hint::black_box;
use std::time::{Duration, Instant};

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::clock::thread_seconds;
use super::outcome::Result;

/// Knows how fast a core can be.
#[derive(Debug)]
pub(super) struct Neighbours {
    /// The most rounds a second of [`probe`] that were ever seen.
    best: Cell<f64>,
}

/// While it lives, this thread and the processes that it starts stay on one core.
pub(super) struct Stay {
    before: CpuSet,
}

impl Neighbours {
    pub(super) const fn new() -> Self {
        Self { best: Cell::new(0.0) }
    }

    /// Moves to the core whose neighbours do the least, and waits for a quiet moment there; not longer
    /// than `patience`. `check` may end it before.
    pub(super) fn stay_on_quietest_core(
        &self,
        patience: Duration,
        check: impl Fn() -> Result<()>,
    ) -> Result<Stay> {
        let stay = Stay { before: sched_getaffinity(None)? };
        let cores: Vec<usize> =
            (0..CpuSet::MAX_CPU).filter(|core| stay.before.is_set(*core)).collect();
        let begun = Instant::now();
        loop {
            check()?;
            let mut speeds = Vec::with_capacity(cores.len());
            for core in &cores {
                go_to(*core)?;
                speeds.push((*core, self.speed()));
            }
            // Compared when all are known: what was lost follows from the best of them, too.
            let fastest = speeds.into_iter().max_by(|(_, a), (_, b)| a.total_cmp(b));
            let (core, speed) = fastest.ok_or("a thread has a core")?;
            go_to(core)?;
            if self.lost_at(speed) < QUIET || begun.elapsed() >= patience {
                return Ok(stay);
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Share of this core's speed that neighbours have just now, by the best that was seen so far.
    pub(super) fn lost(&self) -> f64 {
        let speed = self.speed();
        self.lost_at(speed)
    }

    fn lost_at(&self, speed: f64) -> f64 {
        1.0 - speed / self.best.get()
    }

    /// Asks this core, and remembers the best.
    fn speed(&self) -> f64 {
        let speed = probe();
        self.best.set(self.best.get().max(speed));
        speed
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        // It was allowed before.
        let _back = sched_setaffinity(None, &self.before);
    }
}

fn go_to(core: usize) -> Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    Ok(sched_setaffinity(None, &only)?)
}

/// Rounds a second of a loop that has more to do at any time than a core has units for.
fn probe() -> f64 {
    let mut lanes = black_box([0_u32; 32]);
    let begun = thread_seconds();
    let mut rounds = 0_u32;
    loop {
        for _ in 0..1000 {
            for lane in &mut lanes {
                *lane = lane.wrapping_add(0x9e37_79b9).rotate_left(7) ^ 0x7f4a_7c15;
            }
        }
        black_box(&mut lanes);
        rounds = rounds.saturating_add(1);
        let used = thread_seconds() - begun;
        if used > PROBE.as_secs_f64() {
            return f64::from(rounds) / used;
        }
    }
}

/// How long a core is asked.
const PROBE: Duration = Duration::from_millis(5);
/// What neighbours may have of the moment before a measurement.
const QUIET: f64 = 0.04;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_on_one_core_and_goes_back() {
        let all = sched_getaffinity(None).unwrap();
        let neighbours = Neighbours::new();
        let stay = neighbours.stay_on_quietest_core(Duration::ZERO, || Ok(())).unwrap();
        let one = sched_getaffinity(None).unwrap();
        assert_eq!(one.count(), 1);
        assert!((0..CpuSet::MAX_CPU).all(|core| !one.is_set(core) || all.is_set(core)));
        drop(stay);
        assert_eq!(sched_getaffinity(None).unwrap(), all);
    }

    #[test]
    fn what_is_lost_is_a_share() {
        let neighbours = Neighbours::new();
        assert_eq!(neighbours.lost(), 0.0);
        neighbours.best.set(f64::MAX);
        assert!((0.99..=1.0).contains(&neighbours.lost()));
    }

    #[test]
    fn an_interruption_ends_the_wait() {
        let neighbours = Neighbours::new();
        let stay = neighbours.stay_on_quietest_core(Duration::MAX, || Err("interrupted".into()));
        assert!(stay.is_err());
    }
}
