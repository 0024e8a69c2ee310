//! Checks that there are no import cycles: no module imports itself through others.
//!
//! An import is a path from `crate`, `super` or `self`, in a `use` or in the code, and names the
//! deepest module on it, be that above or below. What a module passes on by `pub use` is imported
//! from where it is defined; passing it on is not an import, and neither is `mod`. That a module
//! names its own children, without a prefix, is what makes it their parent.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::Source;

/// A module, or an item, by the names on the way from the crate's root.
type Path = Vec<String>;

/// The modules of a package, and what each of them imports.
#[derive(Debug, Default)]
struct Modules {
    imports: BTreeMap<Path, BTreeSet<Path>>,
}

impl Modules {
    fn new(sources: &[Source]) -> Self {
        let mut named = BTreeMap::<Path, Vec<Named>>::new();
        for source in sources {
            let module = module_of(&source.name);
            let paths = paths(&module, &source.code);
            named.entry(module).or_default().extend(paths);
        }
        let passed_on: BTreeMap<Path, Path> = named
            .iter()
            .flat_map(|(module, paths)| paths.iter().map(move |path| (module, path)))
            .filter(|(_, path)| path.is_passed_on)
            .map(|(module, path)| (joined(module, &path.alias), path.path.clone()))
            .collect();
        let mut modules = Self::default();
        for (module, paths) in &named {
            let imports = modules.imports.entry(module.clone()).or_default();
            let paths = paths.iter().filter(|path| !path.is_passed_on);
            imports.extend(paths.filter_map(|path| home(&path.path, &passed_on, &named)));
            imports.remove(module);
        }
        modules
    }

    /// Everything that a module imports, itself and through others.
    fn reached<'a>(&'a self, module: &'a Path) -> BTreeSet<&'a Path> {
        let (mut reached, mut open) = (BTreeSet::new(), vec![module]);
        while let Some(next) = open.pop() {
            open.extend(self.imports[next].iter().filter(|import| reached.insert(*import)));
        }
        reached
    }

    /// The circles, by the imports that form them.
    fn circles(&self) -> Vec<String> {
        let reached: BTreeMap<_, _> =
            self.imports.keys().map(|module| (module, self.reached(module))).collect();
        let mut circles = BTreeSet::new();
        for module in self.imports.keys() {
            let is_mutual =
                |other: &&Path| reached[module].contains(other) && reached[other].contains(module);
            let members: BTreeSet<&Path> = self.imports.keys().filter(is_mutual).collect();
            let imports = members.iter().flat_map(|from| {
                let own = self.imports[*from].iter().filter(|to| members.contains(to));
                own.map(|to| format!("{} -> {}", from.join("::"), to.join("::")))
            });
            circles.insert(imports.collect::<Vec<_>>().join(", "));
        }
        circles.remove("");
        circles.into_iter().collect()
    }
}

/// The module on a path that is deepest, with what was passed on taken from its home.
fn home(
    path: &[String],
    passed_on: &BTreeMap<Path, Path>,
    modules: &BTreeMap<Path, Vec<Named>>,
) -> Option<Path> {
    let mut path = path.to_vec();
    for _ in 0..LONGEST {
        let prefixes = (1..=path.len()).rev();
        let found = prefixes.filter_map(|length| Some((length, passed_on.get(&path[..length])?)));
        let Some((length, from)) = found.max_by_key(|(length, _)| *length) else { break };
        path = [from, &path[length..]].concat();
    }
    (1..=path.len()).rev().map(|length| path[..length].to_vec()).find(|p| modules.contains_key(p))
}

/// The most re-exports that an item passes through.
const LONGEST: usize = 8;

/// A path of a source, from the crate's root.
#[derive(Debug)]
struct Named {
    path: Path,
    /// What a `use` calls it.
    alias: String,
    /// Whether it is in a `pub use`.
    is_passed_on: bool,
}

/// `io/mod.rs` is the module `io`, and `io/map.rs` its child.
fn module_of(name: &str) -> Path {
    let mut module: Path = name.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    module.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
    module
}

fn joined(module: &[String], name: &str) -> Path {
    [module, &[name.to_owned()]].concat()
}

/// The paths of a module's code that begin at a module of the crate.
fn paths(module: &Path, code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let mut after = 0;
    for (at, _) in code.match_indices(|c: char| c.is_alphabetic() || c == '_') {
        let is_start = !code[..at].ends_with(|c: char| c.is_alphanumeric() || "_:$'".contains(c));
        if at < after || !is_start {
            continue;
        }
        let is_passed_on = is_after_pub_use(&code[..at]);
        let mut tree = Tree { rest: &code[at..], found: Vec::new() };
        tree.read(&[]);
        after = code.len() - tree.rest.len();
        for (path, alias) in tree.found {
            let path = match path[0].as_str() {
                "crate" => path[1..].to_vec(),
                "self" | "super" if path.len() > 1 => {
                    let above = path.iter().take_while(|name| *name == "super").count();
                    let own = &module[..module.len().saturating_sub(above)];
                    [own, &path[above.max(1)..]].concat()
                }
                // An item of this module or of a child, or of another crate.
                _ if is_passed_on => [module.as_slice(), &path].concat(),
                _ => continue,
            };
            found.push(Named { path, alias, is_passed_on });
        }
    }
    found
}

