//! CPU time: of this thread, of a process, of everybody.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::outcome::Result;

/// CPU time in ticks since the machine started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticks {
    /// Everybody.
    pub(super) all: f64,
    /// This process and the children that it waited for.
    pub(super) own: f64,
    /// Threads of the kernel: what they write back and reclaim is the work of whom we time.
    pub(super) kernel: f64,
}

impl Ticks {
    pub(super) fn now() -> Result<Self> {
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

    pub(super) const fn since(self, before: Self) -> Self {
        Self {
            all: self.all - before.all,
            own: self.own - before.own,
            kernel: self.kernel - before.kernel,
        }
    }
}

/// CPU time of a process, in ticks.
struct Times {
    own: f64,
    children: f64,
    is_kernel: bool,
}

/// CPU time of another process.
pub(super) fn ticks_of(process: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    Ok(times_of(&stat).map_or(0.0, |times| times.own))
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

/// CPU time of this thread.
pub(super) fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default().as_secs_f64()
}

/// Of /proc, on every architecture that Linux has a fixed value for.
pub(super) const HERTZ: f64 = 100.0;
const PF_KTHREAD: u32 = 0x0020_0000;
