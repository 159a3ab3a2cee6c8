//! What the Engine API (v1.47) shows of an engine, as JSON. Never changes anything.
//!
//! The field names are Docker's; what this lab has nothing to say about is left out.

use super::engine::{Container, Engine, Mode, Network, Refusal, State};
use super::ports::Binding;
use clock::{Duration, Instant};
use serde_json::{Map, Value, json};
use std::net::Ipv4Addr;
use vnet::Proto;

/// The version it says it is.
const VERSION: &str = "27.5.1";
const API_VERSION: &str = "1.47";

impl Engine {
    /// `GET /version`.
    #[must_use]
    pub fn version(&self) -> Value {
        json!({
            "Version": VERSION, "ApiVersion": API_VERSION, "MinAPIVersion": "1.24",
            "Os": "linux", "Arch": "amd64", "KernelVersion": "6.18.44",
            "Platform": { "Name": "lab" },
        })
    }

    /// `GET /info`.
    #[must_use]
    pub fn info(&self) -> Value {
        let running = self
            .containers
            .iter()
            .filter(|container| container.is_running())
            .count();
        let exited = |container: &&Container| matches!(container.state, State::Exited { .. });
        let stopped = self.containers.iter().filter(exited).count();
        json!({
            "Name": self.machine, "ServerVersion": VERSION, "OSType": "linux", "Architecture": "x86_64",
            "Containers": self.containers.len(), "ContainersRunning": running,
            "ContainersPaused": 0, "ContainersStopped": self.containers.len() - running, "ContainersExited": stopped,
            "Images": self.pulled.len(), "Driver": "memory",
            "OperatingSystem": "lab", "KernelVersion": "6.18.44",
        })
    }

    /// `GET /containers/json`, the one made last first.
    #[must_use]
    pub fn list(&self, now: Instant, epoch: i64, all: bool) -> Value {
        let shown = self.containers.iter().rev();
        shown
            .filter(|container| all || container.is_running())
            .map(|container| self.line(now, epoch, container))
            .collect()
    }

    fn line(&self, now: Instant, epoch: i64, container: &Container) -> Value {
        json!({
            "Id": container.id,
            "Names": [format!("/{}", container.name)],
            "Image": container.ask.image,
            "Command": container.command.join(" "),
            "Created": epoch + whole_seconds(container.created),
            "State": state(container),
            "Status": status(now, container),
            "Ports": self.ports(container),
            "NetworkSettings": { "Networks": self.endpoints(container) },
        })
    }

    fn ports(&self, container: &Container) -> Vec<Value> {
        if !container.is_running() {
            return Vec::new();
        }
        let of = |port: u16, proto: Proto| {
            let bindings = container.bindings.iter();
            bindings.filter(move |binding| binding.container == port && binding.proto == proto)
        };
        let mut all = Vec::new();
        for (port, proto) in container_ports(container) {
            let kind = proto_name(proto);
            let mut bound = of(port, proto).peekable();
            if bound.peek().is_none() {
                all.push(json!({ "PrivatePort": port, "Type": kind }));
            }
            all.extend(bound.map(|binding| {
                json!({ "IP": binding.addr.to_string(), "PrivatePort": port, "PublicPort": binding.host, "Type": kind })
            }));
        }
        all
    }

    /// `GET /containers/ID/json`.
    ///
    /// # Errors
    /// When there is no such container.
    pub fn inspect(&self, epoch: i64, reference: &str) -> Result<Value, Refusal> {
        let container = self.find(reference)?;
        let (code, finished) = match container.state {
            State::Exited { code, at } => (code, time(epoch, at)),
            State::Created | State::Running { .. } => (0, NEVER.to_owned()),
        };
        let started = match container.state {
            State::Running { since } => time(epoch, since),
            State::Exited { at, .. } => time(epoch, at),
            State::Created => NEVER.to_owned(),
        };
        let (program, args) = container
            .command
            .split_first()
            .map_or((String::new(), Vec::new()), |(program, args)| {
                (program.clone(), args.to_vec())
            });
        let bridge = (container.ask.network == "bridge")
            .then_some(container.addr)
            .flatten();
        let gateway = self.gateway(container, "bridge");
        Ok(json!({
            "Id": container.id,
            "Created": time(epoch, container.created),
            "Path": program, "Args": args,
            "State": {
                "Status": state(container), "Running": container.is_running(), "Paused": false,
                "Restarting": false, "OOMKilled": false, "Dead": false,
                "ExitCode": code, "Error": "", "StartedAt": started, "FinishedAt": finished,
            },
            "Image": self.image_id(&container.ask.image),
            "Name": format!("/{}", container.name),
            "RestartCount": 0, "Driver": "memory", "Platform": "linux",
            "HostConfig": {
                "NetworkMode": container.ask.network, "AutoRemove": container.ask.auto_remove,
                "PublishAllPorts": container.ask.publish_all,
                "PortBindings": port_map(&asked(container)),
            },
            "Config": {
                "Hostname": container.hostname(), "Tty": container.ask.tty, "OpenStdin": container.ask.stdin,
                "Env": container.ask.env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
                "Cmd": container.ask.cmd, "Entrypoint": container.ask.entrypoint, "Image": container.ask.image,
                "ExposedPorts": container_ports(container).into_iter()
                    .map(|(port, proto)| (format!("{port}/{}", proto_name(proto)), json!({})))
                    .collect::<Map<_, _>>(),
            },
            "NetworkSettings": {
                "Bridge": "",
                "Ports": self.port_settings(container),
                "Gateway": gateway, "IPAddress": text(bridge),
                "IPPrefixLen": if bridge.is_some() { 16 } else { 0 },
                "MacAddress": bridge.map_or(String::new(), mac),
                "Networks": self.endpoints(container),
            },
        }))
    }

