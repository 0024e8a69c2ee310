//! The fuzz targets of `engine/fuzz`, on stable Rust, for a second each.

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, clippy::expect_used, reason = "it is a library of its own, too")]
mod targets;

#[macro_use]
#[path = "../../../kmip/fuzz/driver.rs"]
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::expect_used,
    reason = "it tells of a run"
)]
pub(crate) mod driver;

targets! {
    chunk chunk_table codec config crc_table directory evidence journal key_files key_header metadata
    names node options page records schema schema_cql statistics system transaction_log trie utf
}
