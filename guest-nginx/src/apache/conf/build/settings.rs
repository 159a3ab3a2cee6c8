//! What may be said for a part of a server: who is let in, what folders and endings mean, pages and headers.
//! It knows no host.

use std::rc::Rc;

use super::{At, Said, access, values};
use crate::apache::conf::model::{Matcher, Settings, Which};
use crate::apache::conf::tree::Tree;

/// The statuses that `ErrorDocument` may speak for.
const STATUSES: &str = " 400 401 402 403 404 405 406 408 409 410 411 412 413 414 415 416 417 421 422 423 424 426 428 429 431 451 500 501 502 503 504 505 506 507 508 510 511 ";

/// Takes a directive that is about a part; whether it was one.
pub(super) fn of_part(
    tree: &Tree,
    name: &str,
    args: &[String],
    at: At<'_>,
    settings: &mut Settings,
) -> Said<bool> {
    let word = args.first().map_or("", String::as_str);
    let endings = || {
        let rest = args.iter().skip(1);
        rest.map(|ending| ending.trim_start_matches('.').to_ascii_lowercase())
    };
    match name {
        "Require" => access::beside(settings, access::require(args)?)?,
        "order" | "allow" | "deny" => access::compat(name, args, settings)?,
        "Satisfy" if word.eq_ignore_ascii_case("all") => {}
        "Satisfy" => return Err(format!("Satisfy {word} is not in this lab")),
        "AuthType" => match word.to_ascii_lowercase().as_str() {
            "basic" => settings.basic = true,
            "none" => settings.basic = false,
            _ => return Err(format!("AuthType {word} is not in this lab")),
        },
        "AuthName" => settings.realm = Some(word.to_owned()),
        "AuthUserFile" => settings.users = Some(tree.path(word)),
        "AuthBasicProvider" if args.len() == 1 && word == "file" => {}
        "AuthBasicProvider" => return Err(format!("Unknown Authn provider: {word}")),
        "Options" => values::options(args, settings)?,
        "AllowOverride" => overriding(args)?,
        "DirectoryIndex" if word == "disabled" => settings.index = Some(Vec::new()),
        "DirectoryIndex" => settings
            .index
            .get_or_insert_default()
            .extend(args.iter().cloned()),
        "FallbackResource" if word == "disabled" => settings.fallback = None,
        "FallbackResource" => settings.fallback = Some(word.to_owned()),
        "ErrorDocument" => {
            if !STATUSES.contains(&format!(" {word} ")) {
                return Err(format!("Unsupported HTTP response code {word}"));
            }
            let status = word.parse().map_err(|_| "no status".to_owned())?;
            settings.errors.insert(status, args[1].clone());
        }
        "Header" => settings.headers.push(values::header(args)?),
        "AddType" => {
            let kind: Rc<str> = Rc::from(word);
            let each = endings().map(|ending| (ending, Some(Rc::clone(&kind))));
            settings.types.extend(each);
        }
        "RemoveType" => {
            let bare = |ending: &String| ending.trim_start_matches('.').to_ascii_lowercase();
            let each = args.iter().map(|ending| (bare(ending), None));
            settings.types.extend(each);
        }
        "AddCharset" => settings
            .charsets
            .extend(endings().map(|ending| (ending, word.to_owned()))),
        "AddLanguage" => settings
            .languages
            .extend(endings().map(|ending| (ending, word.to_owned()))),
        "AddEncoding" => settings
            .encodings
            .extend(endings().map(|ending| (ending, word.to_owned()))),
        "ForceType" => {
            let some = !word.eq_ignore_ascii_case("none");
            settings.forced = some.then(|| Rc::from(word));
        }
        "AddDefaultCharset" => {
            settings.charset = Some(match word.to_ascii_lowercase().as_str() {
                "off" => None,
                "on" => Some("iso-8859-1".to_owned()),
                _ => Some(word.to_owned()),
            });
        }
        "SetHandler" => {
            let some = !word.eq_ignore_ascii_case("none");
            settings.handler = some.then(|| word.to_owned());
        }
        "ServerSignature" => {
            let kinds = ["off", "on", "email"];
            let found = kinds
                .iter()
                .position(|kind| kind.eq_ignore_ascii_case(word));
            let found = found.ok_or("ServerSignature: use one of: off | on | email")?;
            settings.signature = u8::try_from(found).ok();
        }
        "LogLevel" if at.section.is_some() => {
            values::level(args)?;
            return Err("LogLevel within a section is not in this lab".to_owned());
        }
        "Redirect" | "RedirectMatch" | "RedirectPermanent" | "RedirectTemp"
            if at.section.is_some() =>
        {
            let redirect = match (at.path, args.len()) {
                // Within a section for paths, the path may be left out.
                (Some(which), 1) => within(name, args, which)?,
                (Some(which), 2) if name == "Redirect" && !word.starts_with('/') => {
                    within(name, args, which)?
                }
                _ => values::redirect(name, args)?,
            };
            settings.redirects.push(redirect);
        }
        _ => return Ok(false),
    }
    Ok(true)
}

fn within(
    name: &str,
    args: &[String],
    which: &Which,
) -> Said<crate::apache::conf::model::Redirect> {
    let path = match which {
        Which::Plain(path) => path.clone(),
        _ => "/".to_owned(),
    };
    let mut all = args.to_vec();
    all.insert(all.len() - 1, path);
    let mut redirect = values::redirect(name, &all)?;
    // All of the section's paths lead to the one place: nothing is added to it.
    redirect.from = match which {
        Which::Pattern(pattern) => Matcher::Pattern(pattern.clone()),
        _ => Matcher::Pattern(values::pattern("")?),
    };
    Ok(redirect)
}

fn overriding(args: &[String]) -> Said<()> {
    let word = args.first().map_or("", String::as_str);
    match word.to_ascii_lowercase().as_str() {
        "none" if args.len() == 1 => Ok(()),
        "all" | "none" | "authconfig" | "fileinfo" | "indexes" | "limit" | "options" => Err(
            format!("AllowOverride {word}: .htaccess files are not in this lab"),
        ),
        _ => Err(format!("Illegal override option {word}")),
    }
}
