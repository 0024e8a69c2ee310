use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::*;
use crate::pipeline::Scratch;

/// Counts what happens to it, and fails where it is told to.
#[derive(Default)]
struct Probe {
    stages: Vec<u64>,
    fails_at: Option<(u32, u64)>,
    panics: bool,
    log: Mutex<Vec<String>>,
    running: AtomicU64,
    open: std::sync::Arc<AtomicUsize>,
    most_open: std::sync::Arc<AtomicUsize>,
}

impl Probe {
    fn note(&self, text: String) {
        self.log.lock().unwrap().push(text);
    }

    fn next(&self, stage: usize) -> Next {
        match self.stages.get(stage) {
            Some(&pieces) => Next::Stage { pieces },
            None => {
                self.open.fetch_sub(1, Ordering::SeqCst);
                Next::Done
            }
        }
    }
}

impl Task for Probe {
    fn begin(&self) -> Result<Next> {
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        self.note("begin".into());
        Ok(self.next(0))
    }

    fn piece(&self, stage: u32, piece: u64, _scratch: &mut Scratch) -> Result<u64> {
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

    fn end(&self, stage: u32) -> Result<Next> {
        assert_eq!(self.running.load(Ordering::SeqCst), 0, "a piece runs beside a serial step");
        self.note(format!("end {stage}"));
        Ok(self.next(stage as usize + 1))
    }

    fn abandon(&self, _why: &Error) {
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
        run(&tasks, limits(threads), |index, step| match step {
            Step::Advanced { bytes: n, .. } => bytes[index] += n,
            Step::Ended(outcome) => {
                outcome.unwrap();
                ended += 1;
            }
            _ => {}
        })
        .unwrap();
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
        run(&tasks, limits(2), |index, step| {
            if let Step::Ended(outcome) = step {
                outcomes.push((index, outcome.map_err(|error| error.kind())));
            }
        })
        .unwrap();
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
fn no_more_tasks_are_open_than_the_limit() {
    let (open, most_open) = <(std::sync::Arc<_>, std::sync::Arc<_>)>::default();
    let tasks: Vec<_> = (0..200)
        .map(|_| Probe {
            stages: vec![2],
            open: std::sync::Arc::clone(&open),
            most_open: std::sync::Arc::clone(&most_open),
            ..Probe::default()
        })
        .collect();
    run(&tasks, limits(3), |_, _| {}).unwrap();
    assert_eq!(open.load(Ordering::SeqCst), 0);
    assert!(most_open.load(Ordering::SeqCst) <= limits(3).open_tasks());
}
