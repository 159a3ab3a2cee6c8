//! `ls`: what is in directories. It never changes anything.

use std::fs::{self, Metadata};
use std::io::Write;

use super::date::Moment;
use super::{Applet, Io, Outcome, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "ls",
    operands: "[FILE]...",
    help: "List directory contents",
    flags: &[
        flag('1', "", "One column output"),
        flag('a', "", "Include names starting with ."),
        flag('A', "", "Like -a, but exclude . and .."),
        flag('d', "", "List directory names, not contents"),
        flag('l', "", "Long format"),
        flag('h', "", "Human readable sizes (1K 243M 2G)"),
        flag('F', "", "Append indicator (one of */=@|) to names"),
        flag('p', "", "Append / to directory names"),
        flag('R', "", "Recurse"),
        flag('r', "", "Reverse sort order"),
        flag('S', "", "Sort by size"),
        flag('t', "", "Sort by mtime"),
        flag('n', "", "Like -l, but numeric UIDs and GIDs"),
        flag('C', "", "List by columns"),
        flag('x', "", "List by lines"),
        value('w', "", "N", "Format N columns wide"),
        flag('L', "", "Follow symlinks"),
        flag('X', "", "Sort by extension"),
        flag('v', "", "Sort by version"),
        flag('\x01', "color", "Accepted: there is no colour here"),
    ],
    run: ls,
}];

struct Entry {
    name: String,
    path: String,
    metadata: Metadata,
}

fn ls(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut status = 0;
    let paths = if parsed.rest.is_empty() {
        vec![".".to_owned()]
    } else {
        parsed.rest.clone()
    };
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for path in &paths {
        let found = if parsed.has('l') && !parsed.has('L') && !path.ends_with('/') {
            fs::symlink_metadata(path)
        } else {
            fs::metadata(path).or_else(|_| fs::symlink_metadata(path))
        };
        match found {
            Ok(metadata) if metadata.is_dir() && !parsed.has('d') => directories.push(path.clone()),
            Ok(metadata) => files.push(Entry {
                name: path.clone(),
                path: path.clone(),
                metadata,
            }),
            Err(error) => {
                io.complain(&format!("{path}: {}", reason(&error)));
                status = 1;
            }
        }
    }
    let mut first = files.is_empty();
    print(io, &parsed, files)?;
    directories.sort();
    let headings = paths.len() > 1 || parsed.has('R');
    while !directories.is_empty() {
        let path = directories.remove(0);
        if headings {
            let gap = if first { "" } else { "\n" };
            writeln!(io.out, "{gap}{path}:")?;
        }
        first = false;
        let mut entries = Vec::new();
        match fs::read_dir(&path) {
            Ok(found) => {
                for entry in found.flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    let full = format!("{}/{name}", path.trim_end_matches('/'));
                    let followed = fs::metadata(&full).ok().filter(|_| parsed.has('L'));
                    if let Ok(metadata) = followed.map_or_else(|| fs::symlink_metadata(&full), Ok) {
                        entries.push(Entry {
                            name,
                            path: full,
                            metadata,
                        });
                    }
                }
            }
            Err(error) => {
                io.complain(&format!("can't open '{path}': {}", reason(&error)));
                status = 1;
                continue;
            }
        }
        if parsed.has('a') {
            for name in [".", ".."] {
                let full = format!("{path}/{name}");
                if let Ok(metadata) = fs::metadata(&full) {
                    entries.push(Entry {
                        name: name.into(),
                        path: full,
                        metadata,
                    });
                }
            }
        } else if !parsed.has('A') {
            entries.retain(|entry| !entry.name.starts_with('.'));
        }
        if parsed.has('l') || parsed.has('n') {
            let blocks: u64 = entries
                .iter()
                .map(|entry| entry.metadata.len().div_ceil(4096) * 4)
                .sum();
            writeln!(io.out, "total {blocks}")?;
        }
        if parsed.has('R') {
            let mut below: Vec<String> = entries
                .iter()
                .filter(|entry| {
                    entry.metadata.is_dir() && !matches!(entry.name.as_str(), "." | "..")
                })
                .map(|entry| entry.path.clone())
                .collect();
            below.sort();
            directories.splice(0..0, below);
        }
        print(io, &parsed, entries)?;
    }
    Ok(status)
}

