//! `x509`: certificates shown, and signed from requests.
//!
//! Never a trust setting, and never purposes or hashes of names.

use crate::conf::Conf;
use crate::files::{Failure, complain, now, print, reason, warn, write};
use crate::options::{Command, DIGEST, Parsed, flag, format, number, text};
use crate::show::{self, NameStyle};
use crate::store;
use guest_tls::cert::{Builder, Certificate, Extension, Making, Name, make_extension};
use guest_tls::der::{Object, civil, id};
use guest_tls::key::PublicKey;
use guest_tls::number::Number;
use guest_tls::verify::{Host, Manner, matches};
use guest_tls::{Digest, chance};

pub(crate) const X509: Command = Command {
    name: "x509",
    operands: "",
    options: &[
        text(
            "in",
            "infile",
            "Certificate input, or CSR input file with -req (default stdin)",
        ),
        format("inform", "Input format; found out by itself"),
        text("out", "outfile", "Output file - default stdout"),
        format("outform", "Output format (DER or PEM) - default PEM"),
        flag("noout", "No output (except for requested printing)"),
        flag("nocert", "No cert output (except for requested printing)"),
        flag("text", "Print the certificate in text form"),
        flag("subject", "Print subject DN"),
        flag("issuer", "Print issuer DN"),
        flag("serial", "Print serial number value"),
        flag("dates", "Print both notBefore and notAfter fields"),
        flag("startdate", "Print the notBefore field"),
        flag("enddate", "Print the notAfter field"),
        flag("fingerprint", "Print the certificate fingerprint"),
        flag("email", "Print email address(es)"),
        flag("pubkey", "Print the public key in PEM format"),
        flag("modulus", "Print the RSA key modulus"),
        text("ext", "val", "Restrict which X.509 extensions to print"),
        text("nameopt", "val", "oneline, RFC2253, compat or multiline"),
        number(
            "checkend",
            "Check whether cert expires in the next arg seconds",
        ),
        text("checkhost", "val", "Check certificate matches host"),
        text("checkip", "val", "Check certificate matches ipaddr"),
        flag("req", "Input is a CSR file (rather than a certificate)"),
        text(
            "CA",
            "infile",
            "Use the given CA certificate, conflicts with -key",
        ),
        text(
            "CAkey",
            "val",
            "The corresponding CA key; default is -CA arg",
        ),
        flag(
            "CAcreateserial",
            "Create CA serial number file if it does not exist",
        ),
        text(
            "CAserial",
            "val",
            "File that keeps track of CA-generated serial number",
        ),
        text("signkey", "val", "Key for signing"),
        text("key", "val", "The same"),
        number(
            "days",
            "Number of days until newly generated certificate expires",
        ),
        text(
            "set_serial",
            "val",
            "Serial number to use, overrides -CAserial",
        ),
        text(
            "extfile",
            "infile",
            "Config file with X509V3 extensions to add",
        ),
        text("extensions", "val", "Section of extfile to use"),
        text(
            "copy_extensions",
            "val",
            "Copy extensions from the CSR: copy or none",
        ),
        text("subj", "val", "Set or override certificate subject"),
        DIGEST,
    ],
    run,
};

pub(crate) fn name_style(parsed: &Parsed) -> Result<NameStyle, Failure> {
    match parsed.value("nameopt") {
        None => Ok(NameStyle::Oneline),
        Some(name) => NameStyle::named(name)
            .ok_or_else(|| complain(format!("{}: Use -help for summary.", parsed.command))),
    }
}

/// `-set_serial`: decimal, or hexadecimal after `0x`.
pub(crate) fn serial_number(text: &str) -> Result<Vec<u8>, Failure> {
    let hex = text.strip_prefix("0x").or(text.strip_prefix("0X"));
    let bytes = match hex {
        Some(hex) => {
            let even = if hex.len().is_multiple_of(2) { "" } else { "0" };
            guest_tls::text::from_hex(&format!("{even}{hex}"))
        }
        None => text
            .parse::<u128>()
            .ok()
            .map(|value| value.to_be_bytes().to_vec()),
    };
    bytes.ok_or_else(|| complain(format!("x509: Bad serial number {text}")))
}

/// `otherwise` is what the command says of keys that have none.
pub(crate) fn modulus(key: &PublicKey, otherwise: &str) -> String {
    match key {
        PublicKey::Rsa(rsa) => {
            let hex = guest_tls::text::to_hex(&rsa.n.to_bytes());
            format!("Modulus={}\n", hex.to_ascii_uppercase())
        }
        _ => format!("Modulus={otherwise}\n"),
    }
}

fn run(parsed: &Parsed) -> Result<i32, Failure> {
    let certificate = if parsed.has("req") {
        from_request(parsed)?
    } else {
        let certificate = store::certificate(parsed.value("in"), "certificate")?;
        if parsed.value("CA").is_some() || parsed.value("signkey").or(parsed.value("key")).is_some()
        {
            let subject = certificate.subject.clone();
            let kept = certificate.extensions.clone();
            sign(parsed, &certificate.key, subject, kept)?
        } else {
            certificate
        }
    };
    show(parsed, &certificate)
}

