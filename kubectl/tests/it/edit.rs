//! `kubectl edit` with a scripted editor; the words are those of the stock client.

use std::cell::RefCell;
use std::rc::Rc;

use crate::lab::{Lab, Ran};
use crate::{SERVICE, check};

const PATCHED: &str = "PATCH /api/v1/namespaces/default/services/my-nginx";
const FILE: &str = "/tmp/kubectl-edit-";

/// A lab whose editor makes one change after another; what it was shown is kept.
fn editing(changes: &[(&'static str, &'static str)]) -> (Lab, Rc<RefCell<Vec<String>>>) {
    let mut lab = Lab::new();
    lab.env("EDITOR", "ed --quietly");
    lab.answer(SERVICE, 200, fixture!("service-my-nginx.json"));
    let shown: Rc<RefCell<Vec<String>>> = Rc::default();
    let (seen, changes) = (Rc::clone(&shown), changes.to_vec());
    lab.program("ed", move |args, files| {
        assert_eq!(args[0], "--quietly");
        let text = files.get_mut(&args[1]).expect("the file to edit");
        let opened = seen.borrow().len();
        if let Some((from, to)) = changes.get(opened) {
            assert!(text.contains(from), "no {from} in {text}");
            let changed = text.replacen(from, to, 1);
            seen.borrow_mut().push(std::mem::replace(text, changed));
        } else {
            seen.borrow_mut().push(text.clone());
        }
        0
    });
    (lab, shown)
}

