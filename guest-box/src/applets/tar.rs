//! `tar`: ustar archives, with GNU's long names when reading and writing. Paths never lead out of
//! the directory they are unpacked in.
//!
//! Only gzip compresses here: `-j`, `-J` and `-Z` are refused.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use super::date::Moment;
use super::{Applet, Io, Outcome, Parsed, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "tar",
    operands: "[FILE]...",
    help: "Create, extract, or list files from a tar file",
    flags: &[
        flag('c', "create", "Create"),
        flag('x', "extract", "Extract"),
        flag('t', "list", "List"),
        value(
            'f',
            "file",
            "TARFILE",
            "Name of TARFILE ('-' for stdin/out)",
        ),
        value('C', "directory", "DIR", "Change to DIR before operation"),
        flag('v', "verbose", "Verbose"),
        flag('O', "to-stdout", "Extract to stdout"),
        flag('m', "touch", "Don't restore mtime"),
        flag(
            'o',
            "no-same-owner",
            "Don't restore user:group: files here are all root's",
        ),
        flag('k', "keep-old", "Don't replace existing files"),
        flag('z', "gzip", "(De)compress using gzip"),
        flag('a', "auto-compress", "(De)compress based on extension"),
        flag('h', "dereference", "Follow symlinks"),
        flag(
            'p',
            "preserve-permissions",
            "Restore permissions: busybox always does",
        ),
        value('X', "exclude-from", "FILE", "File with names to exclude"),
        value('T', "files-from", "FILE", "File with names to include"),
        value('\x01', "exclude", "PATTERN", "Glob pattern to exclude"),
        value(
            '\x02',
            "strip-components",
            "NUM",
            "NUM of leading components to strip",
        ),
        flag(
            '\x03',
            "overwrite",
            "Write into existing files, not over them",
        ),
        flag(
            '\x04',
            "numeric-owner",
            "Restore by number: files here are all root's",
        ),
    ],
    run: tar,
}];

const BLOCK: usize = 512;

/// One thing in an archive.
#[derive(Debug, Default)]
struct Entry {
    name: String,
    link: String,
    mode: u32,
    time: u64,
    kind: u8,
    data: Vec<u8>,
}

fn tar(io: &mut Io<'_>) -> Outcome {
    // `tar xzf a.tgz`: the first word needs no dash.
    if let Some(first) = io.args.get_mut(1)
        && !first.starts_with('-')
    {
        first.insert(0, '-');
    }
    let parsed = io.parse()?;
    let mode = match parsed.last_of("cxt") {
        Some(mode) if "cxt".chars().filter(|mode| parsed.has(*mode)).count() == 1 => mode,
        _ => return Err(io.usage()),
    };
    let archive = parsed.value('f').unwrap_or("-").to_owned();
    let mut names = parsed.rest.clone();
    if let Some(list) = parsed.value('T').map(str::to_owned) {
        let Some(bytes) = io.slurp(&list) else {
            return Ok(1);
        };
        names.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
    }
    let mut excluded: Vec<String> = parsed.values('\x01').map(str::to_owned).collect();
    if let Some(list) = parsed.value('X').map(str::to_owned) {
        let Some(bytes) = io.slurp(&list) else {
            return Ok(1);
        };
        excluded.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
    }
    let packed = archive.ends_with(".gz") || archive.ends_with(".tgz");
    let gzip = parsed.has('z') || parsed.has('a') && packed;
    if mode == 'c' {
        return create(io, &parsed, (&archive, gzip), &names, &excluded);
    }
    let Some(mut bytes) = io.slurp(&archive) else {
        return Ok(1);
    };
    // Compression is noticed without being told.
    if bytes.starts_with(&[0x1F, 0x8B]) {
        bytes = super::gzip::decompress(&bytes).map_err(|why| io.fail(why))?;
    } else if gzip {
        return Err(io.fail("invalid magic"));
    }
    if let Some(dir) = parsed.value('C').map(str::to_owned)
        && let Err(error) = std::env::set_current_dir(&dir)
    {
        return Err(io.fail(&format!(
            "can't change directory to '{dir}': {}",
            reason(&error)
        )));
    }
    let entries = read(&bytes).map_err(|why| io.fail(why))?;
    let strip = super::lines::count(io, parsed.value('\x02'), 0)?;
    let mut wanted: Vec<(String, bool)> = names.into_iter().map(|name| (name, false)).collect();
    for entry in &entries {
        let name = entry.name.trim_end_matches('/');
        let mut chosen = wanted.is_empty();
        for (want, found) in &mut wanted {
            let want = want.trim_end_matches('/');
            if name == want
                || name
                    .strip_prefix(want)
                    .is_some_and(|rest| rest.starts_with('/'))
            {
                chosen = true;
                *found = true;
            }
        }
        if !chosen || is_excluded(&excluded, name) {
            continue;
        }
        if mode == 't' {
            list(io, &parsed, entry)?;
        } else {
            extract(io, &parsed, entry, strip)?;
        }
    }
    let mut status = 0;
    for (name, _) in wanted.iter().filter(|(_, found)| !found) {
        io.complain(&format!("{name}: not found in archive"));
        status = 1;
    }
    Ok(status)
}

