//! Claims about processes, their children, signals and terminals.

use crate::world::World;
use clock::{Duration, Instant};
use runtime::{Exit, Input, Output, Read, Spawn, SpawnError, TerminalSize, signal, terminal};

#[test]
fn arguments_environment_and_directory_arrive() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let container = world.container(host, |_| {});
    let (output, writer) = runtime::pipe(4096);
    let mut spawn = Spawn::new(["/bin/programs", "args"]);
    spawn.env = vec![("A".into(), "1".into())];
    spawn.cwd = "/etc".into();
    spawn.stdout = Output::pipe(writer);
    world.runtime.spawn(container, spawn).expect("it is there");
    world.settle(&mut []);
    let expected = "[\"/bin/programs\", \"args\"]\n[(\"A\", \"1\")]\n\"/etc\"\n";
    assert_eq!(
        output.try_read(4096),
        Read::Data(expected.as_bytes().to_vec())
    );
    assert_eq!(output.try_read(4096), Read::End);
}

#[test]
fn a_process_ends_with_its_code_or_its_signal() {
    World::once(&["exit", "42"]).check(Exit::Code(42), "");
    assert_eq!(
        World::once(&["panic"]).exit,
        Some(Exit::Signal(signal::ABRT))
    );
}

#[test]
fn children_are_started_joined_and_killed() {
    World::once(&["family"]).check(
        Exit::Code(0),
        "/usr/local/bin/hi says hello there\nfamily: ok\n",
    );
}

#[test]
fn what_does_not_exist_does_not_start() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let container = world.container(host, |spec| spec.processes_max = 1);
    let spawn = |word: &str| world.runtime.spawn(container, Spawn::new([word]));
    assert_eq!(spawn("/bin/none"), Err(SpawnError::NotFound));
    assert_eq!(spawn("/etc/motd"), Err(SpawnError::NotExecutable));
    assert!(spawn("/bin/programs").is_ok());
    assert_eq!(spawn("/bin/programs"), Err(SpawnError::TooMany));
    world.settle(&mut []);
    let spawn = world
        .runtime
        .spawn(container, Spawn::new(["/bin/programs"]));
    assert_eq!(
        spawn,
        Err(SpawnError::NotRunning),
        "its main process has ended"
    );
}

#[test]
fn the_main_process_takes_the_others_with_it() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let container = world.container(host, |_| {});
    let mut main = world.start(container, &["sleep", "1000"]);
    let mut exec = world.start(container, &["sleep", "100000"]);
    world.settle(&mut [&mut main, &mut exec]);
    assert_eq!(main.exit, Some(Exit::Code(0)));
    assert_eq!(exec.exit, Some(Exit::Signal(signal::KILL)));
    assert!(world.now() < Instant::from_secs(2));
    assert_eq!(world.runtime.task_count(), 0);
}

#[test]
fn orphans_belong_to_the_main_process() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let container = world.container(host, |_| {});
    let mut main = world.start(container, &["sleep", "500"]);
    let mut exec = world.start(container, &["orphan"]);
    world.drive(&mut [&mut main, &mut exec], Instant::from_millis(100));
    assert_eq!(exec.exit, Some(Exit::Code(0)));
    let processes = world.runtime.processes(container);
    assert_eq!(
        processes
            .iter()
            .map(|p| (p.pid, p.parent))
            .collect::<Vec<_>>(),
        [(1, 0), (3, 1)]
    );
}

#[test]
fn the_main_process_ignores_what_it_does_not_handle_except_kill() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let mut deaf = world.run(host, &["sleep", "100000"]);
    let mut polite = world.run(host, &["until-term"]);
    world.drive(&mut [&mut deaf, &mut polite], Instant::from_millis(10));
    assert!(world.runtime.signal(deaf.id, signal::TERM));
    assert!(world.runtime.signal(polite.id, signal::TERM));
    world.drive(&mut [&mut deaf, &mut polite], Instant::from_millis(20));
    polite.check(Exit::Code(0), "ready\ngot Some(15)\n");
    assert_eq!(deaf.exit, None);
    world.runtime.signal(deaf.id, signal::KILL);
    world.settle(&mut [&mut deaf]);
    assert_eq!(deaf.exit, Some(Exit::Signal(signal::KILL)));
    assert!(!world.runtime.signal(deaf.id, signal::KILL), "it is gone");
}

#[test]
fn a_terminal_has_a_size_lines_raw_keys_and_an_interrupt() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let container = world.container(host, |_| {});
    let mut main = world.start(container, &["sleep", "100000"]);
    let (screen, tty) = terminal(TerminalSize {
        columns: 80,
        rows: 24,
    });
    let mut spawn = Spawn::new(["/bin/programs", "terminal"]);
    spawn.stdin = Input::terminal(&tty);
    spawn.stdout = Output::terminal(&tty);
    spawn.stderr = Output::terminal(&tty);
    drop(tty);
    let id = world.runtime.spawn(container, spawn).expect("it is there");
    let mut shown = String::new();
    for keys in ["", "hi\r", "\x03", "\x03"] {
        screen.try_write(keys.as_bytes());
        let until = world.now() + Duration::from_millis(50);
        world.drive(&mut [&mut main], until);
        while let Read::Data(data) = screen.try_read(4096) {
            shown += &String::from_utf8_lossy(&data);
        }
        shown.push('|');
    }
    assert_eq!(
        shown,
        "Some((80, 24)) true\r\n|hi\r\ngot \"hi\\n\"\r\n|key [3]|^C|"
    );
    assert_eq!(screen.try_read(1), Read::End);
    assert!(
        world
            .trace
            .iter()
            .any(|line| line.contains(&format!("{id:?} Signal(2)")))
    );
    assert_eq!(main.exit, None);
}

#[test]
fn a_process_becomes_another_program_and_stays_the_same_process() {
    World::once(&["become", "hello", "you"]).check(Exit::Code(0), "before 1\nhello you\n");
    World::once(&["become", "exit", "7"]).check(Exit::Code(7), "before 1\n");
    World::once(&["become", "become", "hello", "twice"])
        .check(Exit::Code(0), "before 1\nbefore 1\nhello twice\n");
    World::once(&["become-nothing"]).check(Exit::Code(0), "still here\n");
}

#[test]
fn what_a_process_ignored_it_ignores_as_another_program_and_what_it_handled_ends_it() {
    for (words, expected) in [
        ("ignore-and-become", Exit::Code(0)),
        ("handle-and-become", Exit::Signal(signal::TERM)),
    ] {
        let mut world = World::new(1);
        let host = world.machines(1)[0];
        let container = world.container(host, |_| {});
        // Process 1 would be spared.
        let mut main = world.start(container, &["sleep", "2000"]);
        let mut running = world.start(container, &[words]);
        let soon = world.now() + Duration::from_millis(100);
        world.drive(&mut [&mut main, &mut running], soon);
        world.runtime.signal(running.id, signal::TERM);
        world.settle(&mut [&mut main, &mut running]);
        assert_eq!(running.exit, Some(expected), "{words}");
    }
}

#[test]
fn processes_know_who_runs_since_when_and_at_what_cost() {
    let running = World::once(&["census"]);
    assert_eq!(running.exit, Some(Exit::Code(0)), "{}", running.said);
    let lines: Vec<&str> = running.said.lines().collect();
    assert_eq!(&lines[..2], ["1 0 census true 0", "2 1 sleep false 0"]);
    assert!(lines[2].starts_with("1000 2 1"), "{}", lines[2]);
    assert_eq!(lines[3], "/ 268435456");
}
