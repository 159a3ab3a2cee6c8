//! Draws the prompt and the line, over as many rows as they need.
//!
//! Every line break is written out, so that nothing depends on when a terminal wraps. Never reads
//! anything back.

use unicode_width::UnicodeWidthChar;

use super::line::Line;

#[derive(Debug)]
pub(super) struct Screen {
    prompt: String,
    columns: usize,
    /// The row of the cursor, counted from that of the prompt.
    row: usize,
    column: usize,
}

/// Where writing has come to.
struct Pen {
    out: String,
    columns: usize,
    row: usize,
    column: usize,
}

impl Pen {
    fn new(columns: usize) -> Self {
        Self {
            out: String::new(),
            columns,
            row: 0,
            column: 0,
        }
    }

    fn break_row(&mut self) {
        self.out.push_str("\r\n");
        self.row += 1;
        self.column = 0;
    }

    /// Text as it is shown: control characters with a caret, tabs as blanks.
    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\n' => {
                    self.out.push_str("\x1b[K");
                    self.break_row();
                }
                '\t' => self.text("    "),
                c if c.is_control() => {
                    let shown = char::from_u32((u32::from(c) & 0x7f) ^ 0x40).unwrap_or('?');
                    self.put('^', 1);
                    self.put(shown, 1);
                }
                c => self.put(c, c.width().unwrap_or(0)),
            }
        }
    }

    fn put(&mut self, c: char, width: usize) {
        // A wide character does not fit into the last column.
        if self.column + width > self.columns {
            self.break_row();
        }
        self.out.push(c);
        self.column += width;
        if self.column == self.columns && width > 0 {
            self.break_row();
        }
    }

    /// A prompt: escape sequences in it take no place.
    fn prompt(&mut self, prompt: &str) {
        let mut rest = prompt;
        while let Some(at) = rest.find('\x1b') {
            self.text(&rest[..at]);
            let sequence = &rest[at..];
            let end = match sequence[1..].strip_prefix('[') {
                Some(body) => body
                    .find(|c: char| ('@'..='~').contains(&c))
                    .map(|end| end + 3),
                None => sequence.char_indices().nth(2).map(|(end, _)| end),
            };
            let end = end.unwrap_or(sequence.len());
            self.out.push_str(&sequence[..end]);
            rest = &sequence[end..];
        }
        self.text(rest);
    }
}

impl Screen {
    pub(super) fn new(prompt: &str, columns: usize) -> Self {
        Self {
            prompt: prompt.to_owned(),
            columns: columns.max(4),
            row: 0,
            column: 0,
        }
    }

    /// Whether the width is another one.
    pub(super) fn resize(&mut self, columns: usize) -> bool {
        let columns = columns.max(4);
        let changed = self.columns != columns;
        if changed {
            // The terminal has moved what was drawn into rows of the new width.
            let drawn = self.row * self.columns + self.column;
            self.row = drawn / columns;
            self.columns = columns;
        }
        changed
    }

    /// Everything anew, over what was drawn before.
    pub(super) fn draw(&mut self, line: &Line) -> Vec<u8> {
        let prompt = self.prompt.clone();
        self.draw_with(&prompt, line)
    }

    pub(super) fn draw_with(&mut self, prompt: &str, line: &Line) -> Vec<u8> {
        let mut pen = Pen::new(self.columns);
        pen.prompt(prompt);
        pen.text(&line.before_cursor());
        let (row, column) = (pen.row, pen.column);
        pen.text(&line.after_cursor());
        let mut out = String::new();
        if self.row > 0 {
            out.push_str(&format!("\x1b[{}A", self.row));
        }
        out.push('\r');
        out.push_str(&pen.out);
        out.push_str("\x1b[J");
        if (row, column) != (pen.row, pen.column) {
            if pen.row > row {
                out.push_str(&format!("\x1b[{}A", pen.row - row));
            }
            out.push('\r');
            if column > 0 {
                out.push_str(&format!("\x1b[{column}C"));
            }
        }
        (self.row, self.column) = (row, column);
        out.into_bytes()
    }

    /// Text that was typed at the end of the line: only that, when it stays in its row.
    pub(super) fn append(&mut self, text: &str, line: &Line) -> Vec<u8> {
        let mut pen = Pen::new(self.columns);
        pen.column = self.column;
        pen.text(text);
        if pen.row > 0 || text.contains('\n') {
            return self.draw(line);
        }
        self.column = pen.column;
        pen.out.into_bytes()
    }

    /// An empty screen; what is drawn next begins at its top.
    pub(super) fn clear(&mut self) -> Vec<u8> {
        self.row = 0;
        b"\x1b[H\x1b[2J".to_vec()
    }

    /// Names in columns, below the line; the prompt is drawn anew below them.
    pub(super) fn list(&mut self, names: &[String], line: &Line) -> Vec<u8> {
        let mut pen = Pen::new(self.columns);
        pen.prompt(&self.prompt);
        pen.text(&line.before_cursor());
        let below = pen.row;
        pen.text(&line.after_cursor());
        let mut out = "\r\n".repeat(1 + pen.row - below);
        let width = |name: &str| {
            name.chars()
                .filter_map(UnicodeWidthChar::width)
                .sum::<usize>()
        };
        let widest = names.iter().map(|name| width(name)).max().unwrap_or(0) + 2;
        let across = (self.columns / widest).max(1);
        let down = names.len().div_ceil(across);
        for row in 0..down {
            let in_row: Vec<&String> = names.iter().skip(row).step_by(down).collect();
            for (index, name) in in_row.iter().enumerate() {
                out.push_str(name);
                if index + 1 < in_row.len() {
                    out.push_str(&" ".repeat(widest.saturating_sub(width(name))));
                }
            }
            out.push_str("\r\n");
        }
        self.row = 0;
        out.into_bytes()
    }
}
