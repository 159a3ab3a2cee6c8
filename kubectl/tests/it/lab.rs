//! A scripted API server and a small world around it, in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use kubectl::{Connect, Files, Io, Programs, Stream, Tls};
use serde_json::Value;

/// What one run of kubectl left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Method and URL of every request, with its body.
    pub(crate) requests: Vec<(String, String)>,
}

/// The scripted server; answers are found by `METHOD URL`, then by `METHOD path`.
pub(crate) struct Lab {
    script: Rc<RefCell<Script>>,
    files: Rc<RefCell<BTreeMap<String, String>>>,
    programs: BTreeMap<String, Program>,
    env: BTreeMap<String, String>,
    now: i64,
    stdin: Vec<u8>,
    refusing: bool,
}

#[derive(Default)]
struct Script {
    answers: BTreeMap<String, Vec<Vec<u8>>>,
    requests: Vec<(String, String)>,
}

impl Lab {
    /// A server of a real cluster, as far as discovery goes.
    pub(crate) fn new() -> Self {
        let mut lab = Self::empty();
        lab.answer("GET /api", 200, fixture!("discovery-api.json"));
        lab.answer("GET /apis", 200, fixture!("discovery-apis.json"));
        lab
    }

    /// A server that has nothing, and the kubeconfig for it.
    pub(crate) fn empty() -> Self {
        let mut lab = Self {
            script: Rc::default(),
            files: Rc::default(),
            programs: BTreeMap::new(),
            env: BTreeMap::from([("KUBECONFIG".to_owned(), "config".to_owned())]),
            now: 1_795_238_655,
            stdin: Vec::new(),
            refusing: false,
        };
        lab.file(
            "config",
            "apiVersion: v1\nkind: Config\nclusters:\n- name: lab\n  cluster:\n    server: http://lab:8001\ncontexts:\n- name: lab\n  context:\n    cluster: lab\n    user: me\ncurrent-context: lab\n",
        );
        lab
    }

    pub(crate) fn file(&mut self, path: &str, content: &str) {
        let mut files = self.files.borrow_mut();
        files.insert(path.to_owned(), content.to_owned());
    }

    /// The content of a file that kubectl may have changed.
    pub(crate) fn content(&self, path: &str) -> String {
        let files = self.files.borrow();
        files.get(path).cloned().unwrap_or_default()
    }

    /// A variable of kubectl's environment.
    pub(crate) fn env(&mut self, name: &str, value: &str) {
        self.env.insert(name.to_owned(), value.to_owned());
    }

    /// A program that kubectl may run: it gets its arguments and the files; its exit code.
    pub(crate) fn program(
        &mut self,
        name: &str,
        run: impl FnMut(&[String], &mut BTreeMap<String, String>) -> i32 + 'static,
    ) {
        self.programs
            .insert(name.to_owned(), Rc::new(RefCell::new(run)));
    }

    pub(crate) fn stdin(&mut self, content: &str) {
        self.stdin = content.as_bytes().to_vec();
    }

    /// Seconds since the epoch.
    pub(crate) fn now(&mut self, now: i64) {
        self.now = now;
    }

    /// Nobody listens at the server's address.
    pub(crate) fn refuse(&mut self) {
        self.refusing = true;
    }

    /// Answers to the same request come in the order they were given; the last one stays.
    pub(crate) fn answer(&mut self, request: &str, status: u16, body: &str) {
        self.answer_with(request, status, "", body);
    }

    pub(crate) fn answer_with(&mut self, request: &str, status: u16, header: &str, body: &str) {
        let head = format!(
            "HTTP/1.1 {status} Said\r\nContent-Type: application/json\r\n{header}Content-Length: {}\r\n\r\n",
            body.len()
        );
        self.raw(request, [head.as_bytes(), body.as_bytes()].concat());
    }

    pub(crate) fn raw(&mut self, request: &str, response: Vec<u8>) {
        self.script
            .borrow_mut()
            .answers
            .entry(request.to_owned())
            .or_default()
            .push(response);
    }

    pub(crate) fn run(&self, line: &[&str]) -> Ran {
        let args: Vec<String> = line.iter().map(|word| (*word).to_owned()).collect();
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let clock = RefCell::new(u64::try_from(self.now).expect("after 1970") * 1_000_000_000);
        let mut stdin = io::Cursor::new(self.stdin.clone());
        let mut files = Memory(Rc::clone(&self.files));
        let mut programs = Machine {
            programs: &self.programs,
            files: &self.files,
        };
        let mut connect = Wire {
            script: Rc::clone(&self.script),
            refusing: self.refusing,
        };
        let mut io = Io {
            env: &|name| self.env.get(name).cloned(),
            now: &|| *clock.borrow(),
            sleep: &mut |time: Duration| {
                *clock.borrow_mut() += u64::try_from(time.as_nanos()).expect("short")
            },
            files: &mut files,
            programs: &mut programs,
            connect: &mut connect,
            stdin: &mut stdin,
            stdout: &mut stdout,
            stderr: &mut stderr,
            terminal: None,
        };
        let code = kubectl::run(&args, &mut io);
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        let requests = std::mem::take(&mut self.script.borrow_mut().requests);
        Ran {
            code,
            stdout: text(stdout),
            stderr: text(stderr),
            requests,
        }
    }
}

