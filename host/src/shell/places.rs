//! Machines that are no Pods (the workstation and the nodes) and where a place named in a lesson
//! is. Never starts anything on a machine but the sleeper that keeps it up.

use super::containers::Conversation;
use super::driver::Shell;
use super::images::Image;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::kubelet::Links;
use lesson::Place;
use runtime::{ContainerId, ContainerSpec, Fs, Handle, Spawn, SpawnError, TerminalSize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::SocketAddrV4;
use std::rc::Rc;
use vnet::HostId;
use world::{Context, SiteId, World};

const WORKSTATION: &str = "workstation";

/// The machines that are no Pods, by name.
#[derive(Debug, Default)]
pub(crate) struct Machines {
    by_name: BTreeMap<String, Machine>,
}

/// One machine: a container that lives as long as the machine has power.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) container: ContainerId,
    pub(crate) host: HostId,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) working_dir: String,
    pub(crate) fs: Fs,
}

/// Where something runs: the machine on the network and a way to start programs there.
#[derive(Clone, Debug)]
pub(crate) struct Spot {
    pub(crate) host: HostId,
    pub(crate) container: ContainerId,
    pub(crate) env: Vec<(String, String)>,
    /// The variables of Services, which a Pod's containers share.
    links: Links,
    pub(crate) working_dir: String,
}

impl Machines {
    /// Boots the workstation and every node.
    pub(crate) fn boot(shell: &Rc<Shell>) -> Result<()> {
        let (platform, machines) = shell.look(|world| (world.platform(), world.machines()));
        let image = shell.images.workstation().clone();
        let mut machines = machines.into_iter();
        let (name, workstation) = machines.next().context("no workstation")?;
        let machine = Machine::boot(shell, &name, workstation, &image)?;
        shell.look(|world| furnish(&machine.fs, world, shell))?;
        shell
            .machines
            .borrow_mut()
            .by_name
            .insert(WORKSTATION.into(), machine);
        for (name, host) in machines {
            let engine = platform.has_engine(&name);
            let image = match engine {
                true => shell.images.docker_host(shell.unix_nanos())?,
                false => shell.images.node().clone(),
            };
            let machine = Machine::boot(shell, &name, host, &image)?;
            shell
                .machines
                .borrow_mut()
                .by_name
                .insert(name.clone(), machine);
            shell.serve_remote(&name, host);
        }
        for site in shell.look(World::sites) {
            let nodes = shell.look(|world| world.nodes_of(site).clone());
            for node in nodes.keys() {
                Self::boot_node(shell, node);
            }
        }
        Ok(())
    }

    /// Boots a node that has power (again).
    pub(crate) fn boot_node(shell: &Rc<Shell>, node: &str) {
        let Some(host) = shell.look(|world| world.node(node)) else {
            return;
        };
        let image = shell.images.node().clone();
        let machine = Machine::boot(shell, node, host, &image).expect("a node's own image starts");
        shell
            .machines
            .borrow_mut()
            .by_name
            .insert(node.to_owned(), machine);
        shell.serve_remote(node, host);
    }

    /// Forgets a machine that lost power.
    pub(crate) fn lose(&mut self, runtime: &Handle, name: &str) {
        if let Some(machine) = self.by_name.remove(name) {
            runtime.remove_container(machine.container);
        }
    }

    /// A machine that has power.
    pub(crate) fn get(&self, name: &str) -> Option<&Machine> {
        self.by_name.get(name)
    }
}

