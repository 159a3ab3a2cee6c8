//! `-subj`: `/CN=a/O=b+OU=c`, a backslash before what would end a part.
//!
//! Never asks: that is `ask.rs`.

use crate::files::{Failure, complain, warn};
use guest_tls::cert::Name;
use guest_tls::der::Object;

/// The longest text of an attribute, where there is a limit.
pub(crate) fn limit(object: &Object) -> usize {
    match object.short() {
        "C" => 2,
        "CN" | "O" | "OU" => 64,
        "L" | "ST" | "emailAddress" => 128,
        _ => usize::MAX,
    }
}

/// Builds a name; unknown attributes and empty ones are skipped with a warning.
pub(crate) fn parse(command: &str, text: &str) -> Result<Name, Failure> {
    let Some(rest) = text.strip_prefix('/') else {
        return Err(complain(format!(
            "{command}: subject name is expected to be in the format /type0=value0/type1=value1/type2=... where characters may be escaped by \\. This name is not in that format: '{text}'"
        )));
    };
    let mut sets: Vec<Vec<(String, String)>> = Vec::new();
    let mut letters = rest.chars().peekable();
    // Whether the next attribute belongs to the set of the last one.
    let mut joined = false;
    while letters.peek().is_some() {
        let mut name = String::new();
        loop {
            match letters.next() {
                Some('=') => break,
                Some(letter) => name.push(letter),
                None => {
                    return Err(complain(format!(
                        "{command}: Hit end of string before finding the '=' in subject name string"
                    )));
                }
            }
        }
        let mut value = String::new();
        let joins = joined;
        joined = false;
        while let Some(letter) = letters.next() {
            match letter {
                '/' => break,
                '+' => {
                    joined = true;
                    break;
                }
                '\\' => match letters.next() {
                    Some(next) => value.push(next),
                    None => {
                        return Err(complain(format!(
                            "{command}: Escape character at end of subject name string"
                        )));
                    }
                },
                other => value.push(other),
            }
        }
        let Some(object) = Object::named(&name) else {
            warn(&format!(
                "{command} warning: Skipping unknown subject name attribute \"{name}\""
            ));
            continue;
        };
        if value.is_empty() {
            warn(&format!(
                "{command} warning: No value provided for subject name attribute \"{name}\", skipped"
            ));
            continue;
        }
        let length = value.chars().count();
        let short = object.short() == "C" && length < 2;
        if length > limit(&object) || short {
            let what = if short { "short" } else { "long" };
            return Err(complain(format!(
                "error:06800097:asn1 encoding routines::string too {what}\n{command}: Error adding subject name attribute \"/{name}={value}\""
            )));
        }
        match sets.last_mut() {
            Some(last) if joins => last.push((name, value)),
            _ => sets.push(vec![(name, value)]),
        }
    }
    Name::build(&sets).map_err(complain)
}
