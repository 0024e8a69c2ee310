//! Identifies a process that cannot be examined, by what every user may read of it.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

/// What `/proc/PID/stat` and `/proc/PID/cmdline` say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    /// Whether it has ended, is ending, or is a thread of the kernel: none of them has files.
    is_bare: bool,
    /// The name of its program, if that can be read.
    name: Option<String>,
    /// Its arguments, if they can be read; a process that is just starting has none yet.
    arguments: Vec<String>,
}

impl Identity {
    /// Reads it; `None` for a process that is gone. A process without arguments is read again,
    /// since it may be about to become another program.
    pub(super) fn settled(process: &Path) -> Option<Self> {
        let mut identity = Self::read(process)?;
        for _ in 0..4 {
            if identity.is_bare || !identity.arguments.is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
            identity = Self::read(process)?;
        }
        Some(identity)
    }

    fn read(process: &Path) -> Option<Self> {
        let (is_bare, name) = match fs::read(process.join("stat")) {
            Ok(stat) => parse(&String::from_utf8_lossy(&stat)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(_hidden) => (false, None),
        };
        let arguments = fs::read(process.join("cmdline")).unwrap_or_default();
        Some(Self { is_bare, name, arguments: words(&arguments) })
    }

    /// Whether it may be a node of any product: they are all Java virtual machines. A process known
    /// to run another program is not a node, and neither is a script that only mentions one.
    pub(super) fn may_be_a_node(&self) -> bool {
        if self.is_bare {
            return false;
        }
        let Some(first) = self.arguments.first() else { return true };
        let program = Path::new(first).file_name().and_then(|name| name.to_str());
        self.name.as_deref().is_none_or(is_java)
            || program.is_some_and(is_java)
            || self.runs_a_node()
    }

    /// A Java virtual machine under another name: it has a JVM's options, and the main class as a
    /// separate word.
    fn runs_a_node(&self) -> bool {
        const MAIN_CLASSES: [&str; 3] = [
            "org.apache.cassandra.service.CassandraDaemon",
            "com.datastax.bdp.DseModule",
            "com.datastax.bdp.DseDaemon",
        ];
        const OPTIONS: [&str; 4] = ["-cp", "-classpath", "-X", "-Dcassandra"];
        let has = |what: &dyn Fn(&str) -> bool| self.arguments.iter().any(|word| what(word));
        has(&|word| MAIN_CLASSES.contains(&word))
            && has(&|word| OPTIONS.iter().any(|option| word.starts_with(option)))
    }
}

fn is_java(program: &str) -> bool {
    program.starts_with("java") || program.starts_with("jsvc")
}

/// `12 (name) S 1 12 12 0 -1 4194560 ...`: whether it is bare, and its name, which may hold anything.
fn parse(stat: &str) -> (bool, Option<String>) {
    /// The flags of a process that is ending, and of a thread of the kernel.
    const EXITING: u64 = 0x4;
    const KERNEL_THREAD: u64 = 0x0020_0000;
    let parts = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')'));
    let Some((name, rest)) = parts else { return (false, None) };
    let mut fields = rest.split_whitespace();
    let has_ended = matches!(fields.next(), Some("Z" | "X" | "x"));
    let flags: u64 = fields.nth(5).and_then(|flags| flags.parse().ok()).unwrap_or_default();
    (has_ended || flags & (EXITING | KERNEL_THREAD) != 0, Some(name.to_owned()))
}

/// The words of a `cmdline`, each of which ends with a zero byte.
fn words(cmdline: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(cmdline);
    let text = text.trim_end_matches('\0');
    if text.is_empty() { vec![] } else { text.split('\0').map(str::to_owned).collect() }
}

/// The start of a command line.
pub(super) fn command(process: &Path) -> String {
    const SHOWN: usize = 80;
    let bytes = fs::read(process.join("cmdline")).unwrap_or_default();
    let text = words(&bytes).join(" ");
    let words = text.trim();
    if words.is_empty() {
        let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
        return name.trim().to_owned();
    }
    // A node's command line is kilobytes of options; its last word is the main class.
    match words.rsplit(' ').next() {
        Some(last) if words.len() > SHOWN => {
            let first = words.split(' ').next().unwrap_or_default();
            format!("{first} ... {last}")
        }
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAEMON: &str = "org.apache.cassandra.service.CassandraDaemon";

    fn process(stat: &str, cmdline: &str) -> Identity {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in [("stat", stat), ("cmdline", cmdline)] {
            if content != "none" {
                let path = dir.path().join(name);
                io::Write::write_all(&mut fs::File::create_new(path).unwrap(), content.as_bytes())
                    .unwrap();
            }
        }
        Identity::settled(dir.path()).unwrap()
    }

    fn stat(name: &str, state: char, flags: u64) -> String {
        format!("12 ({name}) {state} 1 12 12 0 -1 {flags} 900 0 0")
    }

    #[test]
    fn java_may_be_a_node_and_a_script_naming_one_is_not() {
        let usual = 0x0040_0000;
        let watchdog = format!("bash\0-c\0while sleep 1; do pgrep -f {DAEMON}; done\0");
        for (name, cmdline, may_be) in [
            ("java", format!("java\0-ea\0{DAEMON}\0"), true),
            ("java", "/usr/lib/jvm/bin/java\0-jar\0app.jar\0".to_owned(), true),
            ("java", String::new(), true),
            ("main", "/opt/jdk/bin/java\0-Xmx1g\0Main\0".to_owned(), true),
            ("jsvc.exec", "dse\0".to_owned(), true),
            ("hcd", format!("hcd\0-Xms4G\0{DAEMON}\0"), true),
            ("a) R 0 (b", "x\0".to_owned(), false),
            ("bash", watchdog, false),
            ("pgrep", format!("pgrep\0-f\0{DAEMON}\0"), false),
            ("sshd", "sshd: root@pts/0\0".to_owned(), false),
            // Its command line is hidden, or it has wiped it: unknown.
            ("x", String::new(), true),
            ("x", "none".to_owned(), true),
        ] {
            let found = process(&stat(name, 'S', usual), &cmdline);
            assert_eq!(found.may_be_a_node(), may_be, "{name} {cmdline:?}: {found:?}");
        }
    }

    #[test]
    fn ended_and_kernel_processes_are_not_nodes_and_hidden_may_be() {
        for (state, flags) in [('Z', 0x0040_0000), ('X', 0), ('I', 0x0020_8040), ('S', 0x4)] {
            let found = process(&stat("java", state, flags), "");
            assert!(!found.may_be_a_node(), "{found:?}");
        }
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Identity::settled(dir.path()), None, "it is gone");
        // Its stat exists but cannot be read.
        std::os::unix::fs::symlink(dir.path(), dir.path().join("stat")).unwrap();
        assert!(Identity::settled(dir.path()).unwrap().may_be_a_node());
        assert_eq!(parse("nonsense"), (false, None));
    }

    #[test]
    fn a_long_command_line_is_its_first_word_and_its_last() {
        let own = Path::new("/proc/self");
        assert!(!command(own).is_empty());
        assert!(command(Path::new("/proc/self/nothing")).is_empty());
        assert_eq!(words(b"a\0b c\0"), ["a", "b c"]);
    }
}
