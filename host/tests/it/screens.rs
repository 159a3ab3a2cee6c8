//! Programs that have the whole screen, used from keys. Never compares a screen to the last cell.

use crate::sh::{plain, sh};

/// What was on the screen from the first key to the last.
fn screens(keys: &str) -> String {
    let ran = sh(&["--keys"], keys);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    plain(&ran.stdout)
}

#[test]
fn less_shows_a_screen_at_a_time_and_finds_words() {
    let screen = screens("seq 100 > f\nless f\n/45\nq\nless f\nG\nq\necho over\nexit\n");
    let lines: Vec<_> = screen.lines().map(str::trim).collect();
    let times = |wanted: &str| lines.iter().filter(|line| **line == wanted).count();
    // Both begin at the beginning; 30 is on no screen, 45 begins one, and the end is drawn for G and
    // for the Enter behind it: nothing is drawn again while nobody types.
    let seen = ["2", "30", "50", "99"].map(times);
    assert_eq!(seen, [2, 0, 1, 2], "{screen}");
    assert!(screen.contains("\nover\n"), "{screen}");
}

#[test]
fn watch_runs_again_until_it_is_interrupted() {
    let screen = screens("watch -n 10 date\n^C\necho left $?\nexit\n");
    assert!(screen.contains("Every 10s: date"), "{screen}");
    assert!(screen.contains("left 130"), "{screen}");
    // Nobody interrupts a screen that never stands still before five minutes are over.
    let screen = screens("watch -n 1 date\n^C\necho left $?\nexit\n");
    let headers = screen.matches("Every 1s: date").count();
    assert!((250..350).contains(&headers), "{headers} times: {screen}");
}

#[test]
fn top_shows_who_runs_until_q() {
    let screen = screens("sleep 1000 &\ntop\nq\necho left $?\nexit\n");
    assert!(screen.contains("Load average:"), "{screen}");
    assert!(screen.contains("sleep 1000"), "{screen}");
    assert!(screen.contains("left 0"), "{screen}");
}
