//! `PS1` and `PS2`: escapes with a backslash, then parameters and substitutions.
//!
//! Never draws.

use std::rc::Rc;

use super::super::parse::Parser;
use super::super::state::Shell;

/// Stands for a dollar that an escape has made, until parameters are expanded.
const DOLLAR: char = '\u{1}';

impl Shell {
    pub(super) fn prompt(&mut self, first: bool) -> String {
        let (name, usual) = if first {
            ("PS1", "\\w \\$ ")
        } else {
            ("PS2", "> ")
        };
        let template = self.get(name).unwrap_or(usual).to_owned();
        let shown = self.escapes(&template);
        let shown = if shown.contains(['$', '`']) {
            self.expanded(&shown)
        } else {
            shown
        };
        shown.replace(DOLLAR, "$")
    }

    fn expanded(&mut self, text: &str) -> String {
        let aliases = Rc::clone(&self.aliases);
        let Ok(word) = Parser::new(text, &aliases, 1).here_body() else {
            return text.to_owned();
        };
        let status = self.status;
        let expanded = self.expand_string(&word);
        self.status = status;
        expanded.unwrap_or_else(|_| text.to_owned())
    }

    fn escapes(&self, template: &str) -> String {
        let mut out = String::new();
        let mut chars = template.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '\\' {
                out.push(c);
                continue;
            }
            match chars.next() {
                Some('w') => out.push_str(&self.shown_directory()),
                Some('W') => {
                    let shown = self.shown_directory();
                    let last = shown.rsplit('/').next().filter(|last| !last.is_empty());
                    out.push_str(last.unwrap_or("/"));
                }
                Some('h') => {
                    let host = guest_kit::machine::hostname();
                    out.push_str(host.split('.').next().unwrap_or_default());
                }
                Some('H') => out.push_str(&guest_kit::machine::hostname()),
                Some('u') => out.push_str(self.get("USER").unwrap_or("root")),
                // Everybody is root here.
                Some('$') => out.push('#'),
                Some('!') => out.push_str(&(self.history.len() + 1).to_string()),
                Some('e' | 'E') => out.push('\x1b'),
                Some('n') => out.push('\n'),
                Some('[' | ']') | None => {}
                Some(digit @ '0'..='7') => {
                    let mut code = digit.to_digit(8).unwrap_or(0);
                    for _ in 0..2 {
                        let next = chars.next_if(|c| c.is_digit(8));
                        code = next
                            .and_then(|c| c.to_digit(8))
                            .map_or(code, |digit| code * 8 + digit);
                    }
                    out.extend(char::from_u32(code));
                }
                Some('\\') => out.push('\\'),
                Some(other) => out.extend(['\\', other]),
            }
        }
        // What a name of a directory or a host contains is not expanded a second time.
        out
    }

    fn shown_directory(&self) -> String {
        let home = self.get("HOME").unwrap_or("");
        let shown = match self.cwd.strip_prefix(home) {
            Some(rest) if home.len() > 1 && (rest.is_empty() || rest.starts_with('/')) => {
                format!("~{rest}")
            }
            _ => self.cwd.clone(),
        };
        shown.replace('$', &DOLLAR.to_string())
    }
}
