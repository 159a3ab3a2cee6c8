//! What runs: the machines of Pods and the containers on them, started and ended as kubelets
//! order, with their logs and the ways into them.
//!
//! Never decides when something starts or ends.

use super::attach::{Keyboard, Streams};
use super::images::{Image, Images};
use super::log::{Log, LogOptions, LogReader};
use clock::Instant;
use cluster::kubelet::{FilesUpdate, LastWords, Links, Mount, PodRef, Report, StartContainer};
use runtime::{
    ContainerId, ContainerSpec, Exit, Fs, Handle, Input, Output, PipeReader, ProcessId, Spawn,
    SpawnError, TerminalSize, pipe, terminal,
};
use std::collections::BTreeMap;
use std::pin::Pin;
use vnet::HostId;

/// Bytes that may wait in a container's standard stream.
pub(super) const PIPE: usize = 64 * 1024;
/// Containers of one Pod whose earlier log is kept.
const EARLIER_LOGS: usize = 1;

/// Every Pod's machine and what runs on it.
#[derive(Debug, Default)]
pub(crate) struct Containers {
    pods: BTreeMap<String, PodMachine>,
    /// Pods whose machine is gone while their objects, and so their logs, remain.
    over: BTreeMap<String, PodMachine>,
    by_id: BTreeMap<ContainerId, (PodRef, String, u32)>,
    /// What volumes that outlive their Pods hold, by key.
    lasting: BTreeMap<String, Fs>,
}

#[derive(Debug)]
struct PodMachine {
    pod: PodRef,
    host: HostId,
    hostname: String,
    resolv_conf: String,
    hosts: String,
    volumes: BTreeMap<String, Fs>,
    containers: BTreeMap<String, Running>,
    earlier: BTreeMap<String, Vec<Log>>,
}

/// One run of a container.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) id: ContainerId,
    pub(crate) attempt: u32,
    pub(crate) main: ProcessId,
    pub(crate) env: Vec<(String, String)>,
    /// The variables of Services.
    pub(super) links: Links,
    pub(crate) working_dir: String,
    pub(crate) log: Log,
    pub(crate) streams: Streams,
    pub(crate) ended: bool,
    /// Its files, and where its last words would be.
    fs: Fs,
    termination_path: String,
    /// The kubelet's own volumes, by the path they are mounted at.
    followed: BTreeMap<String, Fs>,
}

/// The two ends of a process started for somebody outside.
#[derive(Debug)]
pub(crate) struct Conversation {
    pub(crate) process: ProcessId,
    pub(crate) ends: Ends,
    pub(crate) exit: ExitFuture,
}

/// The end of a process, to be waited for.
pub(crate) struct ExitFuture(Pin<Box<dyn Future<Output = Option<Exit>>>>);

impl std::fmt::Debug for ExitFuture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExitFuture")
    }
}

impl ExitFuture {
    /// How the process ended; one that is gone without a trace counts as killed.
    pub(crate) async fn status(self) -> u8 {
        self.0.await.map_or(137, Exit::status)
    }
}

/// What the somebody holds.
#[derive(Debug)]
pub(crate) enum Ends {
    /// Three pipes.
    Pipes {
        stdin: Option<runtime::PipeWriter>,
        stdout: PipeReader,
        stderr: PipeReader,
    },
    /// A terminal.
    Terminal(Terminal),
    /// The streams of a container's first process, which belong to others too.
    Attached {
        keyboard: Option<Keyboard>,
        streams: Streams,
        stdout: PipeReader,
        stderr: PipeReader,
    },
}

/// A terminal as the somebody at its keyboard holds it.
pub(crate) type Terminal = runtime::Terminal;

impl Containers {
    /// A Pod has a machine.
    pub(crate) fn pod_up(
        &mut self,
        pod: &PodRef,
        host: HostId,
        hostname: String,
        resolv_conf: String,
        hosts: String,
    ) {
        let machine = PodMachine {
            pod: pod.clone(),
            host,
            hostname,
            resolv_conf,
            hosts,
            volumes: BTreeMap::new(),
            containers: BTreeMap::new(),
            earlier: BTreeMap::new(),
        };
        self.pods.insert(pod.uid.clone(), machine);
    }

