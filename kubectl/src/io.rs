//! The outside world as kubectl sees it: a handful of traits and one struct that holds them.
//!
//! Nothing in this crate reads an environment variable, a clock, a file or a socket by itself.
//! Everything comes in through [`Io`], so that the same code runs as an applet in a guest, natively and under test.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A connected byte stream.
pub trait Stream: Read + Write {
    /// While `on`, a read or write that would wait answers [`io::ErrorKind::WouldBlock`] instead.
    fn set_nonblocking(&mut self, on: bool) -> io::Result<()>;
}

impl Stream for TcpStream {
    fn set_nonblocking(&mut self, on: bool) -> io::Result<()> {
        Self::set_nonblocking(self, on)
    }
}

/// What a kubeconfig says about encryption; everything is PEM.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Who signs the server's certificate; without it the machine's own authorities do.
    pub authority: Option<Vec<u8>>,
    /// The client's certificate and key, when it shows one.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
    /// The server's certificate is not looked at.
    pub insecure: bool,
    /// The name that the server's certificate has to be for, when it is not the host's.
    pub server_name: Option<String>,
}

/// Opens byte streams.
pub trait Connect {
    /// Connects to `host:port`; `tls` asks for an encrypted stream and may be refused.
    ///
    /// A certificate that will not do is an [`io::ErrorKind::InvalidData`] whose text is for people.
    fn connect(&mut self, host: &str, port: u16, tls: Option<&Tls>) -> io::Result<Box<dyn Stream>>;

    /// Listens at an address of this machine; port 0 is any that is free.
    ///
    /// Where nothing can be listened at, which is the default, it is [`io::ErrorKind::Unsupported`].
    fn listen(&mut self, _address: &str, _port: u16) -> io::Result<Box<dyn Listener>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// A port that is listened at.
pub trait Listener {
    /// The next connection, or [`io::ErrorKind::WouldBlock`] while there is none.
    fn accept(&mut self) -> io::Result<Box<dyn Stream>>;
    /// The port's number.
    fn port(&self) -> u16;
}

/// A port by the standard library.
#[derive(Debug)]
struct TcpDoor(TcpListener, u16);

impl Listener for TcpDoor {
    fn accept(&mut self) -> io::Result<Box<dyn Stream>> {
        let (stream, _) = self.0.accept()?;
        drop(stream.set_nodelay(true));
        Ok(Box::new(stream))
    }

    fn port(&self) -> u16 {
        self.1
    }
}

/// Plain TCP by the standard library, which works natively and on `wasm32-wasip2`.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tcp;

impl Connect for Tcp {
    fn connect(&mut self, host: &str, port: u16, tls: Option<&Tls>) -> io::Result<Box<dyn Stream>> {
        if tls.is_some() {
            return Err(io::Error::new(
                io::ErrorKind::Unsupported,
                "TLS is not in this lab yet",
            ));
        }
        let stream = TcpStream::connect((host, port))?;
        // Small requests and keystrokes; a platform without the option loses nothing else.
        drop(stream.set_nodelay(true));
        Ok(Box::new(stream))
    }

    fn listen(&mut self, address: &str, port: u16) -> io::Result<Box<dyn Listener>> {
        let listener = TcpListener::bind((address, port))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        Ok(Box::new(TcpDoor(listener, port)))
    }
}

/// Files by path; relative paths are relative to the caller's working directory.
pub trait Files {
    /// The whole content of a file.
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>>;
    /// Replaces or creates a file.
    fn write(&mut self, path: &str, content: &[u8]) -> io::Result<()>;
    /// Removes a file or an empty directory.
    fn remove(&mut self, path: &str) -> io::Result<()>;
    /// The names in a directory, without `.` and `..`, or an error if `path` is no directory.
    fn list_dir(&mut self, path: &str) -> io::Result<Vec<String>>;
}

/// Files by the standard library.
#[derive(Debug, Default, Clone, Copy)]
pub struct StdFiles;

impl Files for StdFiles {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn write(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        if let Some(parent) = std::path::Path::new(path).parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, content)
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        if std::fs::metadata(path)?.is_dir() {
            std::fs::remove_dir(path)
        } else {
            std::fs::remove_file(path)
        }
    }

    fn list_dir(&mut self, path: &str) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.sort();
        Ok(names)
    }
}

/// Standard input.
pub trait Input: Read {
    /// Reads what is there without waiting: `Ok(None)` when nothing is there yet, `Ok(Some(0))` at the end.
    ///
    /// The default waits, which is right for files and harmless for pipes that end by themselves.
    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        self.read(buffer).map(Some)
    }
}

impl Input for io::Empty {}
impl Input for io::Cursor<Vec<u8>> {}
impl Input for &[u8] {}
impl Input for io::Stdin {}

/// The terminal behind standard input and output.
pub trait Terminal {
    /// Columns and rows.
    fn size(&self) -> (u16, u16);
    /// Raw mode: keys arrive at once and unedited.
    fn set_raw(&mut self, raw: bool);
}

/// Other programs of the same machine: an editor, `diff`.
pub trait Programs {
    /// Runs a program with kubectl's own terminal and streams and waits for its end; its exit code.
    ///
    /// `program` without a slash is looked up in `PATH`; fails when there is no such program.
    fn run(&mut self, program: &str, args: &[String]) -> io::Result<i32>;
}

/// Programs by the standard library.
#[derive(Debug, Default, Clone, Copy)]
pub struct StdPrograms;

impl Programs for StdPrograms {
    fn run(&mut self, program: &str, args: &[String]) -> io::Result<i32> {
        let status = std::process::Command::new(program).args(args).status()?;
        Ok(status.code().unwrap_or(1))
    }
}

/// Everything kubectl may touch.
pub struct Io<'a> {
    /// One environment variable (`KUBECONFIG`, `HOME`).
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// Nanoseconds since the Unix epoch.
    pub now: &'a dyn Fn() -> u64,
    /// Waits; kubectl calls it only when it has nothing to do until then.
    pub sleep: &'a mut dyn FnMut(Duration),
    /// Manifests and the kubeconfig.
    pub files: &'a mut dyn Files,
    /// Editors and the like.
    pub programs: &'a mut dyn Programs,
    /// The way to the API server.
    pub connect: &'a mut dyn Connect,
    /// Standard input.
    pub stdin: &'a mut dyn Input,
    /// Standard output.
    pub stdout: &'a mut dyn Write,
    /// Standard error.
    pub stderr: &'a mut dyn Write,
    /// The terminal, when standard input is one.
    pub terminal: Option<&'a mut dyn Terminal>,
}

impl fmt::Debug for Io<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Io")
            .field("terminal", &self.terminal.is_some())
            .finish_non_exhaustive()
    }
}
