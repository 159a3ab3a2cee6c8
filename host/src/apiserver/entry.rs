//! The API server's door inside the world: TLS on a port of the control plane, and beside it, on the
//! same port, a plain way for the workstation's own programs, which say a word that only they know.
//!
//! All chance of a handshake comes from the seed, so that two runs send the same bytes. Never knows
//! what is asked, and never looks at a clock.

use super::caller::{Caller, Shown};
use super::http::serve;
use crate::authority::{Authority, Signed, id, own_names};
use crate::shell::{NetStream, Plane};
use anyhow::Result;
use clock::Seed;
use guest_tls::chance::Source;
use guest_tls::client::Version;
use guest_tls::server::{Identity, Options, config_with};
use hyper_util::rt::TokioIo;
use rand::Rng;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_rustls::TlsAcceptor;

/// How the first byte of a TLS connection reads: a record of a handshake.
const HANDSHAKE: u8 = 0x16;

/// What a world's API server is known by.
#[derive(Debug)]
pub(crate) struct Keys {
    authority: Authority,
    administrator: Signed,
    word: Arc<str>,
    source: Source,
}

impl Keys {
    /// Those of a headless world's cluster, by its place on the platform.
    pub(crate) fn of_seed(seed: Seed, epoch: i64, site: usize) -> Self {
        let seed = match site {
            0 => seed,
            site => seed.derive(&format!("site/{site}")),
        };
        let mut draws = seed.stream("api-server-keys");
        let mut draw = |buffer: &mut [u8]| draws.fill_bytes(buffer);
        let authority = Authority::generate(epoch, &mut draw);
        Self::new(authority, seed, &mut draw)
    }

    /// Those of an authority that was made elsewhere, with what it signs drawn from here.
    pub(crate) fn new(authority: Authority, seed: Seed, draw: &mut dyn FnMut(&mut [u8])) -> Self {
        let administrator = authority.administrator(draw);
        let mut word = [0; 16];
        draw(&mut word);
        let word: String = word.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut draws = seed.stream("api-server-handshakes");
        Self {
            authority,
            administrator,
            word: word.into(),
            source: Source::new(move |buffer| draws.fill_bytes(buffer)),
        }
    }

    /// The authority's certificate, PEM.
    pub(crate) fn authority_pem(&self) -> String {
        self.authority.certificate().to_pem()
    }

    /// The administrator's certificate and key, PEM.
    pub(crate) fn administrator_pem(&self) -> (String, String) {
        let Signed { certificate, key } = &self.administrator;
        (certificate.to_pem(), key.to_pem())
    }

    /// What the workstation's programs say instead of showing a certificate.
    pub(crate) fn word(&self) -> &str {
        &self.word
    }

    /// The server's side, for these names besides the usual ones.
    fn acceptor(&self, more: impl IntoIterator<Item = String>) -> TlsAcceptor {
        let mut names = own_names();
        for name in more {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let server = self
            .authority
            .server(&names, &mut |buffer| self.source.fill(buffer));
        let config = config_with(Options {
            identities: vec![Identity::new(vec![server.certificate], server.key)],
            choose: Arc::new(|_| Some(0)),
            alpn: vec![b"http/1.1".to_vec()],
            ask: Some(vec![self.authority.certificate().clone()]),
            min: Version::Tls12,
            max: Version::Tls13,
        });
        let mut config = Arc::unwrap_or_clone(config);
        // Tickets would be sealed at the host's time.
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(tokio_rustls::rustls::server::NoServerSessionStorage {});
        TlsAcceptor::from(Arc::new(config))
    }
}

/// Opens a cluster's API server inside the world, until its machine loses power.
///
/// # Errors
/// When the address is taken.
pub(crate) fn listen(plane: &Plane) -> Result<()> {
    let site = plane.site();
    let (host, addr, name, service) = plane.look(|world| {
        let host = world.control_plane_of(site);
        let mut nodes = world.nodes_of(site).iter();
        let name = nodes.find(|(_, node)| **node == host);
        let name = name.map(|(name, _)| name.clone());
        let store = world.cluster_of(site).store();
        let service = store.get("services", "default", "kubernetes");
        let service = service.and_then(|service| service["spec"]["clusterIP"].as_str());
        (
            host,
            world.api_address_of(site),
            name,
            service.map(str::to_owned),
        )
    });
    let listener = plane.runtime().tcp_listen(host, addr, 1024)?;
    let more = service.into_iter().chain([addr.ip().to_string()]);
    let acceptor = plane.keys_of(site).acceptor(name.into_iter().chain(more));
    let inside = plane.clone();
    plane.runtime().spawn_native(async move {
        while let Ok(stream) = listener.accept().await {
            let (plane, acceptor) = (inside.clone(), acceptor.clone());
            inside.runtime().spawn_native(async move {
                welcome(NetStream::from(stream), plane, acceptor).await;
            });
        }
    });
    Ok(())
}

/// Serves one connection, encrypted or not; whoever breaks off the handshake is gone.
async fn welcome(mut stream: NetStream, plane: Plane, acceptor: TlsAcceptor) {
    let site = plane.site();
    let mut first = [0];
    if !matches!(stream.read(&mut first).await, Ok(1)) {
        return;
    }
    let whole = Whole {
        first: Some(first[0]),
        stream,
    };
    let Keys { source, word, .. } = plane.keys_of(site);
    let (source, word) = (source.clone(), word.clone());
    if first[0] != HANDSHAKE {
        return serve(TokioIo::new(whole), plane, Caller::Plain(word)).await;
    }
    let accept = Seeded {
        inner: Box::pin(acceptor.accept(whole)),
        source: source.clone(),
    };
    let Ok(inner) = accept.await else { return };
    let shown = inner.get_ref().1.peer_certificates();
    let shown = match shown.and_then(|chain| chain.first()) {
        None => Shown::Nothing,
        Some(own) if own.as_ref() == plane.keys_of(site).administrator.certificate.der() => {
            Shown::Administrator(id(own))
        }
        Some(_) => Shown::Foreign,
    };
    let io = TokioIo::new(Seeded { inner, source });
    serve(io, plane, Caller::Inside(shown)).await;
}

/// A stream whose first byte has been looked at.
#[derive(Debug)]
struct Whole {
    first: Option<u8>,
    stream: NetStream,
}

impl AsyncRead for Whole {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if buf.remaining() > 0
            && let Some(first) = self.first.take()
        {
            buf.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        pin!(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Whole {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        pin!(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        pin!(&mut self.stream).poll_shutdown(cx)
    }
}

/// Something that draws its chance from the seed whenever it runs.
#[derive(Debug)]
pub(crate) struct Seeded<T> {
    pub(crate) inner: T,
    pub(crate) source: Source,
}

impl<F: Future + Unpin> Future for Seeded<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let Self { inner, source } = &mut *self;
        source.lend(|| Pin::new(inner).poll(cx))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Seeded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { inner, source } = &mut *self;
        source.lend(|| Pin::new(inner).poll_read(cx, buf))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Seeded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Self { inner, source } = &mut *self;
        source.lend(|| Pin::new(inner).poll_write(cx, data))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, source } = &mut *self;
        source.lend(|| Pin::new(inner).poll_flush(cx))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { inner, source } = &mut *self;
        source.lend(|| Pin::new(inner).poll_shutdown(cx))
    }
}
