//! `lab sh`: a shell in the world, from scripts and from keys.

use crate::lab::{Ran, folder, lab};
use std::io::Write;
use std::process::Stdio;

/// Runs `lab sh` with these arguments and this on its standard input.
pub(crate) fn sh(args: &[&str], input: &str) -> Ran {
    let mut child = lab()
        .arg("sh")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lab starts");
    let mut stdin = child.stdin.take().expect("asked for");
    stdin.write_all(input.as_bytes()).expect("lab reads");
    drop(stdin);
    child.wait_with_output().expect("lab ends").into()
}

/// The screen's text without the terminal's orders.
pub(crate) fn plain(screen: &str) -> String {
    let mut text = String::new();
    let mut chars = screen.chars();
    while let Some(char) = chars.next() {
        match char {
            '\u{1b}' => {
                // Up to the letter that ends the order.
                if chars.next() == Some('[') {
                    chars.by_ref().find(|char| ('@'..='~').contains(char));
                }
            }
            // What is drawn again takes the place of what stood in the line.
            '\r' => {
                let goes_on = chars.clone().find(|char| *char != '\r');
                if goes_on != Some('\n') {
                    let line = text.rfind('\n').map_or(0, |at| at + 1);
                    text.truncate(line);
                }
            }
            char => text.push(char),
        }
    }
    text
}

#[test]
fn a_command_runs_in_the_world_and_its_exit_code_comes_out() {
    let ran = sh(&["-c", "kubectl get nodes -o name; nothing; exit 3"], "");
    assert_eq!(ran.code, Some(3));
    assert_eq!(ran.stdout, "node/node-1\n");
    assert!(ran.stderr.contains("nothing: not found"), "{}", ran.stderr);
}

#[test]
fn a_script_on_standard_input_finds_the_files_it_was_given() {
    let files = folder("sh-files");
    std::fs::write(files.join("greeting.txt"), "こんにちは\n").expect("writable");
    let files = files.display().to_string();
    let ran = sh(&["--files", &files], "cat greeting.txt\nhostname\n");
    assert_eq!(ran.stdout, "こんにちは\nworkstation\n", "{}", ran.stderr);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn the_same_script_twice_writes_the_same_bytes() {
    let script = "kubectl run a --image=nginx\nkubectl get pods -o yaml\ndate\n";
    let (one, two) = (sh(&[], script), sh(&[], script));
    assert!(one.stdout.contains("kind: Pod"), "{}", one.stderr);
    assert_eq!(one.stdout, two.stdout);
}

#[test]
fn keys_reach_a_shell_inside_an_attached_pod() {
    let keys =
        "kubectl run shell --image=busybox -i --tty --rm\n\nhostname\nexit\nkubectl get pods\n";
    let ran = sh(&["--keys"], keys);
    let screen = plain(&ran.stdout);
    assert!(
        screen.contains("If you don't see a command prompt"),
        "{screen}"
    );
    assert!(screen.contains("\nshell\n"), "{screen}");
    assert!(screen.contains("pod \"shell\" deleted"), "{screen}");
    assert!(screen.contains("No resources found"), "{screen}");
}

#[test]
fn a_place_that_is_none_is_refused_with_what_there_is() {
    let ran = sh(&["--on", "moon", "-c", "true"], "");
    assert_ne!(ran.code, Some(0));
    assert!(
        ran.stderr.contains("--on moon: not a place"),
        "{}",
        ran.stderr
    );
    let ran = sh(&["--on", "node/moon", "-c", "true"], "");
    assert!(
        ran.stderr.contains("moon has no power or does not exist"),
        "{}",
        ran.stderr
    );
}

#[test]
fn kubectl_forwards_a_port_of_the_workstation() {
    let script = "\
kubectl create deployment web --image=nginx >/dev/null; kubectl rollout status deploy/web >/dev/null
kubectl port-forward deploy/web 8080:80 > said & pid=$!
sleep 2
curl -s http://127.0.0.1:8080 | grep -c '<title>'; curl -s http://127.0.0.1:8080 | grep -c '<title>'
kill $pid; wait $pid; cat said
";
    let ran = sh(&[], script);
    let expected = "\
1
1
Forwarding from 127.0.0.1:8080 -> 80
Handling connection for 8080
Handling connection for 8080
";
    assert_eq!(ran.stdout, expected, "{}", ran.stderr);
}

#[test]
fn a_port_where_nobody_listens_refuses_every_client_in_its_own_words() {
    let script = "wget -O- http://172.18.0.3:81\ncurl -sS http://172.18.0.3:81\necho $?\n\
                  nc -w 2 172.18.0.3 81 </dev/null\necho $?\n";
    let ran = sh(&[], script);
    assert_eq!(ran.stdout, "7\n1\n");
    let said: Vec<&str> = ran.stderr.lines().collect();
    assert_eq!(
        said,
        [
            "Connecting to 172.18.0.3:81 (172.18.0.3:81)",
            "wget: can't connect to remote host (172.18.0.3): Connection refused",
            "curl: (7) Failed to connect to 172.18.0.3 port 81 after 0 ms: Couldn't connect to server",
            "nc: can't connect to remote host (172.18.0.3): Connection refused",
        ]
    );
}
