//! Time, and whether it can be believed: most noise is other processes on the machine.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use super::Result;
use super::neighbours::Neighbours;

/// Measures, waits for idle moments before it and says afterwards whether it was alone.
#[derive(Debug)]
pub(super) struct Meter {
    cpus: f64,
    patience: Duration,
    /// How long a kernel runs to be timed.
    pub(super) kernel_time: Duration,
    stop: Arc<AtomicBool>,
    neighbours: Neighbours,
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    /// GB/s of plaintext, or whatever the row counts.
    pub(super) value: f64,
    /// Wall-clock time, or CPU time where a single thread was timed.
    pub(super) seconds: f64,
    /// CPU time that this process and its children took, in cores.
    pub(super) cores: f64,
    /// Share of the machine that others took meanwhile.
    pub(super) others: f64,
}

impl Sample {
    /// Whether others took so little that the figure counts.
    pub(super) fn is_clean(self) -> bool {
        self.others < TOLERATED
    }

    pub(super) fn with_value(self, value: f64) -> Self {
        Self { value, ..self }
    }
}

impl Meter {
    pub(super) fn new(patience: Duration, kernel_time: Duration, stop: Arc<AtomicBool>) -> Self {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let cpus = f64::from(u32::try_from(cpus).unwrap_or(1));
        Self { cpus, patience, kernel_time, stop, neighbours: Neighbours::new() }
    }

    /// Waits until nobody else is busy, the kernel's writeback included; not for ever.
    pub(super) fn wait_until_idle(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            self.check()?;
            let (before, at) = (Ticks::now()?, Instant::now());
            std::thread::sleep(Duration::from_millis(200));
            let used = Ticks::now()?.since(before);
            let share = (used.all - used.own) / (at.elapsed().as_secs_f64() * HERTZ * self.cpus);
            if share < IDLE || begun.elapsed() > self.patience {
                return Ok(());
            }
        }
    }

    /// Times `work`, which handles so many bytes.
    pub(super) fn time(&self, bytes: u64, work: impl FnOnce() -> Result<()>) -> Result<Sample> {
        self.wait_until_idle()?;
        self.time_now(bytes, work)
    }

    /// The same for `work` that writes so many bytes to files on the file system of `directory`.
    pub(super) fn time_writing(
        &self,
        directory: &Path,
        bytes: u64,
        work: impl FnOnce() -> Result<()>,
    ) -> Result<Sample> {
        self.wait_until_idle()?;
        back_memory(directory, bytes, GIVEN_BACK.min(self.patience))?;
        self.time_now(bytes, work)
    }

    /// The same for work that another process does meanwhile, which stays.
    pub(super) fn time_child(
        &self,
        process: u32,
        bytes: u64,
        work: impl FnOnce() -> Result<()>,
    ) -> Result<Sample> {
        let ticks = || -> Result<f64> {
            let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
            Ok(times_of(&stat).map_or(0.0, |times| times.own))
        };
        self.wait_until_idle()?;
        let before = ticks()?;
        let sample = self.time_now(bytes, work)?;
        let cores = (ticks()? - before) / HERTZ / sample.seconds;
        let others = (sample.others - cores / self.cpus).max(0.0);
        Ok(Sample { cores: sample.cores + cores, others, ..sample })
    }

    fn time_now(&self, bytes: u64, work: impl FnOnce() -> Result<()>) -> Result<Sample> {
        let before = Ticks::now()?;
        let at = Instant::now();
        work()?;
        let seconds = at.elapsed().as_secs_f64();
        let used = Ticks::now()?.since(before);
        self.check()?;
        let whole = seconds * HERTZ * self.cpus;
        Ok(Sample {
            value: gigabytes(bytes) / seconds,
            seconds,
            cores: used.own / HERTZ / seconds,
            others: ((used.all - used.own - used.kernel) / whole).max(0.0),
        })
    }

    /// Times `work` of a single thread, here or in a child, on the core that is the quietest. What is
    /// taken of it from outside the machine counts as taken by others.
    pub(super) fn time_alone(&self, work: impl FnOnce() -> Result<()>) -> Result<Sample> {
        self.wait_until_idle()?;
        let _stay = self.neighbours.stay_on_quietest_core(self.patience, || self.check())?;
        let sample = self.time_now(0, work)?;
        Ok(Sample { others: sample.others.max(self.neighbours.lost()), ..sample })
    }

    /// Times a piece of work of one thread, over and over, by the CPU time of the thread.
    pub(super) fn time_kernel(&self, bytes: u64, mut work: impl FnMut()) -> Result<Sample> {
        work();
        let (mut times, mut used) = (0_u32, 0.0);
        let sample = self.time_alone(|| {
            let begun = thread_seconds();
            while used < self.kernel_time.as_secs_f64() {
                work();
                times = times.saturating_add(1);
                used = thread_seconds() - begun;
            }
            Ok(())
        })?;
        let value = gigabytes(bytes) * f64::from(times) / used;
        Ok(Sample { value, seconds: used, ..sample })
    }

    /// Ends the run where somebody asked for it.
    pub(super) fn check(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err("interrupted".into()) } else { Ok(()) }
    }
}

