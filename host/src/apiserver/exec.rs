//! `exec` and `attach`: numbered channels around a process.
//!
//! ```text
//! 0 stdin · 1 stdout · 2 stderr · 3 error (how it ended, last) · 4 resize
//! ```
//!
//! Both directions run beside each other, so that neither a full input nor a full output stops the
//! other. Never decides whether a conversation may be had: `cluster` has.

use super::body::ApiBody;
use super::channels::{self, Code, Ears, Event, Gone, Mouth};
use super::hands::{self, Hand, STDERR, STDOUT, View};
use super::outcome::{Outcome, id};
use super::spdy::{Heard, Said, Session};
use super::upgrade::{self, Agreed, agree, switch};
use crate::shell::{Ends, Plane};
use clock::Duration;
use cluster::StreamRequest;
use futures_util::future::{Either, select};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use runtime::TerminalSize;
use std::collections::BTreeMap;
use std::pin::pin;

/// What this server speaks on a WebSocket.
const WEBSOCKET: [&str; 5] = [
    "v5.channel.k8s.io",
    "v4.channel.k8s.io",
    "v4.base64.channel.k8s.io",
    "channel.k8s.io",
    "base64.channel.k8s.io",
];
/// What it speaks on SPDY.
const SPDY: [&str; 4] = [
    "v4.channel.k8s.io",
    "v3.channel.k8s.io",
    "v2.channel.k8s.io",
    "channel.k8s.io",
];
/// How long a SPDY client may take to open its streams, as the kubelet's stream creation timeout.
const OPENING: Duration = Duration::from_secs(30);
const STDIN: u8 = 0;
const ERROR: u8 = 3;
const RESIZE: u8 = 4;

/// Which channels the client asked for.
#[derive(Clone, Copy, Debug)]
struct Wish {
    stdin: bool,
    stdout: bool,
    stderr: bool,
    tty: bool,
}

/// Switches protocols and carries the conversation on.
pub(super) fn answer(
    mut request: hyper::Request<Incoming>,
    shell: Plane,
    wanted: StreamRequest,
) -> hyper::Response<ApiBody> {
    let agreed = match agree(request.headers(), &WEBSOCKET, &SPDY) {
        Ok(agreed) => agreed,
        Err(refusal) => return *refusal,
    };
    let (answer, upgraded) = switch(&mut request, agreed);
    let runtime = shell.runtime().clone();
    runtime.spawn_native(async move {
        let Ok(upgraded) = upgraded.await else { return };
        let wish = wish(&wanted);
        let (ears, mouth) = if agreed.websocket {
            let base64 = agreed.protocol.contains("base64");
            let code = if base64 { Code::Base64 } else { Code::Binary };
            channels::of_socket(upgrade::socket(upgraded).await, code)
        } else {
            let wire = Box::new(TokioIo::new(upgraded));
            let (session, speak) = Session::begin(wire);
            shell.runtime().spawn_native(async move {
                // A client that has gone has nobody to tell.
                let _ = speak.await;
            });
            match open(&shell, session, wish, agreed).await {
                Some(both) => both,
                None => return,
            }
        };
        // A client that hangs up ends its own conversation.
        let _ = carry_on(&shell, ears, mouth, wanted, agreed).await;
    });
    answer
}

fn wish(wanted: &StreamRequest) -> Wish {
    match wanted {
        StreamRequest::Exec {
            stdin,
            stdout,
            stderr,
            tty,
            ..
        }
        | StreamRequest::Attach {
            stdin,
            stdout,
            stderr,
            tty,
            ..
        } => Wish {
            stdin: *stdin,
            stdout: *stdout,
            stderr: *stderr && !*tty,
            tty: *tty,
        },
        StreamRequest::Log { .. } | StreamRequest::PortForward { .. } => Wish {
            stdin: false,
            stdout: false,
            stderr: false,
            tty: false,
        },
    }
}

