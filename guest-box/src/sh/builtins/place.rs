//! Where the shell is and what bounds it: `cd`, `pwd`, `umask`, `ulimit`, `times`.
//!
//! Changes the working directory and the mask for files the shell makes; it bounds nothing itself.

use std::path::{Path, PathBuf};

use super::super::exec::Status;
use super::super::state::Shell;
use super::Letters;
use crate::applets;

pub(super) fn cd(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    let mut physical = false;
    while let Some((letter, _)) = letters.next(shell, "LP")? {
        physical = letter == 'P';
    }
    let mut print = false;
    let name = match letters.rest().first().map(String::as_str) {
        None => match shell.get("HOME") {
            Some(home) => home.to_owned(),
            None => return Ok(0),
        },
        Some("-") => {
            print = true;
            match shell.get("OLDPWD") {
                Some(old) => old.to_owned(),
                None => return Err(shell.fail("OLDPWD not set")),
            }
        }
        Some(name) => name.to_owned(),
    };
    let mut target = normalize(&shell.absolute(&name));
    if let Some(found) = in_cdpath(shell, &name) {
        print = true;
        target = found;
    }
    if physical {
        target = resolved(Path::new(&target)).to_string_lossy().into_owned();
    }
    if let Err(error) = std::env::set_current_dir(&target) {
        return Err(shell.fail(&format!("can't cd to {name}: {}", applets::reason(&error))));
    }
    let old = std::mem::replace(&mut shell.cwd, target.clone());
    shell.set("OLDPWD", old)?;
    shell.set("PWD", target.clone())?;
    if print {
        shell.put(format!("{target}\n").as_bytes())?;
    }
    Ok(0)
}

/// A directory below one of `CDPATH`, for names that do not say where they are.
fn in_cdpath(shell: &Shell, name: &str) -> Option<String> {
    if name.starts_with(['/', '.']) || name.is_empty() {
        return None;
    }
    let list = shell.get("CDPATH").filter(|list| !list.is_empty())?;
    list.split(':')
        .filter(|dir| !dir.is_empty())
        .map(|dir| normalize(&shell.absolute(&format!("{dir}/{name}"))))
        .find(|path| Path::new(path).is_dir())
}

/// A path without `.`, `..` and doubled slashes, as `cd` keeps it.
pub(crate) fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A path with its symbolic links followed, which `std` cannot do on WASI.
fn resolved(path: &Path) -> PathBuf {
    let mut done = PathBuf::from("/");
    let mut links = 0;
    let mut todo: Vec<std::ffi::OsString> = path.iter().rev().map(Into::into).collect();
    while let Some(part) = todo.pop() {
        if part == "/" {
            done = PathBuf::from("/");
        } else if part == ".." {
            done.pop();
        } else if part != "." {
            done.push(&part);
            if let Ok(target) = std::fs::read_link(&done)
                && links < 40
            {
                links += 1;
                done.pop();
                todo.extend(target.iter().rev().map(std::ffi::OsString::from));
            }
        }
    }
    done
}

pub(super) fn pwd(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    let mut physical = false;
    while let Some((letter, _)) = letters.next(shell, "LP")? {
        physical = letter == 'P';
    }
    let text = if physical {
        format!("{}\n", resolved(Path::new(&shell.cwd)).display())
    } else {
        format!("{}\n", shell.cwd)
    };
    shell.put(text.as_bytes())
}

/// Processor time is not metered for guests.
pub(super) fn times(shell: &mut Shell, _: &[String]) -> Status {
    shell.put(b"0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n")
}

/// The mask of the files that the shell's redirections make; programs are started with none.
pub(super) fn umask(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    let mut symbolic = false;
    while letters.next(shell, "S")?.is_some() {
        symbolic = true;
    }
    let Some(text) = letters.rest().first() else {
        let mask = shell.umask;
        let text = if symbolic {
            let who = |shift: u32| {
                let bits = !(mask >> shift) & 7;
                let letters = [(4, 'r'), (2, 'w'), (1, 'x')];
                let set = letters.iter().filter(|(bit, _)| bits & bit != 0);
                set.map(|(_, letter)| *letter).collect::<String>()
            };
            format!("u={},g={},o={}\n", who(6), who(3), who(0))
        } else {
            format!("{mask:04o}\n")
        };
        return shell.put(text.as_bytes());
    };
    let mask = if text.starts_with(|c: char| c.is_ascii_digit()) {
        u32::from_str_radix(text, 8)
            .ok()
            .filter(|mask| *mask <= 0o777)
    } else {
        symbolic_mask(text, shell.umask)
    };
    match mask {
        Some(mask) => {
            shell.umask = mask;
            Ok(0)
        }
        None => Err(shell.fail(&format!("illegal mode: {text}"))),
    }
}

/// `u=rwx,g-w`: permissions that stay, so the mask is what they leave out.
fn symbolic_mask(text: &str, mask: u32) -> Option<u32> {
    let mut allowed = !mask & 0o777;
    for clause in text.split(',') {
        let at = clause.find(['=', '+', '-'])?;
        let mut who = 0;
        for letter in clause[..at].chars() {
            who |= match letter {
                'u' => 0o700,
                'g' => 0o070,
                'o' => 0o007,
                'a' => 0o777,
                _ => return None,
            };
        }
        let who = if who == 0 { 0o777 } else { who };
        let mut bits = 0;
        for letter in clause[at + 1..].chars() {
            bits |= match letter {
                'r' => 0o444,
                'w' => 0o222,
                'x' => 0o111,
                _ => return None,
            };
        }
        allowed = match clause.as_bytes()[at] {
            b'=' => (allowed & !who) | (bits & who),
            b'+' => allowed | (bits & who),
            _ => allowed & !(bits & who),
        };
    }
    Some(!allowed & 0o777)
}

/// Limits that a container's programs know of: none. They can be asked for and not be changed.
pub(super) fn ulimit(shell: &mut Shell, args: &[String]) -> Status {
    const LIMITS: [(char, &str); 9] = [
        ('c', "core file size (blocks)         (-c) "),
        ('d', "data seg size (kb)              (-d) "),
        ('f', "file size (blocks)              (-f) "),
        ('l', "max locked memory (kb)          (-l) "),
        ('n', "open files                      (-n) "),
        ('s', "stack size (kb)                 (-s) "),
        ('t', "cpu time (seconds)              (-t) "),
        ('u', "max user processes              (-u) "),
        ('v', "virtual memory (kb)             (-v) "),
    ];
    let mut text = String::new();
    for arg in &args[1..] {
        let Some(letters) = arg.strip_prefix('-') else {
            if arg == "unlimited" {
                continue;
            }
            let line = "error setting limit: Operation not permitted";
            return Err(shell.fail(line));
        };
        for letter in letters.chars() {
            match letter {
                'H' | 'S' => {}
                'a' => {
                    for (_, label) in LIMITS {
                        text.push_str(&format!("{label}unlimited\n"));
                    }
                }
                letter if LIMITS.iter().any(|(known, _)| *known == letter) => {
                    text.push_str("unlimited\n");
                }
                letter => {
                    let line = format!("ulimit: invalid option -- '{letter}'\n");
                    shell.write(2, line.as_bytes())?;
                    return Ok(1);
                }
            }
        }
    }
    if args.iter().any(|arg| arg == "unlimited") {
        return Ok(0);
    }
    if args.len() == 1 {
        text.push_str("unlimited\n");
    }
    shell.put(text.as_bytes())
}
