//! `kubectl port-forward`: local ports whose connections go on in a Pod.
//!
//! Each connection has a WebSocket of its own, with a channel for bytes and one for what went wrong. Never ends by
//! itself while the Pod is there.

use std::io::ErrorKind;

use tungstenite::protocol::Role;
use tungstenite::{Message, WebSocket};

use super::exec::connect_by;
use super::pods::{Place, pods_of};
use super::shared::command;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Duration, List};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::http::LOOK_AGAIN;
use crate::io::{Listener, Stream};
use crate::select;
use crate::session::{Session, with_query};
use crate::text::json::{int, list, text};

pub(super) const COMMAND: Command = command("port-forward", &[FLAGS], run);

const FLAGS: &[Flag] = &[
    flag("address", List, "[localhost]"),
    flag("pod-running-timeout", Duration, "1m0s"),
];

/// How long a connection that has nothing more to send waits for an answer, in nanoseconds.
const SILENCE: u64 = 5_000_000_000;

/// A local port and the Pod's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Port {
    local: u16,
    remote: u16,
}

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let Some((who, wanted)) = parsed
        .args
        .split_first()
        .filter(|(_, ports)| !ports.is_empty())
    else {
        return Err(Fail::usage(
            "port-forward",
            "TYPE/NAME and list of ports are required for port-forward",
        ));
    };
    let (place, wanted) = place(session, who, wanted)?;
    let phase = text(&place.pod, "status.phase");
    if phase != "Running" {
        return Err(Fail::message(format!(
            "unable to forward port because pod is not running. Current status={phase}"
        )));
    }
    let ports = wanted
        .iter()
        .map(|port| parse(port))
        .collect::<Outcome<Vec<Port>>>()?;
    let mut doors = Vec::new();
    for port in &ports {
        open(session, &addresses(parsed)?, *port, &mut doors)?;
    }
    if doors.is_empty() {
        let shown: Vec<String> = ports
            .iter()
            .map(|port| format!("{{{} {}}}", port.local, port.remote))
            .collect();
        return Err(Fail::message(format!(
            "unable to listen on any of the requested ports: [{}]",
            shown.join(" ")
        )));
    }
    serve(session, &place, &mut doors)
}

/// The Pod, and the ports with their names and the Service's numbers resolved.
fn place(
    session: &mut Session<'_, '_>,
    who: &str,
    wanted: &[String],
) -> Outcome<(Place, Vec<String>)> {
    let (resource, name) = select::one(session, &[who.to_owned()], "pod")?;
    let namespace = session.namespace()?;
    let object = session.get(&resource.path(&namespace, &name))?;
    let Some(place) = pods_of(session, who)?.into_iter().next() else {
        return Err(Fail::message("timed out waiting for the condition"));
    };
    let mut ports = Vec::new();
    for port in wanted {
        let mut parts = port.split(':');
        let local = parts.next().unwrap_or_default();
        let remote = parts.next().unwrap_or(local);
        let found = if resource.kind == "Service" {
            of_service(&object, &place, remote)?
        } else {
            of_pod(&place, remote)?
        };
        // A name cannot be listened at.
        let local = if port.contains(':') || local.parse::<u32>().is_ok() {
            local.to_owned()
        } else {
            found.clone()
        };
        ports.push(format!("{local}:{found}"));
    }
    Ok((place, ports))
}

/// The number of a Pod's port by its name; numbers stay what they are.
fn of_pod(place: &Place, port: &str) -> Outcome<String> {
    if port.parse::<i64>().is_ok() {
        return Ok(port.to_owned());
    }
    let containers = list(&place.pod, "spec.containers").iter();
    let mut ports = containers.flat_map(|container| list(container, "ports"));
    match ports.find(|known| text(known, "name") == port) {
        Some(known) => Ok(int(known, "containerPort").to_string()),
        None => Err(Fail::message(format!(
            "Pod '{}' does not have a named port '{port}'",
            place.name()
        ))),
    }
}

fn of_service(service: &serde_json::Value, place: &Place, port: &str) -> Outcome<String> {
    let name = text(service, "metadata.name");
    let ports = list(service, "spec.ports");
    let number = port.parse::<i64>();
    let found = match number {
        Ok(number) => ports.iter().find(|known| int(known, "port") == number),
        Err(_) => ports.iter().find(|known| text(known, "name") == port),
    };
    let Some(found) = found else {
        return Err(Fail::message(match number {
            Ok(_) => format!("Service {name} does not have a service port {port}"),
            Err(_) => format!("Service '{name}' does not have a named port '{port}'"),
        }));
    };
    if text(service, "spec.clusterIP") == "None" {
        return Ok(int(found, "port").to_string());
    }
    match &found["targetPort"] {
        serde_json::Value::String(target) => of_pod(place, target),
        target => match target.as_i64() {
            Some(target) if target != 0 => Ok(target.to_string()),
            _ => Ok(int(found, "port").to_string()),
        },
    }
}

