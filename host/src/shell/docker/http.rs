//! The Engine API: HTTP requests to an engine's decisions and their carrying out, and back.
//!
//! Docker's paths and field names, as far as `docker` in this lab asks. A field of a container
//! that would change what it does and is not here is refused by name. Never decides.

use super::stream::{frame, pump};
use crate::shell::log::{LogOptions, LogReader};
use crate::shell::{Conversation, Ends, Shell};
use bytes::Bytes;
use clock::Duration;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use runtime::{SpawnError, TcpListener, TerminalSize};
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use vnet::Proto;
use world::docker::{Ask, Engine, NetworkAsk, PortAsk, Refusal};

/// The largest request body.
const BODY_LIMIT: usize = 1024 * 1024;
/// How many commands of `exec` are remembered.
const EXECS_MAX: usize = 256;

type Answer = hyper::Response<EngineBody>;

/// A command that `exec` should start, or has.
#[derive(Debug)]
pub(super) struct Exec {
    container: String,
    argv: Vec<String>,
    stdin: bool,
    tty: Option<TerminalSize>,
    code: Option<u8>,
}

/// What a connection still has to send.
pub(super) enum EngineBody {
    Full(Option<Bytes>),
    /// A container's log, in frames unless it has a terminal.
    Log(LogReader, bool),
}

impl Body for EngineBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = match self.get_mut() {
            Self::Full(bytes) => bytes.take().filter(|bytes| !bytes.is_empty()),
            Self::Log(reader, raw) => ready!(reader.poll_lines(cx)).map(|lines| match raw {
                true => Bytes::from(lines),
                false => frame(1, &lines),
            }),
        };
        Poll::Ready(data.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Self::Log(..) => SizeHint::default(),
        }
    }
}

/// Takes requests for the engine of a machine as long as `listener` lives.
pub(super) fn serve(shell: &Rc<Shell>, machine: &str, listener: TcpListener) {
    let (shell, machine) = (shell.clone(), Rc::<str>::from(machine));
    let runtime = shell.runtime.clone();
    runtime.spawn_native(async move {
        while let Ok(stream) = listener.accept().await {
            let (inside, machine) = (shell.clone(), machine.clone());
            let service = service_fn(move |request| {
                let call = Call { shell: inside.clone(), machine: machine.clone() };
                async move { Ok::<_, Infallible>(call.answer(request).await.unwrap_or_else(refuse)) }
            });
            let io = TokioIo::new(super::NetStream::from(stream));
            shell.runtime.spawn_native(async move {
                // A connection that breaks ends alone.
                let _ = http1::Builder::new().serve_connection(io, service).with_upgrades().await;
            });
        }
    });
}

fn refuse(refusal: Refusal) -> Answer {
    reply(refusal.status, &json!({ "message": refusal.message }))
}

fn reply(status: u16, value: &Value) -> Answer {
    let body = if value.is_null() {
        Vec::new()
    } else {
        format!("{value}\n").into_bytes()
    };
    let mut response = hyper::Response::new(EngineBody::Full(Some(Bytes::from(body))));
    *response.status_mut() =
        hyper::StatusCode::from_u16(status).expect("the engine answers with HTTP's own codes");
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal {
        status: 400,
        message: message.into(),
    }
}

/// One engine, as one request asks it.
struct Call {
    shell: Rc<Shell>,
    machine: Rc<str>,
}

/// A request taken apart.
struct Asked {
    path: Vec<String>,
    query: Vec<(String, String)>,
    body: Value,
}

impl Asked {
    fn get(&self, key: &str) -> Option<&str> {
        let found = self.query.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.as_str())
    }

    fn is(&self, key: &str) -> bool {
        matches!(self.get(key), Some("1" | "true" | "True"))
    }
}

