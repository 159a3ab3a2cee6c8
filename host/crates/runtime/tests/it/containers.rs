//! Claims about bounds, and about what is left when all is over: nothing.

use crate::world::{World, programs};
use runtime::{Exit, LoadError, signal};

#[test]
fn a_container_without_memory_left_is_killed_and_says_why() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let container = world.container(host, |spec| spec.memory_limit = 16 << 20);
    let mut eater = world.start(container, &["eat", "64"]);
    let mut neighbour = world.run(host, &["eat", "64"]);
    world.settle(&mut [&mut eater, &mut neighbour]);
    assert_eq!(
        (eater.exit, eater.oom),
        (Some(Exit::Signal(signal::KILL)), true)
    );
    assert_eq!(eater.exit.map(Exit::status), Some(137));
    neighbour.check(Exit::Code(0), "ate 64 MiB\n");
    assert_eq!(world.runtime.memory_used(container), Some(0));
}

#[test]
fn a_removed_container_leaves_nothing_behind() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let container = world.container(hosts[0], |_| {});
    let mut server = world.start(container, &["serve", "80", "9"]);
    world.settle(&mut [&mut server]);
    world.runtime.remove_container(container);
    world.settle(&mut [&mut server]);
    assert_eq!(server.exit, Some(Exit::Signal(signal::KILL)));
    assert_eq!(world.runtime.task_count(), 0);
    assert!(world.runtime.fs(container).is_none());
    let mut client = world.run(hosts[1], &["ask", "192.168.0.1:80", "x"]);
    world.settle(&mut [&mut client]);
    client.check(Exit::Code(0), "ConnectionRefused\n");
}

#[test]
fn the_same_program_is_compiled_once_and_rubbish_is_named() {
    let world = World::new(1);
    let began = std::time::Instant::now();
    let first = world.runtime.compile(programs()).expect("a component");
    let compiling = began.elapsed();
    let began = std::time::Instant::now();
    let second = world.runtime.compile(programs()).expect("a component");
    assert!(began.elapsed() < compiling / 10);
    assert_eq!(format!("{first:?}"), format!("{second:?}"));
    assert!(matches!(
        world.runtime.compile(b"MZ rubbish"),
        Err(LoadError::NotWasm)
    ));
    let module = b"\0asm\x01\0\0\0";
    assert!(matches!(
        world.runtime.compile(module),
        Err(LoadError::Module)
    ));
    let torn = &programs()[..1000];
    assert!(matches!(
        world.runtime.compile(torn),
        Err(LoadError::Broken(_))
    ));
}