impl Machine {
    fn boot(shell: &Rc<Shell>, name: &str, host: HostId, image: &Image) -> Result<Self> {
        let unix_nanos = u64::try_from(shell.epoch()).unwrap_or(0) * 1_000_000_000;
        let fs = Fs::new(&image.layer, unix_nanos);
        fs.write_file("/etc/hostname", format!("{name}\n").as_bytes(), 0o644)?;
        fs.write_file("/etc/hosts", hosts_file(shell, host).as_bytes(), 0o644)?;
        let server = shell.look(|world| world.resolver_for(host));
        let resolv = server.map_or_else(String::new, |addr| format!("nameserver {addr}\n"));
        fs.write_file("/etc/resolv.conf", resolv.as_bytes(), 0o644)?;
        let mut spec = ContainerSpec::new(name, host, fs.clone());
        spec.hostname = name.to_owned();
        // A machine is not a container: it has the memory of one that runs many programs.
        spec.memory_limit = 2 << 30;
        spec.processes_max = 20_000;
        let container = shell.runtime.create_container(spec);
        let mut env = image.env.clone();
        env.push(("HOSTNAME".into(), name.to_owned()));
        let spawn = Spawn {
            env: env.clone(),
            ..Spawn::new(["sleep", "infinity"])
        };
        shell
            .runtime
            .spawn(container, spawn)
            .with_context(|| format!("{name} does not boot"))?;
        Ok(Self {
            container,
            host,
            env,
            working_dir: image.working_dir.clone(),
            fs,
        })
    }

    pub(crate) fn spot(&self) -> Spot {
        Spot {
            host: self.host,
            container: self.container,
            env: self.env.clone(),
            links: Links::default(),
            working_dir: self.working_dir.clone(),
        }
    }
}

impl Spot {
    /// Starts a process here whose standard streams the caller holds.
    pub(crate) fn exec(
        &self,
        runtime: &Handle,
        argv: Vec<String>,
        stdin: bool,
        tty: Option<TerminalSize>,
    ) -> Result<Conversation, SpawnError> {
        let mut spawn = Spawn {
            env: self.env.clone(),
            shared_env: Links::clone(&self.links),
            cwd: self.working_dir.clone(),
            ..Spawn::new(argv)
        };
        if tty.is_some() {
            spawn.env.push(("TERM".into(), "xterm".into()));
        }
        super::containers::converse(runtime, self.container, spawn, stdin, tty)
    }
}

