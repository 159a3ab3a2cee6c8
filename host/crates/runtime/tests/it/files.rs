//! Claims about files as programs see them.

use crate::world::World;
use runtime::{Exit, Fs};

#[test]
fn the_standard_library_finds_a_file_system() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let container = world.container(host, |spec| {
        let volume = Fs::empty(0);
        volume.write_file("/shared", b"1", 0o644).expect("room");
        spec.fs
            .mount("/data", &volume, true)
            .expect("a new directory");
    });
    let mut files = world.start(container, &["files"]);
    world.settle(&mut [&mut files]);
    files.check(Exit::Code(0), "out\nfiles: ok\n");
    let fs = world.runtime.fs(container).expect("it is still there");
    assert_eq!(fs.read_file("/tmp/to"), Ok(b"new".to_vec()));
}

#[test]
fn a_container_fills_only_its_own_disk() {
    // A stream's failure is an I/O error to wasi-libc, whatever the cause.
    World::once(&["full"]).check(Exit::Code(0), "256 MiB, then I/O error (os error 29)\n");
}
