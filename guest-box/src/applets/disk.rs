//! Files as a whole: `cmp`, `dd`, `du`, `mktemp`, `realpath`, `stat`, `sync`, `truncate`, `unlink`.
//! They never know inodes, links and times but the last change: the file system here has no more.

use std::fs::{self, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Instant, UNIX_EPOCH};

use super::date::Moment;
use super::{Applet, Io, Outcome, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "cmp",
        operands: "FILE1 [FILE2 [SKIP1 [SKIP2]]]",
        help: "Compare FILE1 with FILE2 (or stdin)",
        flags: &[
            flag(
                'l',
                "",
                "Write the byte numbers (decimal) and values (octal)\n\t\tfor all differing bytes",
            ),
            flag('s', "", "Quiet"),
            value('n', "", "NUM", "Compare at most NUM bytes"),
        ],
        run: cmp,
    },
    Applet {
        name: "dd",
        operands: "[if=FILE] [of=FILE] [bs=N] [count=N] [skip=N] [seek=N] [conv=notrunc|sync|fsync|swab] [status=none]",
        help: "Copy a file with converting and formatting",
        flags: &[],
        run: dd,
    },
    Applet {
        name: "du",
        operands: "[FILE]...",
        help: "Summarize disk space used for FILEs (or directories)",
        flags: &[
            flag('a', "", "Show file sizes too"),
            flag('b', "", "Apparent size"),
            value(
                'd',
                "",
                "N",
                "Limit output to directories (and files with -a) of depth < N",
            ),
            flag('c', "", "Show grand total"),
            flag('s', "", "Display only a total for each argument"),
            flag('h', "", "Sizes in human readable format (e.g., 1K 243M 2G)"),
            flag('m', "", "Sizes in megabytes"),
            flag('k', "", "Sizes in kilobytes (default)"),
        ],
        run: du,
    },
    Applet {
        name: "mktemp",
        operands: "[TEMPLATE]",
        help: "Create a temporary file with name based on TEMPLATE and print its name.\nTEMPLATE must end with XXXXXX (e.g. [/dir/]nameXXXXXX).\nWithout TEMPLATE, -t tmp.XXXXXX is assumed.",
        flags: &[
            flag('d', "", "Make directory, not file"),
            flag('q', "", "Fail silently on errors"),
            flag('t', "", "Prepend base directory name to TEMPLATE"),
            value('p', "", "DIR", "Use DIR as a base directory (implies -t)"),
            flag('u', "", "Do not create anything; print a name"),
        ],
        run: mktemp,
    },
    Applet {
        name: "realpath",
        operands: "FILE...",
        help: "Print absolute pathnames of FILEs",
        flags: &[],
        run: realpath,
    },
    Applet {
        name: "stat",
        operands: "FILE...",
        help: "Display file status.\nFMT: %a %A mode, %b blocks, %B block size, %f raw mode, %F type, %g %G group,\n%n name, %N name with target, %s size, %u %U user, %x %y %z time, %X %Y %Z seconds",
        flags: &[
            value('c', "", "FMT", "Use the specified format"),
            flag('L', "", "Follow links"),
        ],
        run: stat,
    },
    Applet {
        name: "sync",
        operands: "[FILE]...",
        help: "Write all buffered blocks (in FILEs) to disk",
        flags: &[
            flag('d', "", "Avoid syncing metadata"),
            flag('f', "", "Sync filesystems underlying FILEs"),
        ],
        run: sync,
    },
    Applet {
        name: "truncate",
        operands: "-s SIZE FILE...",
        help: "Truncate FILEs to SIZE",
        flags: &[
            flag('c', "", "Do not create files"),
            value('s', "", "SIZE", "The new size"),
        ],
        run: truncate,
    },
    Applet {
        name: "unlink",
        operands: "FILE",
        help: "Delete FILE by calling unlink()",
        flags: &[],
        run: unlink,
    },
];

