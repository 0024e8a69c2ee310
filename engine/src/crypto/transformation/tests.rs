use super::*;

fn parse(text: &str) -> Transformation {
    Transformation::parse(text).unwrap()
}

#[test]
fn a_bare_name_is_ecb_and_keeps_its_text() {
    for (algorithm, text) in [
        (Algorithm::Aes, "AES"),
        (Algorithm::Blowfish, "Blowfish"),
        (Algorithm::Des, "DES"),
        (Algorithm::DesEde, "DESede"),
        (Algorithm::Rc2, "RC2"),
    ] {
        let bare = parse(text);
        assert_eq!((bare.algorithm(), bare.text()), (algorithm, text));
        assert_eq!((bare.mode(), bare.padding()), (Mode::Ecb, Padding::Pkcs5));
        assert_eq!(bare.iv_length(), 0);
        assert_ne!(bare, parse(&format!("{text}/ECB/PKCS5Padding")), "the text counts");
    }
}

#[test]
fn every_algorithm_has_every_mode() {
    for algorithm in Algorithm::ALL {
        let block = if algorithm == Algorithm::Aes { 16 } else { 8 };
        for mode in Mode::ALL {
            let text = format!("{}/{}/PKCS5Padding", algorithm.name(), mode.name());
            let padded = parse(&text);
            assert_eq!(
                (padded.algorithm(), padded.mode(), padded.padding()),
                (algorithm, mode, Padding::Pkcs5)
            );
            assert_eq!((padded.text(), padded.to_string()), (text.as_str(), text.clone()));
            assert_eq!((padded.block_size(), padded.unit()), (block, block));
            assert_eq!(padded.iv_length(), if mode == Mode::Ecb { 0 } else { block });

            let text = format!("{}/{}/NoPadding", algorithm.name(), mode.name());
            match mode {
                Mode::Cfb | Mode::Ofb => {
                    let bare = parse(&text);
                    assert_eq!((bare.mode(), bare.padding()), (mode, Padding::None));
                    assert_eq!((bare.unit(), bare.iv_length()), (1, block));
                }
                _ => assert_eq!(
                    Transformation::parse(&text),
                    Err(TransformationError::WholeBlocks(text.clone()))
                ),
            }
        }
    }
}

#[test]
fn padding_adds_at_least_one_byte_and_no_padding_adds_none() {
    for mode in ["CBC", "CFB", "ECB", "OFB", "PCBC"] {
        let aes = parse(&format!("AES/{mode}/PKCS5Padding"));
        for (plain, cipher) in [(0, 16), (1, 16), (15, 16), (16, 32), (65_536, 65_552)] {
            assert_eq!(aes.ciphertext_length(plain), cipher);
        }
        let des = parse(&format!("DES/{mode}/PKCS5Padding"));
        for (plain, cipher) in [(0, 8), (1, 8), (7, 8), (8, 16), (15, 16), (65_536, 65_544)] {
            assert_eq!(des.ciphertext_length(plain), cipher);
        }
        assert_eq!(aes.ciphertext_length(usize::MAX), usize::MAX);
    }
    for text in ["AES/CFB/NoPadding", "RC2/OFB/NoPadding"] {
        for plain in [0, 1, 7, 8, 16, usize::MAX] {
            assert_eq!(parse(text).ciphertext_length(plain), plain);
        }
    }
}