    fn port_settings(&self, container: &Container) -> Map<String, Value> {
        if !container.is_running() {
            return Map::new();
        }
        let mut ports = port_map(&container.bindings);
        for (port, proto) in container_ports(container) {
            ports
                .entry(format!("{port}/{}", proto_name(proto)))
                .or_insert(Value::Null);
        }
        ports
    }

    fn gateway(&self, container: &Container, network: &str) -> String {
        let on_it = container.ask.network == network && container.addr.is_some();
        let known = self
            .networks
            .iter()
            .find(|known| on_it && known.name == network);
        known.map_or(String::new(), |known| known.gateway.to_string())
    }

    fn endpoints(&self, container: &Container) -> Value {
        let Some(network) = self
            .networks
            .iter()
            .find(|network| network.name == container.ask.network)
        else {
            return json!({});
        };
        json!({ (network.name.clone()): {
            "NetworkID": network.id,
            "EndpointID": if container.is_running() { container.endpoint.as_str() } else { "" },
            "Gateway": self.gateway(container, &network.name),
            "IPAddress": text(container.addr),
            "IPPrefixLen": if container.addr.is_some() { network.range.prefix_len() } else { 0 },
            "MacAddress": container.addr.map_or(String::new(), mac),
        }})
    }

    /// `GET /networks`.
    #[must_use]
    pub fn networks_json(&self, epoch: i64) -> Value {
        self.networks
            .iter()
            .map(|network| self.network_json(epoch, network))
            .collect()
    }

    /// `GET /networks/ID`.
    ///
    /// # Errors
    /// When there is no such network.
    pub fn inspect_network(&self, epoch: i64, reference: &str) -> Result<Value, Refusal> {
        Ok(self.network_json(epoch, self.network(reference)?))
    }

    fn network_json(&self, epoch: i64, network: &Network) -> Value {
        let driver = match network.mode {
            Mode::Bridge => "bridge",
            Mode::Host => "host",
            Mode::None => "null",
        };
        let config = match network.mode {
            Mode::Bridge => {
                json!([{ "Subnet": network.range.to_string(), "Gateway": network.gateway.to_string() }])
            }
            Mode::Host | Mode::None => json!([]),
        };
        let on_it = self
            .containers
            .iter()
            .filter(|container| container.ask.network == network.name && container.is_running());
        let containers: Map<String, Value> = on_it
            .map(|container| {
                let address = container.addr.map_or(String::new(), |addr| {
                    format!("{addr}/{}", network.range.prefix_len())
                });
                (
                    container.id.clone(),
                    json!({
                        "Name": container.name, "EndpointID": container.endpoint,
                        "MacAddress": container.addr.map_or(String::new(), mac),
                        "IPv4Address": address, "IPv6Address": "",
                    }),
                )
            })
            .collect();
        let options = match network.name.as_str() {
            "bridge" => {
                json!({ "com.docker.network.bridge.default_bridge": "true", "com.docker.network.bridge.name": "docker0", "com.docker.network.driver.mtu": "1500" })
            }
            _ => json!({}),
        };
        json!({
            "Name": network.name, "Id": network.id, "Created": time(epoch, network.created), "Scope": "local",
            "Driver": driver, "EnableIPv6": false,
            "IPAM": { "Driver": "default", "Options": null, "Config": config },
            "Internal": false, "Attachable": false, "Ingress": false,
            "Containers": containers, "Options": options, "Labels": {},
        })
    }

