//! The table of commands, and the one that lists it.
//!
//! Never a command's options: they stand beside its code.

use crate::files::{Failure, print, warn};
use crate::options::Command;
use crate::{digests, keys, req, s_client, small, verify, x509};

const ALL: &[&Command] = &[
    &small::BASE64,
    &digests::DGST,
    &keys::EC,
    &keys::ECPARAM,
    &small::ENC,
    &keys::GENPKEY,
    &keys::GENRSA,
    &keys::PKEY,
    &small::RAND,
    &req::REQ,
    &keys::RSA,
    &s_client::S_CLIENT,
    &verify::VERIFY,
    &small::VERSION,
    &x509::X509,
];

/// Runs a command by its name.
pub(crate) fn run(args: &[String]) -> i32 {
    let Some(name) = args.first().map(String::as_str) else {
        return help();
    };
    if matches!(name, "help" | "-help" | "--help" | "list") {
        return help();
    }
    // A digest's name is a command too.
    if guest_tls::Digest::named(name).is_some_and(|digest| digest.name() == name) {
        let mut words = vec![format!("-{name}")];
        words.extend_from_slice(&args[1..]);
        return finish(start(&digests::DGST, &words));
    }
    let name = match name {
        "-v" | "--version" => "version",
        other => other,
    };
    match ALL.iter().find(|command| command.name == name) {
        Some(command) => finish(start(command, &args[1..])),
        None => {
            warn(&format!(
                "Invalid command '{name}'; type \"help\" for a list."
            ));
            1
        }
    }
}

fn start(command: &Command, args: &[String]) -> Result<i32, Failure> {
    if matches!(args.first().map(String::as_str), Some("-help" | "--help")) {
        print(&command.help())?;
        return Ok(0);
    }
    (command.run)(&command.parse(args)?)
}

fn finish(outcome: Result<i32, Failure>) -> i32 {
    outcome.unwrap_or_else(|failure| {
        if !failure.text.is_empty() {
            warn(&failure.text);
        }
        failure.code
    })
}

fn help() -> i32 {
    let names: Vec<String> = ALL
        .iter()
        .map(|command| format!("{:<18}", command.name))
        .collect();
    let lines: Vec<String> = names
        .chunks(4)
        .map(|four| four.concat().trim_end().to_owned())
        .collect();
    let text = format!(
        "help:\n\nStandard commands\n{}\n\nMessage Digest commands (see the `dgst' command for more details)\nsha1              sha256            sha384            sha512\n",
        lines.join("\n")
    );
    i32::from(print(&text).is_err())
}
