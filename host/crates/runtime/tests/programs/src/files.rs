//! What `std::fs` does, each claim an assertion.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};

pub fn all() {
    assert_eq!(fs::read_to_string("/etc/motd").unwrap(), "welcome\n");
    whole_files();
    open_modes();
    directories();
    links();
    renames();
    devices();
    mounts();
    println!("files: ok");
}

fn whole_files() {
    fs::write("/tmp/a", "one").unwrap();
    assert_eq!(fs::read("/tmp/a").unwrap(), b"one");
    assert_eq!(fs::metadata("/tmp/a").unwrap().len(), 3);
    assert!(fs::metadata("/tmp/a").unwrap().modified().is_ok());
    fs::copy("/tmp/a", "/tmp/b").unwrap();
    assert_eq!(fs::read("/tmp/b").unwrap(), b"one");
    fs::remove_file("/tmp/b").unwrap();
    assert_eq!(fs::read("/tmp/b").unwrap_err().kind(), ErrorKind::NotFound);
    assert!(
        fs::read("/tmp/a/b")
            .unwrap_err()
            .to_string()
            .starts_with("Not a directory")
    );
}

fn open_modes() {
    let mut file = OpenOptions::new().append(true).open("/tmp/a").unwrap();
    file.write_all(b" two").unwrap();
    assert_eq!(fs::read("/tmp/a").unwrap(), b"one two");
    let new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open("/tmp/a");
    assert_eq!(new.unwrap_err().kind(), ErrorKind::AlreadyExists);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/tmp/a")
        .unwrap();
    file.seek(SeekFrom::Start(4)).unwrap();
    file.write_all(b"2").unwrap();
    let mut rest = String::new();
    file.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "wo");
    file.set_len(5).unwrap();
    assert_eq!(fs::read("/tmp/a").unwrap(), b"one 2");
    File::create("/tmp/a").unwrap();
    assert_eq!(fs::read("/tmp/a").unwrap(), b"");
    // A file lives as long as it is open.
    fs::write("/tmp/open", "still here").unwrap();
    let mut file = File::open("/tmp/open").unwrap();
    fs::remove_file("/tmp/open").unwrap();
    let mut text = String::new();
    file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "still here");
}

fn directories() {
    fs::create_dir_all("/tmp/d/e").unwrap();
    fs::write("/tmp/d/x", "").unwrap();
    let mut names: Vec<_> = fs::read_dir("/tmp/d")
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            (
                entry.file_name().into_string().unwrap(),
                entry.file_type().unwrap().is_dir(),
            )
        })
        .collect();
    names.sort();
    assert_eq!(names, [("e".to_owned(), true), ("x".to_owned(), false)]);
    assert_eq!(
        fs::create_dir("/tmp/d").unwrap_err().kind(),
        ErrorKind::AlreadyExists
    );
    // std has no kind for this error on WASI.
    let refused = fs::remove_dir("/tmp/d").unwrap_err().to_string();
    assert!(refused.starts_with("Directory not empty"), "{refused}");
    assert!(fs::remove_file("/tmp/d").is_err());
    std::env::set_current_dir("/tmp/d/e").unwrap();
    fs::write("../y", "up").unwrap();
    assert_eq!(fs::read("/tmp/d/y").unwrap(), b"up");
    std::env::set_current_dir("/").unwrap();
    fs::remove_dir_all("/tmp/d").unwrap();
    assert!(!fs::exists("/tmp/d").unwrap());
}

fn links() {
    #[allow(deprecated)]
    fs::soft_link("/etc/motd", "/tmp/link").unwrap();
    assert_eq!(fs::read_to_string("/tmp/link").unwrap(), "welcome\n");
    fs::write("/tmp/one", "same").unwrap();
    fs::hard_link("/tmp/one", "/tmp/two").unwrap();
    fs::remove_file("/tmp/one").unwrap();
    assert_eq!(fs::read("/tmp/two").unwrap(), b"same");
    assert!(fs::symlink_metadata("/etc/greeting").unwrap().is_symlink());
    assert_eq!(
        fs::read_link("/etc/greeting").unwrap().to_str(),
        Some("motd")
    );
    assert_eq!(fs::read_to_string("/etc/greeting").unwrap(), "welcome\n");
}

fn renames() {
    fs::write("/tmp/from", "new").unwrap();
    fs::write("/tmp/to", "old").unwrap();
    fs::rename("/tmp/from", "/tmp/to").unwrap();
    assert_eq!(fs::read("/tmp/to").unwrap(), b"new");
    fs::create_dir("/tmp/dir").unwrap();
    assert!(fs::rename("/tmp/dir", "/tmp/dir/inside").is_err());
    fs::rename("/tmp/dir", "/tmp/moved").unwrap();
    assert!(fs::metadata("/tmp/moved").unwrap().is_dir());
}

fn devices() {
    fs::write("/dev/null", "gone").unwrap();
    assert_eq!(fs::read("/dev/null").unwrap(), b"");
    let mut zeros = [1; 8];
    File::open("/dev/zero")
        .unwrap()
        .read_exact(&mut zeros)
        .unwrap();
    assert_eq!(zeros, [0; 8]);
    let mut random = [0; 16];
    File::open("/dev/urandom")
        .unwrap()
        .read_exact(&mut random)
        .unwrap();
    assert_ne!(random, [0; 16]);
    OpenOptions::new()
        .write(true)
        .open("/dev/stdout")
        .unwrap()
        .write_all(b"out\n")
        .unwrap();
}

fn mounts() {
    assert_eq!(fs::read("/data/shared").unwrap(), b"1");
    let refused = fs::write("/data/shared", "2").unwrap_err();
    assert!(
        refused.to_string().starts_with("Read-only file system"),
        "{refused}"
    );
}

/// Writes until there is no space left.
pub fn fill() {
    let block = vec![7; 1 << 20];
    let mut file = File::create("/tmp/full").unwrap();
    for written in 0.. {
        if let Err(err) = file.write_all(&block) {
            println!("{written} MiB, then {err}");
            return;
        }
    }
}
