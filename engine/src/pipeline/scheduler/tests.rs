use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::work::Outcome;
use super::*;
use crate::pipeline::{Need, Next, Share};
use crate::{Error, ErrorKind, Result};

/// Counts what happens to it, and fails where it is told to.
#[derive(Default)]
struct Probe {
    stages: Vec<u64>,
    fails_at: Option<(usize, u64)>,
    panics: bool,
    size: u64,
    log: Mutex<Vec<String>>,
    running: AtomicU64,
    open: std::sync::Arc<AtomicUsize>,
    most_open: std::sync::Arc<AtomicUsize>,
}

impl Probe {
    fn note(&self, text: String) {
        self.log.lock().unwrap().push(text);
    }

    fn next(&self, stage: usize) -> Next<usize> {
        match self.stages.get(stage) {
            Some(&pieces) => Next::stage(stage, pieces),
            None => {
                self.open.fetch_sub(1, Ordering::SeqCst);
                Next::Done
            }
        }
    }
}

impl Task for Probe {
    type Scratch = ();
    type Stage = usize;

    fn scratch() -> Result<()> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.size
    }

    fn work(&self) -> u64 {
        self.stages.iter().sum()
    }

    fn begin(&self) -> Result<Next<usize>> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        self.note("begin".into());
        Ok(self.next(0))
    }

    fn piece(&self, &stage: &usize, piece: u64, _scratch: &mut ()) -> Result<u64> {
        self.running.fetch_add(1, Ordering::SeqCst);
        std::thread::yield_now();
        self.running.fetch_sub(1, Ordering::SeqCst);
        if self.fails_at == Some((stage, piece)) {
            assert!(!self.panics, "told to panic");
            return Err(Error::corrupt("told to fail"));
        }
        self.note(format!("{stage}/{piece}"));
        Ok(1)
    }

    fn end(&self, &stage: &usize) -> Result<Next<usize>> {
        assert_eq!(self.running.load(Ordering::SeqCst), 0, "a piece runs beside a serial step");
        self.note(format!("end {stage}"));
        Ok(self.next(stage + 1))
    }

    fn abandon(&self, _stage: Option<usize>, _why: &Error) {
        assert_eq!(self.running.load(Ordering::SeqCst), 0, "a piece runs beside a serial step");
        self.open.fetch_sub(1, Ordering::SeqCst);
        self.note("abandon".into());
    }
}

fn limits(threads: usize) -> Limits {
    Limits { threads: NonZeroUsize::new(threads).unwrap() }
}

#[test]
fn every_piece_runs_once_between_begin_and_end() {
    for threads in [1, 2, 5] {
        let tasks: Vec<_> =
            (0..20).map(|i| Probe { stages: vec![i % 7, 3], ..Probe::default() }).collect();
        let mut bytes = vec![0; tasks.len()];
        let mut ended = 0;
        run(&tasks, limits(threads), &Control::default(), |index, step| match step {
            Step::Advanced { bytes: n, .. } => bytes[index] += n,
            Step::Ended(outcome) => {
                outcome.unwrap();
                ended += 1;
            }
            _ => {}
        });
        assert_eq!(ended, tasks.len());
        for (i, task) in tasks.iter().enumerate() {
            let first = i as u64 % 7;
            assert_eq!(bytes[i], first + 3);
            let mut log = task.log.lock().unwrap().clone();
            assert_eq!(log.first().unwrap(), "begin");
            assert_eq!(log.last().unwrap(), "end 1");
            let end = log.iter().position(|line| line == "end 0").unwrap();
            assert_eq!(end as u64, first + 1, "the first stage ends before the second begins");
            log.sort();
            log.dedup();
            assert_eq!(log.len() as u64, first + 3 + 3, "nothing twice");
        }
    }
}

#[test]
fn a_failure_or_a_panic_ends_one_task_and_cleans_up() {
    for panics in [false, true] {
        let mut tasks: Vec<_> =
            (0..6).map(|_| Probe { stages: vec![50], ..Probe::default() }).collect();
        tasks[3].fails_at = Some((0, 10));
        tasks[3].panics = panics;
        let mut outcomes = Vec::new();
        run(&tasks, limits(2), &Control::default(), |index, step| {
            if let Step::Ended(outcome) = step {
                outcomes.push((index, outcome.map_err(|error| error.kind())));
            }
        });
        outcomes.sort_by_key(|(index, _)| *index);
        let kind = if panics { ErrorKind::Internal } else { ErrorKind::Corrupt };
        for (index, outcome) in outcomes {
            assert_eq!(outcome, if index == 3 { Err(kind) } else { Ok(()) });
        }
        let log = tasks[3].log.lock().unwrap();
        assert_eq!(log.last().unwrap(), "abandon");
        assert!(!log.contains(&"end 0".to_owned()), "a stage with a failure does not end");
    }
}

