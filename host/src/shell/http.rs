//! One HTTP exchange as a client, for probes and checks. Never follows a redirect and never
//! decides what an answer means.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use runtime::Handle;
use tokio::io::{AsyncRead, AsyncWrite};

/// The largest answer a check reads.
const BODY_LIMIT: usize = 1024 * 1024;

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// A connection that requests can be sent on, one after another.
#[derive(Debug)]
pub(crate) struct Client {
    sender: SendRequest<Empty<Bytes>>,
}

impl Client {
    /// Speaks HTTP/1.1 on `stream`, which is driven by a task of its own until it ends.
    pub(crate) async fn new(
        runtime: &Handle,
        stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    ) -> hyper::Result<Self> {
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        runtime.spawn_native(async move {
            // How a connection ended is known to whoever waits for its answer.
            let _ = connection.await;
        });
        Ok(Self { sender })
    }

    /// Sends one request and reads the whole answer.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        authority: &str,
        path: &str,
        headers: &[(String, String)],
    ) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
        let mut request = hyper::Request::builder().method(method).uri(path);
        if !headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            request = request.header("Host", authority);
        }
        for (name, value) in headers {
            request = request.header(name, value);
        }
        self.sender.ready().await?;
        let response = self
            .sender
            .send_request(request.body(Empty::new())?)
            .await?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), BODY_LIMIT)
            .collect()
            .await?
            .to_bytes();
        Ok(Answer {
            status,
            body: String::from_utf8_lossy(&body).into_owned(),
        })
    }
}

/// Where a URL leads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Url<'a> {
    /// `https`.
    pub(crate) secure: bool,
    pub(crate) host: &'a str,
    pub(crate) port: u16,
    pub(crate) path: &'a str,
}

/// The parts of a URL of HTTP.
pub(crate) fn split(url: &str) -> Option<Url<'_>> {
    let (secure, rest) = match url.strip_prefix("https://") {
        Some(rest) => (true, rest),
        None => (false, url.strip_prefix("http://")?),
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = if path.is_empty() { "/" } else { path };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, if secure { 443 } else { 80 }),
    };
    Some(Url {
        secure,
        host,
        port,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_falls_into_host_port_and_path() {
        let parts = |url| split(url).map(|url| (url.secure, url.host, url.port, url.path));
        assert_eq!(parts("http://web"), Some((false, "web", 80, "/")));
        assert_eq!(
            parts("http://web:8080/a?b"),
            Some((false, "web", 8080, "/a?b"))
        );
        assert_eq!(parts("https://web/"), Some((true, "web", 443, "/")));
        assert_eq!(parts("ftp://web"), None);
        assert_eq!(parts("http://web:x/"), None);
    }
}