fn from_request(parsed: &Parsed) -> Result<Certificate, Failure> {
    if parsed.value("CA").is_none() && parsed.value("signkey").or(parsed.value("key")).is_none() {
        return Err(complain(
            "We need a private key to sign with, use -key or -CA or -CAkey with private key",
        ));
    }
    let request = store::request(parsed.value("in"))?;
    if !request.is_signed() {
        return Err(complain(
            "Certificate request self-signature did not match the contents",
        ));
    }
    warn("Certificate request self-signature ok");
    let style = name_style(parsed)?;
    warn(&format!("subject={}", show::name(&request.subject, style)));
    let kept = match parsed.value("copy_extensions") {
        None | Some("none") => Vec::new(),
        Some("copy" | "copyall") => request.extensions.clone(),
        Some(other) => {
            return Err(complain(format!(
                "Invalid extension copy option: \"{other}\""
            )));
        }
    };
    let subject = match parsed.value("subj") {
        Some(text) => crate::subject::parse("x509", text)?,
        None => request.subject.clone(),
    };
    sign(parsed, &request.key, subject, kept)
}

fn sign(
    parsed: &Parsed,
    public: &PublicKey,
    subject: Name,
    kept: Vec<Extension>,
) -> Result<Certificate, Failure> {
    let own = parsed.value("signkey").or(parsed.value("key"));
    let ca = parsed
        .value("CA")
        .map(|file| store::certificate(Some(file), "CA certificate"))
        .transpose()?;
    let key = match (&ca, own) {
        (None, file) => store::key(file, "private key")?,
        (Some(_), _) => store::key(
            parsed.value("CAkey").or(parsed.value("CA")),
            "CA private key",
        )?,
    };
    let signer = key.public();
    if ca.as_ref().is_some_and(|ca| ca.key != signer) {
        return Err(complain("CA certificate and CA private key do not match"));
    }
    let making = Making {
        subject_key: Some(public),
        issuer: ca.as_ref(),
        issuer_key: Some(&signer),
    };
    let days = i64::try_from(parsed.number("days").unwrap_or(30)).unwrap_or(30);
    let builder = Builder {
        serial: serial(parsed, ca.is_some())?,
        issuer: ca
            .as_ref()
            .map_or_else(|| subject.clone(), |ca| ca.subject.clone()),
        subject,
        not_before: now(),
        not_after: now() + days.min(3_000_000) * 86_400,
        key: public.clone(),
        extensions: extensions(parsed, kept, &making)?,
    };
    builder
        .sign(&key, parsed.digest())
        .ok_or_else(|| complain("error:02000070:rsa routines::digest too big for rsa key"))
}

fn extensions(
    parsed: &Parsed,
    kept: Vec<Extension>,
    making: &Making<'_>,
) -> Result<Vec<Extension>, Failure> {
    let Some(file) = parsed.value("extfile") else {
        return Ok(kept);
    };
    let conf = Conf::load(file)?;
    let section = parsed
        .value("extensions")
        .or(conf.value("default", "extensions"))
        .unwrap_or("default");
    let words = conf
        .extensions(section)
        .ok_or_else(|| complain(format!("Error checking extension section {section}")))?;
    let mut all = kept;
    for (name, value) in words {
        let made = make_extension(&name, &value, making).map_err(|reason| {
            complain(format!(
                "Error checking extension section {section}\nX509 V3 routines::{reason}\nerror:11000080:X509 V3 routines::error in extension:section={section}, name={name}, value={value}"
            ))
        })?;
        if let Some(made) = made {
            all.retain(|other| other.object != made.object);
            all.push(made);
        }
    }
    Ok(all)
}

/// The next number of the CA's serial file, or one of chance when there is no such file.
fn serial(parsed: &Parsed, by_ca: bool) -> Result<Vec<u8>, Failure> {
    if let Some(text) = parsed.value("set_serial") {
        return serial_number(text);
    }
    let random = || Builder::random_serial(&mut chance::fill);
    if !by_ca {
        return Ok(random());
    }
    let file = match (parsed.value("CAserial"), parsed.value("CA")) {
        (Some(file), _) => file.to_owned(),
        (None, Some(ca)) => format!("{}.srl", ca.rsplit_once('.').map_or(ca, |(stem, _)| stem)),
        (None, None) => return Ok(random()),
    };
    let next = match std::fs::read_to_string(&file) {
        Ok(text) => {
            let bytes = guest_tls::text::from_hex(text.trim())
                .ok_or_else(|| complain(format!("Unable to load number from {file}")))?;
            Number::from_bytes(&bytes).add(&Number::small(1)).to_bytes()
        }
        Err(_) if parsed.has("CAcreateserial") => random(),
        Err(error) if parsed.value("CAserial").is_some() => {
            return Err(complain(format!(
                "Can't open \"{file}\" for reading, {}",
                reason(&error)
            )));
        }
        Err(_) => return Ok(random()),
    };
    let hex = guest_tls::text::to_hex(&next).to_ascii_uppercase();
    write(Some(&file), format!("{hex}\n").as_bytes())?;
    Ok(next)
}

