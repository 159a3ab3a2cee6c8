//! The words of an `awk` program. It never knows where they may stand, but for the slash: behind
//! an operand it divides, elsewhere it begins an expression.

use std::rc::Rc;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(Rc<str>),
    /// Between slashes.
    Regex(Rc<str>),
    Name(Rc<str>),
    /// A name with a parenthesis right behind it.
    Called(Rc<str>),
    Builtin(Builtin),
    Keyword(Keyword),
    /// One of the operators.
    Sign(&'static str),
    Newline,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Begin,
    Break,
    Continue,
    Delete,
    Do,
    Else,
    EndRule,
    Exit,
    For,
    Function,
    Getline,
    If,
    In,
    Next,
    NextFile,
    Print,
    Printf,
    Return,
    While,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Builtin {
    And,
    Atan2,
    Close,
    Compl,
    Cos,
    Exp,
    Fflush,
    Gensub,
    Gsub,
    Index,
    Int,
    Length,
    Log,
    Lshift,
    Match,
    Mktime,
    Or,
    Rand,
    Rshift,
    Sin,
    Split,
    Sprintf,
    Sqrt,
    Srand,
    Strftime,
    Sub,
    Substr,
    System,
    Systime,
    Tolower,
    Toupper,
    Xor,
}

const KEYWORDS: [(&str, Keyword); 20] = [
    ("BEGIN", Keyword::Begin),
    ("END", Keyword::EndRule),
    ("break", Keyword::Break),
    ("continue", Keyword::Continue),
    ("delete", Keyword::Delete),
    ("do", Keyword::Do),
    ("else", Keyword::Else),
    ("exit", Keyword::Exit),
    ("for", Keyword::For),
    ("func", Keyword::Function),
    ("function", Keyword::Function),
    ("getline", Keyword::Getline),
    ("if", Keyword::If),
    ("in", Keyword::In),
    ("next", Keyword::Next),
    ("nextfile", Keyword::NextFile),
    ("print", Keyword::Print),
    ("printf", Keyword::Printf),
    ("return", Keyword::Return),
    ("while", Keyword::While),
];

const BUILTINS: [(&str, Builtin); 32] = [
    ("and", Builtin::And),
    ("atan2", Builtin::Atan2),
    ("close", Builtin::Close),
    ("compl", Builtin::Compl),
    ("cos", Builtin::Cos),
    ("exp", Builtin::Exp),
    ("fflush", Builtin::Fflush),
    ("gensub", Builtin::Gensub),
    ("gsub", Builtin::Gsub),
    ("index", Builtin::Index),
    ("int", Builtin::Int),
    ("length", Builtin::Length),
    ("log", Builtin::Log),
    ("lshift", Builtin::Lshift),
    ("match", Builtin::Match),
    ("mktime", Builtin::Mktime),
    ("or", Builtin::Or),
    ("rand", Builtin::Rand),
    ("rshift", Builtin::Rshift),
    ("sin", Builtin::Sin),
    ("split", Builtin::Split),
    ("sprintf", Builtin::Sprintf),
    ("sqrt", Builtin::Sqrt),
    ("srand", Builtin::Srand),
    ("strftime", Builtin::Strftime),
    ("sub", Builtin::Sub),
    ("substr", Builtin::Substr),
    ("system", Builtin::System),
    ("systime", Builtin::Systime),
    ("tolower", Builtin::Tolower),
    ("toupper", Builtin::Toupper),
    ("xor", Builtin::Xor),
];

/// Operators, longer ones first.
const SIGNS: [&str; 44] = [
    "**=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", "**", "==", "<=", ">=",
    "!=", ">>", "!~", "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!",
    ">", "<", "|", "?", ":", "~", "$", "=", "&", "@", "\\",
];

/// A program's words with the lines they are on.
pub(super) fn read(text: &str) -> Result<Vec<(Token, usize)>, (usize, String)> {
    let mut tokens: Vec<(Token, usize)> = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(c) = rest.chars().next() {
        if c == ' ' || c == '\t' || c == '\r' {
            rest = &rest[1..];
            continue;
        }
        if let Some(after) = rest.strip_prefix("\\\n").or(rest.strip_prefix("\\\r\n")) {
            rest = after;
            line += 1;
            continue;
        }
        if c == '#' {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
            continue;
        }
        let here = line;
        let token = match c {
            '\n' => {
                rest = &rest[1..];
                line += 1;
                Token::Newline
            }
            '"' => Token::Text(string(&mut rest).map_err(|error| (here, error))?.into()),
            '/' if !divides(tokens.last()) => {
                Token::Regex(regex(&mut rest).map_err(|error| (here, error))?.into())
            }
            c if c.is_ascii_digit() || c == '.' && starts_digit(&rest[1..]) => {
                Token::Number(number(&mut rest))
            }
            c if c.is_ascii_alphabetic() || c == '_' => word(&mut rest),
            _ => {
                let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) else {
                    return Err((here, "Unexpected token".into()));
                };
                rest = &rest[sign.len()..];
                Token::Sign(match *sign {
                    "**" => "^",
                    "**=" => "^=",
                    sign => sign,
                })
            }
        };
        tokens.push((token, here));
    }
    tokens.push((Token::End, line));
    Ok(tokens)
}

