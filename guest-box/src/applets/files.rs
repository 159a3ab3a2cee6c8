//! Tools that change the file system: `chmod`, `mkdir`, `readlink`, `rm`, `rmdir`, `touch`. They
//! never know owners or times of access, which files here do not have.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::copy::agreed;
use super::{Applet, Io, Outcome, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "chmod",
        operands: "MODE[,MODE]... FILE...",
        help: "MODE is octal number (bit pattern sstrwxrwxrwx) or [ugoa]{+|-|=}[rwx]",
        flags: &[],
        run: chmod,
    },
    Applet {
        name: "mkdir",
        operands: "DIRECTORY...",
        help: "Create DIRECTORY",
        flags: &[
            flag(
                'p',
                "",
                "No error if exists; make parent directories as needed",
            ),
            value('m', "", "MODE", "Mode"),
        ],
        run: mkdir,
    },
    Applet {
        name: "readlink",
        operands: "FILE",
        help: "Display the value of a symlink",
        flags: &[
            flag('f', "", "Canonicalize by following all symlinks"),
            flag('n', "", "Don't add newline at the end"),
        ],
        run: readlink,
    },
    Applet {
        name: "rm",
        operands: "FILE...",
        help: "Remove (unlink) FILEs",
        flags: &[
            flag('f', "", "Never prompt"),
            flag('r', "", "Recurse"),
            flag('R', "", "Recurse"),
            flag('i', "", "Always prompt before removing"),
        ],
        run: rm,
    },
    Applet {
        name: "rmdir",
        operands: "DIRECTORY...",
        help: "Remove DIRECTORY if it is empty",
        flags: &[flag('p', "", "Include parents")],
        run: rmdir,
    },
    Applet {
        name: "touch",
        operands: "FILE...",
        help: "Update mtime of FILEs",
        flags: &[
            flag('c', "", "Don't create files"),
            flag('m', "", "Change only mtime"),
            value('d', "date", "DATE", "Date/time to use"),
            value('t', "", "DATE", "Date/time to use"),
            value('r', "reference", "FILE", "Use FILE's date/time"),
        ],
        run: touch,
    },
];

pub(super) fn remove(path: &Path) -> std::io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    }
}

