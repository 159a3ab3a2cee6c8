//! How long a process takes and how much flows between two, in real time on this machine.
//!
//! Numbers to keep, not gates: `cargo bench -p runtime`.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    dead_code,
    unreachable_pub
)]

#[path = "../tests/it/world.rs"]
mod world;

use runtime::{Exit, Output, Spawn};
use std::time::Instant;
use world::World;

fn main() {
    spawns(10_000);
    containers(10_000);
    parked(1_000);
    tcp(256);
    pipe(256);
}

fn report(what: &str, count: u32, unit: &str, begin: Instant) {
    let each = begin.elapsed().as_secs_f64() * 1e6 / f64::from(count);
    println!("{what:<48} {each:>9.1} {unit}");
}

fn spawns(count: u32) {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let mut parent = world.run(host, &["spawn-many", &count.to_string()]);
    let begin = Instant::now();
    world.settle(&mut [&mut parent]);
    assert_eq!(parent.exit, Some(Exit::Code(0)));
    report("start and join a child, from a guest", count, "µs", begin);
    println!(
        "{:<48} {:>9.1} µs",
        "  of it virtual",
        world.now().as_micros() as f64 / f64::from(count)
    );
}

fn containers(count: u32) {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let begin = Instant::now();
    for _ in 0..count {
        let container = world.container(host, |_| {});
        world.runtime.remove_container(container);
    }
    report("make and remove a container", count, "µs", begin);
}

fn parked(count: u32) {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let begin = Instant::now();
    let mut sleepers: Vec<_> = (0..count)
        .map(|_| world.run(host, &["sleep", "1000000"]))
        .collect();
    let now = world.now();
    let mut borrowed: Vec<_> = sleepers.iter_mut().collect();
    world.drive(&mut borrowed, now + clock::Duration::from_secs(10));
    report("start a program that sleeps", count, "µs", begin);
    let begin = Instant::now();
    drop(world);
    report("take it down", count, "µs", begin);
}

fn tcp(mib: u32) {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let mut sink = world.run(hosts[0], &["sink", "9"]);
    let mut source = world.run(hosts[1], &["source", "192.168.0.1:9", &mib.to_string()]);
    let begin = Instant::now();
    world.settle(&mut [&mut sink, &mut source]);
    assert_eq!(sink.exit, Some(Exit::Code(0)));
    println!(
        "{:<48} {:>9.1} MiB/s",
        "guest to guest over TCP",
        f64::from(mib) / begin.elapsed().as_secs_f64()
    );
}

fn pipe(mib: u32) {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let container = world.container(host, |_| {});
    let (reader, writer) = runtime::pipe(runtime::PIPE_CAPACITY);
    let mut spawn = Spawn::new(["/bin/programs", "source-pipe", &mib.to_string()]);
    spawn.stdout = Output::pipe(writer);
    world
        .runtime
        .spawn(container, spawn)
        .expect("the program is there");
    world
        .runtime
        .spawn_native(async move { while reader.read(1 << 16).await.is_some() {} });
    let begin = Instant::now();
    world.settle(&mut []);
    assert_eq!(world.runtime.task_count(), 0);
    println!(
        "{:<48} {:>9.1} MiB/s",
        "guest to host through a pipe",
        f64::from(mib) / begin.elapsed().as_secs_f64()
    );
}
