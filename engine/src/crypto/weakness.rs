//! What is weak about a cipher, as a line for a plan. It is information only and decides nothing.

use std::fmt;

use super::{Algorithm, Mode, Transformation};

/// Why new data should not be encrypted with a cipher. Prints as one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Weakness(Suite);

impl Weakness {
    /// Judges a transformation with keys of a strength in bits; `None` for AES in any mode but ECB.
    #[must_use]
    pub(crate) fn of(transformation: &Transformation, strength: u32) -> Option<Self> {
        let suite = Suite::new(transformation, strength);
        (suite.algorithm.is_legacy() || suite.mode == Mode::Ecb).then_some(Self(suite))
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(suite) = self;
        let of_algorithm = suite.algorithm.weakness(suite.strength);
        if let Some(weakness) = &of_algorithm {
            f.write_str(weakness)?;
        }
        if suite.mode == Mode::Ecb {
            if of_algorithm.is_some() {
                f.write_str("; ")?;
            }
            f.write_str(
                "ECB shows which blocks of the plaintext are equal (NIST SP 800-38A, 6.1)",
            )?;
        }
        Ok(())
    }
}

/// A step from one cipher to a weaker one. Prints as one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Weakening {
    from: Suite,
    to: Suite,
}

impl Weakening {
    /// Compares two transformations, each with its strength in bits; `None` if the second is at
    /// least as good as the first.
    ///
    /// AES is better than all others, whose ciphertexts collide after a few GiB because of their
    /// blocks of 8 bytes. Otherwise the bits of security count, and any mode is better than ECB.
    #[must_use]
    pub(crate) fn between(
        from: (&Transformation, u32),
        to: (&Transformation, u32),
    ) -> Option<Self> {
        let (from, to) = (Suite::new(from.0, from.1), Suite::new(to.0, to.1));
        let loses_mode = to.mode == Mode::Ecb && from.mode != Mode::Ecb;
        (loses_mode || to.rank() < from.rank()).then_some(Self { from, to })
    }
}

impl fmt::Display for Weakening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "the new cipher, {to}, is weaker than the old one, {from}")
    }
}

/// A cipher without its padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Suite {
    algorithm: Algorithm,
    mode: Mode,
    strength: u32,
}

impl Suite {
    fn new(transformation: &Transformation, strength: u32) -> Self {
        let (algorithm, mode) = (transformation.algorithm(), transformation.mode());
        Self { algorithm, mode, strength }
    }

    const fn security_bits(self) -> u32 {
        self.algorithm.security_bits(self.strength)
    }

    fn rank(self) -> (bool, u32) {
        (!self.algorithm.is_legacy(), self.security_bits())
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, mode) = (self.algorithm.name(), self.mode.name());
        write!(
            f,
            "{name}-{} in {mode} mode ({} bits of security)",
            self.strength,
            self.security_bits()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Transformation {
        Transformation::parse(text).unwrap()
    }

    fn line(text: &str, strength: u32) -> String {
        Weakness::of(&parse(text), strength).unwrap().to_string()
    }

    #[test]
    fn aes_is_weak_in_ecb_only() {
        for mode in ["CBC", "CFB", "OFB", "PCBC"] {
            for strength in [128, 192, 256] {
                let text = parse(&format!("AES/{mode}/PKCS5Padding"));
                assert_eq!(Weakness::of(&text, strength), None);
            }
        }
        assert_eq!(Weakness::of(&parse("AES/CFB/NoPadding"), 128), None);
        let ecb = "ECB shows which blocks of the plaintext are equal (NIST SP 800-38A, 6.1)";
        assert_eq!(line("AES", 256), ecb);
        assert_eq!(line("AES/ECB/PKCS5Padding", 128), ecb);
    }

    #[test]
    fn every_old_cipher_is_named_with_its_reason() {
        for (text, strength, part) in [
            ("DES/CBC/PKCS5Padding", 56, "DES keys of 56 bits"),
            ("DESede/CBC/PKCS5Padding", 112, "two keys has 80 bits"),
            ("DESede/CBC/PKCS5Padding", 168, "has 112 bits"),
            ("Blowfish/CFB/NoPadding", 448, "Blowfish with 448-bit keys has blocks of 8 bytes"),
            ("RC2/OFB/PKCS5Padding", 40, "RC2 with 40-bit keys has blocks of 8 bytes"),
        ] {
            let line = line(text, strength);
            assert!(line.contains(part) && !line.contains("ECB"), "{line}");
        }
        for text in ["DES", "DESede", "Blowfish", "RC2/ECB/PKCS5Padding"] {
            let line = line(text, 128);
            assert!(line.contains("; ECB shows") && !line.contains('\n'), "{line}");
        }
    }

    #[test]
    fn security_is_what_nist_says_or_the_key_s_bits() {
        for (text, strength, bits) in [
            ("AES", 192, 192),
            ("DES", 56, 56),
            ("DESede", 112, 80),
            ("DESede", 168, 112),
            ("Blowfish", 448, 448),
            ("RC2", 40, 40),
        ] {
            assert_eq!(Weakness::of(&parse(text), strength).unwrap().0.security_bits(), bits);
        }
    }

    #[test]
    fn only_a_step_down_is_reported() {
        // From the weakest to the strongest.
        let order = [
            ("RC2/CBC/PKCS5Padding", 40),
            ("DES/CBC/PKCS5Padding", 56),
            ("DESede/CBC/PKCS5Padding", 112),
            ("DESede/CBC/PKCS5Padding", 168),
            ("Blowfish/CBC/PKCS5Padding", 448),
            ("AES/CBC/PKCS5Padding", 128),
            ("AES/CBC/PKCS5Padding", 256),
        ];
        for (i, from) in order.iter().enumerate() {
            for (j, to) in order.iter().enumerate() {
                let (old, new) = (parse(from.0), parse(to.0));
                let step = Weakening::between((&old, from.1), (&new, to.1));
                assert_eq!(step.is_some(), j < i, "{from:?} {to:?}");
                let (ecb, other) = (parse(new.algorithm().name()), parse("AES/OFB/NoPadding"));
                assert!(Weakening::between((&old, from.1), (&ecb, to.1)).is_some());
                let step = Weakening::between((&ecb, to.1), (&other, 256));
                assert_eq!(step, None, "{from:?} {to:?}");
            }
        }
        let ecb = parse("AES");
        assert_eq!(Weakening::between((&ecb, 128), (&ecb, 128)), None);
    }

    #[test]
    fn a_step_down_is_one_line_with_both_ends() {
        let (old, new) = (parse("AES/CBC/PKCS5Padding"), parse("DESede"));
        let step = Weakening::between((&old, 256), (&new, 112)).unwrap();
        assert_eq!(
            step.to_string(),
            "the new cipher, DESede-112 in ECB mode (80 bits of security), is weaker than the old \
             one, AES-256 in CBC mode (256 bits of security)"
        );
    }
}