/// Whether a slash behind this is an operator.
fn divides(last: Option<&(Token, usize)>) -> bool {
    match last.map(|(token, _)| token) {
        Some(Token::Number(_) | Token::Text(_) | Token::Name(_) | Token::Builtin(_)) => true,
        Some(Token::Sign(sign)) => matches!(*sign, ")" | "]" | "$" | "++" | "--"),
        _ => false,
    }
}

fn starts_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn word(rest: &mut &str) -> Token {
    let end = rest
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    *rest = after;
    if let Some((_, keyword)) = KEYWORDS.iter().find(|(known, _)| *known == name) {
        return Token::Keyword(*keyword);
    }
    if let Some((_, builtin)) = BUILTINS.iter().find(|(known, _)| *known == name) {
        return Token::Builtin(*builtin);
    }
    if after.starts_with('(') {
        Token::Called(name.into())
    } else {
        Token::Name(name.into())
    }
}

fn number(rest: &mut &str) -> f64 {
    if let Some(hex) = rest.strip_prefix("0x").or(rest.strip_prefix("0X")) {
        let end = hex
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(hex.len());
        if end > 0 {
            *rest = &hex[end..];
            return hex[..end]
                .chars()
                .filter_map(|c| c.to_digit(16))
                .fold(0.0, |value, digit| value * 16.0 + f64::from(digit));
        }
    }
    let (value, length) = super::value::leading_number(rest);
    *rest = &rest[length.max(1)..];
    value
}

/// The text between quotes.
fn string(rest: &mut &str) -> Result<String, String> {
    let body = &rest[1..];
    let mut end = None;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => {
                end = Some(at);
                break;
            }
            '\n' => break,
            _ => {}
        }
    }
    let Some(end) = end else {
        return Err("Unexpected end of string".into());
    };
    *rest = &body[end + 1..];
    Ok(unescape(&body[..end]))
}

/// A string with its escapes replaced; of unknown ones the backslash goes, save before what an
/// expression or a replacement may want to escape.
pub(super) fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\x07'),
            Some('b') => out.push('\x08'),
            Some('f') => out.push('\x0c'),
            Some('v') => out.push('\x0b'),
            Some('\\') => out.push('\\'),
            Some('"') => out.push('"'),
            Some('/') => out.push('/'),
            Some('\n') => {}
            Some(digit @ '0'..='7') => {
                let mut value = digit.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    if let Some(digit) = chars.peek().and_then(|c| c.to_digit(8)) {
                        value = value * 8 + digit;
                        chars.next();
                    }
                }
                out.extend(char::from_u32(value));
            }
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

/// The expression between slashes, as it is but for escaped slashes.
fn regex(rest: &mut &str) -> Result<String, String> {
    let body = &rest[1..];
    let mut out = String::new();
    let mut chars = body.char_indices();
    let mut bracket = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '\n' => break,
            '/' if !bracket => {
                *rest = &body[at + 1..];
                return Ok(out);
            }
            '\\' => match chars.next() {
                Some((_, '/')) => out.push('/'),
                Some((_, other)) => out.extend(['\\', other]),
                None => break,
            },
            '[' if !bracket && body[at..].contains(']') => {
                bracket = true;
                out.push(c);
                if body[at + 1..].starts_with('^') {
                    out.extend(chars.next().map(|(_, c)| c));
                }
                if body[out.len()..].starts_with(']') && body[at..].len() > 2 {
                    // Kept for the expression's reader, which knows that a first `]` is itself.
                }
            }
            ']' => {
                bracket = false;
                out.push(c);
            }
            c => out.push(c),
        }
    }
    Err("Unexpected end of regex".into())
}