#[test]
fn no_more_tasks_are_open_than_the_limits() {
    let always = limits(3).open_tasks();
    for (threads, size, most) in [
        (3, 0, always + limits(3).small_tasks()),
        (3, Limits::SMALL_BYTES / 5, always + 5),
        (3, Limits::SMALL_BYTES + 1, always),
        (1, 0, 2),
    ] {
        let (open, most_open) = <(std::sync::Arc<_>, std::sync::Arc<_>)>::default();
        let tasks: Vec<_> = (0..200)
            .map(|_| Probe {
                stages: vec![2],
                size,
                open: std::sync::Arc::clone(&open),
                most_open: std::sync::Arc::clone(&most_open),
                ..Probe::default()
            })
            .collect();
        run(&tasks, limits(threads), &Control::default(), |_, _| {});
        assert_eq!(open.load(Ordering::SeqCst), 0);
        assert!(most_open.load(Ordering::SeqCst) <= most, "{threads} {size}");
    }
}

/// Does something in its last step, and is done then.
struct Ends<F> {
    pieces: u64,
    step: F,
}

impl<F: Fn() + Send + Sync> Task for Ends<F> {
    type Scratch = ();
    type Stage = ();

    fn scratch() -> Result<()> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        1
    }

    fn work(&self) -> u64 {
        1
    }

    fn begin(&self) -> Result<Next<()>> {
        Ok(Next::stage((), self.pieces))
    }

    fn piece(&self, _stage: &(), _piece: u64, _scratch: &mut ()) -> Result<u64> {
        Ok(1)
    }

    fn end(&self, _stage: &()) -> Result<Next<()>> {
        (self.step)();
        Ok(Next::Done)
    }

    fn abandon(&self, _stage: Option<()>, _why: &Error) {
        unreachable!("it is done");
    }
}

/// All open tasks can wait for the disk at the same time: here each waits for all others.
#[test]
fn serial_steps_do_not_wait_for_each_other() {
    let count = limits(2).open_tasks() + limits(2).small_tasks();
    let barrier = std::sync::Barrier::new(count);
    let wait = || {
        barrier.wait();
    };
    let tasks: Vec<_> = (0..3 * count).map(|_| Ends { pieces: 1, step: &wait }).collect();
    let mut ended = 0;
    run(&tasks, limits(2), &Control::default(), |_, step| {
        if let Step::Ended(outcome) = step {
            outcome.unwrap();
            ended += 1;
        }
    });
    assert_eq!(ended, tasks.len());
}

/// One piece a stage, and what its begin does to the run.
struct Single<'c> {
    control: &'c Control,
    at_begin: fn(&Control),
    steps: Mutex<Vec<(String, std::thread::ThreadId)>>,
}

impl Single<'_> {
    fn note(&self, step: &str) {
        self.steps.lock().unwrap().push((step.to_owned(), std::thread::current().id()));
    }

    fn steps(&self) -> Vec<String> {
        self.steps.lock().unwrap().iter().map(|(step, _)| step.clone()).collect()
    }
}

impl Task for Single<'_> {
    type Scratch = ();
    type Stage = u32;

    fn scratch() -> Result<()> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        1
    }

    fn work(&self) -> u64 {
        2
    }

    fn begin(&self) -> Result<Next<u32>> {
        self.note("begin");
        (self.at_begin)(self.control);
        Ok(Next::Stage { stage: 0, pieces: 1, is_ordered: true })
    }

    fn piece(&self, stage: &u32, _piece: u64, _scratch: &mut ()) -> Result<u64> {
        self.note(&format!("piece {stage}"));
        Ok(1)
    }

    fn end(&self, &stage: &u32) -> Result<Next<u32>> {
        self.note(&format!("end {stage}"));
        Ok(if stage == 0 { Next::stage(1, 1) } else { Next::Done })
    }

    fn abandon(&self, _stage: Option<u32>, why: &Error) {
        self.note(&format!("abandon: {:?}", why.kind()));
    }
}

