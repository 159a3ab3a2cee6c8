//! `proxy_pass` and the directives around it.

use std::rc::Rc;

use super::Builder;
use super::levels::push;
use super::server::Draft;
use crate::conf::model::{Handler, Modifier, ProxyPass, ProxyTarget};
use crate::conf::pattern::Pattern;
use crate::conf::settings::{ProxyRedirect, Said};
use crate::conf::tree::{ConfError, Directive};
use crate::conf::values::{Result, flag, milliseconds, number, one_of, refuse, size};
use crate::vars::Template;

/// When `proxy_next_upstream` may ask the next server.
const NEXT: [&str; 13] = [
    "error",
    "timeout",
    "invalid_header",
    "non_idempotent",
    "http_500",
    "http_502",
    "http_503",
    "http_504",
    "http_403",
    "http_404",
    "http_429",
    "updating",
    "off",
];

impl Builder<'_> {
    pub(super) fn proxy_pass(
        &mut self,
        directive: &Directive,
        draft: &mut Draft,
        at: usize,
    ) -> Result<()> {
        if draft.server.locations[at].handler.is_some() {
            return refuse(directive, "\"proxy_pass\" directive is duplicate");
        }
        let word = directive.args[0].as_str();
        let pass = if word.contains('$') {
            ProxyPass {
                tls: false,
                target: ProxyTarget::Dynamic(self.template(directive, word)?),
                uri: None,
                host: String::new(),
            }
        } else {
            let pass = self.plain_pass(directive, word)?;
            let location = &draft.server.locations[at];
            let nowhere = matches!(
                location.modifier,
                Modifier::Regex(_) | Modifier::Named | Modifier::Nameless
            );
            if pass.uri.is_some() && nowhere {
                return refuse(
                    directive,
                    "\"proxy_pass\" cannot have URI part in location given by regular expression, \
                     or inside named location, or inside \"if\" statement, or inside \"limit_except\" block",
                );
            }
            pass
        };
        draft.server.locations[at].handler = Some(Handler::Proxy(Rc::new(pass)));
        Ok(())
    }

    fn plain_pass(&mut self, directive: &Directive, word: &str) -> Result<ProxyPass> {
        let lower = word.to_ascii_lowercase();
        let (tls, rest) = if lower.starts_with("http://") {
            (false, &word[7..])
        } else if lower.starts_with("https://") {
            (true, &word[8..])
        } else {
            return refuse(directive, "invalid URL prefix");
        };
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (host, uri) = rest.split_at(end);
        if host.starts_with("unix:") {
            return refuse(directive, "a unix socket is not in this lab");
        }
        let upstream = self.upstream_for(directive, host, if tls { 443 } else { 80 })?;
        let uri = match uri {
            "" => None,
            uri if uri.starts_with('?') => Some(format!("/{uri}")),
            uri => Some(uri.to_owned()),
        };
        Ok(ProxyPass {
            tls,
            target: ProxyTarget::Upstream(upstream),
            uri,
            host: host.to_owned(),
        })
    }

    pub(super) fn proxy_level(&mut self, directive: &Directive, said: &mut Said) -> Result<()> {
        let word = directive.args[0].as_str();
        match directive.name.as_str() {
            "proxy_set_header" => {
                let value = self.template(directive, &directive.args[1])?;
                push(&mut said.proxy_headers, (directive.args[0].clone(), value));
            }
            "proxy_set_body" => said.proxy_body = Some(Some(self.template(directive, word)?)),
            "proxy_method" => said.proxy_method = Some(Some(self.template(directive, word)?)),
            "proxy_http_version" => {
                said.proxy_11 = Some(one_of(directive, word, &["1.0", "1.1"])? == 1);
            }
            "proxy_connect_timeout" => {
                said.proxy_connect_timeout = Some(milliseconds(directive, word)?)
            }
            "proxy_read_timeout" => said.proxy_read_timeout = Some(milliseconds(directive, word)?),
            "proxy_send_timeout" => said.proxy_send_timeout = Some(milliseconds(directive, word)?),
            "proxy_next_upstream" => {
                for word in &directive.args {
                    one_of(directive, word, &NEXT)?;
                }
                said.proxy_next = Some(Rc::new(directive.args.iter().cloned().collect()));
            }
            "proxy_next_upstream_tries" => said.proxy_next_tries = Some(number(directive, word)?),
            "proxy_next_upstream_timeout" => {
                said.proxy_next_timeout = Some(milliseconds(directive, word)?);
            }
            "proxy_redirect" => {
                let redirect = self.redirect(directive)?;
                match redirect {
                    Some(redirect) => push(&mut said.proxy_redirect, redirect),
                    None => said.proxy_redirect = Some(Rc::default()),
                }
            }
            "proxy_hide_header" => push(&mut said.proxy_hide, word.to_ascii_lowercase()),
            "proxy_pass_header" => push(&mut said.proxy_pass_header, word.to_ascii_lowercase()),
            "proxy_pass_request_headers" => said.proxy_pass_headers = Some(flag(directive)?),
            "proxy_pass_request_body" => said.proxy_pass_body = Some(flag(directive)?),
            "proxy_request_buffering" => said.proxy_request_buffering = Some(flag(directive)?),
            "proxy_buffering" => said.proxy_buffering = Some(flag(directive)?),
            "proxy_buffer_size" => {
                let size = size(directive, word)?;
                said.proxy_buffer_size = Some(usize::try_from(size).unwrap_or(usize::MAX));
            }
            "proxy_intercept_errors" => said.proxy_intercept_errors = Some(flag(directive)?),
            "proxy_ssl_name" => said.proxy_ssl_name = Some(Some(self.template(directive, word)?)),
            "proxy_ssl_server_name" => said.proxy_ssl_server_name = Some(flag(directive)?),
            "proxy_ssl_verify" => {
                if flag(directive)? {
                    return refuse(
                        directive,
                        "checking an upstream's certificate is not in this lab",
                    );
                }
            }
            "proxy_cache" if word == "off" => {}
            "proxy_cache" => {
                // As for a zone that no proxy_cache_path defines, since there is none.
                self.wanted.entry(word.to_owned()).or_insert(None);
            }
            other => unreachable!("the table has {other}, and nobody understands it"),
        }
        Ok(())
    }

    /// One `proxy_redirect`; nothing for `off`.
    fn redirect(&mut self, directive: &Directive) -> Result<Option<ProxyRedirect>> {
        match directive.args.as_slice() {
            [word] if word == "off" => Ok(None),
            [word] if word == "default" => Ok(Some(ProxyRedirect::Default)),
            [word] => refuse(directive, format_args!("invalid parameter \"{word}\"")),
            [from, to] => {
                let to = self.template(directive, to)?;
                if let Some(text) = from.strip_prefix('~') {
                    let ignore_case = text.starts_with('*');
                    let text = text.trim_start_matches('*');
                    let pattern = Pattern::new(text, ignore_case, &mut self.names)
                        .map_err(|message| ConfError::at(&directive.place, message))?;
                    return Ok(Some(ProxyRedirect::Pattern(pattern, to)));
                }
                let from: Template = self.template(directive, from)?;
                Ok(Some(ProxyRedirect::Prefix(from, to)))
            }
            _ => unreachable!("the table says one or two"),
        }
    }
}
