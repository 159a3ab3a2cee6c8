//! A `server` block while it is read, and what holds only for whole servers.

use std::rc::Rc;

use super::{Builder, Seen, end_of, listen};
use crate::conf::model::{Ask, Clients, Location, Modifier, Server, ServerName};
use crate::conf::pattern::Pattern;
use crate::conf::rules;
use crate::conf::settings::Said;
use crate::conf::tree::{Block, ConfError, Directive, Place};
use crate::conf::values::{Result, buffers, flag, milliseconds, number, one_of, refuse};
use crate::http::request::Limits;

/// A server that is not settled yet.
pub(super) struct Draft {
    pub server: Server,
    /// What each location says, by number.
    pub levels: Vec<Said>,
    /// Which location each is in.
    pub parents: Vec<Option<usize>>,
    /// Where each location begins.
    pub places: Vec<Place>,
    pub listens: Vec<listen::Said>,
    pub said: ServerSaid,
}

/// What a server or `http` says about whole servers.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerSaid {
    header_timeout: Option<u64>,
    buffers: Option<(u64, u64)>,
    ignore_invalid: Option<bool>,
    underscores: Option<bool>,
    merge_slashes: Option<bool>,
    certificates: Option<Vec<String>>,
    keys: Option<Vec<String>>,
    protocols: Option<(u8, u8)>,
    ask: Option<Ask>,
    told: Option<String>,
    trusted: Option<String>,
    depth: Option<usize>,
}

impl ServerSaid {
    pub(super) fn inherit(&mut self, outer: &Self) {
        fn take<T: Clone>(own: &mut Option<T>, outer: &Option<T>) {
            if own.is_none() {
                own.clone_from(outer);
            }
        }
        take(&mut self.header_timeout, &outer.header_timeout);
        take(&mut self.buffers, &outer.buffers);
        take(&mut self.ignore_invalid, &outer.ignore_invalid);
        take(&mut self.underscores, &outer.underscores);
        take(&mut self.merge_slashes, &outer.merge_slashes);
        take(&mut self.certificates, &outer.certificates);
        take(&mut self.keys, &outer.keys);
        take(&mut self.protocols, &outer.protocols);
        take(&mut self.ask, &outer.ask);
        take(&mut self.told, &outer.told);
        take(&mut self.trusted, &outer.trusted);
        take(&mut self.depth, &outer.depth);
    }

    pub(super) fn settle(self, server: &mut Server) {
        let usual = Limits::default();
        let (count, size) = self.buffers.unwrap_or((4, 8192));
        let line = usize::try_from(size).unwrap_or(8192);
        let count = usize::try_from(count).unwrap_or(4);
        server.limits = Limits {
            line,
            head: line.saturating_mul(count).saturating_add(1024).min(1 << 24),
            underscores: self.underscores.unwrap_or(usual.underscores),
            ignore_invalid: self.ignore_invalid.unwrap_or(usual.ignore_invalid),
            merge_slashes: self.merge_slashes.unwrap_or(usual.merge_slashes),
        };
        server.header_timeout_ms = self.header_timeout.unwrap_or(60_000);
        server.tls_versions = self.protocols.unwrap_or((12, 13));
        server.clients = Clients {
            ask: self.ask.unwrap_or_default(),
            told: self.told,
            trusted: self.trusted,
            depth: self.depth.unwrap_or(1),
        };
        let pairs = self.certificates.unwrap_or_default().into_iter();
        server.certificates = pairs.zip(self.keys.unwrap_or_default()).collect();
    }
}

