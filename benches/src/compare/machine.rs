//! What was measured on: no names of machines, and no paths.

use std::fs;
use std::process::Command;

use super::program::succeed;

pub(super) fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find_map(|line| line.strip_prefix(name));
        line.map_or("unknown", |line| line.trim_start_matches([' ', '\t', ':']))
    };
    let has = |flag: &&str| field("flags").split(' ').any(|one| one == *flag);
    let flags: Vec<&str> = TELLING_FLAGS.split(' ').filter(has).collect();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let said = |program: &str, arguments: &[&str]| {
        succeed(Command::new(program).args(arguments)).unwrap_or_default().trim().to_owned()
    };
    format!(
        "{}, {cores} cores ({}); Linux {}; {}; release build without `target-cpu`; commit {}",
        field("model name"),
        flags.join(" "),
        kernel.trim(),
        said("rustc", &["--version"]),
        said("git", &["describe", "--always", "--dirty", "--exclude=*"]),
    )
}

/// What the kernels ask for.
const TELLING_FLAGS: &str =
    "aes avx2 avx512f avx512vl avx512bw avx512dq avx512_vbmi2 vaes vpclmulqdq gfni";