fn show(parsed: &Parsed, certificate: &Certificate) -> Result<i32, Failure> {
    let style = name_style(parsed)?;
    let mut out = String::new();
    for (option, value) in wanted(parsed) {
        out.push_str(&one(option, value, certificate, parsed, style));
    }
    if let Some(seconds) = parsed.number("checkend") {
        let end = now().saturating_add_unsigned(seconds);
        let expires = certificate.not_after < end;
        out.push_str(if expires {
            "Certificate will expire\n"
        } else {
            "Certificate will not expire\n"
        });
        print(&out)?;
        return Ok(i32::from(expires));
    }
    let checks = [("checkhost", "Hostname"), ("checkip", "IP")];
    for (option, word) in checks {
        let Some(wanted) = parsed.value(option) else {
            continue;
        };
        let host = match option {
            "checkip" => Host::parse(wanted),
            _ => Host::Name(wanted.to_owned()),
        };
        let does = if matches(certificate, &host, Manner::OpenSsl) {
            "does"
        } else {
            "does NOT"
        };
        out.push_str(&format!("{word} {wanted} {does} match certificate\n"));
    }
    let mut bytes = out.into_bytes();
    if !parsed.has("noout") && !parsed.has("nocert") {
        if matches!(parsed.value("outform"), Some("DER" | "der")) {
            bytes.extend(certificate.der());
        } else {
            bytes.extend(certificate.to_pem().into_bytes());
        }
    }
    write(parsed.value("out"), &bytes)?;
    Ok(0)
}

/// What to print: each thing once, in the order in which it was asked for last.
fn wanted(parsed: &Parsed) -> Vec<(&str, &str)> {
    let mut all: Vec<(&str, &str)> = Vec::new();
    for (option, value) in &parsed.given {
        let parts: &[&str] = match *option {
            "dates" => &["startdate", "enddate"],
            other => &[other],
        };
        for part in parts {
            all.retain(|(other, _)| other != part);
            all.push((part, value));
        }
    }
    all
}

/// What one option prints.
fn one(
    option: &str,
    value: &str,
    certificate: &Certificate,
    parsed: &Parsed,
    style: NameStyle,
) -> String {
    let start = || format!("notBefore={}\n", civil(certificate.not_before).to_openssl());
    let end = || format!("notAfter={}\n", civil(certificate.not_after).to_openssl());
    match option {
        "text" => show::certificate(certificate, style),
        "subject" => format!("subject={}\n", show::name(&certificate.subject, style)),
        "issuer" => format!("issuer={}\n", show::name(&certificate.issuer, style)),
        "serial" => {
            let digits = match certificate.serial.as_slice() {
                [0, rest @ ..] if !rest.is_empty() => rest,
                all => all,
            };
            format!(
                "serial={}\n",
                guest_tls::text::to_hex(digits).to_ascii_uppercase()
            )
        }
        "startdate" => start(),
        "enddate" => end(),
        "fingerprint" => {
            let digest = parsed
                .value("*")
                .and_then(Digest::named)
                .unwrap_or(Digest::Sha1);
            let name = digest.name();
            format!(
                "{} Fingerprint={}\n",
                // The digest's name as it was typed, but SHA-1's.
                if name == "sha1" { "SHA1" } else { name },
                show::upper_hex(&digest.of(certificate.der()))
            )
        }
        "email" => emails(certificate),
        "pubkey" => certificate.key.to_pem(),
        "modulus" => modulus(&certificate.key, "No modulus for this public key type"),
        "ext" => {
            let wanted: Vec<&str> = value.split(',').map(str::trim).collect();
            let wanted = |object: &Object| {
                wanted
                    .iter()
                    .any(|name| object.short() == *name || object.long() == *name)
            };
            let found = certificate
                .extensions
                .iter()
                .filter(|one| wanted(&one.object));
            let found: Vec<&Extension> = found.collect();
            if found.is_empty() {
                warn("No extensions in certificate");
            }
            show::extensions(&found, 0)
        }
        _ => String::new(),
    }
}

fn emails(certificate: &Certificate) -> String {
    let in_name = certificate.subject.sets.iter().flatten();
    let in_name = in_name
        .filter(|attribute| attribute.object == *id::EMAIL)
        .map(guest_tls::cert::Attribute::text);
    let names = certificate.alt_names();
    let in_extension = names.iter().filter_map(|name| match name {
        guest_tls::cert::AltName::Email(text) => Some(text.clone()),
        _ => None,
    });
    in_name
        .chain(in_extension)
        .map(|text| text + "\n")
        .collect()
}