impl Shell {
    /// Writes a file to the workstation's home.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(crate) fn put_home(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let machines = self.machines.borrow();
        let machine = machines.get(WORKSTATION).context("no workstation")?;
        let path = format!("{}/{name}", machine.working_dir);
        machine.fs.write_file(&path, bytes, 0o644).context(path)
    }

    /// Whether a machine has a program on its path.
    pub(crate) fn has_program(&self, machine: &str, program: &str) -> bool {
        let workstation = self.look(World::platform).workstation();
        let name = if machine == workstation {
            WORKSTATION
        } else {
            machine
        };
        let machines = self.machines.borrow();
        let Some(machine) = machines.get(name) else {
            return false;
        };
        let path = machine.env.iter().find(|(key, _)| key == "PATH");
        let folders = path.map_or("/bin:/usr/bin", |(_, path)| path.as_str());
        folders
            .split(':')
            .any(|folder| machine.fs.kind(&format!("{folder}/{program}")).is_some())
    }

    /// Where a lesson's place is now.
    ///
    /// # Errors
    /// What is missing, when nothing can run there (yet).
    pub(crate) fn spot(&self, place: &Place) -> Result<Spot, String> {
        match place {
            Place::Workstation => self.machine(WORKSTATION),
            Place::Node { name } => self.machine(name),
            Place::Pod {
                name,
                namespace,
                container,
            } => self.pod_spot(
                |pod| pod["metadata"]["name"] == *name,
                name,
                namespace.as_deref(),
                container.as_deref(),
            ),
            Place::Selected {
                selector,
                namespace,
                container,
            } => {
                let wanted = labels(selector);
                self.pod_spot(
                    |pod| has_labels(pod, &wanted),
                    selector,
                    namespace.as_deref(),
                    container.as_deref(),
                )
            }
            Place::Deploy { name, namespace } => {
                let inside = namespace.as_deref().unwrap_or("default");
                let wanted = self.look(|world| {
                    let store = world.cluster().store();
                    Some(match_labels(store.get("deployments.apps", inside, name)?))
                });
                let wanted = wanted.ok_or_else(|| format!("no deployment {name}"))?;
                self.pod_spot(|pod| has_labels(pod, &wanted), name, Some(inside), None)
            }
            Place::ControlPlane => Err("the control plane runs no programs in this lab".into()),
            Place::Host { name } => self.host_spot(name, place),
            Place::Internet => self.host_spot("internet", place),
        }
    }

    /// A machine beside the cluster, if the platform has it.
    fn host_spot(&self, name: &str, place: &Place) -> Result<Spot, String> {
        let platform = self.look(World::platform);
        if name == platform.workstation() {
            return self.machine(WORKSTATION);
        }
        let found = self.machine(name);
        found.map_err(|_| format!("{place} is not on the platform {}", platform.name))
    }

    fn machine(&self, name: &str) -> Result<Spot, String> {
        self.machines
            .borrow()
            .get(name)
            .map(Machine::spot)
            .ok_or_else(|| format!("{name} has no power or does not exist"))
    }

    /// The same place by a Pod's name where it was told by labels, if there is such a Pod.
    pub(crate) fn named(&self, place: Place) -> Place {
        let Place::Selected {
            selector,
            namespace,
            container,
        } = &place
        else {
            return place;
        };
        let wanted = labels(selector);
        let name = self.look(|world| {
            let store = world.cluster().store();
            let mut pods = store.list("pods", Some(namespace.as_deref().unwrap_or("default")));
            let pod = pods.find(|pod| has_labels(pod, &wanted))?;
            Some(pod["metadata"]["name"].as_str()?.to_owned())
        });
        match name {
            None => place,
            Some(name) => Place::Pod {
                name,
                namespace: namespace.clone(),
                container: container.clone(),
            },
        }
    }

    fn pod_spot(
        &self,
        wanted: impl Fn(&Value) -> bool,
        name: &str,
        namespace: Option<&str>,
        container: Option<&str>,
    ) -> Result<Spot, String> {
        let namespace = namespace.unwrap_or("default");
        let containers = self.containers.borrow();
        let uids: Vec<String> = self.look(|world| {
            let pods = world.cluster().store().list("pods", Some(namespace));
            let alive =
                pods.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null() && wanted(pod));
            alive
                .filter_map(|pod| Some(pod["metadata"]["uid"].as_str()?.to_owned()))
                .collect()
        });
        if uids.is_empty() {
            return Err(format!("no pod {name}"));
        }
        let running = uids
            .iter()
            .find_map(|uid| Some((uid, containers.any(uid, container)?)));
        let (uid, running) =
            running.ok_or_else(|| format!("no running container in pod {name}"))?;
        let host = self
            .look(|world| world.pod_host(uid))
            .ok_or_else(|| format!("pod {name} has no network"))?;
        Ok(Spot {
            host,
            container: running.id,
            env: running.env.clone(),
            links: Links::clone(&running.links),
            working_dir: running.working_dir.clone(),
        })
    }
}

/// The pairs of an equality selector, `a=b,c=d`.
fn labels(selector: &str) -> Vec<(String, String)> {
    let pairs = selector.split(',').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(key, value)| {
            (
                key.trim().to_owned(),
                value.trim_start_matches('=').trim().to_owned(),
            )
        })
        .collect()
}