fn rm(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() && !parsed.has('f') {
        return Err(io.usage());
    }
    let asks = parsed.last_of("fi") == Some('i');
    let recurse = parsed.has('r') || parsed.has('R');
    let mut status = 0;
    for path in &parsed.rest {
        let result = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() && !recurse => {
                io.complain(&format!("'{path}' is a directory"));
                status = 1;
                continue;
            }
            Ok(_) if asks => remove_asking(io, path)?,
            Ok(_) => remove(Path::new(path)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && parsed.has('f') => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = result {
            io.complain(&format!("can't remove '{path}': {}", reason(&error)));
            status = 1;
        }
    }
    Ok(status)
}

/// Removes what the user agrees to.
fn remove_asking(io: &mut Io<'_>, path: &str) -> Result<std::io::Result<()>, Stop> {
    let Ok(metadata) = fs::symlink_metadata(path) else {
        return Ok(Ok(()));
    };
    if !metadata.is_dir() {
        return Ok(match agreed(io, &format!("remove '{path}'"))? {
            true => fs::remove_file(path),
            false => Ok(()),
        });
    }
    if !agreed(io, &format!("descend into directory '{path}'"))? {
        return Ok(Ok(()));
    }
    for entry in fs::read_dir(path)?.flatten() {
        let name = entry.file_name();
        let below = format!("{path}/{}", name.to_string_lossy());
        if let Err(error) = remove_asking(io, &below)? {
            return Ok(Err(error));
        }
    }
    Ok(match agreed(io, &format!("remove directory '{path}'"))? {
        true => fs::remove_dir(path),
        false => Ok(()),
    })
}

fn mkdir(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let mode = match parsed.value('m').map(str::to_owned) {
        Some(text) => match changed_mode(0o777, &text) {
            Some(mode) => Some(mode),
            None => return Err(io.fail(&format!("invalid mode '{text}'"))),
        },
        None => None,
    };
    let mut status = 0;
    for path in &parsed.rest {
        let there = Path::new(path).is_dir();
        let made = if parsed.has('p') {
            fs::create_dir_all(path)
        } else {
            fs::create_dir(path)
        };
        if let Err(error) = made {
            io.complain(&format!(
                "can't create directory '{path}': {}",
                reason(&error)
            ));
            status = 1;
        } else if let Some(mode) = mode.filter(|_| !there) {
            guest_kit::files::set_mode(path, mode);
        }
    }
    Ok(status)
}

fn rmdir(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let mut status = 0;
    for path in &parsed.rest {
        let mut current = Some(Path::new(path));
        while let Some(dir) = current.filter(|dir| !dir.as_os_str().is_empty()) {
            if let Err(error) = fs::remove_dir(dir) {
                io.complain(&format!("'{}': {}", dir.display(), reason(&error)));
                status = 1;
                break;
            }
            current = dir.parent().filter(|_| parsed.has('p'));
        }
    }
    Ok(status)
}

fn touch(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let mut time = std::time::SystemTime::now();
    if let Some(path) = parsed.value('r').map(str::to_owned) {
        match fs::metadata(&path).and_then(|data| data.modified()) {
            Ok(modified) => time = modified,
            Err(error) => return Err(io.fail(&format!("{path}: {}", reason(&error)))),
        }
    }
    if let Some((_, text)) = parsed.in_order("dt").last() {
        let text = text.to_owned();
        match super::date::read(&text) {
            Some(seconds) => {
                let since = std::time::Duration::from_secs(seconds.unsigned_abs());
                time = std::time::UNIX_EPOCH + since;
            }
            None => return Err(io.fail(&format!("invalid date '{text}'"))),
        }
    }
    let mut status = 0;
    for path in &parsed.rest {
        if parsed.has('c') && !Path::new(path).exists() {
            continue;
        }
        let mut options = fs::OpenOptions::new();
        let touched = if Path::new(path).is_dir() {
            options.read(true).open(path)
        } else {
            options.append(true).create(true).open(path)
        };
        let touched = touched.and_then(|file| file.set_modified(time));
        match touched {
            Err(error) if error.kind() != std::io::ErrorKind::Unsupported => {
                io.complain(&format!("{path}: {}", reason(&error)));
                status = 1;
            }
            _ => {}
        }
    }
    Ok(status)
}

fn readlink(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let [path] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    let found = if parsed.has('f') {
        fs::canonicalize(path)
    } else {
        fs::read_link(path)
    };
    let Ok(found) = found else {
        return Ok(1);
    };
    let end = if parsed.has('n') { "" } else { "\n" };
    write!(io.out, "{}{end}", found.display())?;
    Ok(0)
}

fn chmod(io: &mut Io<'_>) -> Outcome {
    // `-x` is a mode here, not an option.
    let mut args = io.args[1..].to_vec();
    let recurse = args.first().is_some_and(|arg| arg == "-R");
    if recurse {
        args.remove(0);
    }
    let [mode, paths @ ..] = args.as_slice() else {
        return Err(io.usage());
    };
    if paths.is_empty() {
        return Err(io.usage());
    }
    let mut status = 0;
    let mut paths: Vec<PathBuf> = paths.iter().map(PathBuf::from).collect();
    while let Some(path) = paths.pop() {
        let Some(before) = guest_kit::files::mode(&path) else {
            io.complain(&format!("{}: No such file or directory", path.display()));
            status = 1;
            continue;
        };
        let Some(after) = changed_mode(before, mode) else {
            return Err(io.fail(&format!("invalid mode '{mode}'")));
        };
        if !guest_kit::files::set_mode(&path, after) {
            io.complain(&format!("{}: Read-only file system", path.display()));
            status = 1;
        }
        if recurse && path.is_dir() {
            paths.extend(fs::read_dir(&path)?.flatten().map(|entry| entry.path()));
        }
    }
    Ok(status)
}

/// Permission bits after a change, octal or symbolic.
pub(super) fn changed_mode(before: u32, change: &str) -> Option<u32> {
    if let Ok(mode) = u32::from_str_radix(change, 8) {
        return (mode <= 0o7777).then_some(mode);
    }
    let mut mode = before;
    for clause in change.split(',') {
        let operator = clause.find(['+', '-', '='])?;
        let (who, what) = clause.split_at(operator);
        let all = who.is_empty() || who.contains('a');
        let mut mask = 0;
        for (letter, bits) in [('u', 0o700), ('g', 0o070), ('o', 0o007)] {
            if all || who.contains(letter) {
                mask |= bits;
            }
        }
        let mut bits = 0;
        for letter in what[1..].chars() {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                'X' if before & 0o111 != 0 => 0o111,
                'X' => 0,
                _ => return None,
            };
        }
        bits &= mask;
        mode = match &what[..1] {
            "+" => mode | bits,
            "-" => mode & !bits,
            _ => (mode & !mask) | bits,
        };
    }
    Some(mode)
}