impl Call {
    async fn answer(&self, mut request: hyper::Request<Incoming>) -> Result<Answer, Refusal> {
        let upgrade = request
            .headers()
            .contains_key(UPGRADE)
            .then(|| hyper::upgrade::on(&mut request));
        let (head, body) = request.into_parts();
        let asked = read(&head, body).await?;
        let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
        match (head.method.as_str(), path.as_slice()) {
            ("GET" | "HEAD", ["_ping"]) => Ok(reply(200, &Value::Null)),
            ("GET", ["version"]) => Ok(reply(200, &self.look(Engine::version))),
            ("GET", ["info"]) => Ok(reply(200, &self.look(Engine::info))),
            (method, ["containers", rest @ ..]) => {
                self.containers(method, rest, &asked, upgrade).await
            }
            ("POST", ["exec", id, "start"]) => self.start_exec(id, upgrade),
            ("GET", ["exec", id, "json"]) => self.exec_json(id),
            (method, ["networks", rest @ ..]) => self.networks(method, rest, &asked),
            (method, ["images", rest @ ..]) => self.images(method, rest, &asked),
            _ => Err(Refusal {
                status: 404,
                message: "page not found".into(),
            }),
        }
    }

    fn look<R>(&self, look: impl FnOnce(&Engine) -> R) -> R {
        self.shell.look(|world| {
            look(
                world
                    .engine(&self.machine)
                    .expect("the engine that listens exists"),
            )
        })
    }

    fn change<R>(&self, change: impl FnOnce(&mut Engine, clock::Instant) -> R) -> R {
        let mut stage = self.shell.stage.lock();
        let now = stage.present();
        change(
            stage
                .world
                .engine_mut(&self.machine)
                .expect("the engine that listens exists"),
            now,
        )
    }

    async fn containers(
        &self,
        method: &str,
        rest: &[&str],
        asked: &Asked,
        upgrade: Option<hyper::upgrade::OnUpgrade>,
    ) -> Result<Answer, Refusal> {
        let epoch = self.shell.epoch();
        match (method, rest) {
            ("GET", ["json"]) => {
                let now = self.shell.now();
                Ok(reply(
                    200,
                    &self.look(|engine| engine.list(now, epoch, asked.is("all"))),
                ))
            }
            ("POST", ["create"]) => self.create(asked),
            ("GET", [id, "json"]) => {
                Ok(reply(200, &self.look(|engine| engine.inspect(epoch, id))?))
            }
            ("POST", [id, "start"]) => {
                let status = if self.shell.start_docker(&self.machine, id)? {
                    204
                } else {
                    304
                };
                Ok(reply(status, &Value::Null))
            }
            ("POST", [id, "stop"]) => self.stop(id, asked).await,
            ("POST", [id, "kill"]) => self.kill(id, asked),
            ("POST", [id, "wait"]) => {
                let container = self.shell.container(&self.machine, id);
                let end = match container {
                    Ok(container) => self.shell.docker_end(&container),
                    Err(refusal) => {
                        let gone = self.shell.engines.borrow().codes.get(*id).copied();
                        return gone
                            .map(|code| reply(200, &json!({ "StatusCode": code })))
                            .ok_or(refusal);
                    }
                };
                let code = end.await.unwrap_or(137);
                Ok(reply(200, &json!({ "StatusCode": code })))
            }
            ("GET", [id, "logs"]) => self.logs(id, asked),
            ("POST", [id, "attach"]) => {
                let container = self.own(id)?;
                let ends = self.shell.docker_attach(&container, asked.is("stdin"));
                hijack(
                    &self.shell,
                    upgrade,
                    container.ask.tty,
                    async move { ends.await.ok() },
                    async {},
                )
            }
            ("POST", [id, "exec"]) => self.exec(id, asked),
            ("DELETE", [id]) => self.remove(id, asked).await,
            _ => Err(Refusal {
                status: 404,
                message: "page not found".into(),
            }),
        }
    }

    /// A container that is no machine of the lab.
    fn own(&self, id: &str) -> Result<world::docker::Container, Refusal> {
        let container = self.shell.container(&self.machine, id)?;
        if container.fixed {
            Err(Engine::is_fixed(&container))
        } else {
            Ok(container)
        }
    }

