//! `req`: requests, and certificates that sign themselves.
//!
//! Never a key with a pass phrase: `-nodes` must be said where one would be asked for.

use crate::conf::Conf;
use crate::files::{Failure, complain, now, print, warn, write};
use crate::keys::{Wanted, bits, curve};
use crate::options::{Command, DIGEST, Parsed, flag, format, number, text};
use crate::{ask, show, store, subject};
use guest_tls::cert::{Builder, Certificate, Extension, Making, Name, Request, make_extension};
use guest_tls::chance;
use guest_tls::key::{Key, PublicKey};

pub(crate) const REQ: Command = Command {
    name: "req",
    operands: "",
    options: &[
        text("in", "infile", "X.509 request input file (default stdin)"),
        format("inform", "Input format; found out by itself"),
        text("out", "outfile", "Output file"),
        format("outform", "Output format - DER or PEM"),
        flag("new", "New request"),
        flag(
            "x509",
            "Output an X.509 certificate instead of a certificate request",
        ),
        text("newkey", "val", "Generate a new key: rsa:N or ec"),
        text(
            "pkeyopt",
            "val",
            "ec_paramgen_curve:P-256 or rsa_keygen_bits:N",
        ),
        text("key", "val", "Key for signing, and to include"),
        text("keyout", "outfile", "File to write the private key to"),
        flag("nodes", "Do not encrypt the private key"),
        flag("noenc", "Do not encrypt the private key"),
        text("subj", "val", "Set or modify subject of request or cert"),
        text("addext", "val", "Additional cert extension key=value pair"),
        text("config", "infile", "Request template file"),
        text(
            "extensions",
            "val",
            "Cert extension section of the config file",
        ),
        text(
            "reqexts",
            "val",
            "Request extension section of the config file",
        ),
        number("days", "Number of days certificate is valid for"),
        text("set_serial", "val", "Serial number to use"),
        text(
            "CA",
            "infile",
            "Issuer cert to use for signing a cert, implies -x509",
        ),
        text("CAkey", "val", "Issuer private key to use with -CA"),
        flag("batch", "Do not ask anything during request generation"),
        flag("text", "Text form of request"),
        flag("noout", "Do not output REQ"),
        flag("verify", "Verify self-signature on the request"),
        flag("pubkey", "Output public key"),
        flag("subject", "Print the subject of the output request or cert"),
        flag("modulus", "RSA modulus"),
        text("nameopt", "val", "oneline, RFC2253, compat or multiline"),
        flag("utf8", "Input characters are UTF8, which they always are"),
        DIGEST,
    ],
    run,
};

/// What comes out.
enum Made {
    Request(Request),
    Certificate(Certificate),
}

impl Made {
    fn subject(&self) -> &Name {
        match self {
            Self::Request(request) => &request.subject,
            Self::Certificate(certificate) => &certificate.subject,
        }
    }

    fn key(&self) -> &PublicKey {
        match self {
            Self::Request(request) => &request.key,
            Self::Certificate(certificate) => &certificate.key,
        }
    }
}

fn run(parsed: &Parsed) -> Result<i32, Failure> {
    let conf = parsed.value("config").map(Conf::load).transpose()?;
    let x509 = parsed.has("x509") || parsed.has("CA");
    let new = parsed.has("new")
        || parsed.value("newkey").is_some()
        || (x509 && parsed.value("in").is_none());
    let made = if new {
        let (key, fresh) = signing_key(parsed, conf.as_ref())?;
        if fresh {
            keep_key(parsed, conf.as_ref(), &key)?;
            warn("-----");
        }
        let name = name(parsed, conf.as_ref())?;
        make(parsed, conf.as_ref(), &key, name, x509)?
    } else {
        let request = store::request(parsed.value("in"))?;
        if x509 {
            let key = parsed
                .value("key")
                .ok_or_else(|| parsed.misuse("Must specify -key or -CA"))?;
            let key = store::key(Some(key), "private key")?;
            Made::Certificate(certify(
                parsed,
                conf.as_ref(),
                &request.key.clone(),
                &key,
                request.subject,
            )?)
        } else {
            Made::Request(request)
        }
    };
    output(parsed, &made)
}

