//! Passwords as `auth_basic_user_file` keeps them: plain, SHA-1 and Apache's MD5.
//! The system's own crypt is not known here; such a password fits nobody.

use md5::{Digest, Md5};
use sha1::Sha1;

/// How often Apache's MD5 goes round.
const ROUNDS: usize = 1000;

/// User and password of an `Authorization` header.
pub(crate) fn basic(header: &[u8]) -> Option<(String, String)> {
    let start = header.get(..6)?;
    if !start.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let text = unbase64(header[6..].trim_ascii())?;
    let text = String::from_utf8(text).ok()?;
    let (user, password) = text.split_once(':')?;
    (!user.is_empty()).then(|| (user.to_owned(), password.to_owned()))
}

/// Whether a password is the one that is kept; nothing when it is kept in a way not known here.
pub(crate) fn fits(kept: &str, given: &str) -> Option<bool> {
    if let Some(plain) = kept.strip_prefix("{PLAIN}") {
        return Some(plain == given);
    }
    if let Some(text) = kept.strip_prefix("{SHA}") {
        return Some(unbase64(text.as_bytes())? == Sha1::digest(given).as_slice());
    }
    if let Some(text) = kept.strip_prefix("{SSHA}") {
        let bytes = unbase64(text.as_bytes())?;
        let (hash, salt) = bytes.split_at_checked(20)?;
        let mut sha = Sha1::new();
        sha.update(given);
        sha.update(salt);
        return Some(sha.finalize().as_slice() == hash);
    }
    let rest = kept.strip_prefix("$apr1$")?;
    let (salt, _) = rest.split_once('$')?;
    Some(apr1(given, salt) == kept)
}

fn unbase64(text: &[u8]) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for byte in text.iter().filter(|byte| **byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    Some(bytes)
}

/// Apache's `$apr1$`, the MD5 crypt with another name.
fn apr1(password: &str, salt: &str) -> String {
    let salt = &salt[..salt.len().min(8)];
    let word = password.as_bytes();
    let mut hash: [u8; 16] = Md5::new()
        .chain_update(word)
        .chain_update(salt)
        .chain_update(word)
        .finalize()
        .into();
    let mut md5 = Md5::new()
        .chain_update(word)
        .chain_update("$apr1$")
        .chain_update(salt);
    let mut left = word.len();
    while left > 0 {
        md5.update(&hash[..left.min(16)]);
        left = left.saturating_sub(16);
    }
    let mut bits = word.len();
    while bits > 0 {
        md5.update(if bits & 1 == 1 { &[0][..] } else { &word[..1] });
        bits >>= 1;
    }
    hash = md5.finalize().into();
    for round in 0..ROUNDS {
        let mut md5 = Md5::new();
        let odd = round & 1 == 1;
        md5.update(if odd { word } else { &hash });
        if round % 3 != 0 {
            md5.update(salt);
        }
        if round % 7 != 0 {
            md5.update(word);
        }
        md5.update(if odd { &hash[..] } else { word });
        hash = md5.finalize().into();
    }
    format!("$apr1${salt}${}", letters(&hash))
}

/// The sixteen bytes in crypt's own order and alphabet.
fn letters(hash: &[u8; 16]) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let mut text = String::new();
    let mut put = |mut value: u32, count: usize| {
        for _ in 0..count {
            let at = usize::try_from(value & 0x3f).unwrap_or(0);
            text.push(char::from(ALPHABET[at]));
            value >>= 6;
        }
    };
    for [a, b, c] in ORDER {
        let byte = |at: usize| u32::from(hash[at]);
        put(byte(a) << 16 | byte(b) << 8 | byte(c), 4);
    }
    put(u32::from(hash[11]), 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_known_in_the_usual_ways() {
        assert_eq!(fits("{PLAIN}secret", "secret"), Some(true));
        assert_eq!(
            fits("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "secret"),
            Some(true)
        );
        assert_eq!(
            fits("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "Secret"),
            Some(false)
        );
        // As `openssl passwd -apr1 -salt 12345678 secret` prints it.
        assert_eq!(
            fits("$apr1$12345678$0lqb/6VUFP8JY/s/jTrIk0", "wrong"),
            Some(false)
        );
        assert_eq!(
            fits("$apr1$12345678$0lqb/6VUFP8JY/s/jTrIk0", "secret"),
            Some(true)
        );
        assert_eq!(fits("$6$salt$hash", "secret"), None);
    }

    #[test]
    fn a_header_names_user_and_password() {
        let (user, password) = basic(b"Basic dXNlcjpwYTpzcw==").expect("both");
        assert_eq!((user.as_str(), password.as_str()), ("user", "pa:ss"));
        assert_eq!(basic(b"Bearer x"), None);
        assert_eq!(basic(b"Basic ???"), None);
    }
}
