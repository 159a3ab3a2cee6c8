//! Claims about files as the host sees them.

use super::*;

fn image() -> Image {
    let fs = Fs::empty(7);
    fs.write_file("/etc/motd", b"welcome", 0o644)
        .expect("an empty file system");
    fs.symlink("/etc/greeting", "motd")
        .expect("an empty file system");
    fs.symlink("/loop", "/loop").expect("an empty file system");
    fs.to_image()
}

#[test]
fn what_one_container_writes_no_other_sees() {
    let image = image();
    let (one, other) = (Fs::new(&image, 8), Fs::new(&image, 8));
    one.write_file("/etc/motd", b"changed", 0o644)
        .expect("room");
    one.write_file("/new", b"x", 0o644).expect("room");
    assert_eq!(one.read_file("/etc/motd"), Ok(b"changed".to_vec()));
    assert_eq!(other.read_file("/etc/motd"), Ok(b"welcome".to_vec()));
    assert_eq!(other.kind("/new"), None);
}

#[test]
fn links_are_followed_until_they_turn_in_circles() {
    let fs = Fs::new(&image(), 0);
    assert_eq!(fs.read_file("/etc/greeting"), Ok(b"welcome".to_vec()));
    assert_eq!(
        fs.read_file("/etc/../etc/./greeting"),
        Ok(b"welcome".to_vec())
    );
    assert_eq!(fs.read_file("/loop"), Err(FileError::Loop));
    assert_eq!(fs.read_file("/etc/motd/x"), Err(FileError::NotDirectory));
}

#[test]
fn two_containers_share_a_volume_and_one_may_not_write() {
    let image = image();
    let volume = Fs::empty(0);
    let (writer, reader) = (Fs::new(&image, 0), Fs::new(&image, 0));
    writer
        .mount("/data", &volume, false)
        .expect("a new directory");
    reader
        .mount("/var/data", &volume, true)
        .expect("a new directory");
    writer.write_file("/data/a", b"1", 0o644).expect("room");
    assert_eq!(reader.read_file("/var/data/a"), Ok(b"1".to_vec()));
    assert_eq!(reader.read_file("/var/data/../data/a"), Ok(b"1".to_vec()));
    assert_eq!(
        reader.write_file("/var/data/a", b"2", 0o644),
        Err(FileError::ReadOnly)
    );
}

#[test]
fn directories_are_removed_only_when_empty() {
    let fs = Fs::new(&image(), 0);
    assert_eq!(fs.remove("/etc"), Err(FileError::NotEmpty));
    fs.remove("/etc/motd").expect("a file");
    fs.remove("/etc/greeting").expect("a link");
    fs.remove("/etc").expect("empty now");
    assert_eq!(fs.list("/"), Ok(vec!["loop".to_owned()]));
}
