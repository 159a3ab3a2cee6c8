//! How fast the API answers in real time, without HTTP: reads, lists, writes and watches over
//! 5,000 objects. `cargo bench -p cluster`

#![allow(
    clippy::disallowed_methods,
    reason = "a measurement needs the machine's clock"
)]
#![allow(clippy::print_stdout, reason = "a measurement is for reading")]

use clock::{Instant, Seed};
use cluster::{Body, Cluster, Config, Method, NodeSpec, Request, Response, WatchId, WatchPoll};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

const OBJECTS: usize = 5_000;
const WATCHES: usize = 200;
/// Rounds of each row; the median counts.
const ROUNDS: usize = 21;
const CONFIG_MAPS: &str = "/api/v1/namespaces/default/configmaps";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

struct Bench {
    cluster: Cluster,
    now: Instant,
    /// A write that changes nothing would be told to nobody.
    writes: usize,
}

impl Bench {
    fn new() -> Self {
        let now = Instant::from_secs(1);
        let config = Config {
            nodes: vec![NodeSpec {
                name: "node-1".to_owned(),
                external: None,
                control_plane: false,
                addr: Ipv4Addr::new(192, 168, 77, 11),
                pod_cidr: (Ipv4Addr::new(10, 244, 1, 0), 24),
            }],
            service_cidr: (Ipv4Addr::new(10, 96, 0, 0), 12),
            pod_cidr: (Ipv4Addr::new(10, 244, 0, 0), 16),
            epoch: 1_795_237_200,
            control_plane: SocketAddrV4::new(Ipv4Addr::new(192, 168, 77, 2), 6443),
            images: Vec::new(),
            dns: false,
            load_balancers: None,
            load_balancer_names: None,
            root_ca: String::new(),
            shuffle: false,
        };
        let mut bench = Self {
            cluster: Cluster::new(now, Seed::new(1), config),
            now,
            writes: 0,
        };
        for number in 0..OBJECTS {
            let body = format!(
                r#"{{"metadata":{{"name":"c{number}","labels":{{"n":"{}"}}}},"data":{{"a":"0"}}}}"#,
                number % 100
            );
            bench.send(Method::Post, CONFIG_MAPS, body);
        }
        bench
    }

    fn ask(&mut self, request: Request) -> Response {
        let response = self.cluster.handle(self.now, request);
        assert!(response.status < 300, "{response:?}");
        response
    }

    fn send(&mut self, method: Method, path: &str, body: String) -> Response {
        let type_ = match method {
            Method::Patch => "application/merge-patch+json",
            _ => "application/json",
        };
        self.ask(Request::new(method, path, type_, body.into_bytes()))
    }

    fn get(&mut self, path: &str, accept: &str) -> usize {
        let mut request = Request::get(path);
        request.accept = accept.to_owned();
        match self.ask(request).body {
            Body::Bytes(bytes) => bytes.len(),
            _ => 0,
        }
    }

    fn watch(&mut self) -> WatchId {
        let from = self.cluster.revision();
        let path = format!("{CONFIG_MAPS}?watch=1&resourceVersion={from}");
        match self.ask(Request::get(&path)).body {
            Body::Watch(id) => id,
            _ => unreachable!("a watch was asked for"),
        }
    }

    /// A write, and its event read by every watch.
    fn write_and_tell(&mut self, round: usize, watches: &[WatchId]) {
        let path = format!("{CONFIG_MAPS}/c{round}");
        self.writes += 1;
        let body = format!(r#"{{"data":{{"a":"write {}"}}}}"#, self.writes);
        self.send(Method::Patch, &path, body);
        for id in watches {
            let told = self.cluster.poll_watch(self.now, *id);
            assert!(matches!(told, WatchPoll::Lines(_)), "{told:?}");
        }
    }
}

fn row(what: &str, mut once: impl FnMut(usize)) {
    let mut times: Vec<Duration> = (0..ROUNDS)
        .map(|round| {
            let started = std::time::Instant::now();
            once(round);
            started.elapsed()
        })
        .collect();
    times.sort();
    let median = times[ROUNDS / 2].as_secs_f64() * 1e3;
    let worst = times[ROUNDS - 1].as_secs_f64() * 1e3;
    println!("{what:<52} {median:>9.3} ms {worst:>9.3} ms at most");
}

fn main() {
    let started = std::time::Instant::now();
    let mut bench = Bench::new();
    let each = started.elapsed().as_secs_f64() * 1e6 / OBJECTS as f64;
    println!("{:<52} {each:>9.1} µs each", "create 5,000 ConfigMaps");
    row("get one of 5,000", |_| {
        bench.get(&format!("{CONFIG_MAPS}/c77"), "");
    });
    row("list 5,000 as JSON", |_| {
        bench.get(CONFIG_MAPS, "");
    });
    row("list 500 of 5,000 as a Table, as kubectl does", |_| {
        bench.get(&format!("{CONFIG_MAPS}?limit=500"), TABLE);
    });
    row("list 50 of 5,000 by label", |_| {
        bench.get(&format!("{CONFIG_MAPS}?labelSelector=n%3D7"), "");
    });
    row("patch one of 5,000", |round| {
        bench.write_and_tell(round, &[]);
    });
    let mut watches = vec![bench.watch()];
    row("patch one and tell 1 watch", |round| {
        bench.write_and_tell(round, &watches);
    });
    while watches.len() < WATCHES {
        watches.push(bench.watch());
    }
    row("patch one and tell 200 watches", |round| {
        bench.write_and_tell(round, &watches);
    });
}