impl Draft {
    /// Every certificate has a key, and every address with TLS a certificate.
    pub(super) fn check_certificates(&self) -> Result<()> {
        let certificates = self.said.certificates.as_deref().unwrap_or_default();
        let keys = self.said.keys.as_deref().unwrap_or_default();
        if let Some(certificate) = certificates.get(keys.len()) {
            return Err(ConfError(format!(
                "no \"ssl_certificate_key\" is defined for certificate \"{certificate}\""
            )));
        }
        if certificates.is_empty() && self.listens.iter().any(|listen| listen.tls) {
            let message = "no \"ssl_certificate\" is defined for the \"listen ... ssl\" directive";
            return Err(ConfError::at(&self.places[0], message));
        }
        let asks = !matches!(self.said.ask, None | Some(Ask::Nobody | Ask::Unsigned));
        // Since 1.27.2 either is enough.
        if !certificates.is_empty()
            && asks
            && self.said.told.is_none()
            && self.said.trusted.is_none()
        {
            let message =
                "no ssl_client_certificate or ssl_trusted_certificate for ssl_verify_client";
            return Err(ConfError(message.to_owned()));
        }
        Ok(())
    }

    /// No two locations of one level have the same pattern.
    pub(super) fn check_locations(&self) -> Result<()> {
        for location in &self.server.locations {
            let kind = |at: &usize| match self.server.locations[*at].modifier {
                Modifier::Prefix | Modifier::Final => 1,
                Modifier::Exact => 2,
                Modifier::Named | Modifier::Regex(_) | Modifier::Nameless => 0,
            };
            for (count, at) in location.children.iter().enumerate() {
                let pattern = &self.server.locations[*at].pattern;
                let same = |other: &usize| {
                    kind(other) == kind(at) && self.server.locations[*other].pattern == *pattern
                };
                if kind(at) > 0 && location.children[..count].iter().any(same) {
                    let message = format!("duplicate location \"{pattern}\"");
                    return Err(ConfError::at(&self.places[*at], message));
                }
            }
        }
        Ok(())
    }

    /// One more location; its number.
    pub(super) fn add(
        &mut self,
        parent: Option<usize>,
        modifier: Modifier,
        pattern: &str,
        place: &Place,
    ) -> usize {
        self.server.locations.push(Location {
            modifier,
            pattern: pattern.to_owned(),
            settings: Rc::new(Said::default().settle()),
            children: Vec::new(),
            codes: Vec::new(),
            try_files: Vec::new(),
            handler: None,
            internal: false,
            limit_except: None,
        });
        self.levels.push(Said::default());
        self.parents.push(parent);
        self.places.push(place.clone());
        self.server.locations.len() - 1
    }
}

