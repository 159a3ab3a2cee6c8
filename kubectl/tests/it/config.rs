//! `kubectl config` over two files; words and files are those that the stock client left.

use crate::check;
use crate::lab::Lab;

const A: &str = "apiVersion: v1\nkind: Config\ncurrent-context: one\nclusters:\n- name: c1\n  cluster:\n    server: http://1.1.1.1:80\ncontexts:\n- name: one\n  context:\n    cluster: c1\n    user: u1\n- name: alpha\n  context:\n    cluster: c1\n    user: u1\n    namespace: nn\nusers:\n- name: u1\n  user:\n    token: sec\n";
const B: &str = "apiVersion: v1\nkind: Config\nclusters:\n- name: c2\n  cluster:\n    server: http://2.2.2.2:80\ncontexts:\n- name: two\n  context:\n    cluster: c2\n    user: u2\nusers:\n- name: u2\n  user:\n    username: x\n    password: p\n";

fn lab() -> Lab {
    let mut lab = Lab::new();
    lab.env("KUBECONFIG", "a.yaml:b.yaml:missing.yaml");
    lab.file("a.yaml", A);
    lab.file("b.yaml", B);
    lab.file("ca.crt", "CERT");
    lab
}

/// Runs a session: each line a command, then its exit code and words.
fn play(lab: &Lab, lines: &[(&str, i32, &str)]) {
    for (line, code, words) in lines {
        let args: Vec<&str> = line.split(' ').collect();
        let ran = lab.run(&[&["config"], &args[..]].concat());
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert_eq!((ran.code, said.as_str()), (*code, *words), "config {line}");
    }
}

#[test]
fn contexts_are_listed_switched_renamed_and_deleted() {
    let table = "CURRENT   NAME    CLUSTER   AUTHINFO   NAMESPACE\n          alpha   c1        u1         nn\n*         one     c1        u1         \n          two     c2        u2         \n";
    play(
        &lab(),
        &[
            ("get-contexts", 0, table),
            ("get-contexts -o name", 0, "alpha\none\ntwo\n"),
            (
                "get-contexts two --no-headers",
                0,
                "      two   c2    u2    \n",
            ),
            (
                "get-contexts nope",
                1,
                "CURRENT   NAME   CLUSTER   AUTHINFO   NAMESPACE\nerror: context nope not found\n",
            ),
            (
                "get-contexts -o json",
                1,
                "error: --output json is not available in kubectl config get-contexts; resetting to default output format\n",
            ),
            ("current-context", 0, "one\n"),
            ("get-clusters", 0, "NAME\nc1\nc2\n"),
            ("get-users", 0, "NAME\nu1\nu2\n"),
            ("use two", 0, "Switched to context \"two\".\n"),
            (
                "use-context nope",
                1,
                "error: no context exists with the name: \"nope\"\n",
            ),
            ("current-context", 0, "two\n"),
            (
                "set-context --current --namespace=foo",
                0,
                "Context \"two\" modified.\n",
            ),
            (
                "set-context two --user=u1",
                0,
                "Context \"two\" modified.\n",
            ),
            (
                "set-context three --cluster=c1 --user=u2",
                0,
                "Context \"three\" created.\n",
            ),
            (
                "set-context",
                1,
                "error: you must specify a non-empty context name or --current\n",
            ),
            (
                "set-context --current x",
                1,
                "error: you cannot specify both a context name and --current\n",
            ),
            (
                "rename-context two zwei",
                0,
                "Context \"two\" renamed to \"zwei\".\n",
            ),
            (
                "rename-context nope x",
                1,
                "error: cannot rename the context \"nope\", it's not in a.yaml\n",
            ),
            (
                "rename-context one alpha",
                1,
                "error: cannot rename the context \"one\", the context \"alpha\" already exists in a.yaml\n",
            ),
            ("current-context", 0, "zwei\n"),
            (
                "delete-context zwei",
                0,
                "deleted context zwei from a.yaml\nwarning: this removed your active context, use \"kubectl config use-context\" to select a different one\n",
            ),
            (
                "delete-context nope",
                1,
                "error: cannot delete context nope, not in a.yaml\n",
            ),
            (
                "get-context",
                1,
                "error: unknown command \"get-context\"\nSee 'kubectl config -h' for help and examples\n",
            ),
        ],
    );
}

#[test]
fn a_change_goes_to_the_file_that_has_the_entry() {
    let lab = lab();
    play(
        &lab,
        &[(
            "set-context two --namespace=far",
            0,
            "Context \"two\" modified.\n",
        )],
    );
    assert_eq!(lab.content("a.yaml"), A, "nothing to do with it");
    assert!(lab.content("b.yaml").contains("    namespace: far\n"));
    play(
        &lab,
        &[(
            "set-context new --cluster=c2",
            0,
            "Context \"new\" created.\n",
        )],
    );
    assert!(lab.content("a.yaml").contains("  name: new\n"));
    play(
        &lab,
        &[("use-context two", 0, "Switched to context \"two\".\n")],
    );
    assert!(lab.content("a.yaml").contains("current-context: two\n"));
    assert_eq!(lab.content("missing.yaml"), "");
}

