//! Text with `$variables`, as `return`, `add_header`, `log_format` and `try_files` take it.
//! It knows which variables exist; their values come from whoever renders.

/// A text in pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
}

/// The variables there are; `http_` and `arg_` open families besides.
const KNOWN: &[&str] = &[
    "args",
    "body_bytes_sent",
    "connection",
    "content_length",
    "content_type",
    "document_root",
    "document_uri",
    "host",
    "hostname",
    "is_args",
    "msec",
    "nginx_version",
    "pid",
    "query_string",
    "remote_addr",
    "remote_port",
    "remote_user",
    "request",
    "request_filename",
    "request_length",
    "request_method",
    "request_time",
    "request_uri",
    "scheme",
    "server_addr",
    "server_name",
    "server_port",
    "server_protocol",
    "status",
    "time_iso8601",
    "time_local",
    "uri",
];

impl Template {
    /// Understands a text; the error is nginx's message about a variable.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(cut) = rest.find('$') {
            if cut > 0 {
                pieces.push(Piece::Text(rest[..cut].to_owned()));
            }
            let (name, after) = variable(&rest[cut + 1..])?;
            pieces.push(Piece::Variable(name.to_owned()));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// The text with every variable replaced by what `value` says of it.
    pub fn render(&self, value: &mut dyn FnMut(&str, &mut Vec<u8>)) -> Vec<u8> {
        let mut text = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(words) => text.extend_from_slice(words.as_bytes()),
                Piece::Variable(name) => value(name, &mut text),
            }
        }
        text
    }

    /// The text when it has no variables.
    pub fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }
}

fn variable(text: &str) -> Result<(&str, &str), String> {
    let braced = text.strip_prefix('{');
    let body = braced.unwrap_or(text);
    let end = body
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(body.len());
    let (name, mut after) = body.split_at(end);
    if name.is_empty() {
        return Err("invalid variable name".to_owned());
    }
    if braced.is_some() {
        after = after
            .strip_prefix('}')
            .ok_or_else(|| format!("the closing bracket in \"{name}\" variable is missing"))?;
    }
    if KNOWN.contains(&name) || name.starts_with("http_") || name.starts_with("arg_") {
        Ok((name, after))
    } else {
        Err(format!("unknown \"{name}\" variable"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let mut value =
            |name: &str, out: &mut Vec<u8>| out.extend(format!("<{name}>").into_bytes());
        let got =
            Template::parse(text).map(|t| String::from_utf8(t.render(&mut value)).expect("ascii"));
        assert_eq!(got.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn variables_are_found_bare_and_in_braces() {
        check("a$uri-${args}b$http_x_y", Ok("a<uri>-<args>b<http_x_y>"));
        check("plain", Ok("plain"));
    }

    #[test]
    fn an_unknown_variable_is_named() {
        check("$foo", Err("unknown \"foo\" variable"));
        check("$", Err("invalid variable name"));
        check(
            "${uri",
            Err("the closing bracket in \"uri\" variable is missing"),
        );
    }
}
