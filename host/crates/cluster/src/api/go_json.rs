//! What Go says about a text that is not JSON. Never reads one that is.

use serde_json::Value;

/// The words of `encoding/json` for the first thing that is wrong with `text`.
#[must_use]
pub(super) fn syntax_error(text: &[u8]) -> String {
    // Go gives up at this depth too; here it also bounds the recursion below.
    if text
        .iter()
        .filter(|byte| matches!(byte, b'{' | b'['))
        .count()
        > 1_000
    {
        return "exceeded max depth".to_owned();
    }
    let mut scan = Scan { text, at: 0 };
    let found = scan.value("looking for beginning of value").and_then(|()| {
        scan.space();
        scan.expect_end()
    });
    found
        .err()
        .unwrap_or_else(|| "unexpected end of JSON input".to_owned())
}

/// Whether `text` is a JSON object (or `null`), as Go's reader into a map says it.
///
/// # Errors
/// What that reader complains about.
pub(crate) fn object_in(text: &[u8]) -> Result<(), String> {
    let kind = match serde_json::from_slice(text) {
        Ok(Value::Null | Value::Object(_)) => return Ok(()),
        Err(_) => return Err(syntax_error(text)),
        Ok(Value::Bool(_)) => "bool",
        Ok(Value::Number(_)) => "number",
        Ok(Value::String(_)) => "string",
        Ok(Value::Array(_)) => "array",
    };
    Err(format!(
        "json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    ))
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn space(&mut self) {
        while self
            .text
            .get(self.at)
            .is_some_and(|byte| byte.is_ascii_whitespace())
        {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expect_end(&self) -> Result<(), String> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.invalid("after top-level value")),
        }
    }

    fn invalid(&self, why: &str) -> String {
        match self.peek() {
            None => "unexpected end of JSON input".to_owned(),
            Some(b'\'') => format!(r"invalid character '\'' {why}"),
            Some(b'"') => format!("invalid character '\"' {why}"),
            Some(byte) => format!(
                "invalid character '{}' {why}",
                char::from(byte).escape_default()
            ),
        }
    }

    fn value(&mut self, why: &str) -> Result<(), String> {
        self.space();
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => {
                let number = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
                while self.peek().is_some_and(number) {
                    self.at += 1;
                }
                Ok(())
            }
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            _ => Err(self.invalid(why)),
        }
    }

    fn literal(&mut self, word: &str) -> Result<(), String> {
        for letter in word.bytes() {
            if self.peek() != Some(letter) {
                let expected = char::from(letter);
                return Err(self.invalid(&format!("in literal {word} (expecting '{expected}')")));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.invalid("")),
                Some(b'"') => break,
                Some(b'\\') => self.at += 2,
                Some(0..0x20) => return Err(self.invalid("in string literal")),
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn object(&mut self) -> Result<(), String> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.invalid("looking for beginning of object key string"));
            }
            self.string()?;
            self.space();
            if self.peek() != Some(b':') {
                return Err(self.invalid("after object key"));
            }
            self.at += 1;
            self.value("looking for beginning of value")?;
            if self.ends(b'}', "after object key:value pair")? {
                return Ok(());
            }
        }
    }

    fn array(&mut self) -> Result<(), String> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value("looking for beginning of value")?;
            if self.ends(b']', "after array element")? {
                return Ok(());
            }
        }
    }

    fn ends(&mut self, close: u8, why: &str) -> Result<bool, String> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.invalid(why)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::syntax_error;

    #[test]
    fn broken_json_is_described_as_go_does() {
        let table = [
            (
                "{spec",
                "invalid character 's' looking for beginning of object key string",
            ),
            ("{\"a\":1", "unexpected end of JSON input"),
            ("[1 2]", "invalid character '2' after array element"),
            (
                "nope",
                "invalid character 'o' in literal null (expecting 'u')",
            ),
            ("", "unexpected end of JSON input"),
        ];
        for (text, expected) in table {
            assert_eq!(syntax_error(text.as_bytes()), expected, "{text}");
        }
    }
}
