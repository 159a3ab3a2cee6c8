//! Extensions in text.
//!
//! Never an extension's meaning beyond those named here: others are shown as their letters, with a
//! dot for each byte that is none, which is what OpenSSL does with extensions that it does not know.

use super::{oneline, upper_hex};
use guest_tls::cert::{AltName, Extension, USAGES};
use guest_tls::der::{Reader, id, tag};

/// Each with its name and contents, from this indentation on.
pub(crate) fn extensions(all: &[&Extension], indent: usize) -> String {
    let pad = " ".repeat(indent);
    all.iter()
        .map(|extension| {
            let critical = if extension.critical { "critical" } else { "" };
            let name = extension.object.long();
            let contents: String = contents(extension)
                .unwrap_or_else(|| vec![letters(&extension.value)])
                .iter()
                .map(|line| format!("{pad}    {line}\n"))
                .collect();
            format!("{pad}{name}: {critical}\n{contents}")
        })
        .collect()
}

fn letters(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b' '..=b'~' | b'\n' | b'\r' => char::from(*byte),
            _ => '.',
        })
        .collect()
}

/// The lines of an extension's contents.
fn contents(extension: &Extension) -> Option<Vec<String>> {
    let line = |text: String| Some(vec![text]);
    match extension.object.dotted() {
        id::SUBJECT_KEY_ID => line(upper_hex(extension.key_id()?)),
        id::AUTHORITY_KEY_ID => authority(extension),
        id::BASIC_CONSTRAINTS => {
            let (ca, length) = extension.basic_constraints()?;
            let ca = if ca { "CA:TRUE" } else { "CA:FALSE" };
            line(match length {
                Some(length) => format!("{ca}, pathlen:{length}"),
                None => ca.to_owned(),
            })
        }
        id::KEY_USAGE => {
            let usage = extension.key_usage()?;
            let names = USAGES.iter().enumerate();
            let named = names.filter(|(place, _)| usage >> place & 1 == 1);
            let named: Vec<&str> = named.map(|(_, (_, name))| *name).collect();
            line(named.join(", "))
        }
        id::EXT_KEY_USAGE => {
            let purposes = extension.purposes()?;
            let names: Vec<&str> = purposes.iter().map(|purpose| purpose.long()).collect();
            line(names.join(", "))
        }
        id::ALT_NAME | id::ISSUER_ALT_NAME => {
            let names: Vec<String> = extension.alt_names()?.iter().map(alt_name).collect();
            line(if names.is_empty() {
                "<EMPTY>".to_owned()
            } else {
                names.join(", ")
            })
        }
        "1.3.6.1.5.5.7.1.1" => information_access(extension),
        "2.16.840.1.113730.1.13" => {
            let text = Reader::new(&extension.value).expect(tag::IA5_STRING)?;
            line(letters(text.body))
        }
        _ => None,
    }
}

fn authority(extension: &Extension) -> Option<Vec<String>> {
    let authority = extension.authority()?;
    let alone = authority.issuer.is_empty() && authority.serial.is_none();
    let mut lines = Vec::new();
    if let Some(key) = &authority.key {
        let prefix = if alone { "" } else { "keyid:" };
        lines.push(format!("{prefix}{}", upper_hex(key)));
    }
    lines.extend(authority.issuer.iter().map(alt_name));
    if let Some(serial) = &authority.serial {
        // The sign's byte is no part of the number.
        let magnitude = match serial.as_slice() {
            [0, rest @ ..] if !rest.is_empty() => rest,
            all => all,
        };
        lines.push(format!("serial:{}", upper_hex(magnitude)));
    }
    Some(lines)
}

fn information_access(extension: &Extension) -> Option<Vec<String>> {
    let mut list = Reader::new(&extension.value).sequence()?;
    let mut lines = Vec::new();
    while !list.is_done() {
        let mut access = list.sequence()?;
        let method = access.object()?;
        let name = match method.dotted() {
            "1.3.6.1.5.5.7.48.1" => "OCSP",
            "1.3.6.1.5.5.7.48.2" => "CA Issuers",
            other => other,
        };
        let place = access.any().filter(|place| place.tag == 0x86)?;
        lines.push(format!("{name} - URI:{}", letters(place.body)));
    }
    Some(lines)
}

fn alt_name(name: &AltName) -> String {
    match name {
        AltName::Dns(text) => format!("DNS:{}", letters(text.as_bytes())),
        AltName::Email(text) => format!("email:{}", letters(text.as_bytes())),
        AltName::Uri(text) => format!("URI:{}", letters(text.as_bytes())),
        AltName::Ip(bytes) => match bytes.len() {
            4 => {
                let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
                format!("IP Address:{}", numbers.join("."))
            }
            16 => {
                let groups: Vec<String> = bytes
                    .chunks(2)
                    .map(|two| format!("{:X}", u16::from_be_bytes([two[0], two[1]])))
                    .collect();
                format!("IP Address:{}", groups.join(":"))
            }
            _ => "IP Address:<invalid>".to_owned(),
        },
        AltName::Directory(name) => format!("DirName:{}", oneline(name)),
        AltName::Registered(object) => format!("Registered ID:{}", object.long()),
        AltName::Other(0xa0) => "othername:<unsupported>".to_owned(),
        AltName::Other(0xa3) => "X400Name:<unsupported>".to_owned(),
        AltName::Other(0xa5) => "EdiPartyName:<unsupported>".to_owned(),
        AltName::Other(kind) => format!("<unknown name {kind}>"),
    }
}
