//! Which server a request is for, and which location. It decides nothing else.

use std::net::{Ipv4Addr, SocketAddrV4};

use super::model::{Config, Listen, Location, Modifier, Server, ServerName};
use super::pattern::Groups;

/// What a search for a location found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Located {
    /// A location by number, and what its expression found.
    At(usize, Option<Groups>),
    /// The path lacks only the slash at its end.
    Slash(usize),
}

impl Config {
    /// The addresses to bind: an address of its own is not bound when its port is taken by 0.0.0.0.
    pub fn sockets(&self) -> Vec<SocketAddrV4> {
        let all = self.listens.iter().map(|listen| listen.address);
        let mut sockets: Vec<SocketAddrV4> = all.collect();
        let wild: Vec<u16> = sockets
            .iter()
            .filter(|socket| socket.ip().is_unspecified())
            .map(SocketAddrV4::port)
            .collect();
        sockets.retain(|socket| socket.ip().is_unspecified() || !wild.contains(&socket.port()));
        sockets
    }

    /// What is listened on at an address of this machine.
    pub fn listen(&self, local: SocketAddrV4) -> Option<&Listen> {
        let at = |address| self.listens.iter().find(|listen| listen.address == address);
        at(local).or_else(|| at(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, local.port())))
    }

    /// The number of the server for a connection to `local` that asks for `host`, and what the
    /// expression of its name found.
    pub fn choose(&self, local: SocketAddrV4, host: &str) -> (usize, Option<Groups>) {
        let Some(listen) = self.listen(local) else {
            return (0, None);
        };
        let fallback = listen.servers.first().copied().unwrap_or(0);
        if host.is_empty() && listen.servers.len() == 1 {
            return (fallback, None);
        }
        let mut servers = listen.servers.clone();
        servers.sort_unstable();
        let mut best: Option<((u8, usize), usize)> = None;
        for at in &servers {
            for name in &self.servers[*at].names {
                let rank = name_rank(name, host);
                if rank > best.map(|(rank, _)| rank) {
                    best = rank.map(|rank| (rank, *at));
                }
            }
        }
        if let Some((_, at)) = best {
            return (at, None);
        }
        for at in &servers {
            for name in &self.servers[*at].names {
                if let ServerName::Regex(pattern) = name
                    && let Some(groups) = pattern.groups(host)
                {
                    return (*at, Some(groups));
                }
            }
        }
        (fallback, None)
    }
}

/// How well a name fits: an exact one before a leading star before a trailing one, longer before shorter.
pub(crate) fn name_rank(name: &ServerName, host: &str) -> Option<(u8, usize)> {
    match name {
        ServerName::Exact(name) => (name == host).then_some((3, name.len())),
        ServerName::Below(name) if name == host => Some((3, name.len())),
        ServerName::Below(name) => {
            let ahead = host.strip_suffix(name.as_str())?;
            (ahead.len() > 1 && ahead.ends_with('.')).then_some((2, name.len() + 1))
        }
        ServerName::Ending(ending) => {
            let ahead = host.strip_suffix(ending.as_str())?;
            (!ahead.is_empty()).then_some((2, ending.len()))
        }
        ServerName::Beginning(beginning) => {
            let behind = host.strip_prefix(beginning.as_str())?;
            (!behind.is_empty()).then_some((1, beginning.len()))
        }
        ServerName::Regex(_) => None,
    }
}

impl Server {
    /// The location for a path; the server itself when none fits.
    pub fn locate(&self, path: &str) -> Located {
        self.search(0, path).unwrap_or(Located::At(0, None))
    }

    /// The location called `@name`.
    pub fn named(&self, name: &str) -> Option<usize> {
        let named = |l: &Location| matches!(l.modifier, Modifier::Named) && l.pattern == name;
        self.locations.iter().position(named)
    }

    /// As nginx does: the exact one, else the longest prefix and what is inside of it, else, unless that
    /// prefix is final, the first expression and what is inside of it.
    fn search(&self, parent: usize, path: &str) -> Option<Located> {
        let mut longest: Option<usize> = None;
        let mut slash = None;
        let children = &self.locations[parent].children;
        for at in children {
            let location = &self.locations[*at];
            match location.modifier {
                Modifier::Exact if location.pattern == path => return Some(Located::At(*at, None)),
                Modifier::Prefix | Modifier::Final => {
                    let length = longest.map_or(0, |other| self.locations[other].pattern.len());
                    if path.starts_with(&location.pattern)
                        && (longest.is_none() || location.pattern.len() > length)
                    {
                        longest = Some(*at);
                    }
                    if location.pattern.strip_suffix('/') == Some(path)
                        && location.handler.is_some()
                    {
                        slash = Some(*at);
                    }
                }
                _ => {}
            }
        }
        if let Some(at) = slash {
            return Some(Located::Slash(at));
        }
        let mut last = false;
        if let Some(at) = longest {
            last = matches!(self.locations[at].modifier, Modifier::Final);
            if let Some(inner) = self.search(at, path) {
                return Some(inner);
            }
        }
        if !last {
            for at in children {
                if let Modifier::Regex(pattern) = &self.locations[*at].modifier
                    && let Some(groups) = pattern.groups(path)
                {
                    let inner = self.search(*at, path);
                    return Some(inner.unwrap_or(Located::At(*at, Some(groups))));
                }
            }
        }
        longest.map(|at| Located::At(at, None))
    }
}
