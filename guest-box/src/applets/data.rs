//! `base64`, `md5sum`, `sha256sum`.

use std::io::Write;

use super::{Applet, Io, Outcome, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "base64",
        operands: "[FILE]",
        help: "Base64 encode or decode FILE to standard output",
        flags: &[
            flag('d', "", "Decode data"),
            value('w', "", "COL", "Wrap lines at COL (default 76, 0 disables)"),
        ],
        run: base64_applet,
    },
    Applet {
        name: "md5sum",
        operands: "[FILE]...",
        help: "Print MD5 checksums",
        flags: &[],
        run: |io| digests(io, |bytes| hex(&md5(bytes))),
    },
    Applet {
        name: "sha256sum",
        operands: "[FILE]...",
        help: "Print SHA256 checksums",
        flags: &[],
        run: |io| digests(io, |bytes| hex(&sha256(bytes))),
    },
];

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Bytes in base64, on one line.
pub(super) fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0_u32, |group, byte| group << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for index in 0..4 {
            if index <= chunk.len() {
                out.push(char::from(
                    ALPHABET[(group >> (18 - 6 * index) & 63) as usize],
                ));
            } else {
                out.push('=');
            }
        }
    }
    out
}

fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut group, mut bits) = (0_u32, 0);
    for byte in text.iter().filter(|byte| !byte.is_ascii_whitespace()) {
        if *byte == b'=' {
            break;
        }
        let digit = ALPHABET.iter().position(|known| known == byte)?;
        group = group << 6 | u32::try_from(digit).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((group >> bits).to_le_bytes()[0]);
            group &= (1 << bits) - 1;
        }
    }
    Some(out)
}

fn base64_applet(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let width = match parsed.value('w').map(str::to_owned) {
        Some(text) => text
            .parse()
            .map_err(|_| io.fail(&format!("invalid number '{text}'")))?,
        None => 76_usize,
    };
    let path = parsed.rest.first().map_or("-", String::as_str);
    if path != "-"
        && let Err(error) = std::fs::File::open(path)
    {
        return Err(io.fail(&format!("{path}: {}", reason(&error))));
    }
    let Some(bytes) = io.slurp(path) else {
        return Ok(1);
    };
    if parsed.has('d') {
        return match decode(&bytes) {
            Some(out) => {
                io.out.write_all(&out)?;
                Ok(0)
            }
            None => Err(io.fail("truncated input")),
        };
    }
    let text = base64(&bytes);
    if width == 0 {
        io.out.write_all(text.as_bytes())?;
        return Ok(0);
    }
    for line in text.as_bytes().chunks(width) {
        io.out.write_all(line)?;
        io.out.write_all(b"\n")?;
    }
    Ok(0)
}

fn digests(io: &mut Io<'_>, digest: fn(&[u8]) -> String) -> Outcome {
    let parsed = io.parse()?;
    let paths = if parsed.rest.is_empty() {
        vec!["-".to_owned()]
    } else {
        parsed.rest
    };
    let mut status = 0;
    for path in paths {
        match io.slurp(&path) {
            Some(bytes) => writeln!(io.out, "{}  {path}", digest(&bytes))?,
            None => status = 1,
        }
    }
    Ok(status)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn md5(bytes: &[u8]) -> Vec<u8> {
    use md5::Digest;
    md5::Md5::digest(bytes).to_vec()
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).to_vec()
}
