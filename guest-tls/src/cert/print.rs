//! Distinguished names as OpenSSL prints them: the ways of `-nameopt`, which servers use too.
//!
//! Never decodes what it cannot: bytes beyond ASCII are shown in hexadecimal, as OpenSSL does.

use super::{Attribute, Name};

/// How a name is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameStyle {
    /// `CN = a, O = b`
    Oneline,
    /// `O=b,CN=a`
    Rfc2253,
    /// `/CN=a/O=b`
    Compat,
    /// One attribute a line, with its long name.
    Multiline,
}

impl NameStyle {
    /// The style of this name; nothing when OpenSSL has none.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name.to_ascii_lowercase().as_str() {
            "oneline" => Some(Self::Oneline),
            "rfc2253" => Some(Self::Rfc2253),
            "compat" => Some(Self::Compat),
            "multiline" => Some(Self::Multiline),
            _ => None,
        }
    }
}

/// A name in a style; a multiline one starts with a line break.
#[must_use]
pub fn print_name(name: &Name, style: NameStyle) -> String {
    let attribute = |attribute: &Attribute| match style {
        NameStyle::Oneline => {
            format!(
                "{} = {}",
                attribute.object.short(),
                escaped(attribute, true)
            )
        }
        NameStyle::Multiline => {
            format!("{:<25} = {}", attribute.object.long(), plain(attribute))
        }
        NameStyle::Rfc2253 | NameStyle::Compat => {
            format!("{}={}", attribute.object.short(), escaped(attribute, false))
        }
    };
    let plus = match style {
        NameStyle::Rfc2253 => "+",
        _ => " + ",
    };
    let mut sets: Vec<String> = name
        .sets
        .iter()
        .map(|set| {
            let mut all: Vec<String> = set.iter().map(attribute).collect();
            if style == NameStyle::Rfc2253 {
                all.reverse();
            }
            all.join(plus)
        })
        .collect();
    match style {
        NameStyle::Oneline => sets.join(", "),
        NameStyle::Rfc2253 => {
            sets.reverse();
            sets.join(",")
        }
        NameStyle::Multiline => sets.iter().map(|set| format!("\n    {set}")).collect(),
        NameStyle::Compat => oneline(name),
    }
}

/// `/CN=a/O=b`, as inside of extensions.
#[must_use]
pub fn oneline(name: &Name) -> String {
    let mut text = String::new();
    let starts = name.sets.iter().flat_map(|set| {
        // The others of a set follow with a plus.
        let sign = |at| if at == 0 { '/' } else { '+' };
        set.iter().enumerate().map(move |(at, one)| (sign(at), one))
    });
    for (start, attribute) in starts {
        let value: String = attribute
            .value
            .iter()
            .map(|byte| match byte {
                b' '..=b'~' => char::from(*byte).to_string(),
                other => format!("\\x{other:02X}"),
            })
            .collect();
        text.push_str(&format!("{start}{}={value}", attribute.object.short()));
    }
    text
}

fn plain(attribute: &Attribute) -> String {
    attribute
        .text()
        .chars()
        .map(|letter| match letter {
            '\\' => "\\\\".to_owned(),
            ' '..='~' => letter.to_string(),
            other => match u32::from(other) {
                small @ 0..=0xff => format!("\\{small:02X}"),
                wide @ ..=0xffff => format!("\\U{wide:04X}"),
                widest => format!("\\W{widest:08X}"),
            },
        })
        .collect()
}

fn hex(letter: char) -> String {
    let mut buffer = [0; 4];
    let bytes = letter.encode_utf8(&mut buffer).bytes();
    bytes.map(|byte| format!("\\{byte:02X}")).collect()
}

/// With what RFC 2253 escapes escaped, by quotes or by backslashes.
fn escaped(attribute: &Attribute, quotes: bool) -> String {
    let text = attribute.text();
    let last = text.chars().count().saturating_sub(1);
    let mut special = false;
    let mut out = String::new();
    for (at, letter) in text.chars().enumerate() {
        let edge = (letter == ' ' && (at == 0 || at == last)) || (letter == '#' && at == 0);
        match letter {
            // OpenSSL needs no quotes around these, since they have their backslash.
            '"' | '\\' => {
                out.push('\\');
                out.push(letter);
            }
            ',' | '+' | '<' | '>' | ';' => {
                special = true;
                if !quotes {
                    out.push('\\');
                }
                out.push(letter);
            }
            _ if edge => {
                special = true;
                if !quotes {
                    out.push('\\');
                }
                out.push(letter);
            }
            ' '..='~' => out.push(letter),
            other => out.push_str(&hex(other)),
        }
    }
    if special && quotes {
        format!("\"{out}\"")
    } else {
        out
    }
}
