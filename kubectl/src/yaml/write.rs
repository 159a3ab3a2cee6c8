//! YAML as kubectl prints it: keys in natural order, lists not indented, libyaml's quoting and folding.
//!
//! It writes block style only and knows nothing of Kubernetes.

use serde_json::Value;

use super::resolve;

const BEST_WIDTH: usize = 80;

/// The document, ending in a newline.
pub(crate) fn to_string(value: &Value) -> String {
    let mut writer = Writer::default();
    writer.node(value, 0, Place::Root);
    writer.out.push('\n');
    writer.out
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    Root,
    /// After `key:`.
    Value,
    /// After `- `.
    Item,
}

#[derive(Default)]
struct Writer {
    out: String,
    column: usize,
}

impl Writer {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.chars().count();
    }

    fn newline(&mut self, indent: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// `indent` is the column of the surrounding collection.
    fn node(&mut self, value: &Value, indent: usize, place: Place) {
        match value {
            Value::Object(map) if !map.is_empty() => self.mapping(map, indent, place),
            Value::Array(items) if !items.is_empty() => self.sequence(items, indent, place),
            other => {
                if place == Place::Value {
                    self.put(" ");
                }
                self.scalar(other, indent);
            }
        }
    }

    fn mapping(&mut self, map: &serde_json::Map<String, Value>, indent: usize, place: Place) {
        let indent = if place == Place::Value {
            indent + 2
        } else {
            indent
        };
        let mut keys: Vec<&String> = map.keys().collect();
        keys.sort_by(|a, b| natural(a, b));
        for (index, key) in keys.into_iter().enumerate() {
            if index > 0 || place == Place::Value {
                self.newline(indent);
            }
            self.string(key, indent, true);
            self.put(":");
            self.node(&map[key], indent, Place::Value);
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize, place: Place) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || place == Place::Value {
                self.newline(indent);
            }
            self.put("- ");
            let inner = if item.is_array() || item.is_object() {
                indent + 2
            } else {
                indent
            };
            self.node(item, inner, Place::Item);
        }
    }

    fn scalar(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.put("null"),
            Value::Bool(flag) => self.put(if *flag { "true" } else { "false" }),
            Value::Number(number) => self.put(&number.to_string()),
            Value::String(text) => self.string(text, indent, false),
            Value::Array(_) => self.put("[]"),
            Value::Object(_) => self.put("{}"),
        }
    }

    fn string(&mut self, text: &str, indent: usize, key: bool) {
        let facts = Facts::of(text);
        // A continuation stands one step deeper than the collection that the scalar is in.
        let deeper = indent + 2;
        if text.contains('\n') {
            match facts.block && !key {
                true => self.literal(text, deeper),
                false => self.double_quoted(text, deeper, key),
            }
        } else if !resolve::is_plain_string(text) {
            self.double_quoted(text, deeper, key);
        } else if facts.plain {
            self.folded_text(text, deeper, key);
        } else if facts.single {
            self.put("'");
            self.folded_text(&text.replace('\'', "''"), deeper, key);
            self.put("'");
        } else {
            self.double_quoted(text, deeper, key);
        }
    }

    /// Breaks at single spaces once the line is longer than the best width.
    fn folded_text(&mut self, text: &str, indent: usize, key: bool) {
        let mut previous_space = false;
        let mut characters = text.chars().peekable();
        let mut first = true;
        while let Some(character) = characters.next() {
            let space = character == ' ';
            let inner = !first && characters.peek().is_some_and(|next| *next != ' ');
            if space && !key && !previous_space && inner && self.column > BEST_WIDTH {
                self.newline(indent);
            } else {
                self.out.push(character);
                self.column += 1;
            }
            previous_space = space;
            first = false;
        }
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.put("|");
        if text.starts_with([' ', '\n']) {
            self.put("2");
        }
        let body = text.strip_suffix('\n');
        match body {
            None => self.put("-"),
            Some(body) if body.is_empty() || body.ends_with('\n') => self.put("+"),
            Some(_) => {}
        }
        for line in body.unwrap_or(text).split('\n') {
            self.newline(if line.is_empty() { 0 } else { indent });
            self.put(line);
        }
    }

    fn double_quoted(&mut self, text: &str, indent: usize, key: bool) {
        self.put("\"");
        let characters: Vec<char> = text.chars().collect();
        let mut previous_space = false;
        for (index, &character) in characters.iter().enumerate() {
            if character == ' ' {
                let inner = index > 0 && index + 1 < characters.len();
                if !key && !previous_space && inner && self.column > BEST_WIDTH {
                    self.newline(indent);
                    if characters[index + 1] == ' ' {
                        self.put("\\");
                    }
                } else {
                    self.put(" ");
                }
                previous_space = true;
            } else {
                self.escaped(character);
                previous_space = false;
            }
        }
        self.put("\"");
    }

    fn escaped(&mut self, character: char) {
        let short = match character {
            '\0' => "\\0",
            '\x07' => "\\a",
            '\x08' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\x0b' => "\\v",
            '\x0c' => "\\f",
            '\r' => "\\r",
            '\x1b' => "\\e",
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{85}' => "\\N",
            '\u{a0}' => "\\_",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => "",
        };
        let code = character as u32;
        if !short.is_empty() {
            self.put(short);
        } else if printable(character) {
            self.out.push(character);
            self.column += 1;
        } else if code <= 0xff {
            self.put(&format!("\\x{code:02X}"));
        } else if code <= 0xffff {
            self.put(&format!("\\u{code:04X}"));
        } else {
            self.put(&format!("\\U{code:08X}"));
        }
    }
}

