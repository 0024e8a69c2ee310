#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekey_kmip_fuzz::certificate::run(bytes));
