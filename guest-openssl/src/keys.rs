//! `genrsa`, `genpkey`, `ecparam`, `rsa`, `ec`, `pkey`: keys made, shown and rewritten.
//!
//! Never another algorithm than RSA and P-256, and never a pass phrase.

use crate::files::{Failure, complain, print, warn, write};
use crate::options::{Command, Parsed, flag, format, text};
use crate::{show, store};
use guest_tls::key::{Key, PublicKey, generate_p256, generate_rsa};
use guest_tls::{chance, pem};

pub(crate) const GENRSA: Command = Command {
    name: "genrsa",
    operands: "[numbits]",
    options: &[
        text("out", "outfile", "Output the key to specified file"),
        flag("traditional", "Use traditional format for private keys"),
    ],
    run: genrsa,
};

pub(crate) const GENPKEY: Command = Command {
    name: "genpkey",
    operands: "",
    options: &[
        text("algorithm", "val", "The public key algorithm: RSA or EC"),
        text(
            "pkeyopt",
            "val",
            "rsa_keygen_bits:N or ec_paramgen_curve:P-256",
        ),
        text("out", "outfile", "Output file"),
        format("outform", "Output format (PEM or DER)"),
        flag("text", "Print the private key in text"),
        flag(
            "quiet",
            "Do not output status while generating keys; none is shown here",
        ),
    ],
    run: genpkey,
};

pub(crate) const ECPARAM: Command = Command {
    name: "ecparam",
    operands: "",
    options: &[
        text(
            "name",
            "val",
            "Use the ec parameters with 'short name' name",
        ),
        flag("genkey", "Generate ec key"),
        flag("noout", "Do not print the ec parameter"),
        flag("text", "Print the ec parameters in text form"),
        text("out", "outfile", "Output file - default stdout"),
    ],
    run: ecparam,
};

pub(crate) const RSA: Command = Command {
    name: "rsa",
    operands: "",
    options: &[
        text("in", "val", "Input file"),
        text("out", "outfile", "Output file"),
        format("inform", "Input format; found out by itself"),
        format("outform", "Output format (PEM or DER)"),
        flag("pubin", "Expect a public key in input file"),
        flag("pubout", "Output a public key"),
        flag("noout", "Don't print key out"),
        flag("text", "Print the key in text"),
        flag("modulus", "Print the RSA key modulus"),
        flag("check", "Verify key consistency"),
        flag("traditional", "Use traditional format for private keys"),
    ],
    run: rsa,
};

pub(crate) const EC: Command = Command {
    name: "ec",
    operands: "",
    options: &[
        text("in", "val", "Input file"),
        text("out", "outfile", "Output file"),
        format("inform", "Input format; found out by itself"),
        format("outform", "Output format (PEM or DER)"),
        flag("pubin", "Expect a public key in input file"),
        flag("pubout", "Output public key, not private"),
        flag("noout", "Don't print key out"),
        flag("text", "Print the key in text"),
        flag("check", "Check key consistency"),
    ],
    run: ec,
};

pub(crate) const PKEY: Command = Command {
    name: "pkey",
    operands: "",
    options: &[
        text("in", "val", "Input key"),
        text(
            "out",
            "outfile",
            "Output file for encoded and/or text output",
        ),
        format("inform", "Key input format; found out by itself"),
        format("outform", "Output encoding (DER or PEM)"),
        flag("pubin", "Read only public components from key input"),
        flag("pubout", "Restrict encoded output to public components"),
        flag("noout", "Do not output the key in encoded form"),
        flag("text", "Output key components in plaintext"),
        flag("text_pub", "Output only public key components in text form"),
        flag("check", "Check key consistency"),
        flag(
            "traditional",
            "Use traditional format for private key PEM output",
        ),
    ],
    run: pkey,
};

/// A key as `-newkey` and `-pkeyopt` ask for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Rsa(usize),
    P256,
}

impl Wanted {
    pub(crate) fn make(self) -> Key {
        match self {
            Self::Rsa(bits) => generate_rsa(bits, &mut chance::fill),
            Self::P256 => generate_p256(&mut chance::fill),
        }
    }
}

