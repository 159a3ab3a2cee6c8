//! `rand`, `base64`, `enc -base64` and `version`.
//!
//! Never a cipher.

use crate::files::{Failure, complain, print, read, reason, write};
use crate::options::{Command, Opt, Parsed, flag, text};
use guest_tls::text::{from_base64, to_base64, to_hex};

const BASE64_OPTIONS: &[Opt] = &[
    text("in", "infile", "Input file"),
    text("out", "outfile", "Output file"),
    flag("e", "Encode, which is what happens without -d"),
    flag("d", "Decode"),
    flag("A", "One line of base64"),
    flag("a", "Base64, which is all there is here"),
    flag("base64", "The same"),
];

pub(crate) const BASE64: Command = Command {
    name: "base64",
    operands: "",
    options: BASE64_OPTIONS,
    run: base64,
};

pub(crate) const ENC: Command = Command {
    name: "enc",
    operands: "",
    options: BASE64_OPTIONS,
    run: enc,
};

pub(crate) const RAND: Command = Command {
    name: "rand",
    operands: "num",
    options: &[
        text("out", "outfile", "Output file"),
        flag("base64", "Base64 encode output"),
        flag("hex", "Hex encode output"),
    ],
    run: rand,
};

pub(crate) const VERSION: Command = Command {
    name: "version",
    operands: "",
    options: &[flag("v", "Show library version")],
    run: |_| {
        print("OpenSSL 3.0.17 1 Jul 2025 (Library: OpenSSL 3.0.17 1 Jul 2025)\n")?;
        Ok(0)
    },
};

fn enc(parsed: &Parsed) -> Result<i32, Failure> {
    if !parsed.has("base64") && !parsed.has("a") {
        return Err(complain(
            "enc: only -base64 is in this lab\nenc: Use -help for summary.",
        ));
    }
    base64(parsed)
}

fn base64(parsed: &Parsed) -> Result<i32, Failure> {
    let name = parsed.value("in");
    let input = read(name).map_err(|error| {
        let file = name.unwrap_or("<stdin>");
        complain(format!(
            "Can't open \"{file}\" for reading, {}",
            reason(&error)
        ))
    })?;
    if parsed.has("d") {
        // Without -A OpenSSL reads lines, and a line too long or without an end is nothing.
        let text = String::from_utf8_lossy(&input);
        let too_long = text.lines().any(|line| line.len() > 76 * 13);
        let single = parsed.has("A");
        let readable = single || (!too_long && (text.len() < 80 || text.contains('\n')));
        let bytes = if readable { from_base64(&input) } else { None };
        let Some(bytes) = bytes else {
            return if readable {
                Err(complain("error reading input file"))
            } else {
                Ok(0)
            };
        };
        write(parsed.value("out"), &bytes)?;
        return Ok(0);
    }
    let encoded = to_base64(&input);
    let mut text = String::new();
    if parsed.has("A") {
        text.push_str(&encoded);
    } else {
        for line in encoded.as_bytes().chunks(64) {
            text.push_str(&String::from_utf8_lossy(line));
            text.push('\n');
        }
    }
    write(parsed.value("out"), text.as_bytes())?;
    Ok(0)
}

fn rand(parsed: &Parsed) -> Result<i32, Failure> {
    let count = match parsed.rest.as_slice() {
        [count] => count,
        [] => return Err(parsed.misuse("Missing number of bytes")),
        _ => {
            return Err(complain("rand: Use -help for summary."));
        }
    };
    let count: usize = count
        .parse()
        .map_err(|_| parsed.misuse(&format!("Can't parse \"{count}\" as a number")))?;
    let mut bytes = vec![0; count.min(1 << 24)];
    guest_tls::chance::fill(&mut bytes);
    let text = if parsed.has("hex") {
        format!("{}\n", to_hex(&bytes)).into_bytes()
    } else if parsed.has("base64") {
        let encoded = to_base64(&bytes);
        let lines = encoded.as_bytes().chunks(64);
        lines.flat_map(|line| [line, b"\n"].concat()).collect()
    } else {
        bytes
    };
    write(parsed.value("out"), &text)?;
    Ok(0)
}
