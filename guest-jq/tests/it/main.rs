//! jq beside Debian's jq 1.6, and `yq` by what it prints. Never compares usage texts.

use std::path::Path;

use trial::{Workplace, installed};

const JQ: &str = env!("CARGO_BIN_EXE_guest-jq");

fn place(jq: &Path) -> Workplace {
    let shell = installed("busybox", "busybox");
    let names = ["sh", "cat", "echo", "printf", "seq", "rm", "ls"];
    let timeout = installed("timeout", "coreutils");
    let tools = names.iter().map(|name| (*name, shell.as_path()));
    let tools = tools.chain([("timeout", timeout.as_path())]);
    Workplace::new(tools.chain([("jq", jq), ("yq", Path::new(JQ))]))
}

#[test]
fn jq_answers_as_jq() {
    let real = place(&installed("jq", "jq"));
    trial::differential(
        include_str!("../cases/jq.txt"),
        &real,
        &place(Path::new(JQ)),
    );
}

#[track_caller]
fn check(script: &str, expected: &str) {
    let outcome = place(Path::new(JQ)).run(script);
    assert_eq!(outcome.stdout, expected, "{script}\n{}", outcome.stderr);
}

const POD: &str = "printf 'apiVersion: v1\\nkind: Pod\\nmetadata:\\n  name: web\\n  labels: {app: \"1\"}\\nspec:\\n  containers:\\n  - name: a\\n    image: nginx\\n    args: [\"-c\", \"x: y\"]\\n' > p.yaml; ";

#[test]
fn yq_takes_a_value_out_of_a_manifest() {
    check(&format!("{POD} yq .metadata.name p.yaml"), "web\n");
    check(
        &format!("{POD} yq '.spec.containers[0].image' < p.yaml"),
        "nginx\n",
    );
    check(
        &format!("{POD} yq .metadata p.yaml"),
        "name: web\nlabels:\n  app: \"1\"\n",
    );
}

#[test]
fn yq_writes_manifests_as_kubectl_reads_them() {
    check(
        &format!("{POD} yq .spec p.yaml"),
        "containers:\n  - name: a\n    image: nginx\n    args:\n      - -c\n      - \"x: y\"\n",
    );
    check(
        &format!("{POD} yq -o json -I 0 .metadata p.yaml"),
        "{\"name\":\"web\",\"labels\":{\"app\":\"1\"}}\n",
    );
    check(
        "printf '{\"a\": [1, {\"b\": null}], \"t\": \"x\\\\ny\\\\n\"}' | yq -p json .",
        "a:\n  - 1\n  - b: null\nt: |\n  x\n  y\n",
    );
}

#[test]
fn yq_changes_a_file_in_its_place() {
    check(
        &format!(
            "{POD} yq -i '.spec.containers[0].image = \"nginx:1.2\"' p.yaml; yq '.spec.containers[].image' p.yaml; yq .kind p.yaml"
        ),
        "nginx:1.2\nPod\n",
    );
}

#[test]
fn yq_reads_several_documents() {
    check("printf 'a: 1\\n---\\na: 2\\n' | yq .a", "1\n2\n");
    check("printf 'a: 1\\n---\\na: 2\\n' | yq .", "a: 1\n---\na: 2\n");
}
