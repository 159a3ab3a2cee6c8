use lesson::Lab;

/// The lessons of the repository and the files beside them, as they are in it.
macro_rules! beside {
    ($($name:literal),*) => {
        |path: &str| match path {
            $($name => Some(include_str!(concat!("../../../../../labs/", $name)).to_owned()),)*
            _ => None,
        }
    };
}

#[test]
fn every_lesson_reads_without_a_finding() {
    let lessons = [
        (
            "labs/03-service.yaml",
            include_str!("../../../../../labs/03-service.yaml"),
        ),
        (
            "labs/06-names.yaml",
            include_str!("../../../../../labs/06-names.yaml"),
        ),
        (
            "labs/07-balance.yaml",
            include_str!("../../../../../labs/07-balance.yaml"),
        ),
    ];
    let mut beside = beside!(
        "files/run-my-nginx.yaml",
        "files/nginx-svc.yaml",
        "files/decoy.yaml",
        "files/probe.yaml",
        "files/web.yml",
        "files/shell.yml",
        "files/service-web.yml"
    );
    for (source, text) in lessons {
        let (lab, findings) = Lab::parse(source, text, &mut beside);
        let told: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert!(told.is_empty() && lab.is_some(), "{}", told.join("\n"));
    }
}