fn parse(port: &str) -> Outcome<Port> {
    let (local, remote) = port.split_once(':').unwrap_or((port, port));
    let number = |text: &str, which: &str| {
        text.parse::<u16>().map_err(|_| {
            let why = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
                "value out of range"
            } else {
                "invalid syntax"
            };
            Fail::message(format!(
                "error parsing {which} port '{text}': strconv.ParseUint: parsing {}: {why}",
                quoted(text)
            ))
        })
    };
    let local = if local.is_empty() {
        0
    } else {
        number(local, "local")?
    };
    match number(remote, "remote")? {
        0 => Err(Fail::message("remote port must be > 0")),
        remote => Ok(Port { local, remote }),
    }
}

/// The addresses to listen at; `localhost` is one of each family.
fn addresses(parsed: &Parsed) -> Outcome<Vec<String>> {
    let given = parsed.list("address");
    if given.is_empty() {
        return Ok(vec!["127.0.0.1".to_owned(), "::1".to_owned()]);
    }
    let mut found = Vec::new();
    for address in given {
        let own: &[&str] = match address.as_str() {
            "localhost" => &["127.0.0.1", "::1"],
            other if other.parse::<std::net::IpAddr>().is_ok() => &[other],
            other => return Err(Fail::message(format!("{other} is not a valid IP"))),
        };
        for address in own {
            if !found.iter().any(|known| known == address) {
                found.push((*address).to_owned());
            }
        }
    }
    Ok(found)
}

/// Something that is listened at, with its port.
type Door = (Box<dyn Listener>, Port);

fn open(
    session: &mut Session<'_, '_>,
    addresses: &[String],
    mut port: Port,
    doors: &mut Vec<Door>,
) -> Outcome {
    let before = doors.len();
    let mut wrong = Vec::new();
    for address in addresses {
        let (family, shown) = if address.contains(':') {
            ("tcp6", format!("[{address}]"))
        } else {
            ("tcp4", address.clone())
        };
        match session.io.connect.listen(address, port.local) {
            Ok(listener) => {
                port.local = listener.port();
                session.out(&format!(
                    "Forwarding from {shown}:{} -> {}\n",
                    port.local, port.remote
                ))?;
                doors.push((listener, port));
            }
            // A machine may have no addresses of one family, and is one of the other then.
            Err(error) if error.kind() == ErrorKind::Unsupported => {}
            Err(error) => {
                let why = match error.kind() {
                    ErrorKind::AddrInUse => "address already in use".to_owned(),
                    ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
                    ErrorKind::PermissionDenied => "permission denied".to_owned(),
                    _ => error.to_string(),
                };
                wrong.push(format!(
                    "unable to create listener: Error listen {family} {shown}:{}: bind: {why}",
                    port.local
                ));
            }
        }
    }
    if doors.len() == before && wrong.is_empty() {
        return Err(Fail::not_in_lab("listening at a port of this machine"));
    }
    if doors.len() == before {
        session.err(&format!(
            "Unable to listen on port {}: Listeners failed to create with the following errors: [{}]\n",
            port.local,
            wrong.join(" ")
        ));
    }
    Ok(())
}

/// One connection that is carried.
struct Carried {
    local: Box<dyn Stream>,
    remote: WebSocket<Box<dyn Stream>>,
    port: Port,
    /// Which channels have told their port, as they do first.
    told: [bool; 2],
    /// What the Pod has said and the local side has not taken yet.
    waiting: Vec<u8>,
    /// Since when the local side has been silent for good.
    closed: Option<u64>,
    /// The Pod has said everything.
    over: bool,
}

fn serve(session: &mut Session<'_, '_>, place: &Place, doors: &mut [Door]) -> Outcome {
    let mut carried: Vec<Carried> = Vec::new();
    loop {
        let mut idle = true;
        for (listener, port) in doors.iter_mut() {
            if let Ok(local) = listener.accept() {
                idle = false;
                session.out(&format!("Handling connection for {}\n", port.local))?;
                carried.push(begin(session, place, local, *port)?);
            }
        }
        for one in &mut carried {
            idle &= !one.carry(session)?;
        }
        let now = session.now_nanos();
        carried.retain(|one| !one.ended(now));
        if idle {
            (session.io.sleep)(LOOK_AGAIN);
        }
    }
}