/// The key of `-key`, or a new one.
fn signing_key(parsed: &Parsed, conf: Option<&Conf>) -> Result<(Key, bool), Failure> {
    if let (Some(file), None) = (parsed.value("key"), parsed.value("newkey")) {
        return Ok((store::key(Some(file), "private key")?, false));
    }
    let options = parsed.given.iter().filter(|(name, _)| *name == "pkeyopt");
    let default = conf
        .and_then(|conf| conf.value("req", "default_bits"))
        .unwrap_or("2048");
    let asked = parsed.value("newkey").unwrap_or("rsa");
    let (kind, rest) = asked.split_once(':').unwrap_or((asked, default));
    let mut wanted = match kind {
        "rsa" => Some(Wanted::Rsa(bits(rest, "Error setting keysize")?)),
        "ec" => None,
        _ => {
            return Err(complain(format!(
                "Error allocating keygen context\nerror:0308010C:digital envelope routines::unsupported:Algorithm ({kind})"
            )));
        }
    };
    for (_, value) in options {
        wanted = match (kind, value.split_once(':')) {
            ("ec", Some(("ec_paramgen_curve", name))) => Some(curve(name)?),
            ("ec", Some(("ec_param_enc", "named_curve"))) => wanted,
            ("rsa", Some(("rsa_keygen_bits", count))) => {
                Some(Wanted::Rsa(bits(count, "Error setting keysize")?))
            }
            _ => return Err(complain(format!("parameter error \"{value}\""))),
        };
    }
    let wanted = wanted.ok_or_else(|| {
        complain("Error Generating Key\nerror:0800008B:elliptic curve routines::no parameters set")
    })?;
    Ok((wanted.make(), true))
}

fn keep_key(parsed: &Parsed, conf: Option<&Conf>, key: &Key) -> Result<(), Failure> {
    let conf_says = conf.and_then(|conf| conf.value("req", "encrypt_key"));
    if !parsed.has("nodes") && !parsed.has("noenc") && conf_says != Some("no") {
        return Err(complain(
            "req: a key with a pass phrase is not in this lab: add -nodes",
        ));
    }
    let file = parsed
        .value("keyout")
        .or_else(|| conf.and_then(|conf| conf.value("req", "default_keyfile")))
        .or(if conf.is_none() {
            Some("privkey.pem")
        } else {
            None
        });
    write(file, key.to_pem().as_bytes())
}

fn name(parsed: &Parsed, conf: Option<&Conf>) -> Result<Name, Failure> {
    if let Some(text) = parsed.value("subj") {
        return subject::parse("req", text);
    }
    let section = conf.and_then(|conf| conf.value("req", "distinguished_name"));
    let Some((conf, section)) = conf.zip(section) else {
        if conf.is_some() {
            return Err(complain("Unable to find 'distinguished_name' in config"));
        }
        if parsed.has("batch") {
            return subject::parse("req", "/C=AU/ST=Some-State/O=Internet Widgits Pty Ltd");
        }
        return ask::subject();
    };
    if conf.value("req", "prompt") != Some("no") {
        return ask::subject();
    }
    let lines = conf.section(section).unwrap_or_default().iter();
    let sets: Vec<Vec<(String, String)>> = lines
        .map(|(name, value)| {
            // `0.organizationName`: the number only keeps the keys apart.
            let name = match name.split_once('.') {
                Some((number, rest)) if number.parse::<u32>().is_ok() => rest,
                _ => name,
            };
            vec![(name.to_owned(), value.clone())]
        })
        .collect();
    Name::build(&sets).map_err(|name| {
        complain(format!(
            "problems making Certificate Request\nunknown attribute {name}"
        ))
    })
}

fn make(
    parsed: &Parsed,
    conf: Option<&Conf>,
    key: &Key,
    name: Name,
    x509: bool,
) -> Result<Made, Failure> {
    if x509 {
        let certificate = certify(parsed, conf, &key.public(), key, name)?;
        return Ok(Made::Certificate(certificate));
    }
    let section = parsed
        .value("reqexts")
        .or_else(|| conf?.value("req", "req_extensions"));
    let public = key.public();
    let making = Making {
        subject_key: Some(&public),
        ..Making::default()
    };
    let extensions = extensions(parsed, conf, section, &[], &making)?;
    let request = Request::build(&name, key, &extensions, parsed.digest());
    request.map(Made::Request).ok_or_else(too_small)
}

fn too_small() -> Failure {
    complain("error:02000070:rsa routines::digest too big for rsa key")
}

/// What Debian's configuration gives a certificate that signs itself.
const V3_CA: &[(&str, &str)] = &[
    ("subjectKeyIdentifier", "hash"),
    ("authorityKeyIdentifier", "keyid:always,issuer"),
    ("basicConstraints", "critical,CA:true"),
];

