//! `lab up`: a bare live cluster in the foreground. Never more than the loop, paced to the wall clock.

use crate::apiserver::{self, Caller, HostClock, Keys, Visit};
use crate::authority::Authority;
use crate::cli::{Cluster, Up};
use crate::outside::{Credentials, Outside, Visitor, draw};
use crate::shell::{NetStream, Plane, Shell};
use anyhow::{Context, Result};
use clock::Seed;
use hyper_util::rt::TokioIo;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Wake;
use std::thread::Thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vnet::Origin;
use world::{NodePlan, PLATFORMS, Platform, WorldSpec};

/// The longest nap: whatever happens, the loop looks around this often.
const NAP: Duration = Duration::from_secs(60);
/// The shortest token that is taken.
const TOKEN_MIN: usize = 16;

/// Runs until Ctrl-C.
pub(crate) fn up(typed: &Up) -> Result<ExitCode> {
    let token = token(typed)?;
    let spec = spec(&typed.cluster, true)?;
    let credentials = Credentials::generate(&names(typed.listen), spec.epoch)?;
    let at = SocketAddr::new(typed.listen, typed.port);
    let outside = Outside::open(at, &credentials, std::thread::current())?;
    let mut keys = vec![Keys::new(
        credentials.authority().clone(),
        spec.seed,
        &mut draw,
    )];
    // Those of further clusters, which nobody outside is shown.
    for (index, _) in spec.platform.sites.iter().enumerate().skip(1) {
        let authority = Authority::generate(spec.epoch, &mut draw);
        let seed = spec.seed.derive(&format!("site/{index}"));
        keys.push(Keys::new(authority, seed, &mut draw));
    }
    let shell = Shell::with_keys(spec, &[], keys)?;
    // Those outside could guess a key that comes from the seed.
    let mut secret = [0; 32];
    draw(&mut secret);
    shell.sign_tokens_with(secret);
    shell
        .runtime()
        .set_unpark(Arc::new(Unpark(std::thread::current())).into());
    let server = reachable(outside.api());
    credentials.write_kubeconfig(&typed.kubeconfig, server)?;
    anstream::println!("The API server listens on https://{}", outside.api());
    if typed.token_file.is_none()
        && let Some(token) = &token
    {
        anstream::println!("  who has no certificate says the token {token}");
    }
    anstream::println!(
        "  kubectl --kubeconfig {} get nodes",
        typed.kubeconfig.display()
    );
    anstream::println!("Ctrl-C ends everything.");
    live(&shell, &outside, token.as_ref());
    let _ = std::fs::remove_file(&typed.kubeconfig);
    Ok(ExitCode::SUCCESS)
}

/// The token of `--token-file`, or a fresh one when somebody else than this machine's users could
/// connect.
fn token(typed: &Up) -> Result<Option<Arc<str>>> {
    if let Some(path) = &typed.token_file {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let token = text.trim();
        anyhow::ensure!(
            token.len() >= TOKEN_MIN && token.bytes().all(|byte| byte.is_ascii_graphic()),
            "{} holds no token\n\nhint: one line of at least {TOKEN_MIN} letters and digits",
            path.display()
        );
        return Ok(Some(token.into()));
    }
    if typed.listen.is_loopback() {
        return Ok(None);
    }
    Ok(Some(Credentials::secret()?.into()))
}

/// What the serving certificate has to name besides loopback.
fn names(listen: IpAddr) -> Vec<String> {
    if !listen.is_unspecified() {
        return vec![listen.to_string()];
    }
    let mut names = vec![
        rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned(),
    ];
    // Nothing is sent: connecting a datagram socket only asks for the way out.
    let way = UdpSocket::bind((listen, 0)).and_then(|socket| {
        socket.connect(("192.0.2.1", 9))?;
        socket.local_addr()
    });
    names.extend(way.ok().map(|addr| addr.ip().to_string()));
    names
}

/// Where this machine's users find a listener.
fn reachable(listener: SocketAddr) -> SocketAddr {
    match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => {
            SocketAddr::new(Ipv4Addr::LOCALHOST.into(), listener.port())
        }
        IpAddr::V6(ip) if ip.is_unspecified() => {
            SocketAddr::new(Ipv6Addr::LOCALHOST.into(), listener.port())
        }
        _ => listener,
    }
}

