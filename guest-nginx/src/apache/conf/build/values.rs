//! Values of directives that need no place to stand in: levels, names, addresses, status numbers.
//! Each says in Apache's words what makes no sense.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::Said;
use crate::apache::PRODUCT;
use crate::apache::conf::model::{Act, Change, Matcher, Net, Redirect, Settings};
use crate::conf::pattern::Pattern;
use crate::vars::Names;

const LEVELS: [&str; 8] = [
    "emerg", "alert", "crit", "error", "warn", "notice", "info", "debug",
];

/// A regular expression, in the manner of the configuration.
pub(super) fn pattern(text: &str) -> Said<Pattern> {
    Pattern::new(text, false, &mut Names::default())
        .map_err(|_| "Regex could not be compiled".to_owned())
}

/// Addresses as `Require ip`, `Allow` and `Deny` name them: whole, begun, or with a mask.
pub(super) fn net(word: &str) -> Option<Net> {
    let (text, mask) = word
        .split_once('/')
        .map_or((word, None), |(text, mask)| (text, Some(mask)));
    let parts: Vec<&str> = text.trim_end_matches('.').split('.').collect();
    let mut octets = [0; 4];
    for (own, part) in octets.iter_mut().zip(&parts) {
        *own = part.parse().ok()?;
    }
    let begun = u32::try_from(parts.len())
        .ok()
        .filter(|count| *count <= 4)?
        * 8;
    let bits = match mask {
        None => begun,
        Some(mask) => match mask.parse::<Ipv4Addr>() {
            Ok(mask) => u32::from(mask).leading_ones(),
            Err(_) => mask.parse().ok().filter(|bits| *bits <= 32)?,
        },
    };
    Some(Net {
        address: Ipv4Addr::from(octets),
        bits,
    })
}

/// The address of `Listen`.
pub(super) fn listen(args: &[String]) -> Said<SocketAddrV4> {
    let word = &args[0];
    if let Some(protocol) = args.get(1).filter(|protocol| *protocol != "http") {
        return Err(format!("Listen for {protocol} is not in this lab"));
    }
    let (address, port) = word.rsplit_once(':').unwrap_or(("*", word));
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err("Port must be specified".to_owned());
    }
    let port: u16 = port.parse().unwrap_or(0);
    let address = match address {
        // There is no IPv6 in the lab; its «any» means every address there is.
        "*" | "[::]" => Some(Ipv4Addr::UNSPECIFIED),
        address => address.parse().ok(),
    };
    match address {
        Some(address) if port > 0 => Ok(SocketAddrV4::new(address, port)),
        _ => Err("Invalid address or port".to_owned()),
    }
}

/// Status, path and place of the `Redirect` directives.
pub(super) fn redirect(name: &str, args: &[String]) -> Said<Redirect> {
    let word = args[0].as_str();
    let number = || {
        let digit = word.as_bytes().first().is_some_and(u8::is_ascii_digit);
        word.parse::<u16>().ok().filter(|_| digit)
    };
    let named = match word {
        "permanent" => Some(301),
        "temp" => Some(302),
        "seeother" => Some(303),
        "gone" => Some(410),
        _ => number(),
    };
    let (status, rest) = match (name, named) {
        ("RedirectPermanent", _) => (301, args),
        ("Redirect" | "RedirectMatch", Some(status)) => (status, &args[1..]),
        ("Redirect" | "RedirectMatch", None) if args.len() == 3 => {
            return Err(format!("{name}: invalid first argument (of three)"));
        }
        _ => (302, args),
    };
    let from = rest.first().cloned().unwrap_or_default();
    let to = rest.get(1).cloned().unwrap_or_default();
    let moved = (300..400).contains(&status);
    if !moved && !to.is_empty() {
        return Err("Redirect URL not valid for this status".to_owned());
    }
    if moved && to.is_empty() {
        return Err("URL to redirect to is missing".to_owned());
    }
    let grouped = name == "RedirectMatch";
    if moved && !grouped && !to.starts_with('/') && !to.contains("://") {
        return Err("Redirect to non-URL".to_owned());
    }
    let from = if grouped {
        let wrong = |_| "Regular expression could not be compiled.".to_owned();
        Matcher::Pattern(pattern(&from).map_err(wrong)?)
    } else {
        Matcher::Path(from)
    };
    Ok(Redirect { status, from, to })
}

