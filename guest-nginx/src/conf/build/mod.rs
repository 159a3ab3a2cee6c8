//! Turns a tree of directives into a `Config`, in reading order, so that the first mistake is the one told.
//! A level inherits what stands after it in its outer level too; that is settled at the end.

mod http;
mod levels;
mod listen;
mod location;
mod proxy;
mod rewrite;
mod server;
mod upstream;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::Prefixes;
use super::model::{Config, ErrorLog, Level, LogTarget};
use super::rules::{self, Rule};
use super::settings::LogFormat;
use super::tree::{Block, ConfError, Directive};
use super::values::{self, Result, check, flag, number, refuse};
use crate::vars::{Names, Template};

/// What is known while a configuration is read.
struct Builder<'a> {
    prefixes: &'a Prefixes,
    config: Config,
    names: Names,
    formats: BTreeMap<String, Rc<LogFormat>>,
    /// Zones that are spoken of before they are defined, and where.
    wanted: BTreeMap<String, Option<bool>>,
    /// Upstreams that were defined by a block, by name.
    named_upstreams: BTreeSet<String>,
    /// Those that a block defines anywhere.
    later_upstreams: BTreeSet<String>,
    daemon: bool,
}

/// Which directives a block has had.
#[derive(Default)]
struct Seen(BTreeSet<&'static str>);

impl Seen {
    /// Finds the rule for a directive and judges whatever needs no understanding:
    /// place, count, repetition, and the value of one without effect. Nothing is left to do for the latter.
    fn rule(&mut self, directive: &Directive, context: u16) -> Result<Option<&'static Rule>> {
        let rule = rules::find(directive, context)?;
        if !rule.again && !self.0.insert(rule.name) {
            return refuse(
                directive,
                format_args!("\"{}\" directive is duplicate", rule.name),
            );
        }
        match rule.inert {
            Some((kind, _)) => check(directive, kind).map(|()| None),
            None => Ok(Some(rule)),
        }
    }
}

/// Understands a tree; `global` holds the directives of `-g`.
pub(super) fn build(tree: &Block, global: Option<&Block>, prefixes: &Prefixes) -> Result<Config> {
    let mut builder = Builder {
        prefixes,
        config: Config {
            pid: "/var/run/nginx.pid".to_owned(),
            worker_connections: 512,
            ..Config::default()
        },
        names: Names::default(),
        formats: BTreeMap::new(),
        wanted: BTreeMap::new(),
        named_upstreams: BTreeSet::new(),
        later_upstreams: upstream_names(tree),
        daemon: true,
    };
    builder.main(tree, global)?;
    if builder.config.error_log.is_empty() {
        builder.config.error_log.push(ErrorLog {
            target: LogTarget::Stderr,
            level: Level::Error,
        });
    }
    Ok(builder.config)
}

fn upstream_names(tree: &Block) -> BTreeSet<String> {
    let blocks = tree.items.iter().filter(|item| item.name == "http");
    let items = blocks.flat_map(|http| http.block.iter().flat_map(|block| &block.items));
    items
        .filter(|item| item.name == "upstream")
        .filter_map(|item| item.args.first().cloned())
        .collect()
}

fn end_of(block: &Block) -> Result<()> {
    block.broken.clone().map_or(Ok(()), Err)
}

impl Builder<'_> {
    fn main(&mut self, tree: &Block, global: Option<&Block>) -> Result<()> {
        let mut seen = Seen::default();
        let mut blocks = BTreeSet::new();
        for part in global.into_iter().chain([tree]) {
            for directive in &part.items {
                let Some(rule) = seen.rule(directive, rules::MAIN)? else {
                    continue;
                };
                if rule.opens != 0 && !blocks.insert(rule.name) {
                    return refuse(
                        directive,
                        format_args!("\"{}\" directive is duplicate", rule.name),
                    );
                }
                self.main_directive(directive)?;
            }
            end_of(part)?;
        }
        if !blocks.contains("events") {
            let message = "no \"events\" section in configuration";
            return Err(ConfError(message.to_owned()));
        }
        Ok(())
    }

    fn main_directive(&mut self, directive: &Directive) -> Result<()> {
        let word = directive.args.first().map_or("", String::as_str);
        match directive.name.as_str() {
            "error_log" => {
                let log = self.error_log(directive)?;
                self.config.error_log.push(log);
            }
            "daemon" => self.daemon = flag(directive)?,
            "pid" => word.clone_into(&mut self.config.pid),
            "worker_processes"
                if word != "auto" && values::digits(word).is_none_or(|count| count == 0) =>
            {
                return refuse(directive, "\"worker_processes\" directive invalid value");
            }
            "load_module" => {
                let path = self.path(word);
                return refuse(
                    directive,
                    format_args!(
                        "dlopen() \"{path}\" failed ({path}: cannot open shared object file: No such file or directory)"
                    ),
                );
            }
            "events" => self.events(directive.block.as_ref().unwrap_or(&Block::default()))?,
            "http" => self.http(directive.block.as_ref().unwrap_or(&Block::default()))?,
            _ => {}
        }
        Ok(())
    }

    fn events(&mut self, block: &Block) -> Result<()> {
        let mut seen = Seen::default();
        for directive in &block.items {
            if seen.rule(directive, rules::EVENTS)?.is_some() {
                let count = number(directive, &directive.args[0])?;
                self.config.worker_connections = usize::try_from(count).unwrap_or(usize::MAX);
            }
        }
        end_of(block)
    }

    /// A path of documents or logs, made absolute.
    fn path(&self, path: &str) -> String {
        absolute(path, &self.prefixes.prefix)
    }

    /// A path of something that belongs to the configuration, made absolute.
    fn conf_path(&self, path: &str) -> String {
        absolute(path, &self.prefixes.conf)
    }

    fn template(&mut self, directive: &Directive, text: &str) -> Result<Template> {
        Template::parse(text, &mut self.names)
            .map_err(|message| ConfError::at(&directive.place, message))
    }

    fn error_log(&self, directive: &Directive) -> Result<ErrorLog> {
        let name = directive.args.get(1).map_or("error", String::as_str);
        let Some(level) = Level::parse(name) else {
            return refuse(directive, format_args!("invalid log level \"{name}\""));
        };
        let target = self.target(directive, &directive.args[0])?;
        Ok(ErrorLog { target, level })
    }

    /// Where a log goes. The image links nginx's usual log files to the standard streams; so they are
    /// known here by name, whichever image it is.
    fn target(&self, directive: &Directive, path: &str) -> Result<LogTarget> {
        if path.starts_with("syslog:") || path.starts_with("memory:") {
            return refuse(
                directive,
                format_args!("a log to \"{path}\" is not in this lab"),
            );
        }
        if path == "stderr" {
            return Ok(LogTarget::Stderr);
        }
        let path = self.path(path);
        Ok(match path.as_str() {
            "/dev/stdout" | "/proc/self/fd/1" => LogTarget::Stdout,
            "/dev/stderr" | "/proc/self/fd/2" => LogTarget::Stderr,
            "/var/log/nginx/access.log" if cfg!(target_os = "wasi") => LogTarget::Stdout,
            "/var/log/nginx/error.log" if cfg!(target_os = "wasi") => LogTarget::Stderr,
            _ => LogTarget::File(path),
        })
    }
}

fn absolute(path: &str, prefix: &str) -> String {
    if path.starts_with(['/', '$']) {
        path.to_owned()
    } else {
        format!("{prefix}{path}")
    }
}
