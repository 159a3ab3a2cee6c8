//! What the tests do to a lab: make objects, wait, and ask as a client would, over TCP, over UDP
//! and for names. Never looks behind what a client could see.

use crate::fake::{Answer, Lab, Machine};
use clock::Duration;
use cluster::Method;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RData, RecordType};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{HostId, Origin, Recv, TcpState};

/// How long anybody waits for anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// Plurals of the kinds that tests make, with where they are served.
const PATHS: [(&str, &str); 9] = [
    ("Pod", "/api/v1/namespaces/default/pods"),
    ("Service", "/api/v1/namespaces/default/services"),
    ("Endpoints", "/api/v1/namespaces/default/endpoints"),
    ("ConfigMap", "/api/v1/namespaces/default/configmaps"),
    (
        "EndpointSlice",
        "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
    ),
    ("Deployment", "/apis/apps/v1/namespaces/default/deployments"),
    (
        "StatefulSet",
        "/apis/apps/v1/namespaces/default/statefulsets",
    ),
    (
        "NetworkPolicy",
        "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
    ),
    (
        "PodDisruptionBudget",
        "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
    ),
];

/// Where objects of a kind are served.
pub(crate) fn path(kind: &str) -> &'static str {
    let found = PATHS.iter().find(|(name, _)| *name == kind);
    found.expect("a kind of the table").1
}

/// A Pod that answers on these ports, as `port` or `name:port` or `name:port/UDP`.
pub(crate) fn pod(name: &str, app: &str, ports: &[&str]) -> Value {
    let port = |text: &&str| {
        let (text, protocol) = text.split_once('/').unwrap_or((text, "TCP"));
        let (name, number) = text.split_once(':').unwrap_or(("", text));
        let number: u16 = number.parse().expect("a port");
        let mut port = json!({ "containerPort": number, "protocol": protocol });
        if !name.is_empty() {
            port["name"] = name.into();
        }
        port
    };
    let ports: Vec<Value> = ports.iter().map(port).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "labels": { "app": app } },
        "spec": { "containers": [{ "name": "web", "image": "nginx", "ports": ports }] },
    })
}

/// A Service with this spec.
pub(crate) fn service(name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": spec,
    })
}

/// Sets a value deep in an object, making what is missing on the way.
pub(crate) fn with(mut object: Value, pointer: &str, value: Value) -> Value {
    let mut at = &mut object;
    for key in pointer.split('/').skip(1) {
        at = match key.parse::<usize>() {
            Ok(index) => &mut at[index],
            Err(_) => &mut at[key],
        };
    }
    *at = value;
    object
}

/// Making and waiting.
impl Lab {
    #[track_caller]
    pub(crate) fn make(&mut self, object: &Value) -> Value {
        let kind = object["kind"].as_str().expect("every object has one");
        let (status, answer) = self.api(Method::Post, path(kind), object);
        assert_eq!(status, 201, "{kind}: {answer}");
        answer
    }