    fn create(&self, asked: &Asked) -> Result<Answer, Refusal> {
        let ask = read_container(asked)?;
        let (command, exposed) = match self.shell.images.find(&ask.image) {
            Some(image) => {
                let mut command = ask
                    .entrypoint
                    .clone()
                    .unwrap_or_else(|| image.entrypoint.clone());
                let cmd = ask
                    .cmd
                    .clone()
                    .or_else(|| ask.entrypoint.is_none().then(|| image.cmd.clone()));
                command.extend(cmd.into_iter().flatten());
                (command, exposed_by(&ask.image))
            }
            None => (Vec::new(), Vec::new()),
        };
        let id = self.change(|engine, now| engine.create(now, ask, command, &exposed))?;
        Ok(reply(201, &json!({ "Id": id, "Warnings": [] })))
    }

    async fn stop(&self, id: &str, asked: &Asked) -> Result<Answer, Refusal> {
        let container = self.own(id)?;
        if !container.is_running() {
            return Ok(reply(304, &Value::Null));
        }
        let grace = asked
            .get("t")
            .and_then(|text| text.parse().ok())
            .unwrap_or(10);
        self.shell
            .stop_docker(&self.machine, &container, Duration::from_secs(grace))
            .await;
        Ok(reply(204, &Value::Null))
    }

    fn kill(&self, id: &str, asked: &Asked) -> Result<Answer, Refusal> {
        let container = self.own(id)?;
        if !container.is_running() {
            return Err(Refusal {
                status: 409,
                message: format!(
                    "cannot kill container: {id}: container {} is not running",
                    container.id
                ),
            });
        }
        let name = asked.get("signal").unwrap_or("KILL");
        let signal = signal(name).ok_or_else(|| bad(format!("invalid signal: {name}")))?;
        self.shell.docker_signal(&self.machine, &container, signal);
        Ok(reply(204, &Value::Null))
    }

    async fn remove(&self, id: &str, asked: &Asked) -> Result<Answer, Refusal> {
        let container = self.own(id)?;
        if container.is_running() && asked.is("force") {
            let end = self.shell.docker_end(&container);
            self.shell.docker_signal(&self.machine, &container, 9);
            let _ = end.await;
            if self.shell.container(&self.machine, &container.id).is_err() {
                return Ok(reply(204, &Value::Null));
            }
        }
        self.change(|engine, _| engine.remove(&container.id))?;
        self.shell.engines.borrow_mut().codes.remove(&container.id);
        Ok(reply(204, &Value::Null))
    }

    fn logs(&self, id: &str, asked: &Asked) -> Result<Answer, Refusal> {
        let container = self.own(id)?;
        let options = LogOptions {
            follow: asked.is("follow") && container.is_running(),
            tail: asked.get("tail").and_then(|text| text.parse().ok()),
            timestamps: asked.is("timestamps").then(|| self.shell.epoch()),
            ..LogOptions::default()
        };
        let body = match self.shell.docker_log(&container, options) {
            Some(reader) => EngineBody::Log(reader, container.ask.tty),
            None => EngineBody::Full(None),
        };
        Ok(hyper::Response::new(body))
    }

    fn exec(&self, id: &str, asked: &Asked) -> Result<Answer, Refusal> {
        let container = self.shell.container(&self.machine, id)?;
        if !container.is_running() {
            return Err(Refusal {
                status: 409,
                message: format!("container {} is not running", container.id),
            });
        }
        let argv = strings(&asked.body["Cmd"]).filter(|argv| !argv.is_empty());
        let argv = argv.ok_or_else(|| bad("No exec command specified"))?;
        let exec = Exec {
            container: container.id,
            argv,
            stdin: asked.body["AttachStdin"] == true,
            tty: (asked.body["Tty"] == true).then(|| console(&asked.body["ConsoleSize"])),
            code: None,
        };
        let mut engines = self.shell.engines.borrow_mut();
        if engines.execs.len() >= EXECS_MAX {
            engines.execs.retain(|_, exec| exec.code.is_none());
        }
        let number = engines.execs.len() as u64 + self.shell.now().as_nanos();
        let id = format!("{number:064x}");
        engines.execs.insert(id.clone(), exec);
        Ok(reply(201, &json!({ "Id": id })))
    }

