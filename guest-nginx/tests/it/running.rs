//! Servers that run while a test does, real and ours, and how to talk to them. It compares nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server with files of its own, ended when this is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Asked to end, not killed: nginx takes its worker along. It may have ended already.
        let _ = guest_kit::process::kill(self.child.id(), 15);
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Our own program.
pub(crate) fn ours() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_guest-nginx"))
}

/// A folder for a server's files.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("guest-nginx-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// A port that nobody has.
pub(crate) fn free_port() -> u16 {
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    socket.local_addr().expect("an address").port()
}

/// Starts a server and waits until it listens.
pub(crate) fn launched(mut command: Command, folder: PathBuf, port: u16) -> Running {
    let child = command.stderr(Stdio::null()).spawn();
    let running = Running {
        child: child.expect("the server starts"),
        folder,
        port,
    };
    until("it listens", || {
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    running
}

/// Starts nginx in a folder that has its `nginx.conf`.
pub(crate) fn nginx(program: &Path, folder: PathBuf, port: u16) -> Running {
    let mut command = Command::new(program);
    command.arg("-p").arg(&folder).args(["-c", "nginx.conf"]);
    launched(command, folder, port)
}

/// Whole configuration around the inside of `http`; `@P@` is the first port.
pub(crate) fn write(folder: &Path, port: u16, http: &str) {
    let text = format!(
        "daemon off; worker_processes 1; pid nginx.pid; error_log error.log; events {{ worker_connections 512; }}\n\
         http {{ access_log off; proxy_temp_path t1; client_body_temp_path t2; fastcgi_temp_path t3; \
         uwsgi_temp_path t4; scgi_temp_path t5;\n{http}\n}}\n"
    );
    let text = text.replace("@P@", &port.to_string());
    fs::write(folder.join("nginx.conf"), text).expect("a configuration");
}

/// Looks again until something is so.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "not in time: {what}"
        );
        std::thread::yield_now();
    }
}

/// What curl prints, with its exit code; `@P@` is the port.
pub(crate) fn curl(server: &Running, args: &[&str]) -> String {
    let port = server.port.to_string();
    let args = args.iter().map(|arg| arg.replace("@P@", &port));
    let output = Command::new(trial::installed("curl", "curl"))
        .args(["-s", "-m", "5"])
        .args(args)
        .current_dir(&server.folder)
        .output()
        .expect("curl runs");
    let text = String::from_utf8_lossy(&output.stdout).replace(&port, "PORT");
    format!("{text}({})", output.status.code().unwrap_or(-1))
}

/// Sends bytes and reads until the server closes, or says nothing more for a while.
pub(crate) fn talk(server: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    let patience = Duration::from_secs(3);
    stream.set_read_timeout(Some(patience)).expect("a timeout");
    // A server that has refused already may have closed.
    let _ = stream.write_all(bytes);
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    tidy(&got, server)
}

/// What may differ: dates, versions, ports, folders, boundaries.
pub(crate) fn tidy(bytes: &[u8], server: &Running) -> String {
    let text = String::from_utf8_lossy(bytes)
        .replace("nginx/1.22.1", "nginx/V")
        .replace("nginx/1.27.5", "nginx/V")
        .replace("Apache/2.4.67 (Unix)", "Apache/V")
        .replace("Apache/2.4.71 (Debian)", "Apache/V")
        .replace(&server.folder.display().to_string(), "FOLDER")
        .replace(&server.port.to_string(), "PORT");
    let lines = text.split_inclusive("\r\n").map(|line| {
        if line.starts_with("Date: ") || line.starts_with("Expires: ") {
            format!("{}…\r\n", &line[..6])
        } else if let Some(methods) = line.strip_prefix("Allow: ") {
            // Apache keeps them in a table whose order is another in each process.
            let mut methods: Vec<_> = methods.trim_end().split(',').collect();
            methods.sort_unstable();
            format!("Allow: {}\r\n", methods.join(","))
        } else {
            line.to_owned()
        }
    });
    let mut text: String = lines.collect();
    if let Some((_, rest)) = text.split_once("boundary=")
        && let Some(boundary) = rest.get(..20).map(str::to_owned)
    {
        text = text.replace(&boundary, "BOUNDARY");
    }
    text
}
