//! The engine: what exists and in which state, and what is refused with which words.
//!
//! ```text
//!           start            exited
//! Created ────────► Running ───────► Exited ──┐
//!    │                 ▲                │     │ remove (at once with `--rm`)
//!    └─────────────────┴── start ───────┘     ▼
//!                                          (nothing)
//! ```
//!
//! Never waits: stopping is a signal that the shell sends, and [`Engine::exited`] later.

use super::{Binding, PortAsk};
use super::{ipam, names, ports};
use clock::{Instant, Seed, Stream};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use vnet::{Cidr, Proto};

/// How many containers an engine keeps; further ones are refused.
const CONTAINERS_MAX: usize = 512;
/// How many networks.
const NETWORKS_MAX: usize = 64;

/// An answer that is no success: the status of HTTP and dockerd's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The words.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }
}

/// What a new container should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Its name; drawn when there is none.
    pub name: Option<String>,
    /// The image as it was typed.
    pub image: String,
    /// What replaces the image's arguments.
    pub cmd: Option<Vec<String>>,
    /// What replaces the image's program.
    pub entrypoint: Option<Vec<String>>,
    /// Further variables.
    pub env: Vec<(String, String)>,
    /// Ports to publish.
    pub ports: Vec<PortAsk>,
    /// Ports that it says it listens on.
    pub exposed: Vec<(u16, Proto)>,
    /// Publish those and the image's.
    pub publish_all: bool,
    /// The network; empty means `bridge`.
    pub network: String,
    /// Whether it goes when it ends.
    pub auto_remove: bool,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether its input stays open.
    pub stdin: bool,
    /// Its host name; its id's beginning when empty.
    pub hostname: String,
    /// Where its program starts.
    pub working_dir: Option<String>,
}

/// Where a container stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not started yet.
    Created,
    /// Its program runs.
    Running {
        /// Since when.
        since: Instant,
    },
    /// Its program ended.
    Exited {
        /// With this code.
        code: u8,
        /// Then.
        at: Instant,
    },
}

/// A container.
#[derive(Clone, Debug)]
pub struct Container {
    /// 64 hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it should be.
    pub ask: Ask,
    /// Its program and arguments, for people.
    pub command: Vec<String>,
    /// When it was made.
    pub created: Instant,
    /// Where it stands.
    pub state: State,
    /// Its address while it runs on a network that has some.
    pub addr: Option<Ipv4Addr>,
    /// The host's ports that lead to it while it runs.
    pub bindings: Vec<Binding>,
    /// It is a machine of the lab itself, such as minikube's node, and is not started or removed here.
    pub fixed: bool,
    pub(super) endpoint: String,
}

impl Container {
    /// Whether its program runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// The first twelve digits of its id.
    #[must_use]
    pub fn short_id(&self) -> &str {
        &self.id[..12]
    }

    /// Its host name.
    #[must_use]
    pub fn hostname(&self) -> &str {
        if self.ask.hostname.is_empty() {
            self.short_id()
        } else {
            &self.ask.hostname
        }
    }
}

/// How the containers of a network are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// On a bridge of the host.
    Bridge,
    /// On the host's own interfaces.
    Host,
    /// Not at all.
    None,
}

/// A network of containers.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) mode: Mode,
    pub(super) range: Cidr,
    pub(super) gateway: Ipv4Addr,
    pub(super) created: Instant,
}

/// What a new network should be.
#[derive(Clone, Debug, Default)]
pub struct NetworkAsk {
    /// Its name.
    pub name: String,
    /// Its driver; empty means `bridge`.
    pub driver: String,
    /// Its range; `None` takes a free one.
    pub range: Option<Cidr>,
    /// The host's address on it; the range's first when `None`.
    pub gateway: Option<Ipv4Addr>,
}

/// A container that must be started now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its id.
    pub id: String,
    /// The network's name, how it connects, and the address there.
    pub network: String,
    /// How that network connects.
    pub mode: Mode,
    /// The container's address, on a bridge.
    pub addr: Option<Ipv4Addr>,
    /// The host's ports that lead to it.
    pub bindings: Vec<Binding>,
}

