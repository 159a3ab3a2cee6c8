//! Columns: the protocol counts from zero in UTF-16, findings from one in characters.
//! Never looks at what stands there.

use lesson::Pos;
use serde_json::{Value, json};

/// A place as the editor tells it.
pub(super) fn from_editor(text: &str, position: &Value) -> Pos {
    let number = |key: &str| position[key].as_u64().unwrap_or(0) as usize;
    let (line, units) = (number("line"), number("character"));
    let row = text.lines().nth(line).unwrap_or_default();
    let mut seen = 0;
    let before = row.chars().take_while(|c| {
        let fits = seen < units;
        seen += c.len_utf16();
        fits
    });
    Pos {
        line: line as u32 + 1,
        column: before.count() as u32 + 1,
    }
}

/// A place as the editor reads it.
pub(super) fn to_editor(text: &str, at: Pos) -> Value {
    let row = text
        .lines()
        .nth((at.line as usize).saturating_sub(1))
        .unwrap_or_default();
    let before = row.chars().take((at.column as usize).saturating_sub(1));
    let units: usize = before.map(char::len_utf16).sum();
    json!({ "line": at.line.saturating_sub(1), "character": units })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_beyond_the_first_plane_is_two_units() {
        let text = "a𠮷b";
        let at = Pos { line: 1, column: 3 };
        assert_eq!(to_editor(text, at)["character"], 3);
        assert_eq!(from_editor(text, &json!({ "line": 0, "character": 3 })), at);
    }
}