fn is_excluded(excluded: &[String], name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    excluded.iter().any(|pattern| {
        let pattern = pattern.trim_end_matches('/');
        crate::sh::pattern_matches(pattern, name)
            || crate::sh::pattern_matches(pattern, last)
            || name
                .strip_prefix(pattern)
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

// Reading.

fn text(field: &[u8]) -> String {
    let end = field
        .iter()
        .position(|byte| *byte == 0)
        .unwrap_or(field.len());
    String::from_utf8_lossy(&field[..end]).into_owned()
}

fn number(field: &[u8]) -> u64 {
    // Large numbers are binary, with the first bit set.
    if field.first().is_some_and(|first| first & 0x80 != 0) {
        return field[1..].iter().fold(0, |value: u64, byte| {
            value.wrapping_shl(8) | u64::from(*byte)
        });
    }
    let digits = field.iter().filter(|byte| (b'0'..=b'7').contains(byte));
    digits.fold(0, |value: u64, digit| {
        value.wrapping_mul(8) + u64::from(digit - b'0')
    })
}

/// Everything in an archive.
fn read(bytes: &[u8]) -> Result<Vec<Entry>, &'static str> {
    let mut entries = Vec::new();
    let (mut at, mut long_name, mut long_link) = (0, None, None);
    if bytes.len() < BLOCK {
        return Err("short read");
    }
    while at + BLOCK <= bytes.len() {
        let header = &bytes[at..at + BLOCK];
        if header.iter().all(|byte| *byte == 0) {
            return Ok(entries);
        }
        let sum: u64 = header
            .iter()
            .enumerate()
            .map(|(index, byte)| {
                if (148..156).contains(&index) {
                    32
                } else {
                    u64::from(*byte)
                }
            })
            .sum();
        if number(&header[148..156]) != sum {
            return Err("invalid tar magic");
        }
        let size = usize::try_from(number(&header[124..136])).unwrap_or(usize::MAX);
        at += BLOCK;
        let kind = header[156];
        let size = if matches!(kind, b'1'..=b'6') { 0 } else { size };
        let Some(data) = at.checked_add(size).and_then(|end| bytes.get(at..end)) else {
            return Err("short read");
        };
        at = at.saturating_add(size.div_ceil(BLOCK) * BLOCK);
        match kind {
            b'L' => long_name = Some(text(data)),
            b'K' => long_link = Some(text(data)),
            b'x' => {
                // Of the extended header only the names count.
                for line in String::from_utf8_lossy(data).lines() {
                    let field = line
                        .split_once(' ')
                        .and_then(|(_, field)| field.split_once('='));
                    match field {
                        Some(("path", value)) => long_name = Some(value.to_owned()),
                        Some(("linkpath", value)) => long_link = Some(value.to_owned()),
                        _ => {}
                    }
                }
            }
            b'g' => {}
            kind => {
                let mut name = text(&header[..100]);
                let prefix = text(&header[345..500]);
                if header[257..].starts_with(b"ustar\0") && !prefix.is_empty() {
                    name = format!("{prefix}/{name}");
                }
                entries.push(Entry {
                    name: long_name.take().unwrap_or(name),
                    link: long_link.take().unwrap_or_else(|| text(&header[157..257])),
                    mode: u32::try_from(number(&header[100..108]) & 0o7777).unwrap_or(0),
                    time: number(&header[136..148]),
                    kind,
                    data: data.to_vec(),
                });
            }
        }
    }
    Ok(entries)
}

impl Entry {
    fn is_dir(&self) -> bool {
        self.kind == b'5' || self.name.ends_with('/')
    }
}

fn list(io: &mut Io<'_>, parsed: &Parsed, entry: &Entry) -> Result<(), Stop> {
    if !parsed.has('v') {
        writeln!(io.out, "{}", entry.name)?;
        return Ok(());
    }
    let kind = match entry.kind {
        _ if entry.is_dir() => 'd',
        b'2' => 'l',
        _ => '-',
    };
    let mode = super::listing::mode_text(kind, entry.mode);
    let time = Moment::at(i64::try_from(entry.time).unwrap_or(0)).format("%Y-%m-%d %H:%M:%S");
    let link = match entry.kind {
        b'2' => format!(" -> {}", entry.link),
        _ => String::new(),
    };
    writeln!(
        io.out,
        "{mode} root/root {:9} {time} {}{link}",
        entry.data.len(),
        entry.name
    )?;
    Ok(())
}

/// The path below the current directory, without the stripped parts; nothing when none is left.
fn safe_path(name: &str, strip: usize) -> Option<PathBuf> {
    let parts: Vec<&str> = name
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect();
    if parts.contains(&"..") {
        return None;
    }
    let rest = parts.get(strip..).unwrap_or_default();
    (!rest.is_empty()).then(|| rest.iter().collect())
}

fn extract(io: &mut Io<'_>, parsed: &Parsed, entry: &Entry, strip: usize) -> Result<(), Stop> {
    if parsed.has('O') {
        io.out.write_all(&entry.data)?;
        return Ok(());
    }
    if entry.name.split('/').any(|part| part == "..") {
        return Err(io.fail(&format!("name with '..' prefix: '{}'", entry.name)));
    }
    let Some(path) = safe_path(&entry.name, strip) else {
        return Ok(());
    };
    if parsed.has('v') {
        writeln!(io.out, "{}", entry.name)?;
    }
    let made = unpack(parsed, entry, &path, strip);
    if let Err(error) = made {
        let name = entry.name.trim_end_matches('/');
        return Err(io.fail(&format!("can't open '{name}': {}", reason(&error))));
    }
    Ok(())
}

fn unpack(parsed: &Parsed, entry: &Entry, path: &Path, strip: usize) -> std::io::Result<()> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        fs::create_dir_all(dir)?;
    }
    if entry.is_dir() {
        fs::create_dir_all(path)?;
        guest_kit::files::set_mode(path, entry.mode);
        return Ok(());
    }
    let there = fs::symlink_metadata(path).is_ok();
    if there && parsed.has('k') {
        return Ok(());
    }
    if there && !parsed.has('\x03') {
        fs::remove_file(path)?;
    }
    match entry.kind {
        b'2' => return guest_kit::files::symlink(&entry.link, path),
        b'1' => {
            let from = safe_path(&entry.link, strip).unwrap_or_default();
            // Where there are no hard links a copy is as good.
            return fs::hard_link(&from, path).or_else(|_| fs::copy(&from, path).map(drop));
        }
        _ => fs::write(path, &entry.data)?,
    }
    guest_kit::files::set_mode(path, entry.mode);
    if !parsed.has('m') {
        let file = fs::OpenOptions::new().append(true).open(path)?;
        // A file system without times has nothing to restore.
        let _ = file.set_modified(UNIX_EPOCH + Duration::from_secs(entry.time));
    }
    Ok(())
}