/// An engine.
#[derive(Debug)]
pub struct Engine {
    pub(super) machine: String,
    chance: Stream,
    pub(super) containers: Vec<Container>,
    pub(super) networks: Vec<Network>,
    /// What can be pulled: reference and size.
    pub(super) images: BTreeMap<String, u64>,
    /// What has been.
    pub(super) pulled: BTreeMap<String, Instant>,
    /// The host's own ranges.
    taken: Vec<Cidr>,
    next_port: u16,
}

impl Engine {
    /// An engine of a machine whose own networks are `taken`.
    #[must_use]
    pub fn new(
        seed: Seed,
        machine: &str,
        images: &[cluster::ImageInfo],
        taken: Vec<Cidr>,
        first_port: u16,
    ) -> Self {
        let mut chance = seed.derive(machine).stream("docker");
        let mut network = |name: &str, mode, range: Cidr| Network {
            id: names::id(&mut chance),
            name: name.to_owned(),
            mode,
            range,
            gateway: range.nth(1),
            created: Instant::ZERO,
        };
        let nothing = Cidr::new(Ipv4Addr::UNSPECIFIED, 32);
        let networks = vec![
            network(
                "bridge",
                Mode::Bridge,
                Cidr::new(Ipv4Addr::new(172, 17, 0, 0), 16),
            ),
            network("host", Mode::Host, nothing),
            network("none", Mode::None, nothing),
        ];
        Self {
            machine: machine.to_owned(),
            chance,
            containers: Vec::new(),
            networks,
            images: images
                .iter()
                .map(|image| (image.name.clone(), image.size_bytes))
                .collect(),
            pulled: BTreeMap::new(),
            taken,
            next_port: first_port,
        }
    }

    /// The machine it runs on.
    #[must_use]
    pub fn machine(&self) -> &str {
        &self.machine
    }

    /// Makes a container of a machine that is there already, such as minikube's node, on a network
    /// made for it; the ports given to it.
    pub fn adopt(
        &mut self,
        network: &str,
        range: Cidr,
        name: &str,
        image: &str,
        addr: Ipv4Addr,
        published: &[u16],
    ) -> Vec<Binding> {
        if !self.networks.iter().any(|known| known.name == network) {
            let id = names::id(&mut self.chance);
            self.networks.push(Network {
                id,
                name: network.to_owned(),
                mode: Mode::Bridge,
                range,
                gateway: range.nth(1),
                created: Instant::ZERO,
            });
        }
        self.pulled.insert(image.to_owned(), Instant::ZERO);
        let asks: Vec<PortAsk> = published
            .iter()
            .map(|port| PortAsk {
                proto: Proto::Tcp,
                container: *port,
                addr: Ipv4Addr::LOCALHOST,
                host: None,
            })
            .collect();
        let taken = self.bindings();
        let bindings = ports::allocate(&asks, &taken, &mut self.next_port).unwrap_or_default();
        let ask = Ask {
            name: Some(name.to_owned()),
            image: image.to_owned(),
            network: network.to_owned(),
            hostname: name.to_owned(),
            tty: true,
            ..Ask::default()
        };
        let container = Container {
            id: names::id(&mut self.chance),
            name: name.to_owned(),
            ask,
            command: ["/usr/local/bin/entrypoint", "/sbin/init"]
                .map(String::from)
                .into(),
            created: Instant::ZERO,
            state: State::Running {
                since: Instant::ZERO,
            },
            addr: Some(addr),
            bindings: bindings.clone(),
            fixed: true,
            endpoint: names::id(&mut self.chance),
        };
        self.containers.push(container);
        bindings
    }

    /// The container that a name, an id or the beginning of one means.
    ///
    /// # Errors
    /// dockerd's words when there is none, or more than one.
    pub fn find(&self, reference: &str) -> Result<&Container, Refusal> {
        let name = reference.trim_start_matches('/');
        let exact = |container: &&Container| container.name == name || container.id == name;
        if let Some(found) = self.containers.iter().find(exact) {
            return Ok(found);
        }
        let mut begin = self
            .containers
            .iter()
            .filter(|container| !name.is_empty() && container.id.starts_with(name));
        match (begin.next(), begin.next()) {
            (Some(found), None) => Ok(found),
            (Some(_), Some(_)) => Err(Refusal::new(
                400,
                format!("multiple IDs found with provided prefix: {name}"),
            )),
            (None, _) => Err(Refusal::new(404, format!("No such container: {reference}"))),
        }
    }

