//! One HTTP exchange as a client, for probes and checks. Never follows a redirect and never
//! decides what an answer means.

use super::stream::NetStream;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use runtime::Handle;

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
    pub(crate) async fn new(runtime: &Handle, stream: NetStream) -> hyper::Result<Self> {
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

/// `host`, `port` and path of an `http` URL.
pub(crate) fn split(url: &str) -> Option<(&str, u16, &str)> {
    let rest = url.strip_prefix("http://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = if path.is_empty() { "/" } else { path };
    match authority.rsplit_once(':') {
        Some((host, port)) => Some((host, port.parse().ok()?, path)),
        None => Some((authority, 80, path)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_falls_into_host_port_and_path() {
        assert_eq!(split("http://web"), Some(("web", 80, "/")));
        assert_eq!(split("http://web:8080/a?b"), Some(("web", 8080, "/a?b")));
        assert_eq!(split("https://web"), None);
        assert_eq!(split("http://web:x/"), None);
    }
}
