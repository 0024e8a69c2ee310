//! Runs tasks: a coordinator hands their pieces to the pool, and steps that wait for the disk to
//! separate threads.

mod coordinator;
mod limits;
mod open;
mod step;
mod work;

use self::coordinator::Coordinator;
use self::work::{Done, Work};
use super::Task;
use super::control::Control;
use super::scratch::ScratchPool;
use super::workers::{Workers, note_shortage};

pub use self::limits::Limits;
pub use self::step::Step;

/// Runs all tasks to their end, unless `control` ends the run before. `see` is called on the
/// calling thread with the index of the task; a failed task does not stop the others. If the system
/// provides fewer threads than the limits request, it takes longer.
pub fn run<T: Task>(
    tasks: &[T],
    limits: Limits,
    control: &Control,
    mut see: impl FnMut(usize, Step<'_, T::Stage>),
) {
    let workers = Workers::start(limits.threads);
    let limits = Limits { threads: workers.count() };
    let scratches = ScratchPool::new(limits.threads);
    let (sender, receiver) = crossbeam_channel::unbounded();
    let perform = |index: usize, work: Work<T::Stage>| {
        let Some(task) = tasks.get(index) else { return };
        let done = Done::doing(task, index, work, &scratches, control);
        // The coordinator outlives every piece; a send can only fail after a panic there.
        let _gone = sender.send(done);
    };
    let perform = &perform;
    let mut coordinator = Coordinator::new(tasks.len(), limits, control);
    let Some(pool) = workers.pool() else {
        workers.install(|| ());
        coordinator.drive(tasks, &receiver, perform, &mut see);
        return;
    };
    let alone = limits.threads.get() == 1;
    let most_open = limits.open_tasks().saturating_add(limits.small_tasks());
    let waiters = if alone { 0 } else { most_open.min(tasks.len()) };
    let (wait, waiting) = crossbeam_channel::unbounded();
    pool.in_place_scope(|computing| {
        std::thread::scope(|scope| {
            // Steps that wait for the disk do not suit rayon, whose threads ask all others for work
            // before they sleep. These threads end with this sender.
            let wait = wait;
            let wait_for = || waiting.iter().for_each(|(index, work)| perform(index, work));
            let start = |number: &usize| {
                let thread = std::thread::Builder::new().name(format!("rekey-disk-{number}"));
                thread.spawn_scoped(scope, wait_for).is_ok()
            };
            let started = (0..waiters).take_while(start).count();
            note_shortage(started, waiters);
            let spawn = |index: usize, work: Work<T::Stage>| {
                if started == 0 || matches!(work, Work::Piece { .. }) {
                    computing.spawn(move |_| perform(index, work));
                } else {
                    let _they_outlive_it = wait.send((index, work));
                }
            };
            coordinator.drive(tasks, &receiver, spawn, &mut see);
        });
    });
}

#[cfg(test)]
mod tests;
