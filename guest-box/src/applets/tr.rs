//! `tr`: bytes for bytes. It never knows a character of more than one byte, as busybox does not.

use std::io::{Read, Write};

use super::escape::unescape;
use super::{Applet, Io, Outcome, flag};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "tr",
    operands: "STRING1 [STRING2]",
    help: "Translate, squeeze, or delete characters from stdin, writing to stdout",
    flags: &[
        flag('c', "", "Take complement of STRING1"),
        flag('d', "", "Delete input characters coded STRING1"),
        flag(
            's',
            "",
            "Squeeze multiple output characters of STRING2 into one character",
        ),
    ],
    run: tr,
}];

fn tr(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let Some(first) = parsed.rest.first() else {
        return Err(io.usage());
    };
    let mut from = byte_set(first);
    if parsed.has('c') {
        from = (0..=255).filter(|byte| !from.contains(byte)).collect();
    }
    let to = parsed
        .rest
        .get(1)
        .map(|set| byte_set(set))
        .unwrap_or_default();
    if to.is_empty() && !parsed.has('d') && !parsed.has('s') {
        return Err(io.usage());
    }
    let mut map = [None; 256];
    for (index, byte) in from.iter().enumerate() {
        let slot = &mut map[usize::from(*byte)];
        if slot.is_none() {
            *slot = Some(to.get(index).or(to.last()).copied());
        }
    }
    let squeeze = if to.is_empty() || parsed.has('d') && parsed.rest.len() > 1 {
        if to.is_empty() { from } else { to.clone() }
    } else {
        to.clone()
    };
    let mut last = None;
    let mut buffer = [0; 8192];
    loop {
        let length = io.input.read(&mut buffer)?;
        if length == 0 {
            return Ok(0);
        }
        let mut out = Vec::with_capacity(length);
        for &byte in &buffer[..length] {
            let byte = match map[usize::from(byte)] {
                Some(_) if parsed.has('d') => continue,
                Some(Some(target)) => target,
                _ => byte,
            };
            if parsed.has('s') && last == Some(byte) && squeeze.contains(&byte) {
                continue;
            }
            last = Some(byte);
            out.push(byte);
        }
        io.out.write_all(&out)?;
        io.out.flush()?;
    }
}

fn byte_set(text: &str) -> Vec<u8> {
    let text = text
        .replace("[:upper:]", "A-Z")
        .replace("[:lower:]", "a-z")
        .replace("[:digit:]", "0-9")
        .replace("[:alpha:]", "A-Za-z")
        .replace("[:alnum:]", "0-9A-Za-z")
        .replace("[:space:]", "\t\n\x0b\x0c\r ")
        .replace("[:blank:]", "\t ")
        .replace("[:punct:]", "!-/:-@[-`{-~")
        .replace("[:xdigit:]", "0-9A-Fa-f")
        .replace("[:cntrl:]", "\\000-\\037\\177");
    let bytes = unescape(&text, true).0;
    let mut set = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes.get(at + 1) == Some(&b'-') && at + 2 < bytes.len() {
            set.extend(bytes[at]..=bytes[at + 2]);
            at += 3;
        } else {
            set.push(bytes[at]);
            at += 1;
        }
    }
    set
}