fn cmp(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let (first, second) = match parsed.rest.as_slice() {
        [first] => (first, "-"),
        [first, second, ..] => (first, second.as_str()),
        [] => return Err(io.usage()),
    };
    let mut number = |text: Option<&str>, default: usize| -> Result<usize, Stop> {
        match text.map(str::to_owned) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| io.fail(&format!("invalid number '{text}'"))),
        }
    };
    let skip_first = number(parsed.rest.get(2).map(String::as_str), 0)?;
    let skip_second = number(parsed.rest.get(3).map(String::as_str), 0)?;
    let limit = number(parsed.value('n'), usize::MAX)?;
    let quiet = parsed.has('s');
    let mut sides = Vec::new();
    for (path, skip) in [(first.as_str(), skip_first), (second, skip_second)] {
        let bytes = if path == "-" {
            io.slurp("-")
        } else {
            read_plain(io, path, quiet)
        };
        let Some(bytes) = bytes else {
            return Ok(2);
        };
        let bytes = bytes.get(skip..).unwrap_or_default();
        sides.push(bytes[..bytes.len().min(limit)].to_vec());
    }
    let (left, right) = (&sides[0], &sides[1]);
    let mut line = 1;
    let mut status = 0;
    for (index, (one, other)) in left.iter().zip(right).enumerate() {
        if one != other {
            status = 1;
            if quiet {
                return Ok(1);
            }
            if !parsed.has('l') {
                writeln!(
                    io.out,
                    "{first} {second} differ: char {}, line {line}",
                    index + 1
                )?;
                return Ok(1);
            }
            writeln!(io.out, "{} {one:3o} {other:3o}", index + 1)?;
        }
        line += usize::from(*one == b'\n');
    }
    if left.len() != right.len() {
        if !quiet {
            let shorter = if left.len() < right.len() {
                first.as_str()
            } else {
                second
            };
            io.complain(&format!("EOF on {shorter}"));
        }
        status = 1;
    }
    Ok(status)
}

fn read_plain(io: &mut Io<'_>, path: &str, quiet: bool) -> Option<Vec<u8>> {
    if quiet {
        return fs::read(path).ok();
    }
    io.slurp_plain(path)
}

/// A size with dd's suffixes.
fn size(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let factor = match &text[end..] {
        "" | "c" => 1,
        "w" => 2,
        "b" => 512,
        "kB" | "KB" => 1000,
        "k" | "K" | "kD" => 1024,
        "MB" => 1_000_000,
        "M" => 1 << 20,
        "GB" => 1_000_000_000,
        "G" => 1 << 30,
        _ => return None,
    };
    text[..end].parse::<u64>().ok()?.checked_mul(factor)
}

