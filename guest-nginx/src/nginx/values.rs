//! What each variable stands for.

use crate::conf::model::{Geo, Map, Variable};
use crate::http::date::Date;
use crate::http::request::{Request, Version};
use crate::http::uri;
use crate::net;
use crate::vars::Var;

use super::certified;
use super::pages::product;
use super::turn::{Asked, Turn};

/// How deep maps may ask maps.
const MAX_DEPTH: u32 = 16;

impl Turn<'_> {
    /// Writes what a variable stands for; nothing when it has no value.
    pub(super) fn value(&self, var: &Var, out: &mut Vec<u8>) {
        let (client, house) = (self.client, self.house);
        let text = match var {
            Var::User(at) => return self.user_value(*at, out),
            Var::Capture(group) => return self.capture(*group, out),
            Var::Http(name) => return header_values(self.request, name, out),
            Var::Arg(name) => return self.argument(name, out),
            Var::Cookie(name) => return cookie(self.request, name, out),
            Var::Uri => return out.extend_from_slice(self.path.as_bytes()),
            Var::Args => return out.extend_from_slice(&self.args),
            Var::IsArgs => if self.args.is_empty() { "" } else { "?" }.to_owned(),
            Var::Host => self.host().to_owned(),
            Var::RemoteAddr => client.remote.ip().to_string(),
            Var::BinaryRemoteAddr => return out.extend(client.remote.ip().octets()),
            Var::RemotePort => client.remote.port().to_string(),
            Var::RemoteUser => self.user.clone().unwrap_or_else(|| self.given_user()),
            Var::ServerAddr => client.local.ip().to_string(),
            Var::ServerPort => client.local.port().to_string(),
            Var::ServerName => self.server.name.clone(),
            Var::Scheme => if client.tls.is_some() {
                "https"
            } else {
                "http"
            }
            .to_owned(),
            Var::Https => if client.tls.is_some() { "on" } else { "" }.to_owned(),
            Var::Connection => client.id.to_string(),
            Var::ConnectionRequests => (client.served + 1).to_string(),
            Var::Hostname => house.hostname.clone(),
            Var::NginxVersion => product().trim_start_matches("nginx/").to_owned(),
            Var::Pid => house.pid.to_string(),
            Var::ConnectionsActive => house.active.get().to_string(),
            Var::ConnectionsReading => house.reading.get().to_string(),
            Var::ConnectionsWriting => house.writing.get().to_string(),
            Var::ConnectionsWaiting => house
                .active
                .get()
                .saturating_sub(house.reading.get() + house.writing.get())
                .to_string(),
            _ => return self.request_value(var, out),
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn host(&self) -> &str {
        if self.request.host.is_empty() {
            &self.server.name
        } else {
            &self.request.host
        }
    }

    /// The user of a header, though nobody asked for a password.
    fn given_user(&self) -> String {
        let header = self.request.header("authorization").unwrap_or_default();
        super::password::basic(header).map_or_else(String::new, |(user, _)| user)
    }

    /// About the request.
    fn request_value(&self, var: &Var, out: &mut Vec<u8>) {
        let request = self.request;
        let header = |name: &str| request.header(name).unwrap_or_default();
        let date = || Date::of(self.now.seconds);
        let bytes: &[u8] = match var {
            Var::Request => match self.reject {
                Some(reject) => &reject.line,
                None => request.line(),
            },
            Var::RequestMethod => self.method.as_bytes(),
            Var::RequestUri => request.target(),
            Var::RequestBody => self.body.as_deref().unwrap_or_default(),
            Var::ContentType => header("content-type"),
            Var::ContentLength => header("content-length"),
            Var::ServerProtocol => match request.version {
                _ if self.reject.is_some() => b"",
                Version::Http09 => b"HTTP/0.9",
                Version::Http10 => b"HTTP/1.0",
                Version::Http11 => b"HTTP/1.1",
            },
            Var::Pipe => b".",
            Var::RequestCompletion => {
                if self.complete {
                    b"OK"
                } else {
                    b""
                }
            }
            Var::LimitReqStatus => self.limit_status.0.as_bytes(),
            Var::LimitConnStatus => self.limit_status.1.as_bytes(),
            Var::LimitRate => self.limit_rate.as_deref().unwrap_or(b"0"),
            Var::SentHttp(name) => return self.sent_header(name, out),
            Var::ProxyHost => self.proxy_host.as_bytes(),
            Var::UpstreamHttp(name) => {
                let same = |other: &str| same_name(other.as_bytes(), name);
                let mut headers = self.upstream_headers.iter();
                match headers.find(|(other, _)| same(other)) {
                    Some((_, value)) => value,
                    None => b"",
                }
            }
            Var::RequestTime => return out.extend(seconds(self.elapsed_ms()).into_bytes()),
            Var::RequestLength => return out.extend(request.size.to_string().into_bytes()),
            Var::RequestId => {
                let text = format!("{:016x}{:016x}", self.house.number(), self.started_ns);
                return out.extend(text.into_bytes());
            }
            Var::RequestFilename => return out.extend(self.file_path(&self.path).into_bytes()),
            Var::DocumentRoot => return out.extend(self.render(&self.settings.root.path)),
            Var::Status => return out.extend(format!("{:03}", self.status).into_bytes()),
            Var::BodyBytesSent => return out.extend(self.sent.to_string().into_bytes()),
            Var::BytesSent => {
                let all = self.sent + self.head.len() as u64;
                return out.extend(all.to_string().into_bytes());
            }
            Var::TimeLocal => return out.extend(date().clf().into_bytes()),
            Var::TimeIso8601 => return out.extend(date().iso().into_bytes()),
            Var::Msec => {
                let millis = self.now.nanos / 1_000_000;
                return out.extend(format!("{}.{millis:03}", self.now.seconds).into_bytes());
            }
            Var::ProxyPort => {
                let (_, port) = self.proxy_host.rsplit_once(':').unwrap_or(("", "80"));
                return out.extend(port.as_bytes());
            }
            Var::ProxyAddXForwardedFor => {
                header_values(request, "x_forwarded_for", out);
                if !out.is_empty() {
                    out.extend(b", ");
                }
                return out.extend(self.client.remote.ip().to_string().into_bytes());
            }
            _ => return self.upstream_value(var, out),
        };
        out.extend_from_slice(bytes);
    }

    /// About TLS and the upstreams.
    fn upstream_value(&self, var: &Var, out: &mut Vec<u8>) {
        if let Some(tls) = &self.client.tls {
            if let Var::SslClient(about) = var {
                let text = certified::value(tls.shown.as_deref(), *about, self.now.seconds);
                out.extend_from_slice(text.as_bytes());
            }
            let text = match var {
                Var::SslProtocol => tls.protocol.as_str(),
                Var::SslCipher => tls.cipher.as_str(),
                Var::SslServerName => tls.server_name.as_str(),
                Var::SslSessionReused => ".",
                _ => "",
            };
            out.extend_from_slice(text.as_bytes());
        }
        let each = |of: &dyn Fn(&Asked) -> String| {
            let mut all = String::new();
            for (at, asked) in self.asked.iter().enumerate() {
                all.push_str(match at {
                    0 => "",
                    // Another group of upstreams, by a way inside the server.
                    at if self.passes.contains(&at) => " : ",
                    _ => ", ",
                });
                all.push_str(&of(asked));
            }
            all
        };
        let maybe = |ms: Option<u64>| ms.map_or("-".to_owned(), seconds);
        let text = match var {
            Var::UpstreamAddr => each(&|asked| asked.address.clone()),
            Var::UpstreamStatus => each(&|asked| match asked.status {
                0 => "-".to_owned(),
                status => format!("{status:03}"),
            }),
            Var::UpstreamConnectTime => each(&|asked| maybe(asked.connect_ms)),
            Var::UpstreamHeaderTime => each(&|asked| maybe(asked.header_ms)),
            Var::UpstreamResponseTime => each(&|asked| seconds(asked.response_ms)),
            Var::UpstreamResponseLength => each(&|asked| asked.length.to_string()),
            Var::UpstreamBytesReceived => each(&|asked| asked.received.to_string()),
            _ => return,
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn elapsed_ms(&self) -> u64 {
        let end = self.ended_ns.max(net::now_ns());
        end.saturating_sub(self.started_ns) / 1_000_000
    }

    fn argument(&self, name: &str, out: &mut Vec<u8>) {
        for pair in self.args.split(|byte| *byte == b'&') {
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let key = halves.next().unwrap_or_default();
            if let (true, Some(value)) = (key.eq_ignore_ascii_case(name.as_bytes()), halves.next())
            {
                return out.extend_from_slice(value);
            }
        }
    }

    /// A header of the answer as it was sent.
    fn sent_header(&self, name: &str, out: &mut Vec<u8>) {
        for line in self.head.split(|byte| *byte == b'\n').skip(1) {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                continue;
            };
            if same_name(&line[..colon], name) {
                return out.extend_from_slice(line[colon + 1..].trim_ascii());
            }
        }
    }

    /// What a group of the last expression found.
    pub(super) fn capture(&self, group: usize, out: &mut Vec<u8>) {
        let memory = self.memory.borrow();
        if let Some(Some((start, end))) = memory.groups.get(group) {
            out.extend_from_slice(memory.subject.get(*start..*end).unwrap_or_default());
        }
    }

    fn user_value(&self, at: usize, out: &mut Vec<u8>) {
        if let Some(Some(value)) = self.memory.borrow().user.get(at) {
            return out.extend_from_slice(value);
        }
        match self.config.variables.get(at) {
            Some(Variable::Map(map)) => self.map_value(map, out),
            Some(Variable::Geo(geo)) => self.geo_value(geo, out),
            _ => {}
        }
    }

    fn map_value(&self, map: &Map, out: &mut Vec<u8>) {
        {
            let mut memory = self.memory.borrow_mut();
            if memory.depth >= MAX_DEPTH {
                return;
            }
            memory.depth += 1;
        }
        let subject = self.render_text(&map.source);
        let mut key = subject.to_ascii_lowercase();
        if map.hostnames && key.ends_with('.') {
            key.pop();
        }
        let wild = || {
            let mut names = map.wild.iter();
            names.find(|(name, _)| crate::conf::name_rank(name, &key).is_some())
        };
        let found = map
            .exact
            .get(&key)
            .or_else(|| wild().map(|(_, value)| value));
        let found = found.or_else(|| {
            map.patterns.iter().find_map(|(pattern, value)| {
                let groups = pattern.groups(&subject)?;
                self.remember(subject.clone().into_bytes(), groups);
                self.name_groups(pattern);
                Some(value)
            })
        });
        let value = self.render(found.unwrap_or(&map.default));
        self.memory.borrow_mut().depth -= 1;
        out.extend_from_slice(&value);
    }

    fn geo_value(&self, geo: &Geo, out: &mut Vec<u8>) {
        let address = match &geo.source {
            None => Some(*self.client.remote.ip()),
            Some(var) => {
                let mut text = Vec::new();
                self.value(var, &mut text);
                std::str::from_utf8(&text)
                    .ok()
                    .and_then(|text| text.parse().ok())
            }
        };
        let mut networks = geo.networks.iter();
        let found =
            address.and_then(|address| networks.find(|(network, _)| network.contains(address)));
        let value = found.map_or(&geo.default, |(_, value)| value);
        out.extend_from_slice(value.as_bytes());
    }
}

/// Milliseconds as logs write seconds.
fn seconds(ms: u64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

/// Whether a header has the name that a variable spells with underscores.
fn same_name(header: &[u8], name: &str) -> bool {
    let bytes = name.as_bytes();
    header.len() == bytes.len()
        && header.iter().zip(bytes).all(|(a, b)| {
            let a = if *a == b'-' {
                b'_'
            } else {
                a.to_ascii_lowercase()
            };
            a == *b
        })
}

/// All values of a header, with commas between them.
fn header_values(request: &Request, name: &str, out: &mut Vec<u8>) {
    let comma: &[u8] = if name == "cookie" { b"; " } else { b", " };
    let start = out.len();
    for (other, value) in request.headers() {
        if same_name(other, name) {
            if out.len() > start {
                out.extend_from_slice(comma);
            }
            out.extend_from_slice(value);
        }
    }
}

fn cookie(request: &Request, name: &str, out: &mut Vec<u8>) {
    let cookies = request
        .headers()
        .filter(|(other, _)| same_name(other, "cookie"));
    let pairs = cookies.flat_map(|(_, value)| value.split(|byte| *byte == b';'));
    for pair in pairs {
        let mut halves = pair.trim_ascii().splitn(2, |byte| *byte == b'=');
        let key = halves.next().unwrap_or_default();
        if let (true, Some(value)) = (key.eq_ignore_ascii_case(name.as_bytes()), halves.next()) {
            return out.extend_from_slice(value);
        }
    }
}

impl Turn<'_> {
    /// The target to ask an upstream for: as the client wrote it, or the path with its pattern replaced.
    pub fn upstream_target(&self, uri: Option<&str>) -> Vec<u8> {
        if uri.is_none() && self.pristine {
            return self.request.target().to_vec();
        }
        let mut target = match uri {
            Some(prefix) => {
                let pattern = self.location.pattern.as_str();
                let rest = self.path.strip_prefix(pattern).unwrap_or_default();
                format!("{prefix}{}", uri::escape(rest)).into_bytes()
            }
            None => uri::escape(&self.path).into_bytes(),
        };
        if !self.args.is_empty() {
            target.push(b'?');
            target.extend_from_slice(&self.args);
        }
        target
    }
}