fn certify(
    parsed: &Parsed,
    conf: Option<&Conf>,
    public: &PublicKey,
    key: &Key,
    name: Name,
) -> Result<Certificate, Failure> {
    let issuer = parsed
        .value("CA")
        .map(|file| store::certificate(Some(file), "issuer cert from -CA arg"))
        .transpose()?;
    let issuer_key = match (&issuer, parsed.value("CAkey").or(parsed.value("CA"))) {
        (Some(_), file) => store::key(file, "issuer private key from -CAkey arg")?,
        (None, _) => key.clone(),
    };
    let issuer_public = issuer_key.public();
    if issuer
        .as_ref()
        .is_some_and(|issuer| issuer.key != issuer_public)
    {
        return Err(complain("Issuer CA certificate and key do not match"));
    }
    let making = Making {
        subject_key: Some(public),
        issuer: issuer.as_ref(),
        issuer_key: Some(&issuer_public),
    };
    let section = parsed
        .value("extensions")
        .or_else(|| conf?.value("req", "x509_extensions"));
    let default = if conf.is_none() && section.is_none() {
        V3_CA
    } else {
        &[]
    };
    let extensions = extensions(parsed, conf, section, default, &making)?;
    let serial = match parsed.value("set_serial") {
        Some(text) => crate::x509::serial_number(text)?,
        None => Builder::random_serial(&mut chance::fill),
    };
    let days = i64::try_from(parsed.number("days").unwrap_or(30)).unwrap_or(30);
    let builder = Builder {
        serial,
        issuer: issuer.map_or_else(|| name.clone(), |issuer| issuer.subject),
        subject: name,
        not_before: now(),
        not_after: now() + days.min(3_000_000) * 86_400,
        key: public.clone(),
        extensions,
    };
    builder
        .sign(&issuer_key, parsed.digest())
        .ok_or_else(too_small)
}

/// The section's extensions, then those of `-addext`, which replace others of their kind.
fn extensions(
    parsed: &Parsed,
    conf: Option<&Conf>,
    section: Option<&str>,
    default: &[(&str, &str)],
    making: &Making<'_>,
) -> Result<Vec<Extension>, Failure> {
    let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut words: Vec<(String, String)> = default.iter().map(own).collect();
    if let Some(section) = section {
        words = conf
            .and_then(|conf| conf.extensions(section))
            .ok_or_else(|| complain(format!("Error checking extension section {section}")))?;
    }
    let mut added: Vec<(String, String)> = Vec::new();
    for (_, text) in parsed.given.iter().filter(|(name, _)| *name == "addext") {
        let Some((name, value)) = text.split_once('=') else {
            return Err(complain(format!(
                "Duplicate extension: {text}\nreq: Use -help for summary."
            )));
        };
        let name = name.trim();
        if added.iter().any(|(other, _)| other == name) {
            return Err(complain(format!(
                "Duplicate extension: {text}\nreq: Use -help for summary."
            )));
        }
        added.push((name.to_owned(), value.trim().to_owned()));
    }
    words.retain(|(name, _)| !added.iter().any(|(other, _)| other == name));
    let mut all = Vec::new();
    for (from, list) in [("section", &words), ("-addext", &added)] {
        for (name, value) in list {
            let made = make_extension(name, value, making).map_err(|reason| {
                let head = if from == "-addext" {
                    "Error checking extensions defined using -addext".to_owned()
                } else {
                    format!("Error checking extension section {}", section.unwrap_or("default"))
                };
                complain(format!(
                    "{head}\nX509 V3 routines::{reason}\nerror:11000080:X509 V3 routines::error in extension:section=default, name={name}, value={value}"
                ))
            })?;
            all.extend(made);
        }
    }
    Ok(all)
}

fn output(parsed: &Parsed, made: &Made) -> Result<i32, Failure> {
    let style = crate::x509::name_style(parsed)?;
    let mut out = String::new();
    let mut code = 0;
    if parsed.has("verify")
        && let Made::Request(request) = made
    {
        if request.is_signed() {
            warn("Certificate request self-signature verify OK");
        } else {
            warn("Certificate request self-signature verify failure");
            code = 1;
        }
    }
    if parsed.has("pubkey") {
        out.push_str(&made.key().to_pem());
    }
    if parsed.has("text") {
        out.push_str(&match made {
            Made::Request(request) => show::request(request, style),
            Made::Certificate(certificate) => show::certificate(certificate, style),
        });
    }
    if parsed.has("subject") {
        out.push_str(&format!("subject={}\n", show::name(made.subject(), style)));
    }
    if parsed.has("modulus") {
        out.push_str(&crate::x509::modulus(made.key(), "Wrong Algorithm type"));
    }
    let der = matches!(parsed.value("outform"), Some("DER" | "der"));
    let mut bytes = out.into_bytes();
    if !parsed.has("noout") {
        let (pem, raw) = match made {
            Made::Request(request) => (request.to_pem(), request.der()),
            Made::Certificate(certificate) => (certificate.to_pem(), certificate.der()),
        };
        bytes.extend(if der { raw.to_vec() } else { pem.into_bytes() });
    }
    if parsed.value("out").is_some() || !bytes.is_empty() {
        write(parsed.value("out"), &bytes)?;
    } else {
        print("")?;
    }
    Ok(code)
}
