//! Runs a fuzz target on stable Rust: its seeds, then random mutations of them for a while.
//!
//! It is not guided by coverage, so it finds only what is close to a seed. It exists because every
//! build of the tests includes it at no cost, while libFuzzer needs nightly Rust and a second build
//! of all dependencies.

use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Makes a test of each target of the sibling module `targets`.
macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            driver::drive(stringify!($name), targets::$name::run, &targets::$name::seeds());
        })*

        #[test]
        fn libfuzzer_has_each_of_them() {
            let own = [$(stringify!($name)),*];
            let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/fuzz_targets");
            assert_eq!(driver::wrapped(directory.as_ref()), own);
        }

        #[test]
        #[ignore = "testdata/fuzz/run makes the corpora by it"]
        fn write_seeds() {
            $(driver::write_seeds(&driver::corpus(), stringify!($name), &targets::$name::seeds());)*
        }
    };
}

/// Runs a target for `REKEY_FUZZ_SECONDS`, or one second.
pub(crate) fn drive(name: &str, run: fn(&[u8]), seeds: &[Vec<u8>]) {
    assert!(!seeds.is_empty(), "{name} has no seeds");
    for seed in seeds {
        call(name, run, seed);
    }
    let seconds = std::env::var("REKEY_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(seconds.unwrap_or(1));
    let mut dice = Dice(seed());
    let mut calls = seeds.len();
    while Instant::now() < end {
        let mut input = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(4) {
            change(&mut input, &mut dice, seeds);
        }
        call(name, run, &input);
        calls += 1;
    }
    println!("{name}: {calls} inputs");
}

/// Writes the seeds of a target as files: `DIRECTORY/TARGET/N`.
pub(crate) fn write_seeds(directory: &Path, name: &str, seeds: &[Vec<u8>]) {
    let directory = directory.join(name);
    fs::create_dir_all(&directory).unwrap();
    for (number, seed) in (0..).zip(seeds) {
        fs::write(directory.join(format!("seed-{number:03}")), seed).unwrap();
    }
}

/// The targets that libFuzzer has, sorted.
pub(crate) fn wrapped(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        names.filter_map(|name| Some(name.strip_suffix(".rs")?.to_owned())).collect();
    names.sort();
    names
}

/// Where to write the seeds.
pub(crate) fn corpus() -> std::path::PathBuf {
    std::env::var_os("REKEY_FUZZ_CORPUS").expect("REKEY_FUZZ_CORPUS names a directory").into()
}

/// The random seed of this run: `REKEY_SEED`, or a new one each time. It is printed once, bypassing
/// the harness, which captures what tests print.
pub(crate) fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        let given = std::env::var("REKEY_SEED").ok();
        let seed = given.map_or_else(
            || RandomState::new().hash_one(std::process::id()) % 1_000_000_007,
            |text| text.parse().expect("REKEY_SEED is a number"),
        );
        let _nobody_reads = writeln!(io::stderr(), "REKEY_SEED={seed} repeats this run");
        seed
    })
}

/// Calls the target. If it panics, the input is kept.
fn call(name: &str, run: fn(&[u8]), input: &[u8]) {
    struct Kept<'a>(&'a str, &'a [u8]);
    impl Drop for Kept<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                let path = std::env::temp_dir().join(format!("{}-finding", self.0));
                let written = fs::write(&path, self.1);
                let (name, path, seed) = (self.0, path.display(), seed());
                eprintln!("REKEY_SEED={seed}; the input of {name} is in {path}: {written:?}");
            }
        }
    }
    let _kept = Kept(name, input);
    run(input);
}

fn change(input: &mut Vec<u8>, dice: &mut Dice, seeds: &[Vec<u8>]) {
    let at = dice.below(input.len() + 1);
    match dice.below(8) {
        0 | 1 if at < input.len() => input[at] ^= 1 << dice.below(8),
        2 if at < input.len() => input[at] = dice.byte(),
        3 => input.insert(at, dice.byte()),
        4 => {
            let end = (at + dice.below(9)).min(input.len());
            drop(input.drain(at..end));
        }
        5 => {
            let edge = EDGES[dice.below(EDGES.len())];
            let end = (at + edge.len()).min(input.len());
            input.splice(at..end, edge.iter().copied());
        }
        6 => {
            let other = &seeds[dice.below(seeds.len())];
            let from = dice.below(other.len() + 1);
            let to = (from + dice.below(64)).min(other.len());
            let end = (at + dice.below(2) * (to - from)).min(input.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
        7 if dice.below(4) == 0 => input.truncate(at),
        _ => {}
    }
}

/// Numbers at the edges of their types, and separators of texts.
const EDGES: [&[u8]; 12] = [
    &[0xff; 4],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0; 4],
    &[0xff; 8],
    &[0xff, 0xff],
    &[0, 1],
    b"\n",
    b"-",
    b":",
    b",",
    b"'",
];

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n).unwrap()).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}
