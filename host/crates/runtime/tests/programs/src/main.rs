//! One component of many small programs; the first argument after its name says which.

mod files;
mod net;
mod processes;

use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let words: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    match words[..] {
        [] | ["true"] => {}
        ["script", path, name] => println!("{path} says hello {name}"),
        ["hello", name] => println!("hello {name}"),
        ["exit", code] => guest_kit::exit(code.parse().unwrap()),
        ["panic"] => panic!("as asked"),
        ["args"] => args_and_env(),
        ["cat"] => cat(),
        ["sleep", millis] => sleep(millis.parse().unwrap()),
        ["spin"] => spin(),
        ["until", millis] => until(millis.parse().unwrap()),
        ["measure"] => measure(),
        ["clock"] => println!("{:?}", SystemTime::UNIX_EPOCH.elapsed().unwrap()),
        ["random"] => random(),
        ["eat", mib] => eat(mib.parse().unwrap()),
        ["files"] => files::all(),
        ["full"] => files::fill(),
        ["serve", port, count] => net::serve(port, count.parse().unwrap()),
        ["ask", addr, text] => net::ask(addr, text),
        ["udp-serve", port] => net::udp_serve(port),
        ["udp-ask", addr] => net::udp_ask(addr),
        ["resolve", name] => net::resolve(name),
        ["sink", port] => net::sink(port),
        ["source", addr, mib] => net::source(addr, mib.parse().unwrap()),
        ["source-pipe", mib] => processes::source(mib.parse().unwrap()),
        ["family"] => processes::family(),
        ["spawn-many", count] => processes::spawn_many(count.parse().unwrap()),
        ["orphan"] => processes::orphan(),
        ["until-term"] => processes::until_term(),
        ["terminal"] => processes::terminal(),
        ["become", ref rest @ ..] => processes::become_program(rest),
        ["become-nothing"] => processes::become_nothing(),
        ["ignore-and-become"] => processes::ignore_and_become(),
        ["handle-and-become"] => processes::handle_and_become(),
        ["census"] => processes::census(),
        ["ping", addr] => net::ping(addr),
        ["trace", addr] => net::trace(addr),
        ["listen", link, count] => net::listen(link, count.parse().unwrap()),
        ["network"] => net::network(),
        _ => panic!("no such program: {words:?}"),
    }
}

fn args_and_env() {
    guest_kit::init();
    println!("{:?}", std::env::args().collect::<Vec<_>>());
    println!("{:?}", std::env::vars().collect::<Vec<_>>());
    println!("{:?}", std::env::current_dir().unwrap());
}

fn cat() {
    let mut buffer = vec![0; 65536];
    loop {
        let count = std::io::stdin().read(&mut buffer).unwrap();
        if count == 0 {
            return;
        }
        std::io::stdout().write_all(&buffer[..count]).unwrap();
        std::io::stdout().flush().unwrap();
    }
}

fn sleep(millis: u64) {
    let begin = Instant::now();
    std::thread::sleep(Duration::from_millis(millis));
    println!("slept {} ms", begin.elapsed().as_millis());
}

fn spin() {
    let mut number = 0_u64;
    loop {
        number = std::hint::black_box(number + 1);
    }
}

fn until(millis: u64) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_millis(millis) {}
    println!("spun {} ms", begin.elapsed().as_millis());
}

/// How many nanoseconds a piece of work took, as the program itself sees it.
fn measure() {
    let begin = Instant::now();
    let mut number = 0_u64;
    for _ in 0..1_000 {
        number = std::hint::black_box(number + 1);
    }
    println!("{}", begin.elapsed().as_nanos());
}

fn random() {
    let map: std::collections::HashMap<u32, u32> = (0..8).map(|n| (n, n)).collect();
    println!("{:?}", map.keys().collect::<Vec<_>>());
}

fn eat(mib: usize) {
    let mut eaten = Vec::new();
    for _ in 0..mib {
        eaten.push(std::hint::black_box(vec![1_u8; 1 << 20]));
    }
    println!("ate {} MiB", eaten.len());
}
