//! `kubectl __complete` against what the stock client 1.35 answered over the same objects.

use serde_json::{Value, json};

use crate::lab::Lab;

fn named(names: &[&str]) -> String {
    let items: Vec<Value> = names
        .iter()
        .map(|name| json!({"metadata": {"name": name}}))
        .collect();
    json!({"kind": "List", "items": items}).to_string()
}

fn lab() -> Lab {
    let mut lab = Lab::empty();
    lab.answer("GET /api", 200, fixture!("completion-api.json"));
    lab.answer("GET /apis", 200, fixture!("completion-apis.json"));
    let core = "GET /api/v1/namespaces";
    for (path, names) in [
        (
            core.to_owned(),
            &["default", "kube-node-lease", "kube-public", "kube-system"][..],
        ),
        ("GET /api/v1/nodes".to_owned(), &["node-1"]),
        (format!("{core}/default/pods"), &["pair", "two-1", "web-1"]),
        (
            format!("{core}/kube-system/pods"),
            &["coredns-1", "coredns-2"],
        ),
        (format!("{core}/default/services"), &["kubernetes", "web"]),
        (
            "GET /apis/apps/v1/namespaces/default/deployments".to_owned(),
            &["two", "web"],
        ),
    ] {
        lab.answer(&path, 200, &named(names));
    }
    let pair = json!({"spec": {"containers": [{"name": "front"}, {"name": "back"}]}});
    lab.answer(&format!("{core}/default/pods/pair"), 200, &pair.to_string());
    let web = json!({"spec": {"template": {"spec": {"containers": [{"name": "nginx"}]}}}});
    let path = "GET /apis/apps/v1/namespaces/default/deployments/web";
    lab.answer(path, 200, &web.to_string());
    lab
}

#[test]
fn every_candidate_is_the_stock_clients() {
    let lab = lab();
    let mut count = 0;
    for case in fixture!("completion.txt").split("$ ").skip(1) {
        let (line, expect) = case.split_once('\n').expect("a command and its answer");
        let words: Vec<&str> = line
            .split(' ')
            .map(|word| word.trim_end_matches('@'))
            .collect();
        let ran = lab.run(&[&["__complete"], &words[..]].concat());
        let offered: Vec<&str> = expect.lines().collect();
        assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), offered, "{line}");
        assert!(
            ran.stderr
                .starts_with("Completion ended with directive: ShellComp")
        );
        assert_eq!(ran.code, 0);
        count += 1;
    }
    assert!(count >= 100, "only {count} cases");
}

#[test]
fn descriptions_are_left_out_when_nobody_wants_them() {
    let ran = lab().run(&["__completeNoDesc", "create", "se"]);
    assert_eq!(ran.stdout, "secret\nservice\nserviceaccount\n:4\n");
    assert_eq!(
        ran.stderr,
        "Completion ended with directive: ShellCompDirectiveNoFileComp\n"
    );
}

#[test]
fn a_server_that_is_away_offers_nothing() {
    let mut lab = lab();
    lab.refuse();
    let ran = lab.run(&["__complete", "get", "pods", ""]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ":4\n"));
}

#[test]
fn scripts_for_shells_ask_kubectl_itself() {
    for shell in ["bash", "zsh", "fish"] {
        let ran = lab().run(&["completion", shell]);
        assert!(ran.stdout.contains("__complete"), "{shell}");
        assert_eq!(ran.code, 0);
    }
    for (args, words) in [
        (&["completion"][..], "Shell not specified."),
        (&["completion", "foo"], "Unsupported shell type \"foo\"."),
        (
            &["completion", "a", "b"],
            "Too many arguments. Expected only the shell type.",
        ),
    ] {
        let ran = lab().run(args);
        let expect = format!("error: {words}\nSee 'kubectl completion -h' for help and examples\n");
        assert_eq!((ran.code, ran.stderr), (1, expect));
    }
}