    fn start_exec(
        &self,
        id: &str,
        upgrade: Option<hyper::upgrade::OnUpgrade>,
    ) -> Result<Answer, Refusal> {
        let missing = || Refusal {
            status: 404,
            message: format!("No such exec instance: {id}"),
        };
        let (container, argv, stdin, tty) = {
            let engines = self.shell.engines.borrow();
            let exec = engines.execs.get(id).ok_or_else(missing)?;
            (
                exec.container.clone(),
                exec.argv.clone(),
                exec.stdin,
                exec.tty,
            )
        };
        let container = self.shell.container(&self.machine, &container)?;
        let program = argv[0].clone();
        let started = if container.fixed {
            let machines = self.shell.machines.borrow();
            let machine = machines.get(&container.name);
            machine.map(|machine| machine.spot().exec(&self.shell.runtime, argv, stdin, tty))
        } else {
            let containers = self.shell.containers.borrow();
            let running = containers.find(&container.id, super::CONTAINER);
            running.map(|running| running.exec(&self.shell.runtime, argv, stdin, tty))
        };
        let talk = started.ok_or_else(missing)?;
        let Conversation { ends, exit, .. } = talk.map_err(|cause| {
            let (code, why) = match cause {
                SpawnError::NotFound => (127, "executable file not found in $PATH".to_owned()),
                other => (126, other.to_string()),
            };
            self.note_exec(id, code);
            bad(format!("OCI runtime exec failed: exec failed: unable to start container process: exec: {program:?}: {why}: unknown"))
        })?;
        let (shell, id) = (self.shell.clone(), id.to_owned());
        // The connection ends after the code is known, for a client that asks for it then.
        let after = async move {
            let code = exit.status().await;
            if let Some(exec) = shell.engines.borrow_mut().execs.get_mut(&id) {
                exec.code = Some(code);
            }
        };
        hijack(
            &self.shell,
            upgrade,
            tty.is_some(),
            async move { Some(ends) },
            after,
        )
    }

    fn note_exec(&self, id: &str, code: u8) {
        if let Some(exec) = self.shell.engines.borrow_mut().execs.get_mut(id) {
            exec.code = Some(code);
        }
    }

    fn exec_json(&self, id: &str) -> Result<Answer, Refusal> {
        let engines = self.shell.engines.borrow();
        let exec = engines.execs.get(id);
        let exec = exec.ok_or_else(|| Refusal {
            status: 404,
            message: format!("No such exec instance: {id}"),
        })?;
        Ok(reply(
            200,
            &json!({ "ID": id, "Running": exec.code.is_none(), "ExitCode": exec.code, "ContainerID": exec.container }),
        ))
    }

    fn networks(&self, method: &str, rest: &[&str], asked: &Asked) -> Result<Answer, Refusal> {
        let epoch = self.shell.epoch();
        match (method, rest) {
            ("GET", []) => Ok(reply(200, &self.look(|engine| engine.networks_json(epoch)))),
            ("POST", ["create"]) => {
                let config = &asked.body["IPAM"]["Config"][0];
                let field = |key: &str| config[key].as_str().unwrap_or_default();
                let parse = |key: &str| -> Result<_, Refusal> {
                    let text = field(key);
                    if text.is_empty() {
                        return Ok(None);
                    }
                    text.parse()
                        .map(Some)
                        .map_err(|_| bad(format!("invalid CIDR address: {text}")))
                };
                let gateway = field("Gateway");
                let ask = NetworkAsk {
                    name: asked.body["Name"].as_str().unwrap_or_default().to_owned(),
                    driver: asked.body["Driver"].as_str().unwrap_or_default().to_owned(),
                    range: parse("Subnet")?,
                    gateway: match gateway {
                        "" => None,
                        text => Some(
                            text.parse()
                                .map_err(|_| bad(format!("invalid gateway address: {text}")))?,
                        ),
                    },
                };
                if ask.name.is_empty() {
                    return Err(bad("network name cannot be empty"));
                }
                let mut stage = self.shell.stage.lock();
                let now = stage.present();
                let id = stage
                    .world
                    .create_container_network(now, &self.machine, ask)?;
                Ok(reply(201, &json!({ "Id": id, "Warning": "" })))
            }
            ("GET", [id]) => Ok(reply(
                200,
                &self.look(|engine| engine.inspect_network(epoch, id))?,
            )),
            ("DELETE", [id]) => {
                let mut stage = self.shell.stage.lock();
                let now = stage.present();
                stage
                    .world
                    .remove_container_network(now, &self.machine, id)?;
                Ok(reply(204, &Value::Null))
            }
            _ => Err(Refusal {
                status: 404,
                message: "page not found".into(),
            }),
        }
    }

