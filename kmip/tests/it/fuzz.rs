//! The fuzz targets of `kmip/fuzz`, on stable Rust, for a second each.

#[path = "../../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it is a library of its own, too"
)]
mod targets;

#[path = "../../fuzz/driver.rs"]
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "it tells of a run, and writes what it has found"
)]
pub(crate) mod driver;

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

targets! { certificate hosts identity reply request trust ttlv }
