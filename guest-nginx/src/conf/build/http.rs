//! The `http` block: its servers, formats and zones, and what is settled when all of it has been read.

use std::rc::Rc;

use super::server::{Draft, ServerSaid};
use super::{Builder, Seen, end_of};
use crate::conf::model::{Listen, ServerName, Variable, Zone};
use crate::conf::rules;
use crate::conf::settings::{AccessLog, Escape, LogFormat, Said};
use crate::conf::tree::{Block, ConfError, Directive};
use crate::conf::values::{Result, digits, parse_size, refuse};
use crate::vars::Template;

/// nginx's own `combined` format.
const COMBINED: &str = "$remote_addr - $remote_user [$time_local] \"$request\" $status $body_bytes_sent \
                        \"$http_referer\" \"$http_user_agent\"";

/// Where nginx logs when nobody says.
const ACCESS_LOG: &str = "/var/log/nginx/access.log";

impl Builder<'_> {
    pub(super) fn http(&mut self, block: &Block) -> Result<()> {
        self.config.http = true;
        let text = Template::parse(COMBINED, &mut self.names).map_err(ConfError)?;
        let combined = Rc::new(LogFormat {
            text,
            escape: Escape::Default,
        });
        self.formats
            .insert("combined".to_owned(), Rc::clone(&combined));
        let mut seen = Seen::default();
        let (mut said, mut server_said) = (Said::default(), ServerSaid::default());
        let mut drafts: Vec<Draft> = Vec::new();
        for directive in &block.items {
            if seen.rule(directive, rules::HTTP)?.is_none() {
                continue;
            }
            let inner = directive.block.as_ref();
            match (directive.name.as_str(), inner) {
                ("server", Some(inner)) => {
                    let draft = self.server(directive, inner, &mut drafts)?;
                    drafts.push(draft);
                }
                ("upstream", Some(inner)) => self.upstream(directive, inner)?,
                ("map", Some(inner)) => self.map(directive, inner)?,
                ("geo", Some(inner)) => self.geo(directive, inner)?,
                ("log_format", _) => self.log_format(directive)?,
                ("limit_req_zone" | "limit_conn_zone", _) => self.zone(directive)?,
                _ if self.server_level(directive, &mut server_said)? => {}
                _ => self.level(directive, &mut said)?,
            }
        }
        end_of(block)?;
        if said.access_logs.is_none() {
            said.access_logs = Some(Rc::new(vec![AccessLog {
                target: self.default_access_log(),
                format: combined,
                condition: None,
            }]));
        }
        self.settle(drafts, &said, &server_said)
    }

    fn default_access_log(&self) -> crate::conf::model::LogTarget {
        if cfg!(target_os = "wasi") {
            crate::conf::model::LogTarget::Stdout
        } else {
            crate::conf::model::LogTarget::File(ACCESS_LOG.to_owned())
        }
    }

    /// What nginx does when `http` ends: inheritance, addresses, and the mistakes only then visible.
    fn settle(&mut self, drafts: Vec<Draft>, said: &Said, server_said: &ServerSaid) -> Result<()> {
        let main_logs = Rc::new(self.config.error_log.clone());
        for (number, mut draft) in drafts.into_iter().enumerate() {
            draft.said.inherit(server_said);
            draft.check_certificates()?;
            draft.check_locations()?;
            let mut outer: Vec<Said> = Vec::new();
            for (at, mut level) in draft.levels.into_iter().enumerate() {
                level.inherit(draft.parents[at].map_or(said, |parent| &outer[parent]));
                let mut settings = level.settle();
                if settings.error_logs.is_empty() {
                    settings.error_logs = Rc::clone(&main_logs);
                }
                draft.server.locations[at].settings = Rc::new(settings);
                outer.push(level);
            }
            draft.said.settle(&mut draft.server);
            for (certificate, key) in &mut draft.server.certificates {
                *certificate = self.conf_path(certificate);
                *key = self.conf_path(key);
            }
            let clients = &mut draft.server.clients;
            for path in [&mut clients.told, &mut clients.trusted] {
                *path = path.take().map(|path| self.conf_path(&path));
            }
            for listen in draft.listens {
                self.add_listen(number, listen);
            }
            self.config.servers.push(draft.server);
        }
        self.warn_of_shared_names();
        if let Some(name) = self.names.unknown() {
            return Err(ConfError(format!("unknown \"{name}\" variable")));
        }
        if let Some((name, _)) = self.wanted.iter().find(|(_, kind)| kind.is_none()) {
            return Err(ConfError(format!(
                "zero size shared memory zone \"{name}\""
            )));
        }
        let count = self.names.count();
        self.config.variables.resize(count, Variable::Plain);
        Ok(())
    }

    fn add_listen(&mut self, server: usize, listen: super::listen::Said) {
        let listens = &mut self.config.listens;
        match listens
            .iter_mut()
            .find(|other| other.address == listen.address)
        {
            Some(other) => {
                other.tls |= listen.tls;
                if listen.default {
                    other.servers.insert(0, server);
                } else {
                    other.servers.push(server);
                }
            }
            None => listens.push(Listen {
                address: listen.address,
                tls: listen.tls,
                servers: vec![server],
            }),
        }
    }

    fn warn_of_shared_names(&mut self) {
        let mut warnings = Vec::new();
        for listen in &self.config.listens {
            let mut seen: Vec<String> = Vec::new();
            let mut servers = listen.servers.clone();
            servers.sort_unstable();
            for server in servers {
                let server = &self.config.servers[server];
                let unnamed = [ServerName::Exact(String::new())];
                let names = if server.names.is_empty() {
                    &unnamed[..]
                } else {
                    &server.names
                };
                for name in names {
                    let text = match name {
                        ServerName::Exact(text) => text.clone(),
                        ServerName::Below(text) => format!(".{text}"),
                        ServerName::Ending(text) => format!("*{text}"),
                        ServerName::Beginning(text) => format!("{text}*"),
                        ServerName::Regex(_) => continue,
                    };
                    if seen.contains(&text) {
                        warnings.push(format!(
                            "conflicting server name \"{text}\" on {}, ignored",
                            listen.address
                        ));
                    } else {
                        seen.push(text);
                    }
                }
            }
        }
        self.config.warnings.extend(warnings);
    }

    fn log_format(&mut self, directive: &Directive) -> Result<()> {
        let name = &directive.args[0];
        if self.formats.contains_key(name) && name != "combined" {
            return refuse(
                directive,
                format_args!("duplicate \"log_format\" name \"{name}\""),
            );
        }
        let (mut escape, mut words) = (Escape::Default, &directive.args[1..]);
        if let Some(kind) = words.first().and_then(|word| word.strip_prefix("escape=")) {
            escape = match kind {
                "default" => Escape::Default,
                "json" => Escape::Json,
                "none" => Escape::None,
                other => {
                    return refuse(
                        directive,
                        format_args!("unknown log format escaping \"{other}\""),
                    );
                }
            };
            words = &words[1..];
        }
        let text = self.template(directive, &words.concat())?;
        self.formats
            .insert(name.clone(), Rc::new(LogFormat { text, escape }));
        Ok(())
    }

    fn zone(&mut self, directive: &Directive) -> Result<()> {
        let requests = directive.name == "limit_req_zone";
        let key = self.template(directive, &directive.args[0])?;
        let (mut name, mut room, mut rate) = (None, 0, requests.then_some(1000));
        for word in &directive.args[1..] {
            if let Some(text) = word.strip_prefix("zone=") {
                let bad = || refuse(directive, format_args!("invalid zone size \"{word}\""));
                let Some((zone, size)) = text.split_once(':') else {
                    return bad();
                };
                let Some(size) = parse_size(size) else {
                    return bad();
                };
                if size < 8 * 4096 {
                    return refuse(directive, format_args!("zone \"{word}\" is too small"));
                }
                name = Some(zone.to_owned());
                // About 64 bytes for each key, as in nginx.
                room = usize::try_from(size / 64).unwrap_or(1024).min(65_536);
            } else if let (Some(text), true) = (word.strip_prefix("rate="), requests) {
                let (text, scale) = match (text.strip_suffix("r/s"), text.strip_suffix("r/m")) {
                    (Some(text), _) => (text, 1000),
                    (_, Some(text)) => (text, 1000 / 60),
                    _ => (text, 1000),
                };
                let per_minute = scale != 1000;
                match digits(text).filter(|rate| *rate > 0) {
                    Some(count) if per_minute => rate = Some(count * 1000 / 60),
                    Some(count) => rate = Some(count * 1000),
                    None => {
                        return refuse(directive, format_args!("invalid rate \"{word}\""));
                    }
                }
            } else {
                return refuse(directive, format_args!("invalid parameter \"{word}\""));
            }
        }
        let Some(name) = name else {
            return refuse(
                directive,
                format_args!("\"{}\" must have \"zone\" parameter", directive.name),
            );
        };
        if self.config.zones.iter().any(|zone| zone.name == name) {
            return refuse(
                directive,
                format_args!(
                    "{} \"{name}\" is already bound to key \"{}\"",
                    directive.name, directive.args[0]
                ),
            );
        }
        self.wanted.insert(name.clone(), Some(requests));
        self.config.zones.push(Zone {
            name,
            key,
            rate,
            room,
            keys: std::cell::RefCell::default(),
        });
        Ok(())
    }
}
