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

#[test]
fn a_directory_of_a_volume_is_shown_and_not_the_rest_of_it() {
    let volume = Fs::empty(0);
    volume.write_file("/secret", b"no", 0o644).expect("room");
    let fs = Fs::new(&image(), 0);
    fs.mount_dir("/data", &volume, "a/b", false)
        .expect("a new directory");
    fs.write_file("/data/x", b"1", 0o644).expect("room");
    assert_eq!(volume.read_file("/a/b/x"), Ok(b"1".to_vec()));
    assert_eq!(fs.list("/data"), Ok(vec!["x".to_owned()]));
    assert_eq!(fs.read_file("/data/../etc/motd"), Ok(b"welcome".to_vec()));
    assert_eq!(fs.remove("/data"), Err(FileError::Busy));
}

#[test]
fn a_frozen_root_takes_nothing_and_its_mounts_do() {
    let (volume, fs) = (Fs::empty(0), Fs::new(&image(), 0));
    fs.mount("/data", &volume, false).expect("a new directory");
    fs.make_read_only();
    assert_eq!(fs.write_file("/x", b"1", 0o644), Err(FileError::ReadOnly));
    assert_eq!(fs.remove("/etc/motd"), Err(FileError::ReadOnly));
    fs.write_file("/data/x", b"1", 0o644).expect("a mount");
}

#[test]
fn replacing_all_files_leaves_no_other_and_no_empty_directory() {
    let fs = Fs::empty(0);
    for path in ["/old", "/dir/old", "/dir/kept", "/gone/deep/old"] {
        fs.write_file(path, b"1", 0o644).expect("room");
    }
    fs.replace_all([
        ("dir/kept", &b"2"[..], 0o600),
        ("new/file", &b"3"[..], 0o644),
    ])
    .expect("room");
    assert_eq!(fs.list("/"), Ok(vec!["dir".to_owned(), "new".to_owned()]));
    assert_eq!(fs.list("/dir"), Ok(vec!["kept".to_owned()]));
    assert_eq!(fs.read_file("/dir/kept"), Ok(b"2".to_vec()));
    assert_eq!(fs.mode("/dir/kept"), Ok(0o600));
}
