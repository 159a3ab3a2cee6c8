//! Bytes as numbers: `od`, `hexdump`, `xxd`, `strings`. They never know what the bytes mean.
//! `hexdump -e` and `-f` are not here.

use std::io::Write;

use super::{Applet, Io, Outcome, Parsed, Stop, flag, inputs, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "hexdump",
        operands: "[FILE]...",
        help: "Display FILEs (or stdin) in a user specified format",
        flags: &[
            flag('b', "", "1-byte octal display"),
            flag('c', "", "1-byte character display"),
            flag('d', "", "2-byte decimal display"),
            flag('o', "", "2-byte octal display"),
            flag('x', "", "2-byte hex display"),
            flag('C', "", "hex+ASCII 16 bytes per line"),
            flag('v', "", "Show all (no dup folding)"),
            value('n', "", "LENGTH", "Show only first LENGTH bytes"),
            value('s', "", "OFFSET", "Skip OFFSET bytes"),
        ],
        run: hexdump,
    },
    Applet {
        name: "od",
        operands: "[FILE]...",
        help: "Print FILEs (or stdin) unambiguously, as octal bytes by default",
        flags: &[
            value(
                'A',
                "address-radix",
                "RADIX",
                "Show offsets in d, o, x, or not: n",
            ),
            value(
                't',
                "format",
                "TYPE",
                "a, c, or one of d o u x with the size",
            ),
            value('N', "read-bytes", "SIZE", "Show only first SIZE bytes"),
            value('j', "skip-bytes", "SKIP", "Skip SKIP bytes"),
            value('w', "width", "[WIDTH]", "Show WIDTH bytes per line"),
            flag('v', "output-duplicates", "Show all (no dup folding)"),
            flag('a', "", "Same as -t a"),
            flag('b', "", "Same as -t o1"),
            flag('c', "", "Same as -t c"),
            flag('d', "", "Same as -t u2"),
            flag('h', "", "Same as -t x2"),
            flag('i', "", "Same as -t d2"),
            flag('l', "", "Same as -t d4"),
            flag('o', "", "Same as -t o2"),
            flag('s', "", "Same as -t d2"),
            flag('x', "", "Same as -t x2"),
        ],
        run: od,
    },
    Applet {
        name: "strings",
        operands: "[FILE]...",
        help: "Display printable strings in a binary file",
        flags: &[
            flag('a', "", "Scan the whole file, which it always does"),
            flag('f', "", "Precede strings with filenames"),
            flag('o', "", "Precede strings with octal offsets"),
            value(
                't',
                "",
                "o|d|x",
                "Precede strings with offsets in base 8/10/16",
            ),
            value(
                'n',
                "",
                "LEN",
                "At least LEN characters form a string (default 4)",
            ),
        ],
        run: strings,
    },
    Applet {
        name: "xxd",
        operands: "[FILE]",
        help: "Hex dump FILE (or stdin)",
        flags: &[
            value('g', "", "N", "Bytes per group"),
            value('c', "", "N", "Bytes per line"),
            flag('p', "", "Show only hex bytes, assumes -c30"),
            flag('i', "", "C include file style"),
            value('l', "", "LENGTH", "Show only first LENGTH bytes"),
            value('s', "", "OFFSET", "Skip OFFSET bytes"),
            value('o', "", "OFFSET", "Add OFFSET to displayed offset"),
            flag('r', "", "Reverse (with -p, assumes no offsets in input)"),
        ],
        run: xxd,
    },
];

/// A number in C's notation with a suffix, as a count of bytes.
fn bytes_of(io: &mut Io<'_>, text: Option<&str>, default: usize) -> Result<usize, Stop> {
    let Some(text) = text.map(str::to_owned) else {
        return Ok(default);
    };
    let (digits, factor) = match text.chars().last() {
        Some('b') if !text.starts_with("0x") => (&text[..text.len() - 1], 512),
        Some('k' | 'K') => (&text[..text.len() - 1], 1024),
        Some('m' | 'M') => (&text[..text.len() - 1], 1024 * 1024),
        _ => (text.as_str(), 1),
    };
    let number = match digits.strip_prefix("0x") {
        Some(hex) => usize::from_str_radix(hex, 16).ok(),
        None if digits.len() > 1 && digits.starts_with('0') => {
            usize::from_str_radix(digits, 8).ok()
        }
        None => digits.parse().ok(),
    };
    let number = number.and_then(|number| number.checked_mul(factor));
    number.ok_or_else(|| io.fail(&format!("invalid number '{text}'")))
}