/// CPU time in ticks since the machine started.
#[derive(Debug, Clone, Copy)]
struct Ticks {
    /// Everybody.
    all: f64,
    /// This process and the children that it waited for.
    own: f64,
    /// Threads of the kernel: what they write back and reclaim is the work of whom we time.
    kernel: f64,
}

impl Ticks {
    fn now() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().ok_or("/proc/stat is empty")?;
        let fields: Vec<f64> =
            line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
        // user, nice, system, irq, softirq, steal: all but idle and iowait.
        let all = [0, 1, 2, 5, 6, 7].iter().filter_map(|i| fields.get(*i)).sum();
        let own = times_of(&fs::read_to_string("/proc/self/stat")?)
            .map_or(0.0, |times| times.own + times.children);
        let mut kernel = 0.0;
        for entry in fs::read_dir("/proc")?.flatten() {
            let is_process =
                entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok());
            // A process may go away meanwhile.
            let Some(stat) =
                is_process.then(|| fs::read_to_string(entry.path().join("stat")).ok()).flatten()
            else {
                continue;
            };
            kernel += times_of(&stat).filter(|times| times.is_kernel).map_or(0.0, |t| t.own);
        }
        Ok(Self { all, own, kernel })
    }

    const fn since(self, before: Self) -> Self {
        Self {
            all: self.all - before.all,
            own: self.own - before.own,
            kernel: self.kernel - before.kernel,
        }
    }
}

struct Times {
    own: f64,
    children: f64,
    is_kernel: bool,
}

/// Reads /proc/PID/stat (proc(5)); the name in parentheses may hold anything.
fn times_of(stat: &str) -> Option<Times> {
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    let flags: u32 = fields.get(9 - 3)?.parse().ok()?;
    Some(Times {
        own: number(14)? + number(15)?,
        children: number(16)? + number(17)?,
        is_kernel: flags & PF_KTHREAD != 0,
    })
}

/// Fills the page cache with a file, and removes it before it is written back. A virtual machine gives
/// free memory back to its host, and what it takes then is a fault in the host, page by page and ten
/// times slower than memory that was in use just now: it would be chance which case meets it. It is given back
/// two seconds after the first of it was freed, which the case before has done: the file is held past that, and
/// what is freed with it stays for two seconds.
fn back_memory(directory: &Path, bytes: u64, hold: Duration) -> Result<()> {
    let mut file = tempfile::tempfile_in(directory)?;
    let block = vec![1; 2 << 20];
    for _ in 0..=(bytes + bytes / 8) / (2 << 20) {
        file.write_all(&block)?;
    }
    std::thread::sleep(hold);
    Ok(())
}

pub(super) fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default().as_secs_f64()
}

fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

/// What others may take of a clean measurement.
const TOLERATED: f64 = 0.08;
/// What they may take of the moment before it.
const IDLE: f64 = 0.05;
/// How long the kernel waits before it gives free memory back (`PAGE_REPORTING_DELAY`), and what that takes.
const GIVEN_BACK: Duration = Duration::from_millis(2_500);
/// Of /proc, on every architecture that Linux has a fixed value for.
const HERTZ: f64 = 100.0;
const PF_KTHREAD: u32 = 0x0020_0000;
