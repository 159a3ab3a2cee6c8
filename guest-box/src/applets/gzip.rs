//! `gzip`, `gunzip`, `zcat`. They never know another format than gzip's.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;

use super::{Applet, Io, Outcome, flag, inputs, reason};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "gunzip",
        operands: "[FILE]...",
        help: "Decompress FILEs (or stdin)",
        flags: FLAGS,
        run: gzip,
    },
    Applet {
        name: "gzip",
        operands: "[FILE]...",
        help: "Compress FILEs (or stdin)",
        flags: FLAGS,
        run: gzip,
    },
    Applet {
        name: "zcat",
        operands: "[FILE]...",
        help: "Decompress to stdout",
        flags: &[],
        run: gzip,
    },
];

const FLAGS: &[super::Flag] = &[
    flag('c', "", "Write to stdout"),
    flag('d', "", "Decompress"),
    flag('f', "", "Force"),
    flag('k', "", "Keep input files"),
    flag('t', "", "Test integrity"),
    flag('q', "", "Quiet, as always"),
    flag('n', "", "Keep no name, as always"),
    flag('1', "", "Compress fast"),
    flag('2', "", "..."),
    flag('3', "", "..."),
    flag('4', "", "..."),
    flag('5', "", "..."),
    flag('6', "", "..."),
    flag('7', "", "..."),
    flag('8', "", "..."),
    flag('9', "", "Compress best"),
];

/// The bytes in gzip's format, without a name or a time, so that they repeat.
pub(super) fn compress(bytes: &[u8], level: u32) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// What was compressed; the most that is taken is the memory there is.
pub(super) fn decompress(bytes: &[u8]) -> Result<Vec<u8>, &'static str> {
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        return Err("invalid magic");
    }
    let mut out = Vec::new();
    match MultiGzDecoder::new(bytes).read_to_end(&mut out) {
        Ok(_) => Ok(out),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            Err("unexpected end of file")
        }
        Err(_) => Err("corrupted data"),
    }
}

fn gzip(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let unpack = parsed.has('d') || parsed.has('t') || io.applet.name != "gzip";
    let to_stdout = parsed.has('c') || io.applet.name == "zcat";
    let level = parsed
        .last_of("123456789")
        .and_then(|digit| digit.to_digit(10))
        .unwrap_or(6);
    let mut status = 0;
    for path in inputs(&parsed) {
        let Some(bytes) = io.slurp_plain(&path) else {
            status = 1;
            continue;
        };
        let target = match path.strip_suffix(".gz") {
            Some(name) => Some(name.to_owned()),
            None => path.strip_suffix(".tgz").map(|name| format!("{name}.tar")),
        };
        let file = path != "-" && !to_stdout && !parsed.has('t');
        if unpack && file && target.is_none() {
            io.complain(&format!("{path}: unknown suffix - ignored"));
            status = 1;
            continue;
        }
        let name = match (unpack, target) {
            (true, target) => target.unwrap_or_default(),
            (false, _) => format!("{path}.gz"),
        };
        if file && !parsed.has('f') && std::path::Path::new(&name).exists() {
            io.complain(&format!("can't open '{name}': File exists"));
            status = 1;
            continue;
        }
        let made = if unpack {
            decompress(&bytes)
        } else {
            compress(&bytes, level).map_err(|_| "write error")
        };
        let made = match made {
            Ok(made) => made,
            Err(why) => {
                io.complain(why);
                status = 1;
                continue;
            }
        };
        if parsed.has('t') {
            continue;
        }
        if !file {
            io.out.write_all(&made)?;
            continue;
        }
        let written = std::fs::write(&name, made).and_then(|()| {
            if parsed.has('k') {
                Ok(())
            } else {
                std::fs::remove_file(&path)
            }
        });
        if let Err(error) = written {
            io.complain(&format!("can't open '{name}': {}", reason(&error)));
            status = 1;
        }
    }
    Ok(status)
}

#[cfg(test)]
mod tests {
    #[test]
    fn any_bytes_are_unpacked_or_refused() {
        let packed = super::compress(b"hello hello hello", 6).expect("memory takes it");
        assert_eq!(
            super::decompress(&packed).as_deref(),
            Ok(&b"hello hello hello"[..])
        );
        trial::fuzz(3000, &[&packed, b"\x1f\x8b\x08"], &[b"\x1f\x8b"], |bytes| {
            // Whatever it is, it ends.
            let _ = super::decompress(bytes);
        });
    }
}