/// All files one after the other, cut to what is asked for, and the exit code.
fn gather(
    io: &mut Io<'_>,
    parsed: &Parsed,
    (skip, limit): (usize, usize),
) -> Result<(Vec<u8>, i32), Stop> {
    let (mut all, mut status) = (Vec::new(), 0);
    for path in inputs(parsed) {
        match io.slurp_plain(&path) {
            Some(bytes) => all.extend(bytes),
            None => status = 1,
        }
    }
    let end = skip.saturating_add(limit).min(all.len());
    Ok((
        all[skip.min(all.len())..end.max(skip.min(all.len()))].to_vec(),
        status,
    ))
}

/// How one line of units looks.
#[derive(Clone, Copy)]
enum Unit {
    /// Kind, bytes, columns.
    Number(char, usize, usize),
    Char,
    Named,
}

impl Unit {
    fn of(kind: char, size: usize) -> Self {
        let columns = match (kind, size) {
            ('x', size) => 2 * size,
            ('o', 1) => 3,
            ('o', 2) => 6,
            ('o', 4) => 11,
            ('o', _) => 22,
            ('u', 1) => 3,
            ('u', 2) => 5,
            ('u', 4) => 10,
            ('u', _) => 20,
            (_, 1) => 4,
            (_, 2) => 6,
            (_, 4) => 11,
            _ => 20,
        };
        Self::Number(kind, size, columns)
    }

    fn size(self) -> usize {
        match self {
            Self::Number(_, size, _) => size,
            _ => 1,
        }
    }

    fn columns(self) -> usize {
        match self {
            Self::Number(_, _, columns) => columns,
            _ => 3,
        }
    }

    fn show(self, bytes: &[u8]) -> String {
        match self {
            Self::Number(kind, size, columns) => {
                let mut value = [0; 8];
                value[..bytes.len()].copy_from_slice(bytes);
                let value = u64::from_le_bytes(value);
                match kind {
                    'x' => format!("{value:0columns$x}"),
                    'o' => format!("{value:0columns$o}"),
                    'u' => format!("{value:columns$}"),
                    _ => {
                        let shift = 64 - 8 * size;
                        format!("{:columns$}", (value << shift).cast_signed() >> shift)
                    }
                }
            }
            Self::Char => format!("{:>3}", escaped(bytes[0])),
            Self::Named => format!("{:>3}", named(bytes[0] & 127)),
        }
    }
}

fn escaped(byte: u8) -> String {
    match byte {
        0 => "\\0".into(),
        7 => "\\a".into(),
        8 => "\\b".into(),
        9 => "\\t".into(),
        10 => "\\n".into(),
        11 => "\\v".into(),
        12 => "\\f".into(),
        13 => "\\r".into(),
        32..=126 => char::from(byte).to_string(),
        byte => format!("{byte:03o}"),
    }
}

fn named(byte: u8) -> String {
    const NAMES: [&str; 33] = [
        "nul", "soh", "stx", "etx", "eot", "enq", "ack", "bel", "bs", "ht", "nl", "vt", "ff", "cr",
        "so", "si", "dle", "dc1", "dc2", "dc3", "dc4", "nak", "syn", "etb", "can", "em", "sub",
        "esc", "fs", "gs", "rs", "us", "sp",
    ];
    match byte {
        127 => "del".into(),
        byte => NAMES
            .get(usize::from(byte))
            .map_or_else(|| char::from(byte).to_string(), |name| (*name).to_owned()),
    }
}

