//! Claims about virtual time and fairness.

use crate::world::{EPOCH, World};
use clock::{Duration, Instant};
use runtime::{Exit, signal};

#[test]
fn sleeping_costs_virtual_time_and_no_real_time() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let began = std::time::Instant::now();
    let mut sleeper = world.run(host, &["sleep", "1000000"]);
    world.settle(&mut [&mut sleeper]);
    sleeper.check(Exit::Code(0), "slept 1000000 ms\n");
    assert!(world.now() >= Instant::from_secs(1000));
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "a jump, not a wait"
    );
}

#[test]
fn a_program_that_spins_neither_stops_the_others_nor_escapes_its_limit() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let bounded = world.container(host, |spec| spec.fuel_limit = 500_000_000);
    let mut spinner = world.start(bounded, &["spin"]);
    let mut other = world.run(host, &["hello", "neighbour"]);
    world.drive(&mut [&mut spinner, &mut other], Instant::from_millis(100));
    other.check(Exit::Code(0), "hello neighbour\n");
    assert_eq!(spinner.exit, None);
    world.settle(&mut [&mut spinner]);
    assert_eq!(spinner.exit, Some(Exit::Signal(signal::XCPU)));
}

#[test]
fn a_unit_of_fuel_is_a_nanosecond_and_is_charged_once() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let fuel = 50_000_000;
    let bounded = world.container(host, |spec| spec.fuel_limit = fuel);
    let mut spinner = world.start(bounded, &["spin"]);
    world.settle(&mut [&mut spinner]);
    assert_eq!(world.now().as_nanos(), fuel);
}

#[test]
fn spinning_until_a_deadline_gets_there_and_time_passes_within_a_slice() {
    let until = World::once(&["until", "50"]);
    until.check(Exit::Code(0), "spun 50 ms\n");
    // A thousand rounds are far less than a slice of 100,000 and more than nothing.
    let measured: u64 = World::once(&["measure"])
        .said
        .trim()
        .parse()
        .expect("a number");
    assert!((1_000..90_000).contains(&measured), "{measured} ns");
}

#[test]
fn the_wall_clock_begins_at_the_epoch() {
    assert!(World::once(&["clock"]).said.starts_with(&EPOCH.to_string()));
}

fn story(seed: u64) -> (Vec<String>, Vec<String>) {
    let mut world = World::new(seed);
    let hosts = world.machines(2);
    let mut all = vec![
        world.run(hosts[0], &["serve", "80", "2"]),
        world.run(hosts[1], &["ask", "192.168.0.1:80", "one"]),
        world.run(hosts[1], &["ask", "192.168.0.1:80", "two"]),
        world.run(hosts[0], &["random"]),
        world.run(hosts[0], &["until", "7"]),
        world.run(hosts[1], &["family"]),
    ];
    let mut borrowed: Vec<_> = all.iter_mut().collect();
    world.settle(&mut borrowed);
    (
        world.trace,
        all.into_iter().map(|running| running.said).collect(),
    )
}

#[test]
fn one_seed_is_one_story() {
    let first = story(7);
    for _ in 0..5 {
        assert_eq!(story(7), first);
    }
    assert_ne!(story(8).1, first.1, "another seed draws other numbers");
}

#[test]
fn a_share_of_the_processor_makes_a_program_that_much_slower_and_nobody_else() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let fuel = 500_000_000;
    let bounded = world.container(host, |spec| {
        spec.fuel_limit = fuel;
        spec.cpu_millis = Some(250);
    });
    let mut spinner = world.start(bounded, &["spin"]);
    let mut other = world.run(host, &["until", "300"]);
    while other.exit.is_none() {
        let until = world.now() + Duration::from_millis(1);
        world.drive(&mut [&mut spinner, &mut other], until);
    }
    // Of the first 300 ms the spinner may have 75.
    let late = world.now().as_nanos() - 300_000_000;
    assert!(late < 76_000_000, "{late} ns late");
    world.settle(&mut [&mut spinner]);
    let took = world.now().since_start().as_secs_f64();
    assert!((1.85..2.05).contains(&took), "{took} s");
}

#[test]
fn a_new_share_counts_from_now_on() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let bounded = world.container(host, |spec| {
        spec.fuel_limit = 100_000_000;
        spec.cpu_millis = Some(10);
    });
    let mut spinner = world.start(bounded, &["spin"]);
    world.drive(&mut [&mut spinner], Instant::from_millis(1_000));
    world.runtime.set_limits(bounded, None, None);
    world.settle(&mut [&mut spinner]);
    let took = world.now().since_start().as_secs_f64();
    assert!((1.0..1.3).contains(&took), "{took} s");
}

/// How long a hundred short programs take, one after the other, beside so many that only spin.
fn beside(spinners: u8) -> Duration {
    let mut world = World::new(1);
    let hosts = world.machines(spinners + 1);
    let mut spinning: Vec<_> = hosts[1..]
        .iter()
        .map(|host| world.run(*host, &["spin"]))
        .collect();
    let mut spinning: Vec<_> = spinning.iter_mut().collect();
    world.drive(&mut spinning, Instant::from_secs(1 + u64::from(spinners)));
    let began = world.now();
    for _ in 0..100 {
        let short = world.container(hosts[0], |spec| spec.fuel_limit = 1_000_000);
        let mut short = world.start(short, &["spin"]);
        while short.exit.is_none() {
            let until = world.now() + Duration::from_micros(10);
            world.drive(&mut [&mut short], until);
        }
    }
    world.now() - began
}

#[test]
fn beside_programs_that_only_spin_others_keep_nine_tenths_of_their_speed() {
    let alone = beside(0).as_secs_f64();
    for spinners in [1, 4] {
        let crowded = beside(spinners).as_secs_f64();
        assert!(crowded < alone / 0.9, "{crowded} s instead of {alone} s");
    }
}
