//! The screen of `vi`. Never changes the text.

use std::io::Write;

use guest_kit::terminal;

use super::editor::{Editor, Mode};
use crate::applets::screen::width;
use crate::applets::{Io, Stop};

impl Editor {
    /// Paints everything anew: screens are small, and the terminal may have changed its size.
    pub(super) fn draw(&mut self, io: &mut Io<'_>) -> Result<(), Stop> {
        let (rows, columns) = terminal::size().map_or((24, 80), |size| {
            (
                usize::from(size.rows).max(2),
                usize::from(size.columns).max(10),
            )
        });
        self.rows = rows - 1;
        let gutter = if self.numbers { 7 } else { 0 };
        self.scroll(columns - gutter);
        let mut out = String::from("\x1b[?25l\x1b[H");
        let (mut row, mut place) = (0, (0, 0));
        let mut line = self.top;
        while row < self.rows {
            let Some(text) = self.buffer.lines.get(line) else {
                out.push_str("~\x1b[K\r\n");
                row += 1;
                continue;
            };
            if self.numbers {
                out.push_str(&format!("{:6} ", line + 1));
            }
            let mut column = gutter;
            for (index, c) in text.iter().enumerate() {
                if line == self.buffer.cursor.line && index == self.buffer.cursor.column {
                    place = (row, column);
                }
                let (shown, wide) = match c {
                    '\t' => {
                        let wide = 8 - (column - gutter) % 8;
                        (" ".repeat(wide), wide)
                    }
                    c if c.is_control() => ("^".to_owned() + &control(*c).to_string(), 2),
                    c => (c.to_string(), width(*c)),
                };
                if column + wide > columns {
                    row += 1;
                    column = gutter;
                    if row >= self.rows {
                        break;
                    }
                    out.push_str("\x1b[K\r\n");
                    out.push_str(&" ".repeat(gutter));
                    if line == self.buffer.cursor.line && index == self.buffer.cursor.column {
                        place = (row, column);
                    }
                }
                let marked = self.is_marked(line, index);
                if marked {
                    out.push_str("\x1b[7m");
                }
                out.push_str(&shown);
                if marked {
                    out.push_str("\x1b[m");
                }
                column += wide;
            }
            if line == self.buffer.cursor.line && self.buffer.cursor.column >= text.len() {
                place = (row.min(self.rows - 1), column.min(columns - 1));
            }
            if row < self.rows {
                out.push_str("\x1b[K\r\n");
            }
            row += 1;
            line += 1;
        }
        let status = self.status(columns);
        out.push_str(&format!("\x1b[{};1H{status}\x1b[K", self.rows + 1));
        if let Mode::Ask(mark, text) = &self.mode {
            let wide: usize = text.chars().map(width).sum();
            let _ = mark;
            place = (self.rows, wide + 1);
        }
        out.push_str(&format!("\x1b[{};{}H\x1b[?25h", place.0 + 1, place.1 + 1));
        io.out.write_all(out.as_bytes())?;
        io.out.flush()?;
        Ok(())
    }

    fn status(&self, columns: usize) -> String {
        let text = match &self.mode {
            Mode::Ask(mark, text) => format!("{mark}{text}"),
            _ if !self.message.is_empty() => self.message.clone(),
            mode => {
                let name = self.name.as_deref().unwrap_or("No file");
                let changed = if self.buffer.changed {
                    " [modified]"
                } else {
                    ""
                };
                let (line, count) = (self.buffer.cursor.line + 1, self.buffer.lines.len());
                let letter = match mode {
                    Mode::Insert => 'I',
                    Mode::Replace => 'R',
                    Mode::Visual(..) => 'V',
                    _ => '-',
                };
                format!(
                    "{letter} {name}{changed} {line}/{count} {}%",
                    line * 100 / count
                )
            }
        };
        crate::applets::screen::fit(&text, columns - 1)
    }

    /// Moves what is shown so that the cursor is on it.
    fn scroll(&mut self, columns: usize) {
        let line = self.buffer.cursor.line;
        self.top = self.top.min(line);
        loop {
            let rows: usize = (self.top..=line)
                .map(|line| {
                    let wide: usize = self.buffer.lines[line]
                        .iter()
                        .map(|c| if *c == '\t' { 8 } else { width(*c) })
                        .sum();
                    (wide / columns) + 1
                })
                .sum();
            if rows <= self.rows || self.top >= line {
                return;
            }
            self.top += 1;
        }
    }
}

/// The letter of a control character.
fn control(c: char) -> char {
    char::from_u32(u32::from(c) ^ 64).unwrap_or('?')
}