    /// A Pod's machine is gone, and with it whatever ran on it. Its logs stay as long as its
    /// object does, as a kubelet keeps them; `exists` knows which objects do.
    pub(crate) fn pod_down(
        &mut self,
        runtime: &Handle,
        pod: &PodRef,
        exists: impl Fn(&PodRef) -> bool,
    ) {
        self.over.retain(|_, machine| exists(&machine.pod));
        let Some(mut machine) = self.pods.remove(&pod.uid) else {
            return;
        };
        for running in machine.containers.values_mut() {
            self.by_id.remove(&running.id);
            runtime.remove_container(running.id);
            running.ended = true;
            running.log.close();
        }
        self.over.insert(pod.uid.clone(), machine);
    }

    /// Starts a container.
    pub(crate) fn start(
        &mut self,
        runtime: &Handle,
        images: &Images,
        unix_nanos: u64,
        order: StartContainer,
    ) -> Report {
        let (pod, container, attempt) = (order.pod.clone(), order.container.clone(), order.attempt);
        match self.try_start(runtime, images, unix_nanos, order) {
            Ok(()) => Report::Started {
                pod,
                container,
                attempt,
            },
            Err(message) => Report::StartFailed {
                pod,
                container,
                attempt,
                reason: "RunContainerError".into(),
                message,
            },
        }
    }

    fn try_start(
        &mut self,
        runtime: &Handle,
        images: &Images,
        unix_nanos: u64,
        order: StartContainer,
    ) -> Result<(), String> {
        let image = images
            .find(&order.image)
            .ok_or_else(|| format!("image {:?} is not here", order.image))?;
        let machine = self
            .pods
            .get_mut(&order.pod.uid)
            .ok_or("the pod has no sandbox")?;
        let argv = argv(&image, &order);
        let (spec, followed) = spec(machine, &mut self.lasting, &image, unix_nanos, &order)?;
        let fs = spec.fs.clone();
        let env = environment(&image, machine, &order);
        let id = runtime.create_container(spec);
        let working_dir = order
            .working_dir
            .clone()
            .unwrap_or_else(|| image.working_dir.clone());
        let mut spawn = Spawn {
            env: env.clone(),
            shared_env: Links::clone(&order.env.services),
            cwd: working_dir.clone(),
            ..Spawn::new(argv.clone())
        };
        let log = Log::default();
        let streams = Streams::connect(runtime, &mut spawn, &log, &order);
        let main = match runtime.spawn(id, spawn) {
            Ok(main) => main,
            Err(cause) => {
                runtime.remove_container(id);
                return Err(oci_error(&argv[0], cause));
            }
        };
        let running = Running {
            id,
            attempt: order.attempt,
            main,
            env,
            links: order.env.services,
            working_dir,
            log,
            streams,
            ended: false,
            fs,
            termination_path: order.termination_path,
            followed,
        };
        self.by_id
            .insert(id, (order.pod, order.container.clone(), order.attempt));
        if let Some(before) = machine.containers.insert(order.container.clone(), running) {
            self.by_id.remove(&before.id);
            runtime.remove_container(before.id);
            let earlier = machine.earlier.entry(order.container).or_default();
            earlier.push(before.log);
            let excess = earlier.len().saturating_sub(EARLIER_LOGS);
            earlier.drain(..excess);
        }
        Ok(())
    }

    /// Replaces the files of a volume that follows its object, if that start still runs.
    ///
    /// # Errors
    /// When there is no room for them.
    pub(crate) fn update(&self, update: &FilesUpdate) -> Result<(), runtime::FileError> {
        let running = self.find(&update.pod.uid, &update.container);
        let volume = running
            .filter(|running| running.attempt == update.attempt)
            .and_then(|running| running.followed.get(&update.path));
        let Some(volume) = volume else { return Ok(()) };
        let files = update.files.iter();
        volume.replace_all(files.map(|(path, file)| (path.as_str(), &file.bytes[..], file.mode)))
    }

