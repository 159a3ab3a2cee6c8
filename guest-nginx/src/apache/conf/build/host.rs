//! What is said for a whole server: names, documents, logs, connections, aliases.
//! It knows no folder.

use super::{At, Builder, Said, matcher, values};
use crate::apache::conf::model::{Host, Matcher, Settings};
use crate::apache::conf::tree::Tree;
use crate::apache::log;
use crate::conf::model::LogTarget;

/// A server about which nothing was said yet.
pub(super) fn usual(tree: &Tree) -> Host {
    Host {
        addresses: Vec::new(),
        name: String::new(),
        aliases: Vec::new(),
        place: ("".into(), 0),
        admin: "[no address given]".to_owned(),
        root: tree.path("htdocs"),
        traces: true,
        keep_alive: true,
        keep_alive_ms: 5_000,
        max_requests: 100,
        timeout_ms: 60_000,
        error_log: LogTarget::File(tree.path("logs/error_log")),
        level: 4,
        logs: Vec::new(),
        aliased: Vec::new(),
        redirects: Vec::new(),
        base: Settings::default(),
        sections: Vec::new(),
    }
}

/// A name of a server, with a port that is one.
fn named(word: &str) -> Said<()> {
    let port = word.rsplit_once(':').map(|(_, port)| port);
    match port.filter(|port| !port.starts_with("//")) {
        Some(port) if port.parse::<u16>().map_or(true, |port| port == 0) => Err(format!(
            "The port number \"{word}\" is outside the appropriate range (i.e., 1..65535)."
        )),
        _ => Ok(()),
    }
}

impl Builder<'_> {
    /// Takes a directive that is about a server.
    pub(super) fn of_host(&mut self, name: &str, args: &[String], at: At<'_>) -> Said<()> {
        let word = args.first().map_or("", String::as_str);
        match name {
            "Listen" => {
                let address = values::listen(args)?;
                self.config.listens.push(address);
            }
            // The server has no other user to become, as in a container.
            "User" => self.config.owner.0 = word.to_owned(),
            "Group" => self.config.owner.1 = word.to_owned(),
            "PidFile" => self.config.pid = Some(self.tree.path(word)),
            "ServerTokens" => self.config.product = values::product(word)?,
            "TypesConfig" => self.config.types_file = Some(self.tree.path(word)),
            "TraceEnable" => {
                self.host().traces = match word.to_ascii_lowercase().as_str() {
                    "on" => true,
                    "off" => false,
                    "extended" => return Err("TraceEnable extended is not in this lab".to_owned()),
                    _ => {
                        return Err(
                            "TraceEnable must be one of 'on', 'off', or 'extended'".to_owned()
                        );
                    }
                };
            }
            // Read as C does: what is no number is zero, and zero clients are none too few.
            "MaxRequestWorkers" => self.config.clients = word.parse().unwrap_or(0).max(1),
            "ServerName" => {
                named(word)?;
                self.host().name = word.to_owned();
            }
            "ServerAlias" if !at.host => {
                return Err("ServerAlias only used in <VirtualHost>".to_owned());
            }
            "ServerAlias" => self.host().aliases.extend(args.iter().cloned()),
            "ServerAdmin" => self.host().admin = word.to_owned(),
            "DocumentRoot" => {
                let root = self.tree.path(word);
                if !std::fs::metadata(&root).is_ok_and(|found| found.is_dir()) {
                    return Err(format!(
                        "DocumentRoot '{root}' is not a directory, or is not readable"
                    ));
                }
                self.host().root = root.trim_end_matches('/').to_owned();
            }
            "ErrorLog" => self.host().error_log = self.target(word)?,
            "LogLevel" => self.host().level = values::level(args)?,
            "LogFormat" => {
                log::check(word)?;
                // A format without a name is the one of TransferLog, which is unknown here.
                if let Some(nick) = args.get(1) {
                    self.formats.insert(nick.clone(), word.to_owned());
                }
            }
            "CustomLog" => {
                if args.len() == 3 {
                    return Err("conditions of CustomLog are not in this lab".to_owned());
                }
                log::check(&args[1])?;
                let (at, target) = (self.config.hosts.len() - 1, self.target(word)?);
                self.logs.push((at, target, args[1].clone()));
            }
            "KeepAlive" => {
                self.host().keep_alive = match word.to_ascii_lowercase().as_str() {
                    "on" => true,
                    "off" => false,
                    _ => return Err("KeepAlive must be On or Off".to_owned()),
                };
            }
            "KeepAliveTimeout" => self.host().keep_alive_ms = values::millis(name, word)?,
            // Both read numbers as C does: what is none is zero.
            "MaxKeepAliveRequests" => self.host().max_requests = word.parse().unwrap_or(0),
            "Timeout" => {
                let seconds: u64 = word.parse().unwrap_or(0);
                self.host().timeout_ms = seconds * 1_000;
            }
            "RequestReadTimeout" => self.reading(args)?,
            _ => self.mapped(name, args)?,
        }
        Ok(())
    }

    /// `RequestReadTimeout header=20-40,MinRate=500`: the first number counts, rates are not measured.
    fn reading(&mut self, args: &[String]) -> Said<()> {
        for word in args {
            let (what, rest) = word
                .split_once('=')
                .ok_or("Invalid RequestReadTimeout parameter")?;
            let first = rest.split(['-', ',']).next().unwrap_or_default();
            let seconds: u64 = first
                .parse()
                .map_err(|_| "Invalid RequestReadTimeout parameter".to_owned())?;
            if what.eq_ignore_ascii_case("header") && seconds > 0 {
                self.host().timeout_ms = seconds * 1_000;
            }
        }
        Ok(())
    }

    fn mapped(&mut self, name: &str, args: &[String]) -> Said<()> {
        match (name, args) {
            ("Alias" | "ScriptAlias", [from, to]) => {
                let to = self.tree.path(to);
                self.host().aliased.push((matcher(from), to));
            }
            ("AliasMatch", [from, to]) => {
                let to = self.tree.path(to);
                let from = Matcher::Pattern(values::pattern(from)?);
                self.host().aliased.push((from, to));
            }
            ("Alias" | "ScriptAlias" | "AliasMatch", _) => {
                return Err(format!("{name} must have two arguments when used globally"));
            }
            _ => {
                let redirect = values::redirect(name, args)?;
                self.host().redirects.push(redirect);
            }
        }
        Ok(())
    }

    fn target(&self, word: &str) -> Said<LogTarget> {
        Ok(match word {
            "/dev/stdout" | "/proc/self/fd/1" => LogTarget::Stdout,
            "/dev/stderr" | "/proc/self/fd/2" => LogTarget::Stderr,
            word if word.starts_with('|') || word.starts_with("syslog") => {
                return Err(format!("logging to {word} is not in this lab"));
            }
            word => LogTarget::File(self.tree.path(word)),
        })
    }
}