/// A number of bits that keys are made of; OpenSSL's words for others.
pub(crate) fn bits(text: &str, complaint: &str) -> Result<usize, Failure> {
    let bits: usize = text
        .parse()
        .map_err(|_| complain(format!("Can't parse \"{text}\" as a number")))?;
    if bits < 512 {
        return Err(complain(format!(
            "{complaint}\nerror:1C8000AB:Provider routines::key size too small"
        )));
    }
    if bits > 8192 || !bits.is_multiple_of(16) {
        return Err(complain(format!(
            "{complaint}\nkeys of {bits} bits are not in this lab: up to 8192, a multiple of 16"
        )));
    }
    Ok(bits)
}

/// P-256 by one of its names; OpenSSL's words for what is none.
pub(crate) fn curve(name: &str) -> Result<Wanted, Failure> {
    match name {
        "prime256v1" | "P-256" | "secp256r1" => Ok(Wanted::P256),
        _ => Err(complain(
            "error:0800008D:elliptic curve routines::invalid curve",
        )),
    }
}

fn genrsa(parsed: &Parsed) -> Result<i32, Failure> {
    let count = match parsed.rest.as_slice() {
        [] => 2048,
        [one] => bits(one, "Error setting RSA length").map_err(|mut failure| {
            if failure.text.starts_with("Can't") {
                failure.text.insert_str(0, "genrsa: ");
            }
            failure
        })?,
        _ => {
            return Err(complain(
                "Extra arguments given.\ngenrsa: Use -help for summary.",
            ));
        }
    };
    let key = Wanted::Rsa(count).make();
    let pem = if parsed.has("traditional") {
        key.to_traditional_pem()
    } else {
        key.to_pem()
    };
    write(parsed.value("out"), pem.as_bytes())?;
    Ok(0)
}

fn genpkey(parsed: &Parsed) -> Result<i32, Failure> {
    let options = parsed.given.iter().filter(|(name, _)| *name == "pkeyopt");
    let options: Vec<(&str, &str)> = options
        .filter_map(|(_, value)| value.split_once(':'))
        .collect();
    let wanted = match parsed.value("algorithm") {
        None => return Err(complain("genpkey: Use -help for summary.")),
        Some(rsa) if rsa.eq_ignore_ascii_case("RSA") => {
            let mut count = 2048;
            for (name, value) in options {
                match name {
                    "rsa_keygen_bits" => count = bits(value, "Error setting keysize")?,
                    _ => return Err(parameter(name, value)),
                }
            }
            Wanted::Rsa(count)
        }
        Some(ec) if ec.eq_ignore_ascii_case("EC") => {
            let mut found = None;
            for (name, value) in options {
                match name {
                    "ec_paramgen_curve" => {
                        found = Some(curve(value).map_err(|_| parameter(name, value))?);
                    }
                    "ec_param_enc" if value == "named_curve" => {}
                    _ => return Err(parameter(name, value)),
                }
            }
            found.ok_or_else(|| {
                complain("genpkey: Error generating EC key\nerror:08000089:elliptic curve routines::no parameters set")
            })?
        }
        Some(other) => {
            return Err(complain(format!(
                "Error initializing {other} context\nerror:0308010C:digital envelope routines::unsupported:Algorithm ({other})"
            )));
        }
    };
    let key = wanted.make();
    let mut bytes = match form(parsed) {
        Form::Der => key.to_pkcs8(),
        Form::Pem => key.to_pem().into_bytes(),
    };
    if parsed.has("text") {
        bytes.extend(show::private_key(&key).into_bytes());
    }
    write(parsed.value("out"), &bytes)?;
    Ok(0)
}

fn parameter(name: &str, value: &str) -> Failure {
    complain(format!("genpkey: Error setting {name}:{value} parameter:"))
}