    /// Bounds a container anew, if that start still runs.
    pub(crate) fn limit(
        &self,
        runtime: &Handle,
        (pod, container, attempt): (&PodRef, &str, u32),
        memory: Option<u64>,
        cpu_millis: Option<u64>,
    ) {
        let running = self.find(&pod.uid, container);
        if let Some(running) = running.filter(|running| running.attempt == attempt) {
            runtime.set_limits(running.id, memory, cpu_millis);
        }
    }

    /// Forgets what a volume held that outlived its Pods.
    pub(crate) fn drop_volume(&mut self, key: &str) {
        self.lasting.remove(key);
    }

    /// Sends a signal to a container's first process, if that start of it still runs.
    pub(crate) fn signal(
        &self,
        runtime: &Handle,
        pod: &PodRef,
        container: &str,
        attempt: u32,
        signal: u8,
    ) {
        if let Some(running) = self
            .find(&pod.uid, container)
            .filter(|running| running.attempt == attempt)
        {
            runtime.signal(running.main, signal);
        }
    }

    /// A container's first process ended; what the kubelet is told, if it was one of a Pod's.
    pub(crate) fn ended(&mut self, process: ProcessId, code: i32, oom: bool) -> Option<Report> {
        let (pod, container, attempt) = self.by_id.get(&process.container)?.clone();
        let running = self
            .pods
            .get_mut(&pod.uid)?
            .containers
            .get_mut(&container)?;
        if running.main != process {
            return None;
        }
        running.ended = true;
        running.log.close();
        let said = running.last_words();
        Some(Report::Exited {
            pod,
            container,
            attempt,
            code,
            oom,
            said,
        })
    }

    /// The machine of the Pod with this uid.
    pub(crate) fn host(&self, uid: &str) -> Option<HostId> {
        Some(self.pods.get(uid)?.host)
    }

    /// A container of the Pod with this uid, while it runs.
    pub(crate) fn find(&self, uid: &str, container: &str) -> Option<&Running> {
        let running = self.pods.get(uid)?.containers.get(container)?;
        (!running.ended).then_some(running)
    }

    /// Any running container of the Pod: the named one, or the first.
    pub(crate) fn any(&self, uid: &str, container: Option<&str>) -> Option<&Running> {
        match container {
            Some(name) => self.find(uid, name),
            None => self
                .pods
                .get(uid)?
                .containers
                .values()
                .find(|running| !running.ended),
        }
    }

    /// The log of a container, or of its run before the last restart.
    pub(crate) fn log(
        &self,
        uid: &str,
        container: &str,
        previous: bool,
        now: Instant,
        options: LogOptions,
    ) -> Option<LogReader> {
        let machine = self.pods.get(uid).or_else(|| self.over.get(uid))?;
        let log = if previous {
            machine.earlier.get(container)?.last()?
        } else {
            &machine.containers.get(container)?.log
        };
        Some(log.reader(now, options))
    }
}

/// How much of the end of a log a kubelet may look at.
const LAST_WORDS: usize = 4_096;

impl Running {
    /// What it left behind.
    fn last_words(&self) -> LastWords {
        LastWords {
            file: self
                .fs
                .read_file(&self.termination_path)
                .unwrap_or_default(),
            log: self.log.tail(LAST_WORDS),
        }
    }

    /// Starts a further process in this container.
    pub(crate) fn exec(
        &self,
        runtime: &Handle,
        argv: Vec<String>,
        stdin: bool,
        tty: Option<TerminalSize>,
    ) -> Result<Conversation, SpawnError> {
        let mut env = self.env.clone();
        if tty.is_some() {
            env.push(("TERM".into(), "xterm".into()));
        }
        converse(
            runtime,
            self.id,
            Spawn {
                env,
                shared_env: Links::clone(&self.links),
                cwd: self.working_dir.clone(),
                ..Spawn::new(argv)
            },
            stdin,
            tty,
        )
    }
}

