fn main() {
    for path in std::env::args().skip(1) {
        let text = std::fs::read_to_string(&path).unwrap();
        let dir = std::path::Path::new(&path).parent().unwrap().to_owned();
        let (lab, findings) = lesson::Lab::parse(&path, &text, &mut |file| {
            std::fs::read_to_string(dir.join(file)).ok()
        });
        for f in &findings {
            println!("{f}");
        }
        println!("{path}: {}", if lab.is_some() { "ok" } else { "broken" });
    }
}
