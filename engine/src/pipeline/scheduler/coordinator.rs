//! Decides which piece of which task is handed out next.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError};

use super::limits::Limits;
use super::open::Open;
use super::step::Step;
use super::work::{Done, Outcome, Work};
use crate::pipeline::Task;
use crate::pipeline::control::{Control, Pace, interrupted};
use crate::pipeline::share::Budget;

/// Knows what is open, and decides on the calling thread.
pub(super) struct Coordinator<'c, S> {
    open: Vec<Open<S>>,
    /// Tasks that were not begun yet, in their order.
    waiting: VecDeque<usize>,
    /// When to check whether one of them can be begun: at once after a task has ended; later if
    /// there was too little for one, since other processes may take and free space, too.
    look_at: Option<Instant>,
    begun: u64,
    /// Pieces that are handed out.
    running: usize,
    limits: Limits,
    control: &'c Control,
    pace: Pace,
}

impl<'c, S> Coordinator<'c, S> {
    pub(super) fn new(tasks: usize, limits: Limits, control: &'c Control) -> Self {
        let now = Instant::now();
        Self {
            open: vec![],
            waiting: (0..tasks).collect(),
            look_at: Some(now),
            begun: 0,
            running: 0,
            limits,
            control,
            pace: Pace::new(now),
        }
    }

