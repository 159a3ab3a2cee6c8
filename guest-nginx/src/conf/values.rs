//! The words of single directives: numbers, sizes, times, statuses, places.
//! What they are refused for is said as nginx says it; where they hold is `build`'s business.

use std::collections::BTreeMap;

use super::model::{AddHeader, ErrorPage};
use super::tree::{ConfError, Directive};
use crate::template::Template;

pub(super) type Result<T> = std::result::Result<T, ConfError>;

pub(super) fn refuse<T>(directive: &Directive, message: impl std::fmt::Display) -> Result<T> {
    Err(ConfError::at(&directive.place, message))
}

pub(super) fn once(block: &[Directive], names: &[&str]) -> Result<()> {
    for name in names {
        if let Some(second) = block
            .iter()
            .filter(|directive| directive.name == *name)
            .nth(1)
        {
            return refuse(second, format_args!("\"{name}\" directive is duplicate"));
        }
    }
    Ok(())
}

/// nginx names no line when a variable is unknown; neither do we.
pub(super) fn template(text: &str) -> Result<Template> {
    Template::parse(text).map_err(ConfError)
}

pub(super) fn flag(directive: &Directive) -> Result<bool> {
    match directive.args[0].to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => refuse(
            directive,
            format_args!(
                "invalid value \"{}\" in \"{}\" directive, it must be \"on\" or \"off\"",
                directive.args[0], directive.name
            ),
        ),
    }
}

pub(super) fn invalid<T>(directive: &Directive) -> Result<T> {
    refuse(
        directive,
        format_args!("\"{}\" directive invalid value", directive.name),
    )
}

pub(super) fn number(directive: &Directive, word: &str) -> Result<u64> {
    word.parse().or_else(|_| {
        refuse(
            directive,
            format_args!("\"{}\" directive invalid number", directive.name),
        )
    })
}

pub(super) fn size(directive: &Directive, word: &str) -> Result<u64> {
    let digits = word.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G']);
    let shift = match word[digits.len()..].to_ascii_lowercase().as_str() {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        _ => return invalid(directive),
    };
    let count: u64 = digits.parse().or_else(|_| invalid(directive))?;
    count
        .checked_mul(1 << shift)
        .map_or_else(|| invalid(directive), Ok)
}

pub(super) fn milliseconds(directive: &Directive, word: &str) -> Result<u64> {
    let mut total = 0_u64;
    let mut rest = word;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let count: u64 = rest[..digits].parse().or_else(|_| invalid(directive))?;
        let unit = &rest[digits..];
        let (factor, used) = match unit {
            "" => (1000, 0),
            _ if unit.starts_with("ms") => (1, 2),
            _ if unit.starts_with('s') => (1000, 1),
            _ if unit.starts_with('m') => (60_000, 1),
            _ if unit.starts_with('h') => (3_600_000, 1),
            _ if unit.starts_with('d') => (86_400_000, 1),
            _ => return invalid(directive),
        };
        total = count
            .checked_mul(factor)
            .and_then(|ms| ms.checked_add(total))
            .map_or_else(|| invalid(directive), Ok)?;
        rest = &unit[used..];
    }
    if word.is_empty() {
        invalid(directive)
    } else {
        Ok(total)
    }
}

pub(super) fn types_of(block: &[Directive]) -> BTreeMap<String, String> {
    let pairs = block.iter().flat_map(|line| {
        line.args
            .iter()
            .map(|ending| (ending.to_ascii_lowercase(), line.name.clone()))
    });
    pairs.collect()
}

pub(super) fn returns(directive: &Directive) -> Result<(u16, Option<Template>)> {
    let first = directive.args[0].as_str();
    let address = ["http://", "https://", "$scheme"]
        .iter()
        .any(|start| first.starts_with(start));
    if directive.args.len() == 1 && address {
        return Ok((302, Some(template(first)?)));
    }
    let code = first.parse::<u16>().ok().filter(|code| *code <= 999);
    let Some(code) = code else {
        return refuse(directive, format_args!("invalid return code \"{first}\""));
    };
    let text = directive
        .args
        .get(1)
        .map(|text| template(text))
        .transpose()?;
    Ok((code, text))
}

pub(super) fn try_files(directive: &Directive) -> Result<Vec<Template>> {
    if directive
        .args
        .last()
        .is_some_and(|last| last.starts_with('@'))
    {
        return refuse(directive, "a named location is not in this lab yet");
    }
    directive.args.iter().map(|text| template(text)).collect()
}

pub(super) fn error_page(directive: &Directive) -> Result<ErrorPage> {
    let mut words = directive.args.clone();
    let uri = words.pop().unwrap_or_default();
    let mut status = None;
    if let Some(code) = words.last().and_then(|word| word.strip_prefix('=')) {
        let parsed = if code.is_empty() {
            Some(0)
        } else {
            code.parse().ok()
        };
        let Some(parsed) = parsed else {
            return refuse(directive, format_args!("invalid value \"={code}\""));
        };
        status = Some(parsed);
        words.pop();
    }
    let statuses = words.iter().map(|word| match word.parse::<u16>() {
        Ok(code) if (300..600).contains(&code) && code != 499 => Ok(code),
        Ok(_) => refuse(
            directive,
            format_args!("value \"{word}\" must be between 300 and 599"),
        ),
        Err(_) => refuse(directive, format_args!("invalid value \"{word}\"")),
    });
    let statuses = statuses.collect::<Result<Vec<_>>>()?;
    if statuses.is_empty() {
        return refuse(
            directive,
            "invalid number of arguments in \"error_page\" directive",
        );
    }
    if uri.starts_with('@') || uri.contains('$') {
        return refuse(
            directive,
            "a named location or a variable in \"error_page\" is not in this lab yet",
        );
    }
    Ok(ErrorPage {
        statuses,
        status,
        uri,
    })
}

pub(super) fn add_header(directive: &Directive) -> Result<AddHeader> {
    let always = match directive.args.get(2).map(String::as_str) {
        None => false,
        Some("always") => true,
        Some(other) => return refuse(directive, format_args!("invalid parameter \"{other}\"")),
    };
    Ok(AddHeader {
        name: directive.args[0].clone(),
        value: template(&directive.args[1])?,
        always,
    })
}
