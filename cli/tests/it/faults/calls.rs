//! The calls of a traced run, and how strace meets one of them in a run that does the same.
//!
//! strace counts the calls of each name by thread, and only those that it traces. So a call is known by
//! one of its paths (`-P`; of a name in an open directory that is the directory) and its number among the calls of its name and thread on that path; or, where
//! the path has a random name, by its number among all of its name in its thread. Either means the
//! thread that comes so far first; a call of another one has no site.

use std::collections::BTreeMap;
use std::path::Path;

/// Calls that change a disk; a name with `?` may be missing on a machine.
pub(crate) const WATCHED: &str = "openat,?open,?creat,write,pwrite64,?pwritev,?pwritev2,?writev,\
    fallocate,fsync,fdatasync,?sync_file_range,?rename,?renameat,renameat2,?link,linkat,?symlink,\
    symlinkat,?unlink,unlinkat,?mkdir,mkdirat,?rmdir,?truncate,ftruncate,?copy_file_range,?sendfile,\
    fchown,?chown,fchownat,?lchown,?chmod,fchmod,fchmodat,utimensat,?setxattr,fsetxattr,?lsetxattr,\
    exit_group";

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    thread: String,
    name: String,
    /// Below the root of the run, relative to it.
    paths: Vec<String>,
    /// What strace knows the call by: its descriptors and whole paths, relative to the root.
    anchors: Vec<String>,
    /// Where a write begins and ends.
    pub(crate) span: Option<(u64, u64)>,
    creates: bool,
    changes: bool,
}

/// Where a run is met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Site {
    pub(crate) call: String,
    /// Relative to the root.
    pub(crate) path: Option<String>,
    pub(crate) nth: usize,
}

/// Parses a trace (`strace -f -y -s 0`).
pub(crate) fn parse(trace: &str, root: &Path) -> Vec<Call> {
    let root = format!("{}/", root.to_str().unwrap());
    trace.lines().filter_map(|line| Call::parse(line, &root)).collect()
}

impl Call {
    /// `1234 pwrite64(4</d/x>, ""..., 592, 0) = 592`, with or without its result.
    fn parse(line: &str, root: &str) -> Option<Self> {
        let (thread, rest) = line.split_once(char::is_whitespace)?;
        let (name, arguments) = rest.trim_start().split_once('(')?;
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let opens = matches!(name, "openat" | "open" | "creat");
        let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC"];
        let mut paths = Vec::new();
        let mut anchors = Vec::new();
        for (path, anchor) in named(name, arguments) {
            let below = |path: &str| {
                let is_root = format!("{path}/") == *root;
                path.strip_prefix(root).or_else(|| is_root.then_some(".")).map(str::to_owned)
            };
            paths.extend(below(&path));
            anchors.extend(below(anchor));
        }
        Some(Self {
            changes: name == "exit_group"
                || !paths.is_empty()
                    && (!opens || writes.iter().any(|flag| arguments.contains(flag))),
            creates: opens && arguments.contains("O_CREAT"),
            span: span(name, arguments),
            thread: thread.to_owned(),
            name: name.to_owned(),
            paths,
            anchors,
        })
    }

    /// Whether a matrix should try it first: a swap, and the journal.
    pub(crate) fn is_core(&self) -> bool {
        self.paths.iter().any(|path| !path.contains(".sstablerekey/") || path.ends_with("/journal"))
    }

    /// Whether it can fail for lack of space.
    pub(crate) fn takes_space(&self) -> bool {
        let never = ["unlink", "rmdir", "chmod", "chown", "utimens", "truncate", "exit"];
        !never.iter().any(|part| self.name.contains(part))
    }

    pub(crate) fn is_end(&self) -> bool {
        self.name == "exit_group"
    }
}

/// The calls that change something, each with its site; and those that have none. Where the order
/// of calls differs between runs, any site will do.
pub(crate) fn sites(calls: &[Call], is_ordered: bool) -> (Vec<(&Call, Site)>, Vec<String>) {
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    for (at, call) in calls.iter().enumerate().filter(|(_, call)| call.changes) {
        match site(calls, at, is_ordered) {
            Some(site) => found.push((call, site)),
            None => lost.push(format!("{} {}", call.name, call.paths.join(" "))),
        }
    }
    (found, lost)
}