fn dd(io: &mut Io<'_>) -> Outcome {
    let (mut input, mut output) = (None, None);
    let (mut ibs, mut obs, mut count, mut skip, mut seek) = (512, 512, u64::MAX, 0, 0);
    let (mut keep, mut sync, mut swab, mut said, mut rate) = (false, false, false, true, true);
    let (mut skip_bytes, mut count_bytes, mut seek_bytes, mut append) =
        (false, false, false, false);
    for arg in std::mem::take(&mut io.args).into_iter().skip(1) {
        let Some((name, given)) = arg.split_once('=') else {
            return Err(io.usage());
        };
        let mut number =
            || size(given).ok_or_else(|| io.fail(&format!("invalid number '{given}'")));
        match name {
            "if" => input = Some(given.to_owned()),
            "of" => output = Some(given.to_owned()),
            "bs" => {
                ibs = number()?.max(1);
                obs = ibs;
            }
            "ibs" => ibs = number()?.max(1),
            "obs" => obs = number()?.max(1),
            "count" => count = number()?,
            "skip" => skip = number()?,
            "seek" => seek = number()?,
            "conv" | "iflag" | "oflag" => {
                for word in given.split(',') {
                    match (name, word) {
                        ("conv", "notrunc") => keep = true,
                        ("conv", "sync") => sync = true,
                        ("conv", "swab") => swab = true,
                        // Reads do not fail and go on, and nothing is written later here.
                        ("conv", "noerror" | "fsync") | (_, "direct") => {}
                        ("iflag", "skip_bytes") => skip_bytes = true,
                        ("iflag", "count_bytes") => count_bytes = true,
                        ("iflag", "fullblock") => {}
                        ("oflag", "seek_bytes") => seek_bytes = true,
                        ("oflag", "append") => append = true,
                        _ => return Err(io.fail(&format!("invalid argument '{word}' to '{name}'"))),
                    }
                }
            }
            "status" => match given {
                "none" => said = false,
                "noxfer" => rate = false,
                _ => return Err(io.fail(&format!("invalid argument '{given}' to 'status'"))),
            },
            _ => return Err(io.usage()),
        }
    }
    if ibs > 64 << 20 || obs > 64 << 20 {
        return Err(io.fail("out of memory"));
    }
    let begin = Instant::now();
    let source = input.as_deref().unwrap_or("-");
    let Some(mut reader) = io.open(source) else {
        return Ok(1);
    };
    let skip = if skip_bytes {
        skip
    } else {
        skip.saturating_mul(ibs)
    };
    std::io::copy(&mut (&mut reader).take(skip), &mut std::io::sink())?;
    let limit = if count_bytes {
        count
    } else {
        count.saturating_mul(ibs)
    };
    let mut file = match &output {
        None => None,
        Some(path) => {
            let truncate = !keep && !append && seek == 0;
            let opened = OpenOptions::new()
                .create(true)
                .write(true)
                .append(append)
                .truncate(truncate)
                .open(path);
            match opened {
                Ok(mut file) => {
                    let at = if seek_bytes {
                        seek
                    } else {
                        seek.saturating_mul(obs)
                    };
                    if seek > 0 {
                        if !keep {
                            file.set_len(at)?;
                        }
                        file.seek(SeekFrom::Start(at))?;
                    }
                    Some(file)
                }
                Err(error) => {
                    return Err(io.fail(&format!("can't open '{path}': {}", reason(&error))));
                }
            }
        }
    };
    let (mut full_in, mut part_in, mut copied) = (0_u64, 0_u64, 0_u64);
    let mut left = limit;
    let mut block = vec![0; usize::try_from(ibs).unwrap_or(512)];
    while left > 0 {
        let want = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
        let mut length = 0;
        while length < want {
            match reader.read(&mut block[length..want])? {
                0 => break,
                more => length += more,
            }
        }
        if length == 0 {
            break;
        }
        left -= length as u64;
        if length as u64 == ibs {
            full_in += 1
        } else {
            part_in += 1
        }
        if sync && length < block.len() {
            block[length..].fill(0);
            length = block.len();
        }
        if swab {
            block[..length]
                .chunks_exact_mut(2)
                .for_each(|pair| pair.swap(0, 1));
        }
        match &mut file {
            Some(file) => file.write_all(&block[..length])?,
            None => io.out.write_all(&block[..length])?,
        }
        copied += length as u64;
    }
    io.out.flush()?;
    if said {
        let part_out = u64::from(copied % obs > 0);
        writeln!(
            io.err,
            "{full_in}+{part_in} records in\n{}+{part_out} records out",
            copied / obs
        )?;
        if rate {
            let seconds = begin.elapsed().as_secs_f64();
            writeln!(
                io.err,
                "{copied} bytes ({}B) copied, {seconds:.6} seconds, {}B/s",
                rounded(copied as f64),
                rounded(copied as f64 / seconds.max(1e-6))
            )?;
        }
    }
    Ok(0)
}

