//! What a sample takes and refuses. Never runs a lesson.

use super::*;

#[track_caller]
fn like(sample: &str, output: &str) -> Captures {
    let mut captures = Captures::new();
    check(
        &Like {
            text: sample.into(),
            ..Like::default()
        },
        output,
        false,
        &mut captures,
    )
    .unwrap();
    captures
}

#[track_caller]
fn unlike(sample: &str, output: &str) -> Mismatch {
    let like = Like {
        text: sample.into(),
        ..Like::default()
    };
    check(&like, output, false, &mut Captures::new()).unwrap_err()
}

#[track_caller]
fn captured(sample: &str, output: &str, name: &str) -> String {
    like(sample, output).remove(name).unwrap()
}

#[test]
fn each_type_of_hole_takes_its_own_and_nothing_else() {
    for (kind, good, bad) in [
        ("ip", "10.96.0.1", "10.96.0"),
        ("ip", "fd00::1", "ten"),
        ("port", "31848", "http"),
        ("age", "4m3s", "soon"),
        ("age", "12d", "12"),
        ("age", "<unknown>", "unknown"),
        ("hash", "7d945c79f8", "a b"),
        ("int", "-5", "5x"),
        ("word", "node-a", "two words"),
    ] {
        let sample = format!("x @({kind} as it) y");
        assert_eq!(
            captured(&sample, &format!("x {good} y"), "it"),
            good,
            "{kind}"
        );
        unlike(&sample, &format!("x {bad} y"));
    }
    assert_eq!(captured("pod @(rest as it)", "pod  a   b", "it"), "a b");
    assert_eq!(captured("pod @(rest as it)", "pod", "it"), "");
    like("a@(*)b @(int)", "a...b 5");
}

#[test]
fn a_captured_value_must_come_again() {
    like("@(ip as a)\n@(a)", "10.0.0.1\n10.0.0.1");
    let wrong = unlike("@(ip as a)\n@(a)", "10.0.0.1\n10.0.0.2");
    assert_eq!(
        wrong,
        Mismatch {
            expected: "10.0.0.1".into(),
            seen: Some("10.0.0.2".into()),
            line: 2
        }
    );
    unlike("@(nobody)", "x");
}

#[test]
fn lines_do_not_mind_blanks_but_mind_everything_else() {
    like(
        "5037 HostA\n4963 HostB\n",
        "   5037 HostA\n   4963 HostB\n\n",
    );
    let wrong = unlike("one\ntwo", "one\nthree\nfour");
    assert_eq!(
        wrong,
        Mismatch {
            expected: "two".into(),
            seen: Some("three".into()),
            line: 2
        }
    );
    let long = unlike("one", "one\ntwo");
    assert_eq!(
        long,
        Mismatch {
            expected: "the end of the output".into(),
            seen: Some("two".into()),
            line: 2
        }
    );
    let short = unlike("one\ntwo", "one");
    assert_eq!(
        short,
        Mismatch {
            expected: "two".into(),
            seen: None,
            line: 0
        }
    );
}

#[test]
fn dots_stand_for_any_lines() {
    like(
        "...\n<h1>Welcome to nginx!</h1>\n...",
        "<html>\n<h1>Welcome to nginx!</h1>\n</html>",
    );
    like("...\nb\n...\nd", "a\nb\nb\nc\nd");
    like("a\n...", "a");
    like("...\na @(int as n)\nb\n...", "a 1\na 2\nb\nc");
    assert_eq!(
        captured("...\na @(int as n)\nb\n...", "a 1\na 2\nb\nc", "n"),
        "2"
    );
    let wrong = unlike("...\nb\n...", "a\nc");
    assert_eq!(
        wrong,
        Mismatch {
            expected: "b".into(),
            seen: None,
            line: 0
        }
    );
}

#[test]
fn a_background_command_may_go_on_writing() {
    let sample = Like {
        text: "one\ntwo".into(),
        ..Like::default()
    };
    assert!(check(&sample, "one\ntwo\nthree", true, &mut Captures::new()).is_ok());
    assert!(check(&sample, "one", true, &mut Captures::new()).is_err());
}

const PODS: &str = "\
NAME                       READY   STATUS    RESTARTS      AGE     IP           NODE     NOMINATED NODE
my-nginx-5b56ccd65f-5jxvm  1/1     Running   1 (5s ago)    4m3s    10.244.1.4   node-b   <none>
my-nginx-5b56ccd65f-x8zc4  1/1     Running   0             4m3s    10.244.2.4   node-c   <none>
";