/// Waits until a SPDY client has opened the streams that it asked for.
async fn open(
    shell: &Plane,
    mut session: Session,
    wish: Wish,
    agreed: Agreed,
) -> Option<(Ears, Mouth)> {
    let resize =
        wish.tty && !matches!(agreed.protocol, "" | "channel.k8s.io" | "v2.channel.k8s.io");
    let wanted = [true, wish.stdin, wish.stdout, wish.stderr, resize];
    let wanted = wanted.into_iter().filter(|wanted| *wanted).count();
    let sink = session.sink();
    let (mut heard, mut spoken) = (BTreeMap::new(), BTreeMap::new());
    {
        let late = pin!(shell.runtime().sleep(OPENING));
        let opening = pin!(async {
            while spoken.len() < wanted {
                let Heard::Open {
                    stream, headers, ..
                } = session.next().await?
                else {
                    continue;
                };
                let kind = headers.iter().find(|(name, _)| name == "streamtype");
                let channel = match kind.map(|(_, kind)| kind.as_str()) {
                    Some("stdin") => STDIN,
                    Some("stdout") => STDOUT,
                    Some("stderr") => STDERR,
                    Some("error") => ERROR,
                    Some("resize") => RESIZE,
                    _ => {
                        sink.say(Said::Refuse(stream)).await;
                        continue;
                    }
                };
                heard.insert(stream, channel);
                spoken.insert(channel, stream);
                sink.say(Said::Reply(stream)).await;
            }
            Some(())
        });
        match select(opening, late).await {
            Either::Left((opened, _)) => opened?,
            Either::Right(_) => return None,
        }
    }
    let mouth = Mouth::Spdy(session.sink(), spoken);
    Some((Ears::Spdy(session, heard), mouth))
}

async fn carry_on(
    shell: &Plane,
    ears: Ears,
    mut mouth: Mouth,
    wanted: StreamRequest,
    agreed: Agreed,
) -> Result<(), Gone> {
    let wish = wish(&wanted);
    // So that a client knows that the connection stands before anything is said.
    let first = match wish {
        Wish { stdout: true, .. } => STDOUT,
        Wish { stderr: true, .. } => STDERR,
        _ => ERROR,
    };
    if agreed.websocket {
        mouth.send(first, &[]).await?;
    }
    let outcome = match wanted {
        StreamRequest::Exec {
            namespace,
            pod,
            container,
            command,
            stdin,
            tty,
            ..
        } => {
            let size = tty.then_some(TerminalSize {
                columns: 80,
                rows: 24,
            });
            match shell.exec(&namespace, &pod, &container, command.clone(), stdin, size) {
                Err(cause) => {
                    let id = id(&[&namespace, &pod, &container, &shell.now().to_string()]);
                    Outcome::not_started(&command, &cause, &id)
                }
                Ok(talk) => {
                    let process = talk.process;
                    let pumped = pump(ears, &mut mouth, talk.ends, wish).await;
                    if pumped.is_err() {
                        // What a client that has gone had started ends as when its terminal is closed.
                        shell.runtime().signal(process, 1);
                    }
                    let code = talk.exit.status().await;
                    pumped?;
                    Outcome::ended(command, code)
                }
            }
        }
        StreamRequest::Attach {
            namespace,
            pod,
            container,
            stdin,
            ..
        } => match shell.attach(&namespace, &pod, &container, stdin) {
            Some(ends) => {
                pump(ears, &mut mouth, ends, wish).await?;
                Outcome::Success
            }
            None => Outcome::not_attached(&id(&[&namespace, &pod, &container])),
        },
        StreamRequest::Log { .. } | StreamRequest::PortForward { .. } => return Ok(()),
    };
    let text = outcome.text(agreed.protocol);
    mouth.send(ERROR, text.as_bytes()).await?;
    mouth.close().await;
    Ok(())
}

/// Carries bytes both ways until the process has closed its output or the client has gone.
async fn pump(ears: Ears, mouth: &mut Mouth, ends: Ends, wish: Wish) -> Result<(), Gone> {
    let (hand, view) = hands::split(ends);
    let (listen, tell) = (pin!(type_in(ears, hand)), pin!(tell(mouth, view, wish)));
    match select(tell, listen).await {
        Either::Left((told, _)) => told,
        Either::Right(_) => Err(Gone),
    }
}

/// Sends what the process writes until it can write no more.
async fn tell(mouth: &mut Mouth, mut view: View, wish: Wish) -> Result<(), Gone> {
    while let Some((channel, data)) = view.next().await {
        let wanted = match channel {
            STDOUT => wish.stdout,
            _ => wish.stderr,
        };
        if wanted {
            mouth.send(channel, &data).await?;
        }
    }
    Ok(())
}

/// Gives the process what the client sends until it has gone.
async fn type_in(mut ears: Ears, mut hand: Hand) {
    while let Some(event) = ears.next().await {
        match event {
            Event::Data(STDIN, data) => hand.write(&data).await,
            Event::Data(RESIZE, data) => {
                if let Some(size) = size(&data) {
                    hand.resize(size);
                }
            }
            Event::End(STDIN) => hand.close(),
            // Other channels are not the client's to speak on.
            _ => {}
        }
    }
}

/// What a client says of its window.
fn size(data: &[u8]) -> Option<TerminalSize> {
    let size: serde_json::Value = serde_json::from_slice(data).ok()?;
    let number = |key: &str| u16::try_from(size[key].as_u64()?).ok();
    Some(TerminalSize {
        columns: number("Width")?,
        rows: number("Height")?,
    })
}
