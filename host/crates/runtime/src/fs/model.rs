//! The file system against a model: a map from paths to what is there. Never looks inside.

use super::{FileError, Fs};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq)]
enum There {
    Dir,
    File(Vec<u8>),
}

#[derive(Clone, Debug)]
enum Act {
    Write(String, u8),
    Mkdir(String),
    Remove(String),
}

/// Everything below the root, by its path.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model(BTreeMap<String, There>);

impl Model {
    /// The directories above a path, the outermost first.
    fn above(path: &str) -> impl Iterator<Item = &str> {
        path.match_indices('/')
            .filter(|(at, _)| *at > 0)
            .map(|(at, _)| &path[..at])
    }

    fn make_way(&mut self, path: &str) -> Result<(), FileError> {
        for dir in Self::above(path) {
            match self.0.get(dir) {
                None => drop(self.0.insert(dir.to_owned(), There::Dir)),
                Some(There::Dir) => {}
                Some(There::File(_)) => return Err(FileError::NotDirectory),
            }
        }
        Ok(())
    }

    fn act(&mut self, act: &Act) -> Result<(), FileError> {
        match act {
            Act::Write(path, byte) => {
                self.make_way(path)?;
                if self.0.get(path) == Some(&There::Dir) {
                    return Err(FileError::IsDirectory);
                }
                self.0.insert(path.clone(), There::File(vec![*byte]));
            }
            Act::Mkdir(path) => {
                self.make_way(path)?;
                match self.0.get(path) {
                    Some(There::File(_)) => return Err(FileError::NotDirectory),
                    Some(There::Dir) => {}
                    None => drop(self.0.insert(path.clone(), There::Dir)),
                }
            }
            Act::Remove(path) => {
                for dir in Self::above(path) {
                    match self.0.get(dir) {
                        None => return Err(FileError::NoEntry),
                        Some(There::File(_)) => return Err(FileError::NotDirectory),
                        Some(There::Dir) => {}
                    }
                }
                let below = format!("{path}/");
                if self.0.keys().any(|other| other.starts_with(&below)) {
                    return Err(FileError::NotEmpty);
                }
                self.0.remove(path).ok_or(FileError::NoEntry)?;
            }
        }
        Ok(())
    }
}

fn act(fs: &Fs, act: &Act) -> Result<(), FileError> {
    match act {
        Act::Write(path, byte) => fs.write_file(path, &[*byte], 0o644),
        Act::Mkdir(path) => fs.mkdir_all(path),
        Act::Remove(path) => fs.remove(path),
    }
}

/// What a file system holds, as the model has it.
fn held(fs: &Fs) -> Model {
    let mut model = Model::default();
    let mut todo = vec![String::new()];
    while let Some(dir) = todo.pop() {
        for name in fs.list(&format!("{dir}/")).expect("it was listed") {
            let path = format!("{dir}/{name}");
            match fs.read_file(&path) {
                Ok(bytes) => drop(model.0.insert(path, There::File(bytes))),
                Err(_) => {
                    model.0.insert(path.clone(), There::Dir);
                    todo.push(path);
                }
            }
        }
    }
    model
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let path =
        prop::collection::vec("[abc]", 1..4).prop_map(|names| format!("/{}", names.join("/")));
    let act = (path, 0..3, any::<u8>()).prop_map(|(path, kind, byte)| match kind {
        0 => Act::Write(path, byte),
        1 => Act::Mkdir(path),
        _ => Act::Remove(path),
    });
    prop::collection::vec(act, 0..40)
}

fn follow(fs: &Fs, model: &mut Model, all: &[Act]) -> Result<(), TestCaseError> {
    for one in all {
        prop_assert_eq!(act(fs, one), model.act(one), "{:?}", one);
        prop_assert_eq!(&held(fs), &*model);
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_file_system_is_what_a_map_of_paths_would_be(all in acts()) {
        follow(&Fs::empty(0), &mut Model::default(), &all)?;
    }

    #[test]
    fn what_a_container_changes_neither_its_image_nor_another_container_sees(
        (first, second) in (acts(), acts()),
    ) {
        let (base, mut model) = (Fs::empty(0), Model::default());
        for one in &first {
            prop_assert_eq!(act(&base, one), model.act(one));
        }
        let image = base.to_image();
        follow(&Fs::new(&image, 0), &mut model.clone(), &second)?;
        prop_assert_eq!(held(&Fs::new(&image, 0)), model);
    }
}