    /// A merge patch of an object.
    #[track_caller]
    pub(crate) fn patch(&mut self, kind: &str, name: &str, patch: &Value) -> Value {
        let path = format!("{}/{name}", path(kind));
        let (status, answer) = self.api(Method::Patch, &path, patch);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    #[track_caller]
    pub(crate) fn delete(&mut self, kind: &str, name: &str) {
        let path = format!("{}/{name}", path(kind));
        let (status, answer) = self.api(Method::Delete, &path, &json!({}));
        assert!(matches!(status, 200 | 202), "{path}: {answer}");
    }

    /// Lets time pass until something holds.
    #[track_caller]
    pub(crate) fn wait(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let until = self.now + PATIENCE;
        while !holds(self) {
            assert!(self.now < until, "never came: {what}");
            self.step(until);
        }
    }

    /// Waits until these Pods are ready and the rules have followed.
    #[track_caller]
    pub(crate) fn wait_ready(&mut self, pods: &[&str]) {
        self.wait(&format!("{pods:?} are ready"), |lab| {
            pods.iter().all(|pod| lab.is_ready(pod))
        });
        self.run(Duration::from_secs(2), |_| {});
    }

    pub(crate) fn is_ready(&self, pod: &str) -> bool {
        let pod = self.object("pods", pod);
        let conditions = pod["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|found| found["type"] == "Ready" && found["status"] == "True")
    }

    /// Lets some seconds pass.
    pub(crate) fn pass(&mut self, seconds: u64) {
        self.run(Duration::from_secs(seconds), |_| {});
    }
}

/// Who is where.
impl Lab {
    /// A Pod's machine.
    #[track_caller]
    pub(crate) fn machine(&self, pod: &str) -> &Machine {
        let uid = self.object("pods", pod)["metadata"]["uid"].as_str();
        let machine = uid.and_then(|uid| self.machines.get(uid));
        machine.unwrap_or_else(|| panic!("{pod} has no machine"))
    }

    #[track_caller]
    pub(crate) fn host(&self, pod: &str) -> HostId {
        self.machine(pod).host
    }

    /// The address of a Pod.
    #[track_caller]
    pub(crate) fn ip(&self, pod: &str) -> Ipv4Addr {
        let ip = self.object("pods", pod)["status"]["podIP"].as_str();
        ip.expect("an address").parse().expect("an IPv4 address")
    }

    /// A node's machine and address.
    pub(crate) fn node(&self, index: usize) -> (HostId, Ipv4Addr) {
        let (_, host) = self.world.nodes_in_order()[index];
        (host, self.world.net().host_addr(host))
    }

    pub(crate) fn node_name(&self, index: usize) -> String {
        self.world.nodes_in_order()[index].0.clone()
    }

    /// The name of the Pod with this uid.
    pub(crate) fn name_of(&self, uid: &str) -> String {
        let store = self.world.cluster().store();
        let mut pods = store.list("pods", Some("default"));
        let pod = pods.find(|pod| pod["metadata"]["uid"] == uid);
        let name = pod.and_then(|pod| pod["metadata"]["name"].as_str());
        name.unwrap_or("nobody").to_owned()
    }
}

/// Asking.
impl Lab {
    /// One connection from a machine: who answered.
    pub(crate) fn ask(&mut self, from: HostId, to: SocketAddrV4) -> Result<Answer, String> {
        let Some(mut call) = self.call(from, to) else {
            return Err("no call".into());
        };
        loop {
            if let Some(answer) = self.poll_call(&mut call) {
                return answer;
            }
            let until = self.now + Duration::from_secs(1);
            self.step(until);
        }
    }

    /// The name of the Pod that answers a connection.
    #[track_caller]
    pub(crate) fn who(&mut self, from: HostId, to: SocketAddrV4) -> String {
        match self.ask(from, to) {
            Ok(answer) => self.name_of(&answer.uid),
            Err(cause) => panic!("{to}: {cause}"),
        }
    }

    /// The Pods that answer that many connections, each once, in order of their names.
    #[track_caller]
    pub(crate) fn crowd(&mut self, from: HostId, to: SocketAddrV4, times: usize) -> Vec<String> {
        let mut names: Vec<String> = (0..times).map(|_| self.who(from, to)).collect();
        names.sort();
        names.dedup();
        names
    }

    /// Waits until nobody but these Pods answers.
    #[track_caller]
    pub(crate) fn check_crowd(&mut self, from: HostId, to: SocketAddrV4, expected: &[&str]) {
        // Thirty draws miss one of three endpoints once in 60,000 seeds.
        assert_eq!(self.crowd(from, to, 30), expected, "{to}");
    }

    /// One datagram from a machine: who answered it within two seconds.
    pub(crate) fn ask_udp(&mut self, from: HostId, to: SocketAddrV4) -> Result<Answer, String> {
        let answer = self.exchange(from, to, b"who?")?;
        Ok(Answer::read(&answer))
    }

    /// One text there over TCP, and all that comes back.
    pub(crate) fn talk(&mut self, from: HostId, to: SocketAddrV4, text: &str) -> String {
        let (now, net) = (self.now, self.world.net_mut());
        let sock = net.tcp_connect(now, from, None, to, Origin::Program);
        let sock = sock.expect("a connect begins");
        let until = now + Duration::from_secs(10);
        let (mut sent, mut got) = (false, Vec::new());
        while self.now < until {
            let (now, net) = (self.now, self.world.net_mut());
            if !sent && net.tcp_state(sock) == TcpState::Open {
                sent = net.tcp_send(now, sock, text.as_bytes()).is_ok();
            }
            match net.tcp_recv(now, sock, 65_535) {
                Ok(Recv::Data(data)) => got.extend_from_slice(&data),
                Ok(Recv::WouldBlock) => self.step(until),
                Ok(Recv::Eof) | Err(_) if sent => break,
                Ok(Recv::Eof) | Err(_) => self.step(until),
            }
        }
        self.world.net_mut().close(self.now, sock);
        String::from_utf8(got).expect("text")
    }

    /// One datagram there and one back.
    fn exchange(&mut self, from: HostId, to: SocketAddrV4, data: &[u8]) -> Result<Vec<u8>, String> {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let net = self.world.net_mut();
        let bound = net.udp_bind(self.now, from, any, Origin::Program);
        let sock = bound.map_err(|cause| cause.to_string())?;
        let sent = net.udp_send(self.now, sock, to, data);
        sent.map_err(|cause| cause.to_string())?;
        let until = self.now + Duration::from_secs(2);
        let outcome = loop {
            match self.world.net_mut().udp_recv(self.now, sock) {
                Some(Ok((_, answer))) => break Ok(answer.to_vec()),
                Some(Err(cause)) => break Err(cause.to_string()),
                None if self.now >= until => break Err("silence".into()),
                None => self.step(until),
            }
        };
        self.world.net_mut().close(self.now, sock);
        outcome
    }
}

/// Names.
impl Lab {
    /// Asks the first server of a Pod's `/etc/resolv.conf` for exactly this name, over UDP and,
    /// when the answer was cut, over TCP.
    #[track_caller]
    pub(crate) fn query(&mut self, pod: &str, name: &str, kind: RecordType) -> Message {
        let machine = self.machine(pod);
        let (host, conf) = (machine.host, machine.resolv_conf.clone());
        let mut lines = conf.lines();
        let server = lines.find_map(|line| line.strip_prefix("nameserver "));
        let server: Ipv4Addr = server.expect("a server").parse().expect("an address");
        self.query_at(host, server, name, kind)
    }

    /// Asks a server from a machine, over UDP and, when the answer was cut, over TCP.
    #[track_caller]
    pub(crate) fn query_at(
        &mut self,
        host: HostId,
        server: Ipv4Addr,
        name: &str,
        kind: RecordType,
    ) -> Message {
        let to = SocketAddrV4::new(server, 53);
        let mut message = Message::new(7, MessageType::Query, OpCode::Query);
        message.metadata.recursion_desired = true;
        let name = Name::from_ascii(format!("{}.", name.trim_end_matches('.')));
        message.add_query(Query::query(name.expect("a name"), kind));
        let bytes = message.to_vec().expect("a message");
        let answer = self.exchange(host, to, &bytes).expect("DNS answers");
        let answer = Message::from_vec(&answer).expect("a message");
        if !answer.metadata.truncation {
            return answer;
        }
        let answer = self.query_tcp(host, to, &bytes);
        Message::from_vec(&answer).expect("a message")
    }

    fn query_tcp(&mut self, from: HostId, to: SocketAddrV4, query: &[u8]) -> Vec<u8> {
        let (now, net) = (self.now, self.world.net_mut());
        let sock = net.tcp_connect(now, from, None, to, Origin::Program);
        let sock = sock.expect("a connect begins");
        let until = now + Duration::from_secs(5);
        let (mut sent, mut got) = (false, Vec::new());
        while self.now < until {
            let (now, net) = (self.now, self.world.net_mut());
            if !sent && net.tcp_state(sock) == TcpState::Open {
                let size = u16::try_from(query.len()).expect("a short query");
                let framed = [&size.to_be_bytes(), query].concat();
                sent = net.tcp_send(now, sock, &framed).is_ok();
            }
            while let Ok(Recv::Data(data)) = net.tcp_recv(now, sock, 65_535) {
                got.extend_from_slice(&data);
            }
            if let [high, low, rest @ ..] = got.as_slice()
                && rest.len() >= usize::from(u16::from_be_bytes([*high, *low]))
            {
                let answer = rest.to_vec();
                net.close(now, sock);
                return answer;
            }
            self.step(until);
        }
        panic!("no answer over TCP")
    }

    /// What a resolver of a Pod finds for a name: the search list of `/etc/resolv.conf`, first
    /// when the name has fewer dots than `ndots` (resolv.conf(5)).
    #[track_caller]
    pub(crate) fn lookup(&mut self, pod: &str, name: &str) -> Vec<Ipv4Addr> {
        let conf = self.machine(pod).resolv_conf.clone();
        for name in candidates(&conf, name) {
            let found = addresses(&self.query(pod, &name, RecordType::A));
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }
}

/// The names that a resolver with this configuration asks for, in order.
pub(crate) fn candidates(conf: &str, name: &str) -> Vec<String> {
    if let Some(whole) = name.strip_suffix('.') {
        return vec![whole.to_owned()];
    }
    let line = |head: &str| conf.lines().find_map(|line| line.strip_prefix(head));
    let search = line("search ").unwrap_or_default().split(' ');
    let search = search.filter(|domain| !domain.is_empty());
    let mut names: Vec<String> = search.map(|domain| format!("{name}.{domain}")).collect();
    let mut options = line("options ").unwrap_or_default().split(' ');
    let ndots = options.find_map(|option| option.strip_prefix("ndots:"));
    let ndots = ndots.and_then(|count| count.parse().ok()).unwrap_or(1);
    let whole = if name.matches('.').count() >= ndots {
        0
    } else {
        names.len()
    };
    names.insert(whole, name.to_owned());
    names
}

/// The addresses in an answer.
pub(crate) fn addresses(message: &Message) -> Vec<Ipv4Addr> {
    let mut found: Vec<Ipv4Addr> = message
        .answers
        .iter()
        .filter_map(|record| match &record.data {
            RData::A(addr) => Some(addr.0),
            _ => None,
        })
        .collect();
    found.sort();
    found
}