/// Wakes the world's thread when something outside has news for a task of it.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The loop: virtual time follows the wall clock, and visitors come in at the present.
fn live(shell: &Rc<Shell>, outside: &Outside, token: Option<&Arc<str>>) {
    let clock = shell.live();
    let mut ports = BTreeSet::new();
    loop {
        while let Some(visitor) = outside.poll_visitor() {
            match visitor {
                Visitor::Stop => return,
                visitor => admit(shell, outside, token, visitor),
            }
        }
        let wall = clock.now();
        let mut busy = shell.turn();
        // What fell due while we slept happens in order, each thing at its own instant.
        match shell.poll_at() {
            Some(at) if at <= wall => {
                shell.jump(at);
                busy = true;
            }
            _ => shell.jump(wall),
        }
        open_ports(shell, outside, &mut ports);
        if busy {
            continue;
        }
        let until = shell.poll_at().map_or(NAP, |at| at.saturating_since(wall));
        std::thread::park_timeout(until.min(NAP));
    }
}

fn admit(shell: &Rc<Shell>, outside: &Outside, token: Option<&Arc<str>>, visitor: Visitor) {
    let inside = shell.clone();
    match visitor {
        Visitor::Api(stream, certificate) => {
            let caller = Caller::Outside(Visit {
                certificate,
                token: token.cloned(),
                clock: HostClock(outside.clock()),
            });
            let served = apiserver::serve(TokioIo::new(stream), Plane::main(inside), caller);
            shell.runtime().spawn_native(served);
        }
        Visitor::NodePort(port, mut stream) => shell.runtime().spawn_native(async move {
            let Some((from, to)) = node_port(&inside, port) else {
                return;
            };
            // A refused or broken connection closes the visitor's, which is all that TCP can say.
            if let Ok(mut inner) =
                NetStream::connect(inside.runtime(), from, to, Origin::Program).await
            {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut inner).await;
            }
        }),
        Visitor::Stop => {}
    }
}

/// The learner's machine and the first node's address, which every NodePort answers on.
fn node_port(shell: &Shell, port: u16) -> Option<(vnet::HostId, SocketAddrV4)> {
    shell.look(|world| {
        let node = world.nodes().values().next()?;
        let addr = world.net().host_addr(*node);
        let to = world.seen_from_workstation(SocketAddrV4::new(addr, port));
        Some((world.workstation(), to))
    })
}

fn open_ports(shell: &Shell, outside: &Outside, open: &mut BTreeSet<u16>) {
    let wanted: BTreeSet<u16> = shell.look(world::World::node_ports);
    if wanted != *open {
        open.clone_from(&wanted);
        outside.open_ports(wanted);
    }
}

/// A bare cluster. Live ones begin at the present of the host, others always at the same instant.
pub(crate) fn spec(typed: &Cluster, live: bool) -> Result<WorldSpec> {
    let platform = find_platform(&typed.platform)?;
    // A plain lab has a node unless told otherwise; other platforms have their own.
    let usual = (platform.name == "plain").then_some(1);
    let nodes = typed.nodes.or(usual).map(usize::from);
    let present = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let epoch = if live {
        i64::try_from(present).unwrap_or(0)
    } else {
        super::play::EPOCH
    };
    let names = platform.node_names(nodes).into_iter();
    Ok(WorldSpec {
        seed: Seed::new(typed.seed),
        epoch,
        platform,
        nodes: names.map(|name| NodePlan { name }).collect(),
        pod_cidr: platform.pod_range(),
        service_cidr: platform.service_range(),
        dataplane: platform.main().dataplane,
        dns: true,
        capture: vnet::Capture::Headers,
        images: Vec::new(),
        root_ca: String::new(),
        more_root_cas: Vec::new(),
        shuffle: false,
    })
}

/// The platform of this name.
pub(crate) fn find_platform(name: &str) -> Result<&'static Platform> {
    Platform::find(name).with_context(|| {
        let known: Vec<&str> = PLATFORMS.iter().map(|platform| platform.name).collect();
        format!(
            "no platform {name:?}\n\nhint: there are {}",
            known.join(", ")
        )
    })
}