    /// Ends when no task is open and none is left. By then every piece that was handed out has come
    /// back, since a task ends only when none of its pieces is running.
    pub(super) fn drive<T: Task<Stage = S>>(
        &mut self,
        tasks: &[T],
        receiver: &Receiver<Done<S>>,
        spawn: impl Fn(usize, Work<S>),
        see: &mut impl FnMut(usize, Step<'_, S>),
    ) {
        loop {
            let now = Instant::now();
            if self.control.is_over(now) {
                self.wind_up(&spawn, see);
            } else if !self.control.is_paused() && !self.pace.is_ahead(self.control, now) {
                self.hand_out(&spawn);
                if self.look_at.is_some_and(|at| at <= now) {
                    self.open_more(tasks, now, &spawn, see);
                }
            }
            if self.open.is_empty() && self.waiting.is_empty() {
                return;
            }
            match receiver.recv_timeout(LOOK_AGAIN) {
                Ok(done) => self.take_in(done, &spawn, see),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Begins nothing more, and abandons open tasks as soon as none of their work is running. A
    /// serial step is allowed to finish: it may be the swap.
    fn wind_up(
        &mut self,
        spawn: &impl Fn(usize, Work<S>),
        see: &mut impl FnMut(usize, Step<'_, S>),
    ) {
        for index in self.waiting.drain(..) {
            see(index, Step::Left);
        }
        for open in &mut self.open {
            open.fail(interrupted);
            if let Some(work) = open.serial_step() {
                spawn(open.index, work);
            }
        }
    }

    fn hand_out(&mut self, spawn: &impl Fn(usize, Work<S>)) {
        while self.running < self.limits.window()
            && let Some(open) = self.next_in_turn()
            && let Some(work) = open.hand_out()
        {
            spawn(open.index, work);
            self.running = self.running.saturating_add(1);
        }
    }

    /// The task whose next piece is done. An old one, so that open tasks are finished and their
    /// space freed, but alternating with others, one for each worker, since a file takes one write
    /// at a time. Tasks whose pieces wait for each other are finished one after the other: the
    /// waiting pieces are in memory.
    fn next_in_turn(&mut self) -> Option<&mut Open<S>> {
        let ready = self.open.iter_mut().filter(|open| open.is_ready());
        let mut ready = ready.take(self.limits.threads.get()).peekable();
        if ready.peek().is_some_and(|open| open.is_ordered) {
            return ready.next();
        }
        ready.take_while(|open| !open.is_ordered).min_by_key(|open| open.running())
    }

    /// Opens tasks in their order, for which the plan has a reason. Tasks for which the deadline
    /// leaves no time, and tasks that have to wait for a shared resource, are passed over.
    fn open_more<T: Task<Stage = S>>(
        &mut self,
        tasks: &[T],
        now: Instant,
        spawn: &impl Fn(usize, Work<S>),
        see: &mut impl FnMut(usize, Step<'_, S>),
    ) {
        let (mut budget, mut at) = (Budget::default(), 0);
        while let Some(index) = self.waiting.get(at).copied()
            && let Some(task) = tasks.get(index)
            && let Some(small) = self.admits(task.bytes())
        {
            let need = task.share().map(|share| share.need(None));
            let is_full = !self.control.has_room(self.begun);
            if is_full && !self.open.is_empty() {
                // One of them may fail, and free its place for this one.
                break;
            }
            let open = self.open.iter().filter_map(|open| {
                let task = tasks.get(open.index)?;
                Some((task, open.stage(), open.promised))
            });
            let step = if is_full || !self.has_time(task.work(), now) {
                Step::Left
            } else {
                match budget.admits(task, need, open) {
                    Ok(true) => Step::Began,
                    Ok(false) => {
                        at = at.saturating_add(1);
                        continue;
                    }
                    Err(error) => Step::Ended(Err(error)),
                }
            };
            self.waiting.remove(at);
            let begins = matches!(step, Step::Began);
            see(index, step);
            if begins {
                self.begun = self.begun.saturating_add(1);
                self.open.push(Open::beginning(index, small, need));
                spawn(index, Work::Begin);
            }
        }
        self.look_at = (at > 0).then(|| now.checked_add(ASK_AGAIN)).flatten();
        if self.open.is_empty() {
            self.give_up(tasks, see);
        }
    }

    /// Nothing is open, and still there is too little for each waiting task.
    fn give_up<T: Task<Stage = S>>(
        &mut self,
        tasks: &[T],
        see: &mut impl FnMut(usize, Step<'_, S>),
    ) {
        for index in self.waiting.drain(..) {
            let Some(share) = tasks.get(index).and_then(Task::share) else { continue };
            see(index, Step::Ended(share.left().and_then(|left| Err(share.too_little(left)))));
        }
    }

    /// Whether this much work can be done before the deadline, at the rate so far.
    fn has_time(&self, work: u64, now: Instant) -> bool {
        let needed = self.pace.estimate(work, now);
        self.control.time_left(now).zip(needed).is_none_or(|(left, needed)| needed <= left)
    }

    /// Whether one more task may be open, and with its bytes if it counts as a small one.
    fn admits(&self, bytes: u64) -> Option<Option<u64>> {
        let small = || self.open.iter().filter_map(|open| open.small);
        if self.open.len().saturating_sub(small().count()) < self.limits.open_tasks() {
            return Some(None);
        }
        let fits = small().fold(bytes, u64::saturating_add) <= Limits::SMALL_BYTES;
        (fits && small().count() < self.limits.small_tasks()).then_some(Some(bytes))
    }

    fn take_in(
        &mut self,
        done: Done<S>,
        spawn: &impl Fn(usize, Work<S>),
        see: &mut impl FnMut(usize, Step<'_, S>),
    ) {
        let Some(at) = self.open.iter().position(|open| open.index == done.index) else { return };
        let Some(open) = self.open.get_mut(at) else { return };
        let Done { work, advanced, entered, outcome, .. } = done;
        open.take_back(&work);
        if matches!(work, Work::Piece { .. }) {
            self.running = self.running.saturating_sub(1);
        }
        for (stage, bytes) in advanced {
            self.pace.advance(bytes);
            see(open.index, Step::Advanced { stage: &stage, bytes });
        }
        if let Some(entered) = entered {
            open.enter(entered, self.limits);
        }
        let is_abandoned = matches!(work, Work::Abandon { .. });
        // What it holds of the stage must be gone before the next serial step.
        drop(work);
        let has_ended = match outcome {
            Ok(Outcome::Over) => {
                if !is_abandoned {
                    // The run may have been ended during its last step, which was let through.
                    open.forgive();
                }
                true
            }
            Ok(Outcome::Open) => false,
            Err(error) => {
                open.fail(|| error);
                is_abandoned
            }
        };
        if has_ended {
            self.look_at = Some(Instant::now());
            let open = self.open.remove(at);
            let (index, outcome) = (open.index, open.outcome());
            if outcome.is_err() {
                // Otherwise only a few tasks, which fail each time, would ever be begun.
                self.begun = self.begun.saturating_sub(1);
            }
            see(index, Step::Ended(outcome));
        } else if let Some(work) = open.serial_step() {
            spawn(open.index, work);
        }
    }
}

/// The longest time that the coordinator sleeps before it checks whether the run may continue: only
/// a finished piece wakes it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often to check whether there is now enough for a waiting task, when no other has ended.
const ASK_AGAIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::Arc;

    use super::*;
    use crate::pipeline::scheduler::work::Entered;

    /// The tasks of the first pieces that are handed out, when all of these are open.
    fn handed_out(threads: usize, ordered: &[bool]) -> Vec<usize> {
        let limits = Limits { threads: NonZeroUsize::new(threads).unwrap() };
        let control = Control::default();
        let mut coordinator = Coordinator::new(0, limits, &control);
        let open = |(index, &is_ordered): (usize, &bool)| {
            let mut open = Open::beginning(index, None, None);
            open.take_back(&Work::Begin);
            open.enter(Entered { stage: Arc::new(()), pieces: 100, is_ordered }, limits);
            open
        };
        coordinator.open = ordered.iter().enumerate().map(open).collect();
        let handed = std::cell::RefCell::new(vec![]);
        coordinator.hand_out(&|index, _| handed.borrow_mut().push(index));
        handed.into_inner()
    }

    #[test]
    fn workers_write_to_different_files_unless_pieces_are_ordered() {
        assert_eq!(handed_out(1, &[false, false]), [0, 0, 0]);
        assert_eq!(handed_out(2, &[false, false, false]), [0, 1, 0, 1, 0, 1]);
        assert_eq!(handed_out(2, &[false]), [0; 6]);
        assert_eq!(handed_out(2, &[true, true, false]), [0; 6]);
        assert_eq!(handed_out(2, &[false, true]), [0; 6]);
        assert_eq!(handed_out(2, &[true, false]), [0; 6]);
    }
}
