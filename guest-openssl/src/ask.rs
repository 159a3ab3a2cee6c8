//! The questions of `openssl req` without `-subj`.
//!
//! Never a challenge password: requests carry none here.

use crate::files::{Failure, complain, warn};
use crate::subject::limit;
use guest_tls::cert::Name;
use guest_tls::der::Object;
use std::io::{self, BufRead, Write};

/// Attribute, question, default.
const QUESTIONS: [(&str, &str, &str); 7] = [
    ("C", "Country Name (2 letter code)", "AU"),
    ("ST", "State or Province Name (full name)", "Some-State"),
    ("L", "Locality Name (eg, city)", ""),
    (
        "O",
        "Organization Name (eg, company)",
        "Internet Widgits Pty Ltd",
    ),
    ("OU", "Organizational Unit Name (eg, section)", ""),
    ("CN", "Common Name (e.g. server FQDN or YOUR name)", ""),
    ("emailAddress", "Email Address", ""),
];

/// Asks on standard error, reads answers from standard input: nothing is the default, a dot is
/// no such attribute.
pub(crate) fn subject() -> Result<Name, Failure> {
    warn(
        "The subject of the certificate is asked for, one attribute a line.\nAn empty line takes the value in brackets, '.' leaves the attribute out.\n-----",
    );
    let mut input = io::stdin().lock();
    let mut sets = Vec::new();
    for (short, question, default) in QUESTIONS {
        let mut error = io::stderr();
        write!(error, "{question} [{default}]:")?;
        error.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            warn("");
            return Err(complain("problems making Certificate Request"));
        }
        let answer = match line.trim_end_matches(['\n', '\r']) {
            "" => default,
            "." => "",
            answer => answer,
        };
        if answer.is_empty() {
            continue;
        }
        let most = Object::named(short).map_or(usize::MAX, |object| limit(&object));
        if answer.chars().count() > most {
            return Err(complain(format!(
                "string is too long, it needs to be no more than {most} bytes long"
            )));
        }
        sets.push(vec![(short.to_owned(), answer.to_owned())]);
    }
    Name::build(&sets).map_err(complain)
}
