//! A bare network with a few machines, and the loop that drives it: the smallest world.

use clock::{Duration, Instant, Seed};
use parking_lot::Mutex;
use runtime::{
    ContainerId, ContainerSpec, Event, Exit, Fs, Image, NetAccess, Output, PipeReader, ProcessId,
    Ran, Read, Runtime, Spawn, pipe,
};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};
use vnet::{Capture, Cidr, Config, Dataplane, HostId, Ipv4Addr, Net};

/// 2026-01-01T00:00:00Z
pub(crate) const EPOCH: u64 = 1_767_225_600;

struct Bare {
    net: Net,
    now: Instant,
}

impl NetAccess for Bare {
    fn net(&mut self) -> &mut Net {
        &mut self.net
    }
    fn now(&self) -> Instant {
        self.now
    }
    fn advance_clock(&mut self, by: Duration) {
        self.now += by;
    }
}

/// The test programs, built once per run of the tests.
pub(crate) fn programs() -> &'static [u8] {
    static BYTES: OnceLock<Vec<u8>> = OnceLock::new();
    BYTES.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let target = here.join("../../../target/guests-test");
        let status = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"])
            .current_dir(here.join("tests/programs"))
            .env("CARGO_TARGET_DIR", &target)
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS")
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the test programs build");
        std::fs::read(target.join("wasm32-wasip2/release/programs.wasm")).expect("just built")
    })
}

/// The test programs as machine code, made once per run of the tests.
fn code() -> &'static [u8] {
    static CODE: OnceLock<Vec<u8>> = OnceLock::new();
    CODE.get_or_init(|| {
        let engine = engine::engine().expect("this processor is supported");
        engine
            .precompile_component(programs())
            .expect("a component")
    })
}

pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) image: Image,
    bare: Arc<Mutex<Bare>>,
    /// What a test may name to see that two worlds went the same way.
    pub(crate) trace: Vec<String>,
}

/// A process whose output is kept.
pub(crate) struct Running {
    pub(crate) id: ProcessId,
    output: PipeReader,
    pub(crate) said: String,
    pub(crate) exit: Option<Exit>,
    pub(crate) oom: bool,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let config = Config {
            seed: Seed::new(seed),
            pod_cidr: "10.244.0.0/16".parse::<Cidr>().expect("a range"),
            service_cidr: "10.96.0.0/12".parse().expect("a range"),
            dataplane: Dataplane::Overlay,
            capture: Capture::Headers,
        };
        let bare = Arc::new(Mutex::new(Bare {
            net: Net::new(config),
            now: Instant::ZERO,
        }));
        let runtime = Runtime::new(Seed::new(seed), bare.clone(), EPOCH).expect("an engine");
        let program = runtime
            .load_precompiled(code())
            .expect("made by this build");
        let fs = Fs::empty(EPOCH * 1_000_000_000);
        fs.put_program("/bin/programs", &program).expect("room");
        fs.write_file("/usr/local/bin/hi", b"#!/bin/programs script\n", 0o755)
            .expect("room");
        fs.write_file("/etc/motd", b"welcome\n", 0o644)
            .expect("room");
        fs.symlink("/etc/greeting", "motd").expect("room");
        fs.mkdir_all("/tmp").expect("room");
        fs.make_devices().expect("room");
        Self {
            runtime,
            image: fs.to_image(),
            bare,
            trace: Vec::new(),
        }
    }

    pub(crate) fn net<R>(&self, call: impl FnOnce(&mut Net, Instant) -> R) -> R {
        let mut bare = self.bare.lock();
        let now = bare.now;
        call(&mut bare.net, now)
    }

    pub(crate) fn now(&self) -> Instant {
        self.bare.lock().now
    }

    /// Machines on one LAN: 192.168.0.1, 192.168.0.2, …
    pub(crate) fn machines(&mut self, count: u8) -> Vec<HostId> {
        self.net(|net, _| {
            let lan = net.add_lan("lan", "192.168.0.0/24".parse().expect("a range"));
            let machine = |n| net.add_machine(&format!("m{n}"), lan, Ipv4Addr::new(192, 168, 0, n));
            (1..=count).map(machine).collect()
        })
    }

    pub(crate) fn container(
        &self,
        host: HostId,
        change: impl FnOnce(&mut ContainerSpec),
    ) -> ContainerId {
        let fs = Fs::new(&self.image, EPOCH * 1_000_000_000);
        let mut spec = ContainerSpec::new("test", host, fs);
        change(&mut spec);
        self.runtime.create_container(spec)
    }

    pub(crate) fn start(&self, container: ContainerId, words: &[&str]) -> Running {
        let (output, writer) = pipe(1 << 20);
        let argv = std::iter::once("/bin/programs").chain(words.iter().copied());
        let output_end = Output::pipe(writer);
        let spawn = Spawn {
            stderr: output_end.clone(),
            stdout: output_end,
            ..Spawn::new(argv)
        };
        let id = self
            .runtime
            .spawn(container, spawn)
            .expect("the program is there");
        Running {
            id,
            output,
            said: String::new(),
            exit: None,
            oom: false,
        }
    }

    /// A new container with one process.
    pub(crate) fn run(&self, host: HostId, words: &[&str]) -> Running {
        self.start(self.container(host, |_| {}), words)
    }

    /// Drives everything until nothing will happen any more, or `until`.
    pub(crate) fn drive(&mut self, processes: &mut [&mut Running], until: Instant) {
        loop {
            let ran = self.runtime.run(Some(until), 100_000);
            while let Some(Event::Exited { process, exit, oom }) = self.runtime.poll_event() {
                self.trace
                    .push(format!("{} {process:?} {exit:?} {oom}", self.now()));
                for running in processes.iter_mut().filter(|running| running.id == process) {
                    running.exit = Some(exit);
                    running.oom = oom;
                }
            }
            for running in processes.iter_mut() {
                running.read();
            }
            match ran {
                Ran::Busy => {}
                Ran::Due => return,
                Ran::Idle => match self.runtime.poll_at() {
                    Some(at) if at <= until => {
                        let mut bare = self.bare.lock();
                        bare.now = at.max(bare.now);
                        let now = bare.now;
                        bare.net.advance(now);
                    }
                    _ => return,
                },
            }
        }
    }

    /// Drives until these have ended, at most an hour of virtual time.
    pub(crate) fn settle(&mut self, processes: &mut [&mut Running]) {
        let until = self.now() + Duration::from_secs(3600);
        self.drive(processes, until);
    }

    /// Runs one program on a machine of its own to its end.
    pub(crate) fn once(words: &[&str]) -> Running {
        let mut world = Self::new(1);
        let host = world.machines(1)[0];
        let mut running = world.run(host, words);
        world.settle(&mut [&mut running]);
        running
    }
}

impl Running {
    fn read(&mut self) {
        while let Read::Data(data) = self.output.try_read(1 << 20) {
            self.said += &String::from_utf8_lossy(&data);
        }
    }

    #[track_caller]
    pub(crate) fn check(&self, exit: Exit, said: &str) {
        assert_eq!((self.exit, self.said.as_str()), (Some(exit), said));
    }
}
