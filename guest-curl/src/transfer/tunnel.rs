//! CONNECT: a way through a proxy. What flows through it later is not its business.

use super::Transfer;
use crate::VERSION;
use crate::failure::Failure;
use crate::head::Head;
use crate::link::Link;
use crate::proxy::Proxy;
use crate::request::own;

impl Transfer<'_, '_> {
    /// Asks the proxy for a connection to the target.
    pub(super) fn tunnel(
        &mut self,
        link: &mut Link,
        proxy: &Proxy,
        (host, port): &(String, u16),
    ) -> Result<(), Failure> {
        let host = if host.contains(':') {
            format!("[{host}]")
        } else {
            host.clone()
        };
        let target = format!("{host}:{port}");
        self.session.trace.info("allocate connect buffer");
        self.session
            .trace
            .info(&format!("Establish HTTP proxy tunnel to {target}"));
        let minor = u8::from(!self.operation.http10);
        let mut text = format!("CONNECT {target} HTTP/1.{minor}\r\nHost: {target}\r\n");
        if let Some(login) = &proxy.login {
            let who = format!("Proxy auth using Basic with user '{}'", login.user);
            self.session.trace.info(&who);
            text.push_str(&format!("Proxy-Authorization: {}\r\n", login.basic()));
        }
        let headers = &self.operation.proxy_headers;
        if own(headers, "User-Agent").is_none() {
            match self.operation.agent.as_deref() {
                Some("") => {}
                Some(agent) => text.push_str(&format!("User-Agent: {agent}\r\n")),
                None => text.push_str(&format!("User-Agent: curl/{VERSION}\r\n")),
            }
        }
        if own(headers, "Proxy-Connection").is_none() {
            text.push_str("Proxy-Connection: Keep-Alive\r\n");
        }
        for header in headers {
            if header
                .split_once(':')
                .is_some_and(|(_, value)| !value.trim().is_empty())
            {
                text.push_str(&format!("{header}\r\n"));
            }
        }
        text.push_str("\r\n");
        self.session.trace.head_out(text.as_bytes());
        link.send(text.as_bytes(), &self.deadline)
            .map_err(|stop| self.stopped(stop, "Send failure"))?;
        let head = self.tunnel_answer(link)?;
        self.report.status_connect = head.status;
        if !(200..300).contains(&head.status) {
            return Err(Failure::new(
                56,
                format!("CONNECT tunnel failed, response {}", head.status),
            ));
        }
        self.session.trace.info("CONNECT phase completed");
        self.session.trace.info(&format!(
            "CONNECT tunnel established, response {}",
            head.status
        ));
        Ok(())
    }

    fn tunnel_answer(&mut self, link: &mut Link) -> Result<Head, Failure> {
        let mut head: Option<Head> = None;
        loop {
            let Some(line) = self.line(link)? else {
                return Err(Failure::new(56, "Proxy CONNECT aborted"));
            };
            self.session.trace.head_in(&line);
            if !self.operation.hide_connect {
                self.show_head(&line)?;
            }
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            match &mut head {
                None => head = Some(Head::begin(&String::from_utf8_lossy(text))?),
                Some(head) if text.is_empty() => return Ok(head.clone()),
                Some(head) => {
                    head.add(text)?;
                }
            }
        }
    }
}