fn match_labels(workload: &Value) -> Vec<(String, String)> {
    let labels = workload["spec"]["selector"]["matchLabels"].as_object();
    let pairs = labels.into_iter().flatten();
    pairs
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn has_labels(pod: &Value, wanted: &[(String, String)]) -> bool {
    let labels = &pod["metadata"]["labels"];
    !wanted.is_empty()
        && wanted
            .iter()
            .all(|(key, value)| labels[key.as_str()] == value.as_str())
}

fn hosts_file(shell: &Shell, host: HostId) -> String {
    let mut text = "127.0.0.1\tlocalhost\n".to_owned();
    for (addr, name) in shell.look(|world| world.names_for(host)) {
        writeln!(text, "{addr}\t{name}").expect("text grows");
    }
    text
}

/// Writes what the workstation's programs know of the platform: kubectl's contexts and minikube's
/// profile.
fn furnish(fs: &Fs, world: &World, shell: &Shell) -> Result<()> {
    let config = kubeconfig(world, shell);
    fs.write_file("/root/.kube/config", config.as_bytes(), 0o600)?;
    for (site, plan) in world.sites().zip(world.platform().sites) {
        let first = world.nodes_in_order_of(site).into_iter().next();
        let (Some(driver), Some((name, host))) = (plan.driver, first) else {
            continue;
        };
        let node = world.net().host_addr(host);
        let ssh = world.seen_from_workstation(SocketAddrV4::new(node, super::remote::PORT));
        let api = world.api_address_of(site);
        let seen = world.seen_from_workstation(api);
        let profile = json!({
            "Name": name, "Driver": driver,
            "KubernetesConfig": { "KubernetesVersion": "v1.36.2", "ClusterName": name, "ContainerRuntime": "containerd" },
            "Nodes": [{ "Name": "", "IP": node.to_string(), "Port": api.port(), "ControlPlane": true, "Worker": true }],
            // How this machine gets there, which the real one asks the driver.
            "Lab": { "ssh": ssh.to_string(), "api": seen.to_string(), "word": shell.keys_of(site).word() },
        });
        let path = format!("/root/.minikube/profiles/{name}/config.json");
        fs.write_file(&path, format!("{profile:#}\n").as_bytes(), 0o600)?;
    }
    Ok(())
}

/// Every context of the platform; the clusters behind those that run are stopped, and their servers
/// are ports where nothing listens, as theirs would be.
fn kubeconfig(world: &World, shell: &Shell) -> String {
    let platform = world.platform();
    let contexts = platform.contexts;
    let server = |site: Option<SiteId>, name: &str| match (site, name) {
        (Some(site), _) => world
            .seen_from_workstation(world.api_address_of(site))
            .to_string(),
        (None, "docker-desktop") => "127.0.0.1:6443".to_owned(),
        (None, _) => "127.0.0.1:8443".to_owned(),
    };
    let keys = |site: Option<SiteId>| shell.keys_of(site.unwrap_or_default());
    let sites = world.sites().map(Some).chain(std::iter::repeat(None));
    let all: Vec<(&Context, Option<SiteId>)> = contexts.iter().zip(sites).collect();
    let mut text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: {}\n",
        contexts[platform.current].name
    );
    text.push_str("clusters:\n");
    for (context, site) in &all {
        let server = server(*site, context.name);
        let authority = STANDARD.encode(keys(*site).authority_pem());
        let _ = write!(
            text,
            "- name: {}\n  cluster:\n    certificate-authority-data: {authority}\n    server: https://{server}\n",
            context.cluster
        );
    }
    text.push_str("contexts:\n");
    for (context, _) in &all {
        let _ = write!(
            text,
            "- name: {}\n  context:\n    cluster: {}\n",
            context.name, context.cluster
        );
        if !context.namespace.is_empty() {
            let _ = writeln!(text, "    namespace: {}", context.namespace);
        }
        let _ = writeln!(text, "    user: {}", context.user);
    }
    text.push_str("users:\n");
    for (context, site) in &all {
        let (certificate, key) = keys(*site).administrator_pem();
        let (certificate, key) = (STANDARD.encode(certificate), STANDARD.encode(key));
        let _ = write!(
            text,
            "- name: {}\n  user:\n    client-certificate-data: {certificate}\n    client-key-data: {key}\n",
            context.user
        );
    }
    text
}
