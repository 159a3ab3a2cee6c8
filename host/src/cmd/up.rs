//! `lab up`: a bare live cluster in the foreground. Never more than the loop, paced to the wall clock.

use crate::apiserver;
use crate::cli::{Cluster, Up};
use crate::outside::{Credentials, Outside, Visitor};
use crate::shell::{NetStream, Shell};
use anyhow::{Context, Result};
use clock::{Instant, Seed};
use hyper_util::rt::TokioIo;
use std::collections::BTreeSet;
use std::net::SocketAddrV4;
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

/// Runs until Ctrl-C.
pub(crate) fn up(typed: &Up) -> Result<ExitCode> {
    let credentials = Credentials::generate()?;
    let outside = Outside::open(typed.port, &credentials, std::thread::current())?;
    let shell = Shell::new(spec(&typed.cluster, true)?, &[])?;
    shell
        .runtime()
        .set_unpark(Arc::new(Unpark(std::thread::current())).into());
    credentials.write_kubeconfig(&typed.kubeconfig, outside.api_port())?;
    anstream::println!(
        "The API server listens on https://127.0.0.1:{}",
        outside.api_port()
    );
    anstream::println!(
        "  kubectl --kubeconfig {} get nodes",
        typed.kubeconfig.display()
    );
    anstream::println!("Ctrl-C ends everything.");
    live(&shell, &outside);
    let _ = std::fs::remove_file(&typed.kubeconfig);
    Ok(ExitCode::SUCCESS)
}

/// Wakes the world's thread when something outside has news for a task of it.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The loop: virtual time follows the wall clock, and visitors come in at the present.
fn live(shell: &Rc<Shell>, outside: &Outside) {
    let started = std::time::Instant::now();
    let mut ports = BTreeSet::new();
    loop {
        while let Some(visitor) = outside.poll_visitor() {
            match visitor {
                Visitor::Stop => return,
                visitor => admit(shell, visitor),
            }
        }
        let wall = Instant::ZERO + started.elapsed();
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

fn admit(shell: &Rc<Shell>, visitor: Visitor) {
    let inside = shell.clone();
    match visitor {
        Visitor::Api(stream) => shell
            .runtime()
            .spawn_native(apiserver::serve(TokioIo::new(stream), inside)),
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
        super::run::EPOCH
    };
    let names = platform.node_names(nodes).into_iter();
    Ok(WorldSpec {
        seed: Seed::new(typed.seed),
        epoch,
        platform,
        nodes: names.map(|name| NodePlan { name }).collect(),
        pod_cidr: platform.pod_range(),
        service_cidr: platform.service_range(),
        dataplane: platform.dataplane,
        dns: true,
        capture: vnet::Capture::Headers,
        images: Vec::new(),
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