const PARAMETERS: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn ecparam(parsed: &Parsed) -> Result<i32, Failure> {
    let Some(name) = parsed.value("name") else {
        return Err(parsed.misuse("-name is missing: parameters are not read from files here"));
    };
    curve(name)?;
    let mut out = String::new();
    if parsed.has("text") {
        out.push_str("EC-Parameters: (256 bit)\nASN1 OID: prime256v1\nNIST CURVE: P-256\n");
    }
    if !parsed.has("noout") {
        out.push_str(&pem::write("EC PARAMETERS", PARAMETERS));
    }
    if parsed.has("genkey") {
        out.push_str(&Wanted::P256.make().to_traditional_pem());
    }
    write(parsed.value("out"), out.as_bytes())?;
    Ok(0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Pem,
    Der,
}

fn form(parsed: &Parsed) -> Form {
    match parsed.value("outform") {
        Some("DER" | "der") => Form::Der,
        _ => Form::Pem,
    }
}

/// What was read.
enum Either {
    Private(Key),
    Public(PublicKey),
}

impl Either {
    fn load(parsed: &Parsed, private: &str) -> Result<Self, Failure> {
        if parsed.has("pubin") {
            let what = if parsed.command == "pkey" {
                "key"
            } else {
                "public key"
            };
            return store::public_key(parsed.value("in"), what).map(Self::Public);
        }
        store::key(parsed.value("in"), private).map(Self::Private)
    }

    fn public(&self) -> PublicKey {
        match self {
            Self::Private(key) => key.public(),
            Self::Public(key) => key.clone(),
        }
    }

    fn text(&self, public: bool) -> String {
        match self {
            Self::Private(key) if !public => show::private_key(key),
            _ => show::public_key(&self.public(), 0),
        }
    }

    fn encoded(&self, parsed: &Parsed, traditional: bool) -> Vec<u8> {
        let der = form(parsed) == Form::Der;
        match self {
            Self::Private(key) if !parsed.has("pubout") => match (der, traditional) {
                (true, true) => key.to_traditional(true),
                (true, false) => key.to_pkcs8(),
                (false, true) => key.to_traditional_pem().into_bytes(),
                (false, false) => key.to_pem().into_bytes(),
            },
            _ if der => self.public().to_spki(),
            _ => self.public().to_pem().into_bytes(),
        }
    }
}

fn rsa(parsed: &Parsed) -> Result<i32, Failure> {
    let key = Either::load(parsed, "private key")?;
    let PublicKey::Rsa(public) = key.public() else {
        return Err(complain("Not an RSA key"));
    };
    let mut out = Vec::new();
    if parsed.has("text") {
        out.extend(key.text(false).into_bytes());
    }
    if parsed.has("modulus") {
        let hex = guest_tls::text::to_hex(&public.n.to_bytes()).to_ascii_uppercase();
        out.extend(format!("Modulus={hex}\n").into_bytes());
    }
    // Keys that do not fit are not even loaded.
    if parsed.has("check") {
        out.extend(b"RSA key ok\n");
    }
    if !parsed.has("noout") {
        warn("writing RSA key");
        let traditional = parsed.has("traditional") || form(parsed) == Form::Der;
        out.extend(key.encoded(parsed, traditional));
    }
    write(parsed.value("out"), &out)?;
    Ok(0)
}

fn ec(parsed: &Parsed) -> Result<i32, Failure> {
    warn("read EC key");
    let key = Either::load(
        parsed,
        if parsed.has("pubin") {
            "public key"
        } else {
            "private key"
        },
    )?;
    if !matches!(key.public(), PublicKey::P256(_)) {
        return Err(complain("Not an EC key"));
    }
    let mut out = Vec::new();
    if parsed.has("text") {
        out.extend(key.text(false).into_bytes());
    }
    if parsed.has("check") {
        warn("EC Key valid.");
    }
    if !parsed.has("noout") {
        warn("writing EC key");
        out.extend(key.encoded(parsed, true));
    }
    write(parsed.value("out"), &out)?;
    Ok(0)
}

fn pkey(parsed: &Parsed) -> Result<i32, Failure> {
    let key = Either::load(parsed, "key")?;
    let mut out = Vec::new();
    if parsed.has("check") {
        print("Key is valid\n")?;
    }
    if !parsed.has("noout") {
        // DER is always PKCS#1 or SEC1, as it has been since before PKCS#8.
        let traditional = parsed.has("traditional") || form(parsed) == Form::Der;
        out.extend(key.encoded(parsed, traditional));
    }
    if parsed.has("text_pub") {
        out.extend(key.text(true).into_bytes());
    } else if parsed.has("text") {
        out.extend(key.text(parsed.has("pubout")).into_bytes());
    }
    write(parsed.value("out"), &out)?;
    Ok(0)
}
