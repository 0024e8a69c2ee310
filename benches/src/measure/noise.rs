//! Time, and whether it can be believed: most noise is other processes on the machine.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGINT, SIGTERM};

use super::clock::{self, HERTZ, Ticks, thread_seconds};
use super::neighbours::Neighbours;
use super::outcome::Result;

/// Measures, waits for idle moments before it and says afterwards whether it was alone.
#[derive(Debug)]
pub(crate) struct Meter {
    cpus: f64,
    patience: Duration,
    stop: Arc<AtomicBool>,
    neighbours: Neighbours,
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// GB/s of plaintext, or whatever the row counts.
    pub(crate) value: f64,
    /// Wall-clock time, or CPU time where a single thread was timed.
    pub(crate) seconds: f64,
    /// CPU time that this process and its children took, in cores.
    pub(crate) cores: f64,
    /// Share of the machine that others took meanwhile.
    pub(crate) others: f64,
}

impl Sample {
    /// Whether others took so little that the figure counts.
    pub(crate) fn is_clean(self) -> bool {
        self.others < TOLERATED
    }

    pub(crate) fn with_value(self, value: f64) -> Self {
        Self { value, ..self }
    }
}

impl Meter {
    /// Waits no longer than `patience` for an idle moment.
    pub(crate) fn new(patience: Duration) -> Result<Self> {
        let stop = Arc::<AtomicBool>::default();
        for signal in [SIGINT, SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&stop))?;
        }
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        let cpus = f64::from(u32::try_from(cpus).unwrap_or(1));
        Ok(Self { cpus, patience, stop, neighbours: Neighbours::new() })
    }

    /// Waits until nobody else is busy, the kernel's writeback included; not for ever.
    fn wait_until_idle(&self) -> Result<()> {
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
    pub(crate) fn time(&self, bytes: u64, work: impl FnOnce() -> Result<()>) -> Result<Sample> {
        self.wait_until_idle()?;
        self.time_now(bytes, work)
    }

    /// The same for `work` that writes so many bytes to files on the file system of `directory`.
    pub(crate) fn time_writing(
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
    pub(crate) fn time_child(
        &self,
        process: u32,
        bytes: u64,
        work: impl FnOnce() -> Result<()>,
    ) -> Result<Sample> {
        self.wait_until_idle()?;
        let before = clock::ticks_of(process)?;
        let sample = self.time_now(bytes, work)?;
        let cores = (clock::ticks_of(process)? - before) / HERTZ / sample.seconds;
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
            value: bytes as f64 / 1e9 / seconds,
            seconds,
            cores: used.own / HERTZ / seconds,
            others: ((used.all - used.own - used.kernel) / whole).max(0.0),
        })
    }

    /// Times `work` of a single thread, here or in a child, on the core that is the quietest. What is
    /// taken of it from outside the machine counts as taken by others.
    pub(crate) fn time_alone(&self, work: impl FnOnce() -> Result<()>) -> Result<Sample> {
        self.wait_until_idle()?;
        let _stay = self.neighbours.stay_on_quietest_core(self.patience, || self.check())?;
        let sample = self.time_now(0, work)?;
        Ok(Sample { others: sample.others.max(self.neighbours.lost()), ..sample })
    }

    /// Times a piece of work of one thread, over and over, by the CPU time of the thread.
    pub(crate) fn time_kernel(&self, bytes: usize, mut work: impl FnMut()) -> Result<Sample> {
        work();
        let (mut times, mut used) = (0_u32, 0.0);
        let sample = self.time_alone(|| {
            let begun = thread_seconds();
            while used < KERNEL_TIME {
                work();
                times = times.saturating_add(1);
                used = thread_seconds() - begun;
            }
            Ok(())
        })?;
        let value = bytes as f64 / 1e9 * f64::from(times) / used;
        Ok(Sample { value, seconds: used, ..sample })
    }

    /// Ends the run where somebody asked for it.
    pub(crate) fn check(&self) -> Result<()> {
        if self.stop.load(Ordering::Relaxed) { Err("interrupted".into()) } else { Ok(()) }
    }
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

/// What others may take of a clean measurement.
const TOLERATED: f64 = 0.08;
/// What they may take of the moment before it.
const IDLE: f64 = 0.05;
/// Seconds that a kernel runs to be timed.
const KERNEL_TIME: f64 = 1.0;
/// How long the kernel waits before it gives free memory back (`PAGE_REPORTING_DELAY`), and what that takes.
const GIVEN_BACK: Duration = Duration::from_millis(2_500);