#[test]
fn a_table_is_compared_by_the_names_of_its_columns() {
    let sample =
        "NODE  NAME  IP\nnode-b  my-nginx-@(hash)-@(hash)  @(ip as a)\nnode-c  @(word as b)  @(ip)";
    let captures = like(sample, PODS);
    assert_eq!(captures["a"], "10.244.1.4");
    assert_eq!(captures["b"], "my-nginx-5b56ccd65f-x8zc4");
    like("NAME  RESTARTS\n...\n@(word)  0", PODS);
    like("NAME  RESTARTS\n@(word)  1 (@(age) ago)\n...", PODS);
    let wrong = unlike("NAME  STATUS\n@(word)  Running\n@(word)  Pending", PODS);
    assert_eq!(wrong.expected, "@(word)  Pending");
    assert_eq!(wrong.line, 3);
    assert_eq!(unlike("NAME  ZONE\n...", PODS).expected, "a column ZONE");
    assert_eq!(
        unlike("NAME  IP\n@(word)  @(ip)", PODS).expected,
        "the end of the table"
    );
}

#[test]
fn rows_may_come_in_any_order() {
    let sample = Like {
        text: "NAME  NODE  IP\n@(word as c)  node-c  @(ip as c-ip)\n@(word as b)  node-b  @(ip as b-ip)".into(),
        unordered: true,
        ..Like::default()
    };
    let mut captures = Captures::new();
    check(&sample, PODS, false, &mut captures).unwrap();
    assert_eq!(captures["c-ip"], "10.244.2.4");
    let one_less = Like {
        text: "NAME  NODE\n@(word)  @(word)".into(),
        unordered: true,
        ..Like::default()
    };
    let wrong = check(&one_less, PODS, false, &mut captures).unwrap_err();
    assert_eq!(
        (wrong.expected.as_str(), wrong.seen.as_deref()),
        ("1 rows", Some("2 rows"))
    );
}

#[test]
fn an_empty_cell_is_not_the_next_column() {
    let output = "NAME     ENDPOINTS   AGE\nempty                3s\n";
    like("NAME  AGE\nempty  @(age)", output);
    unlike("NAME  ENDPOINTS\nempty  3s", output);
}

#[test]
fn two_tables_follow_each_other() {
    let output = "NAME    READY   AGE\ndeployment.apps/a   1/1   3s\n\nNAME    READY   AGE\npod/a-1   1/1   3s\n";
    like("NAME  READY\n...\nNAME  READY\n...", output);
    unlike(
        "NAME  READY\n...\nNAME  READY\n...\nNAME  READY\n...",
        output,
    );
}

#[test]
fn fields_are_compared_by_key_in_any_order() {
    let output = "Name:              my-nginx\nLabels:            <none>\nIP:                10.0.0.9\nPort:              <unset>  80/TCP\nEndpoints:         10.244.1.4:80,10.244.2.4:80\nEvents:            <none>\n";
    let captures = like(
        "IP:  @(ip as vip)\n...\nName:  my-nginx\nEndpoints:  @(ip as a):80,@(ip):80\nPort:  <unset>  80/TCP",
        output,
    );
    assert_eq!(captures["vip"], "10.0.0.9");
    assert_eq!(captures["a"], "10.244.1.4");
    let wrong = unlike("Name:  other", output);
    assert_eq!(
        (wrong.expected.as_str(), wrong.seen.as_deref()),
        ("Name: other", Some("Name: my-nginx"))
    );
    let missing = unlike("Name:  my-nginx\nType:  ClusterIP", output);
    assert_eq!(
        (missing.expected.as_str(), missing.seen),
        ("Type: ClusterIP", None)
    );
}

#[test]
fn one_message_with_a_colon_is_a_line_not_a_field() {
    assert_eq!(mode("wget: bad address 'web'"), Mode::Lines);
    assert_eq!(mode("Error: not found"), Mode::Lines);
    assert_eq!(mode("Name:  x"), Mode::Fields);
    assert_eq!(mode("NAME  READY"), Mode::Table);
    assert_eq!(mode("HELLO"), Mode::Lines);
}

#[test]
fn a_failed_comparison_captures_nothing() {
    let mut captures = Captures::new();
    let sample = Like {
        text: "@(ip as a)\nx".into(),
        ..Like::default()
    };
    assert!(check(&sample, "10.0.0.1\ny", false, &mut captures).is_err());
    assert!(captures.is_empty());
}

#[test]
fn a_sample_can_be_wrong_by_itself() {
    let problems = |text: &str| {
        problems(&Like {
            text: text.into(),
            ..Like::default()
        })
    };
    assert!(problems("@(iq as x)")[0].contains("no hole of type `iq`"));
    assert!(problems("@(ip as)")[0].contains("neither"));
    assert!(problems("NAME  READY\na  1/1  more")[0].contains("3 cells below 2 headings"));
    assert!(problems("NAME  READY\n@(word as a)  @(int)/@(int)").is_empty());
}