    /// `GET /images/json`, the one pulled last first.
    #[must_use]
    pub fn images_json(&self, epoch: i64) -> Value {
        let mut pulled: Vec<_> = self.pulled.iter().collect();
        pulled.sort_by_key(|(name, at)| (std::cmp::Reverse(**at), (*name).clone()));
        pulled
            .into_iter()
            .map(|(name, at)| {
                json!({
                    "Id": self.image_id(name), "RepoTags": [name],
                    "Created": epoch + whole_seconds(*at),
                    "Size": self.images.get(name).copied().unwrap_or_default(),
                })
            })
            .collect()
    }

    /// The id of an image: 64 digits made of its name, the same on every machine of every lab.
    #[must_use]
    pub fn image_id(&self, reference: &str) -> String {
        let whole = Self::whole_reference(reference);
        let part = |salt: u64| {
            let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ salt;
            for byte in whole.bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
            hash ^ (hash >> 29)
        };
        let digits: String = (1..=4)
            .map(|salt| format!("{:016x}", part(salt * 0x9e37_79b9)))
            .collect();
        format!("sha256:{digits}")
    }
}

const NEVER: &str = "0001-01-01T00:00:00Z";

fn container_ports(container: &Container) -> Vec<(u16, Proto)> {
    let bound = container
        .bindings
        .iter()
        .map(|binding| (binding.container, binding.proto));
    let mut all: Vec<(u16, Proto)> = container.ask.exposed.iter().copied().chain(bound).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn asked(container: &Container) -> Vec<Binding> {
    let ask = container.ask.ports.iter();
    ask.map(|ask| Binding {
        proto: ask.proto,
        container: ask.container,
        addr: ask.addr,
        host: ask.host.unwrap_or(0),
    })
    .collect()
}

fn port_map(bindings: &[Binding]) -> Map<String, Value> {
    let mut map = Map::new();
    for binding in bindings {
        let key = format!("{}/{}", binding.container, proto_name(binding.proto));
        let port = if binding.host == 0 {
            String::new()
        } else {
            binding.host.to_string()
        };
        let entry = json!({ "HostIp": binding.addr.to_string(), "HostPort": port });
        if let Value::Array(list) = map.entry(key).or_insert_with(|| json!([])) {
            list.push(entry);
        }
    }
    map
}

fn proto_name(proto: Proto) -> &'static str {
    match proto {
        Proto::Tcp => "tcp",
        Proto::Udp => "udp",
        #[allow(
            unreachable_patterns,
            reason = "protocols without ports are never published"
        )]
        _ => "",
    }
}

fn text(addr: Option<Ipv4Addr>) -> String {
    addr.map_or(String::new(), |addr| addr.to_string())
}

/// As dockerd makes it of an address.
fn mac(addr: Ipv4Addr) -> String {
    let [a, b, c, d] = addr.octets();
    format!("02:42:{a:02x}:{b:02x}:{c:02x}:{d:02x}")
}

fn state(container: &Container) -> &'static str {
    match container.state {
        State::Created => "created",
        State::Running { .. } => "running",
        State::Exited { .. } => "exited",
    }
}

fn status(now: Instant, container: &Container) -> String {
    match container.state {
        State::Created => "Created".to_owned(),
        State::Running { since } => format!("Up {}", human(now.saturating_since(since))),
        State::Exited { code, at } => {
            format!("Exited ({code}) {} ago", human(now.saturating_since(at)))
        }
    }
}

/// How long something took, in the words of Docker's `units.HumanDuration`.
#[must_use]
pub(super) fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours) = (seconds / 60, (seconds + 1800) / 3600);
    match seconds {
        0 => "Less than a second".to_owned(),
        1 => "1 second".to_owned(),
        2..60 => format!("{seconds} seconds"),
        60..120 => "About a minute".to_owned(),
        _ if minutes < 60 => format!("{minutes} minutes"),
        _ if hours == 1 => "About an hour".to_owned(),
        _ if hours < 48 => format!("{hours} hours"),
        _ if hours < 24 * 14 => format!("{} days", hours / 24),
        _ if hours < 24 * 60 => format!("{} weeks", hours / 24 / 7),
        _ => format!("{} months", hours / 24 / 30),
    }
}

fn whole_seconds(at: Instant) -> i64 {
    i64::try_from(at.as_nanos() / 1_000_000_000).unwrap_or(i64::MAX)
}

/// RFC 3339 with nanoseconds, as Go prints it.
fn time(epoch: i64, at: Instant) -> String {
    let nanos = at.as_nanos() % 1_000_000_000;
    let unix = epoch + whole_seconds(at);
    let (days, rest) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{nanos:09}Z")
}

/// The date of a day counted from 1970-01-01, by the usual arithmetic of 400-year cycles.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let of_cycle = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * of_cycle + of_cycle / 4 - of_cycle / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (era * 400 + of_cycle + i64::from(month <= 2), month, day)
}