fn od(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut units = Vec::new();
    for (letter, given) in parsed.in_order("tabcdhilosx") {
        let spec = match letter {
            't' => given,
            'a' => "a",
            'b' => "o1",
            'c' => "c",
            'd' => "u2",
            'i' => "d2",
            'l' => "d4",
            'o' => "o2",
            's' => "d2",
            _ => "x2",
        };
        let mut chars = spec.chars().peekable();
        while let Some(kind) = chars.next() {
            let mut size = String::new();
            while let Some(c) = chars.next_if(|c| c.is_ascii_digit() || "CSIL".contains(*c)) {
                size.push(c);
            }
            let size = match size.as_str() {
                "C" => 1,
                "S" => 2,
                "" | "I" => 4,
                "L" => 8,
                digits => digits.parse().unwrap_or(0),
            };
            units.push(match kind {
                'a' => Unit::Named,
                'c' => Unit::Char,
                'd' | 'o' | 'u' | 'x' if matches!(size, 1 | 2 | 4 | 8) => Unit::of(kind, size),
                _ => {
                    let message = format!("invalid character '{kind}' in type string '{spec}'");
                    return Err(io.fail(&message));
                }
            });
        }
    }
    if units.is_empty() {
        units.push(Unit::of('o', 2));
    }
    let radix = parsed.value('A').unwrap_or("o").to_owned();
    if !matches!(radix.as_str(), "d" | "o" | "x" | "n") {
        return Err(io.fail(&format!(
            "bad output address radix '{radix}' (must be [doxn])"
        )));
    }
    let width = match parsed.value('w') {
        Some("") => 32,
        text => bytes_of(io, text, 16)?.max(1),
    };
    let skip = bytes_of(io, parsed.value('j'), 0)?;
    let limit = bytes_of(io, parsed.value('N'), usize::MAX)?;
    let (bytes, status) = gather(io, &parsed, (skip, limit))?;
    let address = |at: usize| match radix.as_str() {
        "n" => String::new(),
        "d" => format!("{at:07}"),
        "x" => format!("{at:06x}"),
        _ => format!("{at:07o}"),
    };
    // Units of different sizes stand in columns as wide as the widest needs.
    let per_byte = |unit: &Unit| (unit.columns() + 1) * width / unit.size();
    let widest = units.iter().map(per_byte).max().unwrap_or(0);
    let mut last: Option<&[u8]> = None;
    let mut folded = false;
    for (index, line) in bytes.chunks(width).enumerate() {
        if last == Some(line) && line.len() == width && !parsed.has('v') {
            if !std::mem::replace(&mut folded, true) {
                writeln!(io.out, "*")?;
            }
            continue;
        }
        folded = false;
        last = Some(line);
        for (row, unit) in units.iter().enumerate() {
            let at = address(skip + index * width);
            let begin = if row == 0 {
                at.clone()
            } else {
                " ".repeat(at.len())
            };
            let pad = widest * unit.size() / width - unit.columns();
            let text: String = line
                .chunks(unit.size())
                .map(|part| format!("{:pad$}{}", "", unit.show(part)))
                .collect();
            writeln!(io.out, "{begin}{text}")?;
        }
    }
    if radix != "n" && !(bytes.is_empty() && status != 0) {
        writeln!(io.out, "{}", address(skip + bytes.len()))?;
    }
    Ok(status)
}

fn hexdump(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let skip = bytes_of(io, parsed.value('s'), 0)?;
    let limit = bytes_of(io, parsed.value('n'), usize::MAX)?;
    let (bytes, status) = gather(io, &parsed, (skip, limit))?;
    let kind = parsed.last_of("bcdoxC");
    let mut last: Option<&[u8]> = None;
    let mut folded = false;
    for (index, line) in bytes.chunks(16).enumerate() {
        if last == Some(line) && line.len() == 16 && !parsed.has('v') {
            if !std::mem::replace(&mut folded, true) {
                writeln!(io.out, "*")?;
            }
            continue;
        }
        folded = false;
        last = Some(line);
        let at = skip + index * 16;
        if kind == Some('C') {
            writeln!(io.out, "{}", canonical(at, line))?;
            continue;
        }
        let (size, gap, columns): (usize, &str, usize) = match kind {
            Some('b' | 'c') => (1, " ", 3),
            Some('d') => (2, "   ", 5),
            Some('o') => (2, "  ", 6),
            Some('x') => (2, "    ", 4),
            _ => (2, " ", 4),
        };
        let mut text = format!("{at:07x}");
        for part in line.chunks(size) {
            let value = part
                .iter()
                .rev()
                .fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
            text.push_str(gap);
            text.push_str(&match kind {
                Some('b') => format!("{value:03o}"),
                Some('c') => format!("{:>3}", escaped(part[0])),
                Some('d') => format!("{value:05}"),
                Some('o') => format!("{value:06o}"),
                _ => format!("{value:04x}"),
            });
        }
        let full = 7 + (gap.len() + columns) * (16 / size);
        writeln!(io.out, "{text:full$}")?;
    }
    if !bytes.is_empty() {
        let end = skip + bytes.len();
        if kind == Some('C') {
            writeln!(io.out, "{end:08x}")?;
        } else {
            writeln!(io.out, "{end:07x}")?;
        }
    }
    Ok(status)
}

fn printable(byte: u8) -> char {
    if (32..127).contains(&byte) {
        char::from(byte)
    } else {
        '.'
    }
}