#[test]
fn single_pieces_are_done_by_the_thread_that_has_the_task() {
    for threads in [1, 2] {
        let control = Control::default();
        let single = || Single { control: &control, at_begin: |_| {}, steps: Mutex::default() };
        let tasks: Vec<_> = (0..40).map(|_| single()).collect();
        let mut advanced = vec![vec![]; tasks.len()];
        run(&tasks, limits(threads), &control, |index, step| match step {
            Step::Advanced { stage, bytes } => advanced[index].push((*stage, bytes)),
            Step::Ended(outcome) => outcome.unwrap(),
            _ => {}
        });
        for (task, advanced) in tasks.iter().zip(advanced) {
            assert_eq!(task.steps(), ["begin", "piece 0", "end 0", "piece 1", "end 1"]);
            assert_eq!(advanced, [(0, 1), (1, 1)]);
            let steps = task.steps.lock().unwrap();
            assert!(steps.iter().all(|(_, thread)| *thread == steps[0].1), "{steps:?}");
        }
    }
}

#[test]
fn a_single_piece_is_not_begun_in_a_stopped_or_paused_run() {
    for threads in [1, 2] {
        let control = Control::default();
        let steps = Mutex::default();
        let tasks = [Single { control: &control, at_begin: Control::stop, steps }];
        run(&tasks, limits(threads), &control, |_, _| {});
        assert_eq!(tasks[0].steps(), ["begin", "abandon: Interrupted"]);
    }
    let hold: fn(&Control) = |control| control.pause(true);
    for at_begin in [hold, |control| control.limit(NonZeroU64::new(1 << 40))] {
        let control = Control::default();
        let task = Single { control: &control, at_begin, steps: Mutex::default() };
        let pool = ScratchPool::new(NonZeroUsize::MIN);
        let done = Done::doing(&task, 0, Work::Begin, &pool, &control);
        assert_eq!(done.outcome.unwrap(), Outcome::Open);
        let entered = done.entered.unwrap();
        assert_eq!((*entered.stage, entered.pieces, entered.is_ordered), (0, 1, true));
        assert_eq!(task.steps(), ["begin"]);
    }
}

#[test]
fn a_stopped_run_abandons_open_tasks_and_leaves_the_rest() {
    for threads in [1, 3] {
        let tasks: Vec<_> =
            (0..50).map(|_| Probe { stages: vec![40, 3], ..Probe::default() }).collect();
        let control = Control::default();
        let (mut ended, mut interrupted, mut left, mut pieces) = (0, 0, 0, 0);
        run(&tasks, limits(threads), &control, |_, step| match step {
            Step::Advanced { .. } => {
                pieces += 1;
                if pieces == 130 {
                    control.stop();
                }
            }
            Step::Ended(Ok(())) => ended += 1,
            Step::Ended(Err(error)) => {
                assert_eq!(error.kind(), ErrorKind::Interrupted);
                interrupted += 1;
            }
            Step::Left => left += 1,
            Step::Began => {}
        });
        assert_eq!(ended + interrupted + left, tasks.len());
        assert!(interrupted > 0 && left > 0, "{ended} {interrupted} {left}");
        for task in &tasks {
            let log = task.log.lock().unwrap();
            let last = log.last().map(String::as_str);
            assert!(matches!(last, None | Some("abandon" | "end 1")), "{last:?}");
        }
    }
}

#[test]
fn tasks_beyond_the_deadline_are_left_and_the_rest_continue() {
    // Two are open at a time, so the rate is known before the large one's turn.
    let tasks = [1, 1, 1 << 40, 1].map(|pieces| Probe { stages: vec![pieces], ..Probe::default() });
    let control = Control::default();
    control.end_by(Instant::now() + Duration::from_secs(600));
    let mut outcomes = Vec::new();
    let mut seen = 0;
    run(&tasks, limits(1), &control, |index, step| match step {
        Step::Ended(outcome) => {
            outcome.unwrap();
            seen += 1;
        }
        Step::Left => outcomes.push(index),
        _ => {}
    });
    assert_eq!((seen, outcomes), (3, vec![2]));
}

#[test]
fn a_paused_run_continues_when_it_is_released() {
    let tasks: Vec<_> = (0..3).map(|_| Probe { stages: vec![5], ..Probe::default() }).collect();
    let control = Control::default();
    control.pause(true);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let mut steps = 0;
            run(&tasks, limits(2), &control, |_, _| steps += 1);
            steps
        });
        std::thread::sleep(Duration::from_millis(150));
        assert!(tasks.iter().all(|task| task.log.lock().unwrap().is_empty()), "it does not wait");
        control.pause(false);
        assert_eq!(run.join().unwrap(), 3 * (1 + 5 + 1));
    });
}