    fn images(&self, method: &str, rest: &[&str], asked: &Asked) -> Result<Answer, Refusal> {
        let epoch = self.shell.epoch();
        match (method, rest) {
            ("GET", ["json"]) => Ok(reply(200, &self.look(|engine| engine.images_json(epoch)))),
            ("POST", ["create"]) => {
                let (image, tag) = (
                    asked.get("fromImage").unwrap_or_default(),
                    asked.get("tag").unwrap_or_default(),
                );
                let reference = if tag.is_empty() {
                    image.to_owned()
                } else {
                    format!("{image}:{tag}")
                };
                let new = self.change(|engine, now| engine.pull(now, &reference))?;
                let whole = Engine::whole_reference(&reference);
                let digest = self.look(|engine| engine.image_id(&reference));
                let status = if new {
                    "Downloaded newer image"
                } else {
                    "Image is up to date"
                };
                let lines = [
                    json!({ "status": format!("Digest: {digest}") }),
                    json!({ "status": format!("Status: {status} for {whole}") }),
                ];
                let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
                Ok(hyper::Response::new(EngineBody::Full(Some(Bytes::from(
                    text,
                )))))
            }
            _ => Err(Refusal {
                status: 404,
                message: "page not found".into(),
            }),
        }
    }
}

/// Lets go of HTTP and carries a container's streams over the connection.
fn hijack(
    shell: &Rc<Shell>,
    upgrade: Option<hyper::upgrade::OnUpgrade>,
    raw: bool,
    ends: impl Future<Output = Option<Ends>> + 'static,
    after: impl Future<Output = ()> + 'static,
) -> Result<Answer, Refusal> {
    let upgrade = upgrade.ok_or_else(|| bad("Upgrade: tcp is required here"))?;
    shell.runtime.spawn_native(async move {
        let (Ok(upgraded), Some(ends)) = (upgrade.await, ends.await) else {
            return;
        };
        // A client that hangs up ends its own conversation.
        let mut io = TokioIo::new(upgraded);
        let _ = pump(&mut io, ends, raw).await;
        after.await;
    });
    let mut response = hyper::Response::new(EngineBody::Full(None));
    *response.status_mut() = hyper::StatusCode::SWITCHING_PROTOCOLS;
    response
        .headers_mut()
        .insert(UPGRADE, HeaderValue::from_static("tcp"));
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    Ok(response)
}

