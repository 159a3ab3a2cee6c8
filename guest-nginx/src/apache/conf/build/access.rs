//! Who is let in: `Require`, its groups, and `Order`, `Allow` and `Deny`. It asks nobody.

use super::values::net;
use super::{Said, fail, unknown};
use crate::apache::conf::lines::words;
use crate::apache::conf::model::{Require, Settings};
use crate::apache::conf::tree::Directive;

/// One `Require` directive.
pub(super) fn require(args: &[String]) -> Said<Require> {
    if let [first, rest @ ..] = args
        && first.eq_ignore_ascii_case("not")
    {
        return Ok(Require::Not(Box::new(require(rest)?)));
    }
    let provider = args.first().map_or("", String::as_str);
    let rest = args.get(1..).unwrap_or_default();
    match provider.to_ascii_lowercase().as_str() {
        "all" => match rest {
            [word] if word.eq_ignore_ascii_case("granted") => Ok(Require::All(true)),
            [word] if word.eq_ignore_ascii_case("denied") => Ok(Require::All(false)),
            _ => Err("Argument for 'Require all' must be 'granted' or 'denied'".to_owned()),
        },
        "ip" if rest.is_empty() => Err("'require ip' requires an argument".to_owned()),
        "ip" => {
            let wrong = |word: &String| format!("ip address '{word}' appears to be invalid");
            let each = rest.iter().map(|word| net(word).ok_or_else(|| wrong(word)));
            Ok(Require::Ip(each.collect::<Said<_>>()?))
        }
        "local" => Ok(Require::Local),
        "method" => Ok(Require::Method(rest.to_vec())),
        "valid-user" => Ok(Require::ValidUser),
        "user" => Ok(Require::User(rest.to_vec())),
        "host" | "forward-dns" | "env" | "expr" | "group" | "file-owner" | "file-group" => {
            Err(format!("Require {provider} is not in this lab"))
        }
        _ => Err(format!("Unknown Authz provider: {provider}")),
    }
}

/// Adds a condition beside those that were said before: they are alternatives.
pub(super) fn beside(settings: &mut Settings, one: Require) -> Said<()> {
    if matches!(one, Require::Not(_)) {
        let words = "negative Require directive has no effect in <RequireAny> directive";
        return Err(words.to_owned());
    }
    match &mut settings.require {
        Some(Require::AnyOf(all)) => all.push(one),
        other => *other = Some(Require::AnyOf(vec![one])),
    }
    Ok(())
}

/// A group of conditions; nothing when the section is none.
pub(super) fn group(directive: &Directive) -> Result<Option<Require>, String> {
    let name = directive.name.trim_start_matches('<').trim_end_matches('>');
    let any = name.eq_ignore_ascii_case("RequireAny");
    let none = name.eq_ignore_ascii_case("RequireNone");
    if !any && !none && !name.eq_ignore_ascii_case("RequireAll") {
        return Ok(None);
    }
    let mut inner = Vec::new();
    for directive in &directive.inside {
        if let Some(one) = group(directive)? {
            inner.push(one);
            continue;
        }
        if !directive.name.eq_ignore_ascii_case("Require") {
            return Err(fail(directive, &unknown(&directive.name)));
        }
        let one = require(&words(&directive.text)).map_err(|why| fail(directive, &why))?;
        if matches!(one, Require::Not(_)) && (any || none) {
            let kind = if any { "RequireAny" } else { "RequireNone" };
            let why = format!("negative Require directive has no effect in <{kind}> directive");
            return Err(fail(directive, &why));
        }
        inner.push(one);
    }
    Ok(Some(match () {
        () if any => Require::AnyOf(inner),
        () if none => Require::NoneOf(inner),
        () => Require::AllOf(inner),
    }))
}

/// `Order`, `Allow` and `Deny`.
pub(super) fn compat(name: &str, args: &[String], settings: &mut Settings) -> Said<()> {
    let compat = settings.compat.get_or_insert_default();
    if name == "order" {
        compat.allow_first = match args[0].to_ascii_lowercase().as_str() {
            "allow,deny" | "mutual-failure" => true,
            "deny,allow" => false,
            _ => return Err("unknown order".to_owned()),
        };
        return Ok(());
    }
    if !args[0].eq_ignore_ascii_case("from") {
        return Err("allow and deny must be followed by 'from'".to_owned());
    }
    for word in &args[1..] {
        let found = match word.to_ascii_lowercase().as_str() {
            "all" => net("0.0.0.0/0"),
            other if other.starts_with("env=") => None,
            other => net(other),
        };
        let found = found.ok_or(format!("{name} from {word}: names are not in this lab"))?;
        if name == "allow" {
            compat.allow.push(found);
        } else {
            compat.deny.push(found);
        }
    }
    Ok(())
}