    fn find_mut(&mut self, reference: &str) -> Result<&mut Container, Refusal> {
        let id = self.find(reference)?.id.clone();
        let found = self
            .containers
            .iter_mut()
            .find(|container| container.id == id);
        Ok(found.expect("just found"))
    }

    /// Every container, the one made first first.
    #[must_use]
    pub fn containers(&self) -> &[Container] {
        &self.containers
    }

    fn bindings(&self) -> Vec<Binding> {
        let all = self
            .containers
            .iter()
            .flat_map(|container| &container.bindings);
        all.copied().collect()
    }

    /// The whole reference of an image, with its tag.
    #[must_use]
    pub fn whole_reference(reference: &str) -> String {
        let short = reference.strip_prefix("docker.io/").unwrap_or(reference);
        let short = short.strip_prefix("library/").unwrap_or(short);
        match short.rsplit_once(':') {
            Some((_, tag)) if !tag.contains('/') => short.to_owned(),
            _ => format!("{short}:latest"),
        }
    }

    /// Whether the image is here.
    #[must_use]
    pub fn has_image(&self, reference: &str) -> bool {
        self.pulled.contains_key(&Self::whole_reference(reference))
    }

    /// Brings an image here; true when it was not before.
    ///
    /// # Errors
    /// The registry's words for what does not exist.
    pub fn pull(&mut self, now: Instant, reference: &str) -> Result<bool, Refusal> {
        let whole = Self::whole_reference(reference);
        if self.images.contains_key(&whole) {
            return Ok(self.pulled.insert(whole, now).is_none());
        }
        let (repository, _) = whole.rsplit_once(':').unwrap_or((&whole, ""));
        let known = self
            .images
            .keys()
            .any(|image| image.starts_with(&format!("{repository}:")));
        Err(if known {
            let path = if repository.contains('/') {
                repository.to_owned()
            } else {
                format!("library/{repository}")
            };
            let tag = whole.rsplit_once(':').map_or("", |(_, tag)| tag);
            Refusal::new(
                404,
                format!(
                    "manifest for {repository}:{tag} not found: manifest unknown: manifest unknown ({path} has no such tag in this lab)"
                ),
            )
        } else {
            Refusal::new(
                404,
                format!(
                    "pull access denied for {repository}, repository does not exist or may require 'docker login': denied: requested access to the resource is denied"
                ),
            )
        })
    }

    /// Makes a container; `command` is what will run, for people, and `exposed` the image's ports.
    ///
    /// # Errors
    /// A name in use or of other letters, an image that is not here, a network that is not.
    pub fn create(
        &mut self,
        now: Instant,
        mut ask: Ask,
        command: Vec<String>,
        exposed: &[(u16, Proto)],
    ) -> Result<String, Refusal> {
        if !self.has_image(&ask.image) {
            return Err(Refusal::new(
                404,
                format!("No such image: {}", Self::whole_reference(&ask.image)),
            ));
        }
        if self.containers.len() >= CONTAINERS_MAX {
            return Err(Refusal::new(500, "too many containers for this lab"));
        }
        let name = self.name_for(ask.name.as_deref())?;
        if ask.network.is_empty() || ask.network == "default" {
            ask.network = "bridge".to_owned();
        }
        let mode = self.network(&ask.network)?.mode;
        if mode != Mode::Bridge {
            // As dockerd: ports of the host's own interfaces are simply there.
            ask.ports.clear();
        }
        let mut all: BTreeSet<(u16, Proto)> = exposed
            .iter()
            .copied()
            .chain(ask.exposed.iter().copied())
            .collect();
        all.extend(ask.ports.iter().map(|port| (port.container, port.proto)));
        if ask.publish_all && mode == Mode::Bridge {
            for (port, proto) in &all {
                if !ask
                    .ports
                    .iter()
                    .any(|asked| asked.container == *port && asked.proto == *proto)
                {
                    ask.ports.push(PortAsk {
                        proto: *proto,
                        container: *port,
                        addr: Ipv4Addr::UNSPECIFIED,
                        host: None,
                    });
                }
            }
        }
        ask.exposed = all.into_iter().collect();
        let id = names::id(&mut self.chance);
        self.containers.push(Container {
            id: id.clone(),
            name,
            ask,
            command,
            created: now,
            state: State::Created,
            addr: None,
            bindings: Vec::new(),
            fixed: false,
            endpoint: names::id(&mut self.chance),
        });
        Ok(id)
    }