fn canonical(at: usize, line: &[u8]) -> String {
    let mut text = format!("{at:08x} ");
    for index in 0..16 {
        if index == 8 {
            text.push(' ');
        }
        match line.get(index) {
            Some(byte) => text.push_str(&format!(" {byte:02x}")),
            None => text.push_str("   "),
        }
    }
    let shown: String = line.iter().map(|byte| printable(*byte)).collect();
    format!("{text}  |{shown}|")
}

fn xxd(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let plain = parsed.has('p');
    let default = if plain {
        30
    } else if parsed.has('i') {
        12
    } else {
        16
    };
    let width = bytes_of(io, parsed.value('c'), default)?.clamp(1, 256);
    let group = bytes_of(io, parsed.value('g'), 2)?;
    let group = if group == 0 { width } else { group };
    let skip = bytes_of(io, parsed.value('s'), 0)?;
    let limit = bytes_of(io, parsed.value('l'), usize::MAX)?;
    let shift = bytes_of(io, parsed.value('o'), 0)?;
    if parsed.has('r') {
        return reverse(io, &parsed, plain);
    }
    let (bytes, status) = gather(io, &parsed, (skip, limit))?;
    if parsed.has('i') {
        let lines: Vec<String> = bytes
            .chunks(width)
            .map(|line| {
                let parts: Vec<String> = line.iter().map(|byte| format!("0x{byte:02x}")).collect();
                format!("  {}", parts.join(", "))
            })
            .collect();
        let text = lines.join(",\n");
        match parsed.rest.first().filter(|path| *path != "-") {
            None => writeln!(io.out, "{text}")?,
            Some(path) => {
                let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
                let name: String = path.chars().map(plain).collect();
                let length = bytes.len();
                writeln!(io.out, "unsigned char {name}[] = {{\n{text},\n}};")?;
                writeln!(io.out, "unsigned int {name}_len = {length};")?;
            }
        }
        return Ok(status);
    }
    for (index, line) in bytes.chunks(width).enumerate() {
        if plain {
            let text: String = line.iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(io.out, "{text}")?;
            continue;
        }
        let mut text = format!("{:08x}: ", skip + shift + index * width);
        for at in 0..width {
            match line.get(at) {
                Some(byte) => text.push_str(&format!("{byte:02x}")),
                None => text.push_str("  "),
            }
            if (at + 1) % group == 0 || at + 1 == width {
                text.push(' ');
            }
        }
        let shown: String = line.iter().map(|byte| printable(*byte)).collect();
        writeln!(io.out, "{text} {shown}")?;
    }
    Ok(status)
}

/// Bytes from what `xxd` printed.
fn reverse(io: &mut Io<'_>, parsed: &Parsed, plain: bool) -> Outcome {
    let (text, status) = gather(io, parsed, (0, usize::MAX))?;
    for line in String::from_utf8_lossy(&text).lines() {
        let line = match line.split_once(':') {
            Some((_, rest)) if !plain => rest.strip_prefix(' ').unwrap_or(rest),
            _ => line,
        };
        // The text column stands behind two blanks.
        let line = if plain {
            line
        } else {
            line.split("  ").next().unwrap_or_default()
        };
        let digits: Vec<u8> = line
            .chars()
            .filter(|c| !c.is_whitespace())
            .map_while(|c| c.to_digit(16))
            .filter_map(|digit| u8::try_from(digit).ok())
            .collect();
        let bytes: Vec<u8> = digits
            .chunks_exact(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect();
        io.out.write_all(&bytes)?;
    }
    Ok(status)
}

fn strings(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let least = super::lines::count(io, parsed.value('n'), 4)?.max(1);
    let radix = match parsed.value('t') {
        Some(radix) => Some(radix.to_owned()),
        None => parsed.has('o').then(|| "o".to_owned()),
    };
    let mut status = 0;
    for path in inputs(&parsed) {
        let Some(bytes) = io.slurp_plain(&path) else {
            status = 1;
            continue;
        };
        let mut start = 0;
        for end in 0..=bytes.len() {
            let goes_on = bytes
                .get(end)
                .is_some_and(|byte| (32..127).contains(byte) || *byte == 9);
            if goes_on {
                continue;
            }
            if end - start >= least {
                if parsed.has('f') {
                    write!(io.out, "{path}: ")?;
                }
                match radix.as_deref() {
                    Some("o") => write!(io.out, "{start:7o} ")?,
                    Some("d") => write!(io.out, "{start:7} ")?,
                    Some("x") => write!(io.out, "{start:7x} ")?,
                    _ => {}
                }
                io.out.write_all(&bytes[start..end])?;
                io.out.write_all(b"\n")?;
            }
            start = end + 1;
        }
    }
    Ok(status)
}