fn site(calls: &[Call], at: usize, is_ordered: bool) -> Option<Site> {
    let call = &calls[at];
    // The log of a swap has a name that no other run gives it again.
    let is_lasting = |path: &&String| {
        let made = |other: &Call| other.creates && other.paths.contains(path);
        !(path.contains("_txn_") && calls.iter().any(made))
    };
    let on_path = call.anchors.iter().filter(is_lasting).find_map(|path| {
        let nth = number(calls, at, is_ordered, |other| other.anchors.contains(path))?;
        Some(Site { call: call.name.clone(), path: Some(path.clone()), nth })
    });
    let in_thread = || {
        // How often files of /proc are opened depends on what else is on the machine.
        let nth = number(calls, at, is_ordered, |_| true).filter(|_| !call.creates)?;
        Some(Site { call: call.name.clone(), path: None, nth })
    };
    on_path.or_else(in_thread)
}

/// The paths that a call names, each with what strace knows it by: `8</d/t>, "a", 9</d>, "b", 0` are
/// `/d/t/a` by `/d/t` and `/d/b` by `/d`.
fn named<'a>(name: &str, arguments: &'a str) -> Vec<(String, &'a str)> {
    let mut rest = arguments.rsplit_once(") = ").map_or(arguments, |(arguments, _)| arguments);
    let is_at = name.ends_with("at") || name.ends_with("at2");
    let (mut found, mut directory) = (Vec::new(), None);
    while let Some(at) = rest.find(['<', '"']) {
        let (begin, end) = if rest[at..].starts_with('<') { ('<', '>') } else { ('"', '"') };
        let Some((inner, after)) = rest[at + 1..].split_once(end) else { break };
        rest = after;
        match (begin, directory) {
            ('<', _) if inner.starts_with('/') && is_at => directory = Some(inner),
            ('<', _) if inner.starts_with('/') => found.push((inner.to_owned(), inner)),
            ('"', _) if inner.starts_with('/') => found.push((inner.to_owned(), inner)),
            ('"', Some(directory)) if is_at => {
                found.push((format!("{directory}/{inner}"), directory));
            }
            _ => {}
        }
    }
    if found.is_empty() {
        found.extend(directory.map(|directory| (directory.to_owned(), directory)));
    }
    found
}

/// The number of a call among those of its name and thread that `counts`; `None` if another thread
/// has made as many before.
fn number(
    calls: &[Call],
    at: usize,
    is_ordered: bool,
    counts: impl Fn(&Call) -> bool,
) -> Option<usize> {
    let call = &calls[at];
    let mut made: BTreeMap<&str, usize> = BTreeMap::new();
    for other in calls[..=at].iter().filter(|other| other.name == call.name && counts(other)) {
        *made.entry(&other.thread).or_default() += 1;
    }
    let nth = made.remove(call.thread.as_str())?;
    (!is_ordered || made.values().all(|others| *others < nth)).then_some(nth)
}

/// `4</d/x>, ""..., 592, 0` of a pwrite64; a write appends at the end, which is not known.
fn span(name: &str, arguments: &str) -> Option<(u64, u64)> {
    let arguments = arguments.rsplit_once(')').map_or(arguments, |(arguments, _)| arguments);
    let mut last = arguments.rsplit(", ");
    let offset = if name == "pwrite64" { last.next()?.parse().ok()? } else { 0 };
    let length: u64 = last.next()?.parse().ok()?;
    matches!(name, "pwrite64" | "write").then_some((offset, offset + length))
}

#[test]
fn names_in_open_directories_are_paths() {
    let trace = "7 renameat2(8</r/d/s>, \"a\", 9</r/d>, \"b\", RENAME_NOREPLACE) = 0\n\
                 7 unlinkat(8</r>, \"k\", 0 <unfinished ...>\n\
                 7 openat(8</r/d>, \"j\", O_WRONLY|O_CREAT|O_EXCL, 0600) = 9</r/d/j>\n\
                 7 pwrite64(9</r/d/j>, \"\"..., 592, 8) = 592\n\
                 7 mkdirat(8</elsewhere>, \"x\", 0700) = 0\n";
    let calls = parse(trace, Path::new("/r"));
    let paths: Vec<_> = calls.iter().map(|call| call.paths.join(" ")).collect();
    assert_eq!(paths, ["d/s/a d/b", "k", "d/j", "d/j", ""]);
    let anchors: Vec<_> = calls.iter().map(|call| call.anchors.join(" ")).collect();
    assert_eq!(anchors, ["d/s d", ".", "d", "d/j", ""]);
    assert_eq!(calls.iter().filter(|call| call.changes).count(), 4);
    assert_eq!(calls[3].span, Some((8, 600)));
}