/// Standard error with the number of the temporary file left out.
fn unnumbered(ran: &Ran) -> String {
    let mut out = String::new();
    let mut rest = ran.stderr.as_str();
    while let Some(at) = rest.find(FILE) {
        let (before, after) = rest.split_at(at + FILE.len());
        out.push_str(before);
        out.push('N');
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out + rest
}

const INVALID: &str = r#"{"kind":"Status","reason":"Invalid","message":"x","details":{"causes":[{"field":"spec.ports[0].port","message":"Invalid value: 80800: must be between 1 and 65535, inclusive"}]},"code":422}"#;

#[test]
fn an_edit_without_a_change_is_cancelled() {
    let (lab, shown) = editing(&[]);
    let ran = lab.run(&["edit", "svc", "my-nginx"]);
    check(&ran, 0, "", "Edit cancelled, no changes made.\n");
    let expect = format!(
        "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n{}",
        fixture!("service-my-nginx.yaml")
    );
    assert_eq!(shown.borrow()[0], expect);
}

#[test]
fn a_change_is_sent_as_a_strategic_patch() {
    let (mut lab, _) = editing(&[("sessionAffinity: None", "sessionAffinity: ClientIP")]);
    lab.answer(PATCHED, 200, fixture!("service-my-nginx.json"));
    let ran = lab.run(&["edit", "svc/my-nginx", "--output-patch"]);
    let patch = "{\"spec\":{\"sessionAffinity\":\"ClientIP\"}}";
    check(
        &ran,
        0,
        &format!("Patch: {patch}\nservice/my-nginx edited\n"),
        "",
    );
    let url = format!("{PATCHED}?fieldManager=kubectl-edit&fieldValidation=Strict");
    assert_eq!(ran.sent(&url).to_string(), patch);
}

#[test]
fn json_has_no_header_and_is_edited_as_well() {
    let (mut lab, shown) = editing(&[("\"None\"", "\"ClientIP\"")]);
    lab.answer(PATCHED, 200, fixture!("service-my-nginx.json"));
    let ran = lab.run(&["edit", "svc/my-nginx", "-o", "json"]);
    check(&ran, 0, "service/my-nginx edited\n", "");
    assert!(shown.borrow()[0].starts_with("{\n    \"apiVersion\""));
}

#[test]
fn what_the_server_refuses_is_opened_again_with_its_words() {
    let (mut lab, shown) = editing(&[("port: 80\n", "port: 80800\n")]);
    lab.answer(PATCHED, 422, INVALID);
    let ran = lab.run(&["edit", "svc", "my-nginx"]);
    let expect = "error: services \"my-nginx\" is invalid\nA copy of your changes has been stored to \"/tmp/kubectl-edit-N.yaml\"\nerror: Edit cancelled, no valid changes were saved.\n";
    assert_eq!(unnumbered(&ran), expect);
    assert_eq!(ran.code, 1);
    let again = shown.borrow()[1].clone();
    let reasons = "#\n# services \"my-nginx\" was not valid:\n# * spec.ports[0].port: Invalid value: 80800: must be between 1 and 65535, inclusive\n#\napiVersion: v1\n";
    assert!(again.contains(reasons), "{again}");
    assert!(again.contains("port: 80800"), "the change is kept: {again}");
}

#[test]
fn a_second_try_may_succeed() {
    let (mut lab, _) = editing(&[("port: 80\n", "port: 80800\n"), ("port: 80800", "port: 81")]);
    lab.answer(PATCHED, 422, INVALID);
    lab.answer(PATCHED, 200, fixture!("service-my-nginx.json"));
    let ran = lab.run(&["edit", "svc", "my-nginx"]);
    check(
        &ran,
        0,
        "service/my-nginx edited\n",
        "error: services \"my-nginx\" is invalid\n",
    );
}

#[test]
fn what_is_no_object_is_opened_again() {
    for (from, to, why) in [
        ("kind: Service\n", "", "kind not set"),
        (
            "apiVersion: v1\nkind: Service\n",
            "",
            "[apiVersion not set, kind not set]",
        ),
        ("spec:", "spec: ]", "yaml: line "),
    ] {
        let (lab, shown) = editing(&[(from, to)]);
        let ran = lab.run(&["edit", "svc", "my-nginx"]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
        let reason =
            format!("# * <nil>: Invalid value: \"The edited file failed validation\": {why}");
        assert!(shown.borrow()[1].contains(&reason), "{}", shown.borrow()[1]);
    }
}

#[test]
fn a_conflict_leaves_the_file_and_a_way_to_try_again() {
    let (mut lab, _) = editing(&[("port: 80\n", "port: 81\n")]);
    let conflict = r#"{"kind":"Status","reason":"Conflict","message":"the object has been modified","code":409}"#;
    lab.answer(PATCHED, 409, conflict);
    let ran = lab.run(&["edit", "svc", "my-nginx"]);
    let expect = "error: services \"my-nginx\" could not be patched: the object has been modified\nYou can run `kubectl replace -f /tmp/kubectl-edit-N.yaml` to try this update again.\n";
    assert_eq!(unnumbered(&ran), expect);
    assert_eq!(ran.code, 1);
}

#[test]
fn an_object_that_went_away_meanwhile_is_told() {
    let (lab, _) = editing(&[("port: 80\n", "port: 81\n")]);
    let ran = lab.run(&["edit", "svc", "my-nginx"]);
    let expect = "error: services \"my-nginx\" could not be found on the server\nThe edits you made on deleted resources have been saved to \"/tmp/kubectl-edit-N.yaml\"\n";
    assert_eq!(unnumbered(&ran), expect);
}

#[test]
fn names_are_not_edited() {
    let (lab, _) = editing(&[("  name: my-nginx\n", "  name: other\n")]);
    let ran = lab.run(&["edit", "svc", "my-nginx"]);
    let expect = "A copy of your changes has been stored to \"/tmp/kubectl-edit-N.yaml\"\nerror: At least one of apiVersion, kind and name was changed\n";
    assert_eq!(unnumbered(&ran), expect);
}

#[test]
fn an_editor_that_is_missing_or_fails_is_named() {
    let mut lab = Lab::new();
    lab.answer(SERVICE, 200, fixture!("service-my-nginx.json"));
    let missing = "error: unable to launch the editor \"vi\"\n";
    check(&lab.run(&["edit", "svc", "my-nginx"]), 1, "", missing);
    lab.env("EDITOR", "false");
    lab.program("false", |_, _| 1);
    let failed = "error: there was a problem with the editor \"false\"\n";
    check(&lab.run(&["edit", "svc", "my-nginx"]), 1, "", failed);
    lab.env("KUBE_EDITOR", "sed -i 's/a b/c/'");
    lab.env("SHELL", "/bin/sh");
    lab.program("/bin/sh", |args, _| {
        assert_eq!(args[0], "-c");
        assert!(args[1].starts_with("sed -i 's/a b/c/' \"/tmp/kubectl-edit-"));
        3
    });
    let failed = "error: there was a problem with the editor \"/bin/sh -c sed -i 's/a b/c/'\"\n";
    check(&lab.run(&["edit", "svc", "my-nginx"]), 1, "", failed);
}
