//! Apache's configuration files as lines and words: continued lines, comments, quotes.
//! It knows no directive.

use std::rc::Rc;

/// The lines of a file that say something, with their numbers.
pub(super) struct Lines {
    /// The file.
    pub(super) file: Rc<str>,
    lines: std::vec::IntoIter<(usize, String)>,
}

impl Lines {
    /// Takes a text apart.
    pub(super) fn of(file: &str, text: &str) -> Self {
        let (mut lines, mut joined, mut last) = (Vec::new(), String::new(), 0);
        for (at, line) in text.lines().enumerate() {
            last = at + 1;
            if let Some(part) = line.strip_suffix('\\') {
                joined.push_str(part);
                continue;
            }
            joined.push_str(line);
            // Apache names the last line of those that were joined.
            lines.push((last, std::mem::take(&mut joined)));
        }
        lines.push((last, joined));
        let said = lines.into_iter().filter_map(|(at, line)| {
            let line = line.trim();
            (!line.is_empty() && !line.starts_with('#')).then(|| (at, line.to_owned()))
        });
        Self {
            file: Rc::from(file),
            lines: said.collect::<Vec<_>>().into_iter(),
        }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Option<(usize, String)> {
        self.lines.next()
    }

    /// Passes over lines until a section's end; whether it was there.
    pub(super) fn skip(&mut self, section: &str) -> bool {
        let (opening, closing) = (format!("<{section}"), format!("</{section}"));
        let mut level = 1;
        while level > 0 {
            let Some((_, line)) = self.next() else {
                return false;
            };
            let line = line.to_ascii_lowercase();
            level = match () {
                () if line.starts_with(&closing) => level - 1,
                () if line.starts_with(&opening) => level + 1,
                () => level,
            };
        }
        true
    }
}

/// The words of a line, quotes taken off.
pub(super) fn words(text: &str) -> Vec<String> {
    let (mut words, mut rest) = (Vec::new(), text.trim());
    while !rest.is_empty() {
        let (word, after) = word(rest);
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// The first word and what follows.
pub(super) fn word(text: &str) -> (String, &str) {
    let first = text.chars().next();
    let Some(quote) = first.filter(|first| matches!(first, '"' | '\'')) else {
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut word, mut escaped) = (String::new(), false);
    for (at, char) in text.char_indices().skip(1) {
        match char {
            _ if escaped => {
                if char != quote && char != '\\' {
                    word.push('\\');
                }
                word.push(char);
                escaped = false;
            }
            '\\' => escaped = true,
            char if char == quote => return (word, &text[at + 1..]),
            char => word.push(char),
        }
    }
    (word, "")
}
