//! A server with files, without sockets.

use std::fs;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use guest_nginx::apache::Apache;
use guest_nginx::conf::{self, Source};
use guest_nginx::connection::{Connection, Incoming};
use guest_nginx::nginx::Nginx;
use guest_nginx::reply::{Body, Client, Now, Site};

/// 2024-01-02 03:04:05 UTC, when every file was written.
pub(crate) const WRITTEN: u64 = 1_704_164_645;
/// 2026-01-01 00:00:00 UTC, when every request is made.
pub(crate) const NOW: Now = Now {
    seconds: 1_767_225_600,
    nanos: 42_000,
};

/// Configuration text without any files around it.
pub(crate) struct Text(pub(crate) String);

impl Source for Text {
    fn read(&self, path: &str) -> Result<String, (u32, &'static str)> {
        match path {
            "/etc/nginx/nginx.conf" => Ok(self.0.clone()),
            "/etc/nginx/conf.d/a.conf" => Ok("server { listen 81; return 200 a; }".to_owned()),
            "/etc/nginx/conf.d/b.conf" => Ok("server {\n  listen 82;\n  oops;\n}".to_owned()),
            _ => Err((2, "No such file or directory")),
        }
    }

    fn glob(&self, pattern: &str) -> Vec<String> {
        assert_eq!(pattern, "/etc/nginx/conf.d/*.conf");
        vec![
            "/etc/nginx/conf.d/a.conf".to_owned(),
            "/etc/nginx/conf.d/b.conf".to_owned(),
        ]
    }
}

/// A server over a folder.
pub(crate) struct Fixture {
    pub(crate) site: Box<dyn Site>,
    pub(crate) root: PathBuf,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn folder() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let root = std::env::temp_dir().join(format!("guest-nginx-{}-{number}", std::process::id()));
    fs::create_dir_all(root.join("sub/empty")).expect("a folder");
    root
}

impl Fixture {
    /// nginx with these directives in its server, and `index.html` and `a.txt` ("hello\n") to serve.
    pub(crate) fn nginx(directives: &str) -> Self {
        let root = folder();
        let text = format!(
            "error_log stderr;\nevents {{}}\nhttp {{ default_type application/octet-stream; server {{\n\
             listen 80; server_name localhost; root {}; {directives} }} }}",
            root.display()
        );
        let config = conf::read(&Text(text), "/etc/nginx/nginx.conf").expect("a configuration");
        let fixture = Self {
            site: Box::new(Nginx::new(config, "web".to_owned())),
            root,
        };
        fixture.write("index.html", "<title>Welcome to nginx!</title>\n");
        fixture.write("a.txt", "hello\n");
        fixture
    }

    /// httpd with the page of its image and `a.txt`.
    pub(crate) fn apache() -> Self {
        let root = folder();
        let site = Apache::new(root.display().to_string(), 80);
        let fixture = Self {
            site: Box::new(site),
            root,
        };
        fixture.write("index.html", include_str!("../../files/httpd-index.html"));
        fixture.write("a.txt", "hello\n");
        fixture
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.root.join(name);
        fs::write(&path, text).expect("a file");
        let file = fs::File::options()
            .write(true)
            .open(&path)
            .expect("just written");
        file.set_modified(UNIX_EPOCH + Duration::from_secs(WRITTEN))
            .expect("a date");
    }

    /// Everything one client sends, and all it gets, with `…` for the folder; then both logs.
    pub(crate) fn talk(&self, sent: &str) -> Talk {
        let mut client = Client {
            id: 1,
            remote: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 9), 4000),
            local: SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, 1), 80),
            served: 0,
        };
        let mut connection = Connection::default();
        connection.handle_bytes(sent.as_bytes());
        let mut talk = Talk::default();
        while let Some(incoming) = connection.poll_request() {
            if matches!(incoming, Incoming::Garbage) {
                talk.closed = true;
                break;
            }
            let mut reply = self.site.answer(&client, NOW, &incoming);
            let body = match std::mem::replace(&mut reply.body, Body::Empty) {
                Body::Empty => Vec::new(),
                Body::Bytes(bytes) => bytes,
                Body::File(..) => panic!("the files of tests are small"),
            };
            talk.received += &self.hide(&reply.head);
            talk.received += &self.hide(&body);
            for (_, line) in
                self.site
                    .access_lines(&client, NOW, &incoming, &reply, body.len() as u64)
            {
                talk.access += &self.hide(&line);
            }
            for note in &reply.notes {
                talk.error += &self.hide(note);
            }
            client.served += 1;
            if !reply.keep_alive {
                talk.closed = true;
                break;
            }
        }
        talk
    }

    fn hide(&self, bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).replace(&self.root.display().to_string(), "…")
    }

    /// Asks for a path and compares the first line and the body.
    #[track_caller]
    pub(crate) fn check(&self, path: &str, status: &str, body: &str) {
        let talk = self.talk(&format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        let (head, rest) = talk
            .received
            .split_once("\r\n\r\n")
            .expect("a head and a body");
        assert_eq!(
            (head.lines().next(), rest),
            (Some(format!("HTTP/1.1 {status}").as_str()), body),
            "{path}"
        );
    }
}

/// What came of a conversation.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    pub(crate) received: String,
    pub(crate) access: String,
    pub(crate) error: String,
    pub(crate) closed: bool,
}

impl Talk {
    pub(crate) fn statuses(&self) -> Vec<&str> {
        let lines = self
            .received
            .lines()
            .filter_map(|line| line.split("HTTP/1.1 ").nth(1));
        lines.filter_map(|rest| rest.get(..3)).collect()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.received
            .lines()
            .find_map(|line| line.strip_prefix(start.as_str()))
    }
}
