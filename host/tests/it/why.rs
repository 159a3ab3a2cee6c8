//! `lab why` beside a `lab up` with real programs: broken, explained, mended, explained again.

use crate::lab::{Ran, folder, lab, run};
use crate::up::Up;

fn why(up: &Up, args: &[&str]) -> Ran {
    let mut command = lab();
    command.arg("why").args(args);
    command.arg("--kubeconfig").arg(&up.kubeconfig);
    command
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .env_remove("LC_MESSAGES");
    command.output().expect("lab starts").into()
}

#[test]
fn a_service_is_explained_mended_by_the_answers_command_and_well() {
    let up = Up::start("up-why");
    up.kubectl(&["create", "deployment", "web", "--image=nginx"]);
    up.kubectl(&["create", "service", "clusterip", "web", "--tcp=80"]);
    up.kubectl(&[
        "run",
        "client",
        "--image=busybox",
        "--",
        "sleep",
        "infinity",
    ]);
    up.kubectl(&[
        "wait",
        "--for=condition=Ready",
        "pod",
        "--all",
        "--timeout=60s",
    ]);
    let well = why(&up, &["--from", "pod/client", "--to", "web:80"]);
    assert_eq!(well.code, Some(0), "{}{}", well.stdout, well.stderr);
    assert!(well.stdout.contains("✔ probe"), "{}", well.stdout);
    up.kubectl(&["set", "selector", "service", "web", "app=wbe"]);
    let broken = why(&up, &["svc/web"]);
    assert_eq!(broken.code, Some(1), "{}", broken.stderr);
    let mend = broken
        .stdout
        .lines()
        .last()
        .expect("a mend")
        .trim()
        .to_owned();
    assert_eq!(mend, "kubectl set selector service web app=web");
    let japanese = why(&up, &["svc/web", "--lang", "ja"]);
    assert!(japanese.stdout.contains("直すには"), "{}", japanese.stdout);
    let words: Vec<&str> = mend.split(' ').skip(1).collect();
    up.kubectl(&words);
    let mended = why(&up, &["svc/web", "-o", "json"]);
    assert_eq!(mended.code, Some(0), "{}", mended.stdout);
    let json: serde_json::Value = serde_json::from_str(&mended.stdout).expect("one document");
    assert_eq!(json["well"], true);
}

#[test]
fn a_program_that_does_not_listen_there_is_found_by_its_real_sockets() {
    let up = Up::start("up-why-listener");
    up.kubectl(&["create", "deployment", "web", "--image=nginx"]);
    up.kubectl(&[
        "expose",
        "deployment",
        "web",
        "--port=80",
        "--target-port=8080",
    ]);
    up.kubectl(&[
        "wait",
        "--for=condition=Available",
        "deployment/web",
        "--timeout=60s",
    ]);
    let ran = why(&up, &["svc/web"]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("it listens on 0.0.0.0:80"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_cannot_be_asked_is_neither_well_nor_broken() {
    let up = Up::start("up-why-unclear");
    let unclear = why(&up, &["secret/web"]);
    assert_eq!(unclear.code, Some(2), "{}", unclear.stderr);
    assert!(
        unclear.stderr.contains("no explanations of \"secret/web\""),
        "{}",
        unclear.stderr
    );
    let nowhere = folder("why-nowhere").join("kubeconfig");
    let ran = run(&[
        "why",
        "svc/web",
        "--kubeconfig",
        nowhere.to_str().expect("plain"),
    ]);
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
}
