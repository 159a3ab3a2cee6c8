//! Which tags of the built-in images can be pulled, how large each is, and which release it means.
//!
//! Never makes an image. One program answers for every release: it calls itself by the release of
//! the tag, so that a rollout from `nginx:1.14.2` to `nginx:1.16.1` can be seen in its answers.

use super::guests;
use cluster::ImageInfo;

/// nginx' series and the last release of each.
const NGINX: [(&str, &str); 19] = [
    ("1.7", "1.7.9"),
    ("1.9", "1.9.1"),
    ("1.13", "1.13.12"),
    ("1.14", "1.14.2"),
    ("1.15", "1.15.12"),
    ("1.16", "1.16.1"),
    ("1.17", "1.17.10"),
    ("1.18", "1.18.0"),
    ("1.19", "1.19.10"),
    ("1.20", "1.20.2"),
    ("1.21", "1.21.6"),
    ("1.22", "1.22.1"),
    ("1.23", "1.23.4"),
    ("1.24", "1.24.0"),
    ("1.25", "1.25.5"),
    ("1.26", "1.26.3"),
    ("1.27", "1.27.5"),
    ("1.28", "1.28.0"),
    ("1.29", "1.29.0"),
];

/// Tags that move from release to release.
const MOVING: [&str; 3] = ["latest", "stable", "mainline"];

/// The release that the moving tags mean.
const CURRENT: &str = "1.27.5";

const BOX: u64 = guests::BOX_SIZE;
const NGINX_SIZE: u64 = BOX + guests::NGINX_SIZE + guests::CURL_SIZE;

/// The other images: their tags, and the size of the programs in them.
const OTHERS: [(&str, &[&str], u64); 9] = [
    ("bprashanth/nginxhttps", &["1.0"], NGINX_SIZE),
    ("bprinc/nginxhttps", &["1.0"], NGINX_SIZE),
    (
        "httpd",
        &["latest", "2", "2.4", "alpine", "2.4-alpine"],
        BOX + guests::NGINX_SIZE,
    ),
    (
        "busybox",
        &[
            "latest", "stable", "musl", "glibc", "1.28", "1.30", "1.31", "1.32", "1.33", "1.34",
            "1.35", "1.36", "1.37",
        ],
        BOX,
    ),
    (
        "alpine",
        &[
            "latest", "3", "3.16", "3.17", "3.18", "3.19", "3.20", "3.21", "3.22",
        ],
        BOX,
    ),
    (
        "radial/busyboxplus",
        &["latest", "curl"],
        BOX + guests::CURL_SIZE,
    ),
    (
        "curlimages/curl",
        &["latest", "8.9.1"],
        BOX + guests::CURL_SIZE,
    ),
    ("registry.k8s.io/coredns/coredns", &["latest"], 0),
    (
        "registry.k8s.io/ingress-nginx/controller",
        &["v1.10.1", "v1.11.5", "v1.12.1", "v1.13.3", "v1.14.0"],
        NGINX_SIZE,
    ),
];

/// Everything that can be pulled.
pub(super) fn inventory() -> impl Iterator<Item = ImageInfo> {
    let image = |name: String, size_bytes| ImageInfo { name, size_bytes };
    let nginx = nginx_tags().map(move |(tag, _)| image(format!("nginx:{tag}"), NGINX_SIZE));
    let others = OTHERS.iter().flat_map(move |(repository, tags, size)| {
        tags.iter()
            .map(move |tag| image(format!("{repository}:{tag}"), *size))
    });
    nginx.chain(others)
}

/// The release of nginx that a reference such as `nginx:1.22` means; the current one for a digest.
pub(super) fn nginx_release(reference: &str) -> &'static str {
    let reference = reference.split('@').next().unwrap_or(reference);
    let tag = reference.rsplit_once(':').map_or("latest", |(_, tag)| tag);
    nginx_tags()
        .find(|(known, _)| known == tag)
        .map_or(CURRENT, |(_, release)| release)
}

/// Every tag of nginx with the release it means; each also as `…-alpine`.
fn nginx_tags() -> impl Iterator<Item = (String, &'static str)> {
    let moving = MOVING.into_iter().map(|tag| (tag, CURRENT));
    let series = NGINX.into_iter();
    let exact = NGINX.into_iter().map(|(_, release)| (release, release));
    let named = moving.chain(series).chain(exact);
    let plain = named
        .clone()
        .map(|(tag, release)| (tag.to_owned(), release));
    let alpine = named.map(|(tag, release)| match tag {
        "latest" => ("alpine".to_owned(), release),
        tag => (format!("{tag}-alpine"), release),
    });
    plain.chain(alpine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_of_nginx_means_a_release() {
        for (reference, release) in [
            ("nginx", "1.27.5"),
            ("nginx:stable", "1.27.5"),
            ("nginx:alpine", "1.27.5"),
            ("nginx:1.14.2", "1.14.2"),
            ("docker.io/library/nginx:1.16", "1.16.1"),
            ("nginx:1.22-alpine", "1.22.1"),
            ("nginx@sha256:00", "1.27.5"),
        ] {
            assert_eq!(nginx_release(reference), release, "{reference}");
        }
    }

    #[test]
    fn a_tag_that_never_was_cannot_be_pulled() {
        let names: Vec<String> = inventory().map(|image| image.name).collect();
        assert!(names.contains(&"nginx:1.16.1".to_owned()));
        assert!(!names.contains(&"nginx:1.161".to_owned()));
        assert!(!names.contains(&"nginx:doesnotexist".to_owned()));
    }
}
