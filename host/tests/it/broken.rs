//! Bad input of every kind: a place, a cause, an exit code, and nothing else lost.

use crate::lab::{folder, lessons, run};

/// Writes a lesson and plays it.
fn play(name: &str, text: &str) -> crate::lab::Ran {
    let file = folder(name).join("lesson.yaml");
    std::fs::write(&file, text).expect("writable");
    run(&["run", file.to_str().expect("a plain path")])
}

#[test]
fn a_lesson_that_is_no_yaml_is_invalid_at_a_line() {
    let ran = play("no-yaml", "apiVersion: lab/v1alpha1\nkind: [Lab\n");
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("lesson.yaml:"), "{}", ran.stderr);
}

#[test]
fn an_unknown_field_is_named_with_its_line() {
    let folder = lessons("unknown-field");
    let file = folder.join("06-names.yaml");
    let lesson = std::fs::read_to_string(&file).expect("shipped");
    std::fs::write(&file, lesson.replacen("\nsteps:", "\nstepz: []\nsteps:", 1)).expect("writable");
    let ran = run(&["run", file.to_str().expect("a plain path")]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("stepz") && ran.stderr.contains("06-names.yaml:"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_missing_lesson_is_invalid_and_the_others_are_still_played() {
    let ran = run(&["run", "labs/none.yaml", "labs/06-names.yaml"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("labs/none.yaml"), "{}", ran.stderr);
}

#[test]
fn a_broken_manifest_fails_the_lesson_in_kubectls_words() {
    let folder = lessons("broken-manifest");
    let file = folder.join("files/run-my-nginx.yaml");
    std::fs::write(&file, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: my-nginx\nspec:\n  replicaz: 2\n").expect("writable");
    let lesson = folder.join("03-service.yaml");
    let ran = run(&["run", lesson.to_str().expect("a plain path")]);
    assert!(
        matches!(ran.code, Some(1 | 3)),
        "{:?}\n{}{}",
        ran.code,
        ran.stdout,
        ran.stderr
    );
    assert!(
        ran.stdout.contains("replicaz") || ran.stderr.contains("replicaz"),
        "{}{}",
        ran.stdout,
        ran.stderr
    );
}

/// A lesson whose only Pod runs a component that lies beside it.
fn with_component(name: &str, bytes: &[u8]) -> crate::lab::Ran {
    let folder = folder(name);
    std::fs::create_dir_all(folder.join("files")).expect("writable");
    std::fs::write(folder.join("files/app.wasm"), bytes).expect("writable");
    let pod = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: app\nspec:\n  restartPolicy: Never\n  containers:\n    - name: app\n      image: files/app.wasm\n      args: [--version]\n";
    std::fs::write(folder.join("files/pod.yaml"), pod).expect("writable");
    let lesson = r#"apiVersion: lab/v1alpha1
kind: Lab
metadata:
  id: brought
  title: { ja: "持ち込み", en: "Brought along" }
  languages: [ja, en]
environment:
  platform: plain
  nodes: [{ name: node-a }]
  images: [files/app.wasm]
  files:
    - { path: pod.yaml, from: files/pod.yaml }
  manifests: [pod.yaml]
limits: { virtual: 10m }
steps:
  - id: only
    title: { ja: "動かす", en: "Run it" }
    text: { ja: "ログを見ます。", en: "Look at its log." }
    do:
      - { run: kubectl logs app, like: "curl @(rest)\n..." }
"#;
    let file = folder.join("lesson.yaml");
    std::fs::write(&file, lesson).expect("writable");
    run(&["run", file.to_str().expect("a plain path")])
}

#[test]
fn a_component_that_is_none_is_named_with_the_cause() {
    let ran = with_component("broken-component", b"not wasm at all");
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    let expected = "files/app.wasm: this is not a WebAssembly component";
    assert!(ran.stderr.contains(expected), "{}", ran.stderr);
}

#[test]
fn a_component_beside_the_lesson_runs_as_an_image() {
    let guest = crate::lab::root().join("target/guests/wasm32-wasip2/guest/guest-curl.wasm");
    let bytes = std::fs::read(guest).expect("the build script has built it");
    let ran = with_component("own-component", &bytes);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_step_that_the_lesson_does_not_have_is_refused_with_those_it_has() {
    let ran = run(&["run", "--step", "nosuch", "labs/06-names.yaml"]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("two-deployments"), "{}", ran.stderr);
}

#[test]
fn virtual_time_is_bounded_and_says_so() {
    let folder = lessons("virtual-limit");
    let file = folder.join("06-names.yaml");
    let lesson = std::fs::read_to_string(&file).expect("shipped");
    std::fs::write(&file, lesson.replace("virtual: 20m", "virtual: 4s")).expect("writable");
    let ran = run(&["run", file.to_str().expect("a plain path")]);
    assert_eq!(ran.code, Some(4), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("virtual time"), "{}", ran.stdout);
}

#[test]
fn a_machine_that_the_platform_does_not_have_is_refused_rather_than_forgotten() {
    let folder = lessons("own-machine");
    let file = folder.join("06-names.yaml");
    let lesson = std::fs::read_to_string(&file).expect("shipped");
    let marked = "  platform: minikube-docker\n";
    assert!(lesson.contains(marked), "the lesson has changed");
    let lesson = lesson.replace(
        marked,
        &format!("{marked}  hosts: [{{ name: moonbase }}]\n"),
    );
    std::fs::write(&file, lesson).expect("writable");
    let ran = run(&["run", file.to_str().expect("a plain path")]);
    assert_eq!(ran.code, Some(3), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stderr.contains("moonbase is not on the platform"),
        "{}",
        ran.stderr
    );
}
