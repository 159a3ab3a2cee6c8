//! `sed`: its arguments. [`script`] reads commands, [`run`] carries them out.
//!
//! Beyond busybox, as GNU's: `-s`, `-z`, `-u`, `first~step`, `addr,~N`, the commands `Q` and `z`.
//! Not here: `e`, `F`, `R`, `W` and case conversion in replacements, which busybox lacks too.

mod run;
mod script;

use super::{Applet, Io, Outcome, flag, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "sed",
    operands: "[CMD] [FILE]...",
    help: "Edit a stream of lines.\nIf no -e or -f, the first non-option argument is the sed command string.\nRemaining arguments are input files (stdin if none).",
    flags: &[
        value(
            'e',
            "expression",
            "CMD",
            "Add CMD to sed commands to be executed",
        ),
        value(
            'f',
            "file",
            "FILE",
            "Add FILE contents to sed commands to be executed",
        ),
        value(
            'i',
            "in-place",
            "[SFX]",
            "Edit files in-place (otherwise write to stdout)\n\t\tOptionally back files up, appending SFX",
        ),
        flag('n', "quiet", "Suppress automatic printing of pattern space"),
        flag(
            'n',
            "silent",
            "Suppress automatic printing of pattern space",
        ),
        flag('r', "", "Use extended regex syntax"),
        flag('E', "regexp-extended", "Use extended regex syntax"),
        flag(
            's',
            "separate",
            "Consider files as separate rather than as one stream",
        ),
        flag('z', "null-data", "Separate lines by NUL characters"),
        flag(
            'u',
            "unbuffered",
            "Write every line at once, which it does anyway when it waits",
        ),
    ],
    run: sed,
}];

fn sed(io: &mut Io<'_>) -> Outcome {
    // The order of -e and -f counts, so both are gathered under one letter.
    let parsed = io.parse()?;
    let mut rest = parsed.rest.clone();
    let mut texts: Vec<String> = Vec::new();
    for (letter, given) in parsed.in_order("ef") {
        if letter == 'e' {
            texts.push(given.to_owned());
            continue;
        }
        let Some(bytes) = io.slurp_plain(given) else {
            return Ok(1);
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let text = text.strip_suffix('\n').unwrap_or(&text);
        // The first line of a script may say `#n`.
        texts.push(text.to_owned());
    }
    if texts.is_empty() {
        if rest.is_empty() {
            return Err(io.usage());
        }
        texts.push(rest.remove(0));
    }
    let text = texts.join("\n");
    let extended = parsed.has('E') || parsed.has('r');
    let script = match script::read(&text, extended) {
        Ok(script) => script,
        Err(message) => return Err(io.fail(&message)),
    };
    let options = run::Options {
        quiet: parsed.has('n') || script.quiet,
        in_place: parsed.value('i').map(str::to_owned),
        separate: parsed.has('s') || parsed.has('i'),
        end: if parsed.has('z') { 0 } else { b'\n' },
    };
    if rest.is_empty() {
        if options.in_place.is_some() {
            return Err(io.fail("no input files"));
        }
        rest.push("-".into());
    }
    run::run(io, &script, options, rest)
}

#[cfg(test)]
mod tests {
    //! Scripts of any kind are read without a panic. What they do, the cases say.

    #[test]
    fn any_script_is_read() {
        let corpus: [&[u8]; 6] = [
            b"1,/x/{s/a\\(b\\)/\\1&/gIp;N;P;D}",
            b"$!{h;d};x;G;y/abc/\\nxy/",
            b":a;s/^.\\{1,10\\}$/ &/;ta;b end;:end",
            b"a\\\n  text\\\nmore\ni one\n2c\\\nx",
            b"0~3w /dev/stdout\n/re/I,+2r file",
            b"s|x|y|2;l;=;q5",
        ];
        let words: [&[u8]; 8] = [b"{", b"}", b"\\n", b"!", b"s/", b"\n", b"[", b",~"];
        trial::fuzz(5000, &corpus, &words, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            // Read or refused, both are right.
            let _ = super::script::read(&text, bytes.len() % 2 == 0);
        });
    }
}