// Writing.

fn create(
    io: &mut Io<'_>,
    parsed: &Parsed,
    (archive, gzip): (&str, bool),
    names: &[String],
    excluded: &[String],
) -> Outcome {
    if names.is_empty() {
        return Err(io.fail("empty archive"));
    }
    let base = PathBuf::from(parsed.value('C').unwrap_or(""));
    let (mut out, mut status) = (Vec::new(), 0);
    let mut said_slash = false;
    for name in names {
        if name.starts_with('/') && !std::mem::replace(&mut said_slash, true) {
            io.complain("removing leading '/' from member names");
        }
        status |= add(io, parsed, &base, name, excluded, &mut out)?;
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    let size = out.len().div_ceil(20 * BLOCK) * 20 * BLOCK;
    out.resize(size, 0);
    let out = if gzip {
        super::gzip::compress(&out, 6)?
    } else {
        out
    };
    if archive == "-" {
        io.out.write_all(&out)?;
    } else if let Err(error) = fs::write(archive, out) {
        return Err(io.fail(&format!("can't open '{archive}': {}", reason(&error))));
    }
    if status != 0 {
        io.complain("error exit delayed from previous errors");
    }
    Ok(status)
}

fn add(
    io: &mut Io<'_>,
    parsed: &Parsed,
    base: &Path,
    name: &str,
    excluded: &[String],
    out: &mut Vec<u8>,
) -> Outcome {
    let path = base.join(name);
    let name = name.trim_end_matches('/');
    if is_excluded(excluded, name) {
        return Ok(0);
    }
    let found = if parsed.has('h') {
        fs::metadata(&path)
    } else {
        fs::symlink_metadata(&path)
    };
    let metadata = match found {
        Ok(metadata) => metadata,
        Err(error) => {
            io.complain(&format!("{name}: {}", reason(&error)));
            return Ok(1);
        }
    };
    let since = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let mut entry = Entry {
        name: name.trim_start_matches('/').to_owned(),
        mode: guest_kit::files::mode(&path).unwrap_or(0o644),
        time: since.map_or(0, |since| since.as_secs()),
        kind: b'0',
        ..Entry::default()
    };
    if metadata.is_dir() {
        entry.name.push('/');
        entry.kind = b'5';
    } else if metadata.is_symlink() {
        entry.kind = b'2';
        entry.mode = 0o777;
        entry.link = fs::read_link(&path)?.to_string_lossy().into_owned();
    } else {
        match fs::read(&path) {
            Ok(data) => entry.data = data,
            Err(error) => {
                io.complain(&format!("can't open '{name}': {}", reason(&error)));
                return Ok(1);
            }
        }
    }
    if parsed.has('v') {
        let to_stdout = parsed.value('f').unwrap_or("-") == "-";
        let line = format!("{}\n", entry.name);
        if to_stdout {
            io.err.write_all(line.as_bytes())?
        } else {
            io.out.write_all(line.as_bytes())?
        }
    }
    write(&entry, out);
    let mut status = 0;
    if metadata.is_dir() {
        let mut names: Vec<String> = fs::read_dir(&path)?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        for inner in names {
            status |= add(io, parsed, base, &format!("{name}/{inner}"), excluded, out)?;
        }
    }
    Ok(status)
}

fn write(entry: &Entry, out: &mut Vec<u8>) {
    if entry.name.len() > 100 {
        let mut data = entry.name.clone().into_bytes();
        data.push(0);
        let long = Entry {
            name: "././@LongLink".into(),
            kind: b'L',
            data,
            ..Entry::default()
        };
        write(&long, out);
    }
    let mut header = [0; BLOCK];
    let mut put = |at: usize, field: &[u8], most: usize| {
        let length = field.len().min(most);
        header[at..at + length].copy_from_slice(&field[..length]);
    };
    put(0, entry.name.as_bytes(), 100);
    put(100, format!("{:07o}\0", entry.mode).as_bytes(), 8);
    put(108, b"0000000\0", 8);
    put(116, b"0000000\0", 8);
    put(124, format!("{:011o}\0", entry.data.len()).as_bytes(), 12);
    put(136, format!("{:011o}\0", entry.time).as_bytes(), 12);
    put(148, b"        ", 8);
    put(156, &[entry.kind], 1);
    put(157, entry.link.as_bytes(), 100);
    put(257, b"ustar  \0", 8);
    put(265, b"root", 32);
    put(297, b"root", 32);
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    out.extend_from_slice(&header);
    out.extend_from_slice(&entry.data);
    out.resize(out.len().div_ceil(BLOCK) * BLOCK, 0);
}

#[cfg(test)]
mod tests {
    use super::{Entry, read, safe_path, write};

    #[test]
    fn what_is_written_is_read() {
        let long = "d/".repeat(80) + "f";
        let mut out = Vec::new();
        for name in ["a", long.as_str()] {
            let entry = Entry {
                name: name.into(),
                data: b"hello".to_vec(),
                mode: 0o640,
                kind: b'0',
                ..Entry::default()
            };
            write(&entry, &mut out);
        }
        let entries = read(&out).expect("it was just written");
        assert_eq!(entries.len(), 2);
        assert_eq!(
            (entries[1].name.as_str(), entries[1].mode),
            (long.as_str(), 0o640)
        );
        assert_eq!(entries[0].data, b"hello");
    }

    #[test]
    fn paths_do_not_lead_out() {
        assert_eq!(safe_path("../x", 0), None);
        assert_eq!(
            safe_path("/a/b", 1).as_deref(),
            Some(std::path::Path::new("b"))
        );
        assert_eq!(safe_path("a/", 1), None);
    }

    #[test]
    fn any_archive_is_read_or_refused() {
        let mut out = Vec::new();
        let entry = Entry {
            name: "file".into(),
            data: vec![b'x'; 700],
            kind: b'0',
            ..Entry::default()
        };
        write(&entry, &mut out);
        trial::fuzz(
            3000,
            &[&out],
            &[b"\0\0\0", b"ustar", b"77777777777"],
            |bytes| {
                // Whatever it is, it ends.
                let _ = read(bytes);
            },
        );
    }
}
