//! Claims about a terminal, as sessions: what is typed, what is read, what is shown.

use super::*;

fn screen(terminal: &Terminal) -> String {
    match terminal.try_read(usize::MAX) {
        Read::Data(data) => String::from_utf8(data).expect("text"),
        _ => String::new(),
    }
}

#[track_caller]
fn check(keys: &str, reads: &[&str], shows: &str) {
    let (terminal, tty) = terminal(TerminalSize {
        columns: 80,
        rows: 24,
    });
    assert_eq!(terminal.try_write(keys.as_bytes()), keys.len());
    for read in reads {
        assert_eq!(tty.try_read(1000), Read::Data(read.as_bytes().to_vec()));
    }
    assert_eq!(tty.try_read(1000), Read::WouldBlock);
    assert_eq!(screen(&terminal), shows);
}

#[test]
fn a_line_arrives_when_it_is_finished() {
    check("ls", &[], "ls");
    check("ls\rpwd\r", &["ls\n", "pwd\n"], "ls\r\npwd\r\n");
}

#[test]
fn a_line_can_be_corrected_before_it_is_finished() {
    check("lx\x7fs\r", &["ls\n"], "lx\x08 \x08s\r\n");
    check("ü\x7f\r", &["\n"], "ü\x08 \x08\r\n");
    check("a bc\x17d\r", &["a d\n"], "a bc\x08 \x08\x08 \x08d\r\n");
}

#[test]
fn an_interrupt_throws_the_line_away() {
    check("abc\x03d\r", &["d\n"], "abc^Cd\r\n");
}

#[test]
fn the_end_of_input_is_read_once() {
    let (terminal, tty) = terminal(TerminalSize {
        columns: 80,
        rows: 24,
    });
    terminal.try_write(b"\x04");
    assert_eq!(tty.try_read(9), Read::End);
    assert_eq!(tty.try_read(9), Read::WouldBlock);
}

#[test]
fn raw_keys_arrive_as_typed_and_unseen() {
    let (terminal, tty) = terminal(TerminalSize {
        columns: 80,
        rows: 24,
    });
    tty.set_raw(true);
    terminal.try_write(b"a\x03\r");
    assert_eq!(tty.try_read(9), Read::Data(b"a\x03\r".to_vec()));
    assert_eq!(screen(&terminal), "");
}

#[test]
fn line_feeds_start_at_the_left_margin() {
    let (terminal, tty) = terminal(TerminalSize {
        columns: 80,
        rows: 24,
    });
    tty.show(b"a\nb").expect("there is room");
    assert_eq!(screen(&terminal), "a\r\nb");
}

#[test]
fn the_screen_ends_with_the_last_program() {
    let (terminal, tty) = terminal(TerminalSize {
        columns: 80,
        rows: 24,
    });
    tty.show(b"bye").expect("there is room");
    drop(tty);
    assert_eq!(screen(&terminal), "bye");
    assert_eq!(terminal.try_read(9), Read::End);
}