    fn name_for(&mut self, wanted: Option<&str>) -> Result<String, Refusal> {
        let Some(wanted) = wanted else {
            // 1,024 names, and a number behind one that is taken.
            let drawn = names::draw(&mut self.chance);
            let mut name = drawn.clone();
            let mut number = 0;
            while self
                .containers
                .iter()
                .any(|container| container.name == name)
            {
                number += 1;
                name = format!("{drawn}{number}");
            }
            return Ok(name);
        };
        let good = wanted.chars().enumerate().all(|(index, c)| {
            c.is_ascii_alphanumeric() || (index > 0 && matches!(c, '_' | '.' | '-'))
        });
        if !good || wanted.len() < 2 {
            return Err(Refusal::new(
                400,
                format!(
                    "Invalid container name ({wanted}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
                ),
            ));
        }
        match self
            .containers
            .iter()
            .find(|container| container.name == wanted)
        {
            Some(other) => Err(Refusal::new(
                409,
                format!(
                    "Conflict. The container name \"/{wanted}\" is already in use by container \"{}\". You have to remove (or rename) that container to be able to reuse that name.",
                    other.id
                ),
            )),
            None => Ok(wanted.to_owned()),
        }
    }

    /// Gives a container its address and its ports; `None` when it runs already.
    ///
    /// # Errors
    /// dockerd's words when a port or an address is not to be had.
    pub fn start(&mut self, reference: &str) -> Result<Option<Start>, Refusal> {
        let container = self.find(reference)?.clone();
        if container.is_running() {
            return Ok(None);
        }
        let network = self.network(&container.ask.network)?.clone();
        let addr = match network.mode {
            Mode::Bridge => Some(self.free_address(&network)?),
            Mode::Host | Mode::None => None,
        };
        let taken = self.bindings();
        let bindings = ports::allocate(&container.ask.ports, &taken, &mut self.next_port)
            .map_err(|why| Self::no_connectivity(&container, &why))?;
        let found = self.find_mut(&container.id)?;
        found.addr = addr;
        found.bindings.clone_from(&bindings);
        Ok(Some(Start {
            id: container.id,
            network: network.name,
            mode: network.mode,
            addr,
            bindings,
        }))
    }

    fn free_address(&self, network: &Network) -> Result<Ipv4Addr, Refusal> {
        let on_it = self
            .containers
            .iter()
            .filter(|container| container.ask.network == network.name);
        let mut taken: Vec<Ipv4Addr> = on_it.filter_map(|container| container.addr).collect();
        taken.push(network.gateway);
        ipam::next_address(network.range, &taken).ok_or_else(|| {
            Refusal::new(
                500,
                "no available IPv4 addresses on this network's address pools",
            )
        })
    }

    /// The words around a port that is not to be had.
    #[must_use]
    pub fn no_connectivity(container: &Container, why: &str) -> Refusal {
        Refusal::new(
            500,
            format!(
                "driver failed programming external connectivity on endpoint {} ({}): {why}",
                container.name, container.endpoint
            ),
        )
    }

    /// A container's program runs.
    pub fn started(&mut self, now: Instant, id: &str) {
        if let Ok(container) = self.find_mut(id) {
            container.state = State::Running { since: now };
        }
    }

    /// A container did not start: it has neither address nor ports, and 127 or 126 as its code.
    pub fn not_started(&mut self, now: Instant, id: &str, code: Option<u8>) {
        if let Ok(container) = self.find_mut(id) {
            container.addr = None;
            container.bindings.clear();
            if let Some(code) = code {
                container.state = State::Exited { code, at: now };
            }
        }
    }

    /// A container's program ended; true when the container is gone with it.
    pub fn exited(&mut self, now: Instant, id: &str, code: u8) -> bool {
        let Ok(container) = self.find_mut(id) else {
            return false;
        };
        container.state = State::Exited { code, at: now };
        container.addr = None;
        container.bindings.clear();
        let gone = container.ask.auto_remove;
        if gone {
            self.containers.retain(|container| container.id != id);
        }
        gone
    }

