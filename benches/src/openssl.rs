//! `openssl`: ciphers on one core beside OpenSSL's command line.

#![expect(clippy::print_stdout, reason = "this is the part that prints")]

use std::hint::black_box;
use std::process::Command;
use std::time::Duration;

use rekey_engine::crypto::{CipherKey, Lane, Transformation};

use crate::measure::noise::{Meter, Sample};
use crate::measure::outcome::Result;
use crate::measure::rounds::{Case, Figures, take_turns};

/// How long to measure.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Rounds of each cipher
    #[arg(long, default_value_t = 5)]
    rounds: usize,

    /// Seconds to wait for an idle moment before a measurement
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
}

/// What the database calls a cipher, what OpenSSL does, and the bytes of a key.
const CIPHERS: [(&str, &str, usize); 4] = [
    ("AES/CBC/PKCS5Padding", "aes-256-cbc", 32),
    ("DESede/CBC/PKCS5Padding", "des-ede3-cbc", 24),
    ("Blowfish/CBC/PKCS5Padding", "bf-cbc", 16),
    ("RC2/CBC/PKCS5Padding", "rc2-cbc", 16),
];

/// Prints a line for each cipher, by the best kernel of this machine.
pub(super) fn run(options: &Options) -> Result<()> {
    let meter = Meter::new(Duration::from_secs(options.patience))?;
    for (name, openssl, length) in CIPHERS {
        let key = CipherKey::new(&Transformation::parse(name)?, &vec![0x42; length])?;
        let mut cases = [
            Case::new(openssl, |meter| speed(meter, openssl, None)),
            Case::new("seal", |meter| seal(meter, &key)),
            Case::new(format!("{openssl} -decrypt"), |meter| {
                speed(meter, openssl, Some("-decrypt"))
            }),
            Case::new("open", |meter| open(meter, &key)),
        ];
        let series = take_turns(&meter, options.rounds, "openssl", &mut cases)?;
        let [encrypts, decrypts] = [(1, 0), (3, 2)].map(|(case, to)| {
            let Figures { median, clean, rounds, .. } = series.ratio(case, to);
            format!("{median:.2} times as fast ({clean}/{rounds} rounds clean)")
        });
        println!("{openssl}, {} kernel: encrypts {encrypts}, decrypts {decrypts}", key.kernel());
    }
    Ok(())
}

/// As many chunks as the engine seals at once.
fn seal(meter: &Meter, key: &CipherKey) -> Result<Sample> {
    let mut arena = vec![0x5a; LANES * STRIDE];
    let mut result = Ok(());
    let sample = meter.time_kernel(LANES * CHUNK, || {
        let places = arena.chunks_exact_mut(STRIDE).filter_map(|place| place.get_mut(..CHUNK + 16));
        let mut lanes: Vec<_> = places.map(|place| Lane::new([7; 16], place)).collect();
        result = key.seal(black_box(&mut lanes));
    });
    result?;
    sample
}

/// One chunk after the other, as the engine does it.
fn open(meter: &Meter, key: &CipherKey) -> Result<Sample> {
    let iv = vec![7; key.transformation().iv_length()];
    let (source, mut target) = (vec![0x5a; CHUNK + 16], vec![0; CHUNK + 16]);
    meter.time_kernel(CHUNK, || {
        // The padding is as wrong as it gets; it is checked all the same.
        let _wrong_padding = key.open_into(&iv, black_box(&source), &mut target);
    })
}

/// By the CPU time that `openssl speed` counts itself.
fn speed(meter: &Meter, cipher: &str, decrypt: Option<&str>) -> Result<Sample> {
    let mut command = Command::new("openssl");
    command.args(["speed", "-mr", "-seconds", "1", "-bytes", &CHUNK.to_string()]);
    command.args(["-provider", "legacy", "-provider", "default"]);
    command.args(decrypt).args(["-evp", cipher]);
    let mut said = String::new();
    let sample = meter.time_alone(|| {
        said = String::from_utf8(command.output()?.stdout)?;
        Ok(())
    })?;
    let line = said.lines().find(|line| line.starts_with("+F:")).ok_or("openssl says no speed")?;
    let rate: f64 = line.rsplit(':').next().unwrap_or_default().parse()?;
    Ok(sample.with_value(rate / 1e9))
}

const CHUNK: usize = 64 << 10;
/// A chunk with its padding, and an odd number of cache lines between two.
const STRIDE: usize = CHUNK + 16 + 320;
const LANES: usize = 32;
