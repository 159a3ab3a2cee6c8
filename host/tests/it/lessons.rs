//! What is printed of lessons that hold, and of lessons that do not.

use crate::lab::{folder, lessons, run};
use std::process::Command;

/// The lesson that the others build on.
const SERVICE: &str = "labs/03-service.yaml";

#[test]
fn progress_is_told_in_both_languages() {
    let english = run(&["run", SERVICE]);
    let japanese = run(&["run", "--lang", "ja", SERVICE]);
    assert_eq!((english.code, japanese.code), (Some(0), Some(0)));
    let kana = |text: &str| text.chars().any(|c| ('\u{3041}'..='\u{30ff}').contains(&c));
    assert!(kana(&japanese.stdout), "{}", japanese.stdout);
    assert!(!kana(&english.stdout), "{}", english.stdout);
}

#[test]
fn a_wrong_selector_fails_the_lesson_and_names_the_cause() {
    let folder = lessons("wrong-selector");
    let file = folder.join("files/nginx-svc.yaml");
    let manifest = std::fs::read_to_string(&file).expect("shipped with the lesson");
    std::fs::write(
        &file,
        manifest.replace("    run: my-nginx\n", "    run: my-ngins\n"),
    )
    .expect("writable");
    let broken = folder.join("03-service.yaml");
    let ran = run(&["run", broken.to_str().expect("a plain path")]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("my-ngins"), "{}", ran.stdout);
}

#[test]
fn a_wrong_like_fails_the_lesson_at_its_line() {
    let folder = lessons("wrong-like");
    let file = folder.join("03-service.yaml");
    let lesson = std::fs::read_to_string(&file).expect("shipped");
    std::fs::write(
        &file,
        lesson.replace("service/my-nginx exposed", "service/my-nginx exploded"),
    )
    .expect("writable");
    let ran = run(&["run", file.to_str().expect("a plain path")]);
    assert_eq!(ran.code, Some(1), "{}{}", ran.stdout, ran.stderr);
    assert!(
        ran.stdout.contains("exploded") && ran.stdout.contains("service/my-nginx exposed"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("03-service.yaml:"), "{}", ran.stdout);
}

#[test]
fn the_capture_is_whole_and_the_service_address_is_never_on_a_nodes_outer_interface() {
    let file = folder("capture").join("service.pcapng");
    let path = file.to_str().expect("a plain path");
    let ran = run(&["run", "--pcap", path, SERVICE]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let size = std::fs::metadata(&file).expect("written").len();
    assert!(size > 10_000, "{size} bytes");
    // tshark is the judge where it is installed; the checksums are also tested in vnet.
    let Ok(output) = Command::new("tshark")
        .args(["-r", path, "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"])
        .args(["-Y", "_ws.malformed || ip.checksum.status==0 || tcp.checksum.status==0 || udp.checksum.status==0"])
        .output()
    else {
        return;
    };
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.trim().is_empty(), "{said}");
}