/// Starts a process whose standard streams somebody outside holds.
pub(crate) fn converse(
    runtime: &Handle,
    container: ContainerId,
    mut spawn: Spawn,
    stdin: bool,
    tty: Option<TerminalSize>,
) -> Result<Conversation, SpawnError> {
    if let Some(size) = tty {
        let (outside, inside) = terminal(size);
        spawn.stdin = Input::terminal(&inside);
        spawn.stdout = Output::terminal(&inside);
        spawn.stderr = Output::terminal(&inside);
        let process = runtime.spawn(container, spawn)?;
        let exit = ExitFuture(Box::pin(runtime.wait(process)));
        return Ok(Conversation {
            process,
            ends: Ends::Terminal(outside),
            exit,
        });
    }
    let mut writer = None;
    if stdin {
        let (reader, end) = pipe(PIPE);
        spawn.stdin = Input::pipe(reader);
        writer = Some(end);
    }
    let (stdout, from_stdout) = output();
    let (stderr, from_stderr) = output();
    (spawn.stdout, spawn.stderr) = (stdout, stderr);
    let process = runtime.spawn(container, spawn)?;
    let exit = ExitFuture(Box::pin(runtime.wait(process)));
    Ok(Conversation {
        process,
        ends: Ends::Pipes {
            stdin: writer,
            stdout: from_stdout,
            stderr: from_stderr,
        },
        exit,
    })
}

fn output() -> (Output, PipeReader) {
    let (reader, writer) = pipe(PIPE);
    (Output::pipe(writer), reader)
}

fn argv(image: &Image, order: &StartContainer) -> Vec<String> {
    // As the container runtime combines them: a command replaces both of the image's.
    let mut argv = order
        .command
        .clone()
        .unwrap_or_else(|| image.entrypoint.clone());
    match &order.args {
        Some(args) => argv.extend(args.iter().cloned()),
        None if order.command.is_none() => argv.extend(image.cmd.iter().cloned()),
        None => {}
    }
    argv
}

fn environment(
    image: &Image,
    machine: &PodMachine,
    order: &StartContainer,
) -> Vec<(String, String)> {
    let mut env = image.env.clone();
    env.push(("HOSTNAME".into(), machine.hostname.clone()));
    for (name, value) in &order.env.own {
        env.retain(|(known, _)| known != name);
        env.push((name.clone(), value.clone()));
    }
    if !env.iter().any(|(name, _)| name == "HOME") {
        env.push(("HOME".into(), "/root".into()));
    }
    env
}

/// A container's files and bounds, and the volumes in it that follow their objects.
fn spec(
    machine: &mut PodMachine,
    lasting: &mut BTreeMap<String, Fs>,
    image: &Image,
    unix_nanos: u64,
    order: &StartContainer,
) -> Result<(ContainerSpec, BTreeMap<String, Fs>), String> {
    let fs = Fs::new(&image.layer, unix_nanos);
    let lay = |cause: runtime::FileError| format!("cannot lay out the container's files: {cause}");
    fs.write_file("/etc/resolv.conf", machine.resolv_conf.as_bytes(), 0o644)
        .map_err(lay)?;
    fs.write_file("/etc/hosts", machine.hosts.as_bytes(), 0o644)
        .map_err(lay)?;
    fs.write_file(
        "/etc/hostname",
        format!("{}\n", machine.hostname).as_bytes(),
        0o644,
    )
    .map_err(lay)?;
    let mut followed = BTreeMap::new();
    for mount in &order.mounts {
        let volume = lay_mount(machine, lasting, &fs, unix_nanos, mount)
            .map_err(|cause| format!("cannot mount {}: {cause}", mount.path))?;
        followed.extend(volume.map(|volume| (mount.path.clone(), volume)));
    }
    if !order.termination_path.is_empty() && fs.kind(&order.termination_path).is_none() {
        fs.write_file(&order.termination_path, b"", 0o666)
            .map_err(lay)?;
    }
    if order.read_only_root {
        close_root(&fs, unix_nanos).map_err(lay)?;
    }
    let mut spec = ContainerSpec::new(
        &format!("{}/{}", order.pod.name, order.container),
        machine.host,
        fs,
    );
    spec.hostname.clone_from(&machine.hostname);
    if let Some(limit) = order.memory_limit {
        spec.memory_limit = limit;
    }
    spec.cpu_millis = order.cpu_limit_millis;
    Ok((spec, followed))
}

