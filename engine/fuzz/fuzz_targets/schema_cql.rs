#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rekey_engine_fuzz::schema_cql::run(bytes));
