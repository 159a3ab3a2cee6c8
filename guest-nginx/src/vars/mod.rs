//! Text with `$variables`, as `return`, `add_header`, `log_format` and many others take it.
//! It knows which variables exist; their values come from whoever renders.

mod names;

pub use names::{About, Names, Var};

/// A text in pieces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(Var),
}

impl Template {
    /// Understands a text; the error is nginx's message about a variable's name.
    /// Names that nobody has defined are reported by `Names::unknown` at the end.
    pub fn parse(text: &str, names: &mut Names) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(cut) = rest.find('$') {
            if cut > 0 {
                pieces.push(Piece::Text(rest[..cut].to_owned()));
            }
            let (name, after) = split(&rest[cut + 1..])?;
            pieces.push(Piece::Variable(names.look_up(name)));
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// A text without variables.
    pub fn text(text: &str) -> Self {
        if text.is_empty() {
            return Self::default();
        }
        Self(vec![Piece::Text(text.to_owned())])
    }

    /// Writes the text with every variable replaced by what `value` says of it.
    pub fn render(&self, out: &mut Vec<u8>, mut value: impl FnMut(&Var, &mut Vec<u8>)) {
        for piece in &self.0 {
            match piece {
                Piece::Text(words) => out.extend_from_slice(words.as_bytes()),
                Piece::Variable(var) => value(var, out),
            }
        }
    }

    /// The text when it has no variables.
    pub fn plain(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The text before the first variable.
    pub fn start(&self) -> &str {
        match self.0.first() {
            Some(Piece::Text(text)) => text,
            _ => "",
        }
    }

    /// The same without so many bytes at its start; nothing when they are not plain.
    pub fn without_start(&self, count: usize) -> Option<Self> {
        let mut pieces = self.0.clone();
        match pieces.first_mut() {
            _ if count == 0 => {}
            Some(Piece::Text(text)) if text.len() > count => drop(text.drain(..count)),
            Some(Piece::Text(text)) if text.len() == count => drop(pieces.remove(0)),
            _ => return None,
        }
        Some(Self(pieces))
    }
}

/// The name after a dollar sign, and what follows it.
fn split(text: &str) -> Result<(&str, &str), String> {
    let braced = text.strip_prefix('{');
    let body = braced.unwrap_or(text);
    if braced.is_none() && body.starts_with(|c: char| ('1'..='9').contains(&c)) {
        return Ok(body.split_at(1));
    }
    let end = body
        .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .unwrap_or(body.len());
    let (name, mut after) = body.split_at(end);
    if braced.is_some() {
        after = after
            .strip_prefix('}')
            .ok_or_else(|| format!("the closing bracket in \"{name}\" variable is missing"))?;
    }
    if name.is_empty() {
        return Err("invalid variable name".to_owned());
    }
    Ok((name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Result<&str, &str>) {
        let mut names = Names::default();
        let got = Template::parse(text, &mut names).map(|template| {
            let mut out = Vec::new();
            template.render(&mut out, |var, out| {
                out.extend(format!("<{var:?}>").into_bytes());
            });
            String::from_utf8(out).expect("ascii")
        });
        assert_eq!(got.as_deref().map_err(String::as_str), expect);
    }

    #[test]
    fn variables_are_found_bare_and_in_braces() {
        check(
            "a$uri-${args}b$http_x_y$1z",
            Ok("a<Uri>-<Args>b<Http(\"x_y\")><Capture(1)>z"),
        );
        check("plain", Ok("plain"));
    }

    #[test]
    fn a_variable_without_a_name_is_refused() {
        check("$", Err("invalid variable name"));
        check(
            "${uri",
            Err("the closing bracket in \"uri\" variable is missing"),
        );
    }

    #[test]
    fn a_name_nobody_defines_is_unknown_in_the_end() {
        let mut names = Names::default();
        Template::parse("$later $never", &mut names).expect("names");
        names.define("later");
        assert_eq!(names.unknown(), Some("never"));
    }
}
