//! One full name, asked of every server in turn: A and AAAA at once over UDP, and over TCP when
//! the answer did not fit. Never follows a referral: the servers are recursive.

use super::LookupError;
use super::config::Resolver;
use crate::container::ContainerSpec;
use crate::executor::Sleep;
use crate::native::{TcpStream, UdpSocket};
use crate::network::Network;
use clock::Instant;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use vnet::{Ipv4Addr, SocketAddrV4};

/// Where name servers listen.
const PORT: u16 = 53;

/// What one server said.
enum Reply {
    Answer(Result<Vec<Ipv4Addr>, LookupError>),
    /// Nothing, or nothing useful: ask the next.
    Silence,
}

pub(super) async fn ask(
    network: &Network,
    container: &ContainerSpec,
    resolver: &Resolver,
    id: u16,
    name: &str,
) -> Result<Vec<Ipv4Addr>, LookupError> {
    let Ok(name) = Name::from_ascii(format!("{name}.")) else {
        return Err(LookupError::NotFound);
    };
    let questions = Questions::new(id, &name);
    for _ in 0..resolver.attempts {
        for server in &resolver.servers {
            let server = SocketAddrV4::new(*server, PORT);
            let deadline = network.now() + resolver.timeout;
            let exchange = Exchange {
                network,
                container,
                questions: &questions,
                server,
                deadline,
            };
            if let Reply::Answer(answer) = exchange.run().await {
                return answer;
            }
        }
    }
    Err(LookupError::Temporary)
}

/// The same name asked for twice.
struct Questions {
    a: Message,
    aaaa: Message,
}

impl Questions {
    fn new(id: u16, name: &Name) -> Self {
        let question = |id, kind| {
            let mut message = Message::new(id, MessageType::Query, OpCode::Query);
            message.metadata.recursion_desired = true;
            message.add_query(Query::query(name.clone(), kind));
            message
        };
        Self {
            a: question(id, RecordType::A),
            aaaa: question(id.wrapping_add(1), RecordType::AAAA),
        }
    }
}

struct Exchange<'a> {
    network: &'a Network,
    container: &'a ContainerSpec,
    questions: &'a Questions,
    server: SocketAddrV4,
    deadline: Instant,
}

impl Exchange<'_> {
    async fn run(&self) -> Reply {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let (host, origin) = (self.container.host, self.container.origin);
        let Ok(socket) = UdpSocket::bind(self.network, host, any, origin) else {
            return Reply::Silence;
        };
        for message in [&self.questions.a, &self.questions.aaaa] {
            let Ok(bytes) = message.to_vec() else {
                return Reply::Silence;
            };
            if socket.send_to(&bytes, self.server).is_err() {
                return Reply::Silence;
            }
        }
        let (mut a, mut aaaa) = (None, false);
        while a.is_none() || !aaaa {
            let Some(message) = self.receive(&socket).await else {
                // The second question may go unanswered; the first must not.
                break;
            };
            if message.metadata.id == self.questions.a.metadata.id {
                a = Some(message);
            } else if message.metadata.id == self.questions.aaaa.metadata.id {
                aaaa = true;
            }
        }
        match a {
            Some(message) if message.metadata.truncation => self.run_tcp().await,
            Some(message) => read(&message),
            None => Reply::Silence,
        }
    }

    /// The next message from the server; nothing at the deadline or when it refuses.
    async fn receive(&self, socket: &UdpSocket) -> Option<Message> {
        let receive = async {
            loop {
                let (from, bytes) = socket.recv_from().await.ok()?;
                if from == self.server
                    && let Ok(message) = Message::from_vec(&bytes)
                {
                    return Some(message);
                }
            }
        };
        self.in_time(receive).await.flatten()
    }

    async fn run_tcp(&self) -> Reply {
        let exchange = async {
            let (host, origin) = (self.container.host, self.container.origin);
            let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
            let stream = TcpStream::connect(self.network, host, any, self.server, origin)
                .await
                .ok()?;
            let question = self.questions.a.to_vec().ok()?;
            let mut bytes = u16::try_from(question.len()).ok()?.to_be_bytes().to_vec();
            bytes.extend(question);
            stream.write_all(&bytes).await.ok()?;
            let mut received = Vec::new();
            while !complete(&received) {
                let more = stream
                    .read(4096)
                    .await
                    .ok()
                    .filter(|more| !more.is_empty())?;
                received.extend(more);
            }
            Message::from_vec(&received[2..]).ok()
        };
        match self.in_time(exchange).await.flatten() {
            Some(message) => read(&message),
            None => Reply::Silence,
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut sleep = pin!(Sleep::until(self.network.clone(), self.deadline));
        poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending => sleep.as_mut().poll(cx).map(|()| None),
        })
        .await
    }
}

/// Over TCP a message has its length before it.
fn complete(received: &[u8]) -> bool {
    received
        .first_chunk::<2>()
        .is_some_and(|len| received.len() >= 2 + usize::from(u16::from_be_bytes(*len)))
}

fn read(message: &Message) -> Reply {
    match message.metadata.response_code {
        ResponseCode::NoError => {
            let addr = |data: &RData| {
                if let RData::A(a) = data {
                    Some(a.0)
                } else {
                    None
                }
            };
            let found: Vec<_> = message
                .answers
                .iter()
                .filter_map(|record| addr(&record.data))
                .collect();
            let answer = if found.is_empty() {
                Err(LookupError::NotFound)
            } else {
                Ok(found)
            };
            Reply::Answer(answer)
        }
        ResponseCode::NXDomain => Reply::Answer(Err(LookupError::NotFound)),
        ResponseCode::ServFail => Reply::Silence,
        _ => Reply::Answer(Err(LookupError::Permanent)),
    }
}