#[test]
fn clusters_users_and_single_fields_are_set_and_unset() {
    play(
        &lab(),
        &[
            (
                "set-cluster c9 --server=https://3.3.3.3 --insecure-skip-tls-verify=true",
                0,
                "Cluster \"c9\" set.\n",
            ),
            (
                "set-cluster c9 --certificate-authority=ca.crt --insecure-skip-tls-verify=true",
                1,
                "error: you cannot specify a certificate authority and insecure mode at the same time\n",
            ),
            (
                "set-cluster c9 --certificate-authority=ca.crt --embed-certs",
                0,
                "Cluster \"c9\" set.\n",
            ),
            (
                "set-cluster c10 --embed-certs --certificate-authority=nofile",
                1,
                "error: could not stat certificate-authority file nofile: stat nofile: no such file or directory\n",
            ),
            ("set-credentials u9 --token=abc", 0, "User \"u9\" set.\n"),
            (
                "set-credentials u9 --username=a --password=b",
                0,
                "User \"u9\" set.\n",
            ),
            (
                "set-credentials u9 --token=abc --username=a",
                1,
                "error: you cannot specify more than one authentication method at the same time: --token, --username/--password\n",
            ),
            (
                "set-credentials u7 --exec-command=/bin/x",
                1,
                "error: --exec-command is not in this lab yet\n",
            ),
            (
                "view --raw -o jsonpath={.clusters[2].cluster}",
                0,
                "{\"certificate-authority-data\":\"Q0VSVA==\",\"server\":\"https://3.3.3.3\"}",
            ),
            (
                "view --raw -o jsonpath={.users[2].user}",
                0,
                "{\"password\":\"b\",\"username\":\"a\"}",
            ),
            (
                "delete-cluster c10",
                1,
                "error: cannot delete cluster c10, not in a.yaml\n",
            ),
            ("delete-cluster c9", 0, "deleted cluster c9 from a.yaml\n"),
            ("delete-user u9", 0, "deleted user u9 from a.yaml\n"),
            (
                "delete-user nope",
                1,
                "error: cannot delete user nope, not in a.yaml\n",
            ),
            (
                "set current-context alpha",
                0,
                "Property \"current-context\" set.\n",
            ),
            (
                "set contexts.new.cluster c2",
                0,
                "Property \"contexts.new.cluster\" set.\n",
            ),
            (
                "set clusters.c1.insecure-skip-tls-verify maybe",
                1,
                "error: strconv.ParseBool: parsing \"maybe\": invalid syntax\n",
            ),
            (
                "set foo.bar.baz x",
                1,
                "error: unable to parse foo.bar.baz after [] at api.Config\n",
            ),
            (
                "set clusters.c1.certificate-authority-data CERT --set-raw-bytes=true",
                0,
                "Property \"clusters.c1.certificate-authority-data\" set.\n",
            ),
            (
                "set clusters.c1.certificate-authority-data !!",
                1,
                "error: error decoding input value: illegal base64 data at input byte 0\n",
            ),
            (
                "unset current-context",
                0,
                "Property \"current-context\" unset.\n",
            ),
            (
                "unset contexts.alpha.namespace",
                0,
                "Property \"contexts.alpha.namespace\" unset.\n",
            ),
            (
                "unset contexts.alpha",
                0,
                "Property \"contexts.alpha\" unset.\n",
            ),
            ("unset users", 0, "Property \"users\" unset.\n"),
            (
                "unset foo",
                1,
                "error: unable to parse foo after [] at api.Config\n",
            ),
            ("current-context", 1, "error: current-context is not set\n"),
            ("get-users", 0, "NAME\n"),
        ],
    );
}

#[test]
fn a_view_is_small_when_asked_and_complete_when_flattened() {
    let mut lab = lab();
    let minified = "apiVersion: v1\nclusters:\n- cluster:\n    server: http://2.2.2.2:80\n  name: c2\ncontexts:\n- context:\n    cluster: c2\n    user: u2\n  name: two\ncurrent-context: two\nkind: Config\nusers:\n- name: u2\n  user:\n    password: REDACTED\n    username: x\n";
    play(&lab, &[("view --minify --context two", 0, minified)]);
    play(
        &lab,
        &[(
            "view --minify --context nope",
            1,
            "error: cannot locate context nope\n",
        )],
    );
    lab.file(
        "dir/c.yaml",
        "clusters:\n- name: c\n  cluster:\n    server: s\n    certificate-authority: ca.pem\n",
    );
    lab.file("dir/ca.pem", "CERT");
    let flat = lab.run(&["config", "view", "--flatten", "--kubeconfig", "dir/c.yaml"]);
    assert!(
        flat.stdout.contains("certificate-authority-data: Q0VSVA=="),
        "{flat:?}"
    );
    let missing = lab.run(&["config", "view", "--kubeconfig", "nofile"]);
    check(
        &missing,
        0,
        "apiVersion: v1\nclusters: null\ncontexts: null\ncurrent-context: \"\"\nkind: Config\nusers: null\n",
        "",
    );
}