impl Ran {
    /// The body of the first request that begins with this method and URL.
    pub(crate) fn sent(&self, request: &str) -> Value {
        let found = self
            .requests
            .iter()
            .find(|(line, _)| line.starts_with(request));
        let (_, body) = found.unwrap_or_else(|| panic!("no {request} in {:#?}", self.requests));
        serde_json::from_str(body).expect("JSON")
    }
}

type Program = Rc<RefCell<dyn FnMut(&[String], &mut BTreeMap<String, String>) -> i32>>;

struct Machine<'a> {
    programs: &'a BTreeMap<String, Program>,
    files: &'a RefCell<BTreeMap<String, String>>,
}

impl Programs for Machine<'_> {
    fn run(&mut self, program: &str, args: &[String]) -> io::Result<i32> {
        let found = self.programs.get(program).ok_or(io::ErrorKind::NotFound)?;
        Ok((found.borrow_mut())(args, &mut self.files.borrow_mut()))
    }
}

struct Memory(Rc<RefCell<BTreeMap<String, String>>>);

impl Files for Memory {
    fn read(&mut self, path: &str) -> io::Result<Vec<u8>> {
        self.0
            .borrow()
            .get(path)
            .map(|text| text.clone().into_bytes())
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().insert(
            path.to_owned(),
            String::from_utf8_lossy(content).into_owned(),
        );
        Ok(())
    }

    fn remove(&mut self, path: &str) -> io::Result<()> {
        self.0.borrow_mut().remove(path);
        Ok(())
    }

    fn list_dir(&mut self, path: &str) -> io::Result<Vec<String>> {
        let prefix = format!("{}/", path.trim_end_matches('/'));
        let names: Vec<String> = self
            .0
            .borrow()
            .keys()
            .filter_map(|key| key.strip_prefix(&prefix))
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            Err(io::ErrorKind::NotADirectory.into())
        } else {
            Ok(names)
        }
    }
}

struct Wire {
    script: Rc<RefCell<Script>>,
    refusing: bool,
}

impl Connect for Wire {
    fn connect(&mut self, _: &str, _: u16, _: Option<&Tls>) -> io::Result<Box<dyn Stream>> {
        if self.refusing {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Ok(Box::new(Talk {
            script: Rc::clone(&self.script),
            heard: Vec::new(),
            saying: io::Cursor::default(),
            blocking: true,
        }))
    }
}

struct Talk {
    script: Rc<RefCell<Script>>,
    heard: Vec<u8>,
    saying: io::Cursor<Vec<u8>>,
    blocking: bool,
}

impl Talk {
    /// Answers once a whole request has been heard.
    fn think(&mut self) {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(start)) = request.parse(&self.heard) else {
            return;
        };
        let length = request
            .headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case("content-length"))
            .map_or(0, |header| {
                String::from_utf8_lossy(header.value)
                    .parse()
                    .expect("a number")
            });
        if self.heard.len() < start + length {
            return;
        }
        let line = format!(
            "{} {}",
            request.method.expect("parsed"),
            request.path.expect("parsed")
        );
        let body = String::from_utf8_lossy(&self.heard[start..start + length]).into_owned();
        let mut script = self.script.borrow_mut();
        script.requests.push((line.clone(), body));
        let path = line.split('?').next().expect("always one").to_owned();
        let found = if script.answers.contains_key(&line) {
            line
        } else {
            path
        };
        let answer = match script.answers.get_mut(&found) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
            None => missing(&found),
        };
        self.heard.clear();
        self.saying = io::Cursor::new(answer);
    }
}

fn missing(request: &str) -> Vec<u8> {
    let path = request.split(['?', ' ']).nth(1).expect("a path");
    let parts: Vec<&str> = path.split('/').collect();
    let (name, mut plural) = (parts[parts.len() - 1], parts[parts.len() - 2].to_owned());
    if path.starts_with("/apis/") {
        plural = format!("{plural}.{}", parts[2]);
    }
    let body = format!(
        "{{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"NotFound\",\"message\":\"{plural} \\\"{name}\\\" not found\",\"code\":404}}"
    );
    format!(
        "HTTP/1.1 404 Not Found\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

impl Read for Talk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.saying.read(buffer)?;
        // A server that has nothing to say is waited for only by those who do not want to wait.
        if count == 0 && !self.blocking {
            Err(io::ErrorKind::WouldBlock.into())
        } else {
            Ok(count)
        }
    }
}

impl Write for Talk {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.heard.extend_from_slice(buffer);
        self.think();
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Talk {
    fn set_nonblocking(&mut self, on: bool) -> io::Result<()> {
        self.blocking = !on;
        Ok(())
    }
}
