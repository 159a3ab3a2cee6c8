//! `lab why`: asks a running lab why something is not reached. Never knows the reason: the lab does.

use super::fault::ask;
use crate::cli::{Why, WhyFormat, spoken};
use serde_json::Value;
use std::fmt::Write as _;
use std::process::ExitCode;

/// All is well.
const WELL: u8 = 0;
/// Something is broken.
const BROKEN: u8 = 1;
/// Nobody could be asked, or not this.
const UNASKED: u8 = 2;

/// Asks and prints the answer.
pub(crate) fn why(typed: &Why) -> ExitCode {
    // Whatever the reason, a question without an answer is neither well nor broken.
    match ask(&typed.whose, "GET", &path(typed), None) {
        Ok(answer) => {
            anstream::print!("{}", shown(typed, &answer));
            ExitCode::from(if answer["well"] == true { WELL } else { BROKEN })
        }
        Err((_, why)) => {
            anstream::eprintln!("lab: {why}");
            ExitCode::from(UNASKED)
        }
    }
}

fn path(typed: &Why) -> String {
    let parameters = [
        ("subject", typed.subject.as_deref()),
        ("from", typed.from.as_deref()),
        ("to", typed.to.as_deref()),
        ("namespace", Some(typed.namespace.as_str())),
    ];
    let mut path = "/lab/why".to_owned();
    let said = parameters
        .iter()
        .filter_map(|(name, value)| Some((name, (*value)?)));
    for (index, (name, value)) in said.enumerate() {
        let before = if index == 0 { '?' } else { '&' };
        write!(path, "{before}{name}={}", escape(value)).expect("text grows");
    }
    path
}

fn shown(typed: &Why, answer: &Value) -> String {
    match typed.output {
        Some(WhyFormat::Json) => format!("{answer:#}\n"),
        None => {
            let lang = match spoken(typed.lang) {
                lesson::Lang::Ja => "ja",
                lesson::Lang::En => "en",
            };
            answer["text"][lang].as_str().unwrap_or_default().to_owned()
        }
    }
}

/// As a parameter of a URL.
fn escape(value: &str) -> String {
    let letter = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'/' | b':' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(letter).collect()
}