#[test]
fn a_task_whose_last_step_outlasts_the_run_is_done() {
    for threads in [1, 2] {
        let control = Control::default();
        let mut outcomes = vec![];
        // The coordinator has time to see that the run is stopped.
        let stop = || {
            control.stop();
            std::thread::sleep(Duration::from_millis(300));
        };
        run(&[Ends { pieces: 2, step: stop }], limits(threads), &control, |_, step| {
            if let Step::Ended(outcome) = step {
                outcomes.push(outcome.map_err(|error| error.kind()));
            }
        });
        assert_eq!(outcomes, [Ok(())], "{threads}");
    }
}

#[test]
fn no_more_tasks_are_begun_than_requested() {
    for most in [0, 1, 7, 100] {
        let tasks: Vec<_> =
            (0..20).map(|_| Probe { stages: vec![2], ..Probe::default() }).collect();
        let control = Control::default();
        control.at_most(most);
        let (mut ended, mut left) = (0, 0);
        run(&tasks, limits(2), &control, |_, step| match step {
            Step::Ended(outcome) => {
                outcome.unwrap();
                ended += 1;
            }
            Step::Left => left += 1,
            _ => {}
        });
        assert_eq!((ended, left), (most.min(20), 20 - most.min(20)));
    }
}

#[test]
fn failed_tasks_free_their_place_for_others() {
    for threads in [1, 2, 4] {
        let probe = |number: u64| Probe {
            stages: vec![2],
            fails_at: (number < 3).then_some((0, 1)),
            ..Probe::default()
        };
        let tasks: Vec<_> = (0..10).map(probe).collect();
        let control = Control::default();
        control.at_most(2);
        let (mut done, mut failed, mut left) = (0, 0, 0);
        run(&tasks, limits(threads), &control, |_, step| match step {
            Step::Ended(Ok(())) => done += 1,
            Step::Ended(Err(_)) => failed += 1,
            Step::Left => left += 1,
            _ => {}
        });
        assert_eq!((done, failed, left), (2, 3, 5), "{threads}");
    }
}

/// Space that tasks take when they begin and partly give back when they end.
struct Pool {
    there: AtomicU64,
    number: u64,
    looks: AtomicUsize,
    /// How often a task was asked what it takes.
    asked: AtomicUsize,
}

impl Pool {
    fn of(number: u64, there: u64) -> Self {
        Self {
            there: AtomicU64::new(there),
            number,
            looks: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
        }
    }

    fn there(&self) -> u64 {
        self.there.load(Ordering::SeqCst)
    }
}

/// Takes what it needs in its only piece, like a growing file.
struct Takes<'p> {
    pool: &'p Pool,
    need: Need,
    gives_back: u64,
    taken: AtomicU64,
}

impl<'p> Takes<'p> {
    fn exactly(pool: &'p Pool, bytes: u64) -> Self {
        let need = Need { most: bytes, least: bytes };
        Self { pool, need, gives_back: bytes, taken: AtomicU64::new(0) }
    }
}

impl Task for Takes<'_> {
    type Scratch = ();
    type Stage = ();

    fn scratch() -> Result<()> {
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.need.most
    }

    fn work(&self) -> u64 {
        1
    }

    fn share(&self) -> Option<&dyn Share<()>> {
        Some(self)
    }

    fn begin(&self) -> Result<Next<()>> {
        Ok(Next::stage((), 1))
    }

    fn piece(&self, _stage: &(), _piece: u64, _scratch: &mut ()) -> Result<u64> {
        std::thread::sleep(Duration::from_millis(1));
        let take = |there: u64| there.checked_sub(self.need.least);
        let taken = self.pool.there.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        self.taken.store(self.need.least, Ordering::SeqCst);
        if taken.is_err() {
            return Err(Error::new(ErrorKind::NoSpace, "it was begun without space"));
        }
        Ok(1)
    }

    fn end(&self, _stage: &()) -> Result<Next<()>> {
        self.pool.there.fetch_add(self.gives_back, Ordering::SeqCst);
        Ok(Next::Done)
    }

    fn abandon(&self, _stage: Option<()>, _why: &Error) {}
}

