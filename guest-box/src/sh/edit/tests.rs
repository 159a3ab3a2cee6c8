//! The editor with a small terminal before it: keys in, what stands on the screen and the line out.
//!
//! Never a real terminal.

use super::{Completion, Decoder, Editor, Ended};
use unicode_width::UnicodeWidthChar;

/// A terminal that knows what the editor uses.
struct Terminal {
    rows: Vec<Vec<char>>,
    row: usize,
    column: usize,
    columns: usize,
    /// A character in the last column has been written and none after it.
    full: bool,
}

impl Terminal {
    fn new(columns: usize) -> Self {
        Self {
            rows: vec![Vec::new()],
            row: 0,
            column: 0,
            columns,
            full: false,
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        let text = String::from_utf8(bytes.to_vec()).expect("the editor writes UTF-8");
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '\r' => (self.column, self.full) = (0, false),
                '\n' => self.down(),
                '\x07' => {}
                '\x1b' => {
                    let mut body = String::new();
                    assert_eq!(chars.next(), Some('['));
                    for c in chars.by_ref() {
                        body.push(c);
                        if ('@'..='~').contains(&c) {
                            break;
                        }
                    }
                    self.control(&body);
                }
                c => self.put(c),
            }
        }
    }

    fn down(&mut self) {
        self.row += 1;
        self.full = false;
        if self.row == self.rows.len() {
            self.rows.push(Vec::new());
        }
    }

    fn put(&mut self, c: char) {
        let width = c.width().unwrap_or(0);
        if self.full || self.column + width > self.columns {
            self.column = 0;
            self.down();
        }
        let row = &mut self.rows[self.row];
        if width == 0 {
            row.insert(self.column.min(row.len()), c);
            return;
        }
        while row.len() < self.column + width {
            row.push(' ');
        }
        row[self.column] = c;
        for at in 1..width {
            row[self.column + at] = '\0';
        }
        self.column += width;
        if self.column == self.columns {
            self.column -= 1;
            self.full = true;
        }
    }

    fn control(&mut self, body: &str) {
        let number = || body[..body.len() - 1].parse::<usize>().unwrap_or(1);
        self.full = false;
        match body.chars().last() {
            Some('A') => self.row -= number(),
            Some('C') => self.column += number(),
            Some('K') => self.rows[self.row].truncate(self.column),
            Some('J') if body == "2J" => *self = Self::new(self.columns),
            Some('J') => {
                self.rows[self.row].truncate(self.column);
                self.rows.truncate(self.row + 1);
            }
            Some('H') => (self.row, self.column) = (0, 0),
            Some('h' | 'l' | 'm') => {}
            other => panic!("the terminal does not know {body:?} ({other:?})"),
        }
    }

    fn text(&self) -> String {
        let rows = self.rows.iter().map(|row| {
            let row: String = row.iter().filter(|c| **c != '\0').collect();
            row.trim_end().to_owned()
        });
        rows.collect::<Vec<_>>().join("\n").trim_end().to_owned()
    }
}

/// Types and gives the screen, the cursor, and how it ended.
fn typed(columns: usize, history: &[&str], keys: &str) -> (String, (usize, usize), Option<Ended>) {
    let history: Vec<String> = history.iter().map(|line| (*line).to_owned()).collect();
    let mut terminal = Terminal::new(columns);
    let mut editor = Editor::new("$ ", columns, &history);
    terminal.write(&editor.begin());
    let mut decoder = Decoder::default();
    let mut end = None;
    for byte in keys.bytes() {
        for key in decoder.push(byte) {
            let (out, ended) = editor.feed(&key, &mut words);
            terminal.write(&out);
            end = end.or(ended);
        }
    }
    (terminal.text(), (terminal.row, terminal.column), end)
}

fn words(before: &str) -> Completion {
    let word = before.rsplit(' ').next().unwrap_or_default();
    let known = ["apple", "apply", "banana", "bandana"];
    let candidates: Vec<String> = known
        .iter()
        .filter(|known| known.starts_with(word))
        .map(|known| (*known).to_owned())
        .collect();
    Completion {
        replaced: word.chars().count(),
        shown: candidates.clone(),
        candidates,
        whole: true,
    }
}

#[track_caller]
fn check(keys: &str, line: &str) {
    let (_, _, end) = typed(20, &["first", "second one"], &format!("{keys}\r"));
    assert_eq!(end, Some(Ended::Line(line.to_owned())), "{keys:?}");
}

#[track_caller]
fn shows(columns: usize, keys: &str, screen: &str, cursor: (usize, usize)) {
    let (text, at, _) = typed(columns, &["first", "second one"], keys);
    assert_eq!(text, screen, "{keys:?}");
    assert_eq!(at, cursor, "{keys:?}");
}

