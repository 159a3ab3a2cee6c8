//! Which images a node has, how long a pull takes, and what a failed one says. Never downloads anything.

use crate::ImageInfo;
use clock::{Duration, Instant, Stream};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};

/// The images a registry would give.
#[derive(Debug)]
pub(crate) struct Registry {
    known: BTreeMap<String, ImageInfo>,
    /// Those that nobody can pull at present.
    missing: BTreeSet<String>,
}

/// The images one node has or is pulling, by canonical name, with the time they are there.
#[derive(Debug, Default)]
pub(crate) struct Local {
    present: BTreeMap<String, Instant>,
}

impl Registry {
    pub(crate) fn new(images: &[ImageInfo]) -> Self {
        Self {
            known: images
                .iter()
                .map(|image| (canonical(&image.name), image.clone()))
                .collect(),
            missing: BTreeSet::new(),
        }
    }

    /// What is known about an image, however it is written.
    pub(crate) fn find(&self, reference: &str) -> Option<&ImageInfo> {
        self.known.get(&canonical(reference))
    }

    /// An image that can be pulled now.
    pub(crate) fn offer(&self, reference: &str) -> Option<&ImageInfo> {
        self.find(reference)
            .filter(|_| !self.missing.contains(&canonical(reference)))
    }

    /// Takes an image from the registry, or puts it back; whether it was ever there.
    pub(crate) fn set_missing(&mut self, reference: &str, missing: bool) -> bool {
        let name = canonical(reference);
        let known = self.known.contains_key(&name);
        match missing {
            true => self.missing.insert(name),
            false => self.missing.remove(&name),
        };
        known
    }
}

impl Local {
    /// Whether the image is here.
    pub(crate) fn has(&self, reference: &str, now: Instant) -> bool {
        self.present
            .get(&canonical(reference))
            .is_some_and(|at| *at <= now)
    }

    /// Starts a pull, or joins one; when it will be done.
    pub(crate) fn pull(&mut self, image: &ImageInfo, now: Instant, draw: &mut Stream) -> Instant {
        let check = Duration::from_millis(draw.random_range(15..60));
        if let Some(at) = self.present.get(&canonical(&image.name)) {
            return (now + check).max(*at);
        }
        // A quick registry: half a second to begin, then 20 MB/s.
        let transfer =
            Duration::from_millis(400 + image.size_bytes / 20_000 + draw.random_range(0..200));
        let done = now + transfer;
        self.present.insert(canonical(&image.name), done);
        done
    }

    /// The images that are here, by canonical name.
    pub(crate) fn names(&self, now: Instant) -> impl Iterator<Item = &str> {
        self.present
            .iter()
            .filter(move |(_, at)| **at <= now)
            .map(|(name, _)| name.as_str())
    }
}

/// An image's full name: registry, repository and tag.
pub(crate) fn canonical(reference: &str) -> String {
    let (path, digest) = reference
        .split_once('@')
        .map_or((reference, None), |(path, digest)| (path, Some(digest)));
    let first = path.split('/').next().unwrap_or_default();
    let has_registry = path.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let full = if has_registry {
        path.to_owned()
    } else if path.contains('/') {
        format!("docker.io/{path}")
    } else {
        format!("docker.io/library/{path}")
    };
    let tagged = full
        .rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'));
    match digest {
        Some(digest) => format!("{full}@{digest}"),
        None if tagged => full,
        None => format!("{full}:latest"),
    }
}

/// What containerd says about an image that no registry has.
pub(crate) fn not_found(reference: &str) -> String {
    let full = canonical(reference);
    format!(
        "rpc error: code = NotFound desc = failed to pull and unpack image \"{full}\": \
         failed to resolve reference \"{full}\": {full}: not found"
    )
}

/// The image's id: its repository and a digest that is the same in every world.
pub(crate) fn id(reference: &str) -> String {
    let full = canonical(reference);
    let repository = full.split('@').next().unwrap_or_default();
    let repository = repository
        .rsplit_once(':')
        .map_or(repository, |(path, _)| path);
    format!("{repository}@sha256:{}", digest(&full))
}

/// 64 hexadecimal digits that follow from a text.
fn digest(text: &str) -> String {
    use rand::Rng;
    let mut stream = clock::Seed::new(0).stream(text);
    hex(&mut || stream.next_u64())
}

/// 64 hexadecimal digits from a source of numbers.
pub(crate) fn hex(next: &mut dyn FnMut() -> u64) -> String {
    (0..4).map(|_| format!("{:016x}", next())).collect()
}

/// A duration as Go prints it when cut to milliseconds: `411ms`, `1.2s`.
pub(crate) fn go_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let (whole, rest) = (millis / 1000, millis % 1000);
    let fraction = format!("{rest:03}");
    let fraction = fraction.trim_end_matches('0');
    let seconds = if fraction.is_empty() {
        format!("{}s", whole % 60)
    } else {
        format!("{}.{fraction}s", whole % 60)
    };
    if whole >= 60 {
        format!("{}m{seconds}", whole / 60)
    } else {
        seconds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_become_full_ones() {
        assert_eq!(canonical("nginx"), "docker.io/library/nginx:latest");
        assert_eq!(
            canonical("radial/busyboxplus:curl"),
            "docker.io/radial/busyboxplus:curl"
        );
        assert_eq!(
            canonical("registry.k8s.io/pause:3.10"),
            "registry.k8s.io/pause:3.10"
        );
        assert_eq!(canonical("localhost:5000/app"), "localhost:5000/app:latest");
    }

    #[test]
    fn an_unknown_image_is_refused_in_containerds_words() {
        assert_eq!(
            not_found("nosuch/image:9"),
            "rpc error: code = NotFound desc = failed to pull and unpack image \"docker.io/nosuch/image:9\": \
             failed to resolve reference \"docker.io/nosuch/image:9\": docker.io/nosuch/image:9: not found"
        );
    }

    #[test]
    fn durations_read_as_in_events() {
        assert_eq!(go_duration(Duration::from_millis(411)), "411ms");
        assert_eq!(go_duration(Duration::from_millis(1200)), "1.2s");
        assert_eq!(go_duration(Duration::from_millis(61_005)), "1m1.005s");
    }
}