/// `Header`, as far as it needs no look at the request.
pub(super) fn header(args: &[String]) -> Said<Change> {
    let (always, args) = match args.first().map(String::as_str) {
        Some("always") => (true, &args[1..]),
        Some("onsuccess") => (false, &args[1..]),
        _ => (false, args),
    };
    let word = args.first().map(|word| word.to_ascii_lowercase());
    let act = match word.as_deref() {
        Some("add") => Act::Add,
        Some("set") => Act::Set,
        Some("setifempty") => Act::SetIfEmpty,
        Some("append") => Act::Append,
        Some("merge") => Act::Merge,
        Some("unset") => Act::Unset,
        Some(other @ ("echo" | "note" | "edit" | "edit*")) => {
            return Err(format!("Header {other} is not in this lab"));
        }
        _ => {
            return Err(
                "first argument must be 'add', 'set', 'setifempty', 'append', 'merge', 'unset', \
                 'echo', 'note', 'edit', or 'edit*'."
                    .to_owned(),
            );
        }
    };
    let name = args.get(1).cloned().unwrap_or_default();
    let value = args.get(2).cloned().unwrap_or_default();
    match (act, args.len()) {
        (Act::Unset, 3..) => return Err(format!("Unknown parameter: {value}")),
        (Act::Unset, _) => {}
        (_, 0..=2) => return Err("Header requires three arguments".to_owned()),
        (_, 4..) => return Err("conditions of Header are not in this lab".to_owned()),
        _ => {}
    }
    if value.replace("%%", "").contains('%') {
        return Err(format!("Header value {value}: formats are not in this lab"));
    }
    Ok(Change {
        always,
        act,
        name: name.trim_end_matches(':').to_owned(),
        value: value.replace("%%", "%"),
    })
}

/// A number of seconds, or of milliseconds when it says so, in milliseconds.
pub(super) fn millis(name: &str, word: &str) -> Said<u64> {
    let (number, unit) = match word.strip_suffix("ms") {
        Some(number) => (number, 1),
        None => (word.strip_suffix('s').unwrap_or(word), 1_000),
    };
    let number: u32 = number
        .parse()
        .map_err(|_| format!("{name} has wrong format"))?;
    Ok(u64::from(number) * unit)
}

/// What the `Server` header says.
pub(super) fn product(word: &str) -> Said<&'static str> {
    Ok(match word.to_ascii_lowercase().as_str() {
        "prod" | "productonly" => "Apache",
        "major" => "Apache/2",
        "minor" => "Apache/2.4",
        "min" | "minimal" => "Apache/2.4.67",
        "os" | "full" => PRODUCT,
        _ => {
            return Err(
                "ServerTokens takes 1 argument: 'Prod(uctOnly)', 'Major', 'Minor', 'Min(imal)', \
                        'OS', or 'Full'"
                    .to_owned(),
            );
        }
    })
}

/// How important an error must be.
pub(super) fn level(args: &[String]) -> Said<u8> {
    let mut level = 4;
    for word in args {
        let wrong = |before: &str| {
            format!(
                "{before}Log level keyword must be one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8"
            )
        };
        let (module, name) = word
            .split_once(':')
            .map_or((None, word.as_str()), |(module, name)| (Some(module), name));
        let name = name.to_ascii_lowercase();
        let found = LEVELS.iter().position(|level| *level == name);
        let found = found.or_else(|| name.strip_prefix("trace").map(|_| 7));
        match (found, module) {
            (Some(found), None) => level = u8::try_from(found).unwrap_or(7),
            (Some(_), Some(_)) => {
                return Err(format!(
                    "LogLevel {word}: levels of modules are not in this lab"
                ));
            }
            (None, Some(_)) => return Err(wrong(&format!("{word}: "))),
            (None, None) => return Err(wrong("")),
        }
    }
    Ok(level)
}

/// `Options`.
pub(super) fn options(args: &[String], settings: &mut Settings) -> Said<()> {
    let signed = args
        .iter()
        .filter(|word| word.starts_with(['+', '-']))
        .count();
    if signed != 0 && signed != args.len() {
        return Err("Either all Options must start with + or -, or no Option may.".to_owned());
    }
    if signed == 0 && !args.is_empty() {
        settings.indexes = Some(false);
    }
    for (at, word) in args.iter().enumerate() {
        let on = !word.starts_with('-');
        match word
            .trim_start_matches(['+', '-'])
            .to_ascii_lowercase()
            .as_str()
        {
            "indexes" => settings.indexes = Some(on),
            // Links are followed; there is no way to make one in a container's folder of documents that leaves it.
            "followsymlinks" | "symlinksifownermatch" => {}
            // Nothing here would run or include anything, so saying no changes nothing.
            "execcgi" | "includes" | "includesnoexec" | "multiviews" if !on => {}
            "execcgi" | "includes" | "includesnoexec" | "multiviews" => {
                return Err(format!("Options {word} is not in this lab"));
            }
            "none" if at == 0 => {}
            "none" => return Err("'Options None' must be the first Option given.".to_owned()),
            "all" => settings.indexes = Some(on),
            _ => {
                return Err(format!(
                    "Illegal option {}",
                    word.trim_start_matches(['+', '-'])
                ));
            }
        }
    }
    Ok(())
}
