//! The sources of the workspace, read as text.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file of a package without comments and tests.
pub(crate) struct Source {
    /// Relative to the package's `src`, such as `io/mmap.rs`.
    pub(crate) name: String,
    pub(crate) code: String,
}

impl Source {
    /// The sources of a package of the workspace, in order.
    pub(crate) fn all(package: &str) -> Vec<Self> {
        let source = root().join(package).join("src");
        let read = |path: PathBuf| {
            let name = path.strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
            Self { name, code: code_of(&fs::read_to_string(path).unwrap()) }
        };
        let is_code = |path: &PathBuf| {
            !path.ends_with("tests.rs")
                && !path.components().any(|part| part.as_os_str() == "tests")
        };
        files(&source, &["rs"]).into_iter().filter(is_code).map(read).collect()
    }
}

/// The directory of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// All files below a directory with one of these extensions, in order.
pub(crate) fn files(directory: &Path, extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    gather(directory, extensions, &mut files);
    files.sort();
    files
}

fn gather(directory: &Path, extensions: &[&str], files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        let extension = path.extension().and_then(|extension| extension.to_str());
        if kind.is_dir() && !path.ends_with("target") {
            gather(&path, extensions, files);
        } else if kind.is_file() && extension.is_some_and(|own| extensions.contains(&own)) {
            files.push(path);
        }
    }
}

/// A source without comments and tests: those are modules, in the file or beside it.
pub(crate) fn code_of(text: &str) -> String {
    let mut parts = text.split("#[cfg(test)]");
    let mut code = parts.next().unwrap().to_owned();
    for part in parts {
        let (line, rest) = part.trim_start().split_once('\n').unwrap_or_else(|| (part.trim(), ""));
        match line.trim_end().chars().last() {
            // In a file of its own.
            Some(';') if line.starts_with("mod ") => code.push_str(rest),
            // The modules of tests are the last thing in a file.
            Some('{' | '}') if line.starts_with("mod ") => break,
            _ if line.starts_with("#[") => break,
            _ => panic!("code may follow: {line}"),
        }
    }
    let lines = code.lines().map(|line| line.split("//").next().unwrap());
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn tests_and_comments_are_not_code() {
    let text = "a // b\n#[cfg(test)]\nmod tests;\n/// c\nd\n#[cfg(test)]\nmod tests {\n e\n}\n";
    assert_eq!(code_of(text).split_whitespace().collect::<Vec<_>>(), ["a", "d"]);
}