    /// Takes a container away.
    ///
    /// # Errors
    /// One that runs, and one that is a machine of the lab.
    pub fn remove(&mut self, reference: &str) -> Result<String, Refusal> {
        let container = self.find(reference)?;
        if container.fixed {
            return Err(Self::is_fixed(container));
        }
        if container.is_running() {
            return Err(Refusal::new(
                409,
                format!(
                    "cannot remove container \"/{}\": container is running: stop the container before removing or force remove",
                    container.name
                ),
            ));
        }
        let id = container.id.clone();
        self.containers.retain(|container| container.id != id);
        Ok(id)
    }

    /// The words for a container that is the lab's own.
    #[must_use]
    pub fn is_fixed(container: &Container) -> Refusal {
        Refusal::new(
            409,
            format!(
                "not in this lab: container {} is a node of the cluster and stays",
                container.name
            ),
        )
    }

    pub(super) fn network(&self, reference: &str) -> Result<&Network, Refusal> {
        let named = self
            .networks
            .iter()
            .find(|network| network.name == reference);
        let by_id = || {
            self.networks
                .iter()
                .find(|network| reference.len() >= 3 && network.id.starts_with(reference))
        };
        named
            .or_else(by_id)
            .ok_or_else(|| Refusal::new(404, format!("network {reference} not found")))
    }

    /// Makes a network: its id, its range and the host's address on it.
    ///
    /// # Errors
    /// A name in use, a driver that is not in this lab, a range that is not free.
    pub fn create_network(
        &mut self,
        now: Instant,
        ask: NetworkAsk,
    ) -> Result<(String, Cidr, Ipv4Addr), Refusal> {
        if !matches!(ask.driver.as_str(), "" | "bridge") {
            return Err(Refusal::new(
                404,
                format!(
                    "could not find a v2 driver for \"{}\": only bridge is in this lab",
                    ask.driver
                ),
            ));
        }
        if self.networks.iter().any(|network| network.name == ask.name) {
            return Err(Refusal::new(
                409,
                format!("network with name {} already exists", ask.name),
            ));
        }
        if self.networks.len() >= NETWORKS_MAX {
            return Err(Refusal::new(500, "too many networks for this lab"));
        }
        let taken: Vec<Cidr> = self
            .networks
            .iter()
            .filter(|network| network.mode == Mode::Bridge)
            .map(|network| network.range)
            .chain(self.taken.iter().copied())
            .collect();
        let range = match ask.range {
            Some(range) if taken.iter().any(|other| ipam::overlap(range, *other)) => {
                return Err(Refusal::new(
                    403,
                    "invalid pool request: Pool overlaps with other one on this address space",
                ));
            }
            Some(range) => range,
            None => ipam::next_range(&taken).ok_or_else(|| {
                Refusal::new(
                    500,
                    "all predefined address pools have been fully subnetted",
                )
            })?,
        };
        let gateway = ask.gateway.unwrap_or(range.nth(1));
        if !range.contains(gateway) {
            return Err(Refusal::new(
                400,
                format!("no matching subnet for gateway {gateway}"),
            ));
        }
        let id = names::id(&mut self.chance);
        self.networks.push(Network {
            id: id.clone(),
            name: ask.name,
            mode: Mode::Bridge,
            range,
            gateway,
            created: now,
        });
        Ok((id, range, gateway))
    }

    /// Takes a network away; its name.
    ///
    /// # Errors
    /// One of the first three, and one that containers run on.
    pub fn remove_network(&mut self, reference: &str) -> Result<String, Refusal> {
        let network = self.network(reference)?;
        let (name, id) = (network.name.clone(), network.id.clone());
        if matches!(name.as_str(), "bridge" | "host" | "none") {
            return Err(Refusal::new(
                403,
                format!("{name} is a pre-defined network and cannot be removed"),
            ));
        }
        let mut on_it = self
            .containers
            .iter()
            .filter(|container| container.ask.network == name && container.is_running());
        if let Some(container) = on_it.next() {
            return Err(Refusal::new(
                403,
                format!(
                    "error while removing network: network {name} has active endpoints (name:\"{}\" id:\"{}\")",
                    container.name,
                    container.short_id()
                ),
            ));
        }
        self.networks.retain(|network| network.id != id);
        Ok(name)
    }
}