async fn read(head: &hyper::http::request::Parts, body: Incoming) -> Result<Asked, Refusal> {
    let bytes = Limited::new(body, BODY_LIMIT).collect().await;
    let bytes = bytes.map_err(|cause| bad(cause.to_string()))?.to_bytes();
    let body = match bytes.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&bytes).map_err(|cause| bad(cause.to_string()))?,
    };
    let mut path: Vec<String> = head
        .uri
        .path()
        .split('/')
        .filter(|part| !part.is_empty())
        .map(decode)
        .collect();
    if path.first().is_some_and(|part| {
        part.starts_with('v') && part[1..].starts_with(|c: char| c.is_ascii_digit())
    }) {
        path.remove(0);
    }
    let query = head.uri.query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query = pairs.map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key), decode(value))
    });
    Ok(Asked {
        query: query.collect(),
        path,
        body,
    })
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, byte) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What `POST /containers/create` asks for; what is not in this lab is refused by name.
fn read_container(asked: &Asked) -> Result<Ask, Refusal> {
    let (body, host) = (&asked.body, &asked.body["HostConfig"]);
    for refused in [
        "Binds",
        "Mounts",
        "Links",
        "VolumesFrom",
        "Dns",
        "ExtraHosts",
        "CapAdd",
        "Privileged",
    ] {
        let value = &host[refused];
        let asked = value == true || value.as_array().is_some_and(|list| !list.is_empty());
        if asked {
            return Err(bad(format!("not in this lab: HostConfig.{refused}")));
        }
    }
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut ports = Vec::new();
    for (key, bindings) in host["PortBindings"].as_object().into_iter().flatten() {
        let (container, proto) = port_key(key)?;
        for binding in bindings.as_array().into_iter().flatten() {
            let addr = match binding["HostIp"].as_str().unwrap_or_default() {
                "" => Ipv4Addr::UNSPECIFIED,
                text => text
                    .parse()
                    .map_err(|_| bad(format!("invalid IP address: {text}")))?,
            };
            let host = match binding["HostPort"].as_str().unwrap_or_default() {
                "" | "0" => None,
                text => Some(
                    text.parse()
                        .map_err(|_| bad(format!("invalid port: {text}")))?,
                ),
            };
            ports.push(PortAsk {
                proto,
                container,
                addr,
                host,
            });
        }
    }
    let exposed = body["ExposedPorts"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| port_key(key));
    let env = strings(&body["Env"]).unwrap_or_default();
    let pair = |text: String| {
        text.split_once('=')
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    Ok(Ask {
        name: asked.get("name").map(str::to_owned),
        image: text(&body["Image"]),
        cmd: strings(&body["Cmd"]),
        entrypoint: strings(&body["Entrypoint"]),
        env: env.into_iter().filter_map(pair).collect(),
        ports,
        exposed: exposed.collect::<Result<_, _>>()?,
        publish_all: host["PublishAllPorts"] == true,
        network: text(&host["NetworkMode"]),
        auto_remove: host["AutoRemove"] == true,
        tty: body["Tty"] == true,
        stdin: body["OpenStdin"] == true,
        hostname: text(&body["Hostname"]),
        working_dir: body["WorkingDir"]
            .as_str()
            .filter(|dir| !dir.is_empty())
            .map(str::to_owned),
    })
}

fn port_key(key: &str) -> Result<(u16, Proto), Refusal> {
    let (port, proto) = key.split_once('/').unwrap_or((key, "tcp"));
    let proto = match proto {
        "tcp" => Proto::Tcp,
        "udp" => Proto::Udp,
        other => return Err(bad(format!("invalid proto: {other}"))),
    };
    let port = port
        .parse()
        .map_err(|_| bad(format!("invalid port: {port}")))?;
    Ok((port, proto))
}

fn strings(value: &Value) -> Option<Vec<String>> {
    let list = value.as_array()?;
    Some(
        list.iter()
            .filter_map(|item| Some(item.as_str()?.to_owned()))
            .collect(),
    )
}

fn console(size: &Value) -> TerminalSize {
    let number = |index: usize, usual| {
        size[index]
            .as_u64()
            .and_then(|n| u16::try_from(n).ok())
            .filter(|n| *n > 0)
            .unwrap_or(usual)
    };
    TerminalSize {
        rows: number(0, 24),
        columns: number(1, 80),
    }
}

/// The ports that an image says it listens on, as Docker Hub's images do.
fn exposed_by(image: &str) -> Vec<(u16, Proto)> {
    let whole = Engine::whole_reference(image);
    match whole.split(':').next() {
        Some("nginx" | "httpd") => vec![(80, Proto::Tcp)],
        Some("bprashanth/nginxhttps") => vec![(80, Proto::Tcp), (443, Proto::Tcp)],
        _ => Vec::new(),
    }
}

fn signal(name: &str) -> Option<u8> {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    match name {
        "HUP" => Some(1),
        "INT" => Some(2),
        "QUIT" => Some(3),
        "KILL" => Some(9),
        "USR1" => Some(10),
        "USR2" => Some(12),
        "TERM" => Some(15),
        number => number
            .parse()
            .ok()
            .filter(|number| (1..=64).contains(number)),
    }
}
