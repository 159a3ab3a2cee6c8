//! `/etc/hosts` and `/etc/resolv.conf`, as resolver(5) reads them. Never fails: lines that mean
//! nothing are skipped.

use clock::Duration;
use vnet::Ipv4Addr;

/// How many servers are asked, as in glibc (MAXNS).
const SERVERS_MAX: usize = 3;
/// How many domains are searched.
const SEARCH_MAX: usize = 32;

/// The addresses `/etc/hosts` gives a name.
pub(super) fn hosts(text: &str, name: &str) -> Vec<Ipv4Addr> {
    let name = name.trim_end_matches('.');
    let addr = |line: &str| {
        let mut words = line.split('#').next()?.split_whitespace();
        let addr = words.next()?.parse().ok()?;
        words
            .any(|word| word.eq_ignore_ascii_case(name))
            .then_some(addr)
    };
    text.lines().filter_map(addr).collect()
}

/// What `/etc/resolv.conf` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resolver {
    pub(super) servers: Vec<Ipv4Addr>,
    pub(super) search: Vec<String>,
    pub(super) ndots: usize,
    pub(super) timeout: Duration,
    pub(super) attempts: u32,
}

impl Resolver {
    pub(super) fn parse(text: &str) -> Self {
        let mut resolver = Self {
            servers: Vec::new(),
            search: Vec::new(),
            ndots: 1,
            timeout: Duration::from_secs(5),
            attempts: 2,
        };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let server = words.next().and_then(|word| word.parse::<Ipv4Addr>().ok());
                    resolver.servers.extend(server);
                }
                Some("search") => {
                    resolver.search = words.take(SEARCH_MAX).map(str::to_owned).collect();
                }
                Some("domain") => resolver.search = words.take(1).map(str::to_owned).collect(),
                Some("options") => words.for_each(|word| resolver.option(word)),
                _ => {}
            }
        }
        resolver.servers.truncate(SERVERS_MAX);
        if resolver.servers.is_empty() {
            resolver.servers.push(Ipv4Addr::LOCALHOST);
        }
        resolver
    }

    fn option(&mut self, word: &str) {
        let Some((key, value)) = word.split_once(':') else {
            return;
        };
        let Ok(value) = value.parse::<u32>() else {
            return;
        };
        match key {
            "ndots" => self.ndots = value.min(15) as usize,
            "timeout" => self.timeout = Duration::from_secs(u64::from(value.clamp(1, 30))),
            "attempts" => self.attempts = value.clamp(1, 5),
            _ => {}
        }
    }

    /// The full names to ask for, in order.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if let Some(absolute) = name.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let mut names: Vec<String> = self
            .search
            .iter()
            .map(|domain| domain.trim_end_matches('.'))
            .map(|domain| {
                if domain.is_empty() {
                    name.to_owned()
                } else {
                    format!("{name}.{domain}")
                }
            })
            .collect();
        let dots = name.bytes().filter(|byte| *byte == b'.').count();
        let as_is = if dots >= self.ndots { 0 } else { names.len() };
        names.insert(as_is, name.to_owned());
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POD: &str = "search default.svc.cluster.local svc.cluster.local cluster.local\n\
                       nameserver 10.96.0.10\noptions ndots:5\n";

    #[test]
    fn a_pod_searches_its_namespace_first() {
        let resolver = Resolver::parse(POD);
        assert_eq!(resolver.servers, [Ipv4Addr::new(10, 96, 0, 10)]);
        assert_eq!(
            resolver.candidates("web"),
            [
                "web.default.svc.cluster.local",
                "web.svc.cluster.local",
                "web.cluster.local",
                "web"
            ]
        );
        assert_eq!(
            resolver.candidates("web.default.svc.cluster.local.").len(),
            1
        );
    }

    #[test]
    fn a_name_with_enough_dots_is_tried_as_it_is_first() {
        let resolver = Resolver::parse("search a.example\noptions ndots:1\n");
        assert_eq!(resolver.candidates("x.org"), ["x.org", "x.org.a.example"]);
        assert_eq!(resolver.candidates("x"), ["x.a.example", "x"]);
    }

    #[test]
    fn hosts_know_aliases_and_ignore_comments() {
        let text = "127.0.0.1 localhost\n10.1.2.3 web-0.web web-0 # me\n::1 localhost\n";
        assert_eq!(hosts(text, "web-0"), [Ipv4Addr::new(10, 1, 2, 3)]);
        assert_eq!(hosts(text, "LOCALHOST"), [Ipv4Addr::LOCALHOST]);
        assert_eq!(hosts(text, "me"), Vec::<Ipv4Addr>::new());
    }
}