/// A size with one decimal and a unit.
fn rounded(mut size: f64) -> String {
    for unit in ["", "K", "M", "G"] {
        if size < 1024.0 {
            return format!("{size:.1}{unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.1}T")
}

fn du(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let depth = super::lines::count(io, parsed.value('d'), usize::MAX)?;
    let depth = if parsed.has('s') { 0 } else { depth };
    let unit = parsed.last_of("bhkm").unwrap_or('k');
    let paths = if parsed.rest.is_empty() {
        vec![".".to_owned()]
    } else {
        parsed.rest.clone()
    };
    let (mut total, mut status) = (0, 0);
    for path in &paths {
        match usage_of(io, Path::new(path), 0, (depth, parsed.has('a'), unit))? {
            Some(size) => total += size,
            None => status = 1,
        }
    }
    if parsed.has('c') {
        writeln!(io.out, "{}\ttotal", shown(total, unit))?;
    }
    Ok(status)
}

fn shown(bytes: u64, unit: char) -> String {
    match unit {
        'b' => bytes.to_string(),
        'm' => bytes.div_ceil(1 << 20).to_string(),
        'h' => super::listing::human(bytes),
        _ => bytes.div_ceil(1024).to_string(),
    }
}

fn usage_of(
    io: &mut Io<'_>,
    path: &Path,
    level: usize,
    (depth, all, unit): (usize, bool, char),
) -> Result<Option<u64>, Stop> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            io.complain(&format!("{}: {}", path.display(), reason(&error)));
            return Ok(None);
        }
    };
    let mut size = match unit {
        'b' => metadata.len(),
        _ if metadata.is_dir() => 4096,
        _ => metadata.len().div_ceil(4096) * 4096,
    };
    if metadata.is_dir() {
        let mut names: Vec<_> = fs::read_dir(path)?
            .flatten()
            .map(|entry| entry.path())
            .collect();
        names.sort();
        for name in names {
            size += usage_of(io, &name, level + 1, (depth, all, unit))?.unwrap_or(0);
        }
    }
    if level <= depth && (metadata.is_dir() || all || level == 0) {
        writeln!(io.out, "{}\t{}", shown(size, unit), path.display())?;
    }
    Ok(Some(size))
}

fn mktemp(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let template = parsed
        .rest
        .first()
        .map_or("tmp.XXXXXX", String::as_str)
        .to_owned();
    let based = parsed.has('t') || parsed.value('p').is_some() || parsed.rest.is_empty();
    let base = match parsed.value('p') {
        Some(base) => base.to_owned(),
        None => std::env::var("TMPDIR").unwrap_or_else(|_| "/tmp".into()),
    };
    let full = if based {
        format!("{base}/{template}")
    } else {
        template
    };
    let marks = full.len() - full.trim_end_matches('X').len();
    if marks < 6 {
        return Err(io.fail(&format!("{full}: Invalid argument")));
    }
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for _ in 0..100 {
        let mut name = full[..full.len() - marks].to_owned();
        for _ in 0..marks {
            let index = super::chance::below(LETTERS.len() as u64);
            name.push(char::from(LETTERS[usize::try_from(index).unwrap_or(0)]));
        }
        let made = if parsed.has('u') {
            Ok(())
        } else if parsed.has('d') {
            fs::create_dir(&name)
        } else {
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&name)
                .map(drop)
        };
        match made {
            Ok(()) => {
                writeln!(io.out, "{name}")?;
                return Ok(0);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(_) if parsed.has('q') => return Ok(1),
            Err(error) => {
                let made = if parsed.has('d') { "directory" } else { "file" };
                let _ = made;
                return Err(io.fail(&format!("{full}: {}", reason(&error))));
            }
        }
    }
    Err(io.fail(&format!("{full}: File exists")))
}

fn realpath(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let mut status = 0;
    for path in &parsed.rest {
        match fs::canonicalize(path) {
            Ok(found) => writeln!(io.out, "{}", found.display())?,
            Err(error) => {
                io.complain(&format!("{path}: {}", reason(&error)));
                status = 1;
            }
        }
    }
    Ok(status)
}

