//! Ciphers on one core against OpenSSL's command line.

use std::process::Command;

use rekey_engine::crypto::{CipherKey, Kernel, Lane, Transformation};

use super::super::Result;
use super::super::bench::Bench;
use super::super::files::succeed;
use super::super::noise::{Meter, Sample};
use super::super::rounds::{Case, take_turns};
use super::super::row::{Goal, Row, digits};

/// A cipher, and what OpenSSL calls it.
struct Cipher {
    name: &'static str,
    transformation: &'static str,
    key_length: usize,
    openssl: &'static str,
    is_legacy: bool,
    kernels: &'static [(Kernel, [Goal; 2])],
}

const fn goal(demand: f64, stretch: f64) -> Goal {
    Goal::AtLeast { demand, stretch }
}

/// Rows 7 and 8.
const CIPHERS: [Cipher; 4] = [
    Cipher {
        name: "AES-256-CBC",
        transformation: "AES/CBC/PKCS5Padding",
        key_length: 32,
        openssl: "aes-256-cbc",
        is_legacy: false,
        kernels: &[
            (Kernel::Vaes512, [goal(10.0, 12.0), goal(1.4, 2.0)]),
            (Kernel::Vaes256, [goal(10.0, 12.0), goal(1.4, 2.0)]),
            (Kernel::Portable, [goal(10.0, 12.0), goal(1.4, 2.0)]),
        ],
    },
    legacy(
        "3DES-CBC",
        "DESede/CBC/PKCS5Padding",
        24,
        "des-ede3-cbc",
        &[
            (Kernel::Avx512, [goal(2.0, 24.0); 2]),
            (Kernel::Avx2, [goal(2.0, 24.0); 2]),
            (Kernel::Portable, [goal(2.0, 24.0); 2]),
        ],
    ),
    legacy(
        "Blowfish-CBC",
        "Blowfish/CBC/PKCS5Padding",
        16,
        "bf-cbc",
        &[(Kernel::Portable, [goal(2.5, 9.0); 2])],
    ),
    legacy(
        "RC2-CBC",
        "RC2/CBC/PKCS5Padding",
        16,
        "rc2-cbc",
        &[
            (Kernel::Avx512, [goal(12.0, 41.0); 2]),
            (Kernel::Avx2, [goal(12.0, 41.0); 2]),
            (Kernel::Portable, [goal(12.0, 41.0); 2]),
        ],
    ),
];

type Kernels = &'static [(Kernel, [Goal; 2])];

const fn legacy(
    name: &'static str,
    transformation: &'static str,
    key_length: usize,
    openssl: &'static str,
    kernels: Kernels,
) -> Cipher {
    Cipher { name, transformation, key_length, openssl, is_legacy: true, kernels }
}

pub(in super::super) fn rows(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for cipher in &CIPHERS {
        for (kernel, goals) in cipher.kernels.iter().filter(|(kernel, _)| kernel.is_available()) {
            let transformation = Transformation::parse(cipher.transformation)?;
            // The portable rounds of the older ciphers have goals of their own.
            let best = Kernel::best(transformation.algorithm(), transformation.mode());
            let has_goal = cipher.is_legacy || *kernel == best;
            let secret = vec![0x42; cipher.key_length];
            let key = CipherKey::with_kernel(&transformation, &secret, *kernel)?;
            let mut cases = [
                Case::new(format!("openssl {}", cipher.openssl), |m| openssl(m, cipher, false)),
                Case::new(format!("{kernel} seal {}", cipher.name), |m| seal(m, &key)),
                Case::new(format!("openssl -decrypt {}", cipher.openssl), |m| {
                    openssl(m, cipher, true)
                }),
                Case::new(format!("{kernel} open {}", cipher.name), |m| open(m, &key)),
            ];
            let series = take_turns(&bench.meter, bench.rounds, "crypto", &mut cases)?;
            for ((case, verb), goal) in [(1, "encrypt"), (3, "decrypt")].into_iter().zip(goals) {
                rows.push(Row {
                    what: format!("{} {verb}, one core, {kernel} kernel", cipher.name),
                    against: "OpenSSL".to_owned(),
                    figures: series.ratio(case, case - 1),
                    goal: if has_goal { *goal } else { Goal::None },
                    rates: format!(
                        "{} GB/s against {} GB/s",
                        digits(series.values(case).median),
                        digits(series.values(case - 1).median)
                    ),
                });
            }
        }
    }
    Ok(rows)
}

/// As many chunks of 64 KiB as a range of the engine has, at their stride in the file.
fn seal(meter: &Meter, key: &CipherKey) -> Result<Sample> {
    let iv_length = key.transformation().iv_length();
    let stride = iv_length + CIPHERTEXT + 4;
    let mut arena = vec![0x5a; LANES * stride];
    let mut result = Ok(());
    let sample = meter.time_kernel(bytes(LANES * CHUNK), || {
        let mut lanes: Vec<_> = arena
            .chunks_exact_mut(stride)
            .filter_map(|place| place.get_mut(iv_length..iv_length + CIPHERTEXT))
            .map(|place| Lane::new([7; 16], place))
            .collect();
        result = key.seal(std::hint::black_box(&mut lanes));
    });
    result?;
    sample
}

/// One chunk after the other, as the engine does it, into a buffer of its own.
fn open(meter: &Meter, key: &CipherKey) -> Result<Sample> {
    let iv = vec![7; key.transformation().iv_length()];
    let source = vec![0x5a; LANES * CIPHERTEXT];
    let mut target = vec![0; LANES * CIPHERTEXT];
    meter.time_kernel(bytes(LANES * CHUNK), || {
        let chunks = source.chunks_exact(CIPHERTEXT).zip(target.chunks_exact_mut(CIPHERTEXT));
        for (from, to) in chunks {
            // The padding is as wrong as it gets; it is checked all the same.
            let _wrong_padding = key.open_into(&iv, std::hint::black_box(from), to);
        }
    })
}

/// `openssl speed`, by the CPU time that it counts itself.
fn openssl(meter: &Meter, cipher: &Cipher, decrypt: bool) -> Result<Sample> {
    let mut command = Command::new("openssl");
    let seconds = meter.kernel_time.as_secs().max(1).to_string();
    command.args(["speed", "-mr", "-seconds", &seconds, "-bytes", &CHUNK.to_string()]);
    if cipher.is_legacy {
        command.args(["-provider", "legacy", "-provider", "default"]);
    }
    if decrypt {
        command.arg("-decrypt");
    }
    command.args(["-evp", cipher.openssl]);
    let mut said = String::new();
    let sample = meter.time_alone(|| {
        said = succeed(&mut command)?;
        Ok(())
    })?;
    let line = said.lines().find(|line| line.starts_with("+F:")).ok_or("openssl says no speed")?;
    let rate: f64 = line.rsplit(':').next().unwrap_or_default().parse()?;
    Ok(sample.with_value(rate / 1e9))
}

fn bytes(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

const CHUNK: usize = 64 << 10;
const CIPHERTEXT: usize = CHUNK + 16;
const LANES: usize = 32;
