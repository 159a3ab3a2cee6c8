//! Children, signals and the terminal.

use guest_kit::process::{Command, Exit, Pipe, SpawnError, Stdio, processes};
use guest_kit::{signals, terminal as tty};
use std::io::{Read, Write};
use std::time::Duration;

fn me() -> Command {
    Command::new("/bin/programs")
}

pub fn family() {
    // A pipeline of two, its end read by their parent.
    let (first, second) = (Pipe::new(), Pipe::new());
    let mut hello = me().arg("hello").arg("pipe");
    hello.stdout = Stdio::Stream(first.writer());
    let mut cat = me().arg("cat");
    cat.stdin = Stdio::Stream(first.reader());
    cat.stdout = Stdio::Stream(second.writer());
    let mut output = second.reader();
    let (hello, cat) = (hello.spawn().unwrap(), cat.spawn().unwrap());
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello pipe\n");
    assert_eq!((hello.wait(), cat.wait()), (Exit::Code(0), Exit::Code(0)));
    assert_eq!(
        me().arg("exit").arg("42").spawn().unwrap().wait(),
        Exit::Code(42)
    );
    let mut panic = me().arg("panic");
    panic.stderr = Stdio::Null;
    assert_eq!(panic.spawn().unwrap().wait(), Exit::Signal(6));

    let sleeper = me().arg("sleep").arg("1000000").spawn().unwrap();
    assert_eq!(sleeper.try_wait(), None);
    assert_eq!(processes().len(), 2);
    sleeper.kill(15);
    assert_eq!(sleeper.wait(), Exit::Signal(15));
    assert_eq!(sleeper.wait(), Exit::Signal(15));

    // In a bounded time: neither the child nor the timeout waits for the other.
    let mut sleeper = me().arg("sleep").arg("100");
    sleeper.stdout = Stdio::Null;
    let sleeper = sleeper.spawn().unwrap();
    assert!(guest_kit::poll(&[&sleeper], Some(Duration::from_millis(50))).is_empty());
    assert_eq!(
        guest_kit::poll(&[&sleeper], Some(Duration::from_millis(100))),
        [0]
    );

    assert_eq!(
        Command::new("/none").spawn().unwrap_err(),
        SpawnError::NotFound
    );
    assert_eq!(
        Command::new("/etc/motd").spawn().unwrap_err(),
        SpawnError::NotExecutable
    );
    let mut by_name = Command::new("hi");
    by_name.env = vec![("PATH".into(), "/nowhere:/usr/local/bin".into())];
    by_name.argv = vec!["hi".into(), "there".into()];
    assert_eq!(by_name.spawn().unwrap().wait(), Exit::Code(0));
    println!("family: ok");
}

pub fn spawn_many(count: usize) {
    for _ in 0..count {
        assert_eq!(me().arg("true").spawn().unwrap().wait(), Exit::Code(0));
    }
}

/// Leaves a child behind.
pub fn orphan() {
    me().arg("sleep").arg("1000").spawn().unwrap();
}

pub fn until_term() {
    signals::handle(&[15]);
    println!("ready");
    guest_kit::poll(&[&signals::source()], None);
    println!("got {:?}", signals::next());
}

pub fn terminal() {
    println!(
        "{:?} {}",
        tty::size().map(|size| (size.columns, size.rows)),
        {
            use std::io::IsTerminal;
            std::io::stdin().is_terminal()
        }
    );
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    println!("got {line:?}");
    tty::set_raw(true);
    let mut key = [0; 1];
    std::io::stdin().read_exact(&mut key).unwrap();
    tty::set_raw(false);
    print!("key {key:?}");
    std::io::stdout().flush().unwrap();
    std::thread::sleep(Duration::from_secs(3600));
}

/// Writes this much to standard output.
pub fn source(mib: usize) {
    let block = vec![7; 65536];
    for _ in 0..mib * 16 {
        std::io::stdout().write_all(&block).unwrap();
    }
}

/// Becomes another of these programs, after using some time.
pub fn become_program(words: &[&str]) {
    let mut next = me();
    next.argv
        .extend(words.iter().map(|word| (*word).to_owned()));
    println!("before {}", guest_kit::process::pid());
    panic!("{:?}", next.replace());
}

pub fn become_nothing() {
    assert_eq!(Command::new("/none").replace(), SpawnError::NotFound);
    assert_eq!(
        Command::new("/etc/motd").replace(),
        SpawnError::NotExecutable
    );
    println!("still here");
}

pub fn ignore_and_become() {
    signals::ignore(15);
    me().arg("sleep").arg("1000").replace();
}

pub fn handle_and_become() {
    signals::handle(&[15]);
    me().arg("sleep").arg("1000").replace();
}

/// What there is to know about the processes and the machine.
pub fn census() {
    let child = me().arg("sleep").arg("100").spawn().unwrap();
    guest_kit::sleep(Duration::from_millis(10));
    for one in processes() {
        let Some(name) = one.argv.get(1) else {
            continue;
        };
        assert!(one.memory > 65_536 && !one.terminal);
        assert!(one.cpu > Duration::ZERO || one.runnable);
        println!(
            "{} {} {name} {} {:?}",
            one.pid,
            one.ppid,
            one.runnable,
            one.started.as_millis()
        );
    }
    let stats = guest_kit::machine::stats();
    assert!(stats.memory_used > 131_072 && stats.memory_limit == 256 << 20);
    println!(
        "{} {} {:?}",
        stats.processes_max,
        stats.last_pid,
        stats.uptime.as_millis()
    );
    for mount in guest_kit::machine::mounts() {
        println!("{} {}", mount.path, mount.size);
    }
    child.kill(9);
    child.wait();
}
