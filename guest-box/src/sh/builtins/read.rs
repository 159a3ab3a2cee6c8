//! `read`: one line of input into variables.
//!
//! Takes byte after byte, so that what follows the line is left for others.

use std::rc::Rc;
use std::time::Duration;

use super::super::exec::Status;
use super::super::fds::Fd;
use super::super::parse;
use super::super::state::{Flow, Shell};
use super::Letters;
use super::flow::number;

/// What was asked for.
struct Wish {
    raw: bool,
    silent: bool,
    prompt: Option<String>,
    limit: usize,
    delimiter: u8,
    timeout: Option<Duration>,
    fd: usize,
}

/// How the reading ended.
#[derive(PartialEq, Eq)]
enum End {
    Delimiter,
    Input,
    Time,
}

fn wish(shell: &mut Shell, letters: &mut Letters<'_>) -> Result<Wish, Flow> {
    let mut wish = Wish {
        raw: false,
        silent: false,
        prompt: None,
        limit: usize::MAX,
        delimiter: b'\n',
        timeout: None,
        fd: 0,
    };
    while let Some((letter, value)) = letters.next(shell, "p:u:rt:n:sd:")? {
        match letter {
            'r' => wish.raw = true,
            's' => wish.silent = true,
            'p' => wish.prompt = Some(value.to_owned()),
            'n' => {
                let count = value.parse::<usize>();
                wish.limit = count.map_err(|_| shell.fail("invalid count"))?;
                if wish.limit == 0 {
                    wish.limit = usize::MAX;
                }
            }
            'd' => wish.delimiter = value.bytes().next().unwrap_or(0),
            't' => {
                let seconds = value.parse::<f64>().ok();
                let time = seconds.and_then(|time| Duration::try_from_secs_f64(time).ok());
                wish.timeout = Some(time.ok_or_else(|| shell.fail("invalid timeout"))?);
            }
            _ => wish.fd = usize::try_from(number(shell, value)?).unwrap_or(0),
        }
    }
    Ok(wish)
}

pub(super) fn read(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    let wish = wish(shell, &mut letters)?;
    let names = letters.rest();
    if let Some(name) = names.iter().find(|name| !parse::is_name(name)) {
        let text = format!("{}: read: '{name}': bad variable name\n", shell.program);
        shell.write(2, text.as_bytes())?;
        return Ok(1);
    }
    let terminal = guest_kit::terminal::size().is_some() && wish.fd == 0;
    if let Some(prompt) = wish.prompt.as_ref().filter(|_| terminal) {
        shell.write(2, prompt.as_bytes())?;
    }
    let Some(input) = shell.fds.get(wish.fd).cloned().flatten() else {
        return Ok(1);
    };
    if wish.timeout == Some(Duration::ZERO) {
        return Ok(i32::from(!input.ready(Duration::ZERO)));
    }
    // Without echo, or before the end of a line, bytes must come as they are typed.
    let raw = terminal && (wish.silent || wish.limit != usize::MAX);
    let raw = raw && guest_kit::terminal::set_raw(true);
    let (line, end) = line(shell, &input, &wish, raw)?;
    if raw {
        guest_kit::terminal::set_raw(false);
    }
    if end == End::Time {
        return Ok(1);
    }
    assign_fields(shell, &line, names)?;
    Ok(i32::from(end == End::Input))
}

/// Bytes with whether they were escaped, up to the delimiter.
fn line(
    shell: &mut Shell,
    input: &Rc<Fd>,
    wish: &Wish,
    raw: bool,
) -> Result<(Vec<(u8, bool)>, End), Flow> {
    let (mut line, mut escaped) = (Vec::new(), false);
    let mut byte = [0];
    while line.len() < wish.limit {
        if wish.timeout.is_some_and(|time| !input.ready(time)) {
            return Ok((line, End::Time));
        }
        if !matches!(input.read(&mut byte), Ok(1)) {
            return Ok((line, End::Input));
        }
        if raw && byte[0] == b'\r' {
            byte[0] = b'\n';
        }
        if raw && byte[0] == 3 {
            return Err(Flow::Fail(130));
        }
        if raw && !wish.silent {
            shell.write(2, &byte)?;
        }
        match byte[0] {
            b'\n' if escaped => escaped = false,
            c if escaped => {
                line.push((c, true));
                escaped = false;
            }
            b'\\' if !wish.raw => escaped = true,
            c if c == wish.delimiter => break,
            // ash cannot keep it either.
            0 => {}
            c => line.push((c, false)),
        }
    }
    Ok((line, End::Delimiter))
}

/// Splits a line: the last name gets the rest. Escaped bytes do not split.
fn assign_fields(shell: &mut Shell, line: &[(u8, bool)], names: &[String]) -> Result<(), Flow> {
    let ifs = shell.ifs().into_bytes();
    let text = |part: &[(u8, bool)]| {
        String::from_utf8_lossy(&part.iter().map(|(byte, _)| *byte).collect::<Vec<_>>())
            .into_owned()
    };
    let separates = |item: &(u8, bool)| !item.1 && ifs.contains(&item.0);
    let blank = |item: &(u8, bool)| separates(item) && b" \t\n".contains(&item.0);
    if names.is_empty() {
        return shell.set("REPLY", text(line));
    }
    let mut rest = line;
    for (index, name) in names.iter().enumerate() {
        while rest.first().is_some_and(blank) {
            rest = &rest[1..];
        }
        if index + 1 == names.len() {
            while rest.last().is_some_and(blank) {
                rest = &rest[..rest.len() - 1];
            }
            // One closing separator belongs to the last field only when another field follows.
            if let Some(end) = rest.iter().position(separates)
                && end + 1 == rest.len()
            {
                rest = &rest[..end];
            }
            shell.set(name, text(rest))?;
            break;
        }
        let end = rest.iter().position(separates).unwrap_or(rest.len());
        shell.set(name, text(&rest[..end]))?;
        rest = &rest[end..];
        while rest.first().is_some_and(blank) {
            rest = &rest[1..];
        }
        if rest
            .first()
            .is_some_and(|item| separates(item) && !blank(item))
        {
            rest = &rest[1..];
        }
    }
    Ok(())
}
