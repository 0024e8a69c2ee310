//! Sun's `PBEWithMD5AndTripleDES`, with which JCEKS protects private keys. No standard describes
//! it.

use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use des::TdesEde3;
use md5::{Digest as _, Md5};
use zeroize::Zeroizing;

use super::super::StoreType;
use super::super::der::{Flaw, INTEGER, OCTET_STRING, Reader, SEQUENCE};
use super::super::error::KeyStoreError;
use crate::secret::Secret;

/// Java's own limit, which takes some seconds. Java writes 200,000 by default; it used to write 20.
const MAX_ITERATIONS: u32 = 5_000_000;

/// Decrypts a key; `None` if the password is wrong. It gives valid padding once in 256 times; then the
/// result is not `sound`.
///
/// The parameters are `SEQUENCE { salt OCTET STRING (8 bytes), iterations INTEGER }`.
pub(super) fn decrypt(
    parameters: &mut Reader<'_>,
    octets: &[u8],
    password: &Secret,
    sound: impl FnOnce(&[u8]) -> bool,
) -> Result<Option<Zeroizing<Vec<u8>>>, KeyStoreError> {
    const FORMAT: StoreType = StoreType::Jceks;
    let damaged = |_flaw| KeyStoreError::Damaged { format: FORMAT, part: "protected key" };
    let (salt, iterations) = read(parameters).map_err(damaged)?;
    if iterations > MAX_ITERATIONS {
        let what = "more than 5,000,000 iterations";
        return Err(KeyStoreError::Unsupported { format: FORMAT, what });
    }
    // Java accepts no other password for a key, so it never has these.
    if !password.expose().bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(None);
    }
    let (key, iv) = derive(salt, iterations, password.expose().as_bytes());
    let cipher = cbc::Decryptor::<TdesEde3>::new((&*key).into(), (&*iv).into());
    let mut plain = Zeroizing::new(octets.to_vec());
    let Ok(length) = cipher.decrypt_padded::<Pkcs7>(&mut plain).map(<[u8]>::len) else {
        return Ok(None);
    };
    plain.truncate(length);
    Ok(sound(&plain).then_some(plain))
}

fn read(parameters: &mut Reader<'_>) -> Result<([u8; 8], u32), Flaw> {
    const WHAT: &str = "protection of a key";
    let mut fields = parameters.enter(SEQUENCE, WHAT)?;
    parameters.finish(WHAT)?;
    let salt = fields.element(OCTET_STRING, WHAT)?.content;
    let salt = salt.try_into().map_err(|_length| Flaw::Wrong(WHAT))?;
    let iterations = match fields.element(INTEGER, WHAT)?.content {
        [] | [0x80..=0xff, ..] => return Err(Flaw::Wrong(WHAT)),
        // A number with more bytes than Java's limit is above it.
        digits if digits.len() > 4 => u32::MAX,
        digits => digits.iter().fold(0, |number, &digit| number << 8 | u32::from(digit)),
    };
    fields.finish(WHAT)?;
    if iterations == 0 { Err(Flaw::Wrong(WHAT)) } else { Ok((salt, iterations)) }
}

/// The key of 3DES and the vector of CBC. Each half of the salt becomes 16 bytes: with
/// `D[0] = half` and `D[i] = MD5(D[i-1] || password)`, the last `D`.
fn derive(
    salt: [u8; 8],
    iterations: u32,
    password: &[u8],
) -> (Zeroizing<[u8; 24]>, Zeroizing<[u8; 8]>) {
    let [a, b, c, d, second @ ..] = salt;
    let mut first = [a, b, c, d];
    if first == second {
        // Equal halves would give equal keys, so Java reverses the first one.
        first = [d, c, b, a];
    }
    let mut derived = Zeroizing::new([0; 32]);
    for (half, place) in [first, second].iter().zip(derived.chunks_exact_mut(16)) {
        let mut digest = Zeroizing::new(hash(half, password));
        for _ in 1..iterations {
            *digest = hash(&*digest, password);
        }
        place.copy_from_slice(&*digest);
    }
    let (mut key, mut iv) = (Zeroizing::new([0; 24]), Zeroizing::new([0; 8]));
    for (to, from) in key.iter_mut().chain(iv.iter_mut()).zip(derived.iter()) {
        *to = *from;
    }
    (key, iv)
}

fn hash(bytes: &[u8], password: &[u8]) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(bytes);
    hash.update(password);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::super::der::{self, put};
    use super::*;

    fn is_pkcs8(plain: &[u8]) -> bool {
        der::pkcs8(plain).is_ok()
    }

    fn parameters(salt: &[u8], iterations: &[u8]) -> Result<([u8; 8], u32), Flaw> {
        let fields = [put(OCTET_STRING, salt), put(INTEGER, iterations)].concat();
        read(&mut Reader::new(&put(SEQUENCE, &fields)))
    }

    #[test]
    fn parameters_are_bounded_before_anything_is_computed() {
        assert_eq!(parameters(&[7; 8], &[0x4c, 0x4b, 0x40]), Ok(([7; 8], MAX_ITERATIONS)));
        assert_eq!(parameters(&[7; 8], &[0, 0x80]), Ok(([7; 8], 128)));
        assert_eq!(parameters(&[7; 8], &[1, 0, 0, 0, 0]), Ok(([7; 8], u32::MAX)));
        for bad in [&[][..], &[0], &[0x80], &[0xff, 0xff, 0xff, 0xff, 0xff]] {
            assert!(parameters(&[7; 8], bad).is_err(), "{bad:x?}");
        }
        for length in [0, 7, 9, 16] {
            assert!(parameters(&vec![7; length], &[1]).is_err(), "{length}");
        }
        let fields = [put(OCTET_STRING, &[7; 8]), put(INTEGER, &[0x4c, 0x4b, 0x41])].concat();
        let password = Secret::new("changeit".to_owned());
        assert_eq!(
            decrypt(&mut Reader::new(&put(SEQUENCE, &fields)), &[0; 8], &password, is_pkcs8)
                .unwrap_err()
                .to_string(),
            "the JCEKS file uses more than 5,000,000 iterations, which this program does not read"
        );
    }

    #[test]
    fn any_octets_are_a_key_or_under_another_password() {
        let fields = [put(OCTET_STRING, &[7; 8]), put(INTEGER, &[20])].concat();
        let parameters = put(SEQUENCE, &fields);
        for text in ["", "changeit", "p\u{e4}ssword", "a\tb"] {
            let password = Secret::new(text.to_owned());
            for length in 0..40 {
                let octets = vec![0x5a; length];
                let plain = decrypt(&mut Reader::new(&parameters), &octets, &password, is_pkcs8);
                assert_eq!(plain, Ok(None), "{text:?}, {length} bytes");
            }
        }
    }
}
