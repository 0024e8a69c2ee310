//! Whether `/proc` shows every process of this PID namespace.

use std::fs;
use std::path::Path;

use super::super::mounts;

/// Why there may be processes that `/proc` does not list; `None` if it shows all.
pub(super) fn blindness(proc: &Path) -> Option<String> {
    const PROC_SUPER_MAGIC: i64 = 0x9fa0;
    let is_proc = rustix::fs::statfs(proc).is_ok_and(|stat| stat.f_type == PROC_SUPER_MAGIC);
    if !is_proc {
        return Some("no process can be seen: /proc is not mounted".to_owned());
    }
    if own_pid(proc).is_none() {
        return Some(
            "no process can be seen: /proc is that of another PID namespace, without this process"
                .to_owned(),
        );
    }
    let hidden = || {
        "processes of other users cannot be seen: /proc is mounted with hidepid, so a node may be \
         running"
            .to_owned()
    };
    // Every PID namespace has a first process as long as it exists.
    let first = fs::symlink_metadata(proc.join("1"));
    if first.is_err() {
        return Some(hidden());
    }
    let status = fs::read_to_string(proc.join("self/status")).unwrap_or_default();
    let options = fs::read_to_string(proc.join("self/mountinfo"))
        .ok()
        .and_then(|mounts| mounts::options_at(proc, &mounts));
    match options {
        Some(options) => hides(&options, &status).then(hidden),
        None => Some("it cannot be told whether /proc shows every process".to_owned()),
    }
}

/// The number of this process as `/proc` has it: in the `/proc` of an outer namespace it differs
/// from the one that the process itself knows.
pub(super) fn own_pid(proc: &Path) -> Option<u32> {
    fs::read_link(proc.join("self")).ok()?.to_str()?.parse().ok()
}

/// Whether options of `/proc` hide processes from one with this `status`.
fn hides(options: &str, status: &str) -> bool {
    let option = |name: &str| {
        options.split(',').find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
    };
    let field = |name: &str| {
        status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .unwrap_or_default()
    };
    let hides = !matches!(option("hidepid"), None | Some("0" | "off"));
    let capabilities = u64::from_str_radix(field("CapEff").trim(), 16).unwrap_or_default();
    let may_trace = capabilities & SYS_PTRACE != 0;
    // The option's group sees everything, except with `ptraceable`, which ignores the group.
    let knows_groups = !matches!(option("hidepid"), Some("4" | "ptraceable"));
    let is_exempt = knows_groups
        && option("gid").is_some_and(|group| {
            let own = field("Gid").split_whitespace().skip(3).take(1);
            own.chain(field("Groups").split_whitespace()).any(|own| own == group)
        });
    hides && !may_trace && !is_exempt
}

/// The bit of `CAP_SYS_PTRACE`.
const SYS_PTRACE: u64 = 1 << 19;

#[cfg(test)]
mod tests {
    use super::*;

    fn status(capabilities: u64, groups: &str) -> String {
        format!(
            "Name:\tx\nGid:\t100\t100\t100\t100\nGroups:\t{groups} \nCapEff:\t{capabilities:016x}\n"
        )
    }

    #[test]
    fn hidepid_hides_from_all_but_tracers_and_its_group() {
        let nobody = status(0, "4 24");
        for (options, hidden) in [
            ("rw", false),
            ("rw,hidepid=0", false),
            ("rw,hidepid=off", false),
            ("rw,hidepid=1", true),
            ("rw,hidepid=noaccess", true),
            ("rw,hidepid=2", true),
            ("rw,gid=27,hidepid=invisible", true),
            ("rw,gid=24,hidepid=2", false),
            ("rw,gid=100,hidepid=2", false),
            ("rw,gid=24,hidepid=ptraceable", true),
        ] {
            assert_eq!(hides(options, &nobody), hidden, "{options}");
        }
        assert!(!hides("rw,hidepid=2", &status(SYS_PTRACE, "")));
        assert!(hides("rw,hidepid=2", &status(!SYS_PTRACE, "")));
        assert!(hides("rw,hidepid=2", ""), "what is not told is not there");
    }

    #[test]
    fn a_directory_that_is_not_proc_shows_no_process() {
        let dir = tempfile::tempdir().unwrap();
        assert!(blindness(dir.path()).unwrap().contains("/proc is not mounted"));
        assert_eq!(own_pid(dir.path()), None);
        assert_eq!(own_pid(Path::new("/proc")), Some(std::process::id()));
    }
}
