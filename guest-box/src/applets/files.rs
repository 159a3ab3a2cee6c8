//! Tools that change the file system: `cp`, `ln`, `mkdir`, `mv`, `readlink`, `rm`, `rmdir`,
//! `touch`.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

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
        name: "cp",
        operands: "SOURCE... DEST",
        help: "Copy SOURCEs to DEST",
        flags: &[
            flag('r', "", "Recurse"),
            flag('R', "", "Same as -r"),
            flag('a', "", "Same as -dpR"),
            flag('p', "", "Preserve file attributes if possible"),
            flag('d', "", "Preserve links"),
            flag('f', "", "Overwrite"),
            flag('L', "", "Follow all symlinks"),
        ],
        run: cp,
    },
    Applet {
        name: "ln",
        operands: "TARGET... LINK|DIR",
        help: "Create a link LINK or DIR/TARGET to the specified TARGET(s)",
        flags: &[
            flag('s', "", "Make symlinks instead of hardlinks"),
            flag('f', "", "Remove existing destinations"),
            flag(
                'n',
                "",
                "Don't dereference symlinks - treat like normal file",
            ),
        ],
        run: ln,
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
            value('m', "", "MODE", "Mode: accepted, files here have none"),
        ],
        run: mkdir,
    },
    Applet {
        name: "mv",
        operands: "SOURCE... DEST",
        help: "Rename SOURCE to DEST, or move SOURCEs to DIRECTORY",
        flags: &[
            flag('f', "", "Don't prompt before overwriting"),
            flag('n', "", "Don't overwrite an existing file"),
        ],
        run: mv,
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
            flag('i', "", "Always prompt before removing: not in this lab"),
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
            flag('a', "", "Change only atime"),
            flag('m', "", "Change only mtime"),
            flag('h', "no-dereference", "Don't follow links"),
            value('d', "date", "DATE", "Date/time to use"),
            value('t', "", "DATE", "Date/time to use"),
            value('r', "reference", "FILE", "Use FILE's date/time"),
        ],
        run: touch,
    },
];

/// Where something goes: into the directory, or to the name itself.
fn destination(source: &str, target: &str) -> PathBuf {
    let path = Path::new(target);
    if !path.is_dir() {
        return path.to_path_buf();
    }
    match Path::new(source.trim_end_matches('/')).file_name() {
        Some(name) => path.join(name),
        None => path.to_path_buf(),
    }
}

fn split_target(io: &mut Io<'_>, rest: &[String]) -> Result<(Vec<String>, String), Stop> {
    let Some((target, sources)) = rest.split_last().filter(|(_, sources)| !sources.is_empty())
    else {
        return Err(io.usage());
    };
    if sources.len() > 1 && !Path::new(target).is_dir() {
        return Err(io.fail(&format!("target '{target}' is not a directory")));
    }
    Ok((sources.to_vec(), target.clone()))
}

fn cp(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let (sources, target) = split_target(io, &parsed.rest)?;
    let recurse = parsed.has('r') || parsed.has('R') || parsed.has('a');
    let mut status = 0;
    for source in sources {
        let to = destination(&source, &target);
        status |= copy(io, Path::new(&source), &to, recurse)?;
    }
    Ok(status)
}

fn copy(io: &mut Io<'_>, from: &Path, to: &Path, recurse: bool) -> Result<i32, Stop> {
    let metadata = match fs::metadata(from) {
        Ok(metadata) => metadata,
        Err(error) => {
            io.complain(&format!(
                "can't stat '{}': {}",
                from.display(),
                reason(&error)
            ));
            return Ok(1);
        }
    };
    if metadata.is_dir() {
        if !recurse {
            io.complain(&format!("omitting directory '{}'", from.display()));
            return Ok(1);
        }
        if !to.is_dir()
            && let Err(error) = fs::create_dir(to)
        {
            io.complain(&format!(
                "can't create directory '{}': {}",
                to.display(),
                reason(&error)
            ));
            return Ok(1);
        }
        let mut status = 0;
        for entry in fs::read_dir(from)?.flatten() {
            status |= copy(io, &entry.path(), &to.join(entry.file_name()), true)?;
        }
        return Ok(status);
    }
    // Read and written, since not every file system here can copy by itself.
    let copied = fs::read(from).and_then(|bytes| fs::write(to, bytes));
    match copied {
        Ok(()) => Ok(0),
        Err(error) => {
            io.complain(&format!(
                "can't create '{}': {}",
                to.display(),
                reason(&error)
            ));
            Ok(1)
        }
    }
}

fn mv(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let (sources, target) = split_target(io, &parsed.rest)?;
    let mut status = 0;
    for source in sources {
        let to = destination(&source, &target);
        if parsed.has('n') && to.exists() {
            continue;
        }
        let moved = match fs::rename(&source, &to) {
            Err(error) if error.kind() == std::io::ErrorKind::CrossesDevices => {
                let from = Path::new(&source);
                if copy(io, from, &to, true)? == 0 {
                    remove(from)
                } else {
                    Ok(())
                }
            }
            moved => moved,
        };
        if let Err(error) = moved {
            io.complain(&format!("can't rename '{source}': {}", reason(&error)));
            status = 1;
        }
    }
    Ok(status)
}

fn remove(path: &Path) -> std::io::Result<()> {
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
    if parsed.has('i') {
        return Err(io.fail("-i is not in this lab"));
    }
    let recurse = parsed.has('r') || parsed.has('R');
    let mut status = 0;
    for path in &parsed.rest {
        let result = match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_dir() && !recurse => {
                io.complain(&format!("'{path}' is a directory"));
                status = 1;
                continue;
            }
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

fn mkdir(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.rest.is_empty() {
        return Err(io.usage());
    }
    let mut status = 0;
    for path in &parsed.rest {
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

fn ln(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let (targets, link) = match parsed.rest.as_slice() {
        [] => return Err(io.usage()),
        [target] => (vec![target.clone()], ".".to_owned()),
        _ => split_target(io, &parsed.rest)?,
    };
    let mut status = 0;
    for target in targets {
        let to = destination(&target, &link);
        if parsed.has('f') {
            // What is not there need not go.
            let _ = fs::remove_file(&to);
        }
        let made = if parsed.has('s') {
            guest_kit::files::symlink(&target, &to)
        } else {
            fs::hard_link(&target, &to)
        };
        if let Err(error) = made {
            io.complain(&format!("{}: {}", to.display(), reason(&error)));
            status = 1;
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