impl Share<()> for Takes<'_> {
    fn of(&self) -> u64 {
        self.pool.number
    }

    fn need(&self, _stage: Option<&()>) -> Need {
        self.pool.asked.fetch_add(1, Ordering::SeqCst);
        let taken = self.taken.load(Ordering::SeqCst);
        let Need { most, least } = self.need;
        Need { most: most.saturating_sub(taken), least: least.saturating_sub(taken) }
    }

    fn left(&self) -> Result<u64> {
        self.pool.looks.fetch_add(1, Ordering::SeqCst);
        Ok(self.pool.there())
    }

    fn too_little(&self, left: u64) -> Error {
        Error::new(ErrorKind::NoSpace, format!("{} of {left}", self.need.least))
    }
}

/// Runs them; returns how each ended: `None`, or its error. Begun ones are recorded in order.
fn shared(tasks: &[Takes<'_>], threads: usize) -> (Vec<Option<String>>, Vec<usize>) {
    let mut ended = vec![None; tasks.len()];
    let mut begun = Vec::new();
    run(tasks, limits(threads), &Control::default(), |index, step| match step {
        Step::Ended(outcome) => {
            assert_eq!(ended[index], None, "it ends once");
            ended[index] = Some(outcome.err().map(|error| error.to_string()));
        }
        Step::Began => begun.push(index),
        _ => {}
    });
    (ended.into_iter().map(|ended| ended.expect("each task ends")).collect(), begun)
}

#[test]
fn tasks_are_begun_as_far_as_shared_space_allows() {
    for threads in [1, 2, 4] {
        for there in [10, 11, 19, 20, 35, 1000] {
            let pool = Pool::of(1, there);
            let tasks: Vec<_> = (0..40).map(|i| Takes::exactly(&pool, 10 - i % 3)).collect();
            let (ended, begun) = shared(&tasks, threads);
            assert!(ended.iter().all(Option::is_none), "{there}: {ended:?}");
            assert_eq!((begun.len(), pool.there()), (40, there));
        }
    }
}

#[test]
fn what_never_fits_fails_alone_and_when_all_others_are_done() {
    let (pool, other) = (Pool::of(1, 10), Pool::of(2, 100));
    let tasks = [
        Takes::exactly(&pool, 11),
        Takes::exactly(&pool, 10),
        Takes::exactly(&other, 90),
        Takes::exactly(&pool, 10),
        Takes::exactly(&pool, 5),
    ];
    let (ended, begun) = shared(&tasks, 2);
    assert_eq!(ended, [Some("11 of 10".to_owned()), None, None, None, None]);
    assert!(!begun.contains(&0), "{begun:?}");
}

#[test]
fn tasks_wait_for_space_that_others_free() {
    let pool = Pool::of(1, 10);
    let mut tasks = [30, 20, 5, 5].map(|bytes| Takes::exactly(&pool, bytes));
    // These end with more space than they took, as with newly compressed data.
    (tasks[2].gives_back, tasks[3].gives_back) = (10, 20);
    tasks[1].gives_back = 40;
    let (ended, begun) = shared(&tasks, 2);
    assert!(ended.iter().all(Option::is_none), "{ended:?}");
    assert_eq!((begun.len(), &begun[..2]), (4, &[2, 3][..]));
}

#[test]
fn a_fitting_estimate_is_enough_for_a_task_alone() {
    let pool = Pool::of(1, 10);
    let need = Need { most: 100, least: 10 };
    let alone = || Takes { need, ..Takes::exactly(&pool, 10) };
    let tasks = [alone(), Takes::exactly(&pool, 10), alone(), Takes::exactly(&pool, 1)];
    let (ended, _) = shared(&tasks, 2);
    assert!(ended.iter().all(Option::is_none), "{ended:?}");
}

#[test]
fn free_space_is_not_measured_at_each_piece() {
    let pool = Pool::of(1, 10);
    let tasks: Vec<_> = (0..100).map(|_| Takes::exactly(&pool, 10)).collect();
    let started = Instant::now();
    let (ended, _) = shared(&tasks, 2);
    assert!(ended.iter().all(Option::is_none), "{ended:?}");
    let seconds = usize::try_from(started.elapsed().as_secs()).unwrap();
    let looks = pool.looks.load(Ordering::SeqCst);
    assert!(looks <= 1 + 100 + seconds, "{looks} looks");
}

/// To ask takes a look into a directory for each file in it.
#[test]
fn a_task_of_single_pieces_is_asked_once_what_it_takes() {
    let pool = Pool::of(1, 10_000);
    let tasks: Vec<_> = (0..100).map(|_| Takes::exactly(&pool, 10)).collect();
    let (ended, _) = shared(&tasks, 2);
    assert!(ended.iter().all(Option::is_none), "{ended:?}");
    assert_eq!(pool.asked.load(Ordering::SeqCst), 100);
}