/// Which styles a text may be written in.
struct Facts {
    plain: bool,
    single: bool,
    block: bool,
}

impl Facts {
    fn of(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let blank = |index: usize| {
            characters
                .get(index)
                .is_none_or(|c| matches!(c, ' ' | '\t' | '\n' | '\r'))
        };
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut special, mut break_space, mut space_break) = (false, false, false);
        for (index, &character) in characters.iter().enumerate() {
            let previous = index.checked_sub(1).map(|before| characters[before]);
            indicators |= match character {
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`' => index == 0,
                '#' => index == 0 || blank(index - 1),
                '?' | '-' => index == 0 && blank(index + 1),
                ':' => blank(index + 1),
                _ => false,
            };
            special |= !printable(character);
            break_space |= character == ' ' && previous == Some('\n');
            space_break |= character == '\n' && previous == Some(' ');
        }
        let edge = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
        let bad = special || space_break;
        Self {
            plain: !(edge || break_space || bad || indicators || text.contains('\n')),
            single: !(break_space || bad),
            block: !(text.ends_with(' ') || bad),
        }
    }
}

fn printable(character: char) -> bool {
    matches!(character, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..)
}

/// The order of keys: digits by value, letters after everything else.
fn natural(a: &str, b: &str) -> std::cmp::Ordering {
    use std::cmp::Ordering::{Greater, Less};
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut digits = false;
    for index in 0..left.len().min(right.len()) {
        let (x, y) = (left[index], right[index]);
        if x == y {
            digits = x.is_ascii_digit();
            continue;
        }
        return match (x.is_alphabetic(), y.is_alphabetic()) {
            (true, true) => x.cmp(&y),
            (true, false) => {
                if digits {
                    Less
                } else {
                    Greater
                }
            }
            (false, true) => {
                if digits {
                    Greater
                } else {
                    Less
                }
            }
            (false, false) => compare_numbers(&left, &right, index),
        };
    }
    left.len().cmp(&right.len())
}

fn compare_numbers(left: &[char], right: &[char], index: usize) -> std::cmp::Ordering {
    let inside_number = (left[index] == '0' || right[index] == '0')
        && left[..index]
            .iter()
            .rev()
            .take_while(|c| c.is_ascii_digit())
            .any(|c| *c != '0');
    let run = |text: &[char]| {
        let digits: Vec<char> = text[index..]
            .iter()
            .copied()
            .take_while(char::is_ascii_digit)
            .collect();
        let start = u64::from(inside_number);
        let value = digits.iter().fold(start, |sum, c| {
            sum.wrapping_mul(10).wrapping_add(u64::from(*c as u32 - 48))
        });
        (value, digits.len())
    };
    run(left)
        .cmp(&run(right))
        .then(left[index].cmp(&right[index]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(value: Value, expect: &str) {
        assert_eq!(to_string(&value), expect);
    }

    #[test]
    fn lists_stand_under_their_key_and_keys_are_sorted() {
        check(
            json!({"kind": "List", "apiVersion": "v1", "items": [{"b": [1, 2], "a": {}}, [["x"]]]}),
            "apiVersion: v1\nitems:\n- a: {}\n  b:\n  - 1\n  - 2\n- - - x\nkind: List\n",
        );
    }

    #[test]
    fn strings_that_look_like_something_else_are_quoted() {
        check(
            json!([
                "1",
                "true",
                "no",
                "",
                "~",
                "1.5",
                "2026-11-21T05:26:03Z",
                "0x1f",
                "56e10",
                "y",
                "8446c54977",
                "a: b",
                "[c]",
                "- x",
                "-x",
                "it's",
                "a #b",
                "1:30"
            ]),
            "- \"1\"\n- \"true\"\n- \"no\"\n- \"\"\n- \"~\"\n- \"1.5\"\n- \"2026-11-21T05:26:03Z\"\n- \"0x1f\"\n- \"56e10\"\n- \"y\"\n- 8446c54977\n- 'a: b'\n- '[c]'\n- '- x'\n- -x\n- it's\n- 'a #b'\n- \"1:30\"\n",
        );
    }

    #[test]
    fn lines_become_a_block_unless_a_tab_forbids_it() {
        check(json!({"a": "x\ny\n"}), "a: |\n  x\n  y\n");
        check(json!({"a": "x\n\ny"}), "a: |-\n  x\n\n  y\n");
        check(json!({"a": "x\n\n"}), "a: |+\n  x\n\n");
        check(json!({"a": " x\n"}), "a: |2\n   x\n");
        check(json!({"a": "x\ty\n"}), "a: \"x\\ty\\n\"\n");
        check(json!({"a": "x \ny\n"}), "a: \"x \\ny\\n\"\n");
    }

    #[test]
    fn long_text_is_folded_after_the_eightieth_column() {
        let text = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
        check(
            json!({"metadata": {"annotations": {"kubernetes.io/description": text}}}),
            "metadata:\n  annotations:\n    kubernetes.io/description: Contains a CA bundle that can be used to verify the\n      kube-apiserver when using internal endpoints such as the internal service IP\n      or kubernetes.default.svc. No other usage is guaranteed across distributions\n      of Kubernetes clusters.\n",
        );
    }

    #[test]
    fn numbers_in_keys_count() {
        check(
            json!({"a10": 1, "a9": 2, "ab": 3, "a-b": 4}),
            "a-b: 4\na9: 2\na10: 1\nab: 3\n",
        );
    }
}
