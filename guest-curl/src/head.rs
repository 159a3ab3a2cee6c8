//! Heads of answers, line by line. No bytes move here.

use crate::failure::Failure;

/// The longest head that is understood.
pub(crate) const MAX_HEAD: usize = 300 * 1024;

/// The head of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// 10, 11 or 20.
    pub version: u8,
    pub headers: Vec<(String, String)>,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

impl Head {
    /// A head of which there is only the first line.
    ///
    /// # Errors
    /// When it is no line of HTTP that curl understands.
    pub fn begin(line: &str) -> Result<Self, Failure> {
        let odd = || Failure::new(1, "Unsupported HTTP version in response");
        let rest = line.trim_start().strip_prefix("HTTP/").ok_or_else(odd)?;
        let (version, after) = match rest.as_bytes() {
            [major @ b'1'..=b'9', b'.', minor @ b'0'..=b'9', b' ', ..] => {
                ((major - b'0') * 10 + minor - b'0', &rest[4..])
            }
            [b'2' | b'3', b' ', ..] => (20, &rest[2..]),
            _ => return Err(odd()),
        };
        if !matches!(version, 10 | 11 | 20) {
            return Err(Failure::new(
                1,
                format!(
                    "Unsupported HTTP version ({}.{}) in response",
                    version / 10,
                    version % 10
                ),
            ));
        }
        let digits: &str = after.get(..3).unwrap_or(after);
        let status = digits
            .parse()
            .ok()
            .filter(|_| digits.len() == 3)
            .ok_or_else(odd)?;
        Ok(Self {
            status,
            version,
            headers: Vec::new(),
        })
    }

    /// Adds a line; its name and value if it has them. A line that begins with a blank goes on with the last.
    ///
    /// # Errors
    /// When the line is one that curl refuses.
    pub fn add(&mut self, line: &[u8]) -> Result<Option<(String, String)>, Failure> {
        if line.contains(&0) {
            return Err(Failure::new(8, "Nul byte in header"));
        }
        let text = String::from_utf8_lossy(line).into_owned();
        if text.starts_with([' ', '\t']) {
            if let Some((_, value)) = self.headers.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
            return Ok(None);
        }
        let Some((name, value)) = text.split_once(':') else {
            return Err(Failure::new(8, "Header without colon"));
        };
        let pair = (name.trim_end().to_owned(), value.trim().to_owned());
        self.headers.push(pair.clone());
        Ok(Some(pair))
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let named = |pair: &&(String, String)| pair.0.eq_ignore_ascii_case(name);
        self.headers
            .iter()
            .find(named)
            .map(|(_, value)| value.as_str())
    }

    /// All headers of this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The length that is told.
    ///
    /// # Errors
    /// When it is no length.
    pub fn length(&self) -> Result<Option<u64>, Failure> {
        let mut length = None;
        for value in self.all("content-length") {
            let digits = value.bytes().take_while(u8::is_ascii_digit).count();
            let number = value[..digits].parse::<u64>();
            match number {
                Ok(number) if i64::try_from(number).is_ok() => length = Some(number),
                // Longer than can be counted is as good as unknown.
                Ok(_) => length = None,
                Err(_) if digits > 0 => length = None,
                Err(_) => return Err(Failure::new(8, "Invalid Content-Length: value")),
            }
        }
        Ok(length)
    }

    /// Whether the body comes in chunks.
    pub fn is_chunked(&self) -> bool {
        self.all("transfer-encoding").any(|coding| {
            coding
                .split(',')
                .any(|word| word.trim().eq_ignore_ascii_case("chunked"))
        })
    }

    /// How the body ends.
    pub fn framing(&self, method: &str, ignore_length: bool) -> Framing {
        if method == "HEAD" || matches!(self.status, 204 | 304 | 100..200) {
            return Framing::Length(0);
        }
        if self.is_chunked() {
            return Framing::Chunked;
        }
        match self.length() {
            Ok(Some(length)) if !ignore_length => Framing::Length(length),
            _ => Framing::UntilClose,
        }
    }

    fn says(&self, name: &str, word: &str) -> bool {
        self.all(name).any(|value| {
            value
                .split(',')
                .any(|part| part.trim().eq_ignore_ascii_case(word))
        })
    }

    /// Whether the connection may serve another request.
    pub fn keeps_alive(&self) -> bool {
        if self.says("connection", "close") {
            return false;
        }
        self.version != 10
            || self.says("connection", "keep-alive")
            || self.says("proxy-connection", "keep-alive")
    }
}
