//! `verify`: whether certificates are believed, and why not.
//!
//! Never a revocation list.

use crate::files::{Failure, complain, now, print, warn};
use crate::options::{Command, Parsed, flag, number, text};
use crate::show::{self, NameStyle};
use crate::store;
use guest_tls::cert::Certificate;
use guest_tls::verify::{Code, Host, Purpose, Rules, verify_with};

pub(crate) const VERIFY: Command = Command {
    name: "verify",
    operands: "[cert...]",
    options: &[
        text("CAfile", "infile", "A file of trusted certificates"),
        text("trusted", "infile", "A file of trusted certificates"),
        text("untrusted", "infile", "A file of untrusted certificates"),
        flag(
            "show_chain",
            "Display information about the certificate chain",
        ),
        flag("verbose", "Print extra information, of which there is none"),
        text(
            "purpose",
            "val",
            "Certificate chain purpose: sslserver or sslclient",
        ),
        text("verify_hostname", "val", "Expected peer hostname"),
        text("verify_ip", "val", "Expected peer IP address"),
        number("verify_depth", "Chain depth limit"),
        number("attime", "Verification epoch time"),
        number("auth_level", "Chain authentication security level"),
        flag("no-CAfile", "Do not load the default certificates file"),
        flag("no-CApath", "There is no folder of certificates to load"),
        flag("no-CAstore", "There is no store of certificates to load"),
    ],
    run,
};

/// Errors after which OpenSSL's command goes on.
const LENIENT: [Code; 6] = [
    Code::Expired,
    Code::SelfSigned,
    Code::InvalidCa,
    Code::PathLengthExceeded,
    Code::UnhandledCritical,
    Code::InvalidPurpose,
];

fn run(parsed: &Parsed) -> Result<i32, Failure> {
    let mut trust = Vec::new();
    let named = |option: &&(&str, String)| matches!(option.0, "CAfile" | "trusted");
    let files: Vec<&str> = parsed
        .given
        .iter()
        .filter(named)
        .map(|(_, file)| file.as_str())
        .collect();
    for file in &files {
        trust.extend(store::trusted(file)?);
    }
    if files.is_empty() && !parsed.has("no-CAfile") {
        trust = store::machine_trust();
    }
    let mut untrusted = Vec::new();
    for (_, file) in parsed.given.iter().filter(|(name, _)| *name == "untrusted") {
        untrusted.extend(store::certificates(file, "untrusted certificates")?);
    }
    let purpose = match parsed.value("purpose") {
        None | Some("any") => Purpose::Any,
        Some("sslserver") => Purpose::Server,
        Some("sslclient") => Purpose::Client,
        Some(_) => return Err(parsed.misuse("unrecognized certificate purpose")),
    };
    let host = parsed
        .value("verify_hostname")
        .map(|name| Host::Name(name.to_owned()))
        .or_else(|| parsed.value("verify_ip").map(Host::parse));
    let rules = Rules {
        purpose,
        host,
        now: parsed
            .number("attime")
            .and_then(|time| i64::try_from(time).ok())
            .unwrap_or_else(now),
        level: parsed
            .number("auth_level")
            .and_then(|level| u8::try_from(level).ok())
            .unwrap_or(0),
        depth: parsed
            .number("verify_depth")
            .and_then(|depth| usize::try_from(depth).ok())
            .unwrap_or(100),
    };
    let mut code = 0;
    let all: Vec<Option<&str>> = match parsed.rest.as_slice() {
        [] => vec![None],
        files => files.iter().map(|file| Some(file.as_str())).collect(),
    };
    for file in all {
        let certificate = store::certificate(file, "certificate file")
            .map_err(|failure| Failure { code: 2, ..failure });
        let outcome = certificate.and_then(|certificate| {
            let mut chain = vec![certificate];
            chain.extend_from_slice(&untrusted);
            check(parsed, file.unwrap_or("stdin"), &chain, &trust, &rules)
        });
        if let Err(failure) = outcome {
            warn(&failure.text);
            code = failure.code;
        }
    }
    Ok(code)
}

fn check(
    parsed: &Parsed,
    file: &str,
    chain: &[Certificate],
    trust: &[Certificate],
    rules: &Rules,
) -> Result<(), Failure> {
    let outcome = verify_with(chain, trust, rules, &mut |event| {
        if event.code == Code::Ok {
            return true;
        }
        warn(&format!(
            "{}\nerror {} at {} depth lookup: {}",
            show::name(&event.certificate.subject, NameStyle::Oneline),
            event.code.number(),
            event.depth,
            event.code.text()
        ));
        LENIENT.contains(&event.code)
    });
    let Ok(built) = outcome else {
        return Err(Failure {
            text: format!("error {file}: verification failed"),
            code: 2,
        });
    };
    print(&format!("{file}: OK\n"))?;
    if parsed.has("show_chain") {
        let mut text = "Chain:\n".to_owned();
        for (depth, certificate) in built.iter().enumerate() {
            let trusted = trust.iter().any(|one| one.der() == certificate.der());
            let note = if trusted { "" } else { " (untrusted)" };
            let name = show::name(&certificate.subject, NameStyle::Oneline);
            text.push_str(&format!("depth={depth}: {name}{note}\n"));
        }
        print(&text)?;
    }
    if built.is_empty() {
        return Err(complain("no chain"));
    }
    Ok(())
}
