//! The nginx face: which server and location a request falls to, and what is said there.
//! The phases come in nginx's order: server `return`, location, body size, location `return`, `try_files`, content.
//! It sends nothing; files are read when an answer is made.

pub mod draft;
pub mod log;
pub mod pages;
mod turn;

use std::net::SocketAddrV4;

use crate::conf::model::{Config, Level, LogTarget};
use crate::connection::Incoming;
use crate::date::Date;
use crate::reply::{Body, Client, Context, Now, Reply, Site};
use crate::request::{Reject, Version};

use draft::Draft;
use log::Scope;

/// nginx with a configuration.
#[derive(Debug)]
pub struct Nginx {
    config: Config,
    hostname: String,
}

impl Nginx {
    /// A server for this configuration, on a machine of this name.
    pub fn new(config: Config, hostname: String) -> Self {
        Self { config, hostname }
    }

    /// What it was told.
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn refuse(&self, client: &Client, now: Now, incoming: &Incoming, reject: &Reject) -> Reply {
        let server = self.config.choose(client.local, "");
        let product = if server.settings.server_tokens {
            pages::PRODUCT
        } else {
            "nginx"
        };
        let name = server.names.first().cloned().unwrap_or_default();
        let mut draft = Draft::page(reject.status, product);
        draft.close = true;
        let mut notes = Vec::new();
        if self.config.log_level >= Level::Info {
            notes.push(log::error_line(
                "info",
                client,
                now,
                incoming,
                &name,
                reject.reason,
            ));
        }
        Reply {
            status: if reject.status == 494 {
                400
            } else {
                reject.status
            },
            head: draft.head(now.seconds, product, false, None),
            body: draft.body,
            keep_alive: false,
            idle_ms: 0,
            notes,
            context: Context::of(&server.settings, name, String::new()),
        }
    }
}

impl Site for Nginx {
    fn answer(&self, client: &Client, now: Now, incoming: &Incoming) -> Reply {
        match incoming {
            Incoming::Request(request) => {
                let mut reply = turn::Turn::new(self, client, now, incoming, request).run();
                if request.method == "HEAD" {
                    reply.body = Body::Empty;
                }
                if request.version == Version::Http09 {
                    reply.head = Vec::new();
                }
                reply
            }
            Incoming::Reject(reject) => self.refuse(client, now, incoming, reject),
            Incoming::Garbage => unreachable!("garbage after an answer is not answered"),
        }
    }

    fn access_lines(
        &self,
        client: &Client,
        now: Now,
        incoming: &Incoming,
        reply: &Reply,
        sent: u64,
    ) -> Vec<(LogTarget, Vec<u8>)> {
        let Self { hostname, .. } = self;
        let context = &reply.context;
        let scope = Scope {
            client,
            now,
            incoming,
            context,
            status: reply.status,
            sent,
            hostname,
        };
        let line = |access: &crate::conf::model::AccessLog| {
            let mut line = access
                .format
                .render(&mut |name, out| scope.logged(name, out));
            line.push(b'\n');
            (access.target.clone(), line)
        };
        context.access_logs.iter().map(line).collect()
    }

    fn error_target(&self) -> &LogTarget {
        &self.config.error_log
    }

    fn notice(&self, now: Now, text: &str) -> Option<Vec<u8>> {
        let date = Date::of(now.seconds).nginx();
        (self.config.log_level >= Level::Notice)
            .then(|| format!("{date} [notice] 1#1: {text}\n").into_bytes())
    }

    fn sockets(&self) -> Vec<SocketAddrV4> {
        self.config.sockets()
    }

    fn first_request_ms(&self) -> u64 {
        60_000
    }
}
