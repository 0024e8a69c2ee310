//! Other forms against AES-256-CBC in chunks of 64 KiB.

use rekey_benches::Form;

use super::super::Result;
use super::super::bench::{Bench, Content};
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row};
use super::super::stage::{Durability, Staging, all_threads};
use super::rewrite::row;

const AES: Form = Form::AES_256_CBC;
const ECB: Form = Form::encrypted("Encryptor", "AES/ECB/PKCS5Padding", 256);
const AES_128: Form = Form::encrypted("Encryptor", "AES/CBC/PKCS5Padding", 128);
const LZ4: Form = Form::encrypted("EncryptingLZ4Compressor", "AES/CBC/PKCS5Padding", 256);

/// What is compared, and in which chunks.
const VARIANTS: [(&str, [Form; 2], i32); 7] = [
    ("16 KiB chunks", [AES; 2], 16 << 10),
    ("AES-256-ECB", [ECB; 2], 64 << 10),
    ("AES-128-CBC", [AES_128; 2], 64 << 10),
    ("KMIP headers", [AES.kmip(), AES.kmip()], 64 << 10),
    ("plain to encrypted", [Form::UNCOMPRESSED, AES], 64 << 10),
    ("encrypted to plain", [AES, Form::UNCOMPRESSED], 64 << 10),
    ("behind LZ4, key to key", [LZ4; 2], 64 << 10),
];

/// Each of them in turns with the standard, since all of them do not fit side by side.
pub(in super::super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let standard = bench.room(&bench.disk, [AES; 2], Content::new(8, bench.bytes))?;
    let standard_staging = Staging::new(&standard.site)?;
    let mut rows = Vec::new();
    for (name, forms, chunk_length) in VARIANTS {
        let is_rows = forms.contains(&LZ4);
        let content = Content { chunk_length, is_rows, ..Content::new(8, bench.bytes) };
        let room = bench.room(&bench.disk, forms, content)?;
        let staging = Staging::new(&room.site)?;
        let mut cases = [("AES-256-CBC", &standard_staging), (name, &staging)].map(
            |(name, staging): (_, &Staging)| {
                Case::new(name, |meter| staging.run(meter, all_threads(), Durability::Unsynced))
            },
        );
        let series = take_turns(&bench.meter, bench.rounds, "variants", &mut cases)?;
        let goal = match forms {
            [LZ4, LZ4] => Goal::None,
            _ => Goal::AtLeast { demand: 0.9, stretch: 1.0 },
        };
        rows.push(row(&series, (1, 0), &format!("writing stage: {name}"), "AES-256-CBC", goal));
    }
    Ok(rows)
}
