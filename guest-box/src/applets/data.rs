//! `base64` and the sums: `cksum`, `crc32`, `md5sum`, `sha1sum`, `sha256sum`, `sha512sum`. They
//! never keep a file in parts.

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
        name: "cksum",
        operands: "[FILE]...",
        help: "Calculate CRC32 checksum of FILEs",
        flags: &[],
        run: cksum,
    },
    Applet {
        name: "crc32",
        operands: "FILE...",
        help: "Calculate CRC32 checksum of FILEs",
        flags: &[],
        run: crc32,
    },
    Applet {
        name: "md5sum",
        operands: "[FILE]...",
        help: "Print or check MD5 checksums",
        flags: CHECK,
        run: |io| digests(io, |bytes| hex(&md5(bytes))),
    },
    Applet {
        name: "sha1sum",
        operands: "[FILE]...",
        help: "Print or check SHA1 checksums",
        flags: CHECK,
        run: |io| digests(io, |bytes| hex(&sha1(bytes))),
    },
    Applet {
        name: "sha256sum",
        operands: "[FILE]...",
        help: "Print or check SHA256 checksums",
        flags: CHECK,
        run: |io| digests(io, |bytes| hex(&sha256(bytes))),
    },
    Applet {
        name: "sha512sum",
        operands: "[FILE]...",
        help: "Print or check SHA512 checksums",
        flags: CHECK,
        run: |io| digests(io, |bytes| hex(&sha512(bytes))),
    },
];

const CHECK: &[super::Flag] = &[
    flag('c', "", "Check sums against list in FILEs"),
    flag('s', "", "Don't output anything, status code shows success"),
    flag('w', "", "Warn about improperly formatted checksum lines"),
];

/// One step of a CRC-32 without reflection, as POSIX' `cksum` has it.
fn posix_step(sum: u32, byte: u8) -> u32 {
    (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| {
        if sum >> 31 == 1 {
            sum << 1 ^ 0x04C1_1DB7
        } else {
            sum << 1
        }
    })
}

fn cksum(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    for path in super::inputs(&parsed) {
        let Some(bytes) = io.slurp_plain(&path) else {
            status = 1;
            continue;
        };
        let mut sum = bytes.iter().fold(0, |sum, byte| posix_step(sum, *byte));
        let mut length = bytes.len();
        while length > 0 {
            sum = posix_step(sum, length.to_le_bytes()[0]);
            length >>= 8;
        }
        let name = if parsed.rest.is_empty() {
            String::new()
        } else {
            format!(" {path}")
        };
        writeln!(io.out, "{} {}{name}", !sum, bytes.len())?;
    }
    Ok(status)
}

fn crc32(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    for path in super::inputs(&parsed) {
        let Some(bytes) = io.slurp_plain(&path) else {
            status = 1;
            continue;
        };
        let mut crc = flate2::Crc::new();
        crc.update(&bytes);
        let name = if parsed.rest.is_empty() {
            String::new()
        } else {
            format!(" {path}")
        };
        writeln!(io.out, "{:08x}{name}", crc.sum())?;
    }
    Ok(status)
}

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
    if parsed.has('c') {
        return check(io, &parsed, digest);
    }
    let mut status = 0;
    for path in super::inputs(&parsed) {
        match io.slurp(&path) {
            Some(bytes) => writeln!(io.out, "{}  {path}", digest(&bytes))?,
            None => status = 1,
        }
    }
    Ok(status)
}

/// Compares files with a list of their sums.
fn check(io: &mut Io<'_>, parsed: &super::Parsed, digest: fn(&[u8]) -> String) -> Outcome {
    let quiet = parsed.has('s');
    let mut status = 0;
    for list in super::inputs(parsed) {
        let Some(bytes) = io.slurp(&list) else {
            status = 1;
            continue;
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (mut count, mut failed) = (0, 0);
        for line in text.lines() {
            let entry = line.split_once("  ").or_else(|| line.split_once(" *"));
            let Some((sum, path)) = entry else {
                if parsed.has('w') {
                    io.complain("invalid format");
                }
                continue;
            };
            count += 1;
            let right = io.slurp(path).is_some_and(|bytes| digest(&bytes) == sum);
            failed += usize::from(!right);
            if !quiet {
                writeln!(io.out, "{path}: {}", if right { "OK" } else { "FAILED" })?;
            }
        }
        if failed > 0 && !quiet {
            io.complain(&format!(
                "WARNING: {failed} of {count} computed checksums did NOT match"
            ));
        }
        if count == 0 {
            io.complain("no checksum lines found");
            status = 1;
        }
        status |= i32::from(failed > 0);
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

fn sha1(bytes: &[u8]) -> Vec<u8> {
    use sha1::Digest;
    sha1::Sha1::digest(bytes).to_vec()
}

fn sha512(bytes: &[u8]) -> Vec<u8> {
    use sha2::Digest;
    sha2::Sha512::digest(bytes).to_vec()
}