fn begin(
    session: &mut Session<'_, '_>,
    place: &Place,
    mut local: Box<dyn Stream>,
    port: Port,
) -> Outcome<Carried> {
    let remote = port.remote.to_string();
    let path = with_query(&place.path("portforward"), &[("ports", &remote)]);
    let (mut stream, ahead) = connect_by(session, &path, "v4.channel.k8s.io")?;
    let still = |_| Fail::message("lost connection to pod");
    stream.set_nonblocking(true).map_err(still)?;
    local.set_nonblocking(true).map_err(still)?;
    Ok(Carried {
        local,
        remote: WebSocket::from_partially_read(stream, ahead, Role::Client, None),
        port,
        told: [false; 2],
        waiting: Vec::new(),
        closed: None,
        over: false,
    })
}

impl Carried {
    /// Carries what there is, both ways; whether there was anything.
    fn carry(&mut self, session: &mut Session<'_, '_>) -> Outcome<bool> {
        let out = self.send(session.now_nanos());
        let back = self.receive(session)?;
        Ok(self.deliver() || out || back)
    }

    /// Local bytes to the Pod.
    fn send(&mut self, now: u64) -> bool {
        if self.closed.is_some() || self.over {
            return false;
        }
        let mut piece = [0; 8192];
        match self.local.read(&mut piece) {
            Ok(0) => self.closed = Some(now),
            Ok(count) => {
                let message = [&[0], &piece[..count]].concat();
                // What does not fit now stays queued and leaves with the next read or write.
                drop(self.remote.send(Message::binary(message)));
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => self.closed = Some(0),
        }
        true
    }

    /// The Pod's bytes, and what went wrong there.
    fn receive(&mut self, session: &mut Session<'_, '_>) -> Outcome<bool> {
        if self.over {
            return Ok(false);
        }
        match self.remote.read() {
            Ok(Message::Binary(message)) => {
                let Some((channel, content)) = message.split_first() else {
                    return Ok(true);
                };
                let told = &mut self.told[usize::from(*channel == 1)];
                if !std::mem::replace(told, true) {
                    return Ok(true);
                }
                if *channel == 1 {
                    return Err(self.lost(session, content));
                }
                self.waiting.extend_from_slice(content);
                self.closed = self.closed.map(|_| session.now_nanos());
            }
            Ok(Message::Close(_)) => {
                // The answer to the farewell is a courtesy.
                drop(self.remote.flush());
                self.over = true;
            }
            Ok(_) => {}
            Err(tungstenite::Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                return Ok(false);
            }
            Err(_) => self.over = true,
        }
        Ok(true)
    }

    /// What the Pod has said, to the local side.
    fn deliver(&mut self) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        match self.local.write(&self.waiting) {
            Ok(count) => drop(self.waiting.drain(..count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
            Err(_) => {
                self.waiting.clear();
                self.over = true;
            }
        }
        true
    }

    fn ended(&self, now: u64) -> bool {
        let silent = |since: u64| now.saturating_sub(since) > SILENCE;
        self.waiting.is_empty() && (self.over || self.closed.is_some_and(silent))
    }

    fn lost(&self, session: &mut Session<'_, '_>, why: &[u8]) -> Fail {
        let why = String::from_utf8_lossy(why);
        let line = format!(
            "an error occurred forwarding {} -> {}: {why}",
            self.port.local, self.port.remote
        );
        let stamp = session.stamp();
        session.err(&format!(
            "E{stamp} portforward.go:522] \"Unhandled Error\" err={}\n",
            quoted(&line)
        ));
        Fail::message("lost connection to pod")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(port: &str) -> String {
        match parse(port) {
            Ok(port) => format!("{} -> {}", port.local, port.remote),
            Err(fail) => fail.plain(),
        }
    }

    #[test]
    fn ports_are_numbers_that_fit() {
        assert_eq!(told("8080:80"), "8080 -> 80");
        assert_eq!(told(":80"), "0 -> 80");
        assert_eq!(told("80"), "80 -> 80");
        assert_eq!(told("0"), "remote port must be > 0");
        assert_eq!(
            told("99999"),
            "error parsing local port '99999': strconv.ParseUint: parsing \"99999\": value out of range"
        );
        assert_eq!(
            told("1:x"),
            "error parsing remote port 'x': strconv.ParseUint: parsing \"x\": invalid syntax"
        );
    }
}