impl Builder<'_> {
    pub(super) fn server(
        &mut self,
        directive: &Directive,
        block: &Block,
        others: &mut [Draft],
    ) -> Result<Draft> {
        let mut draft = Draft {
            server: Server {
                names: Vec::new(),
                name: String::new(),
                locations: Vec::new(),
                limits: Limits::default(),
                header_timeout_ms: 60_000,
                certificates: Vec::new(),
                tls_versions: (12, 13),
                clients: Clients::default(),
            },
            levels: Vec::new(),
            parents: Vec::new(),
            places: Vec::new(),
            listens: Vec::new(),
            said: ServerSaid::default(),
        };
        draft.add(None, Modifier::Nameless, "", &directive.place);
        let mut seen = Seen::default();
        for directive in &block.items {
            if seen.rule(directive, rules::SERVER)?.is_none() {
                continue;
            }
            match directive.name.as_str() {
                "listen" => self.listen(directive, &mut draft, others)?,
                "server_name" => self.server_name(directive, &mut draft.server)?,
                _ if self.server_level(directive, &mut draft.said)? => {}
                _ => self.place(directive, &mut draft, 0, rules::SERVER)?,
            }
        }
        end_of(block)?;
        if draft.listens.is_empty() && !draft.server.locations.is_empty() && !had_listen(block) {
            draft.listens.push(listen::Said::usual());
        }
        Ok(draft)
    }

    fn server_name(&mut self, directive: &Directive, server: &mut Server) -> Result<()> {
        for word in &directive.args {
            let name = word.to_ascii_lowercase();
            let bad = || {
                refuse(
                    directive,
                    format_args!("invalid server name or wildcard \"{word}\""),
                )
            };
            if server.names.is_empty() {
                server.name = name.trim_start_matches('.').to_owned();
            }
            let name = if let Some(pattern) = word.strip_prefix('~') {
                if pattern.is_empty() {
                    return refuse(
                        directive,
                        format_args!("empty regex in server name \"{word}\""),
                    );
                }
                // nginx ignores case here when the pattern has no upper-case letter.
                let ignore_case = !pattern.bytes().any(|byte| byte.is_ascii_uppercase());
                let pattern = Pattern::new(pattern, ignore_case, &mut self.names)
                    .map_err(|message| ConfError::at(&directive.place, message))?;
                ServerName::Regex(pattern)
            } else if let Some(rest) = name.strip_prefix("*.") {
                if rest.is_empty() || rest.contains('*') {
                    return bad();
                }
                ServerName::Ending(format!(".{rest}"))
            } else if let Some(rest) = name.strip_suffix(".*") {
                if rest.is_empty() || rest.contains('*') {
                    return bad();
                }
                ServerName::Beginning(format!("{rest}."))
            } else if name.contains('*') {
                return bad();
            } else if let Some(rest) = name.strip_prefix('.') {
                ServerName::Below(rest.to_owned())
            } else if name == "$hostname" {
                ServerName::Exact(name)
            } else {
                if name.contains('/') {
                    self.config.warnings.push(
                        ConfError::at(
                            &directive.place,
                            format_args!("server name \"{name}\" has suspicious symbols"),
                        )
                        .0,
                    );
                }
                ServerName::Exact(name)
            };
            server.names.push(name);
        }
        Ok(())
    }

    /// Understands what holds for whole servers; false when it is something else.
    pub(super) fn server_level(
        &mut self,
        directive: &Directive,
        said: &mut ServerSaid,
    ) -> Result<bool> {
        let word = directive.args.first().map_or("", String::as_str);
        match directive.name.as_str() {
            "client_header_timeout" => said.header_timeout = Some(milliseconds(directive, word)?),
            "large_client_header_buffers" => said.buffers = Some(buffers(directive)?),
            "ignore_invalid_headers" => said.ignore_invalid = Some(flag(directive)?),
            "underscores_in_headers" => said.underscores = Some(flag(directive)?),
            "merge_slashes" => said.merge_slashes = Some(flag(directive)?),
            "ssl_certificate" => {
                said.certificates
                    .get_or_insert_default()
                    .push(word.to_owned());
            }
            "ssl_certificate_key" => {
                said.keys.get_or_insert_default().push(word.to_owned());
            }
            "ssl_protocols" => said.protocols = Some(protocols(directive)?),
            "ssl_verify_client" => {
                let words = ["off", "on", "optional", "optional_no_ca"];
                let asks = [Ask::Nobody, Ask::Required, Ask::Optional, Ask::Unsigned];
                said.ask = Some(asks[one_of(directive, word, &words)?]);
            }
            "ssl_client_certificate" => said.told = Some(word.to_owned()),
            "ssl_trusted_certificate" => said.trusted = Some(word.to_owned()),
            "ssl_verify_depth" => {
                let depth = number(directive, word)?;
                said.depth = Some(usize::try_from(depth).unwrap_or(usize::MAX));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn had_listen(block: &Block) -> bool {
    block.items.iter().any(|item| item.name == "listen")
}

/// The oldest and newest version; those before TLS 1.2 nobody speaks any more.
fn protocols(directive: &Directive) -> Result<(u8, u8)> {
    const KNOWN: [&str; 6] = ["SSLv2", "SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"];
    let mut chosen = [false; 6];
    for word in &directive.args {
        chosen[one_of(directive, word, &KNOWN)?] = true;
    }
    match (chosen[4], chosen[5]) {
        (true, true) => Ok((12, 13)),
        (true, false) => Ok((12, 12)),
        (false, true) => Ok((13, 13)),
        (false, false) => refuse(directive, "TLS before version 1.2 is not in this lab"),
    }
}