/// Whether code ends with `pub use`, for whomever it is public.
fn is_after_pub_use(code: &str) -> bool {
    let Some(before) = code.trim_end().strip_suffix("use") else { return false };
    let before = before.trim_end();
    let before = match before.strip_suffix(')') {
        Some(inside) => inside.rsplit_once('(').map_or("", |(before, _)| before),
        None => before,
    };
    before.ends_with("pub")
}

/// Reads a path, or the tree of a `use`, from the start of some code.
struct Tree<'a> {
    rest: &'a str,
    /// Paths, and the names by which they are used.
    found: Vec<(Path, String)>,
}

impl Tree<'_> {
    /// A path such as `a::b::{c, d as e, f::{self, g}}`, below another one.
    fn read(&mut self, above: &[String]) {
        let mut path = above.to_vec();
        loop {
            match self.name() {
                Some(name) if name == "self" && !path.is_empty() => {}
                Some(name) => path.push(name),
                None if self.skip("{") => {
                    while !self.skip("}") && !self.rest.is_empty() {
                        let before = self.rest.len();
                        self.read(&path);
                        if !self.skip(",") && self.rest.len() == before {
                            return;
                        }
                    }
                    return;
                }
                None => break,
            }
            if !self.rest.starts_with("::") {
                break;
            }
            self.rest = &self.rest[2..];
        }
        let mut alias = path.last().cloned();
        if path.len() > 1
            && let Some(rest) = self.rest.strip_prefix(" as ")
        {
            self.rest = rest;
            alias = self.name();
        }
        self.found.extend(alias.map(|alias| (path, alias)));
    }

    fn name(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        if name.is_empty() {
            return None;
        }
        self.rest = &rest[end..];
        Some(name)
    }

    fn skip(&mut self, mark: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

fn circles(sources: &[(&str, &str)]) -> Vec<String> {
    let source = |(name, code): &(&str, &str)| Source {
        name: (*name).to_owned(),
        code: super::sources::code_of(code),
    };
    Modules::new(&sources.iter().map(source).collect::<Vec<_>>()).circles()
}

#[test]
fn there_are_no_import_cycles() {
    let mut found = Vec::new();
    for package in ["engine", "kmip", "kmip/sim", "cli", "benches"] {
        let modules = Modules::new(&Source::all(package));
        assert!(modules.imports.len() > 5, "the sources of {package} were not found");
        found.extend(modules.circles().iter().map(|circle| format!("{package}: {circle}")));
    }
    assert!(found.is_empty(), "circles:\n{}", found.join("\n"));
}

#[test]
fn a_cycle_is_found_through_any_import() {
    let two = [("lib.rs", "mod a; mod b;"), ("a.rs", "use crate::b::B;"), ("b.rs", "super::a::A")];
    assert_eq!(circles(&two), ["a -> b, b -> a"]);

    let three = [
        ("a.rs", "use crate::{\n    c::{self, d::D as E},\n    Other,\n};"),
        ("c/mod.rs", "mod d;\npub(crate) use self::d::D;"),
        ("c/d.rs", "fn f() -> super::super::e::E { }"),
        ("e.rs", "use crate::a;\nuse self::inner::I;"),
    ];
    assert_eq!(circles(&three), ["a -> c::d, c::d -> e, e -> a"]);

    let parent = [("a/mod.rs", "use self::b::B; struct A;"), ("a/b.rs", "use super::A;")];
    assert_eq!(circles(&parent), ["a -> a::b, a::b -> a"]);
}

#[test]
fn re_exported_items_are_imported_from_their_definition() {
    let facade = [
        ("lib.rs", "mod a; pub use a::{A, B as C};"),
        ("a/mod.rs", "mod b; mod c;\npub use b::{A, B};\npub(super) use self::c::D;"),
        ("a/b.rs", "use super::c::D;"),
        ("a/c.rs", "// use crate::C;\n#[cfg(test)]\nmod tests { use super::super::A; }"),
    ];
    assert!(circles(&facade).is_empty());
    let mut circle = facade;
    circle[3].1 = "use crate::C;";
    assert_eq!(circles(&circle), ["a::b -> a::c, a::c -> a::b"]);
    circle[3].1 = "use crate::a::A as Mine;";
    assert_eq!(circles(&circle), ["a::b -> a::c, a::c -> a::b"]);
}