fn stat(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    const DEFAULT: &str = "  File: %N\n  Size: %s\t\tBlocks: %b\t   IO Block: 4096   %F\nAccess: (%a/%A)  Uid: (    0/    root)   Gid: (    0/    root)\nModify: %y";
    let format = parsed.value('c').unwrap_or(DEFAULT).to_owned();
    let mut status = 0;
    for path in &parsed.rest {
        let found = if parsed.has('L') {
            fs::metadata(path)
        } else {
            fs::symlink_metadata(path)
        };
        match found {
            Ok(metadata) => {
                let text = stat_text(&format, path, &metadata);
                writeln!(io.out, "{text}")?;
            }
            Err(error) => {
                io.complain(&format!("can't stat '{path}': {}", reason(&error)));
                status = 1;
            }
        }
    }
    Ok(status)
}

fn stat_text(format: &str, path: &str, metadata: &fs::Metadata) -> String {
    let kind = metadata.file_type();
    let (type_bits, type_name, letter) = match kind {
        kind if kind.is_dir() => (0o040_000, "directory", 'd'),
        kind if kind.is_symlink() => (0o120_000, "symbolic link", 'l'),
        _ if metadata.len() == 0 => (0o100_000, "regular empty file", '-'),
        _ => (0o100_000, "regular file", '-'),
    };
    let mode = match kind.is_symlink() {
        true => 0o777,
        false => guest_kit::files::mode(path).unwrap_or(0o644),
    };
    let since = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let since = since.unwrap_or_default();
    let moment = Moment::at(i64::try_from(since.as_secs()).unwrap_or(0));
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        out.push_str(&match chars.next() {
            Some('a') => format!("{mode:o}"),
            Some('A') => super::listing::mode_text(letter, mode),
            Some('b') => (metadata.len().div_ceil(4096) * 8).to_string(),
            Some('B') => "512".into(),
            Some('f') => format!("{:x}", type_bits | mode),
            Some('F') => type_name.into(),
            Some('g' | 'u') => "0".into(),
            Some('G' | 'U') => "root".into(),
            Some('n') => path.to_owned(),
            Some('N') => match fs::read_link(path) {
                Ok(target) if kind.is_symlink() => format!("'{path}' -> '{}'", target.display()),
                _ => path.to_owned(),
            },
            Some('o') => "4096".into(),
            Some('s') => metadata.len().to_string(),
            Some('X' | 'Y' | 'Z') => since.as_secs().to_string(),
            Some('x' | 'y' | 'z') => {
                let nanos = since.subsec_nanos();
                format!("{}.{nanos:09} +0000", moment.format("%Y-%m-%d %H:%M:%S"))
            }
            Some('%') => "%".into(),
            // What the file system here does not know.
            _ => "?".into(),
        });
    }
    out
}

/// Everything is where it should be already.
fn sync(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    for path in &parsed.rest {
        if let Err(error) = fs::metadata(path) {
            io.complain(&format!("can't open '{path}': {}", reason(&error)));
            status = 1;
        }
    }
    Ok(status)
}

fn truncate(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let Some(text) = parsed.value('s').map(str::to_owned) else {
        return Err(io.usage());
    };
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let Some(length) = size(&text) else {
        return Err(io.fail(&format!("invalid number '{text}'")));
    };
    let mut status = 0;
    for path in &parsed.rest {
        let create = !parsed.has('c');
        match OpenOptions::new()
            .write(true)
            .create(create)
            .truncate(false)
            .open(path)
        {
            Ok(file) => file.set_len(length)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !create => {}
            Err(error) => {
                io.complain(&format!("{path}: open: {}", reason(&error)));
                status = 1;
            }
        }
    }
    Ok(status)
}

fn unlink(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let [path] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    match fs::remove_file(path) {
        Ok(()) => Ok(0),
        Err(error) => Err(io.fail(&format!("can't remove file '{path}': {}", reason(&error)))),
    }
}