#[test]
fn text_is_edited_where_the_cursor_is() {
    check("abc", "abc");
    check("ac\x1b[Db", "abc");
    check("bc\x01a\x05d", "abcd");
    check("abd\x7fc", "abc");
    check("abc\x1b[D\x1b[D\x1b[3~", "ac");
    check("abc\x1b[H\x04", "bc");
    check("abc\x02\x02\x0b", "a");
    check("abc def\x02\x15", "f");
    check("one two\x17three", "one three");
    check("one/two\x1b\x7fx", "one/x");
    check("one two\x1b[1;5Dx", "one xtwo");
    check("one two\x01\x1b[1;5Cx", "onex two");
    check("one two\x17\x01\x19", "twoone ");
    check("\x1bd\x1b[Zplain", "plain");
}

#[test]
fn the_history_is_walked_and_the_draft_is_kept() {
    check("\x1b[A", "second one");
    check("\x1b[A\x1b[A", "first");
    check("\x1b[A\x1b[A\x1b[A\x10", "first");
    check("dra\x1b[A\x1b[Bft", "draft");
    check("\x12fir", "first");
    check("\x12o\x05!", "second one!");
    check("\x12s\x12", "first");
    check("\x12zzz\x7f\x7f\x7f", "second one");
}

#[test]
fn the_end_and_the_interrupt_are_told() {
    assert_eq!(typed(20, &[], "\x04").2, Some(Ended::End));
    assert_eq!(typed(20, &[], "abc\x03").2, Some(Ended::Interrupted));
    shows(20, "abc\x03", "$ abc^C", (1, 0));
}

#[test]
fn a_long_line_wraps_at_the_width() {
    shows(10, "1234567", "$ 1234567", (0, 9));
    shows(10, "12345678", "$ 12345678", (1, 0));
    shows(10, "123456789", "$ 12345678\n9", (1, 1));
    shows(10, "123456789\x01", "$ 12345678\n9", (0, 2));
    shows(10, "123456789\x01x", "$ x1234567\n89", (0, 3));
    shows(10, "123456789\x7f\x7f\x7f", "$ 123456", (0, 8));
    shows(10, "aaaaaaaaaaaaaaaaaaaaaaaaaaa\x15b", "$ b", (0, 3));
}

#[test]
fn wide_and_combining_characters_take_the_room_they_take() {
    shows(10, "世界", "$ 世界", (0, 6));
    shows(10, "世界\x1b[D", "$ 世界", (0, 4));
    shows(10, "世界世界", "$ 世界世界", (1, 0));
    shows(10, "a世界世界", "$ a世界世\n界", (1, 2));
    check("e\u{301}x\x1b[D\x1b[Da", "ae\u{301}x");
    check("ae\u{301}\x7f", "ae");
    check("世界\x7f", "世");
    check("é\x1b[Da", "aé");
}

#[test]
fn pasted_text_is_taken_as_it_is() {
    check("\x1b[200~a\rb\tc\x1b[201~", "a\nb\tc");
    shows(20, "\x1b[200~a\rb\x1b[201~", "$ a\nb", (1, 1));
}

#[test]
fn tab_completes_what_is_common_and_lists_the_rest() {
    check("b\t", "ban");
    check("x bana\t", "x banana ");
    check("zz\t", "zz");
    shows(20, "app\t\t", "$ appl", (0, 6));
    shows(20, "app\t\t\t", "$ appl\napple  apply\n$ appl", (2, 6));
    shows(
        12,
        "appl\x1b[D\x1b[C\t\t",
        "$ appl\napple\napply\n$ appl",
        (3, 6),
    );
}

#[test]
fn the_screen_is_cleared_and_the_line_stays() {
    shows(10, "123456789\x0c", "$ 12345678\n9", (1, 1));
}

#[test]
fn another_width_draws_the_line_anew() {
    let mut editor = Editor::new("$ ", 10, &[]);
    let mut terminal = Terminal::new(20);
    terminal.write(&editor.begin());
    let mut decoder = Decoder::default();
    for byte in "abcdef".bytes() {
        for key in decoder.push(byte) {
            terminal.write(&editor.feed(&key, &mut words).0);
        }
    }
    terminal.write(&editor.resize(20));
    assert_eq!(terminal.text(), "$ abcdef");
    assert!(editor.resize(20).is_empty());
}

#[test]
fn any_bytes_are_keys() {
    let corpus: [&[u8]; 3] = [
        b"echo \x1b[A\x1b[B\x12abc\x7f\r",
        "世界\t\t\x1b[200~a\rb\x1b[201~".as_bytes(),
        b"\x01\x02\x05\x06\x0b\x15\x17\x19\x0c",
    ];
    trial::fuzz(
        3000,
        &corpus,
        &[b"\x1b[", b"\x12", b"\t", b"\x1b[1;5D"],
        |bytes| {
            let history = vec!["first".to_owned(), "second".to_owned()];
            let mut editor = Editor::new("\x1b[1m$ \x1b[0m", 10, &history);
            let mut terminal = Terminal::new(10);
            terminal.write(&editor.begin());
            let mut decoder = Decoder::default();
            for byte in bytes {
                for key in decoder.push(*byte) {
                    terminal.write(&editor.feed(&key, &mut words).0);
                }
            }
        },
    );
}