/// A refusal for each reason, consistent with Java 17's verdicts on the same names.
#[test]
fn unusable_transformations_are_refused_by_name() {
    use TransformationError as E;
    refused(
        E::Malformed,
        "/ // AES/CBC AES/CBC/ AES//PKCS5Padding /CBC/PKCS5Padding AES/CBC/PKCS5Padding/ \
         AES/CBC/PKCS5Padding/x",
    );
    for text in ["", " AES", "AES\n", "AES/CBC /PKCS5Padding", "AES/CBC/PKCS5Padding "] {
        assert_eq!(Transformation::parse(text), Err(E::Malformed(text.to_owned())));
    }
    refused(
        E::Unreadable,
        "AES/GCM/NoPadding AES/CTR/NoPadding DES/CTR/NoPadding AES/CTS/NoPadding \
         AES/CFB8/NoPadding AES/CFB128/NoPadding DES/CFB64/PKCS5Padding AES/OFB32/PKCS5Padding \
         AES/OFB8/NoPadding AES/gcm/NoPadding AES/cbc/PKCS5Padding des/Cbc/PKCS5Padding \
         RC2/pcbc/PKCS5Padding DESede/cfb/NoPadding Blowfish/ofb/PKCS5Padding aes/ofb/NoPadding",
    );
    refused(E::IvLength, "aes/CBC/PKCS5Padding Aes/CFB/NoPadding aES/OFB/NoPadding");
    refused(
        E::WholeBlocks,
        "AES/ECB/NoPadding AES/CBC/NoPadding DES/PCBC/NoPadding Blowfish/ECB/nopadding \
         des/CBC/NoPadding",
    );
    refused(
        E::Unsupported,
        "aes aes/ECB/PKCS5Padding AES/ecb/PKCS5Padding AES/CBC/pkcs5padding AES/CFB/nopadding des \
         desede/CBC/PKCS5Padding DESEDE TripleDES/CBC/PKCS5Padding Rijndael AES_128/CBC/NoPadding \
         ARCFOUR ChaCha20 Serpent/CTR/NoPadding AES/CBC/ISO10126Padding AES/CBC/PKCS7Padding \
         AES/KW/NoPadding AES/CFB8x/NoPadding AES/XTS/NoPadding AES/ECBC/PKCS5Padding",
    );
}

/// Checks names, with blanks between them.
fn refused(reason: fn(String) -> TransformationError, names: &str) {
    for text in names.split(' ') {
        assert_eq!(Transformation::parse(text), Err(reason(text.to_owned())), "{text}");
    }
}

#[test]
fn refusals_say_that_the_database_could_not_read_it_either() {
    for text in
        ["AES/GCM/NoPadding", "aes/CBC/PKCS5Padding", "AES/CBC/NoPadding", "DES/CFB8/NoPadding"]
    {
        let sentence = Transformation::parse(text).unwrap_err().to_string();
        assert!(sentence.contains("read back by the database itself"), "{sentence}");
        assert!(sentence.contains(text), "{sentence}");
    }
}

#[test]
fn strengths_are_those_of_java_s_key_generators() {
    let length = |algorithm: Algorithm, bits: u32| match (algorithm, bits) {
        (Algorithm::Aes, 128 | 192 | 256) => Some(bits / 8),
        (Algorithm::Blowfish, 32..=448) if bits.is_multiple_of(8) => Some(bits / 8),
        (Algorithm::Des, 56) => Some(8),
        (Algorithm::DesEde, 112 | 168) => Some(24),
        (Algorithm::Rc2, 40..=128) => Some(bits.div_ceil(8)),
        _ => None,
    };
    for algorithm in Algorithm::ALL {
        let transformation = parse(algorithm.name());
        for strength in (0..=520).chain([1024, 4096, u32::MAX]) {
            let expected = length(algorithm, strength).map(|bytes| usize::try_from(bytes).unwrap());
            assert_eq!(algorithm.key_length(strength), expected, "{algorithm:?} {strength}");
            match expected {
                Some(bytes) => {
                    assert_eq!(transformation.key_length(strength), Ok(bytes));
                    assert!(algorithm.takes_key_of(bytes));
                }
                None => assert_eq!(
                    transformation.key_length(strength),
                    Err(TransformationError::Strength {
                        transformation: algorithm.name().to_owned(),
                        strength
                    })
                ),
            }
        }
    }
    let error = parse("DES").key_length(128).unwrap_err().to_string();
    assert_eq!(error, "cipher 'DES' has no 128-bit keys");
}

#[test]
fn a_key_has_a_length_of_its_cipher() {
    for algorithm in Algorithm::ALL {
        let made: Vec<_> = (0..=520).filter_map(|bits| algorithm.key_length(bits)).collect();
        for length in 0..=80 {
            assert_eq!(algorithm.takes_key_of(length), made.contains(&length), "{algorithm:?}");
        }
    }
}
