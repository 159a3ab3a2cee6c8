//! What a terminal showed for one typed line, read from the marks that shells leave around it.
//!
//! A shell's line editor asks for marked pastes while it edits (`CSI ? 2004 h`) and no longer when
//! the line is given (`CSI ? 2004 l`): what is shown between the two is the output. The shell of a
//! session says in its prompt how the line before ended (`CSI 1337 ; STATUS y`); shells inside it
//! do not. Never looks at what a prompt says.

/// What a prompt of a session's own shell begins with, as `PS1` has it.
pub(super) const PROMPT: &str = r"\[\033[1337;$?y\]\w \$ ";

/// The sequences that matter.
const EDITING: &[u8] = b"\x1b[?2004h";
const GIVEN: &[u8] = b"\x1b[?2004l";
/// The editor clears what is behind whatever it draws.
const DRAWN: &[u8] = b"\x1b[J";
const STATUS: &[u8] = b"\x1b[1337;";

/// What was shown since a line was typed.
#[derive(Debug, Default)]
pub(super) struct Typed {
    bytes: Vec<u8>,
    /// A shell took the line.
    given: bool,
    /// What it wrote, once a prompt is back.
    output: Option<Vec<u8>>,
    status: Option<i32>,
}

impl Typed {
    /// The terminal showed this.
    pub(super) fn show(&mut self, data: &[u8]) {
        self.bytes.extend_from_slice(data);
        if self.output.is_none() {
            if !self.given
                && let Some(at) = find(&self.bytes, GIVEN)
            {
                self.given = true;
                self.bytes.drain(..at + GIVEN.len());
            }
            if let Some(at) = find(&self.bytes, EDITING) {
                let rest = self.bytes.split_off(at);
                self.output = Some(std::mem::replace(&mut self.bytes, rest));
            }
        }
        if self.output.is_some() && self.status.is_none() {
            self.status = status(&self.bytes);
        }
    }

    /// Whether a shell took the line, so that its prompt will tell the end.
    pub(super) fn is_given(&self) -> bool {
        self.given
    }

    /// Whether a prompt is back, and all of it is there.
    pub(super) fn is_over(&self) -> bool {
        self.output.is_some() && find(&self.bytes, DRAWN).is_some()
    }

    /// How the line ended, if the prompt says so.
    pub(super) fn status(&self) -> Option<i32> {
        self.status
    }

    /// What was written so far. Before a shell has taken the line its echo is left out, if it is
    /// the first thing shown.
    pub(super) fn output(&self, line: &str) -> String {
        let bytes = self.output.as_ref().unwrap_or(&self.bytes);
        let text = rendered(bytes);
        if self.given {
            return text;
        }
        let rest = text.strip_prefix(line).map(|rest| rest.strip_prefix('\n'));
        rest.flatten().map_or(text.clone(), str::to_owned)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

fn status(bytes: &[u8]) -> Option<i32> {
    let rest = &bytes[find(bytes, STATUS)? + STATUS.len()..];
    let end = rest.iter().position(|byte| *byte == b'y')?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

/// The lines that a reader of the screen would copy: carriage returns and backspaces have gone
/// over what was there, colours and movements are left out.
pub(super) fn rendered(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let (mut lines, mut line, mut column) = (String::new(), Vec::new(), 0_usize);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\n' => {
                lines.extend(line.drain(..));
                lines.push('\n');
                column = 0;
            }
            '\r' => column = 0,
            '\x08' => column = column.saturating_sub(1),
            '\x1b' => match escape(&mut chars) {
                Some('J' | 'K') => line.truncate(column),
                Some('C') => column += 1,
                _ => {}
            },
            '\t' => put(&mut line, &mut column, '\t'),
            c if c.is_control() => {}
            c => put(&mut line, &mut column, c),
        }
    }
    lines.extend(line);
    lines
}

fn put(line: &mut Vec<char>, column: &mut usize, c: char) {
    line.resize(line.len().max(*column + 1), ' ');
    line[*column] = c;
    *column += 1;
}

/// Reads a sequence to its end; the letter of one that begins with `CSI`.
fn escape(chars: &mut std::str::Chars<'_>) -> Option<char> {
    match chars.next()? {
        '[' => chars.find(|c| ('@'..='~').contains(c)),
        ']' => {
            chars.find(|c| *c == '\x07' || *c == '\\');
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(parts: &[&str]) -> Typed {
        let mut typed = Typed::default();
        parts.iter().for_each(|part| typed.show(part.as_bytes()));
        typed
    }

    #[test]
    fn output_is_what_stands_between_the_line_and_the_next_prompt() {
        let typed = shown(&[
            "echo hi\r\n\x1b[?2004l",
            "hi\r\n",
            "\x1b[?2004h\r\x1b[1337;0y~ # \x1b[J",
        ]);
        assert!(typed.is_over());
        assert_eq!(typed.output("echo hi"), "hi\n");
        assert_eq!(typed.status(), Some(0));
    }

    #[test]
    fn an_unfinished_line_before_the_prompt_is_output_too() {
        let typed = shown(&[
            "printf x\r\n\x1b[?2004lx\x1b[?20",
            "04h\r\x1b[1337;3y~ # \x1b[J",
        ]);
        assert_eq!(typed.output("printf x"), "x");
        assert_eq!(typed.status(), Some(3));
    }

    #[test]
    fn a_shell_inside_tells_no_status() {
        let typed = shown(&["exit\r\n\x1b[?2004l\x1b[?2004h\r/ # \x1b[J"]);
        assert!(typed.is_over());
        assert_eq!(typed.status(), None);
    }

    #[test]
    fn the_echo_of_a_program_that_reads_is_left_out() {
        let typed = shown(&["my-nginx\r\nServer: 10.96.0.10\r\n> "]);
        assert!(!typed.is_over());
        assert_eq!(typed.output("my-nginx"), "Server: 10.96.0.10\n> ");
    }

    #[test]
    fn what_was_written_over_is_not_there() {
        assert_eq!(
            rendered(b"10%\r100%\r\n\x1b[32mok\x1b[0m\r\n"),
            "100%\nok\n"
        );
        assert_eq!(rendered(b"abc\r\x1b[Kd\r\n"), "d\n");
    }
}