fn print(io: &mut Io<'_>, parsed: &super::Parsed, mut entries: Vec<Entry>) -> Result<(), Stop> {
    entries.sort_by(|left, right| left.name.cmp(&right.name));
    match parsed.last_of("StXv") {
        Some('S') => entries.sort_by_key(|entry| std::cmp::Reverse(entry.metadata.len())),
        Some('X') => entries.sort_by_key(|entry| {
            let extension = entry.name.rsplit_once('.');
            extension.map_or_else(String::new, |(_, extension)| extension.to_owned())
        }),
        Some('v') => entries.sort_by_key(|entry| super::sort::version_parts(&entry.name)),
        Some(_) => entries.sort_by_key(|entry| std::cmp::Reverse(entry.metadata.modified().ok())),
        None => {}
    }
    if parsed.has('r') {
        entries.reverse();
    }
    let long = parsed.has('l') || parsed.has('n');
    let names: Vec<String> = entries
        .iter()
        .map(|entry| {
            let mark = match entry.metadata.file_type() {
                kind if kind.is_dir() && (parsed.has('F') || parsed.has('p')) => "/",
                kind if kind.is_symlink() && parsed.has('F') && !long => "@",
                kind if kind.is_file()
                    && parsed.has('F')
                    && guest_kit::files::mode(&entry.path).unwrap_or(0) & 0o111 != 0 =>
                {
                    "*"
                }
                _ => "",
            };
            format!("{}{mark}", entry.name)
        })
        .collect();
    if long {
        for (entry, name) in entries.iter().zip(&names) {
            long_line(io, parsed, entry, name)?;
        }
        return Ok(());
    }
    let screen = guest_kit::terminal::size().map(|size| usize::from(size.columns));
    let wide = match parsed.value('w').map(str::to_owned) {
        Some(text) => match text.parse() {
            Ok(wide) => Some(wide),
            Err(_) => return Err(io.fail(&format!("invalid number '{text}'"))),
        },
        None => screen,
    };
    let columns = match parsed.last_of("1Cx") {
        Some('1') => None,
        Some(_) => Some(wide.unwrap_or(80)),
        None => wide.filter(|_| screen.is_some()),
    };
    let Some(columns) = columns else {
        for name in &names {
            writeln!(io.out, "{name}")?;
        }
        return Ok(());
    };
    let width = names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
        + 2;
    let across = (columns / width).max(1);
    let rows = names.len().div_ceil(across);
    for row in 0..rows {
        let line: String = (0..across)
            .filter_map(|column| match parsed.last_of("Cx") {
                Some('x') => names.get(row * across + column),
                _ => names.get(column * rows + row),
            })
            .map(|name| format!("{name:<width$}"))
            .collect();
        writeln!(io.out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn long_line(
    io: &mut Io<'_>,
    parsed: &super::Parsed,
    entry: &Entry,
    name: &str,
) -> Result<(), Stop> {
    let kind = entry.metadata.file_type();
    let first = match kind {
        kind if kind.is_dir() => 'd',
        kind if kind.is_symlink() => 'l',
        _ => '-',
    };
    let bits = if kind.is_symlink() {
        0o777
    } else {
        guest_kit::files::mode(&entry.path).unwrap_or(0o644)
    };
    let mode = mode_text(first, bits);
    let length = entry.metadata.len();
    let size = if parsed.has('h') {
        human(length)
    } else {
        length.to_string()
    };
    let across = if parsed.has('h') { 7 } else { 9 };
    let owner = if parsed.has('n') { "0" } else { "root" };
    let time = entry.metadata.modified().map_or_else(
        |_| String::new(),
        |time| Moment::of(time).format("%b %e %H:%M"),
    );
    write!(
        io.out,
        "{mode}    {} {owner:<8} {owner:<8} {size:>across$} {time} {name}",
        if kind.is_dir() { 2 } else { 1 }
    )?;
    if kind.is_symlink()
        && let Ok(target) = fs::read_link(&entry.path)
    {
        write!(io.out, " -> {}", target.display())?;
    }
    writeln!(io.out)?;
    Ok(())
}

/// The kind and the permission bits as letters.
pub(super) fn mode_text(kind: char, bits: u32) -> String {
    let letters = (0..9).map(|bit| match bits & (0o400 >> bit) {
        0 => '-',
        _ => ['r', 'w', 'x'][bit % 3],
    });
    let mut text: Vec<char> = std::iter::once(kind).chain(letters).collect();
    for (bit, place, set, unset) in [
        (0o4000, 3, 's', 'S'),
        (0o2000, 6, 's', 'S'),
        (0o1000, 9, 't', 'T'),
    ] {
        if bits & bit != 0 {
            text[place] = if text[place] == 'x' { set } else { unset };
        }
    }
    text.into_iter().collect()
}

/// A size in the largest unit that fits.
pub(super) fn human(length: u64) -> String {
    if length < 1024 {
        return length.to_string();
    }
    let units = ["K", "M", "G", "T"];
    let mut tenths = length * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{}{}", tenths / 10, tenths % 10, units[unit])
}