/// Lets nothing be written but into volumes and `/dev`, which is no part of an image.
fn close_root(fs: &Fs, unix_nanos: u64) -> Result<(), runtime::FileError> {
    let dev = Fs::empty(unix_nanos);
    dev.make_devices()?;
    dev.write_file("/dev/termination-log", b"", 0o666)?;
    fs.mount_dir("/dev", &dev, "dev", false)?;
    fs.make_read_only();
    Ok(())
}

/// Lays a volume over the container's files; containers of a Pod share what is `shared`, and
/// whoever has the same key shares what is lasting. What is neither is the kubelet's to update.
fn lay_mount(
    machine: &mut PodMachine,
    lasting: &mut BTreeMap<String, Fs>,
    fs: &Fs,
    unix_nanos: u64,
    mount: &Mount,
) -> Result<Option<Fs>, runtime::FileError> {
    if let Some(file) = mount.files.get("") {
        fs.write_file(&mount.path, &file.bytes, file.mode)?;
        return Ok(None);
    }
    let volume = if mount.shared {
        let (volumes, key) = match &mount.lasting {
            Some(key) => (lasting, key),
            None => (&mut machine.volumes, &mount.volume),
        };
        volumes
            .entry(key.clone())
            .or_insert_with(|| Fs::empty(unix_nanos))
            .clone()
    } else {
        Fs::empty(unix_nanos)
    };
    for (path, file) in &mount.files {
        volume.write_file(path, &file.bytes, file.mode)?;
    }
    fs.mount_dir(&mount.path, &volume, &mount.sub_path, mount.read_only)?;
    Ok((!mount.shared).then_some(volume))
}

/// The words of containerd and runc for a program that does not start.
fn oci_error(program: &str, cause: SpawnError) -> String {
    let why = match cause {
        SpawnError::NotFound if program.contains('/') => {
            format!("stat {program}: no such file or directory")
        }
        SpawnError::NotFound => "executable file not found in $PATH".to_owned(),
        other => other.to_string(),
    };
    format!(
        "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: {program:?}: {why}"
    )
}

impl Conversation {
    /// Types `text` and then the end of input; without text there was none to begin with.
    pub(crate) async fn type_in(&mut self, text: Option<String>) {
        let Some(text) = text else { return };
        self.ends.write(text.as_bytes()).await;
        if let Ends::Terminal(terminal) = &self.ends {
            terminal.try_write(&[END_OF_INPUT]);
        }
        self.ends.close_input();
    }
}

/// Ctrl-D.
const END_OF_INPUT: u8 = 4;

impl Ends {
    /// There is nothing more to type. A terminal has no such end: it has a key for it.
    pub(crate) fn close_input(&mut self) {
        match self {
            Self::Pipes { stdin, .. } => *stdin = None,
            Self::Terminal(_) => {}
            Self::Attached {
                keyboard, streams, ..
            } => {
                *keyboard = None;
                streams.input_ended();
            }
        }
    }

    /// Gives the process these bytes to read, waiting while its pipe is full.
    ///
    /// A terminal takes what is typed as fast as it comes and forgets what does not fit.
    pub(crate) async fn write(&self, data: &[u8]) {
        match self {
            Self::Pipes {
                stdin: Some(writer),
                ..
            } => {
                // Nobody reads any more: the process has ended or closed its input.
                let _ = writer.write_all(data).await;
            }
            Self::Pipes { stdin: None, .. } => {}
            Self::Terminal(terminal) => {
                terminal.try_write(data);
            }
            Self::Attached { keyboard, .. } => {
                if let Some(keyboard) = keyboard {
                    keyboard.write(data).await;
                }
            }
        }
    }
}
