//! `location` and what else stands in a server: who answers, which files are tried, which methods are free.

use super::server::Draft;
use super::{Builder, Seen, end_of};
use crate::conf::model::{Handler, Modifier};
use crate::conf::pattern::Pattern;
use crate::conf::rules;
use crate::conf::tree::{Block, ConfError, Directive};
use crate::conf::values::{Result, digits, refuse};

/// The methods that `limit_except` knows.
const METHODS: [&str; 15] = [
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "MKCOL",
    "COPY",
    "MOVE",
    "OPTIONS",
    "PROPFIND",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
    "PATCH",
    "TRACE",
];

impl Builder<'_> {
    /// Understands one directive of the server (location 0) or of a location.
    pub(super) fn place(
        &mut self,
        directive: &Directive,
        draft: &mut Draft,
        at: usize,
        context: u16,
    ) -> Result<()> {
        let inner = directive.block.as_ref();
        match (directive.name.as_str(), inner) {
            ("location", Some(inner)) => self.location(directive, inner, draft, at),
            ("if" | "set" | "return" | "rewrite" | "break", _) => {
                let code = self.code(directive, draft, at, context)?;
                draft.server.locations[at].codes.push(code);
                Ok(())
            }
            ("limit_except", Some(inner)) => self.limit_except(directive, inner, draft, at),
            ("try_files", _) => {
                if let Some(code) = directive
                    .args
                    .last()
                    .and_then(|last| last.strip_prefix('='))
                    && digits(code).is_none_or(|code| code > 999)
                {
                    return refuse(directive, format_args!("invalid code \"{code}\""));
                }
                let words = directive.args.iter();
                let files = words.map(|text| self.template(directive, text));
                draft.server.locations[at].try_files = files.collect::<Result<_>>()?;
                Ok(())
            }
            ("internal", _) => {
                draft.server.locations[at].internal = true;
                Ok(())
            }
            ("stub_status", _) => {
                draft.server.locations[at].handler = Some(Handler::Status);
                Ok(())
            }
            ("proxy_pass", _) => self.proxy_pass(directive, draft, at),
            ("alias", _) if matches!(draft.server.locations[at].modifier, Modifier::Named) => {
                refuse(
                    directive,
                    "the \"alias\" directive cannot be used inside the named location",
                )
            }
            _ => self.level(directive, &mut draft.levels[at]),
        }
    }

    fn location(
        &mut self,
        directive: &Directive,
        block: &Block,
        draft: &mut Draft,
        parent: usize,
    ) -> Result<()> {
        let (modifier, pattern) = self.modifier(directive)?;
        if parent != 0 {
            let outer = &draft.server.locations[parent];
            let name = &outer.pattern;
            let cannot = |kind: &str| {
                refuse(
                    directive,
                    format_args!(
                        "location \"{pattern}\" cannot be inside the {kind} location \"{name}\""
                    ),
                )
            };
            match (&outer.modifier, &modifier) {
                (Modifier::Exact, _) => return cannot("exact"),
                (Modifier::Named, _) => return cannot("named"),
                (_, Modifier::Named) => {
                    return refuse(
                        directive,
                        format_args!(
                            "named location \"{pattern}\" can be on the server level only"
                        ),
                    );
                }
                (_, Modifier::Regex(_)) | (Modifier::Regex(_), _) => {}
                _ if !pattern.starts_with(name.as_str()) => {
                    return refuse(
                        directive,
                        format_args!("location \"{pattern}\" is outside location \"{name}\""),
                    );
                }
                _ => {}
            }
        }
        let at = draft.add(Some(parent), modifier, &pattern, &directive.place);
        draft.server.locations[parent].children.push(at);
        self.inside(block, draft, at, rules::LOCATION)
    }

    /// The directives of a block that is a location.
    pub(super) fn inside(
        &mut self,
        block: &Block,
        draft: &mut Draft,
        at: usize,
        context: u16,
    ) -> Result<()> {
        let mut seen = Seen::default();
        for directive in &block.items {
            if seen.rule(directive, context)?.is_some() {
                self.place(directive, draft, at, context)?;
            }
        }
        end_of(block)
    }

    fn modifier(&mut self, directive: &Directive) -> Result<(Modifier, String)> {
        let (sign, pattern) = match directive.args.as_slice() {
            [both] => {
                let signs = ["=", "^~", "~*", "~"];
                let sign = signs.iter().find(|sign| both.starts_with(**sign));
                let sign = sign.copied().unwrap_or_default();
                (sign, &both[sign.len()..])
            }
            [sign, pattern] => (sign.as_str(), pattern.as_str()),
            _ => unreachable!("the table says one or two"),
        };
        let mut regex = |ignore_case| {
            Pattern::new(pattern, ignore_case, &mut self.names)
                .map(Modifier::Regex)
                .map_err(|message| ConfError::at(&directive.place, message))
        };
        let modifier = match sign {
            "" if pattern.starts_with('@') => Modifier::Named,
            "" => Modifier::Prefix,
            "=" => Modifier::Exact,
            "^~" => Modifier::Final,
            "~" => regex(false)?,
            "~*" => regex(true)?,
            other => {
                return refuse(
                    directive,
                    format_args!("invalid location modifier \"{other}\""),
                );
            }
        };
        Ok((modifier, pattern.to_owned()))
    }

    fn limit_except(
        &mut self,
        directive: &Directive,
        block: &Block,
        draft: &mut Draft,
        parent: usize,
    ) -> Result<()> {
        let mut free = Vec::new();
        for word in &directive.args {
            let known = METHODS.iter().find(|name| name.eq_ignore_ascii_case(word));
            let Some(name) = known else {
                return refuse(directive, format_args!("invalid method \"{word}\""));
            };
            free.push((*name).to_owned());
            if *name == "GET" {
                free.push("HEAD".to_owned());
            }
        }
        let at = draft.add(Some(parent), Modifier::Nameless, "", &directive.place);
        draft.server.locations[parent].limit_except = Some((free, at));
        self.inside(block, draft, at, rules::LIMIT)
    }
}
