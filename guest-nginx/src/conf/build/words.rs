//! Blocks whose words are no directives: `types`, `map` and `geo`.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Builder, end_of};
use crate::conf::model::{Geo, Map, Network, ServerName, Settable, Variable};
use crate::conf::pattern::Pattern;
use crate::conf::tree::{Block, ConfError, Directive};
use crate::conf::values::{Result, refuse};
use crate::vars::{Template, Var};

impl Builder<'_> {
    pub(super) fn types(&mut self, directive: &Directive) -> Result<BTreeMap<String, Rc<str>>> {
        let mut types = BTreeMap::new();
        let empty = Block::default();
        let block = directive.block.as_ref().unwrap_or(&empty);
        for line in &block.items {
            if line.block.is_some() {
                return refuse(line, "unexpected \"{\"");
            }
            let kind: Rc<str> = Rc::from(line.name.as_str());
            for ending in &line.args {
                let before = types.insert(ending.to_ascii_lowercase(), Rc::clone(&kind));
                if let Some(before) = before {
                    let message = format_args!(
                        "duplicate extension \"{ending}\", content type: \"{kind}\", previous content type: \"{before}\""
                    );
                    self.config
                        .warnings
                        .push(ConfError::at(&line.place, message).0);
                }
            }
        }
        end_of(block)?;
        Ok(types)
    }

    fn variable_number(&mut self, directive: &Directive, word: &str) -> Result<usize> {
        match self.defined(directive, word)? {
            Settable::User(at) => Ok(at),
            _ => refuse(
                directive,
                format_args!("the duplicate \"{}\" variable", &word[1..]),
            ),
        }
    }

    fn set_variable(&mut self, at: usize, variable: Variable) {
        let all = &mut self.config.variables;
        all.resize(all.len().max(at + 1), Variable::Plain);
        all[at] = variable;
    }

    pub(super) fn map(&mut self, directive: &Directive, block: &Block) -> Result<()> {
        let mut map = Map {
            source: self.template(directive, &directive.args[0])?,
            ..Map::default()
        };
        let at = self.variable_number(directive, &directive.args[1])?;
        let mut defaults = 0;
        map.hostnames = block
            .items
            .iter()
            .any(|line| line.name == "hostnames" && line.args.is_empty());
        for line in &block.items {
            if line.block.is_some() {
                return refuse(line, "unexpected \"{\"");
            }
            let [value] = line.args.as_slice() else {
                if line.args.is_empty() && matches!(line.name.as_str(), "hostnames" | "volatile") {
                    continue;
                }
                return refuse(line, "invalid number of the map parameters");
            };
            let value = self.template(line, value)?;
            if line.name == "default" {
                defaults += 1;
                if defaults > 1 {
                    return refuse(line, "duplicate default map parameter");
                }
                map.default = value;
            } else {
                self.map_line(line, value, &mut map)?;
            }
        }
        end_of(block)?;
        // The longest wildcard is asked first.
        map.wild
            .sort_by_key(|(name, _)| std::cmp::Reverse(wild_length(name)));
        self.set_variable(at, Variable::Map(Rc::new(map)));
        Ok(())
    }

    fn map_line(&mut self, line: &Directive, value: Template, map: &mut Map) -> Result<()> {
        let key = line.name.as_str();
        if let Some(pattern) = key.strip_prefix('~') {
            let ignore_case = pattern.starts_with('*');
            let pattern = Pattern::new(
                pattern.trim_start_matches('*'),
                ignore_case,
                &mut self.names,
            )
            .map_err(|message| ConfError::at(&line.place, message))?;
            map.patterns.push((pattern, value));
            return Ok(());
        }
        let key = key.strip_prefix('\\').unwrap_or(key).to_ascii_lowercase();
        if map.hostnames {
            let name = match (
                key.strip_prefix('*'),
                key.strip_suffix('*'),
                key.strip_prefix('.'),
            ) {
                (Some(ending), ..) => Some(ServerName::Ending(ending.to_owned())),
                (_, Some(beginning), _) => Some(ServerName::Beginning(beginning.to_owned())),
                (.., Some(below)) => Some(ServerName::Below(below.to_owned())),
                _ => None,
            };
            if let Some(name) = name {
                map.wild.push((name, value));
                return Ok(());
            }
        }
        if map.exact.insert(key, value).is_some() {
            return refuse(
                line,
                format_args!("conflicting parameter \"{}\"", line.name),
            );
        }
        Ok(())
    }

    pub(super) fn geo(&mut self, directive: &Directive, block: &Block) -> Result<()> {
        let mut geo = Geo::default();
        let name = match directive.args.as_slice() {
            [name] => name,
            [source, name] => {
                let Some(source) = source.strip_prefix('$').filter(|name| !name.is_empty()) else {
                    return refuse(
                        directive,
                        format_args!("invalid variable name \"{source}\""),
                    );
                };
                geo.source = Some(self.names.look_up(source)).filter(|var| *var != Var::RemoteAddr);
                name
            }
            _ => unreachable!("the table says one or two"),
        };
        let at = self.variable_number(directive, name)?;
        for line in &block.items {
            let [value] = line.args.as_slice() else {
                return refuse(line, "invalid number of the geo parameters");
            };
            match line.name.as_str() {
                "default" => geo.default.clone_from(value),
                "delete" | "proxy" | "include" => {
                    return refuse(
                        line,
                        format_args!("\"{}\" in \"geo\" is not in this lab", line.name),
                    );
                }
                text => match Network::parse(text) {
                    Some(network) => geo.networks.push((network, value.clone())),
                    // No client here has such an address.
                    None if text.split('/').next().is_some_and(is_v6) => {}
                    None => return refuse(line, format_args!("invalid network \"{text}\"")),
                },
            }
        }
        end_of(block)?;
        // The longest network fits best.
        geo.networks
            .sort_by_key(|(network, _)| std::cmp::Reverse(network.prefix));
        self.set_variable(at, Variable::Geo(Rc::new(geo)));
        Ok(())
    }
}

fn is_v6(text: &str) -> bool {
    text.parse::<std::net::Ipv6Addr>().is_ok()
}

fn wild_length(name: &ServerName) -> (bool, usize) {
    match name {
        ServerName::Ending(text) | ServerName::Below(text) | ServerName::Exact(text) => {
            (true, text.len())
        }
        ServerName::Beginning(text) => (false, text.len()),
        ServerName::Regex(_) => (false, 0),
    }
}
